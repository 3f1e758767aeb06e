package imapsession_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

const most = 8 << 20

// wholeMessages carries messages of several lengths from one mailbox to another,
// octet for octet.
func wholeMessages(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx, at := t.Context(), time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	header := string(letter("big"))
	srv.Create(t, "To")
	for _, size := range []int{0, 1<<20 - len(header), 1<<20 - len(header) + 2, 5 << 19} {
		raw := []byte(header + strings.Repeat(strings.Repeat("x", 70)+"\r\n", size/72) + strings.Repeat("y", size%72))
		uid := srv.Append(t, "From", []imap.Flag{imap.FlagSeen, "$mine"}, at, raw)
		must[imapsession.Selected](t)(s.Select(ctx, "From"))
		m, found, err := s.FetchMessage(ctx, uid, most)
		if err != nil || !found {
			t.Fatalf("%d octets: %v, %v", len(raw), found, err)
		}
		if !bytes.Equal(m.Text, raw) || !m.Received.Equal(at) || !slices.Contains(imapsession.Settable(m.Flags), "$mine") {
			t.Errorf("%d octets: %d came, of %s, %v", len(raw), len(m.Text), m.Received, m.Flags)
		}
		must[imap.UID](t)(s.Append(ctx, "To", imapsession.Settable(m.Flags), m.Received, m.Text))
		copies := srv.Messages(t, "To")
		if got := copies[len(copies)-1]; got.Size != int64(len(raw)) || !got.Received.Equal(at) || !slices.Contains(got.Flags, imap.FlagSeen) {
			t.Errorf("%d octets: the copy is %+v", len(raw), got)
		}
	}
	if _, found, err := s.FetchMessage(ctx, 999, most); found || err != nil {
		t.Errorf("a message that is not there: %v, %v", found, err)
	}
	_, _, err := s.FetchMessage(ctx, 1, 10)
	if !errors.Is(err, imapsession.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

// Neither a size that is wrong nor pieces that are shorter than what was asked for
// cut a message.
func TestAMessageOfWrongSize(t *testing.T) {
	item := func(size, from, text string) string {
		return `* 1 FETCH (UID 5 FLAGS (\Seen) INTERNALDATE " 4-May-2026 03:02:01 +0200" RFC822.SIZE ` + size + " BODY[]" + from + ` "` + text + `")`
	}
	for name, answers := range map[string][]string{
		"too small":    {item("2", "<0>", "four"), item("2", "<4>", "")},
		"too large":    {item("9", "<0>", "four"), item("9", "<4>", "")},
		"short pieces": {item("4", "<0>", "fo"), item("4", "<2>", "ur")},
		"NIL at last":  {item("2", "<0>", "four"), `* 1 FETCH (UID 5 FLAGS () INTERNALDATE " 4-May-2026 03:02:01 +0200" RFC822.SIZE 2 BODY[]<4> NIL)`},
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, "", func(c *imaptest.Script) {
				for _, a := range answers {
					c.Answer("UID FETCH 5", a, "OK")
				}
				c.Drain()
			}, func(t *testing.T, s *imapsession.Session) {
				m, found, err := s.FetchMessage(t.Context(), 5, most)
				if string(m.Text) != "four" || !found || err != nil {
					t.Errorf("%q, %v, %v", m.Text, found, err)
				}
			})
		})
	}
}

// A piece that begins elsewhere is not put in the place of one that was asked for.
func TestAPieceFromElsewhere(t *testing.T) {
	scripted(t, "", func(c *imaptest.Script) {
		c.Answer("UID FETCH 5", `* 1 FETCH (UID 5 FLAGS () INTERNALDATE " 4-May-2026 03:02:01 +0200" RFC822.SIZE 9 BODY[]<0> "four")`, "OK")
		c.Answer("UID FETCH 5", `* 1 FETCH (UID 5 FLAGS () INTERNALDATE " 4-May-2026 03:02:01 +0200" RFC822.SIZE 9 BODY[] "four")`, "OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		if m, found, err := s.FetchMessage(t.Context(), 5, most); found || err != nil {
			t.Errorf("%q, %v, %v", m.Text, found, err)
		}
	})
}

func TestAppendLimit(t *testing.T) {
	for _, tc := range []struct {
		capability string
		answer     string // to STATUS, "" if it is not asked
		want       int64
	}{
		{"IDLE", "", 0}, {"APPENDLIMIT=5000", "", 5000}, {"APPENDLIMIT=x", "", 0},
		{"APPENDLIMIT", "* STATUS X (APPENDLIMIT 300)", 300}, {"APPENDLIMIT", "* STATUS X (APPENDLIMIT NIL)", 0},
	} {
		t.Run(tc.capability, func(t *testing.T) {
			scripted(t, tc.capability, func(c *imaptest.Script) {
				if tc.answer != "" {
					c.Answer(`STATUS "X" (APPENDLIMIT)`, tc.answer, "OK")
				}
				c.Drain()
			}, func(t *testing.T, s *imapsession.Session) {
				if got, err := s.AppendLimit(t.Context(), "X"); got != tc.want || err != nil {
					t.Errorf("%d, %v; want %d", got, err, tc.want)
				}
			})
		})
	}
}
