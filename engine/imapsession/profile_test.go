package imapsession_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// profiled connects to a server that greets so, and offers these capabilities. ID is
// answered by identify, before LIST "" "".
func profiled(t *testing.T, greeting, capabilities string, identify func(c *imaptest.Script) (tag string), then func(c *imaptest.Script), check func(t *testing.T, s *imapsession.Session)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Scripted(t, func(c *imaptest.Script) {
			c.Send("* OK [CAPABILITY IMAP4rev1] " + greeting)
			c.Answer("LOGIN", "OK [CAPABILITY IMAP4rev1 "+capabilities+"] welcome")
			id := ""
			if identify != nil {
				id = identify(c)
			}
			list := c.Expect(`LIST "" ""`)
			if id != "" {
				c.Send(id + " OK done")
			}
			c.Send(`* LIST (\Noselect) "/" ""`, list+" OK done")
			if then != nil {
				then(c)
			}
			c.Drain()
		})
		s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), scriptedOptions(srv)))
		defer func() { s.Close(); srv.Wait() }()
		check(t, s)
	})
}

// A server that insists on ID gets it, with a version, though it does not announce it.
func TestIDIsSentWhereAServerInsists(t *testing.T) {
	for _, greeting := range []string{"QQMail XMIMAP4Server ready", "Coremail System IMap Server Ready(163com[x])"} {
		profiled(t, greeting, "UIDPLUS", func(c *imaptest.Script) string {
			return c.Expect(`ID ("name" "imapilot" "version" "1" "vendor" "imapilot")`)
		}, nil, func(t *testing.T, s *imapsession.Session) {
			if !s.Profile().NeedsID || s.Greeting() != greeting {
				t.Errorf("%+v, greeting %q", s.Profile(), s.Greeting())
			}
		})
	}
}

// How a server introduces itself decides, and a greeting is as safe to show as any text.
func TestAProfileByIntroduction(t *testing.T) {
	profiled(t, "hello \x1b[2J"+strings.Repeat("x", 300), "ID", func(c *imaptest.Script) string {
		id := c.Expect("ID")
		c.Send(`* ID ("name" "Zimbra")`)
		return id
	}, nil, func(t *testing.T, s *imapsession.Session) {
		if s.Profile().Name != "Zimbra" || len(s.Greeting()) > 200 || strings.Contains(s.Greeting(), "\x1b") {
			t.Errorf("%q, %q", s.Profile().Name, s.Greeting())
		}
	})
}

// QRESYNC does not count where it cannot be relied on; CONDSTORE does.
func TestQResyncThatCannotBeReliedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Scripted(t, func(c *imaptest.Script) { c.Login("CONDSTORE QRESYNC IDLE"); c.Drain() })
		for host, want := range map[string]bool{"imap.mail.me.com": false, "imap.example.org": true} {
			o := scriptedOptions(srv)
			o.Host = host
			s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
			if c := s.Capabilities(); c.Has("QRESYNC") != want || !c.CondStore || !c.Idle {
				t.Errorf("%s: %+v", host, c)
			}
			s.Close()
		}
		srv.Wait()
	})
}

// A command names as few messages as the server takes, whichever said so: what it
// announces, what is known of it, or an answer. Nothing raises the limit again.
func TestTheLowestLimitOfMessagesCounts(t *testing.T) {
	profiled(t, "IMAP4rev1 imapgate-1.8 imap1.yahoo.com", "MESSAGELIMIT=1000 MOVE UIDPLUS", nil, func(c *imaptest.Script) {
		c.Answer("SELECT", "* 400 EXISTS", "OK")
		c.Answer(`UID STORE 1:100 `, "OK")
		c.Answer(`UID STORE 101:150 `, "OK")
		c.Answer(`UID STORE 1:60 `, "OK [MESSAGELIMIT 40 21] some")
		c.Answer(`UID STORE 1:40 `, "OK")
		c.Answer(`UID STORE 41:50 `, "OK")
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		seen := []imap.Flag{imap.FlagSeen}
		check(t, s.Store(t.Context(), imap.UIDSet{{Start: 1, Stop: 150}}, imap.StoreFlagsAdd, seen))
		wantError(t, s.Store(t.Context(), imap.UIDSet{{Start: 1, Stop: 60}}, imap.StoreFlagsAdd, seen), imapsession.Limit)
		s.Without("MOVE")
		check(t, s.Store(t.Context(), imap.UIDSet{{Start: 1, Stop: 50}}, imap.StoreFlagsAdd, seen))
	})
}

// An IDLE ends before the server would end it, with the connection.
func TestAnIdleIsAsLongAsTheServerLetsIt(t *testing.T) {
	profiled(t, "IMAP4rev1 imapgate-1.8 imap1.yahoo.com", "IDLE", nil, func(c *imaptest.Script) {
		c.Answer("SELECT", "* 0 EXISTS", "OK")
		tag := c.Expect("IDLE")
		c.Send("+ idling")
		c.Expect("") // DONE
		c.Send(tag + " OK done")
		c.Expect("IDLE")
		c.Send("+ idling")
	}, func(t *testing.T, s *imapsession.Session) {
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		began := time.Now()
		if news, err := idleNews(t.Context(), s, 20*time.Minute); news || err != nil {
			t.Errorf("%v, %v", news, err)
		}
		if d := time.Since(began); d != 4*time.Minute {
			t.Errorf("an IDLE of %s", d)
		}
	})
}
