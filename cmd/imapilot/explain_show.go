package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"imapilot/actions"
	"imapilot/engine"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// maxBrief is how many rules have a line each that did nothing. Where there are
// more, neighbours share one.
const maxBrief = 20

// The results of a rule.
const (
	resultMatched   = "matched"
	resultNo        = "no"
	resultError     = "error"
	resultUndecided = "undecided"
	resultNotAsked  = "not asked"
)

// resultOf is what came of a rule in one word.
func resultOf(r rules.RuleExplanation) string {
	switch {
	case r.NotAsked != "" || r.Verdict.Skipped != "":
		return resultNotAsked
	case r.Verdict.Err != nil:
		return resultError
	case r.Verdict.Truth == rules.True:
		return resultMatched
	case r.Verdict.Truth == rules.Unknown:
		return resultUndecided
	case r.Verdict.Truth == rules.False:
		return resultNo
	}
	return resultError
}

func resultColor(result string) int {
	return map[string]int{resultMatched: green, resultError: red, resultUndecided: yellow}[result]
}

// message shows what happens to a message, and why.
func (s *screen) message(e explained, f explainFlags) {
	s.heading(e)
	s.gap()
	s.outcome(e)
	s.gap()
	s.rules(e, f)
	s.leftOut(e.walk)
}

// heading says which message it is, and where and when the rules look at it.
func (s *screen) heading(e explained) {
	m, zone := e.in.Message, e.cfg.Location
	from := "unknown"
	if list := m.Header.Addresses("From"); len(list) > 0 {
		from = list[0].Address
	}
	name := cmp.Or(e.name, fmt.Sprintf("UID %d", m.UID))
	if name == "-" {
		name = "standard input"
	}
	s.line("Message:  ", bold, fmt.Sprintf("%s, %s from %s", name, rules.Show(m.Header.Subject(), zone), from))
	place := e.in.Mailbox.Name
	if e.in.Account != "" {
		place += " of account " + e.in.Account
	}
	s.line("Where:    ", bold, place)
	if text := e.walk.asked(); text != "" {
		s.line("Asked:    ", bold, text)
	}
	s.line("Received: ", bold, fmt.Sprintf("%s, looked at %s", rules.Show(m.Received, zone), rules.Show(e.in.Now, zone)))
	var flags []string
	for _, flag := range m.Flags {
		flags = append(flags, string(flag))
	}
	if len(flags) > 0 {
		s.line("Flags:    ", bold, strings.Join(flags, ", "))
	}
	if e.cfg.Rules.ReadsHistory() {
		s.line("Journal:  ", bold, "not asked; taken as "+historyText(e.in.Message.History))
	}
	if e.fetched != nil {
		s.line("Fetched:  ", bold, fetchedText(e.fetched))
	}
}

// historyText says in words what is taken for what the journal knows.
func historyText(h *facts.History) string {
	word := func(yes bool, a, b string) string {
		if yes {
			return a
		}
		return b
	}
	moved := word(h.ByUser, "moved here by hand", "not moved here by hand")
	if h.MovedFrom != "" {
		moved += " from " + h.MovedFrom
	}
	return word(h.Duplicate, "a duplicate", "no duplicate") + ", " + word(h.HasReply, "answered", "not answered") + ", " + moved + " (see --given)"
}

