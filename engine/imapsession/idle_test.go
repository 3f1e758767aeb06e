package imapsession_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// wait answers IDLE with "+", and returns after DONE.
func wait(c *imaptest.Script) (tag string) {
	tag = c.Expect("IDLE")
	c.Send("+ idling")
	if word, rest, ok := c.Read(); ok && (word != "DONE" || rest != "") {
		return "not DONE but " + word
	}
	return tag
}

// idlesAlways is a server that nothing happens on, and counts each IDLE that has ended.
func idlesAlways(n *int) func(*imaptest.Script) {
	return func(c *imaptest.Script) {
		c.Select()
		for tag := wait(c); tag != ""; tag = wait(c) {
			*n++
			c.Send(tag + " OK")
		}
	}
}

// Hours of IDLE take no time: each is renewed when its time is over, and
// silence is no error.
func TestIdleIsRenewed(t *testing.T) {
	idles := 0
	scripted(t, everything, idlesAlways(&idles), func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		start := time.Now()
		for time.Since(start) < 3*time.Hour {
			if must[bool](t)(idleNews(t.Context(), s, 5*time.Minute)) {
				t.Fatal("news of nothing")
			}
		}
		if time.Since(start) != 3*time.Hour {
			t.Errorf("it took %v", time.Since(start))
		}
		// No single IDLE outlasts what servers allow.
		start = time.Now()
		must[bool](t)(idleNews(t.Context(), s, 24*time.Hour))
		if d := time.Since(start); d != 25*time.Minute {
			t.Errorf("one IDLE of %v", d)
		}
		if idles != 37 {
			t.Errorf("%d IDLE commands", idles)
		}
	})
}

func TestIdleEndsOnNews(t *testing.T) {
	for _, news := range []string{"* 1 EXISTS", "* 1 EXPUNGE", `* 1 FETCH (FLAGS (\Seen))`, "* VANISHED 1:2"} {
		scripted(t, everything, func(c *imaptest.Script) {
			c.Select()
			tag := c.Expect("IDLE")
			c.Send("+")
			for range 7 {
				time.Sleep(2 * time.Minute)
				c.Send("* OK Still here", "* 0 RECENT")
			}
			c.Send(news)
			if word, _, _ := c.Read(); word != "DONE" {
				t.Errorf("the client sent %q", word)
			}
			c.Send(tag + " OK")
			c.Send(wait(c) + " OK")
			c.Drain()
		}, func(t *testing.T, s *imapsession.Session) {
			must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
			start := time.Now()
			if got := must[bool](t)(idleNews(t.Context(), s, 20*time.Minute)); !got || time.Since(start) != 14*time.Minute {
				t.Errorf("%s: %v after %v", news, got, time.Since(start))
			}
			if must[bool](t)(idleNews(t.Context(), s, 20*time.Minute)) {
				t.Errorf("%s: told twice", news)
			}
		})
	}
}

// What is announced after the news that Idle returned with counts by itself, and where a
// SELECT went out behind the DONE, that shows it.
func TestNewsBehindDone(t *testing.T) {
	for _, selects := range []bool{false, true} {
		scripted(t, everything, func(c *imaptest.Script) {
			c.Select()
			tag := c.Expect("IDLE")
			c.Send("+", "* 1 EXISTS")
			time.Sleep(time.Second) // Idle has returned
			if !selects {
				c.Send("* 2 EXISTS")
				c.Drain()
				return
			}
			if word, _, _ := c.Read(); word != "DONE" {
				t.Errorf("the client sent %q", word)
			}
			again := c.Expect("SELECT INBOX") // before the end of the IDLE is told
			c.Send("* 2 EXISTS", tag+" OK", again+" OK [READ-WRITE] selected")
			c.Send(wait(c) + " OK")
			c.Expect("IDLE")
			c.Send("+")
			c.Drain()
		}, func(t *testing.T, s *imapsession.Session) {
			must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
			if !must[bool](t)(idleNews(t.Context(), s, time.Minute)) {
				t.Error("no news")
			}
			if selects {
				must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
			}
			if got := must[bool](t)(idleNews(t.Context(), s, time.Minute)); got == selects {
				t.Errorf("after SELECT %v: news %v", selects, got)
			}
		})
	}
}

