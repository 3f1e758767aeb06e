package sqlite

import (
	"context"

	"imapilot/engine/journal"
)

// Summary implements [journal.Journal]. Accounts are in order of their names.
func (d *DB) Summary(ctx context.Context) ([]journal.AccountSummary, error) {
	var out []journal.AccountSummary
	err := d.read(ctx, "summary", func() error {
		ids, err := d.accounts(&out)
		if err != nil {
			return err
		}
		for i, id := range ids {
			if err := d.summarise(id, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (d *DB) accounts(out *[]journal.AccountSummary) (ids []int64, err error) {
	err = d.each(func(c *columns) error {
		ids = append(ids, c.int())
		*out = append(*out, journal.AccountSummary{
			Account: c.text(), Epoch: c.int(), Holder: c.text(), Acquired: c.time(),
			Entries: map[journal.EntryState]int{}, Deliveries: map[journal.DeliveryState]int{},
		})
		return nil
	}, "SELECT id, name, epoch, holder, acquired FROM account ORDER BY name")
	return ids, err
}

func (d *DB) summarise(account int64, s *journal.AccountSummary) (err error) {
	if s.Cursors, err = d.cursors(account); err != nil {
		return err
	}
	if s.Pauses, err = d.pauses(account); err != nil {
		return err
	}
	if s.Runs, err = d.runs(account); err != nil {
		return err
	}
	if s.Disabled, err = d.disabled(account); err != nil {
		return err
	}
	if err = d.countSnoozed(account, &s.Snoozed); err != nil {
		return err
	}
	err = d.each(func(c *columns) error {
		s.Entries[journal.EntryState(c.text())] = int(c.int())
		return nil
	}, "SELECT state, count(*) FROM entry WHERE account = ? GROUP BY state", account)
	if err != nil {
		return err
	}
	return d.each(func(c *columns) error {
		s.Deliveries[journal.DeliveryState(c.text())] = int(c.int())
		return nil
	}, "SELECT state, count(*) FROM delivery WHERE account = ? GROUP BY state", account)
}
