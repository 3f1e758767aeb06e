package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// RuleReport tells what a rule costs: what it reads, in which stages, and
// what of its condition a server can answer.
type RuleReport struct {
	Rule  Rule
	Needs Needs
	// Includes is what is fetched besides of a message that it calls a webhook for.
	Includes Needs
	// Reads are the facts that it names, sorted.
	Reads []string
	// Stages are those that it may come to, in order.
	Stages []Stage
	// SearchKey is the key of RFC 9051 section 6.4.4 that every message matches
	// on which the rule could act, "ALL" if there is none that excludes any.
	SearchKey string
	// Unpushed are the parts of the condition that the key lacks.
	Unpushed []Unpushed
}

// Unpushed is a part of a condition that no server is asked about, and why.
type Unpushed struct{ Text, Why string }

// Report describes every rule for servers of one kind at one moment.
func (rs *Ruleset) Report(now time.Time, profile SearchProfile) []RuleReport {
	out := make([]RuleReport, len(rs.rules))
	for i := range rs.rules {
		r := &rs.rules[i]
		out[i] = RuleReport{Rule: r.Rule, Needs: r.needs, Includes: r.draft.includes(), Reads: plainNames(r.facts), Stages: rs.stagesOf(r), SearchKey: printKey(r.searchKey(profile).criteria(binding{now, profile}))}
		r.condition.leaves(func(leaf int) {
			p := rs.leaves[leaf]
			if why := p.unpushed(profile, rs); why != "" {
				out[i].Unpushed = append(out[i].Unpushed, Unpushed{p.text, why})
			}
		})
	}
	return out
}

func (rs *Ruleset) stagesOf(r *compiledRule) []Stage {
	stages := []Stage{StageFlags}
	if r.needs.Gmail {
		stages = append(stages, StageGmail)
	}
	for _, name := range r.facts {
		n := rs.builder.lang.newFact(name).needs
		if stage := n.Stage(); stage == StageContent {
			stages = append(stages, StageStructure, StageContent)
		} else {
			stages = append(stages, stage)
		}
	}
	slices.Sort(stages)
	return slices.Compact(stages)
}

// plainNames are the names of facts as users write them.
func plainNames(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.TrimSuffix(name, "~")
		for _, call := range []string{"header", "headers"} {
			if field, ok := strings.CutPrefix(out[i], call+"."); ok {
				out[i] = fmt.Sprintf("%s(%q)", call, field)
			}
		}
	}
	return sortedSet(out)
}

// unpushed is why a part has no key, "" if it has one.
func (p *program) unpushed(profile SearchProfile, rs *Ruleset) string {
	switch {
	case p.key.over.without(!profile.Text).op != keyAll:
		return ""
	case p.key.over.op != keyAll:
		return "this server may not find parts of words"
	case len(p.facts) == 0:
		return "it reads nothing of the message"
	}
	return whyUnpushed(rs.facts[p.facts[0]])
}

func whyUnpushed(f fact) string {
	name := strings.TrimSuffix(f.name, "~")
	switch f.needs.Stage() {
	case StageHistory:
		return "only the journal knows it"
	case StageGmail:
		return "only Gmail knows it, which search: can ask in its own words"
	case StageStructure:
		return "SEARCH has no key for it"
	case StageContent:
		return "servers differ in how they search bodies"
	case StageHeader:
		return "servers differ in how they search this"
	}
	if name == "mailbox" || name == "account" {
		return "it is one for the whole mailbox"
	}
	return "SEARCH cannot ask it in this form"
}

// printKey prints criteria as they stand in a command.
func printKey(c *imap.SearchCriteria) string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, f := range c.Flag {
		add("%s", flagWord(f, ""))
	}
	for _, f := range c.NotFlag {
		add("%s", flagWord(f, "UN"))
	}
	if c.Larger > 0 {
		add("LARGER %d", c.Larger)
	}
	if c.Smaller > 0 {
		add("SMALLER %d", c.Smaller)
	}
	if !c.Since.IsZero() {
		add("SINCE %s", c.Since.Format("2-Jan-2006"))
	}
	if !c.Before.IsZero() {
		add("BEFORE %s", c.Before.Format("2-Jan-2006"))
	}
	for _, h := range c.Header {
		add("%s %q", h.Key, h.Value)
	}
	for i := range c.Not {
		add("NOT (%s)", printKey(&c.Not[i]))
	}
	for _, or := range c.Or {
		add("OR (%s) (%s)", printKey(&or[0]), printKey(&or[1]))
	}
	if len(out) == 0 {
		return "ALL"
	}
	return strings.Join(out, " ")
}

// flagWord is the key of a flag: "SEEN", "UNSEEN", "KEYWORD $Invoice".
func flagWord(f imap.Flag, un string) string {
	if name, isSystem := strings.CutPrefix(string(f), `\`); isSystem {
		return un + strings.ToUpper(name)
	}
	return un + "KEYWORD " + string(f)
}
