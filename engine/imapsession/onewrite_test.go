package imapsession_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// writes keeps what is written to a connection, one write each, without tags.
type writes struct {
	mu  sync.Mutex
	all []string
}

func (w *writes) dial(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return written{conn, w}, err
	}
}

type written struct {
	net.Conn
	w *writes
}

func (c written) Write(p []byte) (int, error) {
	var commands []string
	for line := range strings.Lines(string(p)) {
		if _, command, tagged := strings.Cut(strings.TrimSpace(line), " "); tagged {
			line = command
		}
		commands = append(commands, strings.TrimSpace(line))
	}
	c.w.mu.Lock()
	c.w.all = append(c.w.all, strings.Join(commands, "; "))
	c.w.mu.Unlock()
	return c.Conn.Write(p)
}

// Commands that go together leave in one write, and DONE leaves with the command that
// the news led to. Where none follows, it leaves by itself.
func TestWhatGoesTogetherIsOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Scripted(t, func(c *imaptest.Script) {
			c.Login(everything)
			c.Select()
			idle := c.Expect("IDLE")
			c.Send("+", "* 1 EXISTS")
			c.Read() // DONE
			sel, search := c.Expect("SELECT INBOX"), c.Expect("UID SEARCH")
			c.Send(idle+" OK", sel+" OK [READ-WRITE] selected", "* ESEARCH (TAG \""+search+"\") UID ALL 7", search+" OK")
			first, second := c.Expect("UID MOVE 1"), c.Expect("UID MOVE 2")
			c.Send(first+" OK", second+" OK")
			c.Send(wait(c) + " OK")
			idle = c.Expect("IDLE")
			c.Send("+", "* 2 EXISTS")
			c.Read()
			c.Send(idle + " OK")
			c.Send(wait(c) + " OK")
			c.Drain()
		})
		w := &writes{}
		o := scriptedOptions(srv)
		o.DialContext = w.dial(o.DialContext)
		s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
		defer srv.Wait()
		defer s.Close()
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		if !must[bool](t)(idleNews(t.Context(), s, time.Minute)) {
			t.Error("no news")
		}
		if _, _, found, err := s.SelectAbove(t.Context(), "INBOX", 7); err != nil || !found {
			t.Fatal(found, err)
		}
		for _, c := range s.ChangeAhead(t.Context(), []imapsession.Change{
			{Verb: "MOVE", UIDs: imap.UIDSetNum(1), Target: "A"}, {Verb: "MOVE", UIDs: imap.UIDSetNum(2), Target: "B"},
		}).Wait(t.Context()) {
			if c.Err != nil {
				t.Error(c.Err)
			}
		}
		must[bool](t)(idleNews(t.Context(), s, time.Minute)) // of nothing
		must[bool](t)(idleNews(t.Context(), s, time.Minute)) // of news
		must[bool](t)(idleNews(t.Context(), s, time.Minute)) // renewed
		for _, want := range []string{
			"DONE; SELECT INBOX; UID SEARCH RETURN (ALL) UID 7:*", `UID MOVE 1 "A"; UID MOVE 2 "B"`, "DONE; IDLE",
		} {
			if !slices.Contains(w.all, want) {
				t.Errorf("no write %q in %q", want, w.all)
			}
		}
	})
}