// The reply to DONE has 30 seconds, whatever else the server says meanwhile.
func TestDoneHasADeadline(t *testing.T) {
	for name, after := range map[string]func(c *imaptest.Script){
		"silence": func(c *imaptest.Script) { c.Drain() },
		"chatter": func(c *imaptest.Script) { trickle(c, "") },
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, everything, func(c *imaptest.Script) {
				c.Select()
				wait(c)
				after(c)
			}, func(t *testing.T, s *imapsession.Session) {
				must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
				start := time.Now()
				_, err := idleNews(t.Context(), s, 5*time.Minute)
				wantError(t, err, imapsession.Connection)
				if d := time.Since(start); d != 5*time.Minute+30*time.Second {
					t.Errorf("noticed after %v", d)
				}
			})
		})
	}
}

// A server that takes IDLE and never says "+" is noticed, too.
func TestIdleThatNeverBegins(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Select()
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		start := time.Now()
		_, err := idleNews(t.Context(), s, 5*time.Minute)
		wantError(t, err, imapsession.Connection)
		if d := time.Since(start); d != time.Minute {
			t.Errorf("noticed after %v", d)
		}
	})
}

func TestIdleRefused(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Answer("IDLE", "NO not here")
		c.Answer("NOOP", "OK")
		tag := c.Expect("IDLE")
		c.Send("+ idling")
		time.Sleep(time.Minute)
		c.Send(tag + " BAD enough")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		_, err := idleNews(t.Context(), s, 5*time.Minute)
		wantError(t, err, imapsession.TryAgain)
		check(t, s.Noop(t.Context()))
		_, err = idleNews(t.Context(), s, 5*time.Minute)
		wantError(t, err, imapsession.Bad)
		wantError(t, s.Noop(t.Context()), imapsession.Connection) // out of step
	})
	scripted(t, everything, func(c *imaptest.Script) {
		tag := c.Expect("IDLE")
		c.Send("+ idling")
		time.Sleep(time.Minute)
		c.Send(tag + " OK that is enough")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		_, err := idleNews(t.Context(), s, 5*time.Minute)
		wantError(t, err, imapsession.Connection)
	})
}

// A context that ends an IDLE leaves the session as good as new.
func TestIdleCancelled(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Select()
		for {
			tag := wait(c)
			if tag == "" {
				return
			}
			time.Sleep(10 * time.Second)
			c.Send(tag + " OK")
			c.Answer("NOOP", "OK")
		}
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			start := time.Now()
			if must[bool](t)(idleNews(ctx, s, time.Hour)) || time.Since(start) != time.Minute+aMoment {
				t.Errorf("ended after %v", time.Since(start))
			}
			cancel()
			check(t, s.Noop(t.Context()))
		}
	})
}

// What is roused ends, or else what begins next, and nothing after it.
func TestIdleRoused(t *testing.T) {
	idles := 0
	scripted(t, everything, idlesAlways(&idles), func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		lasts := func(want time.Duration) {
			t.Helper()
			start := time.Now()
			if must[bool](t)(idleNews(t.Context(), s, time.Hour)) || time.Since(start) != want {
				t.Errorf("ended after %v, not %v", time.Since(start), want)
			}
		}
		s.Rouse()
		lasts(0)
		lasts(25 * time.Minute)
		time.AfterFunc(time.Minute, s.Rouse)
		lasts(time.Minute + aMoment)
		s.Rouse()
		lasts(aMoment)
		lasts(24*time.Minute - 2*aMoment) // it went on all along
		if idles != 2 {
			t.Errorf("%d times IDLE: one that was roused before it began needs none", idles)
		}
	})
}

// aMoment is for how long what has come already is read by what was roused.
const aMoment = time.Millisecond

// A context that ends before the server has said "+" hurries it.
func TestIdleCancelledBeforeItBegins(t *testing.T) {
	for answer, want := range map[string]time.Duration{"+ at last": 20 * time.Second, "* OK": 40 * time.Second} {
		scripted(t, everything, func(c *imaptest.Script) {
			tag := c.Expect("IDLE")
			time.Sleep(20 * time.Second)
			c.Send(answer)
			if word, _, ok := c.Read(); ok && word == "DONE" {
				c.Send(tag + " OK")
			}
			c.Drain()
		}, func(t *testing.T, s *imapsession.Session) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			start := time.Now()
			news, err := idleNews(ctx, s, 5*time.Minute)
			if d := time.Since(start); news || d != want || (err == nil) != strings.HasPrefix(answer, "+") {
				t.Errorf("%s: %v, %v after %v", answer, news, err, d)
			}
		})
	}
}

