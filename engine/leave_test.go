package engine_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"imapilot/actions/unsubscribe"
	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
	"imapilot/rules"
)

// sender is a shop that signs its mail, its DNS, and what its lists are left at.
type sender struct {
	t   *testing.T
	key ed25519.PrivateKey

	mu      sync.Mutex
	records map[string][]string
	silent  bool // its DNS does not answer
	asked   []webhook.Endpoint
	says    func(n int) webhook.Result // n from 1; nil is success
}

func newShop(t *testing.T) *sender {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	record := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	return &sender{t: t, key: private, records: map[string][]string{"key._domainkey.shop.example.com": {record}}}
}

func (s *sender) LookupTXT(ctx context.Context, name string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.silent:
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	case s.records[name] == nil:
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return s.records[name], ctx.Err()
}

func (s *sender) Send(_ context.Context, to webhook.Endpoint, _ string, _ time.Time, payload []byte) webhook.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, to)
	if err := to.Check(); err != nil || to.Egress != webhook.Confined || string(payload) != "List-Unsubscribe=One-Click" {
		s.t.Errorf("%+v is sent %q, %v", to, payload, err)
	}
	if s.says == nil {
		return webhook.Result{Status: 200}
	}
	return s.says(len(s.asked))
}

func (s *sender) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// offering is a message of the shop that is not signed.
func offering(subject, url string) []byte {
	offer := "List-Unsubscribe: <" + url + ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
	return append([]byte(offer), message(subject, "News <news@shop.example.com>")...)
}

// signed puts the signature of the shop on top of a message.
func (s *sender) signed(raw []byte) []byte {
	s.t.Helper()
	var out bytes.Buffer
	if err := dkim.Sign(&out, bytes.NewReader(raw), &dkim.SignOptions{
		Domain: "shop.example.com", Selector: "key", Signer: s.key, HeaderKeys: []string{"From", "To", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post"},
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	}); err != nil {
		s.t.Fatal(err)
	}
	return out.Bytes()
}

const (
	listURL    = "https://lists.example.com/u?t=hush"
	leaveTrash = "rules:\n  - {name: leave, if: true, then: [unsubscribe, trash]}\n"
)

// leaving is an account in a bubble, to which the shop has sent one message after the
// first look: what make gives.
func leaving(t *testing.T, make func(s *sender) []byte, test func(t *testing.T, r *rig, cfg *config.Config, s *sender)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, s := newRig(t, pipes(t, imaptest.Options{NoIdle: true})), newShop(t)
		r.sender, r.resolver = s, s
		cfg := r.config(rarely, leaveTrash)
		r.once(cfg)
		r.deliver("INBOX", make(s))
		test(t, r, cfg, s)
	})
}

func signedOffer(s *sender) []byte { return s.signed(offering("a", listURL)) }

// TestUnsubscribeThenTrash: one request to what the sender signed, and only then what
// comes after it. The journal names the host, and no more of the address.
func TestUnsubscribeThenTrash(t *testing.T) {
	leaving(t, signedOffer, func(t *testing.T, r *rig, cfg *config.Config, s *sender) {
		s.says = func(int) webhook.Result {
			r.want("INBOX", "a") // it is still there
			return webhook.Result{Status: 202, Body: "you are free"}
		}
		r.once(cfg)
		r.want("Trash", "a")
		r.wantState(cfg, journal.Done, journal.Delivered)
		if s.count() != 1 || s.asked[0].URL != listURL {
			t.Errorf("%+v", s.asked)
		}
		if got := answersOf(r, cfg); !slices.Equal(got, []string{"left the list at lists.example.com"}) {
			t.Errorf("it says %q", got)
		}
		wantNoToken(t, r, cfg)
	})
}

// wantNoToken looks for the token of the address in what the journal shows.
func wantNoToken(t *testing.T, r *rig, cfg *config.Config) {
	t.Helper()
	d := r.theDelivery(cfg)
	shown, err := json.Marshal([]any{d, string(d.Payload), answersOf(r, cfg), r.theEntry(cfg)})
	if err != nil || bytes.Contains(shown, []byte("hush")) {
		t.Errorf("%s, %v", shown, err)
	}
}

