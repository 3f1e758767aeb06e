package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"imapilot/engine/journal"
)

// Commit implements [journal.Journal]. Within a batch, Forget goes before
// Cursors and Known, and Resume before Pauses: what is new wins. Arrived goes
// after Expect, and Woken after Snoozed: what came needs no expectation. A batch without At is of now, an
// entry or delivery without Updated and an event without At of the batch.
//
// Batches that wait at the same time share a transaction, each still all or nothing
// by itself.
func (d *DB) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	if d.readOnly {
		return ErrReadOnly
	}
	if b.At.IsZero() {
		b.At = time.Now()
	}
	return d.commitTogether(&waiting{ctx: ctx, own: own, batch: &b, done: make(chan struct{})})
}

// put writes a batch into the transaction that there is.
func (d *DB) put(own journal.Ownership, b *journal.Batch) error {
	account, err := d.fence(own)
	if err != nil {
		return err
	}
	parts := []func(int64, *journal.Batch) error{
		d.forget, d.putCursors, d.putKnown, d.putReferences, d.putEntries, d.putExpected, d.dropExpected,
		d.putDeliveries, d.putRaws, d.putAttempts, d.release, d.enable, d.disable, d.dropPauses, d.putPauses, d.putCreated, d.putRuns, d.putFlagged, d.putSnoozed, d.dropSnoozed, d.keep, d.putEvents, d.putAccount, d.prune,
	}
	for _, put := range parts {
		if err := put(account, b); err != nil {
			return err
		}
	}
	return nil
}

const (
	// logPages is from how many pages on the log is moved into the file, when
	// nobody waits for it, and mostPages from how many on in any case.
	logPages  = 1000
	mostPages = 8000
)

// tidy moves the log into the file, which takes two syncs and many writes. After a
// decision somebody waits to act on it, so that it is left to the commit of an
// outcome. When it fails nothing is lost, for the log holds it all; the next commit
// tries again.
func (d *DB) tidy(awaited bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil || d.logged < logPages || awaited && d.logged < mostPages {
		return
	}
	if _, _, err := d.conn.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE); err == nil {
		d.logged = 0
	}
}

// isAwaited reports whether somebody waits for a batch, to do what it decides.
func isAwaited(b *journal.Batch) bool {
	return slices.ContainsFunc(b.Entries, func(e journal.Entry) bool { return e.State == journal.Open })
}

// fence finds the account's row and checks that own still holds its lease.
func (d *DB) fence(own journal.Ownership) (account int64, err error) {
	held := false
	err = d.each(func(c *columns) error {
		account = c.int()
		held = c.int() == own.Epoch
		return nil
	}, "SELECT id, epoch FROM account WHERE name = ?", own.Account)
	if err == nil && !held {
		err = journal.ErrFenced
	}
	return account, err
}

func (d *DB) putExpected(account int64, b *journal.Batch) error {
	for _, x := range b.Expect {
		err := d.exec("INSERT OR REPLACE INTO expected VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", account, x.ID, x.Mailbox,
			x.UIDValidity, x.UIDNext, x.Print.MessageID, x.Print.Received, x.Print.Size, x.Recorded, x.Print.EmailID)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) dropExpected(account int64, b *journal.Batch) error {
	for _, id := range b.Arrived {
		if err := d.exec("DELETE FROM expected WHERE account = ? AND id = ?", account, id); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) dropPauses(account int64, b *journal.Batch) error {
	for _, target := range b.Resume {
		if err := d.exec("DELETE FROM pause WHERE account = ? AND target = ?", account, target); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) putPauses(account int64, b *journal.Batch) error {
	for _, p := range b.Pauses {
		err := d.exec("INSERT OR REPLACE INTO pause VALUES (?, ?, ?, ?, ?)", account, p.Target, p.Reason, p.Since, p.Probe)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) putCreated(account int64, b *journal.Batch) error {
	for _, c := range b.Created {
		err := d.exec("INSERT INTO creation (account, rule, mailbox, at) VALUES (?, ?, ?, ?)", account, c.Rule, c.Mailbox, c.At)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) putEvents(account int64, b *journal.Batch) error {
	for _, e := range b.Events {
		err := d.exec("INSERT INTO event (account, at, kind, mailbox, uid, rule, seq, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			account, orAt(e.At, b.At), e.Kind, e.Mailbox, e.UID, e.Rule, e.Seq, e.Text)
		if err != nil {
			return err
		}
	}
	return nil
}

// putAccount keeps what is known of the account as a whole: when its
// mailboxes were listed, that it is not fresh, and the next sequence, which
// must not depend on entries that pruning removes.
func (d *DB) putAccount(account int64, b *journal.Batch) error {
	if !b.Listed.IsZero() {
		if err := d.exec("UPDATE account SET listed = ?, known = 1 WHERE id = ?", b.Listed, account); err != nil {
			return err
		}
	}
	if len(b.Cursors) > 0 {
		if err := d.exec("UPDATE account SET known = 1 WHERE id = ? AND known = 0", account); err != nil {
			return err
		}
	}
	next := int64(0)
	for i := range b.Entries {
		next = max(next, b.Entries[i].Seq+1)
	}
	if next == 0 {
		return nil
	}
	d.nextSeq[account] = max(d.nextSeq[account], next)
	return d.exec("UPDATE account SET next_seq = ?1 WHERE id = ?2 AND next_seq < ?1", next, account)
}
