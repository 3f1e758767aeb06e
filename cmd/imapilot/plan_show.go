package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/rules"
)

// maxActionsShown is how many actions of a rule are shown, the most frequent.
const maxActionsShown = 8

// maxNameShown is how many columns the name of a rule takes at most.
const maxNameShown = 40

// printPlan shows a plan, and what to run next.
func (a *app) printPlan(p *planned, f *planFlags) error {
	s := a.screen()
	if f.all {
		s.gap()
	}
	s.plannedMail(p)
	s.cost(p.report.Cost)
	a.nextAfterPlan(s, p, f)
	_, err := fmt.Fprint(a.out, s.b.String())
	return err
}

// nextAfterPlan says what to run next: an apply, or what mends that of which it would fail.
func (a *app) nextAfterPlan(s *screen, p *planned, f *planFlags) {
	if failed := failedTests(p.cfg); failed != "" {
		s.line("An apply refuses this: ", yellow, failed)
		s.waiting(waiting{"Next:", [][2]string{{a.command("test"), "shows what is wrong"}}})
		return
	}
	s.nextOfPlan(p, func(most int) string { return a.applyCommandLine(f.scopeFlags, most) })
	if p.trouble() != nil && p.report.Cost.RoundTrips == 0 {
		s.waiting(waiting{"Next:", [][2]string{{a.command("doctor"), "tries the connection, and says what is wrong with it"}}})
	}
}

// plannedMail shows what a plan would do.
func (s *screen) plannedMail(p *planned) {
	s.counts(p)
	s.askedOfAll(p)
	several := len(p.accounts) > 1
	for _, r := range p.report.Rules {
		s.gap()
		s.ruleOutcome(r, several, p.cfg.Location)
	}
	s.left(p.report.Left, several, p.accounts)
}

// counts shows how many messages have which outcome.
func (s *screen) counts(p *planned) {
	r := p.report
	s.line(fmt.Sprintf("%s in %s looked at", count(r.Messages, "message"), mailboxCount(r.Mailboxes)), bold, "")
	if p.nowhere != "" {
		s.line("  ", plain, p.nowhere)
	}
	// A message that an earlier run has yet to finish may be one of a dry run, too.
	rest := max(0, r.Messages-r.Acted-r.Held-p.tally.dry-r.Unreadable-r.Unfinished)
	for _, row := range []struct {
		n    int
		text string
	}{
		{r.Acted, "acted on"}, {r.Waiting, "of these wait for mailboxes that cannot be made at once"}, {r.Held, "held by a limit"}, {p.tally.dry, "acted on only by rules in dry run, which touch nothing"},
		{r.Unfinished, "recorded and not finished; the daemon, or the next apply, goes on"},
		{rest, "left as they are"}, {r.Unreadable, "that could not be fetched"},
	} {
		if row.n > 0 {
			s.line(fmt.Sprintf("%8d  ", row.n), plain, row.text)
		}
	}
	if len(p.accounts) < 2 {
		return
	}
	rows := [][]string{{"ACCOUNT", "MESSAGES", "ACTED ON", "HELD"}}
	for _, acc := range p.accounts {
		rows = append(rows, []string{acc.Account, fmt.Sprint(acc.Messages), fmt.Sprint(acc.Acted), fmt.Sprint(acc.Held)})
	}
	s.gap()
	s.table(rows)
}

// askedOfAll says of which rules for flags a plan is: it asks them about mail of
// which no flag was added, which is not what they were written for.
func (s *screen) askedOfAll(p *planned) {
	first := true
	for _, r := range p.cfg.Rules.Rules() {
		if r.On != rules.OnFlags || !slices.Contains(p.scope.Rules, r.Name) {
			continue
		}
		if first {
			s.gap()
		}
		first = false
		s.line(cutCells(visible(r.Name), maxNameShown)+": ", yellow, fmt.Sprintf("normally asked only when %s is added; this run asks it of all mail, with it or without",
			strings.Join(flagWords(r.Flags), " or ")))
	}
}

func mailboxCount(n int) string {
	if n == 1 {
		return "1 mailbox"
	}
	return fmt.Sprintf("%d mailboxes", n)
}

// ruleOutcome shows the part of one rule.
func (s *screen) ruleOutcome(r engine.RuleOutcome, several bool, zone *time.Location) {
	name := cutCells(visible(r.Rule), maxNameShown)
	if several {
		name += " (" + r.Account + ")"
	}
	if r.DryRun {
		name += ", in dry run"
	}
	s.line(name+": ", bold, count(r.Acted, "message"))
	s.actions(r.Actions)
	for i, e := range r.Examples {
		s.b.WriteString(labelled(i, "as in") + exampleLine(e, zone, s.width-labelWidth-2) + "\n")
	}
	if r.Waiting > 0 {
		s.field("waits", count(r.Waiting, "message")+": "+r.WaitingBecause)
	}
	if r.Held > 0 {
		s.field("held", count(r.Held, "message")+": "+heldText(r.HeldBecause))
	}
	if r.Unfinished > 0 {
		s.field("unfinished", count(r.Unfinished, "message")+", recorded before")
	}
	if before := r.Before - r.Unfinished; before > 0 {
		s.field("left alone", count(before, "message")+", for it acted on them before; --again does not ask that")
	}
	if r.Failed > 0 {
		s.field("failed", fmt.Sprintf("on %s, which it leaves alone: %s", count(r.Failed, "message"), r.Error))
	}
}

