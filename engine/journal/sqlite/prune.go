package sqlite

import (
	"strings"
	"time"

	"imapilot/engine/journal"
)

// Retention is how long what is finished is kept after it was last written.
const Retention = 90 * 24 * time.Hour

const (
	// pruneBatch bounds what one commit removes from each table.
	pruneBatch = 500
	// pruneEvery is how often a commit looks for something to remove when the
	// last one found less than a batch.
	pruneEvery = time.Minute
	// pruneAtLast is the same for commits that somebody waits for.
	pruneAtLast = 10 * pruneEvery
	// prunesTogether is for how many accounts one transaction does so: where more
	// than that write at once there is no time for it, and those left out have
	// their turn another time.
	prunesTogether = 2
)

// oldCalls are deliveries that are no longer owed, those among them that waited for
// the steps of an entry that is gone.
const oldCalls = `SELECT row FROM delivery
	WHERE account = ?1 AND updated < ?2 AND state <> 'pending'
		AND (state <> 'waiting' OR NOT EXISTS (SELECT 1 FROM entry e WHERE e.account = ?1 AND e.seq = delivery.seq))
	ORDER BY updated LIMIT ?3`

// prune removes what is older than Retention, a little with each commit.
// Expectations that never came true go too, and created mailboxes once no
// snapshot counts them. The entry of a snoozed message stays.
func (d *DB) prune(account int64, b *journal.Batch) error {
	wait := pruneEvery
	if isAwaited(b) {
		wait = pruneAtLast
	}
	if since := b.At.Sub(d.pruned[account]); since >= 0 && since < wait || d.prunes >= prunesTogether {
		return nil
	}
	d.prunes++
	most, before := int64(0), b.At.Add(-Retention)
	for _, sql := range []string{
		`DELETE FROM entry WHERE id IN (SELECT id FROM entry
			WHERE account = ?1 AND updated < ?2 AND keep < ?4 AND state NOT IN ('open', 'held')
				AND NOT EXISTS (SELECT 1 FROM snoozed s WHERE s.account = ?1 AND s.seq = entry.seq) ORDER BY updated LIMIT ?3)`,
		`DELETE FROM attempt WHERE call IN (` + oldCalls + `)`,
		`DELETE FROM delivery WHERE row IN (` + oldCalls + `)`,
		// The oldest are those with the lowest identifiers.
		`DELETE FROM event WHERE id IN (SELECT id FROM event WHERE account = ?1 ORDER BY id LIMIT ?3) AND at < ?2`,
		// The oldest are those with the lowest positions.
		`DELETE FROM reference WHERE account = ?1 AND position IN (SELECT position FROM reference
			WHERE account = ?1 ORDER BY position LIMIT ?3) AND at < ?2`,
		`DELETE FROM expected WHERE account = ?1 AND id IN (SELECT id FROM expected
			WHERE account = ?1 AND recorded < ?2 LIMIT ?3)`,
	} {
		args := []any{account, before, pruneBatch, b.At}
		if err := d.exec(sql, args[:3+strings.Count(sql, "?4")]...); err != nil {
			return err
		}
		most = max(most, d.conn.Changes())
	}
	if most < pruneBatch {
		d.pruned[account] = b.At
	}
	return d.exec("DELETE FROM creation WHERE account = ? AND at < ?", account, b.At.Add(-2*creationWindow))
}
