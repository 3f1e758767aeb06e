package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"imapilot/actions"
	"imapilot/actions/exec"
	"imapilot/actions/webhook"
	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/rules"
)

// programsAtOnce is how many programs run at once, for all accounts.
const programsAtOnce = 4

// programs are the outlets of the actions that leave the mailbox, as far as the
// configuration in force allows them, or its rules ask for those that it need not.
func (o *outbox) programs() []config.Webhook {
	var out []config.Webhook
	for _, name := range o.account.allowed() {
		if isOutside(name) {
			out = append(out, config.Webhook{Name: name})
		}
	}
	if ruleset, _ := o.account.current(); ruleset != nil {
		for _, kind := range ruleset.Free() {
			out = append(out, config.Webhook{Name: string(kind)})
		}
	}
	return out
}

// beginPrograms starts those of an outlet that are due, each by itself: one that takes
// an hour holds up no other. It returns how many, and how long to wait for the next.
func (o *outbox) beginPrograms(ctx, work context.Context, outlet config.Webhook, group *sync.WaitGroup) (begun int, wait time.Duration, err error) {
	if rest := o.resting(outlet); rest > 0 {
		return 0, rest, nil
	}
	if err := o.resumeLetters(work); err != nil {
		return 0, time.Minute, err
	}
	due, next, err := o.due(work, outlet)
	if err != nil {
		return 0, next, err
	}
	if due, err = o.inForce(work, due); err != nil {
		return 0, next, err
	}
	for _, d := range due {
		claimed, err := o.claimProgram(work, d)
		if err != nil {
			return begun, next, err
		}
		if !claimed {
			continue
		}
		begun++
		group.Go(func() {
			defer o.releaseProgram(d)
			if err := o.serve(ctx, work, outlet, []journal.Delivery{d}); err != nil {
				o.tire(outlet.Name, "")
				o.account.tellOutside(d) // it may be recorded all the same
				if ctx.Err() == nil {
					o.account.log.Error("the attempts of a step cannot be recorded", "action", outlet.Name, "error", err)
				}
			}
		})
	}
	return begun, next, nil
}

// inForce leaves out the steps of open entries whose rule is not in force any more: they
// are decided again, and cancelled then. What a user replayed of others is his wish.
func (o *outbox) inForce(ctx context.Context, due []journal.Delivery) ([]journal.Delivery, error) {
	ruleset, _ := o.account.current()
	asks := func(d journal.Delivery) bool {
		rule, ok := ruleset.Rule(d.Rule)
		return ok && slices.Contains(rule.Kinds, actions.Kind(d.Endpoint))
	}
	var doubtful []int64
	for _, d := range due {
		if !asks(d) {
			doubtful = append(doubtful, d.Seq)
		}
	}
	if len(doubtful) == 0 {
		return due, nil
	}
	entries, err := o.account.journal.Entries(ctx, journal.Query{
		Account: o.account.cfg.Name, Seqs: doubtful, States: []journal.EntryState{journal.Open},
	})
	return slices.DeleteFunc(due, func(d journal.Delivery) bool {
		return !asks(d) && slices.ContainsFunc(entries, func(e journal.Entry) bool { return e.Seq == d.Seq })
	}), err
}

// claimProgram takes a delivery to be attempted, unless it is under way, there are
// enough, or it was cancelled since it was found.
func (o *outbox) claimProgram(ctx context.Context, d journal.Delivery) (bool, error) {
	o.mu.Lock()
	taken := o.running[d.ID] || len(o.running) >= programsAtOnce || !o.letters.claim(d)
	if !taken {
		put(&o.running, d.ID, true)
	}
	o.mu.Unlock()
	if taken {
		return false, nil
	}
	found, err := o.account.journal.Deliveries(ctx, journal.DeliveryQuery{Account: d.Account, ID: d.ID, Bare: true})
	if err != nil || len(found) != 1 || found[0].State != journal.Pending || found[0].Attempts != d.Attempts {
		o.releaseProgram(d)
		return false, err
	}
	return true, nil
}

// releaseProgram lets a delivery be attempted again, and looks for more at once.
func (o *outbox) releaseProgram(d journal.Delivery) {
	o.restarts.mu.Lock()
	delete(o.restarts.off, d.ID)
	o.mu.Lock()
	delete(o.running, d.ID)
	o.letters.release(d)
	o.mu.Unlock()
	o.restarts.mu.Unlock()
	o.rouse()
}

// commit writes a batch of the owner of the account. Where it cancels a step that is
// under way, what comes of that is not written over it.
func (o *outbox) commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	o.restarts.mu.Lock()
	defer o.restarts.mu.Unlock()
	err := o.account.journal.Commit(ctx, own, b)
	if err != nil && !errors.Is(err, journal.ErrUnknown) {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range b.Release {
		if r.State == journal.Cancelled && o.running[r.ID] {
			o.restarts.cancel(r.ID)
		}
	}
	return err
}

