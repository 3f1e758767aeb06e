package engine_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// wantFallback makes sure that this, and nothing else, was given up.
func (b answered) wantFallback(features ...string) {
	b.t.Helper()
	var got []string
	for _, f := range b.state().Fallbacks {
		got = append(got, f.Feature)
		if f.Instead == "" || f.Reason == "" || f.Since.IsZero() {
			b.t.Errorf("%+v", f)
		}
	}
	if strings.Join(got, " ") != strings.Join(features, " ") {
		b.t.Errorf("given up: %q, want %q", got, features)
	}
}

// A MOVE that is announced and not understood is spelled out from then on, and
// not tried for each message.
func TestMoveIsAnnouncedAndRefused(t *testing.T) {
	answering(t, noIdle, "", filing, refuse("BAD unknown command", "UID MOVE"), func(b answered) {
		b.put(several("m", 5)...)
		b.pass(10 * time.Second)
		b.wantFiled(5)
		b.put("late")
		b.pass(10 * time.Second)
		b.wantFiled(6)
		if n := b.count("UID MOVE"); n != 1 || b.tries() != 0 {
			t.Errorf("MOVE was sent %d times, %d tries", n, b.tries())
		}
		b.want("INBOX")
		b.want("News", append(several("m", 5), "late")...)
		b.wantFallback("MOVE")
		b.srv.Mem.KillConnections()
		b.pass(time.Minute)
		b.put("later")
		b.pass(10 * time.Second)
		b.wantFiled(7)
		if n := b.count("UID MOVE"); n != 1 {
			t.Errorf("another connection forgot it: %d", n)
		}
		b.wantNothingBlunt()
	})
}

// A MOVE that worked before is not given up for one message.
func TestMoveIsNotGivenUpForOneMessage(t *testing.T) {
	answering(t, noIdle, "", filing, nil, func(b answered) {
		b.put("fine")
		b.pass(10 * time.Second)
		b.change(refuse("BAD what", "UID MOVE"))
		b.put("odd")
		b.pass(10 * time.Second)
		b.wantFallback()
		if n := b.count("UID COPY"); n != 0 {
			t.Errorf("%d COPY", n)
		}
	})
}

// A refusal that gives a reason is no lie.
func TestRefusalsWithAReasonGiveNothingUp(t *testing.T) {
	for _, reply := range []string{"NO [NOPERM] no", "BAD [SERVERBUG] oops", "BAD Server Unavailable. 15", "NO no", "NO [LIMIT] no"} {
		answering(t, noIdle, "", filing, refuse(reply, "UID MOVE"), func(b answered) {
			b.put("one")
			b.pass(2 * time.Hour)
			b.wantFallback()
			b.wantFiled(0)
			b.want("INBOX", "one")
		})
	}
}

// UID EXPUNGE that is announced and refused: the originals stay, flagged, and
// nothing that is blunter is ever sent.
func TestExpungeIsAnnouncedAndRefused(t *testing.T) {
	for _, reply := range []string{"BAD unknown command", "NO not implemented"} {
		answering(t, imaptest.Options{NoIdle: true, NoMove: true}, "", filing, refuse(reply, "UID EXPUNGE"), func(b answered) {
			b.put(several("m", 3)...)
			b.pass(10 * time.Second)
			b.put("late")
			b.pass(10 * time.Second)
			b.wantFiled(4)
			if n := b.count("UID EXPUNGE"); n != 1 {
				t.Errorf("UID EXPUNGE was sent %d times", n)
			}
			b.want("News", append(several("m", 3), "late")...)
			b.want("INBOX") // all carry \Deleted
			if n := len(b.srv.Messages(t, "INBOX")); n != 4 {
				t.Errorf("%d originals", n)
			}
			for _, e := range b.list() {
				if e.Steps[0].State != journal.StepLeft {
					t.Errorf("%+v", e.Steps[0])
				}
			}
			b.wantFallback("UIDPLUS")
			b.wantNothingBlunt()
		})
	}
}

// The expunge action fails visibly there, and leaves the next message alone.
func TestExpungeActionWithoutUIDExpunge(t *testing.T) {
	const rules = "rules:\n  - name: r\n    if: true\n    then: [expunge]\n"
	answering(t, noIdle, "", rules, refuse("NO not implemented", "UID EXPUNGE"), func(b answered) {
		b.put("one")
		b.pass(10 * time.Second)
		b.put("two")
		b.pass(10 * time.Second)
		for _, e := range b.list() {
			if e.State != journal.Failed || !strings.Contains(e.Reason, "refuses UID EXPUNGE") {
				t.Errorf("%s %q", e.State, e.Reason)
			}
		}
		if n := b.count("UID EXPUNGE"); n != 1 || len(b.list()) != 2 {
			t.Errorf("%d UID EXPUNGE, %d entries", n, len(b.list()))
		}
		b.want("INBOX", "two")
		b.wantNothingBlunt()
	})
}

