package sqlite

import (
	"context"

	"imapilot/engine/journal"
)

// Snoozed implements [journal.Journal].
func (d *DB) Snoozed(ctx context.Context, account string) ([]journal.Snoozed, error) {
	var snap journal.Snapshot
	err := d.read(ctx, "snoozed", func() error {
		id, err := d.number("SELECT id FROM account WHERE name = ?", account)
		if err != nil {
			return err
		}
		return d.loadSnoozed(id, &snap)
	})
	return snap.Snoozed, err
}

func (d *DB) putSnoozed(account int64, b *journal.Batch) error {
	for _, s := range b.Snoozed {
		err := d.exec("INSERT OR REPLACE INTO snoozed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", account, s.Seq, s.Mailbox, s.UIDValidity, s.UID,
			s.Print.MessageID, s.Print.Received, s.Print.Size, s.Print.EmailID, s.Back, s.Due, s.Rule)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) dropSnoozed(account int64, b *journal.Batch) error {
	for _, seq := range b.Woken {
		if err := d.exec("DELETE FROM snoozed WHERE account = ? AND seq = ?", account, seq); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) loadSnoozed(account int64, snap *journal.Snapshot) error {
	return d.each(func(c *columns) error {
		snap.Snoozed = append(snap.Snoozed, journal.Snoozed{
			Seq: c.int(), Mailbox: c.text(), UIDValidity: c.uint32(), UID: c.uid(), Print: scanPrint(c),
			Back: c.text(), Due: c.time(), Rule: c.text(),
		})
		return nil
	}, `SELECT seq, mailbox, uidvalidity, uid, message_id, received, size, email_id, back, due, rule
		FROM snoozed WHERE account = ? ORDER BY due, seq`, account)
}

func (d *DB) countSnoozed(account int64, s *journal.SnoozedSummary) error {
	return d.each(func(c *columns) error {
		if s.Messages = int(c.int()); s.Messages > 0 {
			s.Next = c.time()
		}
		return nil
	}, "SELECT count(*), coalesce(min(due), 0) FROM snoozed WHERE account = ?", account)
}