// The connection ends in the middle of an IDLE: the error comes at once.
func TestIdleCutOff(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Select()
		c.Expect("IDLE")
		c.Send("+")
		time.Sleep(time.Minute)
		c.Send("* BYE shutting down")
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		start := time.Now()
		_, err := idleNews(t.Context(), s, 5*time.Minute)
		if e := wantError(t, err, imapsession.Connection); e.Status != "BYE" || !strings.Contains(e.Text, "shutting down") || time.Since(start) != time.Minute {
			t.Errorf("%+v after %v", e, time.Since(start))
		}
	})
}

func TestDeadlineOfACommand(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		tag := c.Expect("NOOP") // busy for five minutes, and done
		for range 5 {
			time.Sleep(59 * time.Second)
			c.Send("* OK working")
		}
		c.Send(tag + " OK")
		time.Sleep(time.Hour) // nothing is due: silence is fine
		c.Answer("NOOP", "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		check(t, s.Noop(t.Context()))
		time.Sleep(time.Hour)
		check(t, s.Noop(t.Context()))
		start := time.Now()
		wantError(t, s.Noop(t.Context()), imapsession.Connection)
		if d := time.Since(start); d != time.Minute {
			t.Errorf("noticed after %v", d)
		}
	})
}

// The same over hours on a server of go-imap's.
func TestIdleOnTheMemoryServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Memory(t, imaptest.Options{PipeOnly: true})
		s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), imapsession.Options{
			TLS: imapsession.TLSNone, Username: srv.Username, Password: srv.Password, DialContext: srv.DialContext}))
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		for range 3 {
			if must[bool](t)(idleNews(t.Context(), s, 20*time.Minute)) {
				t.Error("news of nothing")
			}
		}
		go func() {
			time.Sleep(time.Minute)
			srv.Append(t, "INBOX", nil, time.Time{}, letter("a"))
		}()
		start := time.Now()
		if !must[bool](t)(idleNews(t.Context(), s, 20*time.Minute)) || time.Since(start) > 61*time.Second {
			t.Errorf("news after %v", time.Since(start))
		}
		s.Close()
	})
}

// idleNews is an Idle until there is news, or its refresh has passed.
func idleNews(ctx context.Context, s *imapsession.Session, refresh time.Duration) (bool, error) {
	how, err := s.Idle(ctx, refresh, time.Time{})
	return how == imapsession.News, err
}

// Until some time, nothing is sent, and the IDLE goes on: what follows goes out behind its
// DONE.
func TestIdleUntil(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Select()
		tag := wait(c)
		noop := c.Expect("NOOP")
		c.Send(tag+" OK", noop+" OK")
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		start := time.Now()
		for n := range 3 {
			until := start.Add(time.Duration(n+1) * time.Minute)
			how, err := s.Idle(t.Context(), 5*time.Minute, until)
			if how != imapsession.Interrupted || err != nil || !time.Now().Equal(until) {
				t.Error(how, err, time.Since(start))
			}
		}
		check(t, s.Noop(t.Context()))
	})
}

// Whoever is roused again and again hears what has come all the same.
func TestIdleRousedHears(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Select()
		c.Expect("IDLE")
		c.Send("+ idling")
		time.Sleep(time.Minute)
		c.Send("* 1 EXISTS")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		how, err := s.Idle(t.Context(), time.Hour, time.Now().Add(2*time.Second))
		if how != imapsession.Interrupted || err != nil {
			t.Fatal(how, err)
		}
		time.Sleep(2 * time.Minute)
		s.Rouse()
		if how, err := s.Idle(t.Context(), time.Hour, time.Time{}); how != imapsession.News || err != nil {
			t.Error(how, err)
		}
	})
}

