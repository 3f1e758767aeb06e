package sqlite

import (
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/ncruces/go-sqlite3"
)

// do runs SQL that takes no arguments and returns nothing of interest.
func (d *DB) do(sql string) error {
	if err := d.conn.Exec(sql); err != nil {
		return unavailable("journal", err)
	}
	return nil
}

// exec runs one statement of the fixed set, which stays prepared.
func (d *DB) exec(sql string, args ...any) error {
	s, err := d.prepared(sql)
	if err != nil {
		return err
	}
	if err := bind(s, args); err != nil {
		return err
	}
	if err := s.Exec(); err != nil {
		return unavailable("journal", err)
	}
	return nil
}

// each runs one statement of the fixed set and hands over its rows.
func (d *DB) each(row func(*columns) error, sql string, args ...any) error {
	s, err := d.prepared(sql)
	if err != nil {
		return err
	}
	return rows(s, row, args)
}

// once is each for a statement that was put together: some are asked for again and
// again, and to prepare one takes longer than to run it.
func (d *DB) once(row func(*columns) error, sql string, args ...any) error {
	s, err := d.preparedAgain(sql)
	if err != nil {
		return err
	}
	return rows(s, row, args)
}

// mostAgain bounds the statements of once that stay prepared, by the octets of their
// SQL: one that names 10,000 sequences takes more than a megabyte of memory.
const mostAgain = 32 << 10

func (d *DB) preparedAgain(sql string) (*sqlite3.Stmt, error) {
	if s := d.again[sql]; s != nil {
		return s, nil
	}
	if d.againSize += len(sql); d.againSize > mostAgain {
		if err := d.forgetAgain(); err != nil {
			return nil, err
		}
		d.againSize = len(sql)
	}
	s, _, err := d.conn.Prepare(sql)
	if err != nil {
		return nil, unavailable("journal", err)
	}
	d.again[sql] = s
	return s, nil
}

func (d *DB) forgetAgain() error {
	var errs []error
	for _, s := range d.again {
		errs = append(errs, s.Close())
	}
	clear(d.again)
	if err := errors.Join(errs...); err != nil {
		return unavailable("journal", err)
	}
	return nil
}

func (d *DB) prepared(sql string) (*sqlite3.Stmt, error) {
	if s := d.stmts[sql]; s != nil {
		return s, nil
	}
	s, _, err := d.conn.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, unavailable("journal", err)
	}
	d.stmts[sql] = s
	return s, nil
}

func rows(s *sqlite3.Stmt, row func(*columns) error, args []any) (err error) {
	if err := bind(s, args); err != nil {
		return err
	}
	// Also when row panics, or the statement could not be used again. It repeats an
	// error of Step, and no other.
	defer func() {
		if resetErr := s.Reset(); err == nil && resetErr != nil {
			err = unavailable("journal", resetErr)
		}
	}()
	for s.Step() {
		if err := row(&columns{stmt: s}); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return unavailable("journal", err)
	}
	return nil
}

// text returns the first column of the first row.
func (d *DB) text(sql string) (out string, err error) {
	err = d.once(func(c *columns) error { out = c.text(); return nil }, sql)
	return out, err
}

// number is text for numbers.
func (d *DB) number(sql string, args ...any) (out int64, err error) {
	err = d.once(func(c *columns) error { out = c.int(); return nil }, sql, args...)
	return out, err
}

func bind(s *sqlite3.Stmt, args []any) error {
	for i, arg := range args {
		if err := bindOne(s, i+1, arg); err != nil {
			return unavailable("journal", err)
		}
	}
	return nil
}

func bindOne(s *sqlite3.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case string:
		return s.BindText(i, v)
	case []byte:
		if v == nil {
			v = []byte{}
		}
		return s.BindBlob(i, v)
	case int64:
		return s.BindInt64(i, v)
	case int:
		return s.BindInt(i, v)
	case uint32:
		return s.BindInt64(i, int64(v))
	case imap.UID:
		return s.BindInt64(i, int64(v))
	case bool:
		return s.BindBool(i, v)
	case time.Time:
		return s.BindInt64(i, v.UnixMicro())
	default:
		return fmt.Errorf("cannot store a %T", arg)
	}
}

// columns reads the columns of a row from left to right.
type columns struct {
	stmt *sqlite3.Stmt
	next int
}

func (c *columns) column() int {
	c.next++
	return c.next - 1
}

func (c *columns) text() string    { return c.stmt.ColumnText(c.column()) }
func (c *columns) int() int64      { return c.stmt.ColumnInt64(c.column()) }
func (c *columns) uint32() uint32  { return uint32(c.int()) }
func (c *columns) uid() imap.UID   { return imap.UID(c.int()) }
func (c *columns) bytes() []byte   { return c.stmt.ColumnBlob(c.column(), nil) }
func (c *columns) time() time.Time { return time.UnixMicro(c.int()).UTC() }

// duration reads a column that holds microseconds.
func (c *columns) duration() time.Duration { return time.Duration(c.int()) * time.Microsecond }
