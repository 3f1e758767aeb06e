package engine

import (
	"context"
	"fmt"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// UndoWithin is how long what was done can be put back. A snooze can be for as long as
// it lasts.
const UndoWithin = 30 * 24 * time.Hour

// Undo names acts that are to be put back: entries by their sequences, at most
// [journal.MaxSeqs], of each account.
//
// # What is put back
//
// Of one message the newest act comes first. Flags get the value that they had at
// the decision, where the act changed them and they still have the value that it gave
// them. A message that was moved goes back to its old mailbox, which is made again if
// it is gone. A copy is removed where COPYUID named it, its UIDVALIDITY and its
// fingerprint are still the same, nobody gave it a flag, and the message itself is
// there. A snoozed message comes back at once, for as long as its snooze lasts. Nothing
// else is: what was sent, what was expunged, and what was moved to another account
// cannot come back, and a copy in another account stays.
//
// # How
//
// What puts an act back is an entry like any other, with the trigger
// [journal.TriggerUndo]: one for the message, with flags before the move, and one for
// each copy, which waits for that of the message. They are recorded together with the
// act, which is [journal.Undone] then, before anything is sent. They are looked at and
// proven as every step is, and no rule does again what was undone of it, as long as
// its content is the same.
type Undo struct {
	Acts map[string][]int64 `json:"acts"`
}

// Undone is what an undo does, or would do, about one act.
type Undone struct {
	Account string `json:"account"`
	Seq     int64  `json:"seq"`
	From    string `json:"from"`
	Subject string `json:"subject"`
	// MessageID is "" where the message has none.
	MessageID string `json:"message_id,omitempty"`
	// Mailbox and UID are where the message is now; Mailbox is in the configuration's
	// spelling, and "" where it cannot be found.
	Mailbox string `json:"mailbox,omitempty"`
	UID     uint32 `json:"uid,omitempty"`
	// Back is what is put back, as it prints: "move: INBOX".
	Back []string `json:"back"`
	// Cannot is what is not, and why.
	Cannot []Unable `json:"cannot"`
	// Entries put it back; State is how far the last of them came. They are empty
	// where nothing is done.
	Entries []int64            `json:"entries,omitempty"`
	State   journal.EntryState `json:"state,omitempty"`
	// Reason is why an entry did not come to its end.
	Reason string `json:"reason,omitempty"`
}

// Unable is something that cannot be put back. What is "" where that is all of an act.
type Unable struct {
	What string `json:"what,omitempty"`
	Why  string `json:"why"`
}

// PlanUndo works out what an undo would do, on connections of its own that change
// nothing. It needs no lease and works beside a daemon. progress may be nil. What it
// returns has the acts of one account after those of another, the newest first.
func PlanUndo(ctx context.Context, cfg *config.Config, o Options, j Reader, u Undo, progress func(Progress)) ([]Undone, error) {
	o.Journal = readOnly{Reader: j}
	e := New(cfg, o)
	var out []Undone
	for _, acc := range cfg.Accounts {
		if len(u.Acts[acc.Name]) == 0 {
			continue
		}
		a, p := newAccount(e, acc, cfg), newUndo(u.Acts[acc.Name])
		asleep, err := j.Snoozed(ctx, acc.Name)
		if err == nil {
			a.snoozed = sleepersOf(asleep)
			err = a.plan(ctx, p, progress)
		}
		out = append(out, p.undone()...)
		if err != nil {
			return out, fmt.Errorf("account %q: %w", acc.Name, err)
		}
	}
	return out, nil
}

// StartUndo begins to put acts back and returns the number by which Job finds it.
func (e *Engine) StartUndo(ctx context.Context, u Undo) (int64, error) {
	chosen, err := e.running(u)
	if err != nil {
		return 0, err
	}
	j := &job{}
	for _, r := range chosen {
		p := newUndo(u.Acts[r.account.cfg.Name])
		if err := r.account.take(ctx, r.done, p); err != nil {
			j.stop()
			return 0, err
		}
		j.parts = append(j.parts, jobPart{r.account, p})
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.remember(j), nil
}

// running are the accounts of an undo, in the order of the configuration.
func (e *Engine) running(u Undo) ([]*running, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := u.check(e.cfg); err != nil {
		return nil, err
	}
	var out []*running
	for _, acc := range e.cfg.Accounts {
		if len(u.Acts[acc.Name]) == 0 {
			continue
		}
		r, ok := e.accounts[acc.Name]
		if !ok || r.ended() {
			return nil, fmt.Errorf("account %q is not running", acc.Name)
		}
		out = append(out, r)
	}
	return out, nil
}

// check says what an undo names that there is not.
func (u Undo) check(cfg *config.Config) error {
	for name, seqs := range u.Acts {
		if err := (Scope{Account: name}).Check(cfg); err != nil {
			return err
		}
		if len(seqs) > journal.MaxSeqs {
			return fmt.Errorf("at most %d acts of an account can be undone at once", journal.MaxSeqs)
		}
	}
	return nil
}

// startUndoing starts the accounts of an undo, each with what it has to put back; the
// caller holds the mutex.
func (e *Engine) startUndoing(u Undo) {
	j := &job{}
	for _, cfg := range e.cfg.Accounts {
		if len(u.Acts[cfg.Name]) == 0 {
			continue
		}
		a, p := newAccount(e, cfg, e.cfg), newUndo(u.Acts[cfg.Name])
		a.passes = []*pass{p}
		j.parts = append(j.parts, jobPart{a, p})
	}
	e.startAll(j)
}

// undone is what came of the acts of an undo, none of another job.
func (j *job) undone() []Undone {
	var out []Undone
	for _, part := range j.parts {
		out = append(out, part.pass.undone()...)
	}
	return out
}
