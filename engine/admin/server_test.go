package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func fixture() Pages {
	return Pages{
		Healthy: func() []string { return nil },
		Ready: func() ([]string, any) {
			return []string{"home/INBOX: stale\x1b[2J"}, map[string]any{"ready": false}
		},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "imapilot_ready 0") }),
		Status:  func(context.Context) (any, error) { return map[string]any{"version": "test"}, nil },
	}
}

// open listens on a free port and returns the address.
func open(t *testing.T, o Options) (*Server, string) {
	t.Helper()
	s := New(fixture())
	o.Listen = "127.0.0.1:0"
	if err := s.Use(&o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Use(nil); err != nil {
			t.Error(err)
		}
	})
	return s, s.running.at.String()
}

func get(t *testing.T, method, url, host, token, accept string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

func TestPages(t *testing.T) {
	_, addr := open(t, Options{})
	for _, tc := range []struct {
		method, path, accept string
		code                 int
		body                 string
	}{
		{"GET", "/healthz", "", 200, "ok\n"},
		{"HEAD", "/healthz", "", 200, ""},
		{"GET", "/readyz", "", 503, "home/INBOX: stale\uFFFD[2J\n"},
		{"GET", "/readyz", "application/json", 503, "{\"ready\":false}\n"},
		{"GET", "/metrics", "", 200, "imapilot_ready 0\n"},
		{"GET", "/status", "", 200, "{\"version\":\"test\"}\n"},
		{"GET", "/other", "", 404, "404 page not found\n"},
		{"POST", "/readyz", "", 405, "these pages can only be read: GET or HEAD\n"},
		{"DELETE", "/status", "", 405, "these pages can only be read: GET or HEAD\n"},
	} {
		code, body, header := get(t, tc.method, "http://"+addr+tc.path, "", "", tc.accept)
		if code != tc.code || body != tc.body || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: %d %q", tc.method, tc.path, code, body)
		}
	}
}

// A page in a browser can reach this machine under a name of its own (DNS rebinding).
func TestHostIsChecked(t *testing.T) {
	_, addr := open(t, Options{Hosts: []string{"imapilot.example.org", "192.0.2.7"}})
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:9464": 200, "127.0.0.1:1": 200, "127.9.9.9": 200, "[::1]:9464": 200, "imapilot.example.org": 200, "IMAPILOT.example.org.:80": 200, "192.0.2.7:9464": 200,
		"attacker.example": 421, "127.0.0.1.attacker.example": 421, "localhost.attacker.example": 421, "192.0.2.8": 421, "example.org": 421,
	} {
		if code, _, _ := get(t, "GET", "http://"+addr+"/healthz", host, "", ""); code != want {
			t.Errorf("%s: %d, want %d", host, code, want)
		}
	}
	o := Options{Listen: "192.0.2.1:9464"}
	if !o.isHost("192.0.2.1:9464") || o.isHost("") || o.isHost("192.0.2.2") || (&Options{Listen: ":9464"}).isHost("x.example") {
		t.Error("the host of listen")
	}
}

func TestTokenIsNeededForEveryPage(t *testing.T) {
	s, addr := open(t, Options{Token: "correct horse"})
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/status", "/other"} {
		for token, refused := range map[string]bool{
			"": true, "Bearer": true, "Bearer wrong": true, "Bearer correct hors": true, "correct horse": true, "Basic correct horse": true,
			"Bearer correct horse": false, "bearer correct horse": false,
		} {
			code, body, header := get(t, "GET", "http://"+addr+path, "", token, "")
			if (code == 401) != refused || refused && (header.Get("WWW-Authenticate") == "" || strings.Contains(body, "horse")) {
				t.Errorf("%s with %q: %d %s", path, token, code, body)
			}
		}
	}
	if err := s.Use(&Options{Listen: "127.0.0.1:0", Token: "another"}); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := get(t, "GET", "http://"+addr+"/healthz", "", "Bearer correct horse", ""); code != 401 {
		t.Errorf("the old token after a reload: %d", code)
	}
}

