package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// group is the messages of one command: their next step is the same.
type group []*task

// flights returns the commands that are sent next, those of one flight in one round
// trip: each is for other messages, since each message has one next step. What needs care
// goes alone: a probe of a paused target, a message whose command was refused, and EXPUNGE.
func (c *connection) flights(ready []*task) [][]group {
	var all []group
	sendable := groups(ready)
	for _, g := range sendable {
		if !c.flies(g[0]) {
			if len(all) == 0 {
				return [][]group{{c.inOneCommand(g, slices.Concat(sendable...))}}
			}
			continue // it comes first when the others are done
		}
		all = append(all, chunks(filter(g, func(w *task) bool { return !w.alone }), c.most())...)
	}
	if c.unproven {
		all = all[:min(len(all), 1)]
	}
	return flightsOf(all)
}

// fewCommands is how many commands the last flights have.
const fewCommands = 8

// flightsOf divides commands into flights. The last ones are small: when the server is
// done, little is left to record.
func flightsOf(all []group) (out [][]group) {
	for len(all) > 0 {
		n := min(imapsession.MaxFlight(), max(fewCommands, len(all)/2), len(all), recordable(all))
		out, all = append(out, all[:n:n]), all[n:]
	}
	return out
}

// recordable is how many commands are about as many messages as are recorded at once.
func recordable(all []group) (n int) {
	for messages := 0; n < len(all) && messages < batchSize; n++ {
		messages += len(all[n])
	}
	return n
}

// chunks cuts a group to commands of so many messages. Two entries of one message
// stay in one command, which serves both.
func chunks(g group, most int) (out []group) {
	slices.SortStableFunc(g, func(a, b *task) int { return cmp.Compare(a.UID, b.UID) })
	for len(g) > 0 {
		n := min(most, len(g))
		for n < len(g) && g[n].UID == g[n-1].UID {
			n++
		}
		out, g = append(out, g[:n:n]), g[n:]
	}
	return out
}

// landed says that the messages of a group are not under way any more.
func (g group) landed() {
	for _, w := range g {
		w.flying = false
	}
}

// lookAgain says of groups that were sent that it is not known what became of them.
func lookAgain(all []group) {
	for _, g := range all {
		g.landed()
		for _, w := range g {
			w.look = true
		}
	}
}

// flies reports whether a step may be sent beside others.
func (c *connection) flies(w *task) bool {
	_, paused := c.pauses[w.lane()]
	return !paused && !w.alone && !w.goesAlone() && phaseOf(w) != actions.PhaseExpunge
}

// air is a flight that was sent and whose outcomes are not recorded yet.
type air struct {
	groups  []group
	changes *imapsession.Changing
}

