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
	if err = d.countEntries(account, s.Entries); err != nil {
		return err
	}
	return d.each(func(c *columns) error {
		s.Deliveries[journal.DeliveryState(c.text())] = int(c.int())
		return nil
	}, "SELECT state, count(*) FROM delivery WHERE account = ? GROUP BY state", account)
}

// countEntries counts those that are done as all that are in no other state, for they
// are in no index of states.
func (d *DB) countEntries(account int64, by map[journal.EntryState]int) error {
	others := 0
	err := d.each(func(c *columns) error {
		state, n := journal.EntryState(c.text()), int(c.int())
		by[state] = n
		others += n
		return nil
	}, othersSQL, account)
	if err != nil {
		return err
	}
	return d.each(func(c *columns) error {
		if done := int(c.int()) - others; done != 0 {
			by[journal.Done] = done
		}
		return nil
	}, allSQL, account)
}

// Both read nothing but an index.
const (
	othersSQL = "SELECT state, count(*) FROM entry WHERE account = ? AND " + notDone + " GROUP BY state"
	allSQL    = "SELECT count(*) FROM entry WHERE account = ?"
)
