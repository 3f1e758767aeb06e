package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// lane is what became of the last commands into a target, or on flags of a
// mailbox. It tells a target that takes nothing from a message that it does
// not take.
type lane struct {
	accepted time.Time
	refusals int // since then
}

// maxLaneRefusals is how many messages in a row a target may refuse that takes
// others, before it is paused all the same.
const maxLaneRefusals = 3

func (l *lane) accept(now time.Time) { l.accepted, l.refusals = now, 0 }

func (a *account) laneOf(target string) *lane {
	if a.lanes == nil {
		a.lanes = map[string]*lane{}
	}
	if a.lanes[target] == nil {
		a.lanes[target] = &lane{}
	}
	return a.lanes[target]
}

// inOneCommand cuts a group to what is sent at once: a probe where the target
// is paused, one message where the lot was refused, and never more than the
// server takes.
func (c *connection) inOneCommand(group, ready []*task) []*task {
	if _, paused := c.pauses[group[0].lane()]; paused {
		return []*task{probe(group[0].lane(), ready)}
	}
	if group[0].alone || group[0].goesAlone() {
		return group[:1]
	}
	group = filter(group, func(w *task) bool { return !w.alone })
	return group[:min(len(group), c.most())]
}

// probe picks the message to try a paused target with: another one each time,
// so that one which is refused for its own sake keeps no other waiting.
func probe(target string, ready []*task) *task {
	all := filter(ready, func(w *task) bool { return w.Next() >= 0 && w.lane() == target })
	w := slices.MinFunc(all, func(a, b *task) int { return a.probed.Compare(b.probed) })
	w.probed = time.Now()
	return w
}

// most is how many messages one command may name on this connection.
func (c *connection) most() int {
	if c.batch == 0 {
		return batchSize
	}
	return c.batch
}

// shrink remembers that a command with n messages was too much.
func (c *connection) shrink(n int, e *imapsession.Error) {
	c.batch, c.unproven = max(1, n/2), true
	if e.Limit > 0 {
		c.batch = max(1, min(e.Limit, n-1))
	}
	c.log.Info("smaller batches from now on", "messages", c.batch, "error", e)
}

// refused decides what follows when the server did not accept a step, by
// reactionTo. What may have happened in part is looked at before anything is
// sent again.
func (c *connection) refused(ctx context.Context, name string, group []*task, err error) error {
	var e *imapsession.Error
	var there *abroadError
	switch {
	case errors.Is(err, actions.ErrNeedsUIDPlus):
		return c.giveUp(ctx, group, c.whyNoExpunge(err))
	case errors.Is(err, actions.ErrTooLarge):
		return c.giveUp(ctx, group, err.Error())
	case errors.As(err, &there):
		return c.refusedAbroad(ctx, group, there)
	}
	if !errors.As(err, &e) {
		return err
	}
	react := reactionTo(e.Class)
	if react.endsConnection() {
		c.broken(group, e)
		return err
	}
	c.doubt(group, e)
	delete(c.targets, group[0].step().Target)
	c.log.Warn("refused", "action", group[0].step().Action.String(), "mailbox", c.dir.config(name), "messages", len(group), "error", err)
	if e.Status == "OK" && c.partly(group, e) {
		return nil
	}
	return c.react(ctx, group, e, react)
}

func (c *connection) react(ctx context.Context, group []*task, e *imapsession.Error, react reaction) error {
	target := group[0].step().Target
	switch {
	case (react == otherWay || react == oneByOne) && c.fallBack(e):
		return nil
	case react == refresh:
		return c.refresh(ctx, group, e)
	case react == smaller && len(group) > 1:
		c.shrink(len(group), e)
		return nil
	case react != pause && react != pauseBriefly:
		return c.split(ctx, group, e)
	case (onSource(e) || journal.IsAbroad(target)) && target != "":
		// The copy is made, the original cannot be removed now: that is no
		// fault of the target, and stops no other message.
		return c.restVisibly(ctx, group, e.Error(), c.timing.Probe)
	case !onSource(e) && isGone(e) && target != "" && !c.dir.exists(target):
		return nil // an earlier command of its flight said so: it is made again
	case !onSource(e) && isGone(e) && time.Since(c.recreated[target]) > c.timing.Probe:
		// Somebody deleted it: it is made again, once in a while.
		put(&c.recreated, target, time.Now())
		c.dir.remove(target)
		return nil
	}
	return c.refusedByTarget(ctx, group, e, react)
}

// onSource reports whether a command was about the message itself, and not
// about where it goes.
func onSource(e *imapsession.Error) bool { return e.Op == "UID STORE" || e.Op == "UID EXPUNGE" }

// doubt marks what may have happened in part. A tagged NO to COPY or APPEND means that
// nothing was copied (RFC 9051 sections 6.4.7 and 6.3.12). Whatever else is refused, the look
// for the proof of a copy included, there may be a copy already.
func (c *connection) doubt(group []*task, e *imapsession.Error) {
	nothing := (e.Op == "UID COPY" || e.Op == "APPEND") && (e.Status == "NO" || e.Status == "BAD") && !e.Unknown
	for _, w := range group {
		w.look = w.step().Target != "" && !nothing
	}
}

// partly reports whether an OK that is not plain success is looked at first:
// what it did is done, and only the rest is sent again. The second time in a
// row for a message it is a refusal.
func (c *connection) partly(group []*task, e *imapsession.Error) bool {
	again := false
	for _, w := range group {
		again = again || w.partly == w.Next()+1
		w.partly = w.Next() + 1
	}
	if reactionTo(e.Class) == smaller && len(group) > 1 {
		c.shrink(len(group), e)
		return true
	}
	return !again && group[0].look
}

