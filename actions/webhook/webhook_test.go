package webhook

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
)

func send(t *testing.T, secret string, handler http.HandlerFunc) Result {
	t.Helper()
	srv := httptest.NewServer(handler)
	defer srv.Close()
	to := Endpoint{URL: srv.URL + "/hook?token=hush"}
	if secret != "" {
		to.Secrets = [][]byte{[]byte(secret)}
	}
	return NewClient("test").Send(context.Background(), to, "msg_1", time.Unix(1, 0), []byte(`{}`))
}

func TestOnly2xxIsSuccess(t *testing.T) {
	for _, c := range []struct {
		status    int
		ok, retry bool
	}{{200, true, false}, {204, true, false}, {301, false, true}, {404, false, true}, {410, false, false}, {500, false, true}} {
		followed := false
		r := send(t, "", func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/elsewhere" {
				followed = true
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
		})
		if (r.Err == nil) != c.ok || r.Retry != c.retry || r.Status != c.status || followed {
			t.Errorf("%d: %+v, followed = %v", c.status, r, followed)
		}
	}
}

func TestHeadersAndBody(t *testing.T) {
	r := send(t, "secret", func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if string(body) != "{}" || req.Header.Get("Webhook-Id") != "msg_1" || req.Header.Get("Webhook-Timestamp") != "1" ||
			!strings.HasPrefix(req.Header.Get("Webhook-Signature"), "v1,") || req.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(400)
		}
		w.Header().Set("Retry-After", "7")
	})
	if r.Err != nil || r.RetryAfter != 7*time.Second {
		t.Errorf("%+v", r)
	}
}

func TestErrorsDoNotShowTheURL(t *testing.T) {
	r := NewClient("test").Send(context.Background(), Endpoint{URL: "http://user:hush@127.0.0.1:1/hush?hush"}, "msg_1", time.Now(), nil)
	if r.Err == nil || strings.Contains(r.Err.Error(), "hush") || !r.Retry {
		t.Errorf("%+v", r)
	}
	r = NewClient("test").Send(context.Background(), Endpoint{URL: "http://hush\x7f"}, "msg_1", time.Now(), nil)
	if r.Err == nil || strings.Contains(r.Err.Error(), "hush") || !r.Retry {
		t.Errorf("%+v", r)
	}
	r = send(t, "whsec_hush!", func(http.ResponseWriter, *http.Request) { t.Error("sent without a signature") })
	if r.Err == nil || strings.Contains(r.Err.Error(), "hush") || !r.Retry {
		t.Errorf("%+v", r)
	}
}

func TestGone(t *testing.T) {
	for status, want := range map[int]bool{410: true, 404: false, 500: false, 200: false} {
		if r := send(t, "", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }); r.Gone != want {
			t.Errorf("%d: %+v", status, r)
		}
	}
}

func TestAnswerIsCutAndClean(t *testing.T) {
	r := send(t, "", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, "\x1b]0;title\x07\xff"+strings.Repeat("x", 1<<20))
	})
	if !strings.HasPrefix(r.Body, "]0;title\uFFFDxxx") || len(r.Body) > maxAnswer {
		t.Errorf("%d bytes: %.40q", len(r.Body), r.Body)
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("sent") }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	r := NewClient("test").Send(context.Background(), Endpoint{URL: srv.URL}, "msg_1", time.Now(), nil)
	if r.Err == nil || !strings.Contains(r.Err.Error(), "certificate") || !r.Retry {
		t.Errorf("%+v", r)
	}
}

// hanging is a receiver that never answers.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestDeadReceiverIsGivenUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClient("test")
		c.transports.build = func(Endpoint, *net.Resolver) http.RoundTripper { return hanging{} }
		began := time.Now()
		r := c.Send(t.Context(), Endpoint{URL: "http://example.org/hush"}, "msg_1", began, nil)
		if took := time.Since(began); took != Timeout || r.Err == nil || !r.Retry || strings.Contains(r.Err.Error(), "hush") {
			t.Errorf("after %v: %+v", took, r)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for v, want := range map[string]time.Duration{
			"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "99999999": 24 * time.Hour, "99999999999": 0,
			"Sat, 01 Jan 2000 00:02:00 GMT": 2 * time.Minute, "Fri, 31 Dec 1999 00:00:00 GMT": 0,
			"Mon, 01 Jan 2035 00:00:00 GMT": 24 * time.Hour,
		} {
			if got := retryAfter(v); got != want {
				t.Errorf("%q: %v, want %v", v, got, want)
			}
		}
	})
}

