package sqlite_test

import (
	"path/filepath"
	"testing"

	"imapilot/engine/journal"
	"imapilot/engine/journal/journaltest"
	"imapilot/engine/journal/sqlite"
)

func TestSuite(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) journaltest.Open {
		path := filepath.Join(t.TempDir(), "journal.db")
		return func() (journal.Journal, error) { return sqlite.Open(t.Context(), path) }
	})
}