// broken is told of a step that the connection did not outlive. One whose step
// ends every connection would stop all others: from the second time on it goes
// alone, and after them.
func (c *connection) broken(group []*task, e *imapsession.Error) {
	wait := max(e.RetryAfter, c.timing.Again)
	if reactionTo(e.Class) == slowDown {
		c.rest(group, wait+c.timing.Again)
		return
	}
	for _, w := range group {
		if w.broke++; w.broke > 1 && e.Unknown {
			w.alone = true
			w.NextTry = time.Now().Add(min(c.timing.Again<<min(w.broke-2, 10), c.timing.Probe))
		}
	}
}

// brokeLook is told of a look that the connection did not outlive: a target that
// ends every connection must stop no other message.
func (c *connection) brokeLook(group []*task, err error) {
	var e *imapsession.Error
	if errors.As(err, &e) && reactionTo(e.Class).endsConnection() {
		c.broken(group, e)
	}
}

// refresh makes the server tell what is gone, since it does not do anything
// with messages that are (RFC 5530 section 3, EXPUNGEISSUED).
func (c *connection) refresh(ctx context.Context, group []*task, e *imapsession.Error) error {
	if group[0].refreshed {
		return c.split(ctx, group, e)
	}
	for _, w := range group {
		w.refreshed = true
	}
	return c.session.Noop(ctx)
}

// refusedByTarget pauses a target, unless it took other messages just now: then
// each is tried alone, and those that it does not take rest, visibly.
func (c *connection) refusedByTarget(ctx context.Context, group []*task, e *imapsession.Error, react reaction) error {
	target, wait := group[0].lane(), c.timing.Probe
	if react == pauseBriefly {
		wait = c.brief(target)
	}
	l := c.laneOf(target)
	if time.Since(l.accepted) < c.timing.Again {
		if len(group) > 1 {
			return c.split(ctx, group, e)
		}
		if l.refusals++; l.refusals <= maxLaneRefusals {
			return c.restVisibly(ctx, group, e.Error(), wait)
		}
	}
	return c.pauseTarget(ctx, target, reasonOf(e), wait)
}

// brief is how long a target is paused that will take messages again soon: as
// long as it has been paused already.
func (c *connection) brief(target string) time.Duration {
	p, ok := c.pauses[target]
	if !ok {
		return c.timing.Again
	}
	return min(max(time.Since(p.Since), c.timing.Again), c.timing.Probe)
}

// whyNoExpunge says what becomes of a message that cannot be expunged.
func (c *connection) whyNoExpunge(err error) string {
	if c.fallbacks.has("UIDPLUS") {
		return "the server announces UIDPLUS (RFC 4315) and refuses UID EXPUNGE, so the message stays, perhaps flagged \\Deleted; use trash instead"
	}
	return err.Error()
}

// rest lets a group wait without counting a try.
func (c *connection) rest(group []*task, d time.Duration) {
	for _, w := range group {
		w.NextTry = time.Now().Add(d)
	}
}

// restVisibly lets a group wait without counting a try, and records why.
func (c *connection) restVisibly(ctx context.Context, group []*task, reason string, d time.Duration) error {
	var entries []journal.Entry
	for _, w := range group {
		e := cloneEntry(w.Entry)
		e.Steps[e.Next()].Error, e.Reason = reason, reason
		e.NextTry = time.Now().Add(d)
		entries = append(entries, e)
	}
	return c.commit(ctx, journal.Batch{Entries: entries})
}

// split finds the message that a command was refused for: each of the group
// is sent alone. One that is refused alone has failed for its own reason.
func (c *connection) split(ctx context.Context, group []*task, cause error) error {
	if len(group) > 1 {
		for _, w := range group {
			w.alone = true
		}
		return nil
	}
	w := group[0]
	e, i := cloneEntry(w.Entry), w.Next()
	failTry(&e, i, cause.Error(), time.Now())
	return c.commit(ctx, c.closing(e))
}

// together lets the messages for a target that takes some again go in one command:
// they went alone since nobody could tell whose fault its refusals were. One that
// ended connections stays alone.
func (c *connection) together(target string) {
	for _, w := range c.open {
		if w.Next() >= 0 && w.lane() == target && w.broke < 2 {
			w.alone = false
		}
	}
}

// pauseTarget stops a target that does not take messages now: the entries stay
// open, spend no tries and go on by themselves when a probe succeeds.
func (c *connection) pauseTarget(ctx context.Context, target, reason string, d time.Duration) error {
	now := time.Now()
	p := journal.Pause{Target: target, Reason: reason, Since: now, Probe: now.Add(d)}
	if old, ok := c.pauses[target]; ok {
		p.Since = old.Since
		return c.commit(ctx, journal.Batch{Pauses: []journal.Pause{p}})
	}
	return c.commit(ctx, journal.Batch{Pauses: []journal.Pause{p}, Events: []journal.Event{{
		Kind: "paused", Mailbox: target, Text: fmt.Sprintf("%s: paused: %s", c.label(target), p.Reason)}}})
}

func reasonOf(err error) string {
	var e *imapsession.Error
	if errors.As(err, &e) && e.Text != "" {
		return strings.TrimSpace(e.Code + " " + e.Text)
	}
	return err.Error()
}
