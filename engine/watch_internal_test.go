package engine

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// The round trips that 200 mailboxes take: a look at everything when the process begins,
// a connection that takes up where the last one ended, and a sweep.
func TestRoundTripsOfManyMailboxes(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	for i := range 197 {
		d.srv.Create(t, fmt.Sprintf("Many/%03d", i))
	}
	d.c.cfg.Watch = []string{"*"}
	trips := func(what string, most int64, do func() error) {
		t.Helper()
		before := d.c.session.Traffic().RoundTrips.Load()
		d.check(do())
		n := d.c.session.Traffic().RoundTrips.Load() - before
		t.Logf("%s: %d round trips for %d mailboxes", what, n, len(d.c.watched))
		if n > most {
			t.Errorf("%s took %d round trips, want at most %d", what, n, most)
		}
	}
	scanAll := func() error {
		if _, err := d.c.list(t.Context(), false); err != nil {
			return err
		}
		return d.c.scanAll(t.Context(), t.Context())
	}
	d.check(scanAll()) // the baselines of those that are new
	trips("everything", 300, scanAll)
	d.c.wake.take()
	d.check(d.c.use(t.Context(), "INBOX"))
	trips("a sweep", 2, func() error { return d.c.sweep(t.Context(), true, false) })

	s, _, err := d.c.login(t.Context())
	d.check(err)
	defer s.Close()
	again := newConnection(d.c.account, s)
	d.c = again
	trips("a reconnect", 2, func() error {
		if !again.canResync() {
			t.Error("everything is scanned again")
		}
		told, err := again.list(t.Context(), true)
		if err != nil {
			return err
		}
		return again.resync(t.Context(), t.Context(), told)
	})
	d.deliver("Many/100", "new", d.c.full)
	trips("a sweep without LIST-STATUS", 2, func() error {
		again.session.Without("LIST-STATUS")
		return again.sweep(t.Context(), false, false)
	})
	if !again.wake.isAsked("Many/100") || again.wake.isAsked("Many/101") {
		t.Error("the sweep did not find the mailbox that changed, or another one")
	}
}

// A reload that comes while a connection takes up where the last one ended is not
// forgotten: its rules may wait for flags that are there.
func TestAReloadDuringAResync(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.check(d.c.scanAll(t.Context(), t.Context()))
	before := d.c.full
	told, err := d.c.list(t.Context(), d.c.canResync())
	d.check(err)
	d.c.wake.everything()
	d.check(d.c.resync(t.Context(), t.Context(), told))
	if !d.c.full.After(before) {
		t.Error("not all mailboxes were scanned")
	}
}

// A mailbox is skipped at a reconnect only when nothing about it differs.
func TestWhatIsUnchanged(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.check(d.c.scanAll(t.Context(), t.Context()))
	before := d.c.session
	r := before.StatusAll(t.Context(), []string{"Junk"})[0]
	if !d.c.unchanged("Junk", r) {
		t.Fatalf("%+v is not as %+v", r, d.c.complete.of("Junk"))
	}
	for name, change := range map[string]func(){
		"UIDVALIDITY": func() { r.Status.UIDValidity++ }, "UIDNEXT": func() { r.Status.UIDNext++ },
		"MESSAGES": func() { r.Status.Messages++ }, "an error": func() { r.Err = errNoStatus },
		"no UIDNEXT": func() { r.Status.UIDNext = 0 }, "an incomplete scan": func() { delete(d.c.complete, "Junk") },
	} {
		kept, complete := r, d.c.complete.of("Junk")
		change()
		if d.c.unchanged("Junk", r) {
			t.Errorf("%s makes no difference", name)
		}
		r = kept
		d.c.complete.set("Junk", complete)
	}
}

// A watch connection that was refused three times is made again soon after the secret has
// changed, and not before: the work connection may live on, so that nobody else notices.
func TestAWatcherThatWasRefusedTakesTheNextSecret(t *testing.T) {
	for shown, again := range map[string]bool{"the old one": true, "the only one": false} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			a := &account{
				engine: &Engine{}, cfg: config.Account{Password: config.LiteralSecret("the only one")},
				timing: new(Timing{}.withDefaults()), log: slog.New(slog.DiscardHandler), wake: newWaker(),
			}
			var at []time.Time
			a.keepWatching(ctx, "IDLE", func(ctx context.Context, b *attempts) error {
				at = append(at, time.Now())
				if len(at) > maxRefusals {
					<-ctx.Done() // it works
					return nil
				}
				b.secret = credential{mark: sha256.Sum256([]byte(shown))}
				return &imapsession.Error{Op: "LOGIN", Class: imapsession.Auth}
			})
			if (len(at) > maxRefusals) != again || again && at[maxRefusals].Sub(at[maxRefusals-1]) > time.Minute {
				t.Errorf("shown %s: logins at %v", shown, at)
			}
		})
	}
}

// A mailbox that is skipped at a reconnect shows how much it holds all the same.
func TestAResyncShowsMessages(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("Junk", "one", d.c.full)
	d.check(d.c.scanAll(t.Context(), t.Context()))
	d.c.state.set(func(s *AccountStatus) { s.Mailboxes = nil })
	told, err := d.c.list(t.Context(), true)
	d.check(err)
	d.check(d.c.resync(t.Context(), t.Context(), told))
	if m := d.c.state.get().Mailboxes[1]; m.Name != "Junk" || m.Messages != 1 {
		t.Errorf("%+v", m)
	}
}

// Few accounts are looked at whole as often as is set, many at a pace that leaves the
// process idle, and not together.
func TestManyAccountsAreLookedAtInTurns(t *testing.T) {
	const every = 5 * time.Minute
	if d := inTurn(1500, every); d != 0 {
		t.Errorf("of 1500 accounts one waits for %s more", d)
	}
	const many, draws = 10_000, 2000
	var sum, least, most time.Duration = 0, time.Hour, 0
	for range draws {
		d := every + inTurn(many, every)
		sum, least, most = sum+d, min(least, d), max(most, d)
	}
	if mean := sum / draws; mean < many*controlPace*9/10 || mean > many*controlPace*11/10 || most-least < many*controlPace {
		t.Errorf("%s on the mean, from %s to %s", mean, least, most)
	}
}
