package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// snoozing puts letters away for three hours, and calls a webhook for all mail, so that
// what asks rules twice is counted.
const snoozing = `
webhooks:
  log: {url: "https://hooks.example.org/log"}
rules:
  - {name: later, if: 'subject == "letter"', then: [{snooze: 3h}]}
  - {name: log, in: [INBOX], if: 'true', then: [{webhook: log}]}
  - {name: watch, in: [Snoozed], if: 'true', then: [{add_flags: [$wrong]}]}
`

// asleep is what the journal has of snoozed messages.
func (s *tale) asleep() (out []journal.Snoozed) {
	s.t.Helper()
	s.with(s.cfg, func(j journal.Journal) {
		_, snap, err := j.Acquire(context.Background(), "home", "test")
		if err != nil {
			s.t.Fatal(err)
		}
		out = snap.Snoozed
	})
	return out
}

// wantOver demands that the snooze is over, and that one event says so.
func (s *tale) wantOver(text string) {
	s.t.Helper()
	if left := s.asleep(); len(left) != 0 {
		s.t.Errorf("still snoozed: %+v", left)
	}
	var said []string
	s.with(s.cfg, func(j journal.Journal) {
		all, err := j.Tail(context.Background(), "home", 0, 0)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range all {
			if e.Kind == "snooze" {
				said = append(said, e.Text)
			}
		}
	})
	if len(said) != 1 || !strings.Contains(said[0], text) {
		s.t.Errorf("events %q, want one with %q", said, text)
	}
}

// TestSnoozeComesBack: after its time, to where it was, unseen also where the user read
// it meanwhile, and no rule takes it for new, whatever is watched and with whatever
// capabilities.
func TestSnoozeComesBack(t *testing.T) {
	for _, account := range []string{"", "watch: [Snoozed, INBOX]", "connections: 1"} {
		for _, o := range []imaptest.Options{{}, {NoMove: true}, {NoUIDPlus: true}, {NoMove: true, NoUIDPlus: true}} {
			if account == "connections: 1" && o.NoMove {
				continue
			}
			t.Run(fmt.Sprintf("move=%v,uidplus=%v,%s", !o.NoMove, !o.NoUIDPlus, account), func(t *testing.T) {
				tell(t, o, nil, "idle: 29m\npoll: 10m\n"+account, snoozing, func(s *tale) {
					s.run()
					s.put("INBOX", "letter", time.Now(), "$Work")
					s.put("INBOX", "other", time.Now())
					s.days(s.cfg, 170*time.Minute)
					s.want("INBOX", "other")
					s.want("Snoozed", "letter")
					s.srv.Store(t, "Snoozed", imap.StoreFlagsAdd, imap.FlagSeen)
					s.days(s.cfg, 11*time.Minute)
					s.want("Snoozed")
					s.want("INBOX", "letter", "other")
					for _, m := range s.srv.Messages(t, "INBOX") {
						if m.MessageID == "<letter@test>" && !slices.Contains(m.Flags, imap.FlagDeleted) && flagsOf(m) != "$work" {
							t.Errorf("it has the flags %v", m.Flags)
						}
					}
					s.days(s.cfg, 4*time.Hour)
					s.want("INBOX", "letter", "other")
					s.wantEntries(map[journal.EntryState]int{journal.Done: 3})
					s.wantCalls(2, 2)
					if left := s.asleep(); len(left) != 0 {
						t.Errorf("still snoozed: %+v", left)
					}
				})
			})
		}
	}
}

// TestSnoozeUntilATime: by the calendar, over the change of clocks, and whether or not
// the daemon runs then.
func TestSnoozeUntilATime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2000, month, day, hour, minute, 0, 0, berlin)
	}
	for _, test := range []struct {
		until      string
		from, want time.Time
	}{
		{"monday 08:00", at(1, 5, 12, 0), at(1, 10, 8, 0)},
		{"tomorrow 08:00", at(1, 5, 7, 0), at(1, 6, 8, 0)},
		{"'08:00'", at(1, 5, 7, 0), at(1, 5, 8, 0)},
		{"sunday 02:30", at(3, 24, 12, 0), at(3, 26, 3, 0)}, // there is no 02:30
		{"monday 08:00", at(3, 24, 12, 0), at(3, 27, 8, 0)},
		{"2000-02-01 06:30", at(1, 5, 12, 0), at(2, 1, 6, 30)},
	} {
		t.Run(test.until, func(t *testing.T) {
			tell(t, imaptest.Options{}, nil, "idle: 29m\npoll: 10m", "timezone: Europe/Berlin\nrules:\n  - {name: later, if: 'true', then: [{snooze: {until: "+test.until+"}}]}\n", func(s *tale) {
				time.Sleep(time.Until(test.from) - time.Minute)
				s.run()
				s.put("INBOX", "letter", time.Now())
				time.Sleep(time.Until(test.from))
				s.run()
				if all := s.asleep(); len(all) != 1 || !all[0].Due.Equal(test.want) {
					t.Errorf("snoozed %+v, want until %s", all, test.want)
				}
				time.Sleep(time.Until(test.want) - time.Minute)
				s.days(s.cfg, 59*time.Second)
				s.want("Snoozed", "letter")
				s.days(s.cfg, 2*time.Second)
				s.want("INBOX", "letter")
			})
		})
	}
}

