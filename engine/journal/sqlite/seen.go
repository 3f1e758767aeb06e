package sqlite

import (
	"context"
	"slices"

	"imapilot/engine/journal"
)

// referenceSlack is how many references beyond the window an account may hold
// on disk, so that they are removed many at a time. None of them counts.
const referenceSlack = 1000

// Seen implements [journal.Journal].
func (d *DB) Seen(ctx context.Context, account string, ids []string) (map[string]journal.Trace, error) {
	out := make(map[string]journal.Trace, len(ids))
	err := d.read(ctx, "seen", func() error {
		id, err := d.number("SELECT id FROM account WHERE name = ?", account)
		if err != nil {
			return err
		}
		for _, messageID := range ids {
			if _, asked := out[messageID]; asked || messageID == "" {
				continue
			}
			if out[messageID], err = d.trace(id, messageID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for messageID, t := range out {
		if len(t.Sightings) == 0 && !t.Referred {
			delete(out, messageID)
		}
	}
	return out, nil
}

func (d *DB) trace(account int64, messageID string) (t journal.Trace, err error) {
	if t.Sightings, err = d.sightings(sightingsOldest(), account, messageID); err != nil {
		return t, err
	}
	if len(t.Sightings) == journal.TraceEnds {
		newest, err := d.sightings(sightingsNewest(), account, messageID)
		if err != nil {
			return t, err
		}
		t.Sightings = joined(t.Sightings, newest)
	}
	t.Referred, err = d.referred(account, messageID)
	return t, err
}

// joined puts the newest, which are in descending order, after the oldest. The
// order alone does not tell whether one is among those already: what was
// handled before a renumbering shares its own with what it was then.
func joined(oldest, newest []journal.Sighting) []journal.Sighting {
	all := slices.Clone(oldest)
	for _, s := range slices.Backward(newest) {
		if !slices.Contains(oldest, s) {
			all = append(all, s)
		}
	}
	return all
}

func (d *DB) sightings(sql string, account int64, messageID string) (out []journal.Sighting, err error) {
	err = d.each(func(c *columns) error {
		out = append(out, journal.Sighting{
			Mailbox: c.text(), UIDValidity: c.uint32(), UID: c.uid(), Print: scanPrint(c), Order: c.int(),
		})
		return nil
	}, sql, messageID, account, journal.Window, journal.TraceEnds)
	return out, err
}

// sightingsSQL starts from the Message-ID, of which there are few, whatever
// SQLite believes of the tables' sizes: that is what CROSS JOIN asks for.
const sightingsSQL = `SELECT m.name, k.uidvalidity, k.uid, k.message_id, k.received, k.size, k.email_id, k.seen
	FROM known k CROSS JOIN mailbox m ON m.id = k.mailbox
	WHERE k.message_id = ? AND k.message_id <> '' AND m.account = ? AND k.position >= m.next_known - ?
	ORDER BY `

func sightingsOldest() string { return sightingsSQL + "k.seen, k.mailbox, k.position LIMIT ?" }
func sightingsNewest() string {
	return sightingsSQL + "k.seen DESC, k.mailbox DESC, k.position DESC LIMIT ?"
}

func (d *DB) referred(account int64, messageID string) (yes bool, err error) {
	err = d.each(func(*columns) error { yes = true; return nil }, `SELECT 1 FROM reference
		WHERE account = ?1 AND message_id = ?2
		AND position > (SELECT max(position) FROM reference WHERE account = ?1) - ?3`,
		account, messageID, journal.ReferenceWindow)
	return yes, err
}

// putReferences keeps of each Message-ID the newest reference.
func (d *DB) putReferences(account int64, b *journal.Batch) error {
	if len(b.References) == 0 {
		return nil
	}
	first, last, err := d.positions(account)
	if err != nil {
		return err
	}
	for _, r := range b.References {
		if r.MessageID == "" {
			continue
		}
		last++
		err := d.exec("INSERT OR REPLACE INTO reference VALUES (?, ?, ?, ?, ?, ?, ?)",
			account, r.MessageID, last, r.Mailbox, r.UIDValidity, r.UID, b.At)
		if err != nil {
			return err
		}
	}
	if beyond := last - journal.ReferenceWindow; beyond-first >= referenceSlack {
		return d.exec("DELETE FROM reference WHERE account = ? AND position <= ?", account, beyond)
	}
	return nil
}

// positions returns the ends of the account's references, 0 when it has none.
func (d *DB) positions(account int64) (first, last int64, err error) {
	err = d.each(func(c *columns) error { first, last = c.int(), c.int(); return nil },
		`SELECT coalesce((SELECT min(position) FROM reference WHERE account = ?1), 0),
			coalesce((SELECT max(position) FROM reference WHERE account = ?1), 0)`, account)
	return first, last, err
}
