package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/schedule"
	"imapilot/rules"
)

// scheduled is a configuration with rules on a clock, by name.
func scheduled(t *testing.T, clocks ...[2]string) *config.Config {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{Path: "imapilot.yaml", State: "state.db", Location: zone, Accounts: []config.Account{{Name: "home"}}}
	src := rules.Source{Accounts: []rules.AccountSource{{Name: "home"}}, Location: zone}
	for _, c := range clocks {
		src.Rules = append(src.Rules, rules.RuleSource{
			Name: rules.Text{Value: c[0]}, If: rules.Text{Value: "seen"}, On: rules.OnSchedule, Cron: c[1],
			Then: []rules.ActionSource{{Kind: rules.Text{Value: "trash"}}},
		})
		at, err := schedule.Parse(c[1], zone)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Schedules = append(cfg.Schedules, config.RuleSchedule{Rule: c[0], At: at, CatchUp: true})
	}
	var problems []rules.Problem
	if cfg.Rules, problems = rules.Compile(src); cfg.Rules == nil {
		t.Fatal(problems)
	}
	return cfg
}

// runsOfEachKind are the last runs of rules: one that went well, one that failed,
// one that was cut off, and one of a rule that never ran.
func runsOfEachKind() []journal.Run {
	at := func(ago time.Duration) time.Time { return atHistory(ago) }
	return []journal.Run{
		{Rule: "old promotions", Due: at(22 * time.Hour), Started: at(22 * time.Hour), Ended: at(21 * time.Hour), Looked: 900, Acted: 12, Held: 3},
		{Rule: "junk", Due: at(3 * time.Hour), Started: at(3 * time.Hour), Ended: at(3 * time.Hour), Missed: 2, Error: "Junk: NO [NOPERM] you may not look"},
		{Rule: "archive", Due: at(time.Hour), Started: at(time.Hour)},
		{Rule: "yearly", Due: at(-300 * time.Hour)},
	}
}

func TestScheduleGolden(t *testing.T) {
	path, err := filepath.Abs("testdata/plan/schedule.golden")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		t.Chdir(t.TempDir())
		recordIn(t, "home", journal.Batch{Runs: runsOfEachKind()})
		cfg := scheduled(t, [2]string{"old promotions", "0 3 * * *"}, [2]string{"junk", "@every 6h"}, [2]string{"archive", "*/15 8-18 * * 1-5"},
			[2]string{"yearly", "0 0 1 1 *"}, [2]string{"new", "@daily"})
		out := &strings.Builder{}
		if err := (&app{out: out}).showSchedule(t.Context(), cfg, ""); err != nil {
			t.Fatal(err)
		}
		golden(t, path, out.String())
		fitsCells(t, out.String(), screenWidth)
		understood(t, out.String())
		for _, want := range []string{"12 acted on", "3 held", "also", "NOPERM", "not ended yet;", "never", "01-02 00:00", "*/15 8-18 * * 1-5", "never ran", "2001-01-01", "Europe/Berlin"} {
			if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) && !strings.Contains(out.String(), want) {
				t.Errorf("it does not say %q:\n%s", want, out)
			}
		}
	})
}

// TestScheduleJSON: times are in UTC, and only the rule that was asked for is there.
func TestScheduleJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Chdir(t.TempDir())
		recordIn(t, "home", journal.Batch{Runs: runsOfEachKind()})
		cfg := scheduled(t, [2]string{"old promotions", "0 3 * * *"}, [2]string{"new", "@daily"})
		out := &strings.Builder{}
		if err := (&app{out: out, json: true}).showSchedule(t.Context(), cfg, "old promotions"); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Schedule []struct {
				Account, Rule, Cron, Next string
				Last                      map[string]any
			}
		}
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Schedule) != 1 || got.Schedule[0].Next != "2000-01-01T02:00:00Z" || got.Schedule[0].Last["acted"] != 12.0 {
			t.Errorf("%s", out)
		}
	})
}

func TestNoSchedule(t *testing.T) {
	planFolder(t, plannedRules, "home")
	for line, want := range map[string]string{
		"rules --schedule":            "No rule runs on a clock.",
		"rules --schedule --json":     "{\n  \"schedule\": []\n}\n",
		"rules --schedule --rule nil": `there is no rule "nil"`,
	} {
		if out, _ := said(t, line); !strings.Contains(out, want) {
			t.Errorf("%s: %s", line, out)
		}
	}
	if _, err := os.Stat("imapilot.db"); err == nil {
		t.Error("a state file was made")
	}
}

// TestRunOutcome: each end of a run has its words.
func TestRunOutcome(t *testing.T) {
	got := ""
	for _, r := range runsOfEachKind() {
		got += fmt.Sprintf("%q ", runOutcome(r))
	}
	if want := `"12 acted on, 3 held" "0 acted on, also for 2 missed runs, Junk: NO [NOPERM] you may not look" "not ended yet; it goes on" "" `; got != want {
		t.Error(got)
	}
}
