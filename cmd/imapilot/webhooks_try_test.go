package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/metrics"
)

// answering is a receiver on this machine that answers with a status.
func answering(t *testing.T, status int, seen func(*http.Request, webhook.Message)) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m webhook.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		if seen != nil {
			seen(r, m)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		if status != http.StatusNoContent {
			io.WriteString(w, "so it is \x1b[2J\u202e")
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

// TestWebhooksTest: the exit code tells whether the receiver took the call, and the
// hint what to look at.
func TestWebhooksTest(t *testing.T) {
	plain := answering(t, http.StatusOK, nil)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, tt := range []struct {
		name, url string
		code      int
		says      []string
	}{
		{"200", plain.URL, exitOK, []string{"ci  delivered", "status     200 OK", "answer     so it is [2J<U+202E>", "receiver   " + plain.URL}},
		{"204", answering(t, 204, nil).URL, exitOK, []string{"status     204 No Content"}},
		{"302", answering(t, 302, nil).URL, exitFailure, []string{"ci  failed", "302", "redirects are not followed", "imapilot: ci did not take the call"}},
		{"401", answering(t, 401, nil).URL, exitFailure, []string{"401 Unauthorized", "give the webhook the secret"}},
		{"404", answering(t, 404, nil).URL, exitFailure, []string{"is the URL complete?"}},
		{"410", answering(t, 410, nil).URL, exitFailure, []string{"wants no more calls"}},
		{"422", answering(t, 422, nil).URL, exitFailure, []string{"expect another one?"}},
		{"429", answering(t, 429, nil).URL, exitFailure, []string{"too many calls"}},
		{"500", answering(t, 500, nil).URL, exitFailure, []string{"its log knows more"}},
		{"refused", closed.URL, exitFailure, []string{"connection refused", "nothing listens at " + closed.URL}},
		{"certificate", secure.URL, exitFailure, []string{"does not trust who signed"}},
		{"no TLS", "https" + strings.TrimPrefix(plain.URL, "http"), exitFailure, []string{"does not speak TLS"}},
		{"TLS", "http" + strings.TrimPrefix(secure.URL, "https"), exitFailure, []string{"does the URL need https?"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			webhooksFolder(t, tt.url)
			out, code := said(t, "webhooks test ci")
			unbroken := strings.Join(strings.Fields(out), " ")
			for _, part := range tt.says {
				if code != tt.code || !strings.Contains(unbroken, strings.Join(strings.Fields(part), " ")) {
					t.Errorf("exit code %d, want %d and %q:\n%s", code, tt.code, part, out)
				}
			}
			if strings.Contains(out, "hush") || strings.ContainsAny(out, "\x1b\u202e") {
				t.Errorf("it shows what it must not:\n%s", out)
			}
			fits(t, "\n"+out)
			if out, _ := said(t, "webhooks list --all --json"); strings.Contains(out, "disabled") || strings.Count(out, "\n") != 8 {
				t.Errorf("the journal was changed:\n%s", out)
			}
			out, code = said(t, "webhooks test ci --json")
			var got testedJSON
			if err := json.NewDecoder(strings.NewReader(out)).Decode(&got); err != nil || code != tt.code || got.OK != (code == exitOK) || (got.Error == "") != got.OK {
				t.Errorf("%v, %d: %s", err, code, out)
			}
		})
	}
}

// TestWebhooksTestIsSigned: the document says what it is, and the call is signed
// with the secret; without it there is none.
func TestWebhooksTestIsSigned(t *testing.T) {
	calls := 0
	srv := answering(t, http.StatusOK, func(r *http.Request, m webhook.Message) {
		calls++
		if !strings.HasPrefix(r.Header.Get("Webhook-Signature"), "v1,") || r.Header.Get("Webhook-Id") != m.ID || m.Rule != "test" ||
			m.Subject != "A test by imapilot webhooks test" || m.Account != "home" || r.URL.Path != "/hush" {
			t.Errorf("%v, %+v", r.Header, m)
		}
	})
	webhooksFolder(t, srv.URL)
	text := fmt.Sprintf(strings.Replace(webhooksConfig, `token=hush"`, `token=hush", secret: {env: HUSH}`, 1), srv.URL)
	if err := os.WriteFile("imapilot.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := said(t, "webhooks test ci"); code != exitFailure || calls != 0 || !strings.Contains(out, "HUSH") {
		t.Errorf("exit code %d, %d calls: %s", code, calls, out)
	}
	t.Setenv("HUSH", "whsec_aHVzaA==")
	if out, code := said(t, "webhooks test ci"); code != exitOK || calls != 1 {
		t.Errorf("exit code %d, %d calls: %s", code, calls, out)
	}
}

// TestWebhooksTestEnables an endpoint that had wanted no more calls, when it takes
// one again.
func TestWebhooksTestEnables(t *testing.T) {
	for status, enabled := range map[int]bool{200: true, 500: false} {
		srv := answering(t, status, nil)
		webhooksFolder(t, srv.URL)
		refusing(t, srv.URL)
		out, _ := said(t, "webhooks test ci")
		list, _ := said(t, "webhooks list")
		if strings.Contains(out, "and gets them again") != enabled || strings.Contains(list, "ci  wants no more calls") == enabled {
			t.Errorf("%d: %s%s", status, out, list)
		}
	}
}

// TestWebhooksEnable without a daemon, and without a journal.
func TestWebhooksEnable(t *testing.T) {
	webhooksFolder(t, "http://127.0.0.1:1")
	refusing(t, "http://127.0.0.1:1")
	for _, want := range []string{"ci gets calls again.\n", "ci gets calls already.\n"} {
		if out, code := said(t, "webhooks enable ci"); out != want || code != exitOK {
			t.Errorf("exit code %d, %s; want %s", code, out, want)
		}
	}
	refusing(t, "http://127.0.0.1:2") // another receiver than that of the configuration
	if out, _ := said(t, "webhooks list"); strings.Contains(out, "wants no more calls") || strings.Contains(out, "disabled") {
		t.Error(out)
	}
	if err := os.Remove("state.db"); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"webhooks enable ci":   "ci gets calls already.\n",
		"webhooks list":        "There is no journal",
		"webhooks show a4af":   "the journal knows no webhook call",
		"webhooks list --json": "",
	} {
		if out, _ := said(t, line); !strings.Contains(out, want) {
			t.Errorf("%s: %s", line, out)
		}
	}
	if _, err := os.Stat("state.db"); err == nil {
		t.Error("a journal was made")
	}
}

// TestWebhooksThroughTheDaemon: it makes the calls at once. No mailbox can be
// reached, which is no concern of theirs.
func TestWebhooksThroughTheDaemon(t *testing.T) {
	t.Setenv("NONE", "secret")
	calls, dialled := make(chan string, 10), make(chan string, 10)
	srv := answering(t, http.StatusOK, func(r *http.Request, _ webhook.Message) { calls <- r.Header.Get("Webhook-Id") })
	webhooksFolder(t, srv.URL)
	refusing(t, srv.URL)
	a := &app{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
	cfg, err := a.load(false)
	if err != nil {
		t.Fatal(err)
	}
	db, err := open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	log := slog.New(slog.DiscardHandler)
	e := engine.New(cfg, engine.Options{
		Journal: db, Holder: "test:1", Webhooks: webhook.NewClient("test"), Logger: log,
		DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
			select {
			case dialled <- address:
			default:
			}
			return nil, errors.New("no way")
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	end, err := newDaemon(a, e, metrics.New("test"), log).serve(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	defer func() {
		cancel()
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for account := map[string]bool{}; len(account) < 2; { // what is dialled has its journal loaded
		account[<-dialled] = true
	}
	out, code := said(t, "webhooks replay --endpoint ci")
	if code != exitOK || out != "3 calls are made again.\nci wants no more calls: they wait until 'imapilot webhooks enable ci'.\n" {
		t.Errorf("exit code %d, %s", code, out)
	}
	if out, code := said(t, "webhooks enable ci"); code != exitOK || out != "ci gets calls again.\n" {
		t.Errorf("exit code %d, %s", code, out)
	}
	all := fixtureCalls()
	for _, i := range []int{0, 1, 3} { // they are about one message
		if id := <-calls; id != all[i].ID {
			t.Errorf("%s was called, want %s", id, all[i].ID)
		}
	}
}