func heldText(why string) string {
	if strings.HasPrefix(why, "limit reached") {
		return why + "; --max raises that for one run"
	}
	return why
}

// labelled is the beginning of a line in a list; only the first has the label.
func labelled(i int, label string) string {
	if i > 0 {
		label = ""
	}
	return fmt.Sprintf("  %-*s", labelWidth, label)
}

func (s *screen) actions(all []engine.ActionOutcome) {
	for i, act := range all[:min(len(all), maxActionsShown)] {
		s.line(labelled(i, "does")+fmt.Sprintf("%6d  ", act.Messages), plain, act.Action)
	}
	if more := len(all) - maxActionsShown; more > 0 {
		s.line(labelled(1, ""), plain, fmt.Sprintf("        and %s", count(more, "other")))
	}
}

// exampleLine is one message on a line of so many columns.
func exampleLine(e engine.Example, zone *time.Location, width int) string {
	const date, from = 10, 22
	line := padCells(e.Received.In(zone).Format(time.DateOnly), date) + "  " + padCells(visible(senderOf(e.From)), from) + "  "
	return strings.TrimRight(line+cutCells(visible(e.Subject), width-cellsOf(line)), " ")
}

// padCells makes a text take just so many columns.
func padCells(s string, n int) string {
	s = cutCells(s, n)
	return s + strings.Repeat(" ", n-cellsOf(s))
}

// left shows what could not be looked at.
func (s *screen) left(all []engine.LeftMailbox, several bool, accounts []accountPlan) {
	var lines []string
	for _, l := range all {
		place := l.Mailbox
		if several {
			place += " of " + l.Account
		}
		lines = append(lines, place+": "+l.Why)
	}
	for _, acc := range accounts {
		if acc.Error != "" {
			lines = append(lines, acc.Error)
		}
	}
	if len(lines) == 0 {
		return
	}
	s.gap()
	s.line("Not looked at, or not to the end:", red, "")
	for _, line := range lines {
		s.line("  ", plain, line)
	}
}

// cost shows what a run took.
func (s *screen) cost(c engine.Cost) {
	s.gap()
	s.line("", plain, fmt.Sprintf("It took %s, %s, %s and %s received.", tookText(c.Took),
		count(int(c.RoundTrips), "round trip"), count(int(c.Commands), "command"), sizeOf(c.Received)))
}

// tookText is a length of time for people.
func tookText(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// applyCommandLine is the command that applies a scope, with another limit where
// most is not 0.
func (a *app) applyCommandLine(f scopeFlags, most int) string {
	f.max = cmp.Or(most, f.max)
	return a.command(append([]string{"apply"}, f.said()...)...)
}

// nextOfPlan shows the commands that do what was planned, with a limit or, for 0,
// without. Of mail that could not be looked at nobody knows what is to be done.
func (s *screen) nextOfPlan(p *planned, apply func(most int) string) {
	if p.toDo() == 0 {
		if p.trouble() != nil {
			return
		}
		s.line("", plain, "An apply of this would "+nothingToDo(p)+".")
		return
	}
	var commands [][2]string
	if p.report.Acted > 0 {
		commands = append(commands, [2]string{apply(0), "does this, after it has asked"})
	} else if p.report.Unfinished > 0 {
		commands = append(commands, [2]string{apply(0), "goes on with what was recorded"})
	}
	if enough := p.tally.enough(); p.report.Held > 0 && enough > p.scope.Max {
		commands = append(commands, [2]string{apply(enough), "does what is held, too"})
	}
	s.waiting(waiting{"Next:", commands})
}

// toDo counts the messages of which there is something to ask: to act on them, to
// raise the limit that holds them, or to finish what was recorded.
func (p *planned) toDo() int { return p.report.Acted + p.report.Held + p.report.Unfinished }

// nothingToDo says why an apply would do nothing.
func nothingToDo(p *planned) string {
	if p.tally.dry > 0 && isDry(p.cfg, p.scope.Account) {
		return "touch nothing, for dry_run is on"
	}
	return "do nothing"
}

// isDry reports whether dry_run is on for all that is looked at.
func isDry(cfg *config.Config, account string) bool {
	for _, acc := range cfg.Accounts {
		if (account == "" || account == acc.Name) && !acc.DryRun {
			return cfg.DryRun
		}
	}
	return true
}