// TestSnoozeIsDueWhileNothingRuns: it comes back at the next start, with --once too.
func TestSnoozeIsDueWhileNothingRuns(t *testing.T) {
	tell(t, imaptest.Options{}, nil, "idle: 29m\npoll: 10m", snoozing, func(s *tale) {
		s.run()
		s.put("INBOX", "letter", time.Now())
		s.run()
		s.want("Snoozed", "letter")
		time.Sleep(30 * 24 * time.Hour)
		s.run()
		s.want("INBOX", "letter")
		s.want("Snoozed")
	})
}

// TestSnoozeEndsWhenTheUserActs: what he moves or deletes does not come back, and that
// is said within two hours.
func TestSnoozeEndsWhenTheUserActs(t *testing.T) {
	for name, test := range map[string]struct {
		act   func(s *tale)
		after time.Duration
		inbox []string
	}{
		"moves it back":   {func(s *tale) { s.srv.Move(s.t, "Snoozed", "INBOX") }, 130 * time.Minute, []string{"letter"}},
		"moves it away":   {func(s *tale) { s.srv.Move(s.t, "Snoozed", "Archive") }, 130 * time.Minute, nil},
		"deletes it":      {func(s *tale) { s.srv.Empty(s.t, "Snoozed") }, 130 * time.Minute, nil},
		"flags it":        {func(s *tale) { s.srv.Store(s.t, "Snoozed", imap.StoreFlagsAdd, imap.FlagDeleted) }, 4 * time.Hour, nil},
		"deletes the box": {func(s *tale) { s.srv.Delete(s.t, "Snoozed") }, 130 * time.Minute, nil},
	} {
		t.Run(name, func(t *testing.T) {
			tell(t, imaptest.Options{}, nil, "idle: 29m\npoll: 10m", snoozing, func(s *tale) {
				s.run()
				s.put("INBOX", "letter", time.Now())
				s.days(s.cfg, time.Minute)
				test.act(s)
				s.days(s.cfg, test.after)
				s.wantOver("the snooze by act")
				s.days(s.cfg, 4*time.Hour)
				s.want("INBOX", test.inbox...)
				s.wantCalls(1, 1)
			})
		})
	}
}

// TestSnoozeInARenumberedMailbox: the message is found by its fingerprint, watched or
// not, and a twin of it for each snooze.
func TestSnoozeInARenumberedMailbox(t *testing.T) {
	for _, account := range []string{"idle: 29m\npoll: 10m", "idle: 29m\npoll: 10m\nwatch: [INBOX, Snoozed]"} {
		tell(t, imaptest.Options{}, []string{"Snoozed"}, account, snoozing, func(s *tale) {
			s.run()
			at := time.Now()
			for range 2 {
				s.put("INBOX", "letter", at)
			}
			s.days(s.cfg, time.Minute)
			s.want("Snoozed", "letter", "letter")
			s.renumber("Snoozed", func(*imaptest.Delivery) {}, deliveries([]string{"other", "letter", "letter"}, at))
			s.days(s.cfg, 2*time.Hour)
			s.want("Snoozed", "letter", "letter", "other")
			s.days(s.cfg, time.Hour)
			s.want("INBOX", "letter", "letter")
			s.want("Snoozed", "other")
			s.wantCalls(2, 2)
		})
	}
}

// TestSnoozeUntilItsMailboxIsGone: the message comes back to INBOX then, and that is
// said.
func TestSnoozeUntilItsMailboxIsGone(t *testing.T) {
	rule := "rules:\n  - {name: later, in: [Work], if: 'true', then: [{snooze: 3h}]}\n"
	for _, after := range []time.Duration{time.Hour, 3*time.Hour - 90*time.Second} { // listed since, and not
		tell(t, imaptest.Options{}, []string{"Work"}, "idle: 29m\npoll: 10m\nwatch: [INBOX, Work]", rule, func(s *tale) {
			s.run()
			s.put("Work", "letter", time.Now())
			s.daemon(s.cfg, func(*engine.Engine) {
				s.pass(after)
				s.srv.Delete(t, "Work")
				s.pass(4 * time.Hour)
			})
			s.want("INBOX", "letter")
			s.wantOver("INBOX: a snoozed message comes back here, for Work is gone")
		})
	}
}