// cancels reports whether a batch takes back what may be under way.
func cancels(b journal.Batch) bool {
	return slices.ContainsFunc(b.Release, func(r journal.Release) bool {
		return r.State == journal.Cancelled && slices.Contains(r.From, journal.Pending)
	})
}

// attempt makes one attempt of a step, with the message as it is where the step needs
// it. With --once only the end of the process ends it, else a stop does, too.
func (o *outbox) attempt(ctx, work context.Context, d journal.Delivery) webhook.Result {
	release, err := o.room(work, d)
	if err != nil {
		return webhook.Result{Err: unsent{err}, Retry: true}
	}
	defer release()
	doc, raw, err := o.stepOf(work, d)
	if err != nil {
		return webhook.Result{Err: err, Retry: errors.As(err, new(unsent))}
	}
	if o.account.engine.opts.Once {
		ctx = work
	}
	switch actions.Kind(d.Endpoint) {
	case actions.SaveAttachments:
		return o.saveAttachments(ctx, doc.Action.Save, raw)
	case actions.Unsubscribe:
		return o.unsubscribe(ctx, d, raw)
	case actions.Forward, actions.Reply:
		return o.sendLetter(work, d, doc, raw)
	}
	return o.runProgram(ctx, d, doc, raw)
}

var (
	errNoRaw    = errors.New("the journal does not hold the message any more")
	errLargeRaw = fmt.Errorf("the message is larger than %d MB, and no step gets a part of one", rules.MaxRaw>>20)
)

// stepOf is what a delivery says, and its message where it was recorded with it.
func (o *outbox) stepOf(ctx context.Context, d journal.Delivery) (doc outsideDocument, raw []byte, err error) {
	if err := json.Unmarshal(d.Payload, &doc); err != nil {
		return doc, nil, fmt.Errorf("the document cannot be read: %w", err)
	}
	if !doc.needsRaw() {
		return doc, nil, nil
	}
	r, kept, err := o.account.journal.Raw(ctx, d.Account, d.ID)
	switch {
	case err != nil:
		return doc, nil, unsent{err}
	case !kept:
		return doc, nil, errNoRaw
	case r.Truncated && doc.Action.Kind != actions.Reply: // which reads the header
		return doc, nil, errLargeRaw
	}
	return doc, r.Data, nil
}

// needsRaw reports whether the message goes with the step as it is.
func (d outsideDocument) needsRaw() bool {
	if d.Command != nil {
		return d.Command.Stdin == actions.StdinRaw
	}
	return slices.Contains(d.Action.Include, actions.IncludeRaw)
}

// runProgram runs a program, with the document or the message on its standard input.
func (o *outbox) runProgram(ctx context.Context, d journal.Delivery, doc outsideDocument, raw []byte) webhook.Result {
	if doc.Command == nil {
		return webhook.Result{Err: errors.New("the document does not say what to run")}
	}
	e, stdin := o.account.engine, d.Payload
	if doc.needsRaw() {
		stdin = raw
	}
	r := e.opts.Programs(ctx, exec.Command{Argv: doc.Command.Argv, Env: environment(d, doc), Stdin: stdin, Timeout: doc.Command.Timeout, Dir: e.dir})
	if r.Err != nil && r.Answer != "" {
		r.Err = fmt.Errorf("%w: %s", r.Err, shown(r.Answer))
	}
	return webhook.Result{Err: r.Err, Body: r.Answer, Retry: r.Retry}
}

// environment is all that a program gets: a few variables of ours, in which no secret
// is, what its message is, and what its rule says.
func environment(d journal.Delivery, doc outsideDocument) []string {
	var out []string
	for _, name := range []string{"PATH", "HOME", "LANG", "TZ"} {
		if value, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+value)
		}
	}
	from := ""
	for _, a := range doc.From {
		from = cmp.Or(from, a.Address)
	}
	out = append(out,
		"IMAPILOT_ID="+d.ID, "IMAPILOT_RULE="+doc.Rule, "IMAPILOT_ACCOUNT="+doc.Account, "IMAPILOT_MAILBOX="+doc.Mailbox,
		"IMAPILOT_UID="+strconv.FormatUint(uint64(doc.UID), 10), "IMAPILOT_UIDVALIDITY="+strconv.FormatUint(uint64(doc.UIDValidity), 10),
		"IMAPILOT_MESSAGE_ID="+doc.MessageID, "IMAPILOT_FROM="+from, "IMAPILOT_SUBJECT="+doc.Subject,
		"IMAPILOT_ATTEMPT="+strconv.Itoa(d.Attempts))
	return append(out, doc.Command.Env...)
}
