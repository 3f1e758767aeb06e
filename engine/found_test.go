package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

const twoWays = `
rules:
  - name: copy
    if: has(subject, "copy")
    then: [{copy: News}]
  - name: move
    if: has(subject, "move")
    then: [{move: Other}]
`

func dumpList(b answered) {
	for _, e := range b.list() {
		line := fmt.Sprintf("%d %s/%d/%d %q %s %q tries %d next %v", e.Seq, e.Mailbox, e.UIDValidity, e.UID, e.Subject, e.State, e.Reason, e.Tries, e.NextTry)
		for _, s := range e.Steps {
			line += fmt.Sprintf("; %s %s/%d %s %s", s.Action, s.Target, s.TargetUID, s.State, s.Error)
		}
		b.t.Log(line)
	}
}

// A look into one target that fails leaves that target selected; the next
// target's look asks there what the source still holds.
func TestFoundLookAsksTheWrongMailbox(t *testing.T) {
	var cutOnce, noOnce sync.Once
	inNews := false
	answering(t, noIdle, "connections: 1", twoWays, func(line string) (a answer) {
		if strings.HasPrefix(line, "UID COPY") {
			cutOnce.Do(func() { a.cut = true })
		}
		if strings.HasPrefix(line, "SELECT") {
			inNews = strings.Contains(line, "News")
		}
		if inNews && strings.HasPrefix(line, "UID SEARCH") {
			noOnce.Do(func() { a = say("NO [UNAVAILABLE] later") })
		}
		return a
	}, func(b answered) {
		b.put("copy one", "move two")
		b.pass(48 * time.Hour)
		b.want("News", "copy.one")
		b.want("Other", "move.two")
		dumpList(b)
	})
}

// The source is renumbered while Find looks into the target.
func TestFoundRenumberedDuringFind(t *testing.T) {
	var once sync.Once
	var b answered
	answering(t, imaptest.Options{NoIdle: true, NoMove: true}, "connections: 1", twoWays, nil, func(bb answered) {
		b = bb
		old := time.Now()
		armed := false
		b.change(func(line string) (a answer) {
			if strings.HasPrefix(line, "UID COPY") {
				armed = true
				return answer{reply: "OK done"} // no COPYUID
			}
			if armed && strings.HasPrefix(line, "SELECT") && strings.Contains(line, "Other") {
				once.Do(func() {
					b.srv.Delete(b.t, "INBOX")
					b.srv.Create(b.t, "INBOX")
					b.srv.Mem.Append("INBOX", nil, old, message("innocent", "x@y.example"))
					b.srv.Mem.Append("INBOX", nil, old, message("move one", "a@news.example"))
				})
			}
			return answer{}
		})
		b.put("move one")
		b.pass(3 * time.Hour)
		found := false
		for _, m := range b.srv.Messages(b.t, "INBOX") {
			b.t.Log(m.MessageID, m.Flags)
			found = found || strings.Contains(m.MessageID, "innocent")
		}
		if !found {
			b.t.Error("innocent was expunged")
		}
		dumpList(b)
	})
}

// unknownOnce commits, and cannot tell, once armed.
type unknownOnce struct {
	journal.Journal
	armed *bool
}

func (j unknownOnce) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	err := j.Journal.Commit(ctx, own, b)
	if *j.armed && err == nil {
		*j.armed = false
		return fmt.Errorf("%w: injected", journal.ErrUnknown)
	}
	return err
}

func TestFoundAmendWithUnknownOutcome(t *testing.T) {
	for _, verb := range []engine.Verb{engine.Retry, engine.Skip} {
		t.Run(string(verb), func(t *testing.T) {
			tell(t, noIdle, []string{"News", "Other"}, "connections: 1\npoll: 10m", twoWays, func(s *tale) {
				armed := false
				a := &answers{}
				refusal := "NO [PARSE] no"
				if verb == engine.Skip {
					refusal = "NO [OVERQUOTA] full"
				}
				var eng *engine.Engine
				s.daemon(s.cfg, func(e *engine.Engine) {
					eng = e
					s.pass(time.Second)
					a.change(refuse(refusal, "UID MOVE"))
					s.srv.Mem.Append("INBOX", nil, time.Now(), message("move one", "a@b.example"))
					s.pass(26 * time.Hour)
					a.change(nil)
					armed = true
					n, err := eng.Amend(context.Background(), verb, engine.Selection{Account: "home"})
					t.Log(verb, n, err)
					s.pass(12 * time.Hour)
					got := s.subjects("Other")
					if verb == engine.Retry && len(got) != 1 {
						t.Error("the entry is open in the journal, and nobody acts on it")
					}
					if verb == engine.Skip && len(got) != 0 {
						t.Error("the journal said skipped, and it was moved")
					}
				}, a.dialer, func(o *engine.Options) { o.Journal = unknownOnce{o.Journal, &armed} })
				s.with(s.cfg, func(j journal.Journal) { dump(s.rig, j) })
			})
		})
	}
}

