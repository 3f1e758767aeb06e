package imapsession

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

// FuzzGmail gives a collector arbitrary items of Gmail's: what it keeps was asked for,
// is within the limits, and fit for a screen and a command.
func FuzzGmail(f *testing.F) {
	for _, seed := range []string{
		`(UID 5 X-GM-LABELS (\Inbox "\\Sent" "Caf&AOk-" {1+}` + "\r\nx" + `) X-GM-THRID 1 X-GM-MSGID 2)`, `(UID 5 X-GM-LABELS NIL X-GM-THRID 18446744073709551616 X-GM-MSGID -1)`,
		`(UID 5 X-GM-LABELS ((a) b) X-GM-THRID "1" X-GM-MSGID 2)`, `(UID 5 X-GM-LABELS ("&AAoACQ-" "" &- &x) X-GM-THRID 1 X-GM-MSGID 2)`, `(X-GM-LABELS (`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newCollector(imap.UIDSetNum(5), itemsGmail, Limits{Collected: 5000})
		c.take(response{kind: "FETCH", data: data})
		for _, m := range c.complete() {
			for _, label := range m.gmail.Labels {
				if label == "" || !utf8.ValidString(label) || strings.ContainsFunc(label, unicode.IsControl) {
					t.Errorf("label %q", label)
				}
			}
			for _, id := range []string{m.gmail.MessageID, m.gmail.ThreadID} {
				if id == "" || len(id) > 20 || strings.Trim(id, "0123456789") != "" {
					t.Errorf("id %q", id)
				}
			}
		}
	})
}

// Nothing of an answer is kept without a limit.
func TestGmailLimits(t *testing.T) {
	for name, labels := range map[string]string{
		"many labels": strings.Repeat("a ", maxLabels+1), "a long label": strings.Repeat("a", maxMailboxName+1), "labels without an end": "a b",
	} {
		end := ")"
		if name == "labels without an end" {
			end = ""
		}
		if m, ok := parseFetch(&scanner{b: []byte("(UID 5 X-GM-LABELS (" + labels + end)}, itemsGmail); ok {
			t.Errorf("%s: kept %d", name, len(m.gmail.Labels))
		}
	}
	c := newCollector(imap.UIDSetNum(5), itemsGmail, Limits{Collected: 5000})
	c.take(response{kind: "FETCH", data: []byte("(UID 5 X-GM-THRID 1 X-GM-MSGID 2 X-GM-LABELS (" + strings.Repeat("abcdefgh ", 500) + "))")})
	if !c.full || len(c.complete()) > 0 {
		t.Error("labels take room, too")
	}
}