// IDLE that is announced and refused, or answered by the end of the connection:
// the mailbox is polled, and nobody connects again and again.
func TestIdleIsAnnouncedAndRefused(t *testing.T) {
	for name, bad := range map[string]answer{
		"BAD": say("BAD unknown command"), "NO": say("NO not here"), "CANNOT": say("NO [CANNOT] no"), "the end": {cut: true}, "OK at once": say("OK done"),
	} {
		for _, account := range []string{"connections: 1", "connections: 2"} {
			t.Run(name+" "+account, func(t *testing.T) {
				answering(t, imaptest.Options{}, account, filing, func(line string) answer {
					if line == "IDLE" {
						return bad
					}
					return answer{}
				}, func(b answered) {
					b.pass(10 * time.Minute)
					before, idles := b.count("AUTHENTICATE"), b.count("IDLE")
					b.put("one")
					b.pass(10 * time.Second)
					b.wantFiled(1)
					b.pass(2 * time.Hour)
					if n := b.count("AUTHENTICATE") - before; n != 0 || before > 6 || idles > 3 || b.count("IDLE") != idles {
						t.Errorf("%d logins, then %d; IDLE %d times, then %d", before, n, idles, b.count("IDLE"))
					}
					b.wantFallback("IDLE")
					if w := b.state().Mailboxes[0].Watch; w != "poll 5s" {
						t.Errorf("watched by %s", w)
					}
				})
			})
		}
	}
}

// An IDLE that the server cannot do just now is not given up.
func TestIdleThatIsDownForNow(t *testing.T) {
	answering(t, imaptest.Options{}, "connections: 2", filing, refuse("NO [UNAVAILABLE] later", "IDLE"), func(b answered) {
		b.pass(10 * time.Minute)
		b.wantFallback()
		b.change(nil)
		b.pass(10 * time.Minute)
		if w := b.state().Mailboxes[0].Watch; w != "idle" {
			t.Errorf("watched by %s", w)
		}
	})
}

// The commands that look.
func TestLookingInAnotherWay(t *testing.T) {
	for name, c := range map[string]struct {
		say  func(line string) answer
		want string
	}{
		"STATUS": {refuse("BAD unknown command", "STATUS"), "STATUS"},
		"ESEARCH": {func(line string) answer {
			if strings.HasPrefix(line, "UID SEARCH RETURN") {
				return say("BAD no RETURN")
			}
			return answer{}
		}, "ESEARCH"},
		"SPECIAL-USE": {func(line string) answer {
			if strings.HasPrefix(line, "LIST") && strings.Contains(line, "SPECIAL-USE") {
				return say("BAD no such option")
			}
			return answer{}
		}, "SPECIAL-USE"},
		"LIST-EXTENDED": {func(line string) answer {
			if strings.HasPrefix(line, "LIST") && strings.Contains(line, "RETURN") {
				return say("NO what")
			}
			return answer{}
		}, "SPECIAL-USE LIST-EXTENDED"},
		"no STATUS for one mailbox": {refuse("OK done", "STATUS"), ""},
		"STATUS is down":            {refuse("NO [UNAVAILABLE] later", "STATUS"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			const rules = "rules:\n  - name: r\n    in: [INBOX, Other]\n    if: true\n    then: [trash]\n"
			answering(t, noIdle, "watch: [INBOX, Other]", rules, c.say, func(b answered) {
				before := b.count("AUTHENTICATE")
				for i, mailbox := range []string{"INBOX", "Other", "INBOX", "Other"} {
					if _, err := b.srv.Mem.Append(mailbox, nil, time.Now(), message(several("m", 4)[i], "a@b.c")); err != nil {
						t.Fatal(err)
					}
					b.pass(11 * time.Second)
					b.wantFiled(i + 1)
				}
				b.wantFallback(strings.Fields(c.want)...)
				if n := b.count("AUTHENTICATE"); n != before || n != 1 {
					t.Errorf("%d logins", n)
				}
			})
		})
	}
}

// What is watched in vain is said in one line, and not at each connection.
func TestMailboxesThatNoRuleLooksAt(t *testing.T) {
	const rules = "rules:\n  - name: r\n    if: true\n    then: [trash]\n"
	synctest.Test(t, func(t *testing.T) {
		book := &logBook{}
		b := bubble{rig: newRig(t, pipes(t, noIdle))}
		b.log = slog.New(slog.NewTextHandler(book, nil))
		for _, name := range []string{"News", "Other"} {
			b.srv.Create(t, name)
		}
		b.daemon(b.config("watch: [INBOX, News, Other]", rules), func(*engine.Engine) {
			b.pass(time.Minute)
			b.srv.Mem.KillConnections()
			b.pass(time.Minute)
		})
		if book.count("connected") < 2 || book.count("no rule is for") != 1 || book.count(`mailboxes="News, Other"`) != 1 {
			t.Error(book.text.String())
		}
	})
}