func TestAddressThatIsTaken(t *testing.T) {
	s, addr := open(t, Options{})
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := s.Use(&Options{Listen: other.Addr().String()}); err == nil || !strings.Contains(err.Error(), "admin: cannot listen on "+other.Addr().String()) {
		t.Errorf("%v", err)
	}
	if code, _, _ := get(t, "GET", "http://"+addr+"/healthz", "", "", ""); code != 200 {
		t.Errorf("the old address is closed: %d", code)
	}
	if err := s.Use(nil); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("it still listens though nothing is configured")
	}
}

// The port of the old address is its own way to another address of this machine.
func TestAnotherAddressOfTheSamePort(t *testing.T) {
	s, addr := open(t, Options{Token: "old"})
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, listen := range []string{"0.0.0.0:" + port, "127.0.0.1:" + port, ":" + port, "localhost:" + port} {
		if err := s.Use(&Options{Listen: listen, Token: listen}); err != nil {
			t.Fatal(err)
		}
		for token, want := range map[string]int{listen: 200, "old": 401} {
			if code, _, _ := get(t, "GET", "http://"+addr+"/healthz", "", "Bearer "+token, ""); code != want {
				t.Errorf("%s with the token %q: %d, want %d", listen, token, code, want)
			}
		}
	}
}

// Somebody else may have the port on another address of this machine.
func TestAnotherAddressOfTheSamePortIsTaken(t *testing.T) {
	s, addr := open(t, Options{Token: "old"})
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip(err) // not every system has more than one address there
	}
	defer other.Close()
	err = s.Use(&Options{Listen: "0.0.0.0:" + port, Token: "new"})
	if err == nil || !strings.Contains(err.Error(), "admin: cannot listen on 0.0.0.0:"+port) || !strings.Contains(err.Error(), "was closed for it and is open again") {
		t.Errorf("%v", err)
	}
	for token, want := range map[string]int{"old": 200, "new": 401} {
		if code, _, _ := get(t, "GET", "http://"+addr+"/healthz", "", "Bearer "+token, ""); code != want {
			t.Errorf("the old address with the token %q: %d, want %d", token, code, want)
		}
	}
}

// An address that was lost to somebody else is taken back when he leaves.
func TestLostAddressIsRegained(t *testing.T) {
	s, addr := open(t, Options{})
	lost := s.running
	s.stop()
	other, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s.lost = lost
	if err := s.look(); err != nil || s.running != nil {
		t.Errorf("while somebody else has it: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.look(); err != nil {
		t.Error(err)
	}
	if code, _, _ := get(t, "GET", "http://"+addr+"/healthz", "", "", ""); code != 200 || s.lost != nil {
		t.Errorf("afterwards: %d", code)
	}
}

func TestHeadsAreBounded(t *testing.T) {
	_, addr := open(t, Options{})
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Long", strings.Repeat("x", 2*maxHead))
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%d", resp.StatusCode)
		}
	}
}

func TestAsk(t *testing.T) {
	_, addr := open(t, Options{Token: "secret-token"})
	var out struct{ Version string }
	if err := Ask(t.Context(), "http://"+addr, "secret-token", &out); err != nil || out.Version != "test" {
		t.Errorf("%v, %+v", err, out)
	}
	if err := Ask(t.Context(), "http://"+addr, "wrong-token", &out); err == nil || !strings.Contains(err.Error(), "HTTP 401: it wants another token") || strings.Contains(err.Error(), "wrong-token") {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", "127.0.0.1:9464", "ftp://x"} {
		if err := Ask(t.Context(), bad, "", &out); err == nil || !strings.Contains(err.Error(), "is a URL, as in") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s, addr := open(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it does not end")
	}
	if _, err := net.Dial("tcp", addr); err == nil || errors.Is(err, context.Canceled) {
		t.Error("it still listens")
	}
}
