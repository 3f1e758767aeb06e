package webhook

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func backOf(t *testing.T, payload []byte) Message {
	t.Helper()
	var back Message
	if err := json.Unmarshal(payload, &back); err != nil {
		t.Fatalf("%v: %.200s", err, payload)
	}
	return back
}

// What is included is there as it is, in its order; what is not asked for is not, and
// what is empty is there.
func TestPayloadIncludes(t *testing.T) {
	text := "one\n\ttwo\x1b\n"
	in := Included{
		Headers: []HeaderField{{"Received", "by one"}, {"Received", "by two"}, {"Subject", "Grüße"}}, Text: &text,
		Attachments: []Attachment{{Name: "a.pdf", Type: "application/pdf", Size: 5, Inline: true}},
	}
	back := backOf(t, Payload(Message{Included: in}))
	if !reflect.DeepEqual(back.Headers, in.Headers) || *back.Text != "one\ntwo\n" || !reflect.DeepEqual(back.Attachments, in.Attachments) || back.Truncated != nil {
		t.Errorf("%+v", back.Included)
	}
	empty := ""
	out := string(Payload(Message{Included: Included{Headers: []HeaderField{}, Text: &empty, Attachments: []Attachment{}}}))
	for _, want := range []string{`"headers":[]`, `"text":""`, `"attachments":[]`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s lacks %s", out, want)
		}
	}
	if out := string(Payload(Message{})); strings.Contains(out, "headers") || strings.Contains(out, "text") || strings.Contains(out, "attachments") || strings.Contains(out, "raw") {
		t.Errorf("%s", out)
	}
}

// What is included is cut to limits of its own, says so, and takes nothing from the
// rest of the document.
func TestPayloadCutsWhatIsIncluded(t *testing.T) {
	for name, s := range map[string]string{"plain": "x", "escapes": "<\u2028", "control": "\x00", "broken": "\xff"} {
		long := strings.Repeat(s, 300_000)
		m := Message{Subject: strings.Repeat("s", 900), Included: Included{Text: &long}}
		for range 500 {
			m.Headers = append(m.Headers, HeaderField{"X-" + s, long[:9000]})
			m.Attachments = append(m.Attachments, Attachment{Name: long[:1000], Type: "text/plain"})
		}
		out := Payload(m)
		back := backOf(t, out)
		if sizeOf(back.Headers) > MaxHeaders || sizeOf(back.Text) > MaxText || sizeOf(back.Attachments) > MaxAttachments || len(out) > MaxPayload+MaxHeaders+MaxText+MaxAttachments+200 {
			t.Errorf("%s: %d, %d and %d of %d bytes", name, sizeOf(back.Headers), sizeOf(back.Text), sizeOf(back.Attachments), len(out))
		}
		if back.Subject != m.Subject || len(back.Headers) == 0 {
			t.Errorf("%s: %d bytes of the subject, %d fields", name, len(back.Subject), len(back.Headers))
		}
		if full := sizeOf(back.Text) > MaxText*9/10; name != "control" && name != "broken" && (!full || !reflect.DeepEqual(back.Truncated, []string{"headers", "text", "attachments"})) {
			t.Errorf("%s: %d bytes of text, truncated %q", name, sizeOf(back.Text), back.Truncated)
		}
	}
}

func TestRawIsAddedToADocument(t *testing.T) {
	raw := []byte("From: a\r\n\r\n\x00\xff<&>")
	payload := Payload(Message{ID: "msg_1"})
	before := bytes.Clone(payload)
	for _, truncated := range []bool{false, true} {
		out := WithRaw(payload, raw, truncated)
		back := backOf(t, out)
		if !bytes.Equal(back.Raw, raw) || back.RawTruncated != truncated || back.ID != "msg_1" || strings.Contains(string(out), "raw_truncated") != truncated {
			t.Errorf("%s", out)
		}
	}
	if back := backOf(t, WithoutRaw(payload)); !back.RawDropped || back.Raw != nil || back.ID != "msg_1" {
		t.Errorf("%+v", back)
	}
	if back := backOf(t, WithRaw([]byte(" {} "), raw, false)); !bytes.Equal(back.Raw, raw) {
		t.Errorf("%+v", back)
	}
	if !bytes.Equal(payload, before) {
		t.Error("the document was changed")
	}
}