// The document's field names are its interface.
func TestPayload(t *testing.T) {
	sent := time.Date(2026, 2, 1, 9, 0, 0, 0, time.FixedZone("", 3600))
	got := Payload(Message{
		ID: "msg_1", Rule: "invoices", Account: "home", Mailbox: "INBOX", UIDValidity: 7, UID: 42,
		From: []Address{{Name: "Ann", Address: "ann@example.org"}}, To: []Address{{Address: "bob@example.net"}},
		Subject: "Hello\r\nBcc: x", Sent: sent, Received: sent.UTC(), MessageID: "<1@example.org>", Size: 4711,
		Flags: []string{`\Seen`}, Planned: []string{"move: Accounting"},
	})
	want := `{"version":1,"id":"msg_1","rule":"invoices","account":"home","mailbox":"INBOX","uidvalidity":7,"uid":42,` +
		`"from":[{"name":"Ann","address":"ann@example.org"}],"to":[{"address":"bob@example.net"}],"subject":"HelloBcc: x",` +
		`"sent":"2026-02-01T09:00:00+01:00","received":"2026-02-01T08:00:00Z","message_id":"\u003c1@example.org\u003e",` +
		`"size":4711,"flags":["\\Seen"],"planned":["move: Accounting"]}`
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	empty := `{"version":1,"id":"","rule":"","account":"","mailbox":"","uidvalidity":0,"uid":0,"from":[],"to":[],"subject":"",` +
		`"received":"0001-01-01T00:00:00Z","message_id":"","size":0,"flags":[],"planned":[]}`
	if got := string(Payload(Message{})); got != empty {
		t.Errorf("\n got %s\nwant %s", got, empty)
	}
}

// FuzzPayload fills every field with what a hostile sender may write.
func FuzzPayload(f *testing.F) {
	f.Add("Hello", 3, int64(0), 0)
	f.Add("<\u2028\x00\xff\"", 500, int64(1)<<60, 100*3600)
	f.Fuzz(func(t *testing.T, s string, n int, unix int64, offset int) {
		s = strings.Repeat(s, max(0, min(n, 3000)))
		m := Message{ID: "msg_1", Rule: s, Account: s, Mailbox: s, Subject: s, MessageID: s,
			Sent: time.Unix(unix, 0).In(time.FixedZone("", offset)), Received: time.Unix(unix, 0)}
		for range min(max(0, n), 100) {
			m.From, m.To = append(m.From, Address{s, s}), append(m.To, Address{s, s})
			m.Flags, m.Planned = append(m.Flags, s), append(m.Planned, s)
			m.Headers, m.Attachments = append(m.Headers, HeaderField{s, s}), append(m.Attachments, Attachment{Name: s, Type: s})
		}
		most := MaxPayload
		if n%2 == 1 {
			m.Text = &s
		}
		if m.Text != nil || m.Headers != nil {
			most += MaxHeaders + MaxText + MaxAttachments + 200
		}
		out := Payload(m)
		var back Message
		if err := json.Unmarshal(out, &back); err != nil || len(out) > most || back.ID != m.ID {
			t.Fatalf("%d bytes, id %q, %v", len(out), back.ID, err)
		}
		if strings.ContainsFunc(back.Subject+back.Mailbox+back.Rule, unicode.IsControl) {
			t.Errorf("control characters in %q", back.Subject)
		}
	})
}

func TestPayloadIsBoundedAndClean(t *testing.T) {
	long := strings.Repeat("\x1b[31mé\u202e", 5000)
	m := Message{Subject: long, MessageID: long, Mailbox: long, Sent: time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC)}
	for range 500 {
		m.From = append(m.From, Address{Name: long, Address: long})
		m.To = append(m.To, Address{Name: long, Address: long})
		m.Flags = append(m.Flags, long)
		m.Planned = append(m.Planned, long)
	}
	out := Payload(m)
	var back Message
	if err := json.Unmarshal(out, &back); err != nil {
		t.Fatal(err)
	}
	if len(out) > 20_000 || strings.Contains(string(out), `\u001b`) {
		t.Errorf("%d bytes", len(out))
	}
}
