package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// applied is an apply that ended.
type applied struct {
	cfg   *config.Config
	scope engine.Scope
	job   engine.Job
	// outcomes counts the messages of this run by what became of them.
	outcomes map[journal.EntryState]int
	// nowhere is why no mailbox was looked at, though nothing failed.
	nowhere string
	// webhooks are the calls that are still to be made for the accounts of the run,
	// and goesOn says who makes them.
	webhooks int
	goesOn   string
	// earlier are the messages that were recorded before this run, and still wait.
	earlier int
}

// appliedJSON is what apply prints as JSON; --help lists its keys, which stay.
type appliedJSON struct {
	engine.Report
	DryRun   int                        `json:"dry_run"`
	Stopped  bool                       `json:"stopped"`
	Error    string                     `json:"error,omitempty"`
	Outcomes map[journal.EntryState]int `json:"outcomes"`
	Webhooks int                        `json:"webhooks_pending"`
}

// read asks the journal what was decided, or finished, since the apply began, and
// which webhooks are still to be delivered.
func (done *applied) read(ctx context.Context, w worker, began time.Time) error {
	done.outcomes = map[journal.EntryState]int{}
	for _, acc := range done.cfg.Accounts {
		if !done.covers(acc.Name) {
			continue
		}
		states, err := w.Outcomes(ctx, acc.Name, journal.TriggerApply, began)
		if err != nil {
			return err
		}
		for state, n := range states {
			done.outcomes[state] += n
		}
	}
	sums, err := w.Summary(ctx)
	for _, sum := range sums {
		if done.covers(sum.Account) {
			done.webhooks += sum.Deliveries[journal.Pending]
			done.earlier += sum.Entries[journal.Open]
		}
	}
	done.earlier = max(0, done.earlier-done.outcomes[journal.Open])
	return err
}

func (done *applied) covers(account string) bool {
	return hasAccount(done.cfg, account) && (done.scope.Account == "" || done.scope.Account == account)
}

// printApplied shows what became of an apply. The error says what did not go well.
func (a *app) printApplied(done applied, f *applyFlags) error {
	if a.json {
		out := appliedJSON{inUTC(done.job.Report), done.outcomes[journal.DryRun], done.job.Stopped, done.job.Error, done.outcomes, done.webhooks}
		return errors.Join(a.printJSON(out), done.trouble())
	}
	s := a.screen()
	s.applied(done)
	s.stillToCall(done)
	s.left(done.job.Report.Left, len(done.cfg.Accounts) > 1, nil)
	s.cost(done.job.Report.Cost)
	if commands := a.nextOfApply(done, f); len(commands) > 0 {
		s.waiting(waiting{"Next:", commands})
	}
	if _, err := fmt.Fprint(a.out, s.b.String()); err != nil {
		return err
	}
	return done.trouble()
}

// applied says in the past tense what was done.
func (s *screen) applied(done applied) {
	r := done.job.Report
	s.line(fmt.Sprintf("%s in %s looked at", count(r.Messages, "message"), mailboxCount(r.Mailboxes)), bold, "")
	if done.nowhere != "" {
		s.line("  ", plain, done.nowhere)
	}
	nothing := true
	for _, row := range []struct {
		state journal.EntryState
		color int
		text  string
	}{
		{journal.Done, green, "done"}, {journal.Held, yellow, "held by a limit"}, {journal.Failed, red, "failed; the messages stayed"},
		{journal.Unsure, red, "of which it cannot be told whether it happened"}, {journal.Open, yellow, "still waiting; they go on by themselves while 'imapilot run' runs"},
		{journal.Gone, plain, "gone before it was their turn"}, {journal.Kept, plain, "left as they are, for a rule failed on them"},
		{journal.Withdrawn, plain, "no longer wanted by a rule when it was their turn"}, {journal.DryRun, plain, "decided in dry run, which touches nothing"},
	} {
		if n := done.outcomes[row.state]; n > 0 {
			s.line(fmt.Sprintf("%8d  ", n), row.color, row.text)
			nothing = false
		}
	}
	if nothing {
		s.line("          ", plain, "nothing was done")
	}
	if done.earlier > 0 {
		s.line(fmt.Sprintf("%8d  ", done.earlier), yellow, "recorded before this run, and still waiting")
	}
}

// stillToCall says that webhooks are left, which no outcome tells: a message is done
// before its webhook is delivered.
func (s *screen) stillToCall(done applied) {
	if done.webhooks == 0 {
		return
	}
	noun := "webhooks"
	if done.webhooks == 1 {
		noun = "webhook"
	}
	s.line(fmt.Sprintf("%8d  ", done.webhooks), yellow, noun+" still to be delivered; "+done.goesOn+". 'imapilot status' shows what waits.")
}

// nextOfApply are the commands that deal with what is left.
func (a *app) nextOfApply(done applied, f *applyFlags) [][2]string {
	var out [][2]string
	if done.job.Stopped || done.job.Error != "" {
		out = append(out, [2]string{a.applyCommandLine(f.scopeFlags, 0), "goes on where this ended"})
	}
	if done.job.Error != "" && done.job.Report.Cost.RoundTrips == 0 {
		out = append(out, [2]string{a.command("doctor"), "tries the connection, and says what is wrong with it"})
	}
	if done.outcomes[journal.Held] > 0 {
		out = append(out, [2]string{a.command("confirm", "--held"), "acts on what is held"},
			[2]string{a.applyCommandLine(f.scopeFlags, mostHeld(done.job.Report)), "so does another run: it counts anew"})
	}
	if done.outcomes[journal.Failed]+done.outcomes[journal.Unsure] > 0 {
		out = append(out, [2]string{a.command("history", "--failed"), "shows what failed, and why"})
	}
	if done.outcomes[journal.Open]+done.earlier > 0 {
		out = append(out, [2]string{a.command("history", "--outcome", "open"), "shows what waits, and for what"})
	}
	return out
}

// mostHeld is the limit with which another run acts on all that is held.
func mostHeld(r engine.Report) (most int) {
	for _, rule := range r.Rules {
		most = max(most, rule.Held)
	}
	return most
}

// trouble is what did not go well, nil if nothing.
func (done applied) trouble() error {
	var errs []error
	if done.job.Error != "" {
		errs = append(errs, errors.New(done.job.Error))
	}
	if done.job.Stopped {
		errs = append(errs, errors.New("it was interrupted before its end; the next 'imapilot apply' goes on"))
	}
	if n := done.outcomes[journal.Failed] + done.outcomes[journal.Unsure]; n > 0 {
		errs = append(errs, fmt.Errorf("%s failed", count(n, "message")))
	}
	if n := len(done.job.Report.Left); n > 0 {
		errs = append(errs, fmt.Errorf("%s could not be looked at to the end", mailboxCount(n)))
	}
	return errors.Join(errs...)
}
