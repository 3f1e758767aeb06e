package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

const filing = `
rules:
  - name: newsletters
    if: from.domain == "news.example"
    then: [{move: News}]
  - name: boss
    if: from.address == "boss@example.org"
    then:
      - add_flags: ['\Flagged', $Boss]
      - copy: Boss/2026
`

func TestFilesNewMail(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", filing)
		r.mail("INBOX", "old", "a@news.example")
		r.once(cfg) // baseline: what is there is left alone
		r.mail("INBOX", "letter", "b@news.example")
		r.mail("INBOX", "raise", "boss@example.org")
		r.mail("INBOX", "other", "c@example.org")
		r.once(cfg)
		r.want("INBOX", "old", "raise", "other")
		r.want("News", "letter")
		r.want("Boss/2026", "raise")
		for _, m := range srv.Messages(t, "INBOX") {
			if m.MessageID == "<raise@test>" && !slices.Contains(m.Flags, imap.FlagFlagged) {
				t.Errorf("flags of raise: %v", m.Flags)
			}
			if slices.Contains(m.Flags, imap.FlagSeen) {
				t.Errorf(`%s became \Seen`, m.MessageID)
			}
		}
		r.once(cfg)
		r.want("Boss/2026", "raise")
	})
}

// Mail of other clients that is flagged \Deleted is never expunged, and what
// stays for want of UIDPLUS is never copied again.
func TestForeignDeletedSurvivesAHundredMoves(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", filing)
		r.mail("INBOX", "foreign", "a@news.example", imap.FlagDeleted)
		var want []string
		for i := range 100 {
			want = append(want, fmt.Sprintf("n%03d", i))
			r.mail("INBOX", want[i], "a@news.example")
		}
		r.once(cfg, existing)
		r.once(cfg, existing)
		r.want("News", want...)
		if got := srv.Messages(t, "News"); len(got) != 100 {
			t.Errorf("News holds %d messages", len(got))
		}
		if !slices.ContainsFunc(srv.Messages(t, "INBOX"), func(m imaptest.Message) bool { return m.MessageID == "<foreign@test>" }) {
			t.Error("the message that another client flagged is gone")
		}
		r.want("INBOX")
	})
}

func TestDaemonFilesMailAsItComes(t *testing.T) {
	watchedServers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("watch: [INBOX, Second]", `
rules:
  - name: all
    in: [INBOX, Second]
    if: has(subject, "file")
    then: [{move: Filed}]
`)
		srv.Create(t, "Second")
		r.daemon(cfg, func(e *engine.Engine) {
			r.eventually("watching", func() bool { return watching(e) })
			for i := range 5 {
				r.mail("INBOX", fmt.Sprintf("file.a%d", i), "x@example.org")
				r.mail("Second", fmt.Sprintf("file.b%d", i), "x@example.org")
			}
			r.eventually("ten are filed", func() bool { return len(r.subjects("Filed")) == 10 })
		})
	})
}

func watching(e *engine.Engine) bool {
	s, err := e.Status(context.Background())
	if err != nil || len(s.Accounts) == 0 || s.Accounts[0].State != engine.Watching {
		return false
	}
	for _, m := range s.Accounts[0].Mailboxes {
		if m.LastScan.IsZero() {
			return false
		}
	}
	return len(s.Accounts[0].Mailboxes) > 0
}

// With a single connection the work connection idles itself.
func TestOneConnection(t *testing.T) {
	watchedServers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("connections: 1", filing)
		r.daemon(cfg, func(e *engine.Engine) {
			r.eventually("watching", func() bool { return watching(e) })
			r.mail("INBOX", "letter", "b@news.example")
			r.eventually("it is filed", func() bool { return len(r.subjects("News")) == 1 })
		})
	})
}

