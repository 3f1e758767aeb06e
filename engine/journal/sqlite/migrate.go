package sqlite

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"

	"imapilot/engine/journal"
)

// applicationID marks the file as a journal of imapilot ("IMPL") in the
// SQLite header, so that no other program's database is ever written to.
const applicationID = 0x494d504c

//go:embed schema/1.sql
var schema1 string

//go:embed schema/2.sql
var schema2 string

//go:embed schema/3.sql
var schema3 string

//go:embed schema/4.sql
var schema4 string

//go:embed schema/5.sql
var schema5 string

//go:embed schema/6.sql
var schema6 string

//go:embed schema/7.sql
var schema7 string

//go:embed schema/8.sql
var schema8 string

//go:embed schema/9.sql
var schema9 string

// schemaNew makes of an empty file what all migrations make of it, a third of the time:
// SQLite checks the whole schema for each column that is added.
//
//go:embed schema/new.sql
var schemaNew string

// migrations lists what brings a file from version i to version i+1. A
// released one is never changed.
func migrations() []string {
	return []string{schema1, schema2, schema3, schema4, schema5, schema6, schema7, schema8, schema9}
}

// version reads the schema's version and checks that the file is ours and not
// newer than this program.
func (d *DB) version() (int, error) {
	app, err := d.number("PRAGMA application_id")
	if err != nil {
		return 0, err
	}
	tables, err := d.number("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return 0, err
	}
	if app != applicationID && (app != 0 || tables != 0) {
		return 0, unavailable("open", errors.New("this is the database of another program"))
	}
	version, err := d.number("PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	if int(version) > len(migrations()) {
		return 0, fmt.Errorf("%w (its format is %d, this version knows up to %d)", journal.ErrNewer, version, len(migrations()))
	}
	return int(version), nil
}

// migrate brings the file to the newest version, all or nothing.
func (d *DB) migrate(ctx context.Context) error {
	version, err := d.version()
	if err != nil {
		return err
	}
	if version == len(migrations()) {
		return nil
	}
	return d.write(ctx, "upgrade", func() error {
		steps := migrations()[version:]
		if version == 0 {
			steps = []string{schemaNew}
		}
		for i, sql := range steps {
			if err := d.do(sql); err != nil {
				return fmt.Errorf("upgrading to format %d: %w", len(migrations())-len(steps)+i+1, err)
			}
		}
		if err := d.do("PRAGMA application_id = " + strconv.Itoa(applicationID)); err != nil {
			return err
		}
		return d.do("PRAGMA user_version = " + strconv.Itoa(len(migrations())))
	})
}

// checkReadable refuses what a reader cannot upgrade.
func (d *DB) checkReadable() error {
	version, err := d.version()
	if err != nil {
		return err
	}
	if version < len(migrations()) {
		return unavailable("open", errors.New("it was written by an older version, and is upgraded when the daemon starts"))
	}
	return nil
}
