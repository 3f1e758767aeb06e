package sqlite

import (
	"cmp"
	"fmt"

	"imapilot/engine/journal"
)

// pruneSlack is how many fingerprints beyond the window a mailbox may hold on
// disk, so that they are removed many at a time. None of them is returned.
const pruneSlack = 1000

// mailbox finds the row of a mailbox, making it when need be.
func (d *DB) mailbox(account int64, name string) (id, version, nextKnown int64, err error) {
	id, version, nextKnown, err = d.findMailbox(account, name)
	if err != nil || id != 0 {
		return id, version, nextKnown, err
	}
	if err := d.exec("INSERT INTO mailbox (account, name) VALUES (?, ?)", account, name); err != nil {
		return 0, 0, 0, err
	}
	return d.findMailbox(account, name)
}

// findMailbox returns 0 for id when there is none.
func (d *DB) findMailbox(account int64, name string) (id, version, nextKnown int64, err error) {
	err = d.each(func(c *columns) error {
		id, version, nextKnown = c.int(), c.int(), c.int()
		return nil
	}, "SELECT id, version, next_known FROM mailbox WHERE account = ? AND name = ?", account, name)
	return id, version, nextKnown, err
}

func (d *DB) forget(account int64, b *journal.Batch) error {
	for _, name := range b.Forget {
		err := d.exec("DELETE FROM known WHERE mailbox = (SELECT id FROM mailbox WHERE account = ? AND name = ?)", account, name)
		if err != nil {
			return err
		}
		if err := d.exec("DELETE FROM flagged WHERE account = ? AND mailbox = ?", account, name); err != nil {
			return err
		}
		if err := d.exec("DELETE FROM mailbox WHERE account = ? AND name = ?", account, name); err != nil {
			return err
		}
	}
	return nil
}

// putCursors moves cursors, each only from the version before its own.
func (d *DB) putCursors(account int64, b *journal.Batch) error {
	for _, c := range b.Cursors {
		id, version, _, err := d.mailbox(account, c.Mailbox)
		if err != nil {
			return err
		}
		if version != c.Version-1 {
			return fmt.Errorf("%w: mailbox %q is at version %d, not %d", journal.ErrConflict, c.Mailbox, version, c.Version-1)
		}
		err = d.exec(`UPDATE mailbox SET version = ?, uidvalidity = ?, floor = ?, handled = ?, highestmodseq = ?, scanned = ?
			WHERE id = ?`, c.Version, c.UIDValidity, c.Floor, c.Handled.String(), int64(c.HighestModSeq), c.Scanned, id)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) putKnown(account int64, b *journal.Batch) error {
	if len(b.Known) == 0 {
		return nil
	}
	seen, err := d.nextSeen(account)
	if err != nil {
		return err
	}
	for _, k := range b.Known {
		if len(k.Messages) == 0 {
			continue
		}
		if err := d.putKnownOf(account, k, &seen); err != nil {
			return err
		}
	}
	return d.exec("UPDATE account SET next_seen = ? WHERE id = ?", seen, account)
}

// nextSeen is the order that the next message gets which the account handles.
func (d *DB) nextSeen(account int64) (seen int64, err error) {
	err = d.each(func(c *columns) error { seen = c.int(); return nil },
		"SELECT next_seen FROM account WHERE id = ?", account)
	return seen, err
}

// putKnownOf writes the fingerprints of one mailbox and counts seen up with
// each that is new. What comes without an order is later than all others,
// whatever order another brought along.
func (d *DB) putKnownOf(account int64, k journal.KnownBatch, seen *int64) error {
	id, _, next, err := d.mailbox(account, k.Mailbox)
	if err != nil {
		return err
	}
	for _, m := range k.Messages {
		err := d.exec("INSERT INTO known VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mailbox, uidvalidity, uid) DO NOTHING",
			id, next, k.UIDValidity, m.UID, m.Print.MessageID, m.Print.Received, m.Print.Size, cmp.Or(m.Order, *seen), m.Print.EmailID)
		if err != nil {
			return err
		}
		if d.conn.Changes() == 1 {
			next++
			*seen = max(*seen, cmp.Or(m.Order, *seen)+1)
			continue
		}
		// It keeps its place: every position is used once, so that the window
		// is a range of positions.
		err = d.exec("UPDATE known SET message_id = ?, received = ?, size = ?, email_id = ? WHERE mailbox = ? AND uidvalidity = ? AND uid = ?",
			m.Print.MessageID, m.Print.Received, m.Print.Size, m.Print.EmailID, id, k.UIDValidity, m.UID)
		if err != nil {
			return err
		}
	}
	if err := d.exec("UPDATE mailbox SET next_known = ? WHERE id = ?", next, id); err != nil {
		return err
	}
	return d.pruneKnown(id, next-journal.Window)
}

// pruneKnown removes what lies before the window, once it is worth it.
func (d *DB) pruneKnown(mailbox, first int64) error {
	if first < pruneSlack {
		return nil // positions count from 1
	}
	var oldest int64
	err := d.each(func(c *columns) error { oldest = c.int(); return nil },
		"SELECT min(position) FROM known WHERE mailbox = ?", mailbox)
	if err != nil || first-oldest < pruneSlack {
		return err
	}
	return d.exec("DELETE FROM known WHERE mailbox = ? AND position < ?", mailbox, first)
}
