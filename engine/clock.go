package engine

import (
	"context"
	"slices"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/schedule"
	"imapilot/rules"
)

// timer is the clock of one scheduled rule of an account.
type timer struct {
	config.RuleSchedule
	repeat time.Duration
}

// timersOf are the scheduled rules that are for an account.
func timersOf(cfg *config.Config, account string) []timer {
	var out []timer
	for _, s := range cfg.Schedules {
		rule, ok := cfg.Rules.Rule(s.Rule)
		if ok && rule.On == rules.OnSchedule && (len(rule.Accounts) == 0 || slices.Contains(rule.Accounts, account)) {
			out = append(out, timer{RuleSchedule: s, repeat: rule.Repeat})
		}
	}
	return out
}

// begins is when a run begins that is due at a time.
func (t timer) begins(account string, due time.Time) time.Time {
	return due.Add(schedule.Jitter(t.Jitter, account+"\x00"+t.Rule, due))
}

// next is when the run after the last one begins.
func (t timer) next(account string, last journal.Run) time.Time {
	due := t.At.Next(last.Due)
	if due.IsZero() {
		return due
	}
	return t.begins(account, due)
}

// clocks returns the scheduled rules in force.
func (a *account) clocks() []timer {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return a.timers
}

// firing is a run that is to begin now.
type firing struct {
	timer timer
	run   journal.Run
}

// firings returns the runs that begin now: those that are due, and those that a
// crash cut off. seen are rules whose clock begins now: what was due before a rule
// was known is not caught up.
func firings(account string, timers []timer, runs map[string]journal.Run, running map[string]bool, now time.Time, starting bool) (out []firing, seen []journal.Run) {
	for _, t := range timers {
		last, known := runs[t.Rule]
		switch {
		case running[t.Rule]:
			continue // never two at a time
		case !known:
			seen = append(seen, journal.Run{Rule: t.Rule, Due: now})
			continue
		case !last.Started.IsZero() && last.Ended.IsZero():
			out = append(out, firing{t, last})
			continue
		}
		due, missed := t.At.Due(last.Due, now)
		if due.IsZero() || now.Before(t.begins(account, due)) {
			continue
		}
		if starting && !t.CatchUp {
			last.Due = due
			seen = append(seen, last)
			continue
		}
		out = append(out, firing{t, journal.Run{Rule: t.Rule, Due: due, Started: now, Missed: missed}})
	}
	return out, seen
}

// fire begins the runs that are due.
func (c *connection) fire(ctx context.Context) error {
	now := time.Now()
	due, seen := firings(c.cfg.Name, c.clocks(), c.runs, c.runningRules(), now, !c.clocked)
	c.clocked = true
	batch := journal.Batch{At: now, Runs: seen}
	for _, f := range due {
		batch.Runs = append(batch.Runs, f.run)
	}
	if len(batch.Runs) == 0 {
		return nil
	}
	if err := c.commit(ctx, batch); err != nil {
		return err
	}
	for _, f := range due {
		p, err := c.runPass(ctx, f)
		if err != nil {
			return err
		}
		c.passes = append(c.passes, p)
	}
	return nil
}

// runDue does the runs that are due, for a process that ends then.
func (c *connection) runDue(ctx, work context.Context) error {
	if err := c.fire(work); err != nil {
		return err
	}
	for len(c.passes) > 0 && ctx.Err() == nil {
		if err := c.runPasses(ctx, work); err != nil {
			return err
		}
	}
	if err := c.apply(ctx, work); err != nil {
		return err
	}
	return c.finishOutside(ctx, work)
}

// runPass is the pass of a firing. One that was cut off goes on: what it recorded
// counts against its limit, and is not done again.
func (c *connection) runPass(ctx context.Context, f firing) (*pass, error) {
	p := newPass(walk{trigger: journal.TriggerSchedule, names: []string{f.run.Rule}, occasion: f.run.Due.UTC().Format(time.RFC3339)}, Scope{})
	p.run, p.repeat = &f.run, f.timer.repeat
	entries, err := c.journal.Entries(ctx, journal.Query{Account: c.cfg.Name, Rule: f.run.Rule, Since: f.run.Started})
	p.quota = runQuota(0, slices.DeleteFunc(entries, func(e journal.Entry) bool {
		return e.Trigger != journal.TriggerSchedule || e.Occasion != p.walk.occasion
	}))
	return p, err
}

func (c *connection) runningRules() map[string]bool {
	out := map[string]bool{}
	for _, p := range c.passes {
		if p.run != nil {
			out[p.run.Rule] = true
		}
	}
	return out
}

// nextRun is when the next scheduled rule begins, zero if none does. The clock of
// one that is not known yet is to begin now.
func (c *connection) nextRun() time.Time {
	var at time.Time
	running := c.runningRules()
	for _, t := range c.clocks() {
		last, known := c.runs[t.Rule]
		if running[t.Rule] {
			continue
		}
		if !known {
			return time.Now()
		}
		if next := t.next(c.cfg.Name, last); !next.IsZero() && (at.IsZero() || next.Before(at)) {
			at = next
		}
	}
	return at
}

// ScheduledRule is a scheduled rule of an account, for people.
type ScheduledRule struct {
	Account string      `json:"account"`
	Rule    string      `json:"rule"`
	Cron    string      `json:"cron"`
	Last    journal.Run `json:"last,omitzero"`
	// Next is when it begins next, by the clock of the last run; zero when no
	// daemon has seen the rule yet, whose clock then begins.
	Next time.Time `json:"next,omitzero"`
}

// ScheduledRules lists the scheduled rules of a configuration with what the
// journal knows of their runs.
func ScheduledRules(cfg *config.Config, sums []journal.AccountSummary, now time.Time) []ScheduledRule {
	var out []ScheduledRule
	for _, acc := range cfg.Accounts {
		runs := map[string]journal.Run{}
		for _, s := range sums {
			if s.Account == acc.Name {
				runs = runsByRule(s.Runs)
			}
		}
		for _, t := range timersOf(cfg, acc.Name) {
			rule, _ := cfg.Rules.Rule(t.Rule)
			last, known := runs[t.Rule]
			if !known {
				last.Due = now
			}
			item := ScheduledRule{Account: acc.Name, Rule: t.Rule, Cron: rule.Cron, Next: t.next(acc.Name, last)}
			if known {
				item.Last = last
			}
			out = append(out, item)
		}
	}
	return out
}

func runsByRule(runs []journal.Run) map[string]journal.Run {
	var out map[string]journal.Run
	for _, r := range runs {
		put(&out, r.Rule, r)
	}
	return out
}