// sendAll sends flights one after the other, until one of them was not taken as it
// should: what is sent then depends on what the server said.
func (c *connection) sendAll(ctx, work context.Context, name string, flights [][]group) error {
	c.disturbed = false
	for _, f := range flights {
		if ctx.Err() != nil || c.disturbed || c.isDryRun() {
			return nil
		}
		if err := c.send(work, name, f); err != nil {
			return err
		}
	}
	return nil
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
	if c.isMissing(all) && (c.air != nil || len(c.writing) > 0) {
		// What is in the air may be refused for the same reason, and memory is behind
		// what is being written: a target is made when both are settled.
		c.disturbed = true
		return c.landAir(ctx, name)
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
	return worst(c.conclusions(ctx, name, ready, nil), c.written())
}

// landAir records what became of the flight that is in the air.
func (c *connection) landAir(ctx context.Context, name string) error {
	before := c.air
	c.air = nil
	return worst(c.land(ctx, name, before), c.written())
}

// land waits for the answers to a flight, and records them.
func (c *connection) land(ctx context.Context, name string, f *air) error {
	if f == nil {
		return nil
	}
	sent := f.changes.Wait(ctx)
	return c.conclusions(ctx, name, f.groups, sent)
}

// isMissing reports whether a target of some groups does not exist.
func (c *connection) isMissing(all []group) bool {
	return slices.ContainsFunc(all, func(g group) bool { target := leadsTo(*g[0].step()); return target != "" && !c.dir.exists(target) })
}

// sendable are the groups that can be sent now: their target is there.
func (c *connection) sendable(ctx context.Context, all []group) ([]group, error) {
	var out []group
	snoozing := 0
	for _, g := range all {
		g, err := c.snoozable(ctx, g, &snoozing)
		if err != nil {
			return nil, err
		}
		if len(g) == 0 {
			continue
		}
		if reason := c.cannot(*g[0].step()); reason != "" {
			c.disturbed = true
			if err := c.giveUp(ctx, g, reason); err != nil {
				return nil, err
			}
			continue
		}
		wait, err := c.prepareTarget(ctx, g)
		if err != nil {
			return nil, err
		}
		if c.disturbed = c.disturbed || wait; !wait {
			out = append(out, g)
		}
	}
	return out, nil
}

// snoozable cuts a group that snoozes to what the account may snooze besides, and
// counts it. What is beyond fails.
func (c *connection) snoozable(ctx context.Context, g group, snoozing *int) (group, error) {
	if g[0].step().Action.Kind != actions.Snooze {
		return g, nil
	}
	beyond := c.beyondSnoozed(g, *snoozing)
	g = g[:len(g)-len(beyond)]
	*snoozing += len(g)
	if len(beyond) == 0 {
		return g, nil
	}
	c.disturbed = true
	return g, c.giveUp(ctx, beyond, fmt.Sprintf("%d messages of this account are snoozed, the most there can be", maxSnoozed))
}

// changeOf is the command of a group; a move where there is no MOVE begins with a
// copy.
func (c *connection) changeOf(g group) imapsession.Change {
	step := g[0].step()
	change := imapsession.Change{UIDs: uidsOfTasks(g), Target: step.Target, Flags: step.Action.Flags}
	switch step.Action.Kind {
	case actions.AddLabels, actions.RemoveLabels:
		return labelChange(change, step.Action)
	case actions.AddFlags:
		change.Verb, change.Op = "STORE", imap.StoreFlagsAdd
	case actions.RemoveFlags:
		change.Verb, change.Op = "STORE", imap.StoreFlagsDel
	case actions.SetFlags:
		change.Verb, change.Op = "STORE", imap.StoreFlagsSet
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
	var left error
	for i, g := range all {
		// Where the look for a copy could not come back to the mailbox, or came back
		// to another one of its name, nothing may be done to these UIDs.
		if left = c.back(ctx, name, g[0].UIDValidity); left != nil {
			lookAgain(all[i:])
			break
		}
		step := g[0].step()
		action := *step.Action
		action.Mailbox = cmp.Or(step.There, step.Target)
		mb := &mailbox{c: c, name: name, step: step.Target, tasks: g, flight: done}
		if i < len(sent) {
			mb.ahead = &sent[i]
		}
		outcomes, err := actions.Apply(ctx, mb, action, refsOf(g))
		if err != nil {
			refusals, c.disturbed = append(refusals, refusal{g, err}), true
			continue
		}
		done = append(done, landed{g, outcomes})
	}
	if err := c.settleAhead(ctx, done); err != nil {
		return err
	}
	for _, r := range refusals {
		r.group.landed()
		// Where the connection ended, that is about the first command without an
		// answer; the others are looked at like everything that was under way.
		if err := c.refused(ctx, name, r.group, r.err); err != nil {
			return err
		}
	}
	return left
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

// settleAhead records the outcomes of accepted commands in one commit. Until it is
// written their messages count as flying.
func (c *connection) settleAhead(ctx context.Context, done []landed) error {
	if len(done) == 0 {
		return nil
	}
	c.unproven = false
	return c.commitAhead(ctx, c.outcomesOf(done, true), func() {
		for _, l := range done {
			l.group.landed()
		}
	})
}

// settleAll records outcomes that were found out.
func (c *connection) settleAll(ctx context.Context, done []landed) error {
	return c.commit(ctx, c.outcomesOf(done, false))
}

func (c *connection) outcomesOf(done []landed, resume bool) journal.Batch {
	batch := journal.Batch{At: time.Now()}
	total := 0
	for _, l := range done {
		total += len(l.group)
	}
	batch.Entries = make([]journal.Entry, 0, total)
	for _, l := range done {
		c.settleGroup(&batch, l.group, l.outcomes, resume)
	}
	return batch
}
