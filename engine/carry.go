package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/config"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

const (
	// maxCarried is the most octets of a message that is carried to another account.
	maxCarried = 64 << 20
	// carryFor is how long messages are carried to other accounts before the account
	// looks for new mail again.
	carryFor = 10 * time.Second
)

// isAbroad reports whether the next step leads to another account.
func (w *task) isAbroad() bool { return w.Next() >= 0 && journal.IsAbroad(w.step().Target) }

// abroad is 1 where the next step leads to another account, else 0.
func (w *task) abroad() int {
	if w.isAbroad() {
		return 1
	}
	return 0
}

// isUnprepared reports whether the next step leads to another account and was never
// sent, for that is recorded first.
func (w *task) isUnprepared() bool {
	return w.isAbroad() && w.step().There == "" && !w.step().Doubt
}

// isCarried reports whether the copy of a message that is moved to another account was
// proven before, and only the original is to be removed.
func (w *task) isCarried() bool { return w.isAbroad() && w.step().TargetUID != 0 }

// noteCarried records the proof of a copy before the original is removed. Where that
// cannot be done for a while, the copy may be filed on there in the meantime: it would
// not be found again, and be made a second time.
func (c *connection) noteCarried(ctx context.Context, w *task, uid imap.UID) error {
	e := cloneEntry(w.Entry)
	e.Steps[e.Next()].TargetUID = uid
	return c.commit(ctx, journal.Batch{Entries: []journal.Entry{e}})
}

// carriedEnough reports whether carrying makes room for other work.
func (c *connection) carriedEnough() bool {
	return !c.engine.opts.Once && time.Since(c.carrying) > carryFor
}

// label is a target as people see it.
func (a *account) label(target string) string {
	if journal.IsAbroad(target) {
		return journal.ShowTarget(target)
	}
	return a.spelling(target)
}

// sideOf is the connection over which the target of a step is looked at, and what it
// is called there.
func (c *connection) sideOf(ctx context.Context, s *journal.Step) (*connection, string, error) {
	account, mailbox, abroad := journal.SplitAbroad(s.Target)
	if !abroad {
		return c, s.Target, nil
	}
	g, err := c.guest(ctx, account)
	if err != nil {
		return nil, "", err
	}
	if s.There != "" {
		return g.connection, s.There, nil
	}
	name, _ := g.target(&actions.Action{Kind: actions.Copy, Mailbox: mailbox}, "")
	return g.connection, name, nil
}

// withoutEmailIDs are messages of another account as they compare with those of this
// one: an EMAILID means something within one account only (RFC 8474 section 5.1).
func withoutEmailIDs(all []journal.Known) []journal.Known {
	for i := range all {
		all[i].Print.EmailID = ""
	}
	return all
}

// prepareAbroad makes everything ready for a message that goes to another account:
// the connection, the target, the record of where its copy will be looked for, and the
// word to the other account that it is no new mail. It returns true when the message
// has to wait.
func (c *connection) prepareAbroad(ctx context.Context, group []*task) (bool, error) {
	w := group[0]
	ready, refusal, err := c.readyAbroad(ctx, w)
	switch {
	case err != nil:
		return true, c.pausedAbroad(ctx, w.step().Target, err)
	case refusal != "":
		return true, c.giveUp(ctx, group, refusal)
	case ready.reason != "":
		return true, c.pauseTarget(ctx, w.step().Target, ready.reason, ready.wait)
	}
	e := cloneEntry(w.Entry)
	s := &e.Steps[e.Next()]
	if s.There != ready.name || s.TargetValidity != ready.UIDValidity || s.TargetNext == 0 {
		s.There, s.TargetValidity, s.TargetNext = ready.name, ready.UIDValidity, ready.UIDNext
		if err := c.commit(ctx, journal.Batch{Entries: []journal.Entry{e}}); err != nil {
			return true, err
		}
	}
	if !ready.watched {
		return false, nil
	}
	x := journal.Expected{
		ID: c.foretoldID(e.Seq, e.Next()), Mailbox: s.There, UIDValidity: s.TargetValidity,
		UIDNext: s.TargetNext, Print: s.Arrives(e), Recorded: time.Now(),
	}
	x.Print.EmailID = ""
	account, _, _ := journal.SplitAbroad(s.Target)
	if err := c.engine.foretell(ctx, account, x); err != nil {
		return true, c.pauseTarget(ctx, s.Target, "the account "+account+" cannot be told of it: "+err.Error(), c.brief(s.Target))
	}
	return false, nil
}

// readiness is what is known of a target in another account. reason is set where it
// cannot be used for a while.
type readiness struct {
	imapsession.Status
	name    string
	watched bool // the other account looks at what arrives there
	reason  string
	wait    time.Duration
}

// readyAbroad finds the target of a step in another account, and makes it when it is
// missing. refusal is why the message can never go there.
func (c *connection) readyAbroad(ctx context.Context, w *task) (out readiness, refusal string, err error) {
	account, mailbox, _ := journal.SplitAbroad(w.step().Target)
	cfg, all, err := c.neighbour(account)
	if err != nil {
		return out, "", err
	}
	if cfg.DryRun || all.DryRun {
		return readiness{reason: "dry_run: of the account " + account + " keeps it as it is", wait: c.timing.Probe}, "", nil
	}
	if isSameLogin(cfg, c.cfg) {
		return out, "the account " + account + " has the login of this one, so that it would arrive here again; name the mailbox without account:", nil
	}
	g, err := c.guest(ctx, account)
	if err != nil {
		return out, "", err
	}
	name, refusal := g.target(&actions.Action{Kind: w.step().Action.Kind, Mailbox: mailbox}, "")
	if refusal != "" {
		return out, "in the account " + account + ": " + refusal, nil
	}
	if !g.dir.exists(name) {
		if out.reason, out.wait, err = c.createAbroad(ctx, g, name, w); err != nil || out.reason != "" {
			return out, "", err
		}
	}
	out.name, out.watched = name, g.isScanned(name)
	if out.Status, err = g.bounds(ctx, name); err == nil {
		refusal, err = g.takes(ctx, name, w.Print.Size)
	}
	return out, refusal, c.guestFailed(account, err)
}