// What imapilot moves into a watched mailbox fires no rule there.
func TestOwnArrivalsFireNothing(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		srv.Create(t, "Lists")
		cfg := r.config("watch: [INBOX, Lists]", `
rules:
  - name: to lists
    if: has(subject, "list")
    then: [{move: Lists}]
  - name: flag in lists
    in: [Lists]
    if: true
    then: [{add_flags: ['\Flagged']}]
`)
		r.once(cfg)
		r.mail("INBOX", "list.one", "x@example.org")
		r.mail("Lists", "direct", "x@example.org")
		r.once(cfg)
		r.once(cfg)
		for _, m := range srv.Messages(t, "Lists") {
			flagged := slices.Contains(m.Flags, imap.FlagFlagged)
			if want := m.MessageID == "<direct@test>"; flagged != want {
				t.Errorf("%s: flagged = %v, want %v", m.MessageID, flagged, want)
			}
		}
	})
}

// When the user moves a message back, he wins.
func TestMovedBackByTheUser(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", filing)
		r.once(cfg)
		r.mail("INBOX", "letter", "b@news.example")
		r.once(cfg)
		r.want("News", "letter")
		srv.Move(t, "News", "INBOX")
		r.once(cfg)
		r.want("INBOX", "letter")
		r.want("News")
		if got := r.entries(cfg); got[journal.Kept] != 1 {
			t.Errorf("entries = %v, want one kept", got)
		}
	})
}

// Two identical deliveries are two messages.
func TestIdenticalDeliveries(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", filing)
		r.once(cfg)
		at := time.Now()
		for range 3 {
			srv.Append(t, "INBOX", nil, at, message("twin", "b@news.example"))
			r.once(cfg)
		}
		r.want("News", "twin", "twin", "twin")
	})
}

func TestDryRunTouchesNothing(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		hook := &receiver{}
		r.sender = hook
		cfg := r.config("", filing+`
  - name: hook
    if: true
    then: [{webhook: ci}]
webhooks:
  ci: {url: "http://127.0.0.1:1/"}
`)
		r.once(cfg, dryRun)
		r.mail("INBOX", "letter", "b@news.example")
		r.once(cfg, dryRun)
		r.once(cfg)
		r.want("INBOX", "letter")
		if got := r.entries(cfg); got[journal.DryRun] != 1 || len(hook.calls) != 0 {
			t.Errorf("entries = %v, calls = %v", got, hook.calls)
		}
		r.mail("INBOX", "second", "b@news.example")
		r.once(cfg)
		r.want("News", "second")
	})
}

