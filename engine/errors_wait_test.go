package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

var noIdle = imaptest.Options{NoIdle: true}

// A quota that is full for three days: everything waits, one message an hour at
// least asks whether there is room, no tries are spent, and when there is room
// all is filed without help.
func TestAQuotaFullForThreeDays(t *testing.T) {
	answering(t, noIdle, "poll: 10m", filing, refuse("NO [OVERQUOTA] full", "UID MOVE"), func(b answered) {
		b.put(several("m", 100)...)
		b.pass(3 * 24 * time.Hour)
		probes := b.times("UID MOVE")
		if len(probes) < 72 || len(probes) > 150 || b.filed() != 0 || b.tries() != 0 || len(b.state().Pauses) != 1 {
			t.Errorf("%d probes, %d filed, %d tries, pauses %+v", len(probes), b.filed(), b.tries(), b.state().Pauses)
		}
		for i, at := range probes[1:] {
			if at.Sub(probes[i]) > time.Hour {
				t.Errorf("no probe for %v", at.Sub(probes[i]))
			}
		}
		for _, s := range b.sent {
			if n := size(s.line, "UID MOVE"); n > 1 && s.at.Sub(probes[0]) > time.Minute {
				t.Errorf("a probe names %d messages", n)
			}
		}
		b.change(nil)
		b.pass(time.Hour)
		b.wantFiled(100)
		if s := b.state(); len(s.Pauses) != 0 {
			t.Errorf("pauses %+v", s.Pauses)
		}
	})
}

// Messages that were tried one by one, since their target had just taken others, go
// together again once it takes some.
func TestTogetherAgainAfterAQuota(t *testing.T) {
	answering(t, noIdle, "poll: 5s", filing, nil, func(b answered) {
		b.put("before")
		b.pass(6 * time.Second)
		b.wantFiled(1)
		b.change(refuse("NO [OVERQUOTA] full", "UID MOVE"))
		b.put(several("m", 100)...)
		b.pass(2 * time.Hour)
		if n := b.count("UID MOVE"); n < 4 || len(b.state().Pauses) != 1 {
			t.Fatalf("%d commands, pauses %+v", n, b.state().Pauses)
		}
		b.change(nil)
		before := b.count("UID MOVE")
		b.pass(2 * time.Hour)
		b.wantFiled(101)
		if n := b.count("UID MOVE") - before; n > 10 {
			t.Errorf("%d commands for 100 messages", n)
		}
	})
}

// One message whose flags cannot be set makes the others go alone for that step, and
// for no later one.
func TestTogetherAgainInTheNextStep(t *testing.T) {
	rules := "rules:\n  - {name: n, if: 'size > 1', then: [{add_flags: [$N]}, {move: News}]}\n"
	answering(t, noIdle, "poll: 5s", rules, func(line string) answer {
		if names(line, "UID STORE", 7) {
			return say("NO [PARSE] not this one")
		}
		return answer{}
	}, func(b answered) {
		b.put(several("m", 50)...)
		b.pass(time.Minute)
		b.wantFiled(49)
		if n := b.count("UID MOVE"); n > 2 {
			t.Errorf("%d commands for 49 messages", n)
		}
	})
}

// A message that is refused for its own sake is tried six times over about a
// day and has failed then, where it can be seen. The others of its batch do not
// wait for it.
func TestAMessageIsTriedSixTimesOverADay(t *testing.T) {
	for _, reply := range []string{"NO I do not like it", "NO [PARSE] what", "NO [TOOBIG] large", "NO [LIMIT] no", "BAD what"} {
		t.Run(reply, func(t *testing.T) {
			answering(t, noIdle, "poll: 10m", filing, nil, func(b answered) {
				b.put("before")
				b.pass(11 * time.Minute)
				b.change(func(line string) answer {
					if names(line, "UID MOVE", 3) {
						return say(reply)
					}
					return answer{}
				})
				b.put("good1", "bad", "good2")
				b.pass(11 * time.Minute)
				b.wantFiled(3)
				b.pass(22 * time.Hour)
				if e := b.list(); b.tries() != 5 || e[2].State != journal.Open {
					t.Errorf("after 22 hours: %d tries, %+v", b.tries(), e[2])
				}
				b.pass(26 * time.Hour)
				alone := slices.DeleteFunc(b.times("UID MOVE 3 "), time.Time.IsZero)
				if e := b.list()[2]; e.State != journal.Failed || e.Tries != 6 || len(alone) != 6 {
					t.Errorf("%s after %d tries, sent %d times: %q", e.State, e.Tries, len(alone), e.Reason)
				}
				waits := []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 4 * time.Hour, 18 * time.Hour}
				for i, at := range alone[1:] {
					if d := at.Sub(alone[i]); i < len(waits) && (d < waits[i] || d > waits[i]+time.Minute+waits[i]/50) {
						t.Errorf("try %d comes after %v, want %v", i+2, d, waits[i])
					}
				}
				b.want("INBOX", "bad")
				b.wantFiled(3)
			})
		})
	}
}