// isSameLogin reports whether two accounts are two names of one: what goes from one to
// the other has not left.
func isSameLogin(a, b config.Account) bool {
	return strings.EqualFold(a.Host, b.Host) && a.Port == b.Port && a.Username == b.Username
}

// createAbroad makes the target of a step in another account, by the rules for
// targets of this one, or says why it has to wait, and how long.
func (c *connection) createAbroad(ctx context.Context, g *guest, name string, w *task) (reason string, wait time.Duration, err error) {
	step := w.step()
	if g.cfg.NoCreate {
		return "it does not exist, and create: false keeps imapilot from making it", c.timing.Probe, nil
	}
	if c.createdToday(step.Rule) >= createsPerDay {
		return fmt.Sprintf("rule %q created %d mailboxes in 24 h, the most it may; this one waits", step.Rule, createsPerDay), time.Hour, nil
	}
	if err := g.create(ctx, name); err != nil {
		return "", 0, c.guestFailed(g.cfg.Name, err)
	}
	g.dir.add(name)
	return "", 0, c.commit(ctx, journal.Batch{
		Created: []journal.Creation{{Rule: step.Rule, Mailbox: step.Target, At: time.Now()}},
		Events:  []journal.Event{{Kind: "created", Rule: step.Rule, Text: c.label(step.Target) + ": created by rule " + step.Rule}},
	})
}

// pausedAbroad pauses a target for an error of its account; every other error is
// returned.
func (c *connection) pausedAbroad(ctx context.Context, target string, err error) error {
	there, ok := err.(*abroadError) //nolint:errorlint // it is never wrapped
	if !ok {
		return err
	}
	return c.pauseAbroad(ctx, target, there)
}

// pauseAbroad pauses a target in another account, for as long as the error asks for.
// No message spends a try.
func (c *connection) pauseAbroad(ctx context.Context, target string, there *abroadError) error {
	wait := c.timing.Probe
	if r := reactionTo(there.err.Class); r == pauseBriefly || there.err.Class == imapsession.Connection || isGone(there.err) {
		wait = c.brief(target)
	}
	return c.pauseTarget(ctx, target, there.Error(), max(wait, there.err.RetryAfter))
}

// refusedAbroad decides what follows when another account did not take a message. A
// tagged NO to APPEND means that nothing was added (RFC 9051 section 6.3.12).
func (c *connection) refusedAbroad(ctx context.Context, group []*task, there *abroadError) error {
	e, target := there.err, group[0].step().Target
	nothing := e.Op == "APPEND" && (e.Status == "NO" || e.Status == "BAD") && !e.Unknown
	for _, w := range group {
		w.look = !nothing
	}
	c.log.Warn("refused", "action", group[0].step().Action.String(), "error", there)
	switch react := reactionTo(e.Class); {
	case e.Op != "APPEND" || react.endsConnection() || e.Status == "OK" || isGone(e):
		return c.pauseAbroad(ctx, target, there)
	case e.Code == "TOOBIG":
		return c.giveUp(ctx, group, there.Error())
	case react != pause && react != pauseBriefly:
		return c.split(ctx, group, there)
	default:
		return c.refusedByTarget(ctx, group, e, react)
	}
}

// leftAbroad tells what became of a message that was moved to another account, like
// leftItsPlace.
func (c *connection) leftAbroad(ctx context.Context, e journal.Entry) (fate, error) {
	for _, s := range e.Steps {
		if !isDone(s) || !s.Action.Kind.Spec().Destination {
			continue
		}
		w := &task{Entry: journal.Entry{Print: e.Print, Steps: []journal.Step{s}}}
		w.Print.EmailID, w.Steps[0].State = "", journal.Recorded
		found, err := c.isThere(ctx, w)
		if there, ok := err.(*abroadError); ok { //nolint:errorlint // it is never wrapped
			return untold, &imapsession.Error{Op: "EXAMINE", Subject: c.label(s.Target), Class: imapsession.Target, Err: there}
		}
		if err != nil || found {
			return present, err
		}
		return departed, nil
	}
	return untold, nil
}

// isThere reports whether a mailbox of another account holds a message that was
// carried there.
func (c *connection) isThere(ctx context.Context, w *task) (bool, error) {
	in, name, err := c.sideOf(ctx, w.step())
	if err != nil || !in.dir.exists(name) {
		return false, err
	}
	if _, err := in.sel(ctx, name); err != nil {
		if isGone(err) {
			return false, nil
		}
		return false, c.abroad(w.step().Target, err)
	}
	listed, err := in.searchAbove(ctx, max(1, w.step().TargetNext))
	if err != nil {
		return false, c.abroad(w.step().Target, err)
	}
	uids := uidsOf(listed)
	if len(uids) > maxLookedThrough {
		return true, nil
	}
	there, err := in.targetPrints(ctx, uids)
	for _, k := range withoutEmailIDs(there) {
		if sameIdentity(k.Print, w.Print) {
			return true, nil
		}
	}
	return false, c.abroad(w.step().Target, err)
}
