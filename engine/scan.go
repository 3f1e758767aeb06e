package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// scan brings one mailbox up to date: it lists what the cursor has not
// handled, decides all of it and records that. It applies nothing.
func (c *connection) scan(ctx, work context.Context, name string) error {
	began := time.Now()
	c.unfetched = 0
	delete(c.complete, name)
	sel, cursor, listed, err := c.listPending(work, name)
	if err != nil {
		return err
	}
	todo := pending(cursor, uidsOf(listed))
	c.noteBusy(name, len(todo))
	c.scannedDoubted(name, len(todo))
	hours := hoursSince(cursor.Scanned, began)
	hold, err := c.importReason(work, cursor, todo)
	if err != nil {
		return err
	}
	for window := range slices.Chunk(todo, windowSize) {
		if err := c.scanWindow(ctx, work, name, window, todo, judgement{began: began, hours: hours, hold: hold, doubt: !c.caughtUp[name]}); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if r, ok := c.repeats[name]; ok && c.unfetched == 0 {
		r.timer.Stop()
		delete(c.repeats, name)
	}
	// A message that could not be fetched is still one of the time before.
	put(&c.caughtUp, name, c.caughtUp[name] || c.unfetched == 0)
	if err := c.scanned(work, name, began, hold, len(todo)); err != nil {
		return err
	}
	if err := c.scanFlags(ctx, work, name, sel); err != nil {
		return err
	}
	c.wake.scanned(name, began)
	if ctx.Err() == nil && c.unfetched == 0 {
		c.scannedWhole(name, sel)
	}
	c.state.mailbox(c.dir.config(name), func(m *MailboxStatus) {
		m.LastScan = time.Now()
		if c.unfetched == 0 {
			m.Error, m.NextTry = "", time.Time{}
		}
	})
	return nil
}

// listPending selects a mailbox and lists what lies above its cursor, in one round
// trip where it is known. The selection renews the server's view, so that the
// search sees what another connection was told of.
func (c *connection) listPending(ctx context.Context, name string) (sel imapsession.Selected, cursor journal.Cursor, listed imap.UIDSet, err error) {
	before := c.cursors.of(name)
	found := false
	if before.UIDValidity == 0 {
		sel, err = c.sel(ctx, name)
	} else {
		sel, listed, found, err = c.selAbove(ctx, name, before.Floor+1)
	}
	if err != nil {
		return sel, cursor, nil, err
	}
	c.noteSelected(name, sel)
	if cursor, err = c.cursorFor(ctx, name, sel); err != nil {
		return sel, cursor, nil, err
	}
	if !found || cursor.Version != before.Version {
		listed, err = c.searchAbove(ctx, cursor.Floor+1)
	}
	return sel, cursor, listed, err
}

// scanWindow decides the messages of one window of a backlog: first those that
// the server does not exclude, in batches, then it handles the excluded ones.
func (c *connection) scanWindow(ctx, work context.Context, name string, window, all []imap.UID, j judgement) error {
	possible, excluded := window, []imap.UID(nil)
	// What is to be recognised has to be seen, and so has what the journal is to
	// know.
	if ruleset, _ := c.rulesOf(j.walk); !c.awaits(name) && !ruleset.ReadsHistory() {
		var err error
		if possible, excluded, err = c.narrow(work, ruleset, name, window); err != nil {
			return err
		}
	}
	for _, chunk := range c.batches(name, possible) {
		if ctx.Err() != nil {
			return nil
		}
		// Of several batches, or where something was left out, the end of the scan is
		// written by itself.
		j.last = len(chunk) == len(all) && j.hold == ""
		err := c.process(work, name, chunk, j)
		c.fetchedBatch(name, chunk, err)
		if err != nil {
			return err
		}
	}
	if ctx.Err() != nil || len(excluded) == 0 {
		return nil
	}
	return c.exclude(work, name, excluded, all[max(0, len(all)-journal.Window)])
}

func statusOf(sel imapsession.Selected) imapsession.Status {
	return imapsession.Status{UIDValidity: sel.UIDValidity, UIDNext: sel.UIDNext, Messages: sel.Messages, HighestModSeq: sel.HighestModSeq}
}

func (c *connection) noteSelected(name string, sel imapsession.Selected) {
	now := statusOf(sel)
	if isAnother(c.swept.of(name), now) {
		c.watchAfresh(name)
	}
	c.swept.set(name, now)
	c.state.proof(c.dir.config(name), time.Now())
	c.state.mailbox(c.dir.config(name), func(m *MailboxStatus) { m.Messages = sel.Messages })
}

// scanned remembers when the scan began. It is written when there was
// something to decide, and now and then, not after every look.
func (c *connection) scanned(ctx context.Context, name string, began time.Time, hold string, n int) error {
	cursor := c.cursors.of(name)
	if n == 0 && began.Sub(cursor.Scanned) < c.timing.Reconcile || hold == "" && cursor.Scanned.Equal(began) {
		return nil
	}
	cursor.Scanned = began
	if hold != "" {
		// Later than every entry that it holds: see importReason.
		cursor.Scanned = time.Now()
	}
	batch := journal.Batch{Cursors: []journal.Cursor{cursor}}
	if hold != "" {
		batch.Events = []journal.Event{{Kind: "import", Mailbox: name, Text: fmt.Sprintf("%s: held %d messages: %s", c.dir.config(name), n, hold)}}
	}
	return c.commit(ctx, batch)
}

func hoursSince(before, now time.Time) int {
	if before.IsZero() {
		return 1
	}
	return int(now.Sub(before) / time.Hour)
}

// cursorFor returns the cursor to scan from. A mailbox that the journal does
// not know is baselined, one whose UIDVALIDITY changed is matched by
// fingerprints.
func (c *connection) cursorFor(ctx context.Context, name string, sel imapsession.Selected) (journal.Cursor, error) {
	cursor, known := c.cursors.find(name)
	started := cursor.UIDValidity != 0
	var err error
	switch {
	case sel.UIDValidity == 0:
		return cursor, &imapsession.Error{Op: "SELECT", Subject: name, Class: imapsession.Target,
			Text: "the server gives this mailbox no UIDVALIDITY, so nothing is done in it"}
	case started && cursor.UIDValidity == sel.UIDValidity:
		if c.engine.opts.Existing && !cursor.Scanned.IsZero() && c.reconciled.IsZero() {
			c.log.Info("known already: --existing changes nothing for it", "mailbox", c.dir.config(name))
		}
		return cursor, nil
	case started:
		before, knownErr := c.journal.Known(ctx, c.cfg.Name, name, cursor.UIDValidity)
		if knownErr != nil {
			return cursor, knownErr
		}
		err = c.revalidate(ctx, name, cursor, before, sel)
	case c.engine.opts.Existing:
		err = c.commit(ctx, journal.Batch{Cursors: []journal.Cursor{
			{Mailbox: name, UIDValidity: sel.UIDValidity}}})
	case !known && !c.previous.IsZero():
		err = c.appeared(ctx, name, sel)
	default:
		err = c.baseline(ctx, name, sel)
	}
	return c.cursors.of(name), err
}

// baseline starts an unknown mailbox at what it holds: none of it is acted on.
func (c *connection) baseline(ctx context.Context, name string, sel imapsession.Selected) error {
	listed, err := c.searchAbove(ctx, 1)
	if err != nil {
		return err
	}
	uids := uidsOf(listed)
	slices.Sort(uids)
	newest := uids[max(0, len(uids)-journal.Window):]
	known, err := c.prints(ctx, newest)
	if err != nil {
		return err
	}
	cursor := baseline(name, sel.UIDValidity, uids)
	cursor.Scanned = time.Now()
	batch := journal.Batch{
		Cursors: []journal.Cursor{cursor},
		Known:   []journal.KnownBatch{{Mailbox: name, UIDValidity: sel.UIDValidity, Messages: known}},
	}
	c.log.Info("starting from here", "mailbox", c.dir.config(name), "left_alone", len(uids))
	if !c.starting { // one event told of the whole account
		batch.Events = []journal.Event{{Kind: "baseline", Mailbox: name,
			Text: fmt.Sprintf("%s: starting from here; its %d messages are left alone", c.dir.config(name), len(uids))}}
	}
	return c.commit(ctx, batch)
}

// prints fetches the fingerprints of messages in the selected mailbox, in order
// of UIDs. A message that the server refuses by itself has none.
func (c *connection) prints(ctx context.Context, uids []imap.UID) ([]journal.Known, error) {
	var out []journal.Known
	for chunk := range slices.Chunk(uids, batchSize*2) {
		fetched, err := c.fetchSome(ctx, chunk, rules.Needs{HeaderFields: []string{"Message-Id"}})
		if err != nil {
			return nil, err
		}
		for _, f := range fetched {
			out = append(out, journal.Known{UID: f.UID, Print: fingerprint(f, facts.ParseHeader(f.Header))})
		}
	}
	return out, nil
}

// fetchSome is fetchFirst that leaves out the messages which the server
// refuses by themselves, because some servers refuse the lot for one.
func (c *connection) fetchSome(ctx context.Context, uids []imap.UID, needs rules.Needs) ([]imapsession.Fetched, error) {
	fetched, err := c.fetchFirst(ctx, setOf(uids), needs)
	if !isRefusal(err) {
		return fetched, err
	}
	if len(uids) == 1 {
		c.log.Error("a message cannot be fetched", "mailbox", c.dir.config(c.selected), "uid", uids[0], "error", err)
		return nil, nil
	}
	var out []imapsession.Fetched
	err = halves(uids, func(half []imap.UID) error {
		some, err := c.fetchSome(ctx, half, needs)
		out = append(out, some...)
		return err
	})
	return out, err
}

// importReason says why the arrivals of one scan are held whole, "" if they
// are ordinary mail. The dates are fetched only when there are enough
// messages to be an import.
func (c *connection) importReason(ctx context.Context, cursor journal.Cursor, todo []imap.UID) (string, error) {
	if len(todo) == 0 || cursor.Scanned.IsZero() {
		return "", nil
	}
	if cut, err := c.importUnderWay(ctx, cursor); err != nil || cut {
		return importHeld, err
	}
	if len(todo) <= importSize {
		return "", nil
	}
	known, err := c.prints(ctx, todo)
	if err != nil {
		return "", err
	}
	if isImport(c.unexpected(cursor, known), cursor.Scanned) {
		return importHeld, nil
	}
	return "", nil
}

// unexpected are the dates of the messages of which no arrival is expected: what
// imapilot brought, from another account too, is no import.
func (c *connection) unexpected(cursor journal.Cursor, known []journal.Known) []time.Time {
	all := make([]*candidate, len(known))
	for i, k := range known {
		all[i] = &candidate{fetched: imapsession.Fetched{UID: k.UID}, print: k.Print}
	}
	c.recognise(cursor, all)
	var out []time.Time
	for _, m := range all {
		if m.arrived == "" {
			out = append(out, m.print.Received)
		}
	}
	return out
}

const importHeld = "they look imported: more than 100 arrived at once that are older than the last scan. Run 'imapilot confirm' to act on them, 'imapilot skip' to leave them alone"

// importUnderWay reports whether an import was held in part and the scan was
// cut off before its end: the rest of it is the same import.
func (c *connection) importUnderWay(ctx context.Context, cursor journal.Cursor) (bool, error) {
	held, err := c.journal.Entries(ctx, journal.Query{
		Account: c.cfg.Name, Mailbox: cursor.Mailbox, States: []journal.EntryState{journal.Held}, Since: cursor.Scanned,
	})
	return slices.ContainsFunc(held, func(e journal.Entry) bool { return e.Reason == importHeld && e.Decided.After(cursor.Scanned) }), err
}