// A renewal that the server refuses in either half is an error, and leaves the session as
// good as new.
func TestIdleRenewalRefused(t *testing.T) {
	for name, answers := range map[string]struct{ done, idle string }{
		"the end": {"BAD what", "+"}, "the next": {"OK", "NO enough"}, "both": {"BAD what", "BAD what"},
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, everything, func(c *imaptest.Script) {
				c.Select()
				c.Send(wait(c) + " " + answers.done)
				next := c.Expect("IDLE")
				if answers.idle == "+" {
					c.Send("+ idling")
					c.Expect("") // DONE
					c.Send(next + " OK")
				} else {
					c.Send(next + " " + answers.idle)
				}
				c.Answer("NOOP", "OK")
			}, func(t *testing.T, s *imapsession.Session) {
				must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
				if how, err := s.Idle(t.Context(), time.Minute, time.Time{}); how != imapsession.Interrupted || err == nil {
					t.Error(how, err)
				}
				check(t, s.Noop(t.Context()))
			})
		})
	}
}

// Of a renewal that only the first half is answered of, the connection is lost in time.
func TestIdleRenewalHalfAnswered(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Select()
		c.Send(wait(c) + " OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		start := time.Now()
		how, err := s.Idle(t.Context(), 5*time.Minute, time.Time{})
		wantError(t, err, imapsession.Connection)
		if d := time.Since(start); how != imapsession.Interrupted || d != 5*time.Minute+30*time.Second {
			t.Error(how, d)
		}
	})
}

// Those that are due within one second are renewed together.
func TestIdleIsRenewedOnWholeSeconds(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Select()
		c.Send(wait(c) + " OK")
		c.Expect("IDLE")
		c.Send("+ idling")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		time.Sleep(300 * time.Millisecond)
		start := time.Now()
		how, err := s.Idle(t.Context(), 5*time.Minute, time.Time{})
		if d := time.Since(start); how != imapsession.Renewed || err != nil || d != 5*time.Minute+700*time.Millisecond {
			t.Error(how, err, d)
		}
	})
}

// What comes while an IDLE ends behind whose DONE a SELECT went out is no part of its answer.
func TestIdleLeavesNews(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Select()
		tag := wait(c)
		sel := c.Expect(`SELECT "Other"`)
		c.Send("* 7 EXISTS", tag+" OK", "* 0 EXISTS", sel+" OK [READ-WRITE] selected")
		c.Expect("IDLE")
		c.Send("+ idling")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		how, err := s.Idle(t.Context(), time.Hour, time.Now().Add(time.Minute))
		if how != imapsession.Interrupted || err != nil || s.LeftNews() != "" {
			t.Fatal(how, err)
		}
		if sel := must[imapsession.Selected](t)(s.Select(t.Context(), "Other")); sel.Messages != 0 {
			t.Errorf("%d messages in another mailbox", sel.Messages)
		}
		if got := s.LeftNews(); got != "INBOX" {
			t.Errorf("news of %q", got)
		}
		how, err = s.Idle(t.Context(), time.Hour, time.Now().Add(time.Minute))
		if how != imapsession.Interrupted || err != nil || s.LeftNews() != "" {
			t.Error(how, err)
		}
	})
}

// A command that is given up before it is sent ends no IDLE.
func TestIdleBeforeACommandThatIsGivenUp(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Select()
		c.Send(wait(c) + " OK")
		c.Answer("NOOP", "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		_, err := s.Idle(t.Context(), time.Hour, time.Now().Add(time.Second))
		check(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		wantError(t, s.Noop(ctx), imapsession.Connection)
		time.Sleep(time.Minute)
		check(t, s.Noop(t.Context()))
	})
}

// News without end is too much, over however many calls.
func TestIdleNewsWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Scripted(t, func(c *imaptest.Script) {
			c.Login(everything)
			c.Select()
			c.Expect("IDLE")
			endless(c, "+ idling\r\n", "* 5 EXISTS\r\n")
		})
		o := scriptedOptions(srv)
		o.Limits.Responses = 5000
		s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
		defer srv.Wait()
		defer s.Close()
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		for n := 0; ; n++ {
			if _, err := s.Idle(t.Context(), time.Hour, time.Time{}); err != nil {
				wantError(t, err, imapsession.Connection)
				return
			}
			if n > o.Limits.Responses {
				t.Fatal("it goes on for ever")
			}
		}
	})
}
