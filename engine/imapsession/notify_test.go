package imapsession_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

func TestNotifyNamesWhatIsWatched(t *testing.T) {
	all := strings.Repeat("x", 999)
	many := slices.Repeat([]string{all}, 10)
	if n := imapsession.NotifyFits(many); n != 6 {
		t.Errorf("%d names of 999 bytes fit one line", n)
	}
	for _, tc := range []struct {
		ask  imapsession.Notify
		want string
	}{
		{imapsession.Notify{Personal: true}, "NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge))"},
		{imapsession.Notify{Personal: true, Flags: true, Names: true, Subscriptions: true},
			"NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))"},
		{imapsession.Notify{Mailboxes: []string{`a"b\c`, "Entwürfe"}, Names: true},
			`NOTIFY SET STATUS (MAILBOXES ("a\"b\\c" "Entw&APw-rfe") (MessageNew MessageExpunge MailboxName)) (PERSONAL (MailboxName))`},
		{imapsession.Notify{Personal: true, Mailboxes: []string{"Public/x"}},
			`NOTIFY SET STATUS (MAILBOXES ("Public/x") (MessageNew MessageExpunge)) (PERSONAL (MessageNew MessageExpunge))`},
	} {
		scripted(t, everything+" NOTIFY", func(c *imaptest.Script) {
			tag, command, _ := c.Read()
			if command != tc.want {
				t.Errorf("sent %s\nwant %s", command, tc.want)
			}
			c.Send(tag + " OK")
		}, func(t *testing.T, s *imapsession.Session) {
			if err := s.Notify(t.Context(), tc.ask); err != nil {
				t.Error(err)
			}
		})
	}
	scripted(t, everything+" NOTIFY", func(c *imaptest.Script) { c.Drain() }, func(t *testing.T, s *imapsession.Session) {
		for _, n := range []imapsession.Notify{{Mailboxes: []string{"a\r\nx LOGOUT"}}, {Mailboxes: many}} {
			if err := s.Notify(t.Context(), n); err == nil {
				t.Error("was sent")
			}
		}
	})
}

// What the server tells beside its answers is kept until it is asked for, also what
// comes with the answer to NOTIFY itself.
func TestAwaitTellsWhatCame(t *testing.T) {
	scripted(t, everything+" NOTIFY", func(c *imaptest.Script) {
		tag := c.Expect("NOTIFY SET STATUS")
		c.Send("* STATUS INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7)", tag+" OK")
		c.Answer("NOOP", "OK")
		c.Answer("NOOP", "OK")
		c.Send("* STATUS INBOX (HIGHESTMODSEQ 12)", "* STATUS Other (MESSAGES 0 UIDNEXT 10)", `* LIST () "/" New`)
		c.Answer("NOOP", "OK")
		c.Send("* OK [NOTIFICATIONOVERFLOW] enough")
		c.Answer("NOOP", "OK")
		c.Send("* BYE idle for too long")
	}, func(t *testing.T, s *imapsession.Session) {
		if err := s.Notify(t.Context(), imapsession.Notify{Personal: true}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		got := await(t, s)
		if st := got.Status["INBOX"]; st.Messages != 3 || st.UIDNext != 9 || st.UIDValidity != 7 || got.Names || got.Overflow {
			t.Errorf("with NOTIFY: %+v", got)
		}
		if got := await(t, s); len(got.Status) > 0 || time.Since(start) != 5*time.Minute {
			t.Errorf("silence: %+v after %v, and no NOOP", got, time.Since(start))
		}
		noop(t, s)
		got = await(t, s)
		for len(got.Status) < 2 || !got.Names {
			more := await(t, s)
			got.Names = got.Names || more.Names
			maps.Copy(got.Status, more.Status)
		}
		if st := got.Status["Other"]; got.Status["INBOX"].HighestModSeq != 12 || st.UIDNext != 10 {
			t.Errorf("news: %+v", got)
		}
		noop(t, s)
		if got := await(t, s); !got.Overflow {
			t.Errorf("overflow: %+v", got)
		}
		noop(t, s)
		_, err := s.Await(t.Context(), time.Minute)
		var e *imapsession.Error
		if !errors.As(err, &e) || e.Status != "BYE" {
			t.Errorf("after BYE: %v", err)
		}
	})
}

func noop(t *testing.T, s *imapsession.Session) {
	t.Helper()
	if err := s.Noop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, s *imapsession.Session) imapsession.Notices {
	t.Helper()
	n, err := s.Await(t.Context(), 5*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A connection that died is noticed soon after its NOOP was due, and a stop is no error.
func TestAwaitNoticesADeadConnection(t *testing.T) {
	scripted(t, everything+" NOTIFY", func(c *imaptest.Script) {
		c.Answer("NOTIFY", "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		if err := s.Notify(t.Context(), imapsession.Notify{Personal: true}); err != nil {
			t.Fatal(err)
		}
		stopped, stop := context.WithCancel(t.Context())
		stop()
		if _, err := s.Await(stopped, time.Hour); err != nil {
			t.Errorf("stopped: %v", err)
		}
		start := time.Now()
		_, err := s.Await(t.Context(), 5*time.Minute)
		if d := time.Since(start); err == nil || d > 6*time.Minute {
			t.Errorf("%v after %v", err, d)
		}
	})
}

func TestListStatusAndSubscriptions(t *testing.T) {
	scripted(t, everything+" LIST-STATUS LIST-EXTENDED CONDSTORE", func(c *imaptest.Script) {
		c.Answer(`LIST "" "*" RETURN (`, `* LIST (\Subscribed) "/" INBOX`, "* STATUS INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7 HIGHESTMODSEQ 5)",
			`* LIST (\Noselect) "/" Lists`, `* LIST () "/" Lists/a`, "OK")
		c.Answer(`LSUB "" "*"`, `* LSUB (\Noselect) "/" Lists`, `* LSUB () "/" "Lists/a"`, "OK")
	}, func(t *testing.T, s *imapsession.Session) {
		list, all, err := s.ListStatus(t.Context(), true)
		if err != nil || len(list) != 3 || !list[0].Subscribed || len(all) != 1 || all["INBOX"].UIDNext != 9 || all["INBOX"].HighestModSeq != 5 {
			t.Errorf("%+v, %+v, %v", list, all, err)
		}
		if got, err := s.Subscriptions(t.Context()); err != nil || !slices.Equal(got, []string{"Lists/a"}) {
			t.Errorf("%q, %v", got, err)
		}
	})
}
