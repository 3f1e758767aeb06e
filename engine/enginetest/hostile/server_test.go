package hostile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
)

const rules = `
rules:
  - {name: move, if: subject == "move", then: [{move: Moved}]}
  - {name: copy, if: subject == "copy", then: [{add_flags: ['\Flagged']}, {copy: Copied}]}
  - {name: text, if: body.text contains "needle", then: [{add_flags: [$Found]}]}
  - {name: none, if: subject == "gone", then: [expunge]}
`

// expected is what the rules make of the messages of stock, and what they may
// say to get there.
func expected() wire {
	return wire{mailboxes: []string{"INBOX", "Moved", "Copied"}, create: []string{"Moved", "Copied"}, uids: []string{"1", "2", "3"}}
}

// stock fills INBOX: UID 1 is to be moved, 2 copied, 3 found; 4 is to stay, and
// so is 5, which another client flagged.
func stock(t *testing.T, o imaptest.Options) *imaptest.Server {
	t.Helper()
	srv := imaptest.Memory(t, o)
	for _, subject := range []string{"move", "copy", "text", "keep", "flagged"} {
		flags := []imap.Flag{}
		if subject == "flagged" {
			flags = append(flags, imap.FlagDeleted)
		}
		srv.Append(t, "INBOX", flags, time.Now(), fmt.Appendf(nil, "From: Ann <a@example.org>\r\nSubject: %s\r\nMessage-ID: <%s@test>\r\n"+
			"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello, %s.\r\n--b--\r\n",
			subject, subject, strings.Replace(subject, "text", "needle", 1)))
	}
	return srv
}

// done reports whether every rule did what it does.
func done(t *testing.T, srv *imaptest.Server) bool {
	t.Helper()
	return len(srv.Messages(t, "Moved")) == 1 && len(srv.Messages(t, "Copied")) == 1 && flagged(t, srv, "$Found") == "<text@test>"
}

func flagged(t *testing.T, srv *imaptest.Server, flag imap.Flag) string {
	t.Helper()
	var ids []string
	for _, m := range srv.Messages(t, "INBOX") {
		if slices.ContainsFunc(m.Flags, func(f imap.Flag) bool { return strings.EqualFold(string(f), string(flag)) }) {
			ids = append(ids, m.MessageID)
		}
	}
	return strings.Join(ids, " ")
}

// intact demands that every message is where the rules put it, once, and that
// nothing else was touched.
func intact(t *testing.T, srv *imaptest.Server) {
	t.Helper()
	places := map[string][]string{}
	for _, box := range srv.Mailboxes(t) {
		for _, m := range srv.Messages(t, box) {
			places[m.MessageID] = append(places[m.MessageID], box)
		}
	}
	for id, want := range map[string][]string{"<move@test>": {"Moved"}, "<copy@test>": {"Copied", "INBOX"}, "<text@test>": {"INBOX"}, "<keep@test>": {"INBOX"}, "<flagged@test>": {"INBOX"}} {
		if slices.Sort(places[id]); !slices.Equal(places[id], want) {
			t.Errorf("%s is in %q, want %q", id, places[id], want)
		}
	}
	for flag, want := range map[imap.Flag]string{imap.FlagDeleted: "<flagged@test>", imap.FlagSeen: "", imap.FlagFlagged: "<copy@test>"} {
		if got := flagged(t, srv, flag); got != want {
			t.Errorf("%s is on %q, want %q", flag, got, want)
		}
	}
}
