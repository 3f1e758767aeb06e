package engine_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// again moves every message of a mailbox as a client does that appends: with
// another INTERNALDATE.
func (s *tale) again(from, to, subject string, flags ...imap.Flag) {
	s.t.Helper()
	s.srv.Empty(s.t, from)
	s.pass(time.Hour)
	s.put(to, subject, time.Now(), flags...)
}

// The EMAILID alone tells that a message came back: the user wins though his
// client gave it another date. Without it, or with another, it is new mail.
func TestScenarioCameBackByEmailID(t *testing.T) {
	for _, tc := range []struct {
		name     string
		objectID bool
		before   imap.Flag
		after    imap.Flag
		kept     bool
	}{
		{"the same EMAILID", true, "eid-M1", "eid-M1", true},
		{"another EMAILID", true, "eid-M1", "eid-M2", false},
		{"no OBJECTID", false, "eid-M1", "eid-M1", false},
	} {
		tell(t, imaptest.Options{}, []string{"News"}, "", filing, func(s *tale) {
			if tc.objectID {
				s.objectID()
			}
			s.run()
			s.put("INBOX", "letter", time.Now(), tc.before)
			s.run()
			s.want("News", "letter")
			s.again("News", "INBOX", "letter", tc.after)
			s.run()
			if kept := len(s.subjects("INBOX")) == 1; kept != tc.kept {
				t.Errorf("%s: kept = %v", tc.name, kept)
			}
		})
	}
}

// A message that is alike in everything but the EMAILID is another one: it does
// not come back from anywhere. With Message-ID, size and date alone it would.
func TestScenarioAnotherEmailIDIsAnotherMessage(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"News"}, "", filing, func(s *tale) {
		s.objectID()
		s.run()
		at := time.Now()
		s.put("INBOX", "letter", at, "eid-M1")
		s.run()
		s.srv.Empty(t, "News")
		s.put("INBOX", "letter", at, "eid-M2")
		s.run()
		s.want("News", "letter")
	})
}

// Twins may share an EMAILID, and are two messages all the same, as long as
// nobody took our copy of the first away.
func TestScenarioTwinsOfOneEmailID(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"News"}, "", filing, func(s *tale) {
		s.objectID()
		s.run()
		for range 8 {
			s.put("INBOX", "twin", time.Now(), "eid-M1")
			s.pass(time.Minute)
			s.run()
		}
		s.want("News", strings.Fields(strings.Repeat("twin ", 8))...)
		s.wantEntries(map[journal.EntryState]int{journal.Done: 8})
	})
}

// A message without EMAILID and Message-ID never came back.
func TestScenarioNoIdentityNeverComesBack(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"News"}, "", filing, func(s *tale) {
		s.run()
		bare := []byte("From: a@news.example\r\nSubject: bare\r\n\r\nHello.\r\n")
		s.srv.Append(t, "INBOX", nil, time.Now(), bare)
		s.run()
		s.srv.Move(t, "News", "INBOX")
		s.run()
		if n := len(s.srv.Messages(t, "News")); n != 1 {
			t.Errorf("News holds %d messages, want 1", n)
		}
	})
}

// Another program moves back what a rule moved: the rule leaves it there, and
// the limit of hops is not even needed.
func TestScenarioPingPongEndsWithTheUser(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"A", "B0", "B1"}, "watch: [A]", pingPong(2), func(s *tale) {
		s.run()
		s.put("A", "ball", time.Now())
		for range 10 {
			s.run()
			s.srv.Move(t, "B0", "A")
			s.srv.Move(t, "B1", "A")
		}
		s.want("A", "ball")
		s.wantEntries(map[journal.EntryState]int{journal.Done: 2, journal.Kept: 1})
	})
}

// pingPong are so many rules that move what comes to A, each to a mailbox of its
// own.
func pingPong(n int) string {
	out := "rules:\n"
	for i := range n {
		out += fmt.Sprintf("  - name: r%d\n    in: [A]\n    if: true\n    then: [{move: B%d}]\n", i, i)
	}
	return out
}

// Many rules, each of which may move a message once: after five moves in a day
// it is held, and says why. Another day is another five; confirm moves it on.
func TestScenarioHopLimit(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"A"}, "watch: [A]", pingPong(9), func(s *tale) {
		s.run()
		s.put("A", "ball", time.Now())
		for i := range 8 {
			s.run()
			if target := fmt.Sprintf("B%d", i); len(s.subjects(target)) > 0 {
				s.srv.Move(t, target, "A")
			}
		}
		s.want("A", "ball")
		s.wantEntries(map[journal.EntryState]int{journal.Done: 5, journal.Held: 1})
		s.wantReason("another program")
		s.amend(engine.Confirm)
		s.run()
		s.want("B5", "ball")
		s.pass(day)
		s.srv.Move(t, "B5", "A")
		s.run()
		s.want("B6", "ball")
	})
}

// wantReason demands that a held entry says something.
func (s *tale) wantReason(text string) {
	s.t.Helper()
	s.with(s.cfg, func(j journal.Journal) {
		held, err := j.Entries(s.t.Context(), journal.Query{States: []journal.EntryState{journal.Held}})
		if err != nil || len(held) != 1 || !strings.Contains(held[0].Reason, text) {
			s.t.Errorf("held: %+v, %v", held, err)
		}
	})
}

// The other program makes the target anew, so that the UID of our copy says
// nothing: that it left is told by what lies there now, and the user wins.
func TestScenarioCameBackFromATargetMadeAnew(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"News"}, "", filing, func(s *tale) {
		s.run()
		s.put("INBOX", "letter", time.Now())
		for range 12 {
			s.run()
			if len(s.subjects("News")) == 0 {
				break
			}
			s.srv.Move(t, "News", "INBOX")
			s.srv.Delete(t, "News")
			s.srv.Create(t, "News")
			s.pass(time.Minute)
		}
		s.want("INBOX", "letter")
		s.wantEntries(map[journal.EntryState]int{journal.Done: 1, journal.Kept: 1})
	})
}

// While the place where we put it cannot be looked at, a message waits.
func TestScenarioCameBackWaits(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"News"}, "", filing, func(s *tale) {
		s.run()
		s.put("INBOX", "letter", time.Now())
		s.run()
		s.srv.Move(t, "News", "INBOX")
		var refuse atomic.Bool
		refuse.Store(true)
		s.change = append(s.change, hooked(t, s.rig, func(line string) string {
			if refuse.Load() && (strings.HasPrefix(line, `SELECT "News"`) || strings.HasPrefix(line, "SELECT News")) {
				return "NO [UNAVAILABLE] later"
			}
			return ""
		}))
		s.run()
		s.wantEntries(map[journal.EntryState]int{journal.Done: 1})
		refuse.Store(false)
		s.run()
		s.want("INBOX", "letter")
		s.wantEntries(map[journal.EntryState]int{journal.Done: 1, journal.Kept: 1})
	})
}
