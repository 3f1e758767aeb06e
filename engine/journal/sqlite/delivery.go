package sqlite

import (
	"context"
	"encoding/json"
	"strings"

	"imapilot/engine/journal"
)

func (d *DB) putDeliveries(account int64, b *journal.Batch) error {
	for _, v := range b.Deliveries {
		values, err := d.urlValues(v.URL)
		if err != nil {
			return unavailable("delivery "+v.ID, err)
		}
		err = d.exec(`INSERT INTO delivery (account, id, endpoint, rule, seq, about, created, attempts, restarted, next, state,
				last_status, last_error, updated, payload, sender, held, digest, url)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
			ON CONFLICT (account, id) DO UPDATE SET endpoint = ?3, rule = ?4, seq = ?5, about = ?6, created = ?7, attempts = ?8,
				restarted = ?9, next = ?10, state = ?11, last_status = ?12, last_error = ?13, updated = ?14, held = ?17, digest = ?18,
				payload = CASE WHEN delivery.state = 'cancelled' AND length(?15) > 0 THEN ?15 ELSE payload END,
				url = CASE WHEN delivery.state = 'cancelled' AND length(?15) > 0 THEN ?19 ELSE url END`,
			account, v.ID, v.Endpoint, v.Rule, v.Seq, v.About, v.Created, v.Attempts, v.Restarted, v.Next, string(v.State),
			v.LastStatus, v.LastError, orAt(v.Updated, b.At), v.Payload, v.Sender, v.Held, v.Digest, values)
		if err != nil {
			return err
		}
	}
	return nil
}

// urlValues is what the column url holds of some values.
func (d *DB) urlValues(values map[string]string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	return d.json.value(values)
}

