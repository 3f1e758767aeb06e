package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// showSchedule lists the rules on a clock: when they ran, with which outcome, and
// when they run next.
func (a *app) showSchedule(ctx context.Context, cfg *config.Config, rule string) error {
	archive, err := openArchive(ctx, cfg)
	if err != nil {
		return err
	}
	defer archive.close()
	var sums []journal.AccountSummary
	if archive.db != nil {
		if sums, err = archive.db.Summary(ctx); err != nil {
			return err
		}
	}
	list := []engine.ScheduledRule{}
	for _, r := range engine.ScheduledRules(cfg, sums, time.Now()) {
		if rule == "" || r.Rule == rule {
			list = append(list, r)
		}
	}
	if a.json {
		return a.printJSON(scheduleJSON(list))
	}
	s := a.screen()
	if rule != "" && len(list) == 0 {
		s.line("", plain, fmt.Sprintf("The rule %q does not run on a clock.", rule))
	} else {
		s.schedule(list, cfg.Location, time.Now())
	}
	_, err = fmt.Fprint(a.out, s.b.String())
	return err
}

// scheduleJSON is the list as JSON, its times in UTC; --help lists its keys, which
// stay.
func scheduleJSON(list []engine.ScheduledRule) any {
	for i := range list {
		r := &list[i]
		r.Next, r.Last.Due, r.Last.Started, r.Last.Ended = r.Next.UTC(), r.Last.Due.UTC(), r.Last.Started.UTC(), r.Last.Ended.UTC()
	}
	return map[string]any{"schedule": list}
}

func (s *screen) schedule(list []engine.ScheduledRule, zone *time.Location, now time.Time) {
	if len(list) == 0 {
		s.line("", plain, "No rule runs on a clock. One with on: {cron: \"0 3 * * *\"} would, every night at 03:00.")
		return
	}
	rows := [][]string{{"RULE", "SCHEDULE", "LAST RUN", "OUTCOME", "NEXT RUN"}}
	several := false
	for _, r := range list {
		several = several || r.Account != list[0].Account
		rows = append(rows, []string{r.Rule, r.Cron, lastRun(r.Last, zone, now), runOutcome(r.Last), nextRun(r, zone, now)})
	}
	if several {
		rows[0] = append([]string{"ACCOUNT"}, rows[0]...)
		for i, r := range list {
			rows[i+1] = append([]string{r.Account}, rows[i+1]...)
		}
	}
	s.table(rows)
	s.gap()
	s.line("", plain, "Times are in "+zoneName(zone)+". By the clock they run while 'imapilot run' does.")
	s.line("", plain, "'imapilot apply --rule NAME' does the same at once, and is no run of the clock.")
}

// dayAndTime is a time for people; far away it is a day, with its year.
func dayAndTime(at time.Time, zone *time.Location, now time.Time) string {
	const clear = 300 * 24 * time.Hour
	if d := at.Sub(now).Abs(); d > clear {
		return at.In(zone).Format(time.DateOnly)
	}
	return at.In(zone).Format("01-02 15:04")
}

func lastRun(r journal.Run, zone *time.Location, now time.Time) string {
	if r.Started.IsZero() {
		return "never ran"
	}
	return dayAndTime(r.Started, zone, now)
}

// runOutcome says in a few words how a run ended.
func runOutcome(r journal.Run) string {
	switch {
	case r.Started.IsZero():
		return ""
	case r.Ended.IsZero():
		return "not ended yet; it goes on"
	}
	parts := []string{fmt.Sprintf("%d acted on", r.Acted)}
	if r.Held > 0 {
		parts = append(parts, fmt.Sprintf("%d held", r.Held))
	}
	if r.Missed > 0 {
		parts = append(parts, "also for "+count(r.Missed, "missed run"))
	}
	if r.Error != "" {
		parts = append(parts, r.Error)
	}
	return strings.Join(parts, ", ")
}

// nextRun is when a rule runs next. The clock of one that no daemon has seen yet
// begins when one does.
func nextRun(r engine.ScheduledRule, zone *time.Location, now time.Time) string {
	switch {
	case r.Next.IsZero():
		return "never"
	case !r.Next.After(now):
		return "now"
	}
	return dayAndTime(r.Next, zone, now)
}
