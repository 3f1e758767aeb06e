package engine

import (
	"context"
	"fmt"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// wakeUp adds to a batch the entries by which messages come back, in the place of their
// snoozes.
func (c *connection) wakeUp(ctx context.Context, batch *journal.Batch, all []*sleeper, found map[int64]journal.Snoozed) error {
	if len(all) == 0 {
		return nil
	}
	before, err := c.snoozing(ctx, all)
	if err != nil {
		return err
	}
	var uids imap.UIDSet
	for _, s := range all {
		uids.AddNum(found[s.Seq].UID)
	}
	flags, err := c.flagsThere(ctx, uids)
	if err != nil {
		return err
	}
	ways := map[string]string{}
	for _, s := range all {
		place := found[s.Seq]
		if ways[s.Back] == "" {
			if ways[s.Back], err = c.wayBack(ctx, s.Back); err != nil {
				return err
			}
		}
		e := backEntry(place, before[s.Seq], c.dir.config(ways[s.Back]))
		e.Seq, e.Decided, e.Flags = c.seq(), batch.At, flags[place.UID]
		if e.Steps, err = c.steps(ctx, &e, e.Plan.Effective()); err != nil {
			return err
		}
		conclude(&e)
		batch.Entries, batch.Woken = append(batch.Entries, e), append(batch.Woken, s.Seq)
		batch.Expect = append(batch.Expect, c.expectations(e)...)
		if ways[s.Back] != s.Back {
			batch.Events = append(batch.Events, journal.Event{Kind: "snooze", Mailbox: ways[s.Back], Rule: s.Rule, Seq: e.Seq, Text: fmt.Sprintf(
				"%s: a snoozed message comes back here, for %s is gone", c.dir.config(ways[s.Back]), c.dir.config(s.Back))})
		}
	}
	return nil
}

// snoozing returns the entries that put messages away, by their sequence.
func (c *connection) snoozing(ctx context.Context, all []*sleeper) (map[int64]journal.Entry, error) {
	var seqs []int64
	for _, s := range all {
		seqs = append(seqs, s.Seq)
	}
	entries, err := c.journal.Entries(ctx, journal.Query{Account: c.cfg.Name, Seqs: seqs})
	out := map[int64]journal.Entry{}
	for _, e := range entries {
		out[e.Seq] = e
	}
	return out, err
}

// backEntry is the entry by which a message comes back to a mailbox, unseen, so that
// people take it for new. No rule is asked.
func backEntry(s journal.Snoozed, before journal.Entry, to string) journal.Entry {
	out := journal.Entry{
		Mailbox: s.Mailbox, UIDValidity: s.UIDValidity, UID: s.UID, Print: s.Print, From: before.From, Subject: before.Subject,
		Trigger: journal.TriggerSnooze, Occasion: occasionOf(s.Due), State: journal.Open,
	}
	for i, a := range []*actions.Action{{Kind: actions.RemoveFlags, Flags: []imap.Flag{imap.FlagSeen}}, {Kind: actions.Move, Mailbox: to}} {
		out.Plan.Add(actions.Item{Action: a, Rule: s.Rule, Index: i})
	}
	return out
}

// wayBack is where messages go that were snoozed in a mailbox: there, or INBOX once it
// is gone.
func (c *connection) wayBack(ctx context.Context, mailbox string) (string, error) {
	if !c.dir.exists(mailbox) || c.dir.holdsNone(mailbox) {
		return "INBOX", nil
	}
	if c.fallbacks.has("STATUS") {
		return mailbox, nil
	}
	st, err := c.session.Status(ctx, mailbox)
	if isGone(err) {
		return "INBOX", nil
	}
	_, err = c.learnTarget(mailbox, st, err)
	return mailbox, err
}
