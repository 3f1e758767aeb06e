package imapsession_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// heard runs a script and returns the lines of the log.
func heard(t *testing.T, change func(o *imapsession.Options), script func(c *imaptest.Script), run func(t *testing.T, s *imapsession.Session, err error)) []string {
	t.Helper()
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Scripted(t, script)
		o := scriptedOptions(srv)
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		change(&o)
		s, err := imapsession.Dial(t.Context(), o)
		run(t, s, err)
		if err == nil {
			s.Close()
		}
		srv.Wait()
	})
	return slices.Collect(strings.Lines(log.String()))
}

func asItIs(*imapsession.Options) {}

// Alerts are told, that of the greeting too, but not without end, and another
// hour's again.
func TestRemarksAreCounted(t *testing.T) {
	flood := func(c *imaptest.Script) {
		for range 500 {
			c.Send("* OK [ALERT] the disk is full", "* NO why", "* BAD what")
		}
	}
	lines := heard(t, asItIs, func(c *imaptest.Script) {
		c.Send("* OK [ALERT] one moment")
		c.Answer("CAPABILITY", "* CAPABILITY IMAP4rev1", "OK")
		c.Answer("LOGIN", "OK [CAPABILITY IMAP4rev1] welcome")
		c.Answer(`LIST "" ""`, "OK")
		tag := c.Expect("NOOP")
		flood(c)
		c.Send(tag + " OK")
		tag = c.Expect("NOOP")
		c.Send("* OK [ALERT] an hour later", tag+" OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session, err error) {
		check(t, err)
		check(t, s.Noop(t.Context()))
		time.Sleep(time.Hour)
		check(t, s.Noop(t.Context()))
	})
	if len(lines) != 20+1+1 || !strings.Contains(lines[0], "one moment") || !strings.Contains(lines[20], "more to say") || !strings.Contains(lines[21], "an hour later") {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}

// A server that repeats what it did not understand repeats the password.
func TestThePasswordIsNotRepeated(t *testing.T) {
	for _, password := range []string{`pass"wo\rd`, "correct horse"} {
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(password)
		lines := heard(t, func(o *imapsession.Options) { o.Password = password }, func(c *imaptest.Script) {
			c.Send("* OK [CAPABILITY IMAP4rev1] hello")
			tag := c.Expect("LOGIN")
			c.Sendf(`* NO [ALERT] what is %s?`, password)
			c.Sendf(`%s BAD I do not know LOGIN "ann" "%s"%s`, tag, quoted, strings.Repeat(" ", 30)+quoted)
			c.Drain()
		}, func(t *testing.T, _ *imapsession.Session, err error) {
			if e := wantError(t, err, imapsession.Auth); strings.Contains(e.Error(), password) || strings.Contains(e.Error(), quoted) || !strings.Contains(e.Text, `"***"`) {
				t.Errorf("%v", err)
			}
		})
		if len(lines) != 1 || strings.Contains(lines[0], password) || !strings.Contains(lines[0], "***") {
			t.Errorf("%q", lines)
		}
	}
}

// Everything of a status response is made printable, not only its text.
func TestCodesArePrintable(t *testing.T) {
	const odd = "\x1b[2J\x9b\u202e\u009b"
	harmless := func(err error) {
		t.Helper()
		if text := fmt.Sprint(err); err == nil || !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\u202e\u009b") {
			t.Errorf("%q", text)
		}
	}
	for _, end := range []string{"* BYE [" + odd + "] " + odd, "* BYE [" + odd + " x] no"} {
		scripted(t, "", func(c *imaptest.Script) {
			c.Expect("NOOP")
			c.Send(end)
		}, func(t *testing.T, s *imapsession.Session) { harmless(s.Noop(t.Context())) })
	}
	for _, script := range []func(c *imaptest.Script){
		func(c *imaptest.Script) { c.Send("* BYE [" + odd + "] " + odd) },
		func(c *imaptest.Script) { c.Send(odd + " " + odd); c.Drain() },
		func(c *imaptest.Script) { c.Send("* OK hi"); c.Answer("STARTTLS", odd+" no"); c.Drain() },
	} {
		heard(t, func(o *imapsession.Options) { o.TLS = imapsession.TLSStartTLS }, script, func(_ *testing.T, _ *imapsession.Session, err error) { harmless(err) })
	}
}

// Challenges that nobody asked for are junk, during an IDLE as well.
func TestChallengesWithoutEnd(t *testing.T) {
	scripted(t, "IDLE", func(c *imaptest.Script) {
		c.Expect("IDLE")
		c.Send("+ idling")
		endless(c, "", "+ more\r\n")
	}, func(t *testing.T, s *imapsession.Session) {
		_, err := idleNews(t.Context(), s, time.Hour)
		wantError(t, err, imapsession.Connection)
	})
}

// A few bytes can name four billion messages, which nobody can make a list of.
// The mailbox is refused, and the connection is as good as before.
func TestSearchOfEverything(t *testing.T) {
	scripted(t, "ESEARCH", func(c *imaptest.Script) {
		tag := c.Expect("UID SEARCH")
		c.Sendf(`* ESEARCH (TAG "%s") UID ALL 2:4294967295`, tag)
		c.Send(tag + " OK")
		tag = c.Expect("UID SEARCH")
		c.Sendf(`* ESEARCH (TAG "%s") UID ALL 1:3000000`, tag)
		c.Send(tag + " OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		_, err := s.SearchAbove(t.Context(), 1)
		wantError(t, err, imapsession.Target)
		if got := must[imap.UIDSet](t)(s.SearchAbove(t.Context(), 1)); got.String() != "1:3000000" {
			t.Errorf("%v", got)
		}
	})
}

// Of endless flags the first are kept, and the system flags wherever they stand.
func TestFlagsWithoutEnd(t *testing.T) {
	scripted(t, "", func(c *imaptest.Script) {
		c.Answer("UID FETCH 1", `* 1 FETCH (UID 1 FLAGS (`+strings.Repeat(`x \Odd `, 50_000)+strings.Repeat(`\deleted \Seen `, 50_000)+`))`, "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		got := must[map[imap.UID][]imap.Flag](t)(s.FetchFlags(t.Context(), imap.UIDSetNum(1)))[1]
		if len(got) != 1002 || !slices.Contains(got, imap.FlagDeleted) || !slices.Contains(got, imap.FlagSeen) {
			t.Errorf("%d flags", len(got))
		}
	})
}
