package imapsession_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

const everything = "MOVE UIDPLUS IDLE ESEARCH LITERAL+ UNSELECT"

func scriptedOptions(srv *imaptest.ScriptedServer) imapsession.Options {
	return imapsession.Options{Host: "imap.example.org", Port: 143, TLS: imapsession.TLSNone,
		Username: "ann", Password: "secret", DialContext: srv.DialContext}
}

// scripted runs a test against a server that logs in and then follows a script.
func scripted(t *testing.T, capabilities string, script func(c *imaptest.Script), run func(t *testing.T, s *imapsession.Session)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Scripted(t, func(c *imaptest.Script) {
			c.Login(capabilities)
			script(c)
		})
		s, err := imapsession.Dial(t.Context(), scriptedOptions(srv))
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Wait()
		defer s.Close()
		run(t, s)
	})
}

func TestUnsolicitedFetchIsNoAnswer(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Answer("UID FETCH 5,9",
			`* 1 FETCH (UID 5 FLAGS (\Seen))`, // news, of a message that was asked for
			`* 2 FETCH (UID 6 FLAGS (\Seen))`, // and of one that was not
			`* 3 FETCH (FLAGS ())`,
			`* 1 FETCH (UID 5 RFC822.SIZE 44 X-GM-LABELS ("\\Inbox" {3}`, `a)b NIL (x (y))) INTERNALDATE " 4-May-2026 03:02:01 +0200" FLAGS (\seen $A]é) BODY[HEADER.FIELDS ("Subject")] {14}`,
			"Subject: one", ")",
			`* 1 FETCH (UID 5 FLAGS (\Flagged))`,
			`* 4 FETCH (UID 9 FLAGS () RFC822.SIZE 1)`, // the rest never comes
			"OK done")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		got := must[[]imapsession.Fetched](t)(s.FetchHeaders(t.Context(), imap.UIDSetNum(5, 9), []string{"Subject"}))
		if len(got) != 1 {
			t.Fatalf("%+v", got)
		}
		m := got[0]
		if m.UID != 5 || m.Size != 44 || string(m.Header) != "Subject: one\r\n" || !slices.Equal(m.Flags, []imap.Flag{imap.FlagFlagged}) ||
			!m.Received.Equal(time.Date(2026, 5, 4, 1, 2, 1, 0, time.UTC)) {
			t.Errorf("%+v", m)
		}
		if !must[bool](t)(idleNews(t.Context(), s, time.Hour)) {
			t.Error("the FETCH of another message is no news")
		}
	})
}

func TestCopyUID(t *testing.T) {
	for code, want := range map[string]map[imap.UID]imap.UID{
		"[COPYUID 7 3:4 8:9]":                   {3: 8, 4: 9},
		"[COPYUID 7 4,3 8,9]":                   {4: 8, 3: 9},
		"[COPYUID 7 4:3 8:9]":                   {4: 8, 3: 9},
		"[copyuid 7 3 8]":                       {3: 8},
		"[COPYUID 7 2:3 8:9]":                   nil,
		"[COPYUID 7 3,9 8:9]":                   nil,
		"[COPYUID 7 3:4 *]":                     nil,
		"[COPYUID 14  ]":                        nil,
		"[COPYUID 7 3:4 8]":                     nil,
		"[COPYUID 7 3:5 8:10]":                  nil,
		"[COPYUID 7 1:4000000000 1:4000000000]": nil,
		"[COPYUID 99999999999 3 8]":             nil,
		"[COPYUID":                              nil,
		"":                                      nil,
	} {
		t.Run(code, func(t *testing.T) {
			scripted(t, everything, func(c *imaptest.Script) {
				c.Answer(`UID MOVE 3:4 "Box"`, "* OK "+code+" moved", "* 2 EXPUNGE", "* 1 EXPUNGE", "OK done")
				c.Answer(`UID COPY 3:4 "Box"`, "OK "+code+" copied")
				c.Answer("NOOP", "OK")
				c.Drain()
			}, func(t *testing.T, s *imapsession.Session) {
				if got := must[map[imap.UID]imap.UID](t)(s.Move(t.Context(), imap.UIDSetNum(3, 4), "Box")); !maps.Equal(got, want) || (got == nil) != (want == nil) {
					t.Errorf("MOVE: %v", got)
				}
				if got := must[map[imap.UID]imap.UID](t)(s.Copy(t.Context(), imap.UIDSetNum(3, 4), "Box")); !maps.Equal(got, want) || (got == nil) != (want == nil) {
					t.Errorf("COPY: %v", got)
				}
				check(t, s.Noop(t.Context()))
			})
		})
	}
}

