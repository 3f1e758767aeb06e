package engine

import (
	"slices"
	"sync"
	"time"
)

// stateBox is the part of an account that others may read at any time.
type stateBox struct {
	mu     sync.Mutex
	status AccountStatus
}

func (b *stateBox) set(change func(*AccountStatus)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.status)
}

func (b *stateBox) get() AccountStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	s.Mailboxes = slices.Clone(s.Mailboxes)
	return s
}

// mailbox changes the status of one mailbox.
func (b *stateBox) mailbox(name string, change func(*MailboxStatus)) {
	b.set(func(s *AccountStatus) {
		i := slices.IndexFunc(s.Mailboxes, func(m MailboxStatus) bool { return m.Name == name })
		if i < 0 {
			return
		}
		change(&s.Mailboxes[i])
	})
}

// proof notes that the server answered, for the account and the mailbox.
func (b *stateBox) proof(mailbox string) {
	now := time.Now()
	b.set(func(s *AccountStatus) { s.LastProof = now })
	b.mailbox(mailbox, func(m *MailboxStatus) { m.LastProof, m.Error = now, "" })
}
