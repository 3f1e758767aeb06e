package imapsession_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// We say our name where the server wants to know, once, before anything is
// selected, and whatever it answers costs nothing.
func TestIdentity(t *testing.T) {
	const listed = `* LIST (\Noselect) "/" ""`
	for name, tc := range map[string]struct {
		capabilities string
		answers      []string // the last is the completion
		want         imapsession.Server
	}{
		"an answer":   {"ID", []string{`* ID ("name" "Dovecot" "VERSION" "2.3" "vendor" NIL "x" "y")`, "OK"}, imapsession.Server{Name: "Dovecot", Version: "2.3"}},
		"NIL":         {"ID", []string{"* ID NIL", "OK"}, imapsession.Server{}},
		"none":        {"ID", []string{"OK"}, imapsession.Server{}},
		"refused":     {"ID", []string{"NO not now"}, imapsession.Server{}},
		"not known":   {"ID", []string{"BAD what"}, imapsession.Server{}},
		"a literal":   {"ID", []string{"* id ({4}", `name {3}`, `a"b vendor "x")`, "OK"}, imapsession.Server{Name: `a"b`}},
		"control":     {"ID", []string{"* ID (\"name\" \"a\x1b[2J\u202eb\")", "OK"}, imapsession.Server{Name: "a?[2J?b"}},
		"long":        {"ID", []string{`* ID ("name" "` + strings.Repeat("x", 5000) + `")`, "OK"}, imapsession.Server{Name: strings.Repeat("x", 200)}},
		"many":        {"ID", []string{"* ID (" + strings.Repeat(`"a" "b" `, 5000) + `"name" "x")`, "OK"}, imapsession.Server{}},
		"malformed":   {"ID", []string{`* ID ("name"`, "* ID", "* ID (", `* ID "name" "x"`, "OK"}, imapsession.Server{}},
		"not offered": {"", nil, imapsession.Server{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.Scripted(t, func(c *imaptest.Script) {
					c.Send("* OK [CAPABILITY IMAP4rev1 ID] hello") // before the login it counts for nothing
					c.Answer("LOGIN", "OK [CAPABILITY IMAP4rev1 "+tc.capabilities+"] welcome")
					id := ""
					if tc.answers != nil {
						id = c.Expect(`ID ("name" "imapilot")`)
					}
					list := c.Expect(`LIST "" ""`) // before the answer to ID
					if last := len(tc.answers) - 1; last >= 0 {
						c.Send(append(tc.answers[:last:last], id+" "+tc.answers[last])...)
					}
					c.Send(listed, list+" OK")
					c.Answer("SELECT", "OK")
					c.Drain()
				})
				s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), scriptedOptions(srv)))
				if s.Server() != tc.want || s.Delimiter() != '/' {
					t.Errorf("%+v, delimiter %q", s.Server(), s.Delimiter())
				}
				must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
				s.Close()
				srv.Wait()
			})
		})
	}
}

// What a stage does not need does not cross the wire.
func TestStagesSendWhatTheyAreNamedFor(t *testing.T) {
	srv := imaptest.Memory(t, imaptest.Options{})
	rec := imaptest.Record(srv.DialContext)
	o := options(srv)
	o.DialContext = rec.DialContext
	s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
	defer s.Close()
	must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
	rec.Reset()
	stages(t, s)
	want := []string{
		`UID FETCH 1 (UID * BODY.PEEK[HEADER.FIELDS ("Subject")])`, "UID FETCH 1 (UID * BODY.PEEK[HEADER])", "UID FETCH 1 (UID BODYSTRUCTURE)",
		"UID FETCH 1 (UID BODY.PEEK[1]<0.9> BODY.PEEK[2.1]<0.9>)",
	}
	got := rec.Commands()
	for i, command := range got {
		// imapclient writes these three in any order.
		before, rest, ok := strings.Cut(command, "(UID ")
		if items, header, isHeader := strings.Cut(rest, "BODY.PEEK[HEADER"); ok && isHeader {
			words := strings.Fields(items)
			slices.Sort(words)
			if strings.Join(words, " ") == "FLAGS INTERNALDATE RFC822.SIZE" {
				got[i] = before + "(UID * BODY.PEEK[HEADER" + header
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if len(rec.Sent("BODY[")) != 0 {
		t.Error("something was fetched without PEEK")
	}
}