func TestLimitHoldsAndConfirmReleases(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", `
rules:
  - name: few
    if: true
    then: [{move: Few}]
    max_messages: 3
`)
		r.once(cfg)
		for i := range 5 {
			r.mail("INBOX", fmt.Sprintf("m%d", i), "a@example.org")
		}
		r.once(cfg)
		if got := r.entries(cfg); got[journal.Held] != 2 || len(r.subjects("Few")) != 3 {
			t.Fatalf("entries = %v, moved %v", got, r.subjects("Few"))
		}
		r.with(cfg, func(j journal.Journal) {
			n, err := engine.AmendOffline(context.Background(), j, "test", []string{"home"}, engine.Confirm, engine.Selection{Rule: "few"})
			if n != 2 || err != nil {
				t.Fatalf("confirm: %d, %v", n, err)
			}
		})
		r.once(cfg)
		r.want("Few", "m0", "m1", "m2", "m3", "m4")
	})
}

// Exactly the new messages are acted on when the server renumbers a mailbox.
func TestUIDValidityChange(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		srv.Create(t, "Work")
		cfg := r.config("watch: [Work]", `
rules:
  - name: copy
    in: [Work]
    if: true
    then: [{copy: Copies}]
`)
		at := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
		old := func() {
			var all []imaptest.Delivery
			for i := range 500 {
				all = append(all, imaptest.Delivery{Date: at, Raw: message(fmt.Sprintf("old%03d", i), "a@example.org")})
			}
			srv.AppendAll(t, "Work", all)
		}
		old()
		r.once(cfg)
		before := srv.UIDValidity(t, "Work")
		srv.Delete(t, "Work")
		srv.Create(t, "Work")
		if srv.UIDValidity(t, "Work") == before {
			t.Fatal("the server did not change UIDVALIDITY")
		}
		old()
		var want []string
		for i := range 5 {
			want = append(want, fmt.Sprintf("new%d", i))
			r.mail("Work", want[i], "a@example.org")
		}
		r.once(cfg)
		r.want("Copies", want...)
	})
}

func TestWebhookIsRetriedWithTheSameID(t *testing.T) {
	const one = `
webhooks:
  ci: {url: "http://127.0.0.1:1/"}
rules:
  - name: hook
    if: true
    then: [{webhook: ci}]
`
	tell(t, imaptest.Options{NoIdle: true}, nil, "", one, func(s *tale) {
		s.hook.fail = 1
		s.run()
		s.mail("INBOX", "one", "a@example.org")
		s.run()
		s.with(s.cfg, func(j journal.Journal) {
			d, err := j.Deliveries(context.Background(), journal.DeliveryQuery{States: []journal.DeliveryState{journal.Pending}})
			if err != nil || len(d) != 1 || d[0].Attempts != 1 {
				s.t.Fatalf("deliveries = %+v, %v", d, err)
			}
		})
		s.live(func() { s.pass(time.Minute) })
		s.wantCalls(2, 1)
	})
}

func TestExpungeNeedsUIDPlus(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", `
rules:
  - name: away
    if: has(subject, "away")
    then: [expunge]
`)
		r.once(cfg)
		r.mail("INBOX", "away", "a@example.org")
		r.mail("INBOX", "stays", "a@example.org", imap.FlagDeleted)
		r.once(cfg)
		if srv.Options.NoUIDPlus {
			r.want("INBOX", "away")
			if got := r.entries(cfg); got[journal.Failed] != 1 {
				t.Errorf("entries = %v, want one failed", got)
			}
			return
		}
		if got := srv.Messages(t, "INBOX"); len(got) != 1 || got[0].MessageID != "<stays@test>" {
			t.Errorf("INBOX = %+v", got)
		}
	})
}

// A backlog that looks like a migration is held whole, webhooks included.
func TestImportIsHeld(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", filing)
		r.once(cfg)
		long := time.Now().AddDate(-1, 0, 0)
		for i := range 120 {
			srv.Append(t, "INBOX", nil, long, message(fmt.Sprintf("i%03d", i), "a@news.example"))
		}
		r.once(cfg)
		if got := r.entries(cfg); got[journal.Held] != 120 || len(r.subjects("News")) != 0 {
			t.Fatalf("entries = %v, %d moved", got, len(r.subjects("News")))
		}
	})
}

// The daemon finds what came while the line was cut.
func TestMailDuringACut(t *testing.T) {
	watchedServers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		proxy := srv.Proxy(t)
		r.dial = proxy.Addr
		r.timing.FirstRetry, r.timing.MaxRetry = 50*time.Millisecond, 200*time.Millisecond
		cfg := r.config("", filing)
		r.daemon(cfg, func(e *engine.Engine) {
			r.eventually("watching", func() bool { return watching(e) })
			var want []string
			for i := range 20 {
				want = append(want, fmt.Sprintf("n%02d", i))
				if i%5 == 2 {
					proxy.Cut()
				}
				r.mail("INBOX", want[i], "a@news.example")
			}
			r.eventually("all are filed", func() bool { return len(r.subjects("News")) == 20 && len(r.subjects("INBOX")) == 0 })
			r.want("News", want...)
			r.want("INBOX")
		})
	})
}

func TestReloadTakesNewRules(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", filing)
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		next := r.config("", "rules:\n  - name: other\n    if: true\n    then: [{move: Other}]\n")
		if err := e.Reload(next); err != nil {
			t.Fatal(err)
		}
		r.mail("INBOX", "letter", "b@news.example")
		r.eventually("filed by the new rule", func() bool { return len(r.subjects("Other")) == 1 })
	})
}
