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
	s.schedule(list, cfg.Location, time.Now())
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
	rows := [][]string{{"ACCOUNT", "RULE", "SCHEDULE", "LAST RUN (" + zoneName(zone) + ")", "OUTCOME", "NEXT RUN"}}
	for _, r := range list {
		rows = append(rows, []string{r.Account, r.Rule, r.Cron, lastRun(r.Last, zone), runOutcome(r.Last), nextRun(r, zone, now)})
	}
	s.table(rows)
}

const runLayout = "2006-01-02 15:04"

func lastRun(r journal.Run, zone *time.Location) string {
	if r.Started.IsZero() {
		return "never"
	}
	return r.Started.In(zone).Format(runLayout)
}

// runOutcome says in a few words how a run ended.
func runOutcome(r journal.Run) string {
	switch {
	case r.Started.IsZero():
		return ""
	case r.Ended.IsZero():
		return "under way, or cut off and to go on"
	}
	parts := []string{fmt.Sprintf("%d acted on", r.Acted)}
	if r.Held > 0 {
		parts = append(parts, fmt.Sprintf("%d held", r.Held))
	}
	if r.Missed > 0 {
		parts = append(parts, fmt.Sprintf("stood for %d missed", r.Missed))
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
		return "now, when 'imapilot run' runs"
	}
	return r.Next.In(zone).Format(runLayout)
}
