package unsubscribe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"imapilot/actions/webhook"
)

// receiver answers with a status, and keeps what it was sent.
type receiver struct {
	*httptest.Server
	status int
	got    []*http.Request
	bodies []string
}

func newReceiver(t *testing.T, status int) *receiver {
	r := &receiver{status: status}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.got, r.bodies = append(r.got, req), append(r.bodies, string(body))
		w.Header().Set("Location", "https://shop.example.com/elsewhere")
		w.Header().Set("Retry-After", "60")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

// transport sends what Do asks for to the receiver, whatever the host, and
// stands in for what a public receiver would be.
type transport struct {
	t *testing.T
	*receiver
}

func (s transport) Send(ctx context.Context, to webhook.Endpoint, _ string, _ time.Time, payload []byte) webhook.Result {
	if err := to.Check(); err != nil || to.Egress != webhook.Confined {
		s.t.Errorf("%+v: %v", to, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(payload))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", to.ContentType)
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
	}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	r := webhook.Result{Status: resp.StatusCode, RetryAfter: time.Minute}
	if resp.StatusCode/100 != 2 {
		r.Err, r.Retry = errors.New("refused"), resp.StatusCode != http.StatusGone
	}
	return r
}

func verified(t *testing.T, url string) Offer {
	s := newSigner(t, "shop.example.com")
	o, err := s.verify(s.sign(offering("<"+url+">"), "shop.example.com", nil))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestDoPostsOneClick(t *testing.T) {
	srv := newReceiver(t, 200)
	r := Do(t.Context(), transport{t, srv}, verified(t, "https://www.example.com/u?t=hush"), "unsub_1")
	if r.Err != nil || r.Status != 200 || r.Retry || len(srv.got) != 1 {
		t.Fatalf("%+v, %d requests", r, len(srv.got))
	}
	req := srv.got[0]
	if req.Method != "POST" || req.RequestURI != "/u?t=hush" || srv.bodies[0] != "List-Unsubscribe=One-Click" ||
		req.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || req.Header.Get("Cookie") != "" {
		t.Errorf("%s %s %v %q", req.Method, req.RequestURI, req.Header, srv.bodies[0])
	}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	for status, retry := range map[int]bool{
		204: false, 302: false, 307: false, 400: false, 401: false, 404: false, 405: false, 410: false,
		408: true, 425: true, 429: true, 500: true, 502: true, 503: true,
	} {
		srv := newReceiver(t, status)
		r := Do(t.Context(), transport{t, srv}, verified(t, "https://www.example.com/u"), "unsub_1")
		if r.Status != status || r.Retry != retry || (r.Err == nil) != (status == 204) || len(srv.got) != 1 || r.RetryAfter != time.Minute {
			t.Errorf("%d: %+v, %d requests", status, r, len(srv.got))
		}
	}
}

// The real client refuses the receiver because it is on this machine.
func TestDoIsConfined(t *testing.T) {
	srv := newReceiver(t, 200)
	c := webhook.NewClient("test")
	defer c.Close()
	for _, url := range []string{"https://127.0.0.1/u?t=hush", "https://[::1]/u?t=hush", "https://localhost/u?t=hush"} {
		r := Do(t.Context(), c, verified(t, url), "unsub_1")
		if !errors.Is(r.Err, webhook.ErrEgress) || r.Retry || r.Status != 0 || !strings.Contains(r.Err.Error(), "is not a public address") || strings.Contains(r.Err.Error(), "hush") {
			t.Errorf("%s: %+v", url, r)
		}
	}
	// Its own port is refused as well, and before it connects.
	r := Do(t.Context(), c, Offer{claim: Claim{URL: srv.URL}}, "unsub_1")
	if !errors.Is(r.Err, webhook.ErrEgress) || !strings.Contains(r.Err.Error(), "port 443") || len(srv.got) != 0 {
		t.Errorf("%+v, %d requests", r, len(srv.got))
	}
}

func TestDoWithoutAnOffer(t *testing.T) {
	srv := newReceiver(t, 200)
	if r := Do(t.Context(), transport{t, srv}, Offer{}, "unsub_1"); !errors.Is(r.Err, ErrNoOffer) || r.Retry || len(srv.got) != 0 {
		t.Errorf("%+v, %d requests", r, len(srv.got))
	}
}

func TestDoStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := Do(ctx, webhook.NewClient("test"), verified(t, "https://192.0.2.1/u"), "unsub_1")
	if !errors.Is(r.Err, context.Canceled) || !r.Retry {
		t.Errorf("%+v", r)
	}
}