// Of a set that needs several commands the first may have taken effect.
func TestHalfOfALongSet(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		c.Answer("UID COPY 1,3,5", "OK [COPYUID 7 1 101] done")
		c.Answer("UID COPY", "NO [OVERQUOTA] full")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		var set imap.UIDSet
		for uid := imap.UID(1); uid < 9000; uid += 2 {
			set.AddNum(uid)
		}
		pairs, err := s.Copy(t.Context(), set, "Box")
		if e := wantError(t, err, imapsession.Target); !e.Unknown || pairs[1] != 101 {
			t.Errorf("%+v, %v", e, pairs)
		}
	})
}

// Whatever a server says beside its answer, the answer counts.
func TestOddResponsesAreSurvived(t *testing.T) {
	odd := []string{
		"* VANISHED (EARLIER) 1:5", `* LSUB () "." x`, "* XYZZY nothing happens", "* 3 XYZZY", "* 99999999999 EXISTS",
		"*  5  EXISTS", "* OK [Error=\"Microsoft.Exchange: no\" x] hm", "* NO [ALERT] disk\x1b[2J \u202efull", "* OK [COPYUID 1 * *] x",
		"* OK [UIDVALIDITY x] y", "* OK [PERMANENTFLAGS (a]b)] y", "* OK [UNFINISHED", "", "   ", "+", "+ go on", "*", "* ", "gibberish of a proxy",
		"* STATUS", "* STATUS x", "* LIST", "* LIST x", `* LIST () "/" A&B`, `* LIST (\Noselect`, "* SEARCH 1 2 x", "* ESEARCH (TAG \"x\") ALL 1:*",
		"* FLAGS (\x80)", "* 1 FETCH", "* 1 FETCH (", "* 1 FETCH (UID", `* 1 FETCH (UID 1 BODY[HEADER.FIELDS (A)] "`, "* 1 FETCH (FLAGS (A)) trailing",
		"* CAPABILITY", "* CAPABILITY IMAP4rev1", "* ID NIL", "* NAMESPACE x", "* BAD what", "* 0 EXPUNGE", "* NIL", "* OK", "* OK done {5}",
		"* 1 FETCH (" + strings.Repeat("(", 500) + strings.Repeat(")", 500) + ")",
	}
	scripted(t, everything, func(c *imaptest.Script) {
		c.Send(odd...)
		c.Answer("SELECT", append(odd, "* 3 EXISTS", "* OK [UIDVALIDITY 7] x", "OK {5}")...)
		c.Answer("UID SEARCH", append(odd, "* SEARCH 3", "OK")...)
		c.Answer("UID FETCH 3", append(odd, `* 3 FETCH (FLAGS (a) UID 3)`, "OK ")...)
		c.Answer("UID COPY 3", append(odd, "OK [XYZZY] done")...)
		c.Answer("NOOP", append(odd, "OK")...)
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		ctx := t.Context()
		if sel := must[imapsession.Selected](t)(s.Select(ctx, "INBOX")); sel.Messages != 3 || sel.UIDValidity != 7 {
			t.Errorf("SELECT: %+v", sel)
		}
		if got := must[imap.UIDSet](t)(s.SearchAbove(ctx, 3)); got.String() != "3" {
			t.Errorf("SEARCH: %v", got)
		}
		if got := must[map[imap.UID][]imap.Flag](t)(s.FetchFlags(ctx, imap.UIDSetNum(3))); len(got) != 1 || len(got[3]) != 1 {
			t.Errorf("FETCH: %v", got)
		}
		if pairs := must[map[imap.UID]imap.UID](t)(s.Copy(ctx, imap.UIDSetNum(3), "x")); pairs != nil {
			t.Errorf("COPY: %v", pairs)
		}
		check(t, s.Noop(ctx))
	})
}

