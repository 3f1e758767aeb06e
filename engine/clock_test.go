package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// days runs the daemon for so long, in a bubble where that takes no time.
func (r *rig) days(cfg *config.Config, d time.Duration) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		if err := engine.New(cfg, r.options(j)).Run(ctx); err != nil {
			r.t.Errorf("daemon: %v", err)
		}
	})
}

func (r *rig) lastRun(cfg *config.Config, rule string) (run journal.Run) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) {
		sums, err := j.Summary(context.Background())
		if err != nil {
			r.t.Fatal(err)
		}
		for _, s := range sums {
			for _, x := range s.Runs {
				if x.Rule == rule {
					run = x
				}
			}
		}
	})
	return run
}

const retention = `
rules:
  - name: old promotions
    on: {cron: "0 3 * * *"}
    in: [Promotions]
    if: age > days(30) and not flagged
    then: [trash]
`

// TestRetentionRunsByTheClock: a mailbox that is not watched, messages as they come
// of age, and one run for the time that the machine was off.
func TestRetentionRunsByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, pipes(t, imaptest.Options{NoIdle: true}))
		r.srv.Create(t, "Promotions")
		for i := range 6 { // they come of age in 0, 1, 2 ... days
			r.srv.Append(t, "Promotions", nil, time.Now().Add(-30*24*time.Hour+time.Duration(i)*24*time.Hour), message(fmt.Sprint("p", i), "a@shop.example"))
		}
		cfg := r.config("poll: 1h", retention)
		r.days(cfg, 2*time.Hour)
		r.want("Promotions", "p0", "p1", "p2", "p3", "p4", "p5")
		if run := r.lastRun(cfg, "old promotions"); !run.Started.IsZero() {
			t.Errorf("it ran before its time: %+v", run)
		}
		r.days(cfg, 26*time.Hour) // a bubble begins at midnight
		r.want("Trash", "p0", "p1")
		time.Sleep(50 * time.Hour) // the machine is off
		r.days(cfg, time.Minute)
		r.want("Trash", "p0", "p1", "p2", "p3")
		run := r.lastRun(cfg, "old promotions")
		if run.Missed != 1 || run.Acted != 2 || run.Looked != 4 || run.Ended.IsZero() {
			t.Errorf("run %+v", run)
		}
	})
}

// TestAScheduledRuleActsOnce: on one message, unless it says repeat, and not again
// on what the user takes back.
func TestAScheduledRuleActsOnce(t *testing.T) {
	for _, test := range []struct {
		repeat string
		calls  int
	}{{"", 1}, {"\n    repeat: 48h", 3}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, pipes(t, imaptest.Options{NoIdle: true}))
			hook := &receiver{}
			r.sender = hook
			cfg := r.config("poll: 1h", `
webhooks:
  log: {url: "https://hooks.example.org/log"}
rules:
  - name: nightly
    on: {cron: "@daily"}`+test.repeat+`
    if: subject == "remind"
    then: [{webhook: log}]
`)
			r.mail("INBOX", "remind", "a@example.org")
			r.days(cfg, 5*24*time.Hour+time.Hour)
			if len(hook.calls) != test.calls {
				t.Errorf("repeat %q: %d calls in five days, want %d", test.repeat, len(hook.calls), test.calls)
			}
			seen := map[string]bool{}
			for _, id := range hook.calls {
				if seen[id] {
					t.Errorf("two calls have the id %s", id)
				}
				seen[id] = true
			}
		})
	}
}

// TestTheUserTakesMailOutOfTheTrash: he wins over a rule on a clock, too.
func TestTheUserTakesMailOutOfTheTrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, pipes(t, imaptest.Options{NoIdle: true}))
		r.srv.Create(t, "Promotions")
		r.srv.Append(t, "Promotions", nil, time.Now().Add(-90*24*time.Hour), message("keep", "a@shop.example"))
		cfg := r.config("poll: 1h", retention)
		r.days(cfg, 27*time.Hour)
		r.want("Trash", "keep")
		r.srv.Move(t, "Trash", "Promotions")
		r.days(cfg, 72*time.Hour)
		r.want("Promotions", "keep")
	})
}

// TestLimitOfAFiring: each firing has the whole limit.
func TestLimitOfAFiring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, pipes(t, imaptest.Options{NoIdle: true}))
		r.srv.Create(t, "Promotions")
		for i := range 7 {
			r.srv.Append(t, "Promotions", nil, time.Now().Add(-90*24*time.Hour), message(fmt.Sprint("p", i), "a@shop.example"))
		}
		cfg := r.config("poll: 1h", retention+"    max_messages: 3\n")
		r.days(cfg, 27*time.Hour)
		if got := r.entries(cfg); got[journal.Done] != 3 || got[journal.Held] != 4 {
			t.Errorf("after the first firing %v", got)
		}
		r.days(cfg, 24*time.Hour)
		if got := r.entries(cfg); got[journal.Done] != 6 || got[journal.Held] != 1 {
			t.Errorf("after the second firing %v", got)
		}
	})
}

// TestOnceRunsWhatIsDue: a process that is started by another clock keeps this one.
func TestOnceRunsWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, pipes(t, imaptest.Options{NoIdle: true}))
		r.srv.Create(t, "Promotions")
		r.srv.Append(t, "Promotions", nil, time.Now().Add(-90*24*time.Hour), message("old", "a@shop.example"))
		cfg := r.config("poll: 1h", retention)
		r.once(cfg)
		r.want("Promotions", "old")
		time.Sleep(24 * time.Hour)
		r.once(cfg)
		r.want("Trash", "old")
	})
}

// TestOtherRulesThanThosePlanned: nothing is applied.
func TestOtherRulesThanThosePlanned(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", filing)
	r.mail("INBOX", "letter", "b@news.example")
	r.with(cfg, func(j journal.Journal) {
		o := r.options(j)
		o.Apply = &engine.Scope{Content: "other"}
		e := engine.New(cfg, o)
		if err := e.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if job, err := e.Job(engine.ApplyJob); err != nil || job.Error == "" || job.Running {
			t.Errorf("job %+v, %v", job, err)
		}
	})
	r.want("INBOX", "letter")
}