// TestSnoozeFromAnUnwatchedMailbox, by a rule on a clock, which snoozes a message
// again after its time.
func TestSnoozeFromAnUnwatchedMailbox(t *testing.T) {
	rule := "rules:\n  - {name: later, on: {cron: '0 3 * * *'}, repeat: 5d, in: [Work], if: 'true', then: [{snooze: 2d}]}\n"
	tell(t, imaptest.Options{NoIdle: true}, []string{"Work"}, "idle: 29m\npoll: 10m", rule, func(s *tale) {
		s.put("Work", "letter", time.Now())
		for _, day := range []struct{ work, snoozed int }{{0, 1}, {0, 1}, {1, 0}, {1, 0}, {1, 0}, {0, 1}, {0, 1}, {1, 0}} {
			s.days(s.cfg, 24*time.Hour)
			if work, snoozed := len(s.subjects("Work")), len(s.subjects("Snoozed")); work != day.work || snoozed != day.snoozed {
				t.Errorf("%s: %d at work and %d snoozed, want %+v", time.Now(), work, snoozed, day)
			}
		}
		s.wantEntries(map[journal.EntryState]int{journal.Done: 4})
	})
}

// TestSnoozeByFlag: a message is snoozed each time that the user flags it so.
func TestSnoozeByFlag(t *testing.T) {
	rule := "rules:\n  - {name: later, on: {flags: [$later]}, in: [INBOX], if: 'true', then: [{remove_flags: [$later]}, {snooze: 3h}]}\n"
	tell(t, imaptest.Options{}, nil, "idle: 29m\npoll: 10m", rule, func(s *tale) {
		s.run()
		s.put("INBOX", "letter", time.Now())
		s.daemon(s.cfg, func(*engine.Engine) {
			for range 3 {
				s.pass(time.Hour)
				s.want("INBOX", "letter")
				s.srv.Store(t, "INBOX", imap.StoreFlagsAdd, "$later")
				s.pass(time.Hour)
				s.want("Snoozed", "letter")
				s.pass(3 * time.Hour)
			}
		})
		s.want("INBOX", "letter")
		s.wantEntries(map[journal.EntryState]int{journal.Done: 6})
	})
}

