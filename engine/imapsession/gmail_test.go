package imapsession_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// gmail answers each command with lines, the last of which is the completion, and
// returns what was sent.
func gmail(t *testing.T, capabilities string, answers [][]string, do func(t *testing.T, s *imapsession.Session)) (sent []string) {
	scripted(t, capabilities, func(c *imaptest.Script) {
		for _, lines := range answers {
			tag, command, _ := c.Read()
			if strings.HasSuffix(command, "+}") {
				_, rest, _ := c.Read()
				command += "|" + rest
			}
			sent = append(sent, command)
			c.Send(lines[:len(lines)-1]...)
			c.Send(tag + " " + lines[len(lines)-1])
		}
		c.Drain()
	}, do)
	return sent
}

func TestFetchGmail(t *testing.T) {
	sent := gmail(t, "X-GM-EXT-1", [][]string{{
		`* 1 FETCH (X-GM-THRID 1278455344230334865 X-GM-MSGID 18446744073709551615 X-GM-LABELS (\Inbox "\\Sent" Important "Muy Importante" "Caf&AOk-" {3}`, `a"b ~) UID 5)`,
		`* 2 FETCH (UID 6 X-GM-THRID 1 X-GM-MSGID 2)`,
		`* 3 FETCH (UID 7 X-GM-THRID 1 X-GM-MSGID 2 X-GM-LABELS ())`,
		`* 4 FETCH (UID 99 X-GM-THRID 1 X-GM-MSGID 2 X-GM-LABELS (other))`,
		`OK done`,
	}}, func(t *testing.T, s *imapsession.Session) {
		got := must[map[imap.UID]imapsession.Gmail](t)(s.FetchGmail(t.Context(), imap.UIDSetNum(5, 6, 7)))
		if want := []imap.UID{5, 7}; !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
			t.Errorf("got %v: of 6 an item is missing, and 99 was not asked for", got)
		}
		want := `[\Inbox \Sent Important Muy Importante Café a"b ~] 18446744073709551615 1278455344230334865`
		if g := got[5]; fmt.Sprint(g.Labels, " ", g.MessageID, " ", g.ThreadID) != want {
			t.Errorf("got %+v", g)
		}
	})
	if want := "UID FETCH 5:7 (UID X-GM-LABELS X-GM-THRID X-GM-MSGID)"; sent[0] != want {
		t.Errorf("sent %q", sent)
	}
}

func TestStoreLabels(t *testing.T) {
	for _, tc := range []struct {
		add    bool
		labels []string
		want   string
	}{
		{true, []string{"Work", "Lists/go"}, `UID STORE 5:6 +X-GM-LABELS ("Work" "Lists/go")`},
		{false, []string{`\Important`, "Café & Co", `say "hi" \o/`}, `UID STORE 5:6 -X-GM-LABELS (\Important "Caf&AOk- &- Co" "say \"hi\" \\o/")`},
	} {
		sent := gmail(t, "X-GM-EXT-1", [][]string{{`* 1 FETCH (UID 5 X-GM-LABELS (Work))`, "OK done"}}, func(t *testing.T, s *imapsession.Session) {
			if err := s.StoreLabels(t.Context(), imap.UIDSetNum(5, 6), tc.add, tc.labels); err != nil {
				t.Error(err)
			}
		})
		if len(sent) != 1 || sent[0] != tc.want {
			t.Errorf("sent %q, want %q", sent, tc.want)
		}
	}
}

// Labels that go with other changes go as one flight, each with an outcome of its own.
func TestLabelsInFlight(t *testing.T) {
	sent := gmail(t, "X-GM-EXT-1", [][]string{{"OK done"}, {"NO [CANNOT] Invalid label"}}, func(t *testing.T, s *imapsession.Session) {
		out := s.ChangeAhead(t.Context(), []imapsession.Change{
			{Verb: "LABEL", UIDs: imap.UIDSetNum(5), Labels: []string{"A"}}, {Verb: "UNLABEL", UIDs: imap.UIDSetNum(6), Labels: []string{"B"}}, {Verb: "LABEL", UIDs: imap.UIDSetNum(7), Labels: []string{"C\nD"}},
		}).Wait(t.Context())
		var e *imapsession.Error
		if out[0].Err != nil || !errors.As(out[1].Err, &e) || e.Status != "NO" || !errors.As(out[2].Err, &e) || e.Class != imapsession.Bad {
			t.Errorf("%v", out)
		}
	})
	if want := []string{`UID STORE 5 +X-GM-LABELS ("A")`, `UID STORE 6 -X-GM-LABELS ("B")`}; !slices.Equal(sent, want) {
		t.Errorf("sent %q", sent)
	}
}

