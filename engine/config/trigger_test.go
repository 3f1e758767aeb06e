package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"imapilot/engine/schedule"
	"imapilot/rules/ruletest"
)

// at is a schedule in a zone.
func at(t *testing.T, expr, zone string) schedule.Schedule {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schedule.Parse(expr, loc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTriggers(t *testing.T) {
	dir := folder(t, map[string]string{"c.yaml": home + `timezone: Europe/Berlin
rules:
  - {name: plain, if: seen, then: [{add_flags: [$A]}]}
  - {name: nightly, on: {cron: '0 3 * * *', jitter: 10m}, repeat: 2w, if: seen, then: [{add_flags: [$B]}]}
  - {name: word, on: arrival, if: seen, then: [{add_flags: [$C]}]}
  - {name: abroad, on: {catch_up: false, timezone: America/New_York, cron: '@weekly'}, if: seen, then: [{add_flags: [$D]}]}
  - {name: starred, on: {flags: ['\flagged', $Todo]}, if: seen, then: [{add_flags: [$E]}]}
  - {name: one flag, on: {flags: $Todo}, if: seen, then: [{add_flags: [$F]}]}
`})
	cfg := loaded(t, filepath.Join(dir, "c.yaml"))
	var got []string
	for _, r := range cfg.Rules.Rules() {
		got = append(got, fmt.Sprintf("%s: %s %v %q %v", r.Name, r.On, r.Flags, r.Cron, r.Repeat))
	}
	want := []string{
		`plain: arrival [] "" 0s`, `nightly: schedule [] "0 3 * * *" 336h0m0s`, `word: arrival [] "" 0s`,
		`abroad: schedule [] "@weekly America/New_York" 0s`, `starred: flags [\Flagged $Todo] "" 0s`, `one flag: flags [$Todo] "" 0s`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rules are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	schedules := []RuleSchedule{
		{Rule: "nightly", At: at(t, "0 3 * * *", "Europe/Berlin"), Jitter: 10 * time.Minute, CatchUp: true},
		{Rule: "abroad", At: at(t, "@weekly", "America/New_York")},
	}
	if !reflect.DeepEqual(cfg.Schedules, schedules) {
		t.Errorf("the schedules are %+v, want %+v", cfg.Schedules, schedules)
	}
}

// A retention is a rule on a clock, behind the rules of its file.
func TestRetentions(t *testing.T) {
	dir := folder(t, map[string]string{
		"c.yaml": home + `timezone: Europe/Berlin
retention:
  - {in: [Promotions, Offers], after: 30d, unless: flagged or seen}
  - {in: [Promotions], after: 12h, then: [{move: Old}], on: {cron: '@weekly', jitter: 1h}, accounts: home, max_messages: 5, dry_run: true}
  - {name: mine, in: "role:trash", after: 2w, then: expunge}
include: inc.yaml
rules:
  - {name: retention of Promotions, if: seen, then: [{add_flags: [$A]}]}
`,
		"inc.yaml": `retention: [{in: [Promotions], after: 49h}]
rules: [{name: included, if: seen, then: [{add_flags: [$B]}]}]
`,
	})
	cfg := loaded(t, filepath.Join(dir, "c.yaml"))
	var got []string
	for _, r := range cfg.Rules.Rules() {
		got = append(got, fmt.Sprintf("%s: %s %s, in %v of %v, if %s then %v, %d %d %t", r.Name, r.On, r.Cron, r.In, r.Accounts, r.If, r.Then, r.MaxMoves, r.MaxExpunges, r.DryRun))
	}
	want := []string{
		"included: arrival , in [INBOX] of [], if seen then [add_flags: [$B]], 1000 100 false",
		"retention of Promotions 2: schedule 0 3 * * *, in [Promotions] of [], if age > hours(49) then [trash], 1000 100 false",
		"retention of Promotions: arrival , in [INBOX] of [], if seen then [add_flags: [$A]], 1000 100 false",
		"retention of Promotions 3: schedule 0 3 * * *, in [Promotions Offers] of [], if age > days(30) and not (flagged or seen) then [trash], 1000 100 false",
		"retention of Promotions 4: schedule @weekly, in [Promotions] of [home], if age > hours(12) then [move: Old], 5 5 true",
		"mine: schedule 0 3 * * *, in [role:trash] of [], if age > days(14) then [expunge], 1000 100 false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rules are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	nightly := at(t, retentionCron, "Europe/Berlin")
	schedules := []RuleSchedule{
		{Rule: "retention of Promotions 2", At: nightly, CatchUp: true}, {Rule: "retention of Promotions 3", At: nightly, CatchUp: true},
		{Rule: "retention of Promotions 4", At: at(t, "@weekly", "Europe/Berlin"), Jitter: time.Hour, CatchUp: true}, {Rule: "mine", At: nightly, CatchUp: true},
	}
	if !reflect.DeepEqual(cfg.Schedules, schedules) {
		t.Errorf("the schedules are %+v, want %+v", cfg.Schedules, schedules)
	}
}

func TestRetentionNames(t *testing.T) {
	long := strings.Repeat("ü", 300)
	dir := folder(t, map[string]string{"c.yaml": home + "retention:\n  - {in: ['" + long + "'], after: 30d}\n  - {in: [\"a\\tb\"], after: 30d}\n"})
	list := loaded(t, filepath.Join(dir, "c.yaml")).Rules.Rules()
	if name := list[0].Name; len(name) > maxName || !strings.HasPrefix(name, "retention of üü") || strings.ContainsRune(name, '\uFFFD') {
		t.Errorf("the name is %q", name)
	}
	if name := list[1].Name; name != "retention of a b" {
		t.Errorf("the name is %q", name)
	}
}

// Tests beside a retention, a rule on a clock and one on flags judge it alone;
// those of the whole walk are about arrival.
func TestTestsOfTriggers(t *testing.T) {
	dir := folder(t, map[string]string{"c.yaml": home + `rules:
  - {name: all, if: 'true', then: [{move: A}], stop: true}
  - name: starred
    on: {flags: ['\Flagged']}
    if: subject contains "x"
    then: [{add_flags: [$Starred]}]
    tests: [{message: "Subject: x\n\n", want: [{add_flags: [$Starred]}]}]
retention:
  - in: [INBOX]
    after: 30d
    unless: flagged
    tests:
      - {message: "Subject: x\n\n", given: {received: 2026-01-01, now: 2026-03-01}, want: [trash]}
      - {message: "Subject: x\n\n", given: {received: 2026-01-01, now: 2026-03-01, flags: ['\Flagged']}, want: []}
      - {name: young, message: "Subject: x\n\n", given: {received: 2026-01-01, now: 2026-01-30}, want: []}
      - {message: "Subject: x\n\n", given: {received: 2026-01-01, now: 2026-01-30}, want: [trash]}
tests:
  - {message: "Subject: x\n\n", given: {received: 2026-01-01, now: 2026-03-01}, want: [{move: A}]}
`})
	cfg := loaded(t, filepath.Join(dir, "c.yaml"))
	report := ruletest.Run(cfg.Rules, cfg.Tests)
	var failed []string
	for _, r := range report.Results {
		if !r.Pass {
			failed = append(failed, r.Case.Name+": "+r.Detail)
		}
	}
	if len(report.Results) != 6 || len(failed) != 1 || !strings.HasPrefix(failed[0], "retention of INBOX (line 18): want: trash") {
		t.Errorf("%d tests, failed %q", len(report.Results), failed)
	}
}

// The exception of a retention is part of what it does: another one is another
// rule, and how it is written is not.
func TestRetentionHash(t *testing.T) {
	hash := func(more string) string {
		dir := folder(t, map[string]string{"c.yaml": home + "retention: [{in: [A], after: " + more + "}]\n"})
		return loaded(t, filepath.Join(dir, "c.yaml")).Rules.Rules()[0].Hash
	}
	plain := hash("30d")
	if plain != hash("720h") || plain == hash("31d") || plain == hash("30d, unless: seen") || hash("30d, unless: seen") == hash("30d, unless: flagged") {
		t.Error("the hash does not say what the retention does")
	}
	if other := hash("30d, on: {cron: '@weekly'}"); plain != other {
		t.Error("the hash depends on the schedule")
	}
}
