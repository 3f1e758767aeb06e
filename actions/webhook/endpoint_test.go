package webhook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestRequestComesFromTheConfiguration(t *testing.T) {
	for _, method := range []string{"", "POST", "PUT", "PATCH", "GET"} {
		var got *http.Request
		var body []byte
		srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			got = req
			body, _ = io.ReadAll(req.Body)
		}))
		to := Endpoint{URL: srv.URL, Method: method, ContentType: "text/plain; charset=utf-8", Headers: map[string]string{"authorization": "Bearer x", "X-A": "ü"}}
		r := NewClient("test").Send(t.Context(), to, "msg_1", time.Unix(1, 0), []byte("hello"))
		srv.Close()
		want, payload, kind := method, "hello", to.ContentType
		if method == "" {
			want = "POST"
		}
		if method == "GET" {
			payload, kind = "", ""
		}
		if r.Err != nil || got.Method != want || string(body) != payload || got.Header.Get("Content-Type") != kind ||
			got.Header.Get("Authorization") != "Bearer x" || got.Header.Get("X-A") != "ü" || got.Header.Get("User-Agent") != "imapilot/test" ||
			got.Header.Get("Webhook-Id") != "msg_1" {
			t.Errorf("%q: %+v, %s %v %q", method, r, got.Method, got.Header, body)
		}
	}
}

// A receiver verifies what it got, and with a GET it got no body.
func TestGetIsSignedOverNoBody(t *testing.T) {
	var got http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { got = req.Header }))
	defer srv.Close()
	to := Endpoint{URL: srv.URL, Method: "GET", Secrets: [][]byte{[]byte("key")}}
	NewClient("test").Send(t.Context(), to, "msg_1", time.Unix(1, 0), []byte("hello"))
	if want, _ := signature([]byte("key"), []byte("msg_1.1.")); got.Get("webhook-signature") != want {
		t.Errorf("%q, want %q", got.Get("webhook-signature"), want)
	}
}

func TestCheckHeader(t *testing.T) {
	for _, name := range []string{
		"webhook-id", "Webhook-Signature", "WEBHOOK-X", "host", "Content-Length", "content-type", "Transfer-Encoding", "Connection",
		"TE", "Trailer", "Upgrade", "Expect", "Proxy-Authorization", "User-Agent", "Accept-Encoding", "Keep-Alive",
	} {
		if err := CheckHeader(name, "hush"); err == nil || !strings.Contains(err.Error(), "own") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "a b", "a:", "ä", "a\r\nHost", "a\x00"} {
		if err := CheckHeader(name, "x"); err == nil || !strings.Contains(err.Error(), "not the name") {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, value := range []string{"hush\r\nHost: x", "hush\n", "\x00", "a\tb", "\x7f", "a\u0085", strings.Repeat("x", maxHeader+1)} {
		if err := CheckHeader("X-A", value); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%.20q: %v", value, err)
		}
	}
	for name, value := range map[string]string{"Authorization": "Bearer abc", "X-Gotify-Key": "", "Cookie": "a=b", "X-A": "ü"} {
		if err := CheckHeader(name, value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckEndpoint(t *testing.T) {
	many := map[string]string{}
	for i := range maxHeaders + 1 {
		many["X-"+strings.Repeat("a", i)] = ""
	}
	for want, e := range map[string]Endpoint{
		"URL":            {URL: "ftp://example.org/"},
		"URL of the":     {URL: "http:///x"},
		"method":         {Method: "DELETE"},
		"method \"post":  {Method: "post"},
		"content type":   {ContentType: "a\nb"},
		"own":            {Headers: map[string]string{"Host": "x"}},
		"twice":          {Headers: map[string]string{"X-A": "1", "x-a": "2"}},
		"33 headers":     {Headers: many},
		"secret":         {Secrets: [][]byte{[]byte("a"), nil}},
		"not let out: t": {Egress: Confined},
	} {
		if e.URL == "" {
			e.URL = "http://example.org/"
		}
		if err := e.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if r := NewClient("test").Send(t.Context(), e, "msg_1", time.Now(), nil); r.Err == nil || !strings.Contains(r.Err.Error(), want) || r.Status != 0 {
			t.Errorf("%+v, want %q", r, want)
		}
	}
	if err := (Endpoint{URL: "http://127.0.0.1:1/"}).Check(); err != nil {
		t.Error(err)
	}
}

// FuzzCheckHeader: what is taken makes one line of the request, as it is.
func FuzzCheckHeader(f *testing.F) {
	f.Add("X-A", "b")
	f.Add("a\r\nHost", "x\r\n\r\n")
	f.Fuzz(func(t *testing.T, name, value string) {
		if CheckHeader(name, value) != nil {
			return
		}
		var out strings.Builder
		h := http.Header{}
		h.Set(name, value)
		if err := h.Write(&out); err != nil || out.String() != http.CanonicalHeaderKey(name)+": "+strings.Trim(value, " ")+"\r\n" {
			t.Errorf("%q: %q makes %q", name, value, out.String())
		}
	})
}
