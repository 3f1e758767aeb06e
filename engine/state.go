package engine

import (
	"slices"
	"strings"
	"sync"
	"time"

	"imapilot/engine/config"
)

// stateBox is the part of an account that others may read at any time.
type stateBox struct {
	mu     sync.Mutex
	status AccountStatus
	// before are the mailboxes of the connection before, while no new one has listed
	// any: what was proven of them stays true, and gets old.
	before []MailboxStatus
}

// begin says whose state it is.
func (b *stateBox) begin(cfg config.Account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.status.Name, b.status.Host, b.status.State, b.status.since, b.status.began = cfg.Name, cfg.Host, Connecting, now, now
}

func (b *stateBox) set(change func(*AccountStatus)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	state, mailboxes := b.status.State, b.status.Mailboxes
	change(&b.status)
	if b.status.State != state {
		b.status.since = time.Now()
	}
	b.follow(mailboxes)
}

// follow carries over what is known of mailboxes when their list was replaced. It is nil
// until a connection has listed them.
func (b *stateBox) follow(before []MailboxStatus) {
	now := b.status.Mailboxes
	switch {
	case now == nil:
		if len(before) > 0 {
			b.before = before
		}
		return
	case len(now) == 0: // all that were watched are gone
		b.before = nil
		return
	case len(before) == len(now) && &before[0] == &now[0]:
		return
	case len(before) == 0:
		before = b.before
	}
	b.before = nil
	inherit(now, before, time.Now())
}

// inherit gives mailboxes that are listed anew what was known of those of the same name.
func inherit(now, before []MailboxStatus, at time.Time) {
	old := make(map[string]MailboxStatus, len(before))
	for _, m := range before {
		old[m.Name] = m
	}
	for i := range now {
		m := &now[i]
		if o, ok := old[m.Name]; ok && m.known.IsZero() {
			m.LastProof, m.LastMessage, m.known = o.LastProof, o.LastMessage, o.known
			m.Error, m.Since = o.Error, o.Since
		}
		if m.known.IsZero() {
			m.known = at
		}
	}
}

// get returns a copy. While there is no connection it shows the mailboxes of the one
// before, watched by nothing.
func (b *stateBox) get() AccountStatus { return b.getInto(nil) }

// getInto is get with the mailboxes in the room that is given, which is enlarged where
// it does not do: of thousands of accounts one after the other is looked at.
func (b *stateBox) getInto(room []MailboxStatus) AccountStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	if s.Mailboxes == nil {
		s.Mailboxes = copied(room, b.before)
		for i := range s.Mailboxes {
			s.Mailboxes[i].Watch, s.Mailboxes[i].NextTry = "", time.Time{}
		}
	} else {
		s.Mailboxes = copied(room, s.Mailboxes)
	}
	for i := range s.Mailboxes {
		if m := &s.Mailboxes[i]; s.State != Watching && strings.HasPrefix(m.Watch, polled) {
			m.Watch = "" // no connection is there to do it
		}
	}
	s.RuleErrors = slices.Clone(s.RuleErrors)
	return s
}

func copied(room, all []MailboxStatus) []MailboxStatus {
	if room == nil {
		return slices.Clone(all)
	}
	return append(room[:0], all...)
}

// mailbox changes the status of one mailbox.
func (b *stateBox) mailbox(name string, change func(*MailboxStatus)) {
	b.set(func(s *AccountStatus) {
		i := slices.IndexFunc(s.Mailboxes, func(m MailboxStatus) bool { return m.Name == name })
		if i < 0 {
			return
		}
		change(&s.Mailboxes[i])
		s.Mailboxes[i].failing(time.Now())
	})
}

// failing keeps since when a mailbox has failed in a row.
func (m *MailboxStatus) failing(now time.Time) {
	switch {
	case m.Error == "":
		m.Since = time.Time{}
	case m.Since.IsZero():
		m.Since = now
	}
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

// proof notes that the server answered at some time or after it, for the account and the
// mailbox.
func (b *stateBox) proof(mailbox string, at time.Time) {
	b.set(func(s *AccountStatus) { s.LastProof = later(s.LastProof, at) })
	b.mailbox(mailbox, func(m *MailboxStatus) { m.LastProof = later(m.LastProof, at) })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// loggedIn counts a login.
func (b *stateBox) loggedIn(err error) {
	b.set(func(s *AccountStatus) {
		if err != nil {
			s.LoginFailures++
			return
		}
		s.Logins++
	})
}

// caughtUp notes that every mailbox has been scanned, and that the server answered: there
// may be none of which that is known.
func (b *stateBox) caughtUp() {
	now := time.Now()
	b.set(func(s *AccountStatus) {
		s.LastProof = now
		if s.CaughtUp.IsZero() {
			s.CaughtUp = now
		}
	})
}

// proofs notes that the server answered for all mailboxes that are watched in a way.
func (b *stateBox) proofs(way string) {
	now := time.Now()
	b.set(func(s *AccountStatus) {
		s.LastProof = now
		for i := range s.Mailboxes {
			if s.Mailboxes[i].Watch == way {
				s.Mailboxes[i].LastProof = now
			}
		}
	})
}