// Names that could not be sent back as they came are no mailboxes.
func TestListKeepsWhatCanBeAddressed(t *testing.T) {
	scripted(t, "", func(c *imaptest.Script) {
		c.Answer(`LIST "" "*"`, `* LIST (\HasNoChildren \Sent) "." Sent`, `* list (\NOSELECT) NIL {4}`, `Shut`, `* LIST () "." "inbox"`,
			`* LIST (\NonExistent) "." "a \"b\" c"`, `* LIST () "." "Entw&APw-rfe"`, `* LIST () "." Entwürfe2`,
			`* LIST () "." A&B`, `* LIST () "." "&AGE-"`, `* LIST () "." {9}`, "a\r\nb LIST", `* LIST () "." ""`, `* LIST () "."`, "OK done")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		list := must[[]imapsession.MailboxInfo](t)(s.List(t.Context()))
		want := []imapsession.MailboxInfo{{Name: "Sent", Role: "sent"}, {Name: "Shut", NoSelect: true}, {Name: "INBOX"},
			{Name: `a "b" c`, NoSelect: true, NonExistent: true}, {Name: "Entwürfe"}, {Name: "Entwürfe2"}}
		if !slices.Equal(list, want) {
			t.Errorf("%+v", list)
		}
	})
}

func TestCompletionsAreTyped(t *testing.T) {
	for answer, want := range map[string]imapsession.Error{
		"OK [OVERQUOTA] most of it":     {Status: "OK", Code: "OVERQUOTA", Class: imapsession.Target, Unknown: true},
		"OK [MESSAGELIMIT 1000 5] some": {Status: "OK", Code: "MESSAGELIMIT", Class: imapsession.Limit, Unknown: true},
		"NO [OVERQUOTA] full":           {Status: "NO", Code: "OVERQUOTA", Class: imapsession.Target},
		"no [tryCreate] what":           {Status: "NO", Code: "TRYCREATE", Class: imapsession.Target},
		"NO":                            {Status: "NO", Class: imapsession.Message},
		"NO [INUSE] busy":               {Status: "NO", Code: "INUSE", Class: imapsession.TryAgain},
		"NO [LIMIT] no":                 {Status: "NO", Code: "LIMIT", Class: imapsession.Limit},
		"BAD what":                      {Status: "BAD", Class: imapsession.Bad},
		"BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds": {Status: "BAD", Class: imapsession.Throttled, RetryAfter: 299961 * time.Millisecond},
		"BAD User is authenticated but not connected.":                          {Status: "BAD", Class: imapsession.Auth},
		"NO no mailbox Throttled Lists":                                         {Status: "NO", Class: imapsession.Message},
		"NO [NONEXISTENT] rate limit":                                           {Status: "NO", Code: "NONEXISTENT", Class: imapsession.Target},
	} {
		t.Run(answer, func(t *testing.T) {
			scripted(t, everything, func(c *imaptest.Script) {
				c.Answer("UID COPY", answer)
				c.Answer("NOOP", "OK")
				c.Drain()
			}, func(t *testing.T, s *imapsession.Session) {
				_, err := s.Copy(t.Context(), imap.UIDSetNum(3), "Throttled Lists")
				e := wantError(t, err, want.Class)
				if e.Status != want.Status || e.Code != want.Code || e.Unknown != want.Unknown || e.RetryAfter != want.RetryAfter || e.Op != "UID COPY" || e.Subject != "Throttled Lists" {
					t.Errorf("%+v", e)
				}
				check(t, s.Noop(t.Context())) // the session lives
			})
		})
	}
}

