package config

import (
	"slices"
	"strings"
	"time"

	"imapilot/engine/config/strictyaml"
	"imapilot/engine/schedule"
	"imapilot/rules"
)

const (
	maxJitter     = day
	minRepeat     = time.Minute
	maxRepeatDays = 366
)

// trigger is what on: says of a rule.
type trigger struct {
	on    rules.Trigger
	flags []rules.Text
	// cron is the schedule as it is shown: with its zone where it has its own.
	cron string
	when RuleSchedule
}

// trigger reads what asks a rule.
func (l *loader) trigger(key, n *strictyaml.Node) trigger {
	t := trigger{on: rules.OnArrival, when: RuleSchedule{CatchUp: true}}
	if n.Kind == strictyaml.Scalar && n.Value == "arrival" {
		return t
	}
	if n.Kind != strictyaml.Mapping {
		l.problem(n, "on: is arrival, the default, or says a schedule or flags", `as in {cron: '0 3 * * *'}, or {flags: ['\Flagged']}`)
		return t
	}
	zone, before := (*time.Location)(nil), len(l.diags)
	l.mapping(n, "trigger", fields{
		"cron":     func(_, _ *strictyaml.Node) {}, // read below, when the zone is known
		"timezone": func(_, n *strictyaml.Node) { zone = l.zone(n) },
		"jitter":   func(_, n *strictyaml.Node) { l.duration(n, 0, maxJitter, &t.when.Jitter) },
		"catch_up": func(_, n *strictyaml.Node) { l.boolean(n, &t.when.CatchUp) },
		"flags":    func(_, n *strictyaml.Node) { t.flags = l.texts(n) },
	})
	switch cron, flags := n.Get("cron"), keyOf(n, "flags"); {
	case cron != nil && flags != nil:
		l.problem(flags, "a rule is asked by a schedule or by flags, not by both", "write two rules, one with cron: and one with flags:")
	case cron != nil:
		t.on = rules.OnSchedule
		l.cron(cron, zone, &t)
	case flags != nil:
		t.on = rules.OnFlags
		l.onFlags(n, before == len(l.diags), &t)
	case before == len(l.diags):
		l.problem(key, "on: says neither a schedule nor flags", `as in {cron: '0 3 * * *'}, or {flags: ['\Flagged']}; for new mail leave on: out`)
	}
	return t
}

// keyOf returns a key of a mapping, nil if it is not there.
func keyOf(n *strictyaml.Node, name string) *strictyaml.Node {
	i := slices.IndexFunc(n.Entries, func(e strictyaml.Entry) bool { return e.Key.Value == name })
	if i < 0 {
		return nil
	}
	return n.Entries[i].Key
}

// cron reads a schedule; zone is that of the configuration where it is nil.
func (l *loader) cron(n *strictyaml.Node, zone *time.Location, t *trigger) {
	if n.Kind == strictyaml.Bad || !l.str(n, &t.cron) {
		return
	}
	in := l.cfg.Location
	if zone != nil {
		in = zone
	}
	at, err := schedule.Parse(t.cron, in)
	if err != nil {
		l.problem(n, err.Error(), cronHint(t.cron, err))
		return
	}
	t.when.At = at
	if zone != nil {
		t.cron += " " + zone.String()
	}
}

// cronHint is the cure for a cron expression that was refused.
func cronHint(expr string, err error) string {
	upper := strings.ToUpper(strings.TrimSpace(expr))
	switch {
	case strings.HasPrefix(upper, "TZ=") || strings.HasPrefix(upper, "CRON_TZ="):
		return "write it beside cron:, as in {cron: '0 3 * * *', timezone: Europe/Berlin}"
	case strings.Contains(err.Error(), "never run"):
		return "name a day that its months have, as in '0 3 28 2 *'"
	case strings.HasPrefix(upper, "@EVERY"):
		return "as in '@every 90m', or five fields as in '0 3 * * *'"
	}
	return "five fields, as in '0 3 * * *', or '@daily'"
}

// onFlags checks what stands beside flags:. The flags themselves the rules check.
func (l *loader) onFlags(n *strictyaml.Node, clean bool, t *trigger) {
	if clean && len(t.flags) == 0 {
		l.problem(keyOf(n, "flags"), "flags: names no flag", `as in ['\Flagged', $Todo]`)
	}
	if len(t.flags) == 0 {
		t.flags = []rules.Text{nowhere("$None")}
	}
	for _, name := range []string{"timezone", "jitter", "catch_up"} {
		if key := keyOf(n, name); key != nil {
			l.problem(key, name+": belongs to a schedule, and flags have none", "remove it")
		}
	}
}

// repeats refuses repeat: in a rule that does not look at a message again.
func (l *loader) repeats(key *strictyaml.Node, r *rules.RuleSource) {
	if key == nil || r.On == rules.OnSchedule {
		return
	}
	r.Repeat = 0
	hint := "give the rule a schedule, as in on: {cron: '0 3 * * *'}, or remove repeat:"
	if r.On == rules.OnFlags {
		hint = "remove it: a rule on flags acts each time that one is added"
	}
	l.problem(key, "repeat: is for rules on a clock, which see a message again", hint)
}

// stopsNobody warns of stop: in a rule that is a walk of its own.
func (l *loader) stopsNobody(key *strictyaml.Node, r rules.RuleSource) {
	if key != nil && r.Stop && r.On == rules.OnSchedule {
		l.warn(key, "stop: keeps no other rule from being asked: each rule on a clock is asked by itself", "remove it")
	}
}
