package sqlite

import (
	"context"

	"imapilot/engine/journal"
)

// putRaws comes after the deliveries are written.
func (d *DB) putRaws(account int64, b *journal.Batch) error {
	for _, r := range b.Raws {
		err := d.exec("UPDATE delivery SET raw = ?3 WHERE account = ?1 AND id = ?2", account, r.ID, len(r.Data))
		if err != nil {
			return err
		}
		err = d.exec("INSERT OR REPLACE INTO raw SELECT row, ?3, ?4 FROM delivery WHERE account = ?1 AND id = ?2",
			account, r.ID, r.Truncated, r.Data)
		if err != nil {
			return err
		}
	}
	return nil
}

// Raw implements [journal.Journal].
func (d *DB) Raw(ctx context.Context, account, id string) (raw journal.Raw, kept bool, err error) {
	err = d.read(ctx, "raw", func() error {
		return d.each(func(c *columns) error {
			kept, raw = true, journal.Raw{ID: id, Truncated: c.int() != 0, Data: c.bytes()}
			return nil
		}, `SELECT truncated, data FROM raw
			WHERE call = (SELECT row FROM delivery WHERE account = (SELECT id FROM account WHERE name = ?) AND id = ?)`, account, id)
	})
	return raw, kept, err
}