func TestSearchGmail(t *testing.T) {
	for _, tc := range []struct{ caps, query, answer, want string }{
		{"X-GM-EXT-1", "older_than:30d category:promotions", "* SEARCH 6 5", `UID SEARCH UID 5:7 X-GM-RAW "older_than:30d category:promotions"`},
		{"X-GM-EXT-1 ESEARCH", "has:attachment", "%ESEARCH%", `UID SEARCH RETURN (ALL) UID 5:7 X-GM-RAW "has:attachment"`},
		{"X-GM-EXT-1", `subject:"a b"`, "* SEARCH 5 6", `UID SEARCH UID 5:7 X-GM-RAW "subject:\"a b\""`},
		{"X-GM-EXT-1 LITERAL-", `subject:"a b"`, "* SEARCH 5 6", `UID SEARCH UID 5:7 X-GM-RAW {13+}|b"`},
		{"X-GM-EXT-1 LITERAL+", `café  bar`, "* SEARCH 5 6", `UID SEARCH CHARSET UTF-8 UID 5:7 X-GM-RAW {10+}|bar`},
	} {
		var sent string
		scripted(t, tc.caps, func(c *imaptest.Script) {
			tag, command, _ := c.Read()
			if sent = command; strings.HasSuffix(command, "+}") {
				// The literal is read as if it were a command.
				_, rest, _ := c.Read()
				sent += "|" + strings.TrimLeft(rest, " ")
			}
			c.Send(strings.ReplaceAll(tc.answer, "%ESEARCH%", `* ESEARCH (TAG "`+tag+`") UID ALL 5:6`), tag+" OK done")
			c.Drain()
		}, func(t *testing.T, s *imapsession.Session) {
			got := must[imap.UIDSet](t)(s.SearchGmail(t.Context(), imap.UIDSetNum(5, 6, 7), tc.query))
			if got.String() != "5:6" {
				t.Errorf("%s: found %v", tc.query, got)
			}
		})
		if sent != tc.want {
			t.Errorf("sent %q, want %q", sent, tc.want)
		}
	}
}

// What cannot be sent as it is meant is not sent at all.
func TestGmailRefusals(t *testing.T) {
	uids := imap.UIDSetNum(5)
	for _, tc := range []struct {
		name, caps string
		do         func(t *testing.T, s *imapsession.Session) error
	}{
		{"labels elsewhere", "UIDPLUS", func(t *testing.T, s *imapsession.Session) error {
			return s.StoreLabels(t.Context(), uids, true, []string{"A"})
		}},
		{"fetch elsewhere", "UIDPLUS", func(t *testing.T, s *imapsession.Session) error {
			_, err := s.FetchGmail(t.Context(), uids)
			return err
		}},
		{"search elsewhere", "UIDPLUS", func(t *testing.T, s *imapsession.Session) error {
			_, err := s.SearchGmail(t.Context(), uids, "a")
			return err
		}},
		{"a line break in a label", "X-GM-EXT-1", func(t *testing.T, s *imapsession.Session) error {
			return s.StoreLabels(t.Context(), uids, true, []string{"A\r\nI9 UID EXPUNGE 1:*"})
		}},
		{"a system label that is none", "X-GM-EXT-1", func(t *testing.T, s *imapsession.Session) error {
			return s.StoreLabels(t.Context(), uids, true, []string{`\Inbox) (x`})
		}},
		{"an empty label", "X-GM-EXT-1", func(t *testing.T, s *imapsession.Session) error {
			return s.StoreLabels(t.Context(), uids, true, []string{""})
		}},
		{"a line break in a query", "X-GM-EXT-1 LITERAL-", func(t *testing.T, s *imapsession.Session) error {
			_, err := s.SearchGmail(t.Context(), uids, "a\r\nb")
			return err
		}},
		{"a long query", "X-GM-EXT-1 LITERAL-", func(t *testing.T, s *imapsession.Session) error {
			_, err := s.SearchGmail(t.Context(), uids, strings.Repeat("a", 1501))
			return err
		}},
		{"UTF-8 without literals", "X-GM-EXT-1", func(t *testing.T, s *imapsession.Session) error {
			_, err := s.SearchGmail(t.Context(), uids, "café")
			return err
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sent := gmail(t, tc.caps, nil, func(t *testing.T, s *imapsession.Session) {
				var e *imapsession.Error
				if err := tc.do(t, s); !errors.As(err, &e) || e.Class != imapsession.Bad {
					t.Errorf("error %v", err)
				}
			})
			if len(sent) > 0 {
				t.Errorf("sent %q", sent)
			}
		})
	}
}