// TestUnsubscribeOnDovecot: so does a real server.
func TestUnsubscribeOnDovecot(t *testing.T) {
	r, s := newRig(t, imaptest.Dovecot(t, imaptest.Options{})), newShop(t)
	r.sender, r.resolver = s, s
	cfg := r.config("", leaveTrash)
	r.once(cfg)
	r.deliver("INBOX", signedOffer(s))
	r.deliver("INBOX", offering("b", listURL))
	r.once(cfg)
	r.want("Trash", "a")
	r.want("INBOX", "b")
	if got := r.entries(cfg); got[journal.Done] != 1 || got[journal.Failed] != 1 || s.count() != 1 {
		t.Errorf("%v, %d requests", got, s.count())
	}
}

// TestUnsubscribeRefused: without an offer that the sender signed nothing is called, the
// message stays, and the reason is told.
func TestUnsubscribeRefused(t *testing.T) {
	for says, raw := range map[string]func(s *sender) []byte{
		"the sender offers no one-click unsubscribe: there is no List-Unsubscribe": func(*sender) []byte { return message("a", "x@example.org") },
		"no valid DKIM": func(*sender) []byte { return offering("a", listURL) },
		"not a valid":   func(s *sender) []byte { return bytes.Replace(signedOffer(s), []byte("t=hush"), []byte("t=else"), 1) },
		"port 443":      func(s *sender) []byte { return s.signed(offering("a", "https://lists.example.com:8443/u?t=hush")) },
	} {
		says = strings.NewReplacer("no valid DKIM", "the message is not signed", "not a valid", "not covered by a valid DKIM signature").Replace(says)
		t.Run(says, func(t *testing.T) {
			leaving(t, raw, func(t *testing.T, r *rig, cfg *config.Config, s *sender) {
				r.daemon(cfg, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
				r.want("INBOX", "a")
				r.wantState(cfg, journal.Failed, journal.Dead)
				if e, d := r.theEntry(cfg), r.theDelivery(cfg); s.count() != 0 || d.Attempts != 1 || !strings.Contains(e.Reason, says) {
					t.Errorf("%d requests, %d attempts: %s", s.count(), d.Attempts, e.Reason)
				}
				wantNoToken(t, r, cfg)
			})
		})
	}
}

// TestUnsubscribeTriedAgain: what may pass is tried by the schedule, and the trash
// waits for it.
func TestUnsubscribeTriedAgain(t *testing.T) {
	leaving(t, signedOffer, func(t *testing.T, r *rig, cfg *config.Config, s *sender) {
		s.silent = true
		s.says = func(n int) webhook.Result {
			switch n {
			case 1:
				return webhook.Result{Status: 429, Err: errors.New("HTTP 429"), Retry: true, RetryAfter: 6 * time.Hour}
			case 2:
				return webhook.Result{Err: errors.New("no route"), Retry: true}
			}
			return webhook.Result{Status: 200}
		}
		r.daemon(cfg, func(*engine.Engine) {
			time.Sleep(time.Minute)
			if d := only(t, r.journal); s.count() != 0 || d.LastError != unsubscribe.ErrDNS.Error() || d.State != journal.Pending {
				t.Errorf("%d requests, %s: %s", s.count(), d.State, d.LastError)
			}
			s.mu.Lock()
			s.silent = false
			s.mu.Unlock()
			time.Sleep(time.Hour)
			if d := only(t, r.journal); s.count() != 1 || d.LastError != "asking lists.example.com: HTTP 429" {
				t.Errorf("%d requests: %s", s.count(), d.LastError)
			}
			time.Sleep(4 * time.Hour)
			if r.want("INBOX", "a"); s.count() != 1 {
				t.Errorf("%d requests before the time that was asked for", s.count())
			}
			time.Sleep(48 * time.Hour)
		})
		if r.want("Trash", "a"); s.count() != 3 {
			t.Errorf("%d requests", s.count())
		}
		wantNoToken(t, r, cfg)
	})
}

// TestUnsubscribeTurnedDown: what the list says of the request is final.
func TestUnsubscribeTurnedDown(t *testing.T) {
	for _, status := range []int{302, 404, 410} {
		leaving(t, signedOffer, func(t *testing.T, r *rig, cfg *config.Config, s *sender) {
			s.says = func(int) webhook.Result {
				return webhook.Result{Status: status, Err: errors.New("HTTP"), Retry: true, Gone: status == 410}
			}
			r.daemon(cfg, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
			r.want("INBOX", "a")
			if r.wantState(cfg, journal.Failed, journal.Dead); s.count() != 1 {
				t.Errorf("%d: %d requests", status, s.count())
			}
		})
	}
}

// TestUnsubscribeIsConfined: the real client calls nothing in one's own network, however
// well it is signed.
func TestUnsubscribeIsConfined(t *testing.T) {
	r, s := newRig(t, imaptest.Memory(t, imaptest.Options{})), newShop(t)
	client := webhook.NewClient("test")
	defer client.Close()
	r.sender, r.resolver = client, s
	cfg := r.config("", leaveTrash)
	r.once(cfg)
	r.deliver("INBOX", s.signed(offering("a", "https://127.0.0.1/u?t=hush")))
	r.once(cfg)
	r.want("INBOX", "a")
	r.wantState(cfg, journal.Failed, journal.Dead)
	if d := r.theDelivery(cfg); !strings.Contains(d.LastError, "is not a public address") || d.Attempts != 1 {
		t.Errorf("%s", d.LastError)
	}
	wantNoToken(t, r, cfg)
}

// TestUnsubscribeAcrossACrash: the request may be made twice, and the message is
// trashed once.
func TestUnsubscribeAcrossACrash(t *testing.T) {
	leaving(t, signedOffer, func(t *testing.T, r *rig, cfg *config.Config, s *sender) {
		crashAt(r, cfg, func(b journal.Batch) bool { return len(b.Attempts) > 0 })
		r.want("INBOX", "a")
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Hour) })
		r.want("Trash", "a")
		if r.wantState(cfg, journal.Done, journal.Delivered); s.count() != 2 {
			t.Errorf("%d requests", s.count())
		}
	})
}

