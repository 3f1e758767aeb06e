package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

const undoSnoozing = `
rules:
  - {name: later, if: 'subject == "letter"', then: [{add_flags: [$Later]}, {snooze: 3h}]}
`

// wantUndone undoes acts, and demands what a plan says before and what is said then.
func (s *tale) wantUndone(want []string, seqs ...int64) {
	s.t.Helper()
	var planned, done []string
	for _, u := range s.planUndo(s.cfg, seqs...) {
		planned = append(planned, undoneText(u))
	}
	for _, u := range s.undo(s.cfg, seqs...) {
		done = append(done, undoneText(u))
		if len(u.Back) > 0 && u.State != journal.Done {
			s.t.Errorf("act %d is %s: %s", u.Seq, u.State, u.Reason)
		}
	}
	if !slices.Equal(planned, want) || !slices.Equal(done, want) {
		s.t.Errorf("planned %q, done %q, want %q", planned, done, want)
	}
}

// A snooze that is undone is over at once: the message is where it was, as it was, and
// stays there, whatever the rule that snoozed it sees afterwards.
func TestUndoASnooze(t *testing.T) {
	for _, o := range []imaptest.Options{{}, {NoMove: true}, {NoUIDPlus: true}, {NoMove: true, NoUIDPlus: true}} {
		tell(t, o, nil, "idle: 29m\npoll: 10m", undoSnoozing, func(s *tale) {
			s.run()
			s.put("INBOX", "letter", time.Now(), imap.FlagSeen)
			s.run()
			s.want("Snoozed", "letter")
			s.wantUndone([]string{"remove_flags: [$Later], move: INBOX"}, s.acts(s.cfg)...)
			if left := s.asleep(); len(left) != 0 {
				t.Errorf("still snoozed: %+v", left)
			}
			s.run()
			s.apply(s.cfg, engine.Scope{})
			s.days(s.cfg, 4*time.Hour)
			s.want("Snoozed")
			s.want("INBOX", "letter")
			if got := s.flags("INBOX", "letter"); !slices.Equal(got, []string{`\seen`}) {
				t.Errorf("it has the flags %v", got)
			}
			s.wantEntries(map[journal.EntryState]int{journal.Done: 1, journal.Undone: 1})
			s.wantEvents("baseline", "created")
			s.apply(s.cfg, engine.Scope{Again: true})
			s.want("Snoozed", "letter")
		})
	}
}

// A snooze lasts as long as its message is away: by then, and where by then, it can be
// undone, though its mailbox was renumbered, or the one that it goes back to renamed.
func TestUndoASnoozeLongAfter(t *testing.T) {
	rule := "rules:\n  - {name: later, in: [Work], if: 'subject == \"letter\"', then: [{snooze: 60d}]}\n"
	tell(t, imaptest.Options{}, []string{"Snoozed", "Work"}, "watch: ['*']", rule, func(s *tale) {
		s.run()
		at := time.Now()
		s.put("Work", "letter", at)
		s.put("Work", "stays", at)
		s.run()
		s.want("Snoozed", "letter")
		s.renumber("Snoozed", func(*imaptest.Delivery) {}, deliveries([]string{"other", "letter"}, at))
		s.srv.Rename(t, "Work", "Job")
		s.run()
		time.Sleep(40 * 24 * time.Hour)
		s.wantUndone([]string{"move: Job"}, s.acts(s.cfg)...)
		s.run()
		s.want("Job", "letter", "stays")
		s.want("Snoozed", "other")
	})
}

// A snooze that is over has nothing to put back; what else its act did has, where the
// message came to, and so have the acts before it. What brought it back is no act.
func TestUndoASnoozeThatIsOver(t *testing.T) {
	rules := `
rules:
  - {name: star, if: 'true', then: [{add_flags: ['\Flagged']}]}
  - {name: later, on: {flags: [$now]}, if: 'true', then: [{add_flags: [$Later]}, {snooze: 3h}]}
`
	for _, renumbered := range []bool{false, true} {
		tell(t, imaptest.Options{}, []string{"Snoozed"}, "idle: 29m\npoll: 10m", rules, func(s *tale) {
			s.run()
			at := time.Now()
			s.put("INBOX", "letter", at)
			s.daemon(s.cfg, func(*engine.Engine) {
				s.pass(time.Minute)
				s.srv.Store(t, "INBOX", imap.StoreFlagsAdd, "$now")
				s.pass(time.Minute)
				s.want("Snoozed", "letter")
				if renumbered {
					held := deliveries([]string{"other", "letter"}, at)
					held[1].Flags = []imap.Flag{imap.FlagFlagged, "$Later", "$now"}
					s.renumber("Snoozed", func(*imaptest.Delivery) {}, held)
				}
				s.pass(4 * time.Hour)
			})
			s.want("INBOX", "letter")
			acts := s.acts(s.cfg) // the star, the snooze, and what brought it back
			s.wantUndone([]string{"not : it brought back a message whose snooze was over"}, acts[2])
			s.wantUndone([]string{"remove_flags: [$Later]; not snooze: {until: " + s.until(acts[1]) + "}: it came back already", `remove_flags: [\Flagged]`}, acts[:2]...)
			s.want("INBOX", "letter")
			if got := s.flags("INBOX", "letter"); !slices.Equal(got, []string{"$now"}) {
				t.Errorf("it has the flags %v", got)
			}
		})
	}
}

// until is until when an act snoozed, as its action prints it.
func (s *tale) until(seq int64) string {
	for _, e := range s.all(s.cfg) {
		if e.Seq == seq {
			return e.Steps[len(e.Steps)-1].Action.Until.Format(time.RFC3339)
		}
	}
	return "never"
}

// One that the user took out is left where he put it.
func TestUndoASnoozeThatTheUserEnded(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Elsewhere"}, "idle: 29m\npoll: 10m", undoSnoozing, func(s *tale) {
		s.run()
		s.put("INBOX", "letter", time.Now())
		s.run()
		s.srv.Move(t, "Snoozed", "Elsewhere")
		for range 2 { // before it is noticed, and after
			for _, u := range s.undo(s.cfg, s.acts(s.cfg)...) {
				if len(u.Back) > 0 {
					t.Errorf("put back: %s", undoneText(u))
				}
			}
			s.want("Elsewhere", "letter")
			s.days(s.cfg, 130*time.Minute)
		}
		s.wantOver("the snooze by act")
	})
}

// A snooze whose message is just coming back is not undone beside that.
func TestUndoASnoozeThatIsComingBack(t *testing.T) {
	tell(t, imaptest.Options{}, nil, "idle: 29m\npoll: 10m", undoSnoozing, func(s *tale) {
		s.run()
		s.put("INBOX", "letter", time.Now())
		s.run()
		acts := s.acts(s.cfg)
		time.Sleep(4 * time.Hour)
		for n := 0; ; n++ {
			if s.runAndCrash(s.cfg, n, true) {
				t.Fatal("no crash left it coming")
			}
			if s.entries(s.cfg)[journal.Open] == 0 {
				continue
			}
			break
		}
		for _, u := range s.planUndo(s.cfg, acts...) {
			if got := undoneText(u); len(u.Back) > 0 || u.Cannot[0].Why != "it is just coming back" {
				t.Errorf("planned %s", got)
			}
		}
		s.run()
		s.want("INBOX", "letter")
		s.want("Snoozed")
	})
}
