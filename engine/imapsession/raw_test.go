package imapsession_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// raws fetches whole messages: one within a piece, one of several pieces, one that
// ends with a piece, and the beginning of one.
func raws(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx := t.Context()
	const piece = 1 << 20
	small, long := parcel("Hello."), parcel(strings.Repeat(strings.Repeat("0123456789", 7)+"\n", 40_000))
	even := parcel("")
	even = append(even, strings.Repeat("x", piece-len(even)%piece)...)
	for _, m := range [][]byte{small, long, even, long} {
		srv.Append(t, "INBOX", nil, time.Time{}, m)
	}
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	got := must[[]imapsession.FetchedRaw](t)(s.FetchRaw(ctx, []imapsession.RawRequest{
		{UID: 2, Limit: 25 << 20, Size: int64(len(long))}, {UID: 1, Limit: 1 << 20}, {UID: 3, Limit: len(even), Size: 5}, {UID: 4, Limit: piece + 7, Size: int64(len(long))},
		{UID: 9, Limit: 5, Size: 5},
	}))
	if len(got) != 4 {
		t.Fatalf("%d messages", len(got))
	}
	for i, want := range [][]byte{small, long, even, long[:piece+7]} {
		if string(got[i].Data) != string(want) || got[i].UID != imap.UID(i+1) || got[i].Truncated != (i == 3) {
			t.Errorf("%d: %d bytes of %d, truncated %v", got[i].UID, len(got[i].Data), len(want), got[i].Truncated)
		}
	}
	unseen(t, s)
	_, err := s.FetchRaw(ctx, []imapsession.RawRequest{{UID: 1}})
	wantError(t, err, imapsession.Bad)
	check(t, s.Noop(ctx))
}

// Only what was asked for counts, once, and never more than the limit. What lacks a
// piece is absent.
func TestRawOfAHostileServer(t *testing.T) {
	scripted(t, everything, func(c *imaptest.Script) {
		other, all := c.Expect("UID FETCH 4 (UID BODY.PEEK[]<0.3>)"), c.Expect("UID FETCH 1:3,5 (UID BODY.PEEK[]<0.6>)")
		c.Send(`* 4 FETCH (UID 4 BODY[]<0> "ab")`, other+" OK",
			`* 1 FETCH (UID 1 BODY[]<5> "wrong" BODY[1] "wrong" BODY[TEXT] "wrong" BODY[HEADER] "wrong" RFC822 "wrong" BODY[]<0> "abcdef")`,
			`* 1 FETCH (UID 1 BODY[] "again!")`, `* 9 FETCH (UID 9 BODY[] "other")`, `* 2 FETCH (UID 2 BODY[] "does not heed the limit")`,
			`* 3 FETCH (UID 3 BODY[] NIL)`, `* 5 FETCH (UID 5 FLAGS ())`, all+" OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		got := must[[]imapsession.FetchedRaw](t)(s.FetchRaw(t.Context(), []imapsession.RawRequest{
			{UID: 1, Limit: 5}, {UID: 2, Limit: 5}, {UID: 3, Limit: 5}, {UID: 4, Limit: 2}, {UID: 5, Limit: 5},
		}))
		want := []string{`1 "abcde" true`, `2 "does " true`, `4 "ab" false`}
		var lines []string
		for _, r := range got {
			lines = append(lines, fmt.Sprintf("%d %q %v", r.UID, r.Data, r.Truncated))
		}
		if !slices.Equal(lines, want) {
			t.Errorf("%q, want %q", lines, want)
		}
	})
	scripted(t, everything, func(c *imaptest.Script) {
		first, second := c.Expect("UID FETCH 1 (UID BODY.PEEK[]<0.1048576>)"), c.Expect("UID FETCH 1 (UID BODY.PEEK[]<1048576.1048576>)")
		c.Send("* 1 FETCH (UID 1 BODY[]<0> {1048576}", strings.Repeat("x", 1<<20)+")", first+" OK", `* 1 FETCH (UID 1 BODY[] "from the first byte on")`, second+" OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		got := must[[]imapsession.FetchedRaw](t)(s.FetchRaw(t.Context(), []imapsession.RawRequest{{UID: 1, Limit: 5 << 20, Size: 2 << 20}}))
		if len(got) != 0 {
			t.Errorf("%d bytes", len(got[0].Data))
		}
	})
}

// Messages stay within what a command's answers may hold, all their pieces together.
func TestRawStaysWithinItsBudget(t *testing.T) {
	scripted2(t, 2_500_000, func(c *imaptest.Script) {
		for at := range 3 {
			c.Answer("UID FETCH 1 ", fmt.Sprintf("* 1 FETCH (UID 1 BODY[]<%d> {1048576}", at<<20), strings.Repeat("x", 1<<20)+")", "OK")
		}
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		if got := must[[]imapsession.FetchedRaw](t)(s.FetchRaw(t.Context(), []imapsession.RawRequest{{UID: 1, Limit: 5 << 20}})); len(got) != 0 {
			t.Errorf("%d bytes", len(got[0].Data))
		}
	})
}

// A refusal is told.
func TestRawThatIsRefused(t *testing.T) {
	for answer, class := range map[string]imapsession.Class{"NO [PARSE] no": imapsession.Message, "BAD no": imapsession.Bad} {
		scripted(t, "", func(c *imaptest.Script) {
			c.Answer("UID FETCH 1", answer)
			c.Answer("NOOP", "OK")
			c.Drain()
		}, func(t *testing.T, s *imapsession.Session) {
			_, err := s.FetchRaw(t.Context(), []imapsession.RawRequest{{UID: 1, Limit: 5}})
			wantError(t, err, class)
			check(t, s.Noop(t.Context()))
		})
	}
}