// TestUnsubscribeOfARuleThatIsGone: nothing is asked that no rule wants any more.
func TestUnsubscribeOfARuleThatIsGone(t *testing.T) {
	leaving(t, signedOffer, func(t *testing.T, r *rig, cfg *config.Config, s *sender) {
		s.silent = true
		r.once(cfg)
		s.silent = false
		r.daemon(r.config(rarely, onlyBin), func(*engine.Engine) { time.Sleep(30 * time.Hour) })
		if r.wantState(cfg, journal.Withdrawn, journal.Cancelled); s.count() != 0 {
			t.Errorf("%d requests", s.count())
		}
	})
}

// TestUnsubscribeInDryRun asks nobody.
func TestUnsubscribeInDryRun(t *testing.T) {
	leaving(t, signedOffer, func(t *testing.T, r *rig, cfg *config.Config, s *sender) {
		r.once(cfg, dryRun)
		if e := r.theEntry(cfg); s.count() != 0 || e.State != journal.DryRun || e.Plan.String() != "unsubscribe, trash" {
			t.Errorf("%d requests, %s: %s", s.count(), e.State, e.Plan)
		}
	})
}

// TestUnsubscribeOfALargeMessage: a signature is over the whole message.
func TestUnsubscribeOfALargeMessage(t *testing.T) {
	tooLargeForTheDetector(t)
	large := func(s *sender) []byte { return s.signed(append(offering("a", listURL), long("x", rules.MaxRaw)...)) }
	leaving(t, large, func(t *testing.T, r *rig, cfg *config.Config, s *sender) {
		r.once(cfg)
		r.want("INBOX", "a")
		if d := r.theDelivery(cfg); s.count() != 0 || d.State != journal.Dead || !strings.Contains(d.LastError, "larger than 25 MB") {
			t.Errorf("%d requests, %s: %s", s.count(), d.State, d.LastError)
		}
	})
}
