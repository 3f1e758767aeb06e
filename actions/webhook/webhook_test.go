package webhook

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The example of the Standard Webhooks specification's libraries.
func TestSignatureMatchesTheStandard(t *testing.T) {
	h := http.Header{}
	err := sign(h, []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "msg_p5jXN8AQM9LWM0D4loKWxJek",
		time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := h.Get("webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature = %q, want %q", got, want)
	}
}

func send(t *testing.T, secret string, handler http.HandlerFunc) Result {
	t.Helper()
	srv := httptest.NewServer(handler)
	defer srv.Close()
	return NewClient("test").Send(context.Background(), Endpoint{URL: srv.URL + "/hook?token=hush", Secret: []byte(secret)},
		"msg_1", time.Unix(1, 0), []byte(`{}`))
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
	if r.Err == nil || strings.Contains(r.Err.Error(), "hush") || r.Retry {
		t.Errorf("%+v", r)
	}
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

func TestNextGrowsWithinADay(t *testing.T) {
	var sum, last time.Duration
	for n := 1; n < 12; n++ {
		d := Next(n, 0)
		if d < last || Next(n, 1) > d+d/5 {
			t.Errorf("attempt %d waits %v after %v", n, d, last)
		}
		sum, last = sum+d, d
	}
	if sum > 24*time.Hour {
		t.Errorf("ten retries take %v", sum)
	}
}
