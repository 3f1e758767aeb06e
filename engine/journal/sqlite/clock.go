package sqlite

import (
	"encoding/json"
	"fmt"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/journal"
)

// What rules on a clock and on flags remember: their last runs, and which
// messages carried which flag.

func (d *DB) putRuns(account int64, b *journal.Batch) error {
	for _, r := range b.Runs {
		text, err := d.json.value(r)
		if err != nil {
			return unavailable("run of "+r.Rule, err)
		}
		ended := int64(0)
		if !r.Ended.IsZero() {
			ended = r.Ended.UnixMicro()
		}
		if err := d.exec("INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?)", account, r.Rule, r.Due, r.Started, ended, text); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) loadRuns(account int64, snap *journal.Snapshot) (err error) {
	snap.Runs, err = d.runs(account)
	return err
}

func (d *DB) runs(account int64) ([]journal.Run, error) {
	var out []journal.Run
	err := d.each(func(c *columns) error {
		var r journal.Run
		if err := json.Unmarshal(c.bytes(), &r); err != nil {
			return unavailable("run", err)
		}
		out = append(out, r)
		return nil
	}, "SELECT body FROM run WHERE account = ? ORDER BY rule", account)
	return out, err
}

func (d *DB) putFlagged(account int64, b *journal.Batch) error {
	for _, f := range b.Flagged {
		// Flags compare without case (RFC 9051 section 2.3.2).
		if err := d.exec("DELETE FROM flagged WHERE account = ? AND mailbox = ? AND flag = ? COLLATE NOCASE", account, f.Mailbox, string(f.Flag)); err != nil {
			return err
		}
		err := d.exec("INSERT INTO flagged VALUES (?, ?, ?, ?, ?, ?)",
			account, f.Mailbox, string(f.Flag), f.UIDValidity, int64(f.ModSeq), f.UIDs.String())
		if err != nil {
			return err
		}
	}
	return nil
}

// loadFlagged gives the newest last where an older version wrote two spellings.
func (d *DB) loadFlagged(account int64, snap *journal.Snapshot) error {
	return d.each(func(c *columns) error {
		f := journal.Flagged{Mailbox: c.text(), Flag: imap.Flag(c.text()), UIDValidity: c.uint32(), ModSeq: uint64(c.int())}
		set, err := parseUIDSet(c.text())
		if err != nil {
			return unavailable(fmt.Sprintf("flag %s of %s", f.Flag, f.Mailbox), err)
		}
		f.UIDs = set
		snap.Flagged = append(snap.Flagged, f)
		return nil
	}, "SELECT mailbox, flag, uidvalidity, modseq, uids FROM flagged WHERE account = ? ORDER BY mailbox, flag COLLATE NOCASE, modseq", account)
}

// keep prolongs the life of entries that a rule on a clock still needs.
func (d *DB) keep(account int64, b *journal.Batch) error {
	for _, seq := range b.Keep {
		if err := d.exec("UPDATE entry SET keep = ? WHERE account = ? AND seq = ?", b.At.Add(journal.ActKept), account, seq); err != nil {
			return err
		}
	}
	return nil
}