func TestEndsOfAConnection(t *testing.T) {
	for name, tc := range map[string]struct {
		script func(c *imaptest.Script, tag string)
		class  imapsession.Class
		want   string
	}{
		"closed":         {func(*imaptest.Script, string) {}, imapsession.Connection, "closed the connection"},
		"BYE":            {func(c *imaptest.Script, _ string) { c.Send("* BYE [UNAVAILABLE] going \x07down") }, imapsession.Connection, "BYE [UNAVAILABLE] going ?down"},
		"BYE, throttled": {func(c *imaptest.Script, _ string) { c.Send("* BYE Too many commands") }, imapsession.Throttled, "Too many commands"},
		"a foreign tag":  {func(c *imaptest.Script, _ string) { c.Send("T999 OK"); c.Drain() }, imapsession.Connection, "breaks the protocol"},
		"no status":      {func(c *imaptest.Script, tag string) { c.Send(tag + " YES"); c.Drain() }, imapsession.Connection, "breaks the protocol"},
		"a huge literal": {func(c *imaptest.Script, _ string) { c.Send("* LIST () NIL {2147483648}"); c.Drain() }, imapsession.Connection, "literal of 2147483648 bytes"},
		"an absurd one":  {func(c *imaptest.Script, _ string) { c.Send("* LIST () NIL {9223372036854775807}"); c.Drain() }, imapsession.Connection, "bytes"},
		"many literals": {func(c *imaptest.Script, _ string) {
			endless(c, "* 1 FETCH (", "X {1000000}\r\n"+strings.Repeat("x", 1000000))
		}, imapsession.Connection, "more than the limit"},
		"an endless line":  {func(c *imaptest.Script, _ string) { endless(c, "* LIST () ", "xxxxxxxxxxxxxxxx") }, imapsession.Connection, "more than the limit"},
		"an endless list":  {func(c *imaptest.Script, _ string) { endless(c, "* SEARCH", " 4000000000") }, imapsession.Connection, "more than the limit"},
		"nothing but junk": {func(c *imaptest.Script, _ string) { endless(c, "", "ha\r\n") }, imapsession.Connection, "no responses"},
		"a flood":          {func(c *imaptest.Script, _ string) { endless(c, "", "* 1 EXISTS\r\n") }, imapsession.Connection, "responses"},
		"silence":          {func(c *imaptest.Script, _ string) { c.Drain() }, imapsession.Connection, "did not answer in time"},
		"a trickle":        {trickle, imapsession.Connection, "did not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.Scripted(t, func(c *imaptest.Script) {
					c.Login("")
					tc.script(c, c.Expect("UID COPY"))
				})
				o := scriptedOptions(srv)
				o.Limits.Responses = 100_000
				s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
				_, err := s.Copy(t.Context(), imap.UIDSetNum(1), "Box")
				e := wantError(t, err, tc.class)
				if !e.Unknown || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("%q, unknown %v, want %q", err, e.Unknown, tc.want)
				}
				err = s.Noop(t.Context())
				if e := wantError(t, err, tc.class); e.Unknown {
					t.Errorf("nothing was sent, and yet: %+v", e)
				}
				s.Close()
				srv.Wait()
			})
		})
	}
}

// endless sends a text, and another again and again until the client is gone.
func endless(c *imaptest.Script, first, again string) {
	again = strings.Repeat(again, max(1, 4096/len(again)))
	for _, err := io.WriteString(c, first); err == nil; {
		_, err = io.WriteString(c, again)
	}
}

// trickle answers with a response every half a minute and never ends.
func trickle(c *imaptest.Script, _ string) {
	for err := error(nil); err == nil; {
		_, err = io.WriteString(c, "* OK Still here\r\n")
		time.Sleep(30 * time.Second)
	}
}

// A message with an endless header is cut, and stops no other.
func TestAnEndlessHeaderIsCut(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		tag := c.Expect("UID FETCH")
		c.Send("* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 9 INTERNALDATE NIL BODY[HEADER.FIELDS (Subject)] {20000000}")
		lines := strings.Repeat("Subject: 0123456789\n", 1000)
		for range 1000 {
			if _, err := io.WriteString(c, lines); err != nil {
				return
			}
		}
		c.Send(")", `* 2 FETCH (UID 2 FLAGS () RFC822.SIZE 9 INTERNALDATE " 4-May-2026 03:02:01 +0200" BODY[HEADER.FIELDS (Subject)] "")`, tag+" OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		got := must[[]imapsession.Fetched](t)(s.FetchHeaders(t.Context(), imap.UIDSetNum(1, 2), []string{"Subject"}))
		if len(got) != 2 || !got[0].Received.IsZero() {
			t.Fatalf("%d messages", len(got))
		}
		if h := got[0].Header; len(h) > 1<<20 || len(h) < 1<<20-100 || !strings.HasSuffix(string(h), "9\n") {
			t.Errorf("a header of %d bytes", len(h))
		}
	})
}

// More than a command may hold is left out, and asked for again it comes.
func TestFetchStaysWithinItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.Scripted(t, func(c *imaptest.Script) {
			c.Login("")
			for range 2 {
				tag := c.Expect("UID FETCH")
				for uid := 1; uid <= 100; uid++ {
					c.Sendf("* 1 FETCH (UID %d FLAGS () RFC822.SIZE 9 INTERNALDATE NIL BODY[HEADER.FIELDS (Subject)] {1000}", uid)
					c.Send(strings.Repeat("x", 998), ")")
				}
				c.Send(tag + " OK")
			}
			c.Drain()
		})
		o := scriptedOptions(srv)
		o.Limits.Collected = 20_000
		s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
		got := must[[]imapsession.Fetched](t)(s.FetchHeaders(t.Context(), imap.UIDSet{{Start: 1, Stop: 100}}, []string{"Subject"}))
		if len(got) == 0 || len(got) > 20 || got[0].UID != 1 {
			t.Errorf("%d messages", len(got))
		}
		got = must[[]imapsession.Fetched](t)(s.FetchHeaders(t.Context(), imap.UIDSet{{Start: 90, Stop: 92}}, []string{"Subject"}))
		if len(got) != 3 {
			t.Errorf("%d of 3 messages", len(got))
		}
		s.Close()
		srv.Wait()
	})
}

