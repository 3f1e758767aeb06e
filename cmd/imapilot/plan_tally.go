package main

import (
	"context"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/journal"
)

// tally counts what a report does not tell, from the messages of a plan as they
// come.
type tally struct {
	// dry are the messages of which only rules in dry run would do something.
	dry int
	// takes are how many messages each rule of an account would move or expunge if
	// nothing limited it, and took are those of them that no limit holds.
	takes, took map[accountRule]int

	last messagePlace
}

type accountRule struct{ account, rule string }

// messagePlace is where a message is; the mailbox is in the configuration's
// spelling.
type messagePlace struct {
	account, mailbox string
	uid              imap.UID
}

func placeOf(m engine.Planned) messagePlace {
	return messagePlace{m.Account, m.Entry.Mailbox, m.Entry.UID}
}

// count adds an entry. Those of one message follow each other: what is done
// first, what would be done in dry run behind it.
func (t *tally) count(m engine.Planned) {
	again := placeOf(m) == t.last
	t.last = placeOf(m)
	if m.Entry.State == journal.DryRun {
		if !again {
			t.dry++
		}
		return
	}
	item, ok := m.Entry.Plan.Destination()
	if !ok || m.Entry.State != journal.Open && m.Entry.State != journal.Held {
		return
	}
	if t.takes == nil {
		t.takes, t.took = map[accountRule]int{}, map[accountRule]int{}
	}
	key := accountRule{m.Account, item.Rule}
	t.takes[key]++
	if m.Entry.State == journal.Open {
		t.took[key]++
	}
}

// enough is the limit with which nothing is held for want of a higher one, 0 if
// none is needed.
func (t *tally) enough() (most int) {
	for _, n := range t.takes {
		most = max(most, n)
	}
	return most
}

// most is the largest number of messages that a rule takes away as planned.
func (t *tally) most() (rule string, n int) {
	for key, took := range t.took {
		if took > n || took == n && key.rule < rule {
			rule, n = key.rule, took
		}
	}
	return rule, n
}

// Any implements [engine.Reader].
func (r *archive) Any(ctx context.Context, q journal.Query) (bool, error) {
	if r.db == nil {
		return false, nil
	}
	return r.db.Any(ctx, q)
}

// Acted implements [engine.Reader].
func (r *archive) Acted(ctx context.Context, account string, prints []journal.Fingerprint) ([]journal.Entry, error) {
	if r.db == nil {
		return nil, nil
	}
	return r.db.Acted(ctx, account, prints)
}

// Snoozed implements [engine.Reader].
func (r *archive) Snoozed(ctx context.Context, account string) ([]journal.Snoozed, error) {
	if r.db == nil {
		return nil, nil
	}
	return r.db.Snoozed(ctx, account)
}

// Seen implements [engine.Reader].
func (r *archive) Seen(ctx context.Context, account string, ids []string) (map[string]journal.Trace, error) {
	if r.db == nil {
		return nil, nil
	}
	return r.db.Seen(ctx, account, ids)
}
