package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// renameProof is how many of its messages are looked at to tell that a mailbox
// is one that had another name.
const renameProof = batchSize

// adoptRenamed takes over what is known of a mailbox that had another name when
// it was scanned last, and reports whether it found one. RENAME keeps UIDs and,
// on most servers, UIDVALIDITY (RFC 9051 section 6.3.6), so that what was
// handled stays so and what was not is still to do. The mailbox must be
// selected.
func (c *connection) adoptRenamed(ctx context.Context, name string, sel imapsession.Selected) (bool, error) {
	for _, old := range slices.Sorted(maps.Keys(c.cursors)) {
		known, err := c.journal.Known(ctx, c.cfg.Name, old, sel.UIDValidity)
		if err != nil {
			return false, err
		}
		if old == name || len(known) == 0 {
			continue
		}
		was, err := c.wasNamed(ctx, old, known, sel.UIDValidity)
		if err != nil {
			return false, err
		}
		if was {
			return true, c.adopt(ctx, old, name, sel.UIDValidity, known)
		}
	}
	return false, nil
}

// wasNamed reports whether the selected mailbox had a name when what is known
// was handled: no mailbox has that name and UIDVALIDITY any more, and the newest
// messages that are known lie under their UIDs.
func (c *connection) wasNamed(ctx context.Context, old string, known []journal.Known, validity uint32) (bool, error) {
	if c.dir.exists(old) {
		st, err := c.session.Status(ctx, old)
		if err != nil && !mailboxOnly(err) {
			return false, err
		}
		if err == nil && st.UIDValidity == validity {
			return false, nil
		}
	}
	var uids []imap.UID
	for _, k := range known[max(0, len(known)-renameProof):] {
		uids = append(uids, k.UID)
	}
	slices.Sort(uids)
	there, err := c.prints(ctx, uids)
	return isCarriedOver(known, there), err
}

// isCarriedOver reports whether messages have the UIDs under which they are
// known: some do, and none is another.
func isCarriedOver(known, there []journal.Known) bool {
	prints := map[imap.UID]journal.Fingerprint{}
	for _, k := range known {
		prints[k.UID] = k.Print
	}
	another := func(k journal.Known) bool { return !identical(prints[k.UID], k.Print) }
	return len(there) > 0 && !slices.ContainsFunc(there, another)
}

// adopt writes what is known of a mailbox under its new name.
func (c *connection) adopt(ctx context.Context, old, name string, validity uint32, known []journal.Known) error {
	cursor := c.cursors.of(old)
	if cursor.UIDValidity != validity {
		// Another mailbox took the old name and was scanned already.
		cursor = baseline(name, validity, nil)
		for _, k := range known {
			handle(&cursor, []imap.UID{k.UID})
		}
		cursor.Scanned = c.previous
	}
	cursor.Mailbox = name
	batch := journal.Batch{
		Cursors: []journal.Cursor{cursor},
		Known:   []journal.KnownBatch{{Mailbox: name, UIDValidity: validity, Messages: known}},
		Events: []journal.Event{{Kind: "renamed", Mailbox: name, Text: fmt.Sprintf(
			"%s: it was called %s before; what was handled there stays handled", c.dir.config(name), c.dir.config(old))}},
	}
	if !c.dir.exists(old) {
		batch.Forget = []string{old}
	}
	for _, x := range c.expected {
		if x.Mailbox == old && x.UIDValidity == validity {
			x.Mailbox = name
			batch.Expect = append(batch.Expect, x)
		}
	}
	batch.Snoozed = c.renamedSnoozes(old, name, validity)
	entries, err := c.journal.Entries(ctx, journal.Query{Account: c.cfg.Name, Mailbox: old, States: unfinished()})
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.UIDValidity == validity {
			e.Mailbox = name
			batch.Entries = append(batch.Entries, e)
		}
	}
	return c.commit(ctx, batch)
}

// unfinished are the states of entries that still need their message.
func unfinished() []journal.EntryState {
	return []journal.EntryState{journal.Open, journal.Held, journal.Failed, journal.Unsure}
}

// knownElsewhere are the fingerprints of mailboxes that are not there any more:
// one that appears may be one of them, renamed by a server that renumbers on
// the way.
func (c *connection) knownElsewhere(ctx context.Context) ([]journal.Known, error) {
	var out []journal.Known
	for _, name := range slices.Sorted(maps.Keys(c.cursors)) {
		cursor := c.cursors.of(name)
		if cursor.UIDValidity == 0 || c.dir.exists(name) {
			continue
		}
		known, err := c.journal.Known(ctx, c.cfg.Name, name, cursor.UIDValidity)
		if err != nil {
			return nil, err
		}
		out = append(out, known...)
	}
	return out, nil
}

// appeared deals with a mailbox that was not there when the mailboxes were last
// listed.
func (c *connection) appeared(ctx context.Context, name string, sel imapsession.Selected) error {
	if found, err := c.adoptRenamed(ctx, name, sel); err != nil || found {
		return err
	}
	before, err := c.knownElsewhere(ctx)
	if err != nil {
		return err
	}
	return c.revalidate(ctx, name, journal.Cursor{Mailbox: name, Scanned: c.previous}, before, sel)
}

// newFirst puts the mailboxes first that the journal does not know: one that
// was renamed is recognised before what took its name is scanned.
func (c *connection) newFirst(names []string) []string {
	var known, unknown []string
	for _, name := range names {
		if _, ok := c.cursors.find(name); ok {
			known = append(known, name)
			continue
		}
		unknown = append(unknown, name)
	}
	return append(unknown, known...)
}
