package config

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"imapilot/actions"
	"imapilot/engine/config/strictyaml"
	"imapilot/engine/schedule"
	"imapilot/rules"
)

const (
	// defaultSnooze is the mailbox of an account that does not name another one.
	defaultSnooze = "Snoozed"
	// minSnooze is for how long a message is snoozed at least.
	minSnooze = time.Minute
)

// snoozeMailbox reads where an account keeps what it snoozes.
func (l *loader) snoozeMailbox(n *strictyaml.Node, a *Account) {
	l.mapping(n, "snoozed", fields{
		"mailbox": func(_, n *strictyaml.Node) {
			if !l.filled(n, &a.Snooze) {
				return
			}
			switch message, hint := rules.CheckMailbox(a.Snooze); {
			case message != "":
				l.problem(n, message, hint)
			case strings.HasPrefix(a.Snooze, "role:") || strings.EqualFold(a.Snooze, "INBOX"):
				l.problem(n, "the snooze mailbox is one of its own", "write its name, as in Snoozed")
			}
		},
	})
}

// snooze reads a snooze: 3d, {for: 3d} or {until: monday 08:00}.
func (l *loader) snooze(kind, n *strictyaml.Node) (rules.ActionSource, bool) {
	before := len(l.diags)
	a := rules.ActionSource{Kind: l.text(kind)}
	if n.Kind != strictyaml.Mapping {
		a.Until = l.while(n)
		return a, len(l.diags) == before
	}
	l.mapping(n, "snooze", fields{
		"for":   func(_, n *strictyaml.Node) { a.Until = l.while(n) },
		"until": func(_, n *strictyaml.Node) { a.Until = l.until(n) },
	})
	if (n.Get("for") == nil) == (n.Get("until") == nil) {
		l.problem(kind, "snooze takes for: or until:, one of them", "as in {for: 3d} or {until: monday 08:00}")
	}
	return a, len(l.diags) == before
}

// while reads for how long a message is snoozed. A day is 24 hours.
func (l *loader) while(n *strictyaml.Node) *rules.Until {
	var d time.Duration
	if _, _, isTime := parseUntil(n.Value, l.zoneOr()); isTime && n.Kind == strictyaml.Scalar {
		l.problem(n, "this is a time and not a while", "write snooze: {until: "+n.Value+"}")
		return nil
	}
	if !l.duration(n, minSnooze, actions.MaxSnooze, &d) {
		return nil
	}
	loc := l.zoneOr()
	return &rules.Until{Text: l.text(n), At: func(now time.Time) time.Time { return now.Add(d).In(loc) }}
}

// until reads a time: one that comes round, or a date.
func (l *loader) until(n *strictyaml.Node) *rules.Until {
	next, date, ok := parseUntil(n.Value, l.zoneOr())
	switch {
	case n.Kind != strictyaml.Scalar || !ok:
		l.problem(n, "this is no time until which a message can be snoozed", "write it as in monday 08:00, tomorrow 08:00, '08:00' or 2026-05-08 08:00")
		return nil
	case date.IsZero():
		return &rules.Until{Text: l.text(n), Calendar: true, At: next}
	case time.Until(date) > actions.MaxSnooze:
		l.problem(n, "this is more than 366 days from now", "a message can be snoozed for at most 366 days")
		return nil
	}
	return &rules.Until{Text: l.text(n), Calendar: true, At: func(time.Time) time.Time { return date }}
}

// pastDates warns of rules that snooze until a date that has come.
func (l *loader) pastDates() {
	for _, r := range l.source.Rules {
		for _, a := range r.Then {
			if a.Until == nil || !a.Until.Calendar || a.Until.Text.Pos < 0 || a.Until.At(time.Now()).After(time.Now()) {
				continue
			}
			at := l.refs[a.Until.Text.Pos]
			l.addIn(at.file, at.node.Span(0, 0), rules.Warning, "this time is past, and nothing is snoozed until it", "write a time that comes round, as in monday 08:00")
		}
	}
}

// zoneOr is the zone of times in a configuration, which is not set where a want: is
// read by itself.
func (l *loader) zoneOr() *time.Location { return cmp.Or(l.cfg.Location, time.UTC) }

// parseUntil reads a time of the day, the next one that comes, after a day of the
// week or tomorrow where one is named; next gives it, by the rules of package
// schedule where clocks are put forward or back. Or it reads a date, which it gives
// as it is.
func parseUntil(s string, loc *time.Location) (next func(time.Time) time.Time, date time.Time, ok bool) {
	words := strings.Fields(strings.ToLower(s))
	if len(words) == 0 || len(s) > maxName {
		return nil, date, false
	}
	clock, err := time.Parse("15:04", words[len(words)-1])
	switch {
	case err != nil || len(words) > 2 || strings.ContainsAny(words[0], "-/"):
		date, ok = parseInstant(s, loc)
		return nil, date, ok
	case len(words) == 1:
		return daily(clock, "*", loc).Next, date, true
	case words[0] == "tomorrow":
		return tomorrow(clock, loc), date, true
	}
	day, known := weekday(words[0])
	if !known {
		return nil, date, false
	}
	return daily(clock, fmt.Sprint(int(day)), loc).Next, date, true
}

// daily is a time of the day on some days of the week.
func daily(clock time.Time, days string, loc *time.Location) schedule.Schedule {
	at, err := schedule.Parse(fmt.Sprintf("%d %d * * %s", clock.Minute(), clock.Hour(), days), loc)
	if err != nil {
		panic(err) // its fields are of a time
	}
	return at
}

// tomorrow is a time of the day after midnight. Where midnight is left out the day
// begins later.
func tomorrow(clock time.Time, loc *time.Location) func(time.Time) time.Time {
	midnight, at := daily(time.Time{}, "*", loc), daily(clock, "*", loc)
	return func(now time.Time) time.Time { return at.Next(midnight.Next(now).Add(-1)) }
}

// weekday reads the name of a day, or its first three letters.
func weekday(s string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name := strings.ToLower(d.String()); s == name || s == name[:3] {
			return d, true
		}
	}
	return 0, false
}

// parseInstant reads a time, in a zone unless it has its own.
func parseInstant(s string, loc *time.Location) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, s, loc); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
