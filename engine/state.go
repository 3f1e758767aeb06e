package engine

import (
	"slices"
	"strings"
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
	s.Mailboxes, s.RuleErrors = slices.Clone(s.Mailboxes), slices.Clone(s.RuleErrors)
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

// ruleError counts a message for which a rule could not be evaluated.
func (b *stateBox) ruleError(rule, why string) {
	b.set(func(s *AccountStatus) {
		i, known := slices.BinarySearchFunc(s.RuleErrors, rule, func(e RuleErrors, rule string) int { return strings.Compare(e.Rule, rule) })
		if !known {
			s.RuleErrors = slices.Insert(s.RuleErrors, i, RuleErrors{Rule: rule})
		}
		e := &s.RuleErrors[i]
		e.Messages, e.Last, e.At = e.Messages+1, why, time.Now()
	})
}

// proof notes that the server answered, for the account and the mailbox.
func (b *stateBox) proof(mailbox string) {
	now := time.Now()
	b.set(func(s *AccountStatus) { s.LastProof = now })
	b.mailbox(mailbox, func(m *MailboxStatus) { m.LastProof = now })
}