func fetchedText(stages []engine.FetchedStage) string {
	var parts []string
	for _, f := range stages {
		text := stageName(f.Stage)
		if f.Octets > 0 {
			text += fmt.Sprintf(" (%d octets)", f.Octets)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ") + "; no flag was set"
}

// stageName names what a stage fetches.
func stageName(s rules.Stage) string {
	switch s {
	case rules.StageHeader:
		return "header fields"
	case rules.StageHistory:
		return "what the journal knows"
	case rules.StageGmail:
		return "Gmail's labels and ids"
	case rules.StageStructure:
		return "the list of its parts"
	case rules.StageContent:
		return "parts of its body"
	case rules.StageRaw:
		return "the message as it is"
	default:
		return "flags, time and size"
	}
}

// outcome says what happens to the message, in the order of apply.
func (s *screen) outcome(e explained) {
	d := e.x.Decision
	done := d.Plan.Effective()
	switch {
	case !d.Missing.IsZero():
		s.line("Result:   ", yellow, "it cannot be told: "+undecidedText(e))
	case len(done) == 0:
		s.line("Result:   ", bold, "it stays as it is: "+whyKept(e))
	case e.rehearsal():
		s.line("Result:   ", bold, "nothing, because dry_run is on; without it"+inOrder(done))
	default:
		s.line("Result:   ", bold, "this happens to it"+inOrder(done))
	}
	if d.Missing.IsZero() {
		s.plans(d)
	}
	for _, r := range e.x.Rules {
		if resultOf(r) == resultError {
			s.line("       !  ", red, fmt.Sprintf("rule %q fails on this message and does nothing", r.Rule.Name))
		}
	}
}

// plans shows what is done, what is not because of something else, and what is
// only noted.
func (s *screen) plans(d rules.Decision) {
	for i, item := range d.Plan.Effective() {
		s.line(fmt.Sprintf("      %2d. ", i+1), plain, byRule(item))
	}
	for _, item := range slices.Concat(d.Plan.Items, d.Dry.Items) {
		if item.SupersededBy != "" {
			s.line("       -  ", plain, byRule(item)+", is not done: "+superseded(item))
		}
	}
	for _, item := range d.Dry.Effective() {
		s.line("       -  ", plain, byRule(item)+", is only noted: that rule is in dry run")
	}
}

func inOrder(items []actions.Item) string {
	if len(items) > 1 {
		return ", in this order:"
	}
	return ":"
}

func byRule(i actions.Item) string { return fmt.Sprintf("%s, by rule %q", i.Action, i.Rule) }

// superseded says why an action is not done.
func superseded(i actions.Item) string {
	switch spec := i.Action.Kind.Spec(); {
	case i.SupersededBy == i.Rule:
		return "the same rule does the like already"
	case spec.Destination:
		return fmt.Sprintf("%q takes the message away already", i.SupersededBy)
	case spec.Phase == actions.PhaseCopy:
		return fmt.Sprintf("%q copies it there already", i.SupersededBy)
	default:
		return fmt.Sprintf("%q changes the same flags back later", i.SupersededBy)
	}
}

// undecidedText names the first rule that cannot be decided.
func undecidedText(e explained) string {
	for _, r := range e.x.Rules {
		if resultOf(r) == resultUndecided {
			return fmt.Sprintf("rule %q depends on something that is not known", r.Rule.Name)
		}
	}
	return "something is not known"
}

// whyKept says why nothing happens.
func whyKept(e explained) string {
	asked := false
	for _, r := range e.x.Rules {
		switch result := resultOf(r); {
		case result == resultMatched:
			return "the rules that matched do nothing more"
		case r.Verdict.Skipped != "":
			return r.Verdict.Skipped
		case result != resultNotAsked:
			asked = true
		}
	}
	if !asked && len(e.walk.leftOut) > 0 {
		return fmt.Sprintf("no rule looks at mail that arrives in %s", e.in.Mailbox.Name)
	}
	if !asked {
		return fmt.Sprintf("no rule looks at %s", e.in.Mailbox.Name)
	}
	return "no rule matched"
}

// rules shows every rule in order, whole or on a line.
func (s *screen) rules(e explained, f explainFlags) {
	list := slices.DeleteFunc(slices.Clone(e.x.Rules), func(r rules.RuleExplanation) bool { return f.rule != "" && r.Rule.Name != f.rule })
	whole := func(r rules.RuleExplanation) bool {
		result := resultOf(r)
		if f.all || f.rule != "" {
			return r.Condition != nil && r.Verdict.Skipped == ""
		}
		return result != resultNotAsked && result != resultNo
	}
	short := 0
	for _, r := range list {
		if !whole(r) {
			short++
		}
	}
	marked, shortened := false, false
	for i := 0; i < len(list); i++ {
		if whole(list[i]) {
			s.wholeRule(e, list[i])
			marked = true
			continue
		}
		n := alike(list[i:], whole)
		if short <= maxBrief || n < 3 || f.all {
			n = 1
		}
		s.briefRules(e, list[i:i+n])
		shortened = shortened || resultOf(list[i]) == resultNo
		i += n - 1
	}
	s.legend(marked, shortened)
}

// alike counts how many rules from the first on have the same result.
func alike(list []rules.RuleExplanation, whole func(rules.RuleExplanation) bool) int {
	n := 1
	for n < len(list) && !whole(list[n]) && resultOf(list[n]) == resultOf(list[0]) {
		n++
	}
	return n
}

func (s *screen) legend(marked, shortened bool) {
	if marked || shortened {
		s.gap()
	}
	if marked {
		s.line(decidedMark+" ", plain, "marks what decided: another value of it could change what the rule says.")
	}
	if shortened {
		s.line("", plain, "Rules that said no are cut short: --all or --rule NAME shows them whole.")
	}
}

// briefRules shows rules on one line, or what a line has room for.
func (s *screen) briefRules(e explained, list []rules.RuleExplanation) {
	result, r := resultOf(list[0]), list[0]
	prefix := fmt.Sprintf("%-11s", result)
	switch {
	case len(list) > 1:
		s.line(prefix, resultColor(result), fmt.Sprintf("%d rules, from %q to %q", len(list), r.Rule.Name, list[len(list)-1].Rule.Name))
	case result == resultNotAsked:
		s.line(prefix, plain, r.Rule.Name+": "+notAsked(e, r))
	default:
		text := r.Rule.Name
		if parts := deciding(r.Condition); len(parts) > 0 {
			text += ": " + s.tree(e).brief(parts[0])
			if len(parts) > 1 {
				text += "; and " + count(len(parts)-1, "other part")
			}
		}
		s.line(prefix, plain, text)
	}
}

func (s *screen) tree(e explained) tree {
	return tree{screen: s, message: e.in.Message, fetched: e.fetched, limit: e.cfg.BodyLimit, settled: e.x.Decision.Missing.IsZero()}
}

// notAsked says why a rule was not asked.
func notAsked(e explained, r rules.RuleExplanation) string {
	looks := slices.ContainsFunc(r.Rule.In, e.in.Mailbox.Match)
	switch {
	case r.Verdict.Skipped != "":
		return r.Verdict.Skipped
	case len(r.Rule.Accounts) > 0 && !slices.Contains(r.Rule.Accounts, e.in.Account):
		return "it is for " + strings.Join(r.Rule.Accounts, ", ") + " only"
	case !looks:
		return "it looks only at " + strings.Join(r.Rule.In, ", ")
	case e.x.Decision.StoppedBy != "":
		return fmt.Sprintf("%q %s, and says stop", e.x.Decision.StoppedBy, stopWord(e))
	}
	for _, above := range e.x.Rules {
		result := resultOf(above)
		switch {
		case above.Rule.Name == r.Rule.Name:
			return "a rule above it stopped"
		case above.Rule.Stop && result == resultUndecided:
			return fmt.Sprintf("%q above it says stop, and is undecided", above.Rule.Name)
		case above.Rule.Stop && above.Rule.DryRun && result == resultMatched && r.Rule.DryRun:
			return fmt.Sprintf("%q above it matched, says stop, and is in dry run as well", above.Rule.Name)
		}
	}
	return "a rule above it stopped"
}

// stopWord says what the rule did that stopped the walk.
func stopWord(e explained) string {
	for _, r := range e.x.Rules {
		if r.Rule.Name == e.x.Decision.StoppedBy && resultOf(r) == resultError {
			return "could not be worked out"
		}
	}
	return "matched"
}

// wholeRule shows one rule with its condition and its actions.
func (s *screen) wholeRule(e explained, r rules.RuleExplanation) {
	result := resultOf(r)
	name := r.Rule.Name
	if r.Rule.DryRun {
		name += " (in dry run: what it does is only noted)"
	}
	if result == resultNotAsked {
		name += ": " + notAsked(e, r) + "; by itself it would say:"
	}
	s.line(fmt.Sprintf("%-11s", result), resultColor(result), name)
	s.tree(e).part(r.Condition, 0)
	if r.Verdict.Err != nil && r.Condition.Truth != rules.ErrorTruth {
		s.line("     error   ", red, r.Verdict.Err.Error())
	}
	if result == resultUndecided && r.Condition.Truth == rules.True {
		s.line("     unknown ", yellow, "an action needs what is not known here")
	}
	if result == resultMatched {
		s.ruleActions(r)
	}
}

// ruleActions shows what a rule that matched asks for.
func (s *screen) ruleActions(r rules.RuleExplanation) {
	for i, then := range r.Rule.Then {
		at := slices.IndexFunc(r.Items, func(item actions.Item) bool { return item.Index == i })
		text := then + " (nothing to do: the message is there already)"
		if at >= 0 {
			item := r.Items[at]
			text = actionText(item.Action)
			if item.SupersededBy != "" {
				text += " (not done: " + superseded(item) + ")"
			}
		}
		s.line("     then    ", bold, text)
	}
	if r.Rule.Stop {
		s.line("     stop    ", bold, "no rule below this one is asked")
	}
}
