package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// month is a month of snoozing: what runs when, and what is seen of it.
type month struct {
	*tale
	rand    *rand.Rand
	letters []letterOfMonth
	put     int    // how many were delivered
	lives   []span // of the daemon
	looks   []look // at INBOX
	crashes int
}

type letterOfMonth struct {
	subject string
	at      time.Time
}

type span struct{ from, to time.Time }

// look is what INBOX held at a time.
type look struct {
	at       time.Time
	subjects []string
}

// whiles are how long a message is snoozed by the rule that its subject names.
func whiles() []string {
	return []string{"10m", "4h", "3d", "2w", "{until: tomorrow 08:00}", "{until: monday 08:00}", "{until: '12:00'}"}
}

func monthOfRules() string {
	text := "timezone: Europe/Berlin\nrules:\n"
	for i, until := range whiles() {
		text += fmt.Sprintf("  - {name: r%d, if: 'subject startsWith \"kind%d\"', then: [{snooze: %s}]}\n", i, i, until)
	}
	return text
}

// fill makes letters that arrive at any time of the first half of the month.
func (m *month) fill(n int) {
	for i := range n {
		at := time.Now().Add(time.Duration(m.rand.Int64N(int64(15 * 24 * time.Hour))))
		m.letters = append(m.letters, letterOfMonth{fmt.Sprintf("kind%d.%d", m.rand.IntN(len(whiles())), i), at})
	}
	slices.SortFunc(m.letters, func(a, b letterOfMonth) int { return a.at.Compare(b.at) })
}

// wait delivers what comes until a time. Half of it is read.
func (m *month) wait(until time.Time) {
	for ; m.put < len(m.letters) && m.letters[m.put].at.Before(until); m.put++ {
		l := m.letters[m.put]
		time.Sleep(time.Until(l.at))
		var flags []imap.Flag
		if m.put%2 == 0 {
			flags = append(flags, imap.FlagSeen)
		}
		m.tale.put("INBOX", l.subject, l.at, flags...)
	}
	time.Sleep(time.Until(until))
}

// live runs the daemon until a time, and then stops it, or lets it crash at one of the
// next things that it does.
func (m *month) live(until time.Time, crashes bool) {
	m.with(m.cfg, func(j journal.Journal) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		c := &crash{at: -1, late: m.rand.IntN(2) == 0, stop: cancel}
		life := span{from: time.Now()}
		done := make(chan error, 1)
		go func() { done <- engine.New(m.cfg, m.options(j, c.cuts(m.rig))).Run(ctx) }()
		m.wait(until)
		if crashes {
			c.mu.Lock()
			c.at = c.count + m.rand.IntN(8)
			c.mu.Unlock()
			<-done
			m.crashes++
		} else if cancel(); <-done != nil {
			m.t.Error("the daemon did not stop well")
		}
		life.to = time.Now()
		m.lives = append(m.lives, life)
	})
	m.looks = append(m.looks, look{time.Now().Truncate(time.Microsecond), m.subjects("INBOX")}) // as the journal has times
}

// deadline is when a message must be back that is due at a time: once the daemon ran
// for a minute since.
func (m *month) deadline(due time.Time) time.Time {
	for _, l := range m.lives {
		from := l.from
		if due.After(from) {
			from = due
		}
		if l.to.Sub(from) >= time.Minute {
			return from.Add(time.Minute)
		}
	}
	m.t.Errorf("nothing ran after %s", due)
	return due
}

// check demands of each letter one snooze and one return within a minute of its time,
// by the journal and by what was seen of INBOX.
func (m *month) check() {
	went, came := map[string][]journal.Entry{}, map[string][]journal.Entry{}
	for _, e := range m.all(m.cfg) {
		id := strings.TrimSuffix(strings.TrimPrefix(e.Print.MessageID, "<"), "@test>")
		if e.Trigger == journal.TriggerSnooze {
			came[id] = append(came[id], e)
		} else {
			went[id] = append(went[id], e)
		}
	}
	for _, l := range m.letters {
		if len(went[l.subject]) != 1 || len(came[l.subject]) != 1 {
			m.t.Errorf("%s went %d times and came back %d times", l.subject, len(went[l.subject]), len(came[l.subject]))
			continue
		}
		m.checkLetter(l, went[l.subject][0], came[l.subject][0])
	}
}

func (m *month) checkLetter(l letterOfMonth, went, came journal.Entry) {
	due, back := went.Steps[0].Action.Until, came.Steps[len(came.Steps)-1].At
	if back.Before(due) || back.After(m.deadline(due)) {
		m.t.Errorf("%s was due at %s and came back at %s", l.subject, due, back)
	}
	for _, seen := range m.looks {
		there := slices.Contains(seen.subjects, l.subject)
		switch {
		case went.Steps[0].At.Before(seen.at) && seen.at.Before(due) && there:
			m.t.Errorf("%s, which sleeps until %s, was in INBOX at %s", l.subject, due, seen.at)
		case m.deadline(due).Before(seen.at) && !there:
			m.t.Errorf("%s, which slept until %s, was not in INBOX at %s", l.subject, due, seen.at)
		}
	}
}

// TestSnoozeOverASimulatedMonth: whatever the daemon goes through, every message is back
// within a minute of its time, or of the start of the daemon after it: once, and unseen.
func TestSnoozeOverASimulatedMonth(t *testing.T) {
	seeds := uint64(1)
	if os.Getenv("IMAPILOT_SIM_ALL") != "" {
		seeds = 20
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			tell(t, imaptest.Options{NoIdle: true}, nil, "poll: 2h", monthOfRules(), func(s *tale) {
				m := &month{tale: s, rand: rand.New(rand.NewPCG(seed, 30))}
				s.run()
				m.fill(60)
				end := time.Now().Add(30 * 24 * time.Hour)
				for time.Now().Before(end) {
					m.live(time.Now().Add(time.Duration(m.rand.Int64N(int64(30*time.Hour)))), m.rand.IntN(2) == 0)
					if m.rand.IntN(2) == 0 { // else it is started again at once
						m.wait(time.Now().Add(time.Duration(m.rand.Int64N(int64(8 * time.Hour)))))
					}
				}
				m.live(time.Now().Add(time.Hour), false)
				m.check()
				if m.put != len(m.letters) || m.crashes < 5 || len(m.lives)-m.crashes < 5 {
					t.Errorf("%d letters, %d crashes in %d lives", m.put, m.crashes, len(m.lives))
				}
				var all []string
				for _, l := range m.letters {
					all = append(all, l.subject)
				}
				slices.Sort(all)
				m.want("INBOX", all...)
				m.want("Snoozed")
				for _, msg := range s.srv.Messages(t, "INBOX") {
					if slices.Contains(msg.Flags, imap.FlagSeen) {
						t.Errorf("%s came back seen", msg.MessageID)
					}
				}
			})
		})
	}
}
