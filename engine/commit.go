package engine

import (
	"context"
	"maps"
	"time"

	"imapilot/engine/journal"
)

// commit writes a batch and takes it into memory. Nothing is taken when the
// journal refused.
func (a *account) commit(ctx context.Context, b journal.Batch) error {
	if b.At.IsZero() {
		b.At = time.Now()
	}
	for i := range b.Cursors {
		b.Cursors[i].Version = a.cursors[b.Cursors[i].Mailbox].Version + 1
	}
	for i := range b.Entries {
		b.Entries[i].Updated = b.At
	}
	if err := a.journal.Commit(ctx, a.own, b); err != nil {
		return err
	}
	a.remember(b)
	return nil
}

// remember mirrors a committed batch in memory.
func (a *account) remember(b journal.Batch) {
	for _, name := range b.Forget {
		delete(a.cursors, name)
		maps.DeleteFunc(a.flagged, func(k flagKey, _ journal.Flagged) bool { return k.mailbox == name })
	}
	for _, c := range b.Cursors {
		a.cursors[c.Mailbox] = c
	}
	for _, e := range b.Entries {
		a.rememberEntry(e)
	}
	for _, x := range b.Expect {
		a.expected[x.ID] = x
	}
	for _, id := range b.Arrived {
		delete(a.expected, id)
	}
	for _, f := range b.Flagged {
		a.flagged[keyOf(f.Mailbox, f.Flag)] = f
	}
	for _, r := range b.Runs {
		a.runs[r.Rule] = r
	}
	for _, p := range b.Pauses {
		a.pauses[p.Target] = p
	}
	for _, t := range b.Resume {
		delete(a.pauses, t)
	}
	a.created = append(a.created, b.Created...)
	if !b.Listed.IsZero() {
		a.listed = b.Listed
	}
	if len(b.Deliveries) > 0 {
		signal(a.outbox.wake)
	}
	for _, ev := range b.Events {
		a.log.Info(ev.Text, "event", ev.Kind, "mailbox", ev.Mailbox)
	}
}

func (a *account) rememberEntry(e journal.Entry) {
	if e.State == journal.Open {
		w, ok := a.open[e.Seq]
		if !ok {
			w = &task{}
			a.open[e.Seq] = w
		}
		w.Entry = e
		return
	}
	delete(a.open, e.Seq)
	a.engine.opts.Observe(Observation{Account: a.cfg.Name, At: e.Updated, Entry: e})
}
