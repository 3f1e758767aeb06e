package sqlite

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// entryColumns are what scanEntry reads, in its order.
const entryColumns = "seq, mailbox, uidvalidity, uid, message_id, received, size, email_id, \"trigger\", state, decided, updated, body"

// body is an entry as it is stored in JSON. The fields below hide those of the
// entry that have columns of their own: the columns keep every byte of a
// hostile Message-ID, which JSON would not. An [encoder] writes it.
type body struct {
	*journal.Entry
	Seq         int64     `json:"seq,omitempty"`
	Mailbox     string    `json:"mailbox,omitempty"`
	UIDValidity uint32    `json:"uidvalidity,omitempty"`
	UID         uint32    `json:"uid,omitempty"`
	Print       *struct{} `json:"print,omitempty"`
	Trigger     string    `json:"trigger,omitempty"`
	State       string    `json:"state,omitempty"`
	Decided     *struct{} `json:"decided,omitempty"`
	Updated     *struct{} `json:"updated,omitempty"`
}

func (d *DB) putEntries(account int64, b *journal.Batch) error {
	for i := range b.Entries {
		if err := d.putEntry(account, &b.Entries[i], b.At); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) putEntry(account int64, e *journal.Entry, at time.Time) error {
	text, rules, err := d.json.entry(e)
	if err != nil {
		return unavailable(fmt.Sprintf("entry %d", e.Seq), err)
	}
	if e.Seq < d.nextSeq[account] {
		err := d.execEntry(againSQL, account, e, at, text, rules)
		if err != nil || d.conn.Changes() == 1 {
			return err
		}
	}
	return d.execEntry(entrySQL, account, e, at, text, rules)
}

const (
	// againSQL is for most that is written again, the same message one step further:
	// the indexes of what it is need no touch.
	againSQL = `UPDATE entry SET state = ?9, acted = ?10, rules = ?11, decided = ?12, updated = ?13, body = ?14, keep = ?16, "trigger" = ?17
		WHERE account = ?1 AND seq = ?2 AND mailbox = ?3 AND uidvalidity = ?4 AND uid = ?5 AND message_id = ?6 AND received = ?7 AND size = ?8 AND email_id = ?15`
	entrySQL = `INSERT INTO entry (account, seq, mailbox, uidvalidity, uid, message_id, received, size, state,
			acted, rules, decided, updated, body, email_id, keep, "trigger")
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
		ON CONFLICT (account, seq) DO UPDATE SET mailbox = ?3, uidvalidity = ?4, uid = ?5, message_id = ?6,
			received = ?7, size = ?8, state = ?9, acted = ?10, rules = ?11, decided = ?12, updated = ?13, body = ?14, email_id = ?15, keep = ?16, "trigger" = ?17`
)

// execEntry binds the values of an entry by itself: as arguments of any type each of
// them would take memory.
func (d *DB) execEntry(sql string, account int64, e *journal.Entry, at time.Time, text, rules jsonText) error {
	s, err := d.prepared(sql)
	if err != nil {
		return err
	}
	b := binder{stmt: s}
	b.ints(account, e.Seq)
	b.text(e.Mailbox)
	b.ints(int64(e.UIDValidity), int64(e.UID))
	b.text(e.Print.MessageID)
	b.ints(e.Print.Received.UnixMicro(), e.Print.Size)
	b.text(string(e.State))
	b.bool(acted(e))
	b.json(rules)
	b.ints(e.Decided.UnixMicro(), orAt(e.Updated, at).UnixMicro())
	b.json(text)
	b.text(e.Print.EmailID)
	b.ints(keptUntil(e, at))
	b.text(e.Trigger)
	return b.exec()
}

// keptUntil is until when an entry is not pruned, however old it is.
func keptUntil(e *journal.Entry, at time.Time) int64 {
	// A rule must not do again what was put back, however seldom it runs.
	if e.Trigger != journal.TriggerSchedule && e.Trigger != journal.TriggerUndo && e.State != journal.Undone {
		return 0
	}
	return at.Add(journal.ActKept).UnixMicro()
}

// orAt is the time of the commit where the writer gave none: what is written
// now must not look old to pruning.
func orAt(t, at time.Time) time.Time {
	if t.IsZero() {
		return at
	}
	return t
}

// rulesOf lists the rules that an entry speaks of: those that asked for
// something, that failed and that were skipped.
func rulesOf(e *journal.Entry) []string {
	names := make([]string, 0, 1)
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, item := range e.Plan.Items {
		add(item.Rule)
	}
	for _, step := range e.Steps {
		add(step.Rule)
	}
	for rule := range e.Errors {
		add(rule)
	}
	for rule := range e.Skipped {
		add(rule)
	}
	return names
}

// acted reports whether an entry is an act: something was done to the message,
// a webhook was recorded for it (which counts from the record on, for it will
// be delivered), or it was left alone because of an earlier act.
func acted(e *journal.Entry) bool {
	if len(e.Skipped) > 0 {
		return true
	}
	for _, step := range e.Steps {
		if step.State == journal.StepDone || step.State == journal.StepLeft {
			return true
		}
	}
	return owesWebhook(e)
}

func owesWebhook(e *journal.Entry) bool {
	switch e.State {
	case journal.Open, journal.Done, journal.Failed, journal.Unsure:
	default:
		return false
	}
	return slices.ContainsFunc(e.Plan.Items, func(i actions.Item) bool {
		return i.SupersededBy == "" && i.Action.Kind.Spec().Phase == actions.PhaseOutbox
	})
}

func scanEntry(c *columns) (journal.Entry, error) {
	seq, mailbox, validity, uid := c.int(), c.text(), c.uint32(), c.uid()
	print, trigger, state, decided, updated := scanPrint(c), c.text(), journal.EntryState(c.text()), c.time(), c.time()
	var e journal.Entry
	stored := body{Entry: &e}
	if err := json.Unmarshal(c.bytes(), &stored); err != nil {
		return journal.Entry{}, unavailable(fmt.Sprintf("entry %d", seq), err)
	}
	e.Seq, e.Mailbox, e.UIDValidity, e.UID, e.Print = seq, mailbox, validity, uid, print
	e.Trigger, e.State, e.Decided, e.Updated = trigger, state, decided, updated
	e.NextTry, e.Run = inUTC(e.NextTry), inUTC(e.Run)
	for i := range e.Steps {
		e.Steps[i].At = inUTC(e.Steps[i].At)
		e.Steps[i].Action = cmp.Or(e.Steps[i].Action, &actions.Action{})
	}
	for i := range e.Plan.Items {
		e.Plan.Items[i].Action = cmp.Or(e.Plan.Items[i].Action, &actions.Action{})
	}
	return e, nil
}

// inUTC gives the times in the JSON the form of those in columns.
func inUTC(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
