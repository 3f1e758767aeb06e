package journal

import (
	"time"

	"github.com/emersion/go-imap/v2"
)

// Snoozed is a message that lies in a snooze mailbox and comes back when it is due.
// There is one for each entry that put it there.
type Snoozed struct {
	// Seq is the entry that put it there. The entry is kept as long as this is.
	Seq  int64  `json:"seq"`
	Rule string `json:"rule"`
	// Mailbox, UIDValidity and UID are where it lies: server's spelling. UID is 0
	// where nobody told it, UIDValidity where the mailbox was made for it.
	Mailbox     string      `json:"mailbox"`
	UIDValidity uint32      `json:"uidvalidity,omitempty"`
	UID         imap.UID    `json:"uid,omitempty"`
	Print       Fingerprint `json:"print"`
	// Back is the mailbox that it goes back to, server's spelling.
	Back string    `json:"back"`
	Due  time.Time `json:"due"`
}

// SnoozedSummary counts what is snoozed of an account.
type SnoozedSummary struct {
	Messages int `json:"messages"`
	// Next is when the next one comes back, zero where there is none.
	Next time.Time `json:"next,omitzero"`
}