// An unsure entry, a renumbered mailbox, and a retry.
func TestFoundRetryAfterRenumbering(t *testing.T) {
	answering(t, noIdle, "connections: 1\npoll: 10m", twoWays, nil, func(b answered) {
		var once sync.Once
		b.change(func(line string) (a answer) {
			if strings.HasPrefix(line, "UID COPY") {
				once.Do(func() {
					b.srv.Delete(b.t, "News")
					b.srv.Create(b.t, "News")
					a.cut = true
				})
			}
			return a
		})
		at := time.Now()
		b.srv.Mem.Append("INBOX", nil, at, message("copy one", "a@b.example"))
		b.pass(time.Hour)
		dumpList(b)
		b.srv.Delete(b.t, "INBOX")
		b.srv.Create(b.t, "INBOX")
		b.srv.Mem.Append("INBOX", nil, at, message("copy one", "a@b.example"))
		b.pass(3 * time.Hour)
		n, err := b.engine.Amend(context.Background(), engine.Retry, engine.Selection{})
		b.t.Log(n, err)
		before := b.count("UID SEARCH")
		b.pass(30 * time.Hour)
		b.t.Log("searches in 30 h:", b.count("UID SEARCH")-before)
		for _, e := range b.list() {
			if e.State == journal.Open {
				b.t.Errorf("open for ever: %d", e.Seq)
			}
		}
		dumpList(b)
	})
}

// One message that cannot be fetched any more stops what is decided again with it.
func TestFoundOneBadMessageStopsRedeciding(t *testing.T) {
	answering(t, noIdle, "connections: 1\npoll: 10m", filing, refuse("NO [OVERQUOTA] full", "UID MOVE"), func(b answered) {
		b.put(several("m", 10)...)
		b.pass(time.Hour)
		b.change(func(line string) answer {
			if names(line, "UID FETCH", 1) {
				return say("NO [PARSE] cannot read message 1")
			}
			return answer{}
		})
		b.pass(7 * 24 * time.Hour)
		b.wantFiled(9)
	})
}

// A target whose SELECT ends the connection, with a copy that is in doubt.
func TestFoundATargetThatEndsTheConnectionInALook(t *testing.T) {
	var once sync.Once
	broken := false
	answering(t, noIdle, "watch: [INBOX, Lists]\nconnections: 1\npoll: 10m", twoWays, func(line string) (a answer) {
		if strings.HasPrefix(line, "UID COPY") {
			once.Do(func() { a.cut = true; broken = true })
		}
		if broken && strings.HasPrefix(line, "SELECT") && strings.Contains(line, "News") {
			a.cut = true
		}
		return a
	}, func(b answered) {
		b.put("copy one")
		b.pass(time.Hour)
		b.put("move two")
		b.pass(48 * time.Hour)
		b.want("Other", "move.two")
		s, _ := b.engine.Status(context.Background())
		b.t.Log(s.Accounts[0].State, s.Accounts[0].Error)
		dumpList(b)
	})
}

// A watched mailbox is removed with an entry that waits in it.
func TestFoundAMailboxIsRemovedWithOpenEntries(t *testing.T) {
	rules := "rules:\n  - name: m\n    in: [Lists]\n    if: true\n    then: [{move: Other}]\n"
	tell(t, noIdle, []string{"News", "Other", "Lists"}, "watch: [INBOX, Lists]\nconnections: 1\npoll: 10m", rules, func(s *tale) {
		a := &answers{}
		s.daemon(s.cfg, func(e *engine.Engine) {
			s.pass(time.Second)
			a.change(refuse("NO [OVERQUOTA] full", "UID MOVE"))
			s.srv.Mem.Append("Lists", nil, time.Now(), message("one", "a@b.example"))
			s.pass(2 * time.Hour)
			s.srv.Delete(t, "Lists")
			a.change(nil)
			before := a.count("SELECT Lists") + a.count(`SELECT "Lists"`)
			s.pass(72 * time.Hour)
			t.Log("SELECTs in 72 h:", a.count("SELECT Lists")+a.count(`SELECT "Lists"`)-before)
		}, a.dialer)
		for st, n := range s.entries(s.cfg) {
			if st == journal.Open && n > 0 {
				t.Error("open for ever")
			}
		}
		s.with(s.cfg, func(j journal.Journal) { dump(s.rig, j) })
	})
}

// A single NO to the structure of one message.
func TestFoundOneRefusedStructure(t *testing.T) {
	for _, reply := range []string{"NO Not now", "BAD what", "NO [PARSE] what"} {
		t.Run(reply, func(t *testing.T) {
			rules := "rules:\n  - name: m\n    if: body.text contains \"Hello\"\n    then: [{move: Other}]\n"
			var once sync.Once
			answering(t, noIdle, "connections: 1\npoll: 10m", rules, func(line string) (a answer) {
				if strings.HasPrefix(line, "UID FETCH") && strings.Contains(line, "BODYSTRUCTURE") {
					once.Do(func() { a = say(reply) })
				}
				return a
			}, func(b answered) {
				b.put("one")
				b.pass(48 * time.Hour)
				b.want("Other", "one")
				n, err := b.engine.Amend(context.Background(), engine.Retry, engine.Selection{})
				b.t.Log("retry:", n, err)
				dumpList(b)
			})
		})
	}
}

var _ = imap.UID(0)