// What a hostile server sends does not stay in memory.
func TestHostileServersCostLittleMemory(t *testing.T) {
	before := heap()
	for _, flood := range []string{"* LIST () NIL {2000000000}\r\n", "* 1 FETCH (X {60000000}\r\n", "* SEARCH 1 ", "* OK ", "* 5 EXISTS\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			srv := imaptest.Scripted(t, func(c *imaptest.Script) {
				c.Login("")
				c.Expect("NOOP")
				for n, err := 0, error(nil); err == nil && n < 40<<20; n += 4096 {
					_, err = io.WriteString(c, flood+strings.Repeat("1", 4096-len(flood)))
				}
			})
			s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), scriptedOptions(srv)))
			err := s.Noop(t.Context())
			wantError(t, err, imapsession.Connection)
			if grown := int64(heap()) - int64(before); grown > 30<<20 {
				t.Errorf("%q left %d MiB behind", flood, grown>>20)
			}
			s.Close()
			srv.Wait()
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestCancelledCommands(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) { c.Drain() }, func(t *testing.T, s *imapsession.Session) {
		over, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Copy(over, imap.UIDSetNum(1), "Box")
		if e := wantError(t, err, imapsession.Connection); e.Unknown || !errors.Is(err, context.Canceled) {
			t.Errorf("before: %+v", e)
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err = s.Copy(soon, imap.UIDSetNum(1), "Box")
		if e := wantError(t, err, imapsession.Connection); !e.Unknown || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("meanwhile: %+v after %v", e, time.Since(start))
		}
	})
}

func TestCloseFromOutside(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) { c.Drain() }, func(t *testing.T, s *imapsession.Session) {
		go func() { time.Sleep(time.Second); s.Close() }()
		wantError(t, s.Noop(t.Context()), imapsession.Connection)
		check(t, s.Close())
	})
}

func TestMoveIsNeverAnythingElse(t *testing.T) {
	scripted(t, "UIDPLUS", func(c *imaptest.Script) {
		if _, command, ok := c.Read(); ok {
			t.Errorf("the client sent %q", command)
		}
	}, func(t *testing.T, s *imapsession.Session) {
		_, err := s.Move(t.Context(), imap.UIDSetNum(1), "Box")
		wantError(t, err, imapsession.Bad)
	})
	scripted(t, "MOVE", func(c *imaptest.Script) {
		if _, command, ok := c.Read(); ok {
			t.Errorf("the client sent %q", command)
		}
	}, func(t *testing.T, s *imapsession.Session) {
		wantError(t, s.Expunge(t.Context(), imap.UIDSetNum(1)), imapsession.Bad)
	})
	// Capabilities that change behind the session's back change no command.
	scripted(t, "MOVE", func(c *imaptest.Script) {
		c.Send("* CAPABILITY IMAP4rev1")
		c.Answer("NOOP", "* CAPABILITY IMAP4rev1", "OK [CAPABILITY IMAP4rev1] ok")
		c.Answer("UID MOVE 1", "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		check(t, s.Noop(t.Context()))
		_, err := s.Move(t.Context(), imap.UIDSetNum(1), "Box")
		check(t, err)
	})
}

// CLOSE expunges: it is sent only when the server says that it cannot.
func TestCloseIsOnlyForReadOnly(t *testing.T) {
	for code, closes := range map[string]bool{"[READ-ONLY] ": true, "": false} {
		scripted(t, "", func(c *imaptest.Script) {
			c.Select()
			c.Answer("EXAMINE", "OK "+code+"done")
			if closes {
				c.Answer("CLOSE", "OK")
			}
			c.Answer("NOOP", "OK")
			c.Drain()
		}, func(t *testing.T, s *imapsession.Session) {
			must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
			check(t, s.Unselect(t.Context()))
			check(t, s.Noop(t.Context()))
		})
	}
}

// IMAP4rev2 is announced but not enabled: names go out in modified UTF-7.
func TestNamesAreUTF7(t *testing.T) {
	scripted(t, "IMAP4rev2 UTF8=ACCEPT", func(c *imaptest.Script) {
		c.Answer(`SELECT "Entw&APw-rfe &- &ZeVnLIqe- \"x\""`, "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		_, err := s.Select(t.Context(), `Entwürfe & 日本語 "x"`)
		check(t, err)
	})
}
