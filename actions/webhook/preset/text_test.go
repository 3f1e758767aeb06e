package preset

import (
	"strings"
	"testing"

	"imapilot/actions/webhook"
)

func TestClip(t *testing.T) {
	for _, c := range []struct {
		in    string
		size  int
		count unit
		spell spelling
		want  string
	}{
		{"abc", 3, octets, plain, "abc"},
		{"abcdef", 5, octets, plain, "ab…"},
		{"abcdef", 5, characters, plain, "abcd…"},
		{"äöü", 5, octets, plain, "ä…"},
		{"\U0001F600\U0001F600", 4, characters, plain, "\U0001F600\U0001F600"},
		{"\U0001F600\U0001F600", 3, characters, plain, "\U0001F600…"},
		{"a&&", 7, characters, slackSpelling, "a&amp;…"},
		{"a&&", 6, characters, slackSpelling, "a…"},
		{"**", 3, characters, backslash("*"), `\*…`},
		{"", 0, octets, plain, ""},
	} {
		if got := clip(c.in, c.size, c.count, c.spell); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.in, c.size, got, c.want)
		}
	}
}

func TestNoteHasDefaults(t *testing.T) {
	m := webhook.Message{Subject: "Re:  a\r\n b", Account: "home", Mailbox: "Lists/x", From: []webhook.Address{{Name: "Ann\n", Address: "ann@example.org"}, {Address: "b@example.org"}}}
	n := Note{Title: " \u200b ", Body: "\u200d\n", Message: m}
	if n.title() != "Re: a b" || n.body() != "From: Ann <ann@example.org>\nIn: home/Lists/x" {
		t.Errorf("%q, %q", n.title(), n.body())
	}
	n = Note{Title: "T", Body: "one\r\ntwo\x00\u202e\u2028\xff", Message: m}
	if n.title() != "T" || n.body() != "one\ntwo\n\uFFFD" {
		t.Errorf("%q, %q", n.title(), n.body())
	}
	if n = (Note{}); n.title() != "(no subject)" || n.body() != "" || n.required() != "(no subject)" {
		t.Errorf("%q, %q, %q", n.title(), n.body(), n.required())
	}
}

func TestUnmention(t *testing.T) {
	for in, want := range map[string]string{
		"ann@example.org": "ann@example.org", "@all": "@\u200ball", "(@all)": "(@\u200ball)", "a @": "a @\u200b", "a@@all": "a@@\u200ball", "none": "none", "_@all": "_@\u200ball",
	} {
		if got := unmention(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A link that would take half of the text is left out, not cut.
func TestLinkIsWholeOrNotThere(t *testing.T) {
	link := "https://example.org/?" + strings.Repeat("&", 500)
	call, err := Make("slack", Settings{URL: "https://example.org"}, Note{Title: "T", Body: strings.Repeat("b", 5000), Link: link})
	if err != nil || strings.Contains(string(call.Body), "example.org") || strings.Contains(string(call.Body), "amp;") {
		t.Errorf("%v, %.200s", err, call.Body)
	}
}

// Only the companion app is given what only it understands.
func TestHomeAssistantDataIsForTheApp(t *testing.T) {
	s := Settings{URL: "https://example.org", Token: "a", To: "persistent_notification"}
	call, err := Make("homeassistant", s, Note{Title: "T", Body: "b b", Link: "https://example.org/"})
	if want := `{"title":"T","message":"b b"}`; err != nil || string(call.Body) != want {
		t.Errorf("%s, %v; want %s", call.Body, err, want)
	}
}

// Six bytes for one would cost the half of a short message.
func TestEncodeSavesBytes(t *testing.T) {
	if got := string(encode("<&>")); got != `"<&>"` {
		t.Error(got)
	}
}

// The server refuses a message with any other sequence id.
func TestNtfySequenceIsANameForIt(t *testing.T) {
	call, err := Make("ntfy", Settings{To: "a"}, Note{Message: webhook.Message{ID: "a.b"}})
	if err != nil || strings.Contains(string(call.Body), "sequence_id") || call.URL != "https://ntfy.sh/" {
		t.Errorf("%s to %s, %v", call.Body, call.URL, err)
	}
}

func TestServerMayEndInASlash(t *testing.T) {
	call, err := Make("gotify", Settings{URL: "https://example.org/push/", Token: "a"}, Note{})
	if err != nil || call.URL != "https://example.org/push/message" {
		t.Errorf("%q, %v", call.URL, err)
	}
}