// TestSnoozeAlreadyFull: beyond the most that an account may snooze the action fails,
// visibly, and the message stays.
func TestSnoozeAlreadyFull(t *testing.T) {
	tell(t, imaptest.Options{}, nil, "idle: 29m\npoll: 10m", snoozing, func(s *tale) {
		s.run()
		s.with(s.cfg, func(j journal.Journal) {
			own, _, err := j.Acquire(context.Background(), "home", "test")
			var batch journal.Batch
			for i := range int64(9999) {
				batch.Snoozed = append(batch.Snoozed, journal.Snoozed{Seq: 100_000 + i, Mailbox: "Elsewhere", Due: time.Now().Add(48 * time.Hour)})
			}
			if err == nil {
				err = j.Commit(context.Background(), own, batch)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		for range 3 {
			s.put("INBOX", "letter", time.Now())
		}
		s.run()
		s.want("Snoozed", "letter")
		s.want("INBOX", "letter", "letter")
		s.with(s.cfg, func(j journal.Journal) {
			failed, err := j.Entries(t.Context(), journal.Query{States: []journal.EntryState{journal.Failed}})
			if err != nil || len(failed) != 2 || !strings.Contains(failed[0].Reason, "10000 messages of this account are snoozed") {
				t.Errorf("failed: %+v, %v", failed, err)
			}
		})
	})
}

// TestSnoozeInDryRun: nothing is touched, neither when a message would go nor when it
// would come back.
func TestSnoozeInDryRun(t *testing.T) {
	tell(t, imaptest.Options{}, nil, "idle: 29m\npoll: 10m", snoozing, func(s *tale) {
		s.run()
		s.put("INBOX", "letter", time.Now())
		s.run()
		s.change = append(s.change, dryRun)
		s.put("INBOX", "letter", time.Now())
		time.Sleep(4 * time.Hour)
		s.live(func() { s.pass(time.Hour) })
		s.want("Snoozed", "letter")
		s.want("INBOX", "letter")
		s.change = nil
		s.run()
		s.want("INBOX", "letter", "letter")
	})
}

// TestSnoozeOnRealServers is one round: there, and back.
func TestSnoozeOnRealServers(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", snoozing)
		r.sender = &receiver{}
		r.once(cfg)
		r.mail("INBOX", "letter", "a@example.org", imap.FlagSeen)
		r.once(cfg)
		r.want("INBOX")
		r.want("Snoozed", "letter")
		r.with(cfg, func(j journal.Journal) {
			own, snap, err := j.Acquire(context.Background(), "home", "test")
			if err != nil || len(snap.Snoozed) != 1 {
				t.Fatalf("%+v, %v", snap.Snoozed, err)
			}
			snap.Snoozed[0].Due = time.Now()
			if err := j.Commit(context.Background(), own, journal.Batch{Snoozed: snap.Snoozed}); err != nil {
				t.Fatal(err)
			}
		})
		r.once(cfg)
		r.want("Snoozed")
		r.want("INBOX", "letter")
		if got := r.entries(cfg); got[journal.Done] != 2 || len(got) != 1 {
			t.Errorf("entries = %v", got)
		}
	})
}

// TestSnoozeInAMailboxMadeAnew: where the mailbox did not exist before, a UID alone
// proves nothing.
func TestSnoozeInAMailboxMadeAnew(t *testing.T) {
	tell(t, imaptest.Options{}, nil, "", snoozing, func(s *tale) {
		s.run()
		at := time.Now()
		s.put("INBOX", "letter", at)
		s.run()
		s.renumber("Snoozed", func(*imaptest.Delivery) {}, deliveries([]string{"other", "letter"}, at))
		time.Sleep(4 * time.Hour)
		s.run()
		s.want("INBOX", "letter")
		s.want("Snoozed", "other")
	})
}

// TestSnoozeWhileMailboxesAreRenamed: the one that messages lie in, and the one that
// they go back to.
func TestSnoozeWhileMailboxesAreRenamed(t *testing.T) {
	rule := "rules:\n  - {name: later, in: [Work], if: 'subject == \"letter\"', then: [{snooze: 3h}]}\n"
	tell(t, imaptest.Options{}, []string{"Snoozed", "Work"}, "idle: 29m\npoll: 10m\nwatch: ['*']", rule, func(s *tale) {
		s.run()
		s.put("Work", "letter", time.Now())
		s.put("Work", "stays", time.Now()) // an empty mailbox cannot be told by what it holds
		s.days(s.cfg, time.Minute)
		s.want("Snoozed", "letter")
		s.srv.Rename(t, "Snoozed", "Later")
		s.srv.Rename(t, "Work", "Job")
		s.days(s.cfg, 4*time.Hour)
		s.want("Job", "letter", "stays")
		s.want("Later")
	})
}

// TestSnoozeCountsOnce against the limit of its rule: what comes back is not taken
// away.
func TestSnoozeCountsOnce(t *testing.T) {
	rule := "rules:\n  - {name: later, if: 'true', max_messages: 2, then: [{snooze: 10m}]}\n"
	tell(t, imaptest.Options{}, nil, "", rule, func(s *tale) {
		s.run()
		s.put("INBOX", "first", time.Now())
		s.run()
		time.Sleep(15 * time.Minute)
		s.run()
		s.want("INBOX", "first")
		s.put("INBOX", "second", time.Now())
		s.run()
		s.want("Snoozed", "second")
		s.wantEntries(map[journal.EntryState]int{journal.Done: 3})
	})
}

// TestSnoozeInAMailboxThatCannotBeOpened: the messages sleep on, and come back once it
// can be.
func TestSnoozeInAMailboxThatCannotBeOpened(t *testing.T) {
	tell(t, imaptest.Options{}, nil, "idle: 29m\npoll: 10m", snoozing, func(s *tale) {
		s.run()
		s.put("INBOX", "letter", time.Now())
		s.run()
		var open atomic.Bool
		var looks atomic.Int32
		s.through(func(line string) string {
			if open.Load() || !strings.Contains(line, `SELECT "Snoozed"`) {
				return line
			}
			looks.Add(1)
			return strings.Replace(line, "Snoozed", "No such", 1)
		}, asIs)
		s.live(func() {
			s.pass(13 * time.Hour)
			s.want("Snoozed", "letter")
			if n := looks.Load(); n < 20 || n > 60 {
				t.Errorf("%d looks in ten hours", n)
			}
			open.Store(true)
			s.pass(time.Hour)
			s.want("INBOX", "letter")
		})
	})
}
