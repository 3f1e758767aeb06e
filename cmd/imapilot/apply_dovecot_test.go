package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
)

// TestPlanAndApplyOnDovecot: on a real server a plan changes nothing, an apply does
// what it said, and a second plan has nothing left to do.
func TestPlanAndApplyOnDovecot(t *testing.T) {
	srv := imaptest.Dovecot(t, imaptest.Options{})
	planFolder(t, "")
	host, port := srv.Addr()
	writeFile(t, "imapilot.yaml", fmt.Sprintf("accounts:\n  home: {host: %s, port: %d, tls: none, username: %s, password: %s}\n", host, port, srv.Username, srv.Password)+
		"rules:\n  - {name: lists, if: 'list.id != \"\"', then: [{add_flags: [Listed]}, {move: 'Lists/${list.name}'}]}\n  - {name: old, if: 'age > days(30)', max_messages: 2, then: [trash]}\n")
	for i := range 10 {
		list, at := "", time.Now().Add(-40*24*time.Hour)
		if i%2 == 0 {
			list, at = "List-Id: <go.example.org>\r\n", time.Now()
		}
		srv.Append(t, "INBOX", nil, at, fmt.Appendf(nil, "From: a@example.org\r\nSubject: m%d\r\nMessage-ID: <m%d@test>\r\n%s\r\nHello.\r\n", i, i, list))
	}
	before := srv.Messages(t, "INBOX")
	out, code := said(t, "plan")
	if code != exitOK || !regexp.MustCompile(`(?m)^ +7  acted on$`).MatchString(out) || !regexp.MustCompile(`(?m)^ +3  held by a limit$`).MatchString(out) {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if after := srv.Messages(t, "INBOX"); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the plan changed something: %v, before %v", after, before)
	}
	out, code = said(t, "apply --yes --max 5")
	if code != exitOK || !regexp.MustCompile(`(?m)^ +10  done$`).MatchString(out) || strings.Contains(out, "held") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	moved := srv.Messages(t, "Lists/go")
	if len(moved) != 5 || len(srv.Messages(t, "Trash")) != 5 || len(srv.Messages(t, "INBOX")) != 0 {
		t.Errorf("%d moved, %d in the trash, %d left", len(moved), len(srv.Messages(t, "Trash")), len(srv.Messages(t, "INBOX")))
	}
	for _, m := range moved {
		if !slices.Contains(m.Flags, imap.Flag("Listed")) {
			t.Errorf("%s has the flags %v", m.MessageID, m.Flags)
		}
	}
	out, code = said(t, "plan")
	if code != exitOK || !strings.Contains(out, "An apply of this would do nothing.") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
