package sqlite

import (
	"context"
	"time"

	"imapilot/engine/journal"
)

// creationWindow is how far back a snapshot counts created mailboxes.
const creationWindow = 24 * time.Hour

// Acquire implements [journal.Journal].
func (d *DB) Acquire(ctx context.Context, account, holder string) (journal.Ownership, journal.Snapshot, error) {
	own := journal.Ownership{Account: account}
	var snap journal.Snapshot
	err := d.write(ctx, "acquire", func() error {
		id, err := d.takeLease(&own, holder)
		if err != nil {
			return err
		}
		if err := d.cutAttempts(id); err != nil {
			return err
		}
		return d.snapshot(id, &snap)
	})
	if err != nil {
		return journal.Ownership{}, journal.Snapshot{}, err
	}
	return own, snap, nil
}

// takeLease bumps the epoch, so that every write of an earlier holder fails.
func (d *DB) takeLease(own *journal.Ownership, holder string) (id int64, err error) {
	err = d.each(func(c *columns) error {
		id, own.Epoch = c.int(), c.int()
		return nil
	}, `INSERT INTO account (name, epoch, holder, acquired) VALUES (?1, 1, ?2, ?3)
		ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1, holder = ?2, acquired = ?3
		RETURNING id, epoch`, own.Account, holder, time.Now())
	return id, err
}

func (d *DB) snapshot(account int64, snap *journal.Snapshot) error {
	parts := []func(int64, *journal.Snapshot) error{
		d.loadAccount, d.loadCursors, d.loadOpen, d.loadExpected, d.loadPauses, d.loadCreated, d.loadRuns, d.loadDisabled, d.loadFlagged, d.loadSnoozed,
	}
	for _, load := range parts {
		if err := load(account, snap); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) loadAccount(account int64, snap *journal.Snapshot) error {
	return d.each(func(c *columns) error {
		snap.Fresh, snap.NextSeq = c.int() == 0, c.int()
		d.nextSeq[account] = snap.NextSeq
		if c.int() == 1 {
			snap.Listed = c.time()
		}
		return nil
	}, "SELECT known, next_seq, listed IS NOT NULL, listed FROM account WHERE id = ?", account)
}

func (d *DB) loadCursors(account int64, snap *journal.Snapshot) (err error) {
	snap.Cursors, err = d.cursors(account)
	return err
}

func (d *DB) cursors(account int64) ([]journal.Cursor, error) {
	var out []journal.Cursor
	err := d.each(func(c *columns) error {
		cursor, err := scanCursor(c)
		out = append(out, cursor)
		return err
	}, `SELECT name, version, uidvalidity, floor, handled, highestmodseq, scanned
		FROM mailbox WHERE account = ? AND version > 0 ORDER BY name`, account)
	return out, err
}

func scanCursor(c *columns) (journal.Cursor, error) {
	out := journal.Cursor{Mailbox: c.text(), Version: c.int(), UIDValidity: c.uint32(), Floor: c.uid()}
	handled, err := parseUIDSet(c.text())
	if err != nil {
		return out, unavailable("cursor of "+out.Mailbox, err)
	}
	out.Handled, out.HighestModSeq, out.Scanned = handled, uint64(c.int()), c.time()
	return out, nil
}

func (d *DB) loadOpen(account int64, snap *journal.Snapshot) error {
	return d.each(func(c *columns) error {
		e, err := scanEntry(c)
		snap.Open = append(snap.Open, e)
		return err
	}, openSQL(), account)
}

func openSQL() string {
	return "SELECT " + entryColumns + " FROM entry WHERE account = ? AND state = 'open' AND " + notDone + " ORDER BY seq"
}

func (d *DB) loadExpected(account int64, snap *journal.Snapshot) error {
	return d.each(func(c *columns) error {
		snap.Expected = append(snap.Expected, journal.Expected{
			ID: c.text(), Mailbox: c.text(), UIDValidity: c.uint32(), UIDNext: c.uid(),
			Print: scanPrint(c), Recorded: c.time(),
		})
		return nil
	}, `SELECT id, mailbox, uidvalidity, uidnext, message_id, received, size, email_id, recorded
		FROM expected WHERE account = ? ORDER BY recorded, id`, account)
}

func scanPrint(c *columns) journal.Fingerprint {
	return journal.Fingerprint{MessageID: c.text(), Received: c.time(), Size: c.int(), EmailID: c.text()}
}

func (d *DB) loadPauses(account int64, snap *journal.Snapshot) (err error) {
	snap.Pauses, err = d.pauses(account)
	return err
}

func (d *DB) pauses(account int64) ([]journal.Pause, error) {
	var out []journal.Pause
	err := d.each(func(c *columns) error {
		out = append(out, journal.Pause{Target: c.text(), Reason: c.text(), Since: c.time(), Probe: c.time()})
		return nil
	}, "SELECT target, reason, since, probe FROM pause WHERE account = ? ORDER BY target", account)
	return out, err
}

func (d *DB) loadCreated(account int64, snap *journal.Snapshot) error {
	return d.each(func(c *columns) error {
		snap.Created = append(snap.Created, journal.Creation{Rule: c.text(), Mailbox: c.text(), At: c.time()})
		return nil
	}, "SELECT rule, mailbox, at FROM creation WHERE account = ? AND at > ? ORDER BY at, id",
		account, time.Now().Add(-creationWindow))
}
