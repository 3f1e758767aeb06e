package engine

import (
	"context"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// group is the messages of one command: their next step is the same.
type group []*task

// flight returns the commands that are sent now, in one round trip where that is
// safe: those of the earliest phase, each for other messages, since each message
// has one next step. What needs care goes alone: a probe of a paused target, a
// message whose command was refused, and EXPUNGE.
func (c *connection) flight(ready []*task) []group {
	var out []group
	for _, g := range groups(ready) {
		if !c.flies(g[0]) {
			if len(out) == 0 {
				return []group{c.inOneCommand(g, ready)}
			}
			continue // it comes first when the others are done
		}
		for chunk := range slices.Chunk(filter(g, func(w *task) bool { return !w.alone }), c.most()) {
			if len(out) == imapsession.MaxFlight() || c.unproven && len(out) == 1 {
				return out
			}
			out = append(out, chunk)
		}
	}
	return out
}

// groups divides the tasks of the earliest phase by their commands, in the order
// in which these come first.
func groups(ready []*task) []group {
	first := phaseOf(slices.MinFunc(ready, func(a, b *task) int { return int(phaseOf(a)) - int(phaseOf(b)) }))
	var out []group
	at := map[string]int{}
	for _, w := range ready {
		if phaseOf(w) != first {
			continue
		}
		key := w.step().Target + "\x00" + w.step().Action.String()
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], w)
	}
	return out
}

func phaseOf(w *task) actions.Phase { return w.step().Action.Kind.Spec().Phase }

// flies reports whether a step may be sent beside others.
func (c *connection) flies(w *task) bool {
	_, paused := c.pauses[w.lane()]
	return !paused && !w.alone && phaseOf(w) != actions.PhaseExpunge
}

// air is a flight that was sent and whose outcomes are not recorded yet.
type air struct {
	groups  []group
	changes *imapsession.Changing
}

// send sends a flight, and while the server is at work on it records what became of
// the one before. What needs care is sent by itself, and waited for.
func (c *connection) send(ctx context.Context, name string, all []group) error {
	if c.unproven || len(all) == 1 && !c.flies(all[0][0]) {
		if err := c.landAir(ctx, name); err != nil {
			return err
		}
		return c.sendAlone(ctx, name, all[:1])
	}
	ready, err := c.sendable(ctx, all)
	if err != nil || len(ready) == 0 {
		return err
	}
	changes := make([]imapsession.Change, len(ready))
	for i, g := range ready {
		changes[i] = c.changeOf(g)
		for _, w := range g {
			w.flying = true
		}
	}
	before := c.air
	c.air = &air{ready, c.session.ChangeAhead(ctx, changes)}
	return c.land(ctx, name, before)
}

// sendAlone performs one step for one group.
func (c *connection) sendAlone(ctx context.Context, name string, all []group) error {
	ready, err := c.sendable(ctx, all)
	if err != nil || len(ready) == 0 {
		return err
	}
	return c.conclusions(ctx, name, ready, nil)
}

// landAir records what became of the flight that is in the air.
func (c *connection) landAir(ctx context.Context, name string) error {
	before := c.air
	c.air = nil
	return c.land(ctx, name, before)
}

// land waits for the answers to a flight, and records them.
func (c *connection) land(ctx context.Context, name string, f *air) error {
	if f == nil {
		return nil
	}
	sent := f.changes.Wait(ctx)
	for _, g := range f.groups {
		for _, w := range g {
			w.flying = false
		}
	}
	return c.conclusions(ctx, name, f.groups, sent)
}

// sendable are the groups that can be sent now: their target is there.
func (c *connection) sendable(ctx context.Context, all []group) ([]group, error) {
	var out []group
	for _, g := range all {
		if reason := c.cannot(*g[0].step()); reason != "" {
			if err := c.giveUp(ctx, g, reason); err != nil {
				return nil, err
			}
			continue
		}
		wait, err := c.prepareTarget(ctx, g)
		if err != nil {
			return nil, err
		}
		if !wait {
			out = append(out, g)
		}
	}
	return out, nil
}

// changeOf is the command of a group; a move where there is no MOVE begins with a
// copy.
func (c *connection) changeOf(g group) imapsession.Change {
	step := g[0].step()
	change := imapsession.Change{UIDs: uidsOfTasks(g), Target: step.Target, Flags: step.Action.Flags}
	switch step.Action.Kind {
	case actions.AddFlags:
		change.Verb, change.Op = "STORE", imap.StoreFlagsAdd
	case actions.RemoveFlags:
		change.Verb, change.Op = "STORE", imap.StoreFlagsDel
	case actions.Copy:
		change.Verb = "COPY"
	default:
		change.Verb = "COPY"
		if c.session.Capabilities().Move {
			change.Verb = "MOVE"
		}
	}
	return change
}

func uidsOfTasks(g group) imap.UIDSet {
	uids := make([]imap.UID, len(g))
	for i, w := range g {
		uids[i] = w.UID
	}
	return setOf(uids)
}

// conclusions records what became of the commands of some groups: all that was done in
// one commit, and then each refusal. sent are the answers to those that were sent
// ahead; the others are sent now.
func (c *connection) conclusions(ctx context.Context, name string, all []group, sent []imapsession.Changed) error {
	var done []landed
	var refusals []refusal
	for i, g := range all {
		step := g[0].step()
		action := step.Action
		action.Mailbox = step.Target
		mb := &mailbox{c: c, name: name, step: step.Target}
		if i < len(sent) {
			mb.ahead = &sent[i]
		}
		outcomes, err := actions.Apply(ctx, mb, action, refsOf(g))
		if err != nil {
			refusals = append(refusals, refusal{g, err})
			continue
		}
		done = append(done, landed{g, outcomes})
	}
	if err := c.settleAll(ctx, done, true); err != nil {
		return err
	}
	for _, r := range refusals {
		// Where the connection ended, that is about the first command without an
		// answer; the others are looked at like everything that was under way.
		if err := c.refused(ctx, name, r.group, r.err); err != nil {
			return err
		}
	}
	return nil
}

type refusal struct {
	group group
	err   error
}

// landed is a group whose command was accepted, and what it did.
type landed struct {
	group    group
	outcomes []actions.Outcome
}

// settleAll records the outcomes of accepted commands in one commit.
func (c *connection) settleAll(ctx context.Context, done []landed, resume bool) error {
	if len(done) == 0 {
		return nil
	}
	if resume {
		c.unproven = false
	}
	batch := journal.Batch{At: time.Now()}
	for _, l := range done {
		c.settleGroup(&batch, l.group, l.outcomes, resume)
	}
	return c.commit(ctx, batch)
}
