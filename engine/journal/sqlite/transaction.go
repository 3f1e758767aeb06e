package sqlite

import (
	"context"
	"errors"
	"fmt"

	"imapilot/engine/journal"
)

// unavailable wraps an error of SQLite: nothing was written.
func unavailable(op string, err error) error {
	if errors.Is(err, journal.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%s: %w: %w", op, journal.ErrUnavailable, err)
}

// write runs do in one transaction that is durable when write returns nil. An
// error of do rolls it back. Once COMMIT was sent, a failure is ErrUnknown:
// when the log could not be synced, the commit may come back to life with the
// next recovery. The next successful write, an Acquire for instance, settles
// it, for it overwrites what was not committed.
func (d *DB) write(ctx context.Context, op string, do func() error) error {
	if d.readOnly {
		return ErrReadOnly
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.prunes = 0
	return d.transaction(ctx, op, "BEGIN IMMEDIATE", do)
}

// read runs do over one unchanging view of the journal.
func (d *DB) read(ctx context.Context, op string, do func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.transaction(ctx, op, "BEGIN", do)
}

func (d *DB) transaction(ctx context.Context, op, begin string, do func() error) error {
	if d.conn == nil {
		return unavailable(op, errClosed)
	}
	err := d.interruptible(ctx, begin, do)
	if err == nil {
		err = d.commit(op)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return errors.Join(err, d.rollback())
}

func (d *DB) interruptible(ctx context.Context, begin string, do func() error) error {
	d.conn.SetInterrupt(ctx)
	panicked := true
	defer func() {
		d.conn.SetInterrupt(context.Background())
		if panicked {
			_ = d.rollback() // the panic tells what happened; the next BEGIN whether this failed
		}
	}()
	err := d.exec(begin)
	if err == nil {
		err = do()
	}
	panicked = false
	return err
}

// commit cannot be interrupted: to stop halfway would be the one way not to
// know what happened.
func (d *DB) commit(op string) error {
	s, err := d.prepared("COMMIT")
	if err != nil {
		return err
	}
	if err := s.Exec(); err != nil {
		return fmt.Errorf("%s: %w: %w", op, journal.ErrUnknown, err)
	}
	return nil
}

// rollback ends a transaction that SQLite did not end by itself.
func (d *DB) rollback() error {
	if d.conn.GetAutocommit() {
		return nil
	}
	if err := d.conn.Exec("ROLLBACK"); err != nil {
		return unavailable("rollback", err)
	}
	return nil
}
