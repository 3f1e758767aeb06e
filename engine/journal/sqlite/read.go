package sqlite

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"imapilot/engine/journal"
)

const (
	// actedLimit is how many entries a fingerprint yields at most by each of its
	// two identities.
	actedLimit = 16
	// tailLimit is how many events Tail returns when no limit is given.
	tailLimit = 1000
)

// Entries implements [journal.Journal]. Where entries of several accounts are
// level in the order, that of the accounts' names decides.
func (d *DB) Entries(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	sql, args := entriesSQL(q)
	var out []journal.Entry
	err := d.read(ctx, "entries", func() error {
		return d.once(func(c *columns) error {
			e, err := scanEntry(c)
			out = append(out, e)
			return err
		}, sql, args...)
	})
	if err != nil {
		return nil, err
	}
	if q.Newest {
		slices.Reverse(out)
	}
	return out, nil
}

// Any implements [journal.Journal].
func (d *DB) Any(ctx context.Context, q journal.Query) (found bool, err error) {
	w := conditions(q)
	err = d.read(ctx, "any", func() error {
		return d.once(func(c *columns) error { found = c.int() != 0; return nil },
			"SELECT EXISTS (SELECT 1 FROM entry"+w.String()+")", w.args...)
	})
	return found, err
}

// Outcomes implements [journal.Journal].
func (d *DB) Outcomes(ctx context.Context, account, trigger string, since time.Time) (map[journal.EntryState]int, error) {
	out := map[journal.EntryState]int{}
	err := d.read(ctx, "outcomes", func() error {
		return d.once(func(c *columns) error {
			state := journal.EntryState(c.text())
			out[state] = int(c.int())
			return nil
		}, "SELECT state, count(*) FROM entry WHERE "+accountID+` AND updated >= ? AND "trigger" = ?
			AND (state NOT IN ('withdrawn', 'undone') OR decided >= ?) GROUP BY state`, account, since, trigger, since)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// where collects the conditions of a query that are not zero.
type where struct {
	conditions []string
	args       []any
}

func (w *where) and(set bool, condition string, args ...any) {
	if set {
		w.conditions = append(w.conditions, condition)
		w.args = append(w.args, args...)
	}
}

func in[T any](w *where, column string, values []T) {
	if len(values) == 0 {
		return
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
	w.conditions = append(w.conditions, column+" IN ("+marks+")")
	for _, v := range values {
		w.args = append(w.args, v)
	}
}

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

// limit appends a limit; SQLite takes a negative one for none.
func (w *where) limit(n int) string {
	if n <= 0 {
		n = -1
	}
	w.args = append(w.args, n)
	return " LIMIT ?"
}

const accountID = "account = (SELECT id FROM account WHERE name = ?)"

// spelled is journal.SpelledAs in SQL: a history may be long, and its entries
// cost far more to read than their mailbox does.
const spelled = `(mailbox = ? OR replace(mailbox, '.', '/') IN (?, 'INBOX/' || ?)
	OR lower(mailbox) = 'inbox' AND lower(?) = 'inbox')`

// notDone is the condition of the index entry_state. SQLite uses the index for a
// question that has it in these very words.
const notDone = "state <> 'done'"

func entriesSQL(q journal.Query) (string, []any) {
	w := conditions(q)
	sql := "SELECT " + entryColumns + " FROM entry" + w.String() + entriesOrder(q)
	sql += w.limit(q.Limit)
	return sql, w.args
}

func conditions(q journal.Query) (w where) {
	w.and(q.Account != "", accountID, q.Account)
	w.and(q.Mailbox != "", "mailbox = ?", q.Mailbox)
	w.and(q.Spelled != "", spelled, q.Spelled, q.Spelled, q.Spelled, q.Spelled)
	w.and(q.MessageID != "", "message_id IN (?, '<' || ? || '>')", q.MessageID, q.MessageID)
	w.and(q.UID != 0, "uid = ?", q.UID)
	w.and(q.UIDValidity != 0, "uidvalidity = ?", q.UIDValidity)
	w.and(q.FirstUID != 0, "uid >= ?", q.FirstUID)
	w.and(q.LastUID != 0, "uid <= ?", q.LastUID)
	in(&w, "seq", q.Seqs)
	w.and(!q.Since.IsZero(), "updated >= ?", q.Since)
	w.and(!q.Until.IsZero(), "updated <= ?", q.Until)
	w.and(q.After != journal.Mark{}, "(updated, seq) > (?, ?)", q.After.Updated, q.After.Seq)
	in(&w, "state", texts(q.States))
	w.and(len(q.States) > 0 && !slices.Contains(q.States, journal.Done), notDone)
	w.and(q.Acted, "acted = 1")
	w.and(q.Trigger != "", `"trigger" = ?`, q.Trigger)
	w.and(q.Rule != "", "EXISTS (SELECT 1 FROM json_each(rules) WHERE value = ?)", q.Rule)
	return w
}

// entriesOrder also says how SQLite is to find the entries. Left alone it walks
// through all of them in their order; the plus keeps it from that where an index
// leads to the few that are asked for.
func entriesOrder(q journal.Query) string {
	columns, direction := []string{"seq"}, ""
	if q.ByTime {
		columns = []string{"updated", "seq"}
	}
	if q.MessageID != "" || q.LastUID != 0 || areFew(q.States) {
		columns[0] = "+" + columns[0]
	}
	if q.Account == "" {
		columns = append(columns, "(SELECT name FROM account WHERE id = account)")
	}
	if q.Newest {
		direction = " DESC"
	}
	return " ORDER BY " + strings.Join(columns, direction+", ") + direction
}

// areFew reports whether a query is for states that most entries are not in.
func areFew(states []journal.EntryState) bool {
	return len(states) > 0 && !slices.Contains(states, journal.Done) && !slices.Contains(states, journal.DryRun)
}

func texts[S ~string](values []S) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// Acted implements [journal.Journal].
func (d *DB) Acted(ctx context.Context, account string, prints []journal.Fingerprint) ([]journal.Entry, error) {
	var out []journal.Entry
	err := d.read(ctx, "acted", func() error {
		id, err := d.number("SELECT id FROM account WHERE name = ?", account)
		if err != nil {
			return err
		}
		for print := range distinct(prints) {
			found, err := d.actedOn(id, print)
			if err != nil {
				return err
			}
			out = append(out, found...)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b journal.Entry) int { return cmp.Compare(b.Seq, a.Seq) })
	return slices.CompactFunc(out, func(a, b journal.Entry) bool { return a.Seq == b.Seq }), err
}

func distinct(prints []journal.Fingerprint) map[journal.Fingerprint]bool {
	out := make(map[journal.Fingerprint]bool, len(prints))
	for _, p := range prints {
		p.Received = p.Received.UTC()
		out[p] = true
	}
	return out
}

func (d *DB) actedOn(account int64, print journal.Fingerprint) (out []journal.Entry, err error) {
	add := func(c *columns) error {
		e, err := scanEntry(c)
		out = append(out, e)
		return err
	}
	err = d.each(add, actedByItems(), account, print.MessageID, print.Received, print.Size, actedLimit)
	if err == nil && print.EmailID != "" {
		err = d.each(add, actedByEmailID(), account, print.EmailID, actedLimit)
	}
	return out, err
}

func actedByItems() string {
	return "SELECT " + entryColumns + ` FROM entry
		WHERE account = ? AND message_id = ? AND received = ? AND size = ? AND acted ORDER BY seq DESC LIMIT ?`
}

func actedByEmailID() string {
	return "SELECT " + entryColumns + ` FROM entry
		WHERE account = ? AND email_id = ? AND email_id <> '' AND acted ORDER BY seq DESC LIMIT ?`
}

// Known implements [journal.Journal]. The newest come last.
func (d *DB) Known(ctx context.Context, account, mailbox string, uidValidity uint32) ([]journal.Known, error) {
	var out []journal.Known
	err := d.read(ctx, "known", func() error {
		return d.each(func(c *columns) error {
			out = append(out, journal.Known{UID: c.uid(), Print: scanPrint(c), Order: c.int()})
			return nil
		}, `SELECT uid, message_id, received, size, email_id, seen FROM known JOIN mailbox m ON m.id = known.mailbox
			WHERE m.account = (SELECT id FROM account WHERE name = ?) AND m.name = ?
			AND position >= m.next_known - ? AND known.uidvalidity = ? ORDER BY position`,
			account, mailbox, journal.Window, uidValidity)
	})
	return out, err
}

// Tail implements [journal.Journal]. A limit below 1 means 1,000.
func (d *DB) Tail(ctx context.Context, account string, after int64, limit int) ([]journal.Event, error) {
	if limit <= 0 {
		limit = tailLimit
	}
	var w where
	w.and(after >= 0, "e.id > ?", after)
	w.and(account != "", "e."+accountID, account)
	order := " ORDER BY e.id"
	if after < 0 {
		order += " DESC"
	}
	sql := `SELECT e.id, a.name, at, kind, mailbox, uid, rule, seq, text
		FROM event e JOIN account a ON a.id = e.account` + w.String() + order
	sql += w.limit(limit)
	var out []journal.Event
	err := d.read(ctx, "tail", func() error {
		return d.once(func(c *columns) error {
			out = append(out, journal.Event{
				ID: c.int(), Account: c.text(), At: c.time(), Kind: c.text(), Mailbox: c.text(),
				UID: c.uid(), Rule: c.text(), Seq: c.int(), Text: c.text(),
			})
			return nil
		}, sql, w.args...)
	})
	if after < 0 {
		slices.Reverse(out)
	}
	return out, err
}