// putAttempts leaves out those of deliveries that are gone.
func (d *DB) putAttempts(account int64, b *journal.Batch) error {
	for _, t := range b.Attempts {
		err := d.exec(`INSERT OR REPLACE INTO attempt
			SELECT row, ?3, ?4, ?5, ?6, ?7, ?8 FROM delivery WHERE account = ?1 AND id = ?2`,
			account, t.ID, t.N, t.At, t.Took.Microseconds(), t.Status, t.Error, t.Answer)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) release(account int64, b *journal.Batch) error {
	for _, r := range b.Release {
		from := "," + string(journal.Waiting) + ","
		if len(r.From) > 0 {
			from = "," + strings.Join(texts(r.From), ",") + ","
		}
		err := d.exec(`UPDATE delivery SET state = ?3, next = ?4, updated = ?4,
				restarted = CASE WHEN state IN ('dead', 'cancelled') THEN attempts ELSE restarted END,
				payload = CASE WHEN ?5 = '' THEN payload ELSE CAST(json_insert(CAST(payload AS TEXT), '$.result', json(?5)) AS BLOB) END
			WHERE account = ?1 AND seq = ?2 AND instr(?7, ',' || state || ',') > 0 AND ?6 IN ('', id)`,
			account, r.Seq, string(r.State), b.At, string(r.Result), r.ID, from)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) enable(account int64, b *journal.Batch) error {
	for _, name := range b.Enabled {
		if err := d.exec("DELETE FROM disabled WHERE account = ? AND endpoint = ?", account, name); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) disable(account int64, b *journal.Batch) error {
	for _, x := range b.Disabled {
		if err := d.exec("INSERT OR REPLACE INTO disabled VALUES (?, ?, ?, ?, ?)", account, x.Endpoint, x.URL, x.Since, x.Reason); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) disabled(account int64) (out []journal.Disabled, err error) {
	err = d.each(func(c *columns) error {
		out = append(out, journal.Disabled{Endpoint: c.text(), URL: c.text(), Since: c.time(), Reason: c.text()})
		return nil
	}, "SELECT endpoint, url, since, reason FROM disabled WHERE account = ? ORDER BY endpoint", account)
	return out, err
}

// Deliveries implements [journal.Journal]. Those with one time are in order of
// their record.
func (d *DB) Deliveries(ctx context.Context, q journal.DeliveryQuery) ([]journal.Delivery, error) {
	sql, args := deliveriesSQL(q)
	var out []journal.Delivery
	err := d.read(ctx, "deliveries", func() error {
		return d.once(func(c *columns) error {
			v, err := scanDelivery(c)
			out = append(out, v)
			return err
		}, sql, args...)
	})
	return out, err
}

// earlier finds a call about the same message that is to be made before this one.
const earlier = `SELECT 1 FROM delivery p WHERE p.account = d.account AND p.endpoint = d.endpoint AND p.about = d.about
	AND p.row < d.row AND p.state = 'pending'`

// lastRune comes after every character of an ID.
const lastRune = "\U0010FFFF"

func deliveriesSQL(q journal.DeliveryQuery) (string, []any) {
	var w where
	w.and(q.Account != "", "d."+accountID, q.Account)
	w.and(q.Endpoint != "", "endpoint = ?", q.Endpoint)
	w.and(q.ID != "", "d.id = ?", q.ID)
	w.and(q.IDPrefix != "", "d.id >= ? AND d.id < ?", q.IDPrefix, q.IDPrefix+lastRune)
	w.and(q.Sender != "", "sender = ?", q.Sender)
	w.and(!q.Due.IsZero(), "next <= ?", q.Due)
	w.and(!q.NextFrom.IsZero(), "next >= ?", q.NextFrom)
	w.and(!q.Since.IsZero(), "created >= ?", q.Since)
	in(&w, "seq", q.Seqs)
	in(&w, "state", texts(q.States))
	w.and(q.Fresh, "+seq > 0 AND attempts = 0 AND raw = 0") // "+": its index is not the way to them
	w.and(q.Ready, "(seq = 0 OR attempts > 0 OR raw > 0)")
	w.and(q.Held != "", "held = ?", q.Held)
	w.and(!q.Touched.IsZero(), "updated >= ?", q.Touched)
	w.and(q.First, "(about = '' OR NOT EXISTS ("+earlier+"))")
	payload := "payload"
	if q.Bare {
		payload = "x''"
	}
	sql := `SELECT d.id, a.name, endpoint, rule, seq, about, created, attempts, restarted, next, state, last_status, last_error, updated, ` + payload + `, sender, held, digest, url, raw,
		raw > 0 AND EXISTS (SELECT 1 FROM raw r WHERE r.call = d.row)
		FROM delivery d JOIN account a ON a.id = d.account` + w.String()
	switch {
	case q.Newest:
		sql += " ORDER BY created DESC, row DESC"
	case q.Latest:
		sql += " ORDER BY next DESC, row DESC"
	default:
		sql += " ORDER BY next, row"
	}
	sql += w.limit(q.Limit)
	return sql, w.args
}

func scanDelivery(c *columns) (journal.Delivery, error) {
	out := journal.Delivery{
		ID: c.text(), Account: c.text(), Endpoint: c.text(), Rule: c.text(), Seq: c.int(), About: c.text(), Created: c.time(),
		Attempts: int(c.int()), Restarted: int(c.int()), Next: c.time(), State: journal.DeliveryState(c.text()),
		LastStatus: int(c.int()), LastError: c.text(), Updated: c.time(), Payload: c.bytes(),
		Sender: c.text(), Held: c.text(), Digest: c.text(),
	}
	if values := c.text(); values != "" {
		if err := json.Unmarshal([]byte(values), &out.URL); err != nil {
			return out, unavailable("delivery "+out.ID, err)
		}
	}
	out.RawSize, out.RawKept = c.int(), c.int() != 0
	return out, nil
}

// Attempts implements [journal.Journal].
func (d *DB) Attempts(ctx context.Context, account, id string) ([]journal.Attempt, error) {
	var out []journal.Attempt
	err := d.read(ctx, "attempts", func() error {
		return d.each(func(c *columns) error {
			out = append(out, journal.Attempt{
				ID: id, N: int(c.int()), At: c.time(), Took: c.duration(), Status: int(c.int()), Error: c.text(), Answer: c.text(),
			})
			return nil
		}, `SELECT n, at, took, status, error, answer FROM attempt
			WHERE call = (SELECT row FROM delivery WHERE account = (SELECT id FROM account WHERE name = ?) AND id = ?) ORDER BY n`, account, id)
	})
	return out, err
}

func (d *DB) loadDisabled(account int64, snap *journal.Snapshot) (err error) {
	snap.Disabled, err = d.disabled(account)
	return err
}

// cutAttempts gives the attempts that the end of a process cut off a record, and
// takes them out of the schedule of their calls.
func (d *DB) cutAttempts(account int64) error {
	const cut = ` FROM delivery WHERE account = ?1 AND state = 'pending' AND attempts > 0
		AND NOT EXISTS (SELECT 1 FROM attempt WHERE call = row AND n = attempts)`
	if err := d.exec("UPDATE delivery SET restarted = restarted + 1 WHERE row IN (SELECT row"+cut+")", account); err != nil {
		return err
	}
	return d.exec("INSERT INTO attempt SELECT row, attempts, updated, 0, 0, ?2, ''"+cut, account, journal.CutOff)
}
