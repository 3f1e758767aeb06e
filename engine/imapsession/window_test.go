package imapsession_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// goroutines counts those of this bubble that have a word in their stack.
func goroutines(word string) (n int) {
	all := make([]byte, 1<<20)
	for one := range strings.SplitSeq(string(all[:runtime.Stack(all, true)]), "\n\n") {
		if strings.Contains(one, word) {
			n++
		}
	}
	return n
}

// While a session idles or is parked, no imapclient waits beside it: the only goroutine is
// the caller's. The next command finds the connection as it was, and no tag comes twice.
func TestAnIdleSessionHasNoClient(t *testing.T) {
	tags := map[string]bool{}
	fresh := func(tag string) string {
		if tags[tag] {
			t.Errorf("the tag %s comes twice", tag)
		}
		tags[tag] = true
		return tag
	}
	scripted(t, everything, func(c *imaptest.Script) {
		c.Select()
		for range 3 {
			tag := fresh(c.Expect("IDLE"))
			c.Send("+ idling")
			time.Sleep(time.Minute)
			c.Send("* 2 EXISTS")
			c.Read()
			again := fresh(c.Expect("SELECT INBOX"))
			c.Send(tag+" OK", again+" OK [READ-WRITE] selected")
			c.Send(fresh(c.Expect("NOOP")) + " OK")
		}
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		for range 3 {
			go func() {
				time.Sleep(30 * time.Second)
				if n := goroutines("imapclient.(*Client)"); n != 0 {
					t.Errorf("%d goroutines of imapclient while the session idles", n)
				}
			}()
			if !must[bool](t)(idleNews(t.Context(), s, 5*time.Minute)) {
				t.Error("no news")
			}
			must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
			s.Park()
			synctest.Wait()
			if n := goroutines("imapclient.(*Client)"); n != 0 {
				t.Errorf("%d goroutines of imapclient in a parked session", n)
			}
			if err := s.Noop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A session that is to stop listening in the middle of a response reads the rest of it
// first, and one whose rest does not come has lost its connection.
func TestAnIdleEndsBetweenResponses(t *testing.T) {
	for name, comes := range map[string]bool{"the rest comes": true, "the rest does not come": false} {
		scripted(t, everything, func(c *imaptest.Script) {
			c.Select()
			tag := c.Expect("IDLE")
			c.Send("+ idling")
			c.Write([]byte("* OK Sti"))
			time.Sleep(10 * time.Second)
			if !comes {
				c.Drain()
				return
			}
			c.Write([]byte("ll here\r\n"))
			c.Read()
			c.Send(tag + " OK")
			c.Send(c.Expect("NOOP") + " OK")
			c.Drain()
		}, func(t *testing.T, s *imapsession.Session) {
			must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			began := time.Now()
			news, err := idleNews(ctx, s, 5*time.Minute)
			var lost *imapsession.Error
			switch {
			case comes && (err != nil || news || time.Since(began) != 10*time.Second):
				t.Errorf("%s: %v, %v after %s", name, news, err, time.Since(began))
			case comes:
				if err := s.Noop(t.Context()); err != nil {
					t.Error(err)
				}
			case !errors.As(err, &lost) || lost.Class != imapsession.Connection || time.Since(began) > 2*time.Minute:
				t.Errorf("%s: %v after %s", name, err, time.Since(began))
			}
		})
	}
}