// What passes by itself is waited for, ever less often, and spends no tries; it
// is shown meanwhile.
func TestWhatPassesByItself(t *testing.T) {
	for _, reply := range []string{"NO [UNAVAILABLE] down", "NO [INUSE] locked", "BAD [SERVERBUG] oops", "NO try again later", "BAD Server Unavailable. 15"} {
		t.Run(reply, func(t *testing.T) {
			answering(t, noIdle, "", filing, refuse(reply, "UID MOVE", "UID COPY"), func(b answered) {
				b.put("one", "two")
				b.pass(3 * time.Hour)
				if n := b.count("UID MOVE"); n < 7 || n > 20 || b.tries() != 0 || len(b.state().Pauses) != 1 || len(b.state().Fallbacks) != 0 {
					t.Errorf("%d commands, %d tries, %+v", n, b.tries(), b.state())
				}
				b.change(nil)
				b.pass(31 * time.Minute)
				b.wantFiled(2)
			})
		})
	}
	answering(t, noIdle, "", filing, refuse("NO [INUSE] locked", "UID MOVE"), func(b answered) {
		b.put("one")
		b.pass(30 * time.Second)
		b.change(nil)
		b.pass(time.Minute + 10*time.Second)
		b.wantFiled(1)
	})
}

// One message for which a target is not to blame, whatever the code says, keeps
// no other waiting, and is not given up.
func TestOneMessageThatATargetNeverTakes(t *testing.T) {
	for _, reply := range []string{"NO [SERVERBUG] oops", "NO [NOPERM] not this one", "NO [OVERQUOTA] too large for the rest", "NO [CANNOT] no"} {
		t.Run(reply, func(t *testing.T) {
			answering(t, noIdle, "", filing, func(line string) answer {
				if names(line, "UID MOVE", 1) {
					return say(reply)
				}
				return answer{}
			}, func(b answered) {
				b.put(several("m", 10)...)
				b.pass(2 * time.Hour)
				b.wantFiled(9)
				b.put("late")
				b.pass(time.Hour)
				b.wantFiled(10)
				if e := b.list()[0]; e.State != journal.Open || e.Tries != 0 || e.Reason == "" && len(b.state().Pauses) == 0 {
					t.Errorf("%+v", e)
				}
				if n := b.count("UID MOVE"); n > 60 {
					t.Errorf("%d commands", n)
				}
			})
		})
	}
}

// A step after which the server closes the connection keeps no other waiting.
func TestOneMessageThatEndsTheConnection(t *testing.T) {
	answering(t, noIdle, "", filing, func(line string) answer {
		return answer{cut: names(line, "UID MOVE", 1)}
	}, func(b answered) {
		b.put(several("m", 5)...)
		b.pass(time.Hour)
		b.wantFiled(4)
		if n := b.count("AUTHENTICATE"); n > 40 {
			t.Errorf("%d logins in an hour", n)
		}
	})
}

// Nor does a mailbox that cannot be opened without the connection ending, or
// that the server throttles.
func TestOneMailboxThatEndsTheConnection(t *testing.T) {
	for _, bad := range []answer{{cut: true}, say("NO Request is throttled. Suggested Backoff Time: 60000 milliseconds")} {
		answering(t, noIdle, "watch: [Trash, INBOX]", filing, nil, func(b answered) {
			b.change(func(line string) answer {
				if strings.HasPrefix(line, "SELECT \"Trash\"") || strings.HasPrefix(line, "SELECT Trash") {
					return bad
				}
				return answer{}
			})
			b.srv.Mem.KillConnections()
			b.pass(time.Minute)
			b.put("one")
			b.pass(10 * time.Minute)
			b.wantFiled(1)
		})
	}
}

// The server is asked to tell what is gone before anything is sent again.
func TestExpungeIssued(t *testing.T) {
	refused := 0
	answering(t, noIdle, "", filing, func(line string) answer {
		if refused++; strings.HasPrefix(line, "UID MOVE") && refused > 0 {
			refused = -1 << 40
			return say("NO [EXPUNGEISSUED] some are gone")
		}
		return answer{}
	}, func(b answered) {
		b.put("one", "two")
		b.pass(30 * time.Second)
		b.wantFiled(2)
		moves, noops := b.times("UID MOVE"), b.times("NOOP")
		if len(moves) != 2 || !slices.ContainsFunc(noops, func(at time.Time) bool { return !at.Before(moves[0]) && !at.After(moves[1]) }) {
			t.Errorf("MOVE at %v, NOOP at %v", moves, noops)
		}
	})
}

