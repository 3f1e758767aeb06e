package config

import (
	"time"

	"imapilot/engine/config/strictyaml"
	"imapilot/engine/pace"
	"imapilot/engine/schedule"
)

func (l *loader) quiet(n *strictyaml.Node, out *pace.Quiet) {
	for _, item := range l.items(n) {
		var text string
		if !l.str(item, &text) {
			continue
		}
		s, err := pace.ParseSpan(text)
		if err != nil {
			l.problem(item, err.Error(), "as in '22:00-07:00', by the clock of timezone:")
			continue
		}
		*out = append(*out, s)
	}
}

func (l *loader) rates(n *strictyaml.Node, out *Pace) {
	if n.Kind != strictyaml.Mapping {
		l.problem(n, "rate_limit: does not say for what", "as in {per_rule: 10/h, per_sender: 3/24h}")
		return
	}
	l.mapping(n, "rate_limit", fields{
		"per_rule":   func(_, n *strictyaml.Node) { l.rate(n, &out.PerRule) },
		"per_sender": func(_, n *strictyaml.Node) { l.rate(n, &out.PerSender) },
	})
	if len(n.Entries) == 0 {
		l.problem(n, "rate_limit: limits nothing", "as in {per_rule: 10/h, per_sender: 3/24h}")
	}
}

func (l *loader) rate(n *strictyaml.Node, out *pace.Rate) {
	var text string
	if !l.str(n, &text) {
		return
	}
	r, err := pace.ParseRate(text)
	if err != nil {
		l.problem(n, err.Error(), "as in 10/h, 3/24h or 1/7d")
	}
	*out = r
}

// digest reads how often, as in 15m, or a schedule, as in {cron: '0 8 * * *'}.
func (l *loader) digest(n *strictyaml.Node, out *Pace) {
	expr, at := "", n
	if n.Kind == strictyaml.Mapping {
		l.mapping(n, "digest", fields{"cron": func(_, _ *strictyaml.Node) {}})
		if at = n.Get("cron"); at == nil || !l.str(at, &expr) {
			l.problem(n, "digest: says no time", "as in 15m, or {cron: '0 8 * * *'}")
			return
		}
	} else {
		every, ok := parseDuration(n.Value)
		if n.Kind != strictyaml.Scalar || !ok || every < time.Minute || every > 366*day {
			l.problem(n, "digest: this is no time from 1m to 366d", "as in 15m, or {cron: '0 8 * * *'}")
			return
		}
		expr = "@every " + every.String()
	}
	s, err := schedule.Parse(expr, l.cfg.Location)
	if err != nil {
		l.problem(at, "digest: "+err.Error(), "as in 15m, or {cron: '0 8 * * *'}")
		return
	}
	out.Digest, out.Gathers = s, true
}
