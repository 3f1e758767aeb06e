package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
	"imapilot/rules/facts"

	"github.com/emersion/go-imap/v2"
)

// A message whose own sighting fell out of the window (10,000 newer ones) does
// not count as the newest of all when an old held or paused entry is decided
// again: it is no duplicate of its own redelivery.
func TestHistoryOwnSightingBehindTheWindow(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("INBOX", "a", noon)
	d.want("first", d.take("INBOX"), 1, facts.History{})
	d.deliver("Lists", "a", noon.Add(time.Hour))
	d.want("redelivery", d.take("Lists"), 1, duplicate())
	var many []journal.Known
	for i := range journal.Window + 10 {
		many = append(many, journal.Known{UID: imap.UID(1000 + i), Print: fp(fmt.Sprintf("<n%d@x>", i), noon, 1)})
	}
	d.check(d.c.commit(d.Context(), journal.Batch{Known: []journal.KnownBatch{{Mailbox: "INBOX", UIDValidity: d.c.cursors.of("INBOX").UIDValidity, Messages: many}}}))
	d.want("the first, decided again", d.again("INBOX", 1), 1, facts.History{})
}

// A renumbering does not turn round the order of what was handled before.
func TestHistoryOrderAfterRenumbering(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("Junk", "a", noon)
	d.want("first", d.take("Junk"), 1, facts.History{})
	d.deliver("Lists", "a", noon.Add(time.Hour))
	d.want("redelivery", d.take("Lists"), 1, duplicate())
	d.srv.Delete(d, "Junk")
	d.srv.Create(d, "Junk")
	d.deliver("Junk", "a", noon)
	d.take("Junk")
	d.want("the first, decided again", d.again("Junk", 1), 1, facts.History{})
}

// A message that lies in the same batch flagged \Deleted is what the user moved
// away and back with COPY and \Deleted: the other place is on its way out.
func TestHistoryDeletedInTheSameBatch(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	raw := []byte("From: ann@example.org\r\nMessage-ID: <a@x>\r\n\r\nHello.\r\n")
	d.srv.Append(d, "INBOX", []imap.Flag{imap.FlagDeleted}, noon, raw)
	d.srv.Append(d, "INBOX", nil, noon, raw)
	d.want("the one that stays", d.take("INBOX"), 2, facts.History{})
}

// A move by COPY, then \Deleted, seen in between is no duplicate, and in the end
// one by the user.
func TestHistoryCopyThenDelete(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("INBOX", "a", noon)
	d.take("INBOX")
	d.deliver("Junk", "a", noon) // the COPY
	d.want("while the original is there", d.take("Junk"), 1, facts.History{})
	d.srv.Empty(d, "INBOX")
	d.want("afterwards", d.again("Junk", 1), 1, moved("INBOX"))
}

// A message that a rule of ours copied is no duplicate of its own copy, also when
// its mailbox is renumbered.
func TestHistoryOwnCopyIsNoOriginal(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("Junk", "a", noon)
	cursor, all := d.fetch("Junk")
	d.take("Junk")
	put(&d.c.expected, "7.0", journal.Expected{ID: "7.0", Mailbox: "Lists", UIDNext: 1, Print: all[0].print})
	d.deliver("Lists", "a", noon) // our copy
	d.take("Lists")
	d.want("before", d.again("Junk", 1), 1, facts.History{})
	d.srv.Delete(d, "Junk")
	d.srv.Create(d, "Junk")
	d.deliver("Junk", "a", noon)
	d.take("Junk")
	_ = cursor
	d.want("after the renumbering", d.again("Junk", 1), 1, facts.History{})
}

// "<>" is no identity, and neither is the first 512 octets of a longer one.
func TestHistoryMessageIDsThatIdentifyNothing(t *testing.T) {
	for name, id := range map[string][2]string{
		"empty brackets":            {"<>", "<>"},
		"brackets with white space": {"< >", "< >"},
		"longer than a fingerprint": {"<" + strings.Repeat("x", 600) + "1@a>", "<" + strings.Repeat("x", 600) + "2@b>"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
			for i, v := range id {
				d.srv.Append(d, "INBOX", nil, noon.Add(time.Duration(i)*time.Hour), fmt.Appendf(nil, "From: ann@example.org\r\nSubject: %d\r\nMessage-ID: %s\r\n\r\nHello %d.\r\n", i, v, i*1000))
			}
			d.want("another message", d.take("INBOX"), 2, facts.History{})
		})
	}
}