// Too much at once makes smaller batches, for as long as the connection lives.
func TestSmallerBatches(t *testing.T) {
	for _, reply := range []string{"NO [LIMIT] too many", "NO [MESSAGELIMIT 3] too many", "NO too many messages"} {
		answering(t, noIdle, "", filing, func(line string) answer {
			if size(line, "UID MOVE") > 3 {
				return say(reply)
			}
			return answer{}
		}, func(b answered) {
			b.put(several("m", 40)...)
			b.pass(10 * time.Second)
			b.wantFiled(40)
			if n := b.count("UID MOVE"); n > 26 || b.tries() != 0 {
				t.Errorf("%s: %d commands, %d tries", reply, n, b.tries())
			}
		})
	}
}

// An OK that did a part of it: what it did is done once, the rest follows.
func TestAnOKThatDidAPart(t *testing.T) {
	for _, command := range []string{"UID MOVE", "UID COPY"} {
		for _, reply := range []string{"OK [MESSAGELIMIT 2 4] some", "OK [OVERQUOTA] some"} {
			t.Run(command+" "+reply, func(t *testing.T) {
				first := true
				rules := filing
				if command == "UID COPY" {
					rules = strings.Replace(filing, "move:", "copy:", 1)
				}
				answering(t, noIdle, "", rules, func(line string) answer {
					if !first || !names(line, command, 4) {
						return answer{}
					}
					first = false
					return answer{send: command + ` 4:5 "News"`, reply: reply}
				}, func(b answered) {
					b.put(several("m", 5)...)
					b.pass(20 * time.Second)
					b.wantFiled(5)
					b.want("News", several("m", 5)...)
				})
			})
		}
	}
}

// What the server asks for is obeyed wherever it says so: nothing is sent, and
// nobody logs in, before that time.
func TestThrottling(t *testing.T) {
	const reply = "NO Request is throttled. Suggested Backoff Time: 600000 milliseconds"
	for _, command := range []string{"UID MOVE", "UID SEARCH", "UID FETCH", "SELECT", "LIST", "AUTHENTICATE", "STATUS"} {
		t.Run(command, func(t *testing.T) {
			answering(t, noIdle, "watch: [INBOX, Trash]", filing, nil, func(b answered) {
				b.change(refuse(reply, command))
				if command == "LIST" || command == "AUTHENTICATE" {
					b.srv.Mem.KillConnections()
				}
				b.put("one")
				b.pass(20 * time.Second)
				before := len(b.sent)
				b.pass(9 * time.Minute)
				if n := len(b.sent) - before; n > 0 {
					t.Errorf("%d commands before the time that the server asked for, first %v", n, b.sent[before])
				}
				if s := b.state(); s.State != engine.Waiting {
					t.Errorf("the account is %s", s.State)
				}
				b.change(nil)
				b.pass(5 * time.Minute)
				b.wantFiled(1)
			})
		})
	}
}

// A throttled watch connection waits by itself; the work goes on.
func TestThrottledWatchConnection(t *testing.T) {
	answering(t, imaptest.Options{}, "connections: 2", filing, nil, func(b answered) {
		b.change(refuse("BAD Request is throttled. Suggested Backoff Time: 600000 milliseconds", "IDLE"))
		b.srv.Mem.KillConnections()
		b.pass(20 * time.Second)
		before := b.count("AUTHENTICATE")
		b.put("one")
		b.pass(8 * time.Minute)
		b.wantFiled(1)
		if n := b.count("AUTHENTICATE") - before; n > 0 {
			t.Errorf("%d logins before the time that the server asked for", n)
		}
		if len(b.state().Fallbacks) != 0 {
			t.Errorf("%+v", b.state().Fallbacks)
		}
	})
}

// Exchange lets a wrong password in and refuses everything afterwards.
func TestAuthenticatedButNotConnected(t *testing.T) {
	answering(t, noIdle, "", filing, nil, func(b answered) {
		before := b.count("AUTHENTICATE")
		b.change(refuse("BAD User is authenticated but not connected.", "LIST \"\" \"*\"", "LIST (", "SELECT"))
		b.srv.Mem.KillConnections()
		b.pass(5 * time.Hour)
		if n := b.count("AUTHENTICATE") - before; n > 4 || b.state().State != engine.Parked {
			t.Errorf("%d logins, the account is %s", n, b.state().State)
		}
	})
}
