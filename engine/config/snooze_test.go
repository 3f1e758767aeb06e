package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imapilot/actions"
	"imapilot/rules/ruletest"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParseUntil(t *testing.T) {
	loc := berlin(t)
	for _, test := range []struct{ text, now, want string }{
		{"08:00", "2026-05-04 07:59", "2026-05-04T08:00:00+02:00"}, // a Monday
		{"08:00", "2026-05-04 08:00", "2026-05-05T08:00:00+02:00"},
		{"8:05", "2026-05-04 09:00", "2026-05-05T08:05:00+02:00"},
		{"monday 08:00", "2026-05-04 07:59", "2026-05-04T08:00:00+02:00"},
		{"Monday 08:00", "2026-05-04 08:00", "2026-05-11T08:00:00+02:00"},
		{"sun 23:59", "2026-05-04 08:00", "2026-05-10T23:59:00+02:00"},
		{"tomorrow 08:00", "2026-05-04 07:00", "2026-05-05T08:00:00+02:00"},
		{" Tomorrow  00:00 ", "2026-05-04 23:59", "2026-05-05T00:00:00+02:00"},
		{"tomorrow 00:00", "2026-05-04 00:00", "2026-05-05T00:00:00+02:00"},
		{"tomorrow 02:30", "2026-03-28 12:00", "2026-03-29T03:00:00+02:00"}, // there is no 02:30
		{"02:30", "2026-10-25 01:00", "2026-10-25T02:30:00+02:00"},          // there are two
		{"02:30", "2026-10-25 02:45", "2026-10-26T02:30:00+01:00"},
		{"monday 08:00", "2026-03-27 12:00", "2026-03-30T08:00:00+02:00"},
		{"2026-05-08 08:00", "2026-05-04 08:00", "2026-05-08T08:00:00+02:00"},
		{"2026-05-08", "2026-05-04 08:00", "2026-05-08T00:00:00+02:00"},
		{"2026-05-08T08:00:00Z", "2026-05-04 08:00", "2026-05-08T08:00:00Z"},
	} {
		now, err := time.ParseInLocation("2006-01-02 15:04", test.now, loc)
		if err != nil {
			t.Fatal(err)
		}
		next, at, ok := parseUntil(test.text, loc)
		if next != nil {
			at = next(now)
		}
		if got := at.Format(time.RFC3339); !ok || got != test.want {
			t.Errorf("%q, at %s: %s, %t, want %s", test.text, test.now, got, ok, test.want)
		}
	}
	for _, text := range []string{"", "monday", "tomorrow", "08", "24:00", "08:60", "8 o'clock", "monday 08:00 sharp", "today 08:00", "m 08:00", "mo 08:00", "monday, 08:00", "2026-13-01", "3d", "-08:00"} {
		if _, _, ok := parseUntil(text, loc); ok {
			t.Errorf("%q is taken for a time", text)
		}
	}
}

// What comes round is later than now, at most by a week and what a change of clocks
// adds, and shows the minute that is written unless that is left out.
func FuzzParseUntil(f *testing.F) {
	for _, seed := range []string{"08:00", "monday 08:00", "tomorrow 02:30", "2026-05-08 08:00", "sun 00:00", "monday", "25:00"} {
		f.Add(seed, int64(1_774_700_000))
	}
	loc := berlin(f)
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		next, date, ok := parseUntil(text, loc)
		if !ok || next == nil {
			if next != nil || !ok && !date.IsZero() {
				t.Fatalf("%q: %v", text, date)
			}
			return
		}
		now := time.Unix(seconds%4e9, 0)
		at := next(now)
		if !at.After(now) || at.After(now.Add(8*24*time.Hour)) {
			t.Fatalf("%q, at %s: %s", text, now, at)
		}
		if again := next(now); !again.Equal(at) {
			t.Fatalf("%q, at %s: %s and %s", text, now, at, again)
		}
	})
}

// A test wants a snooze as rules write it, by its own clock, or until a date.
func TestWantedSnooze(t *testing.T) {
	const rule = `timezone: Europe/Berlin
rules:
  - name: later
    if: 'true'
    then: [{snooze: {until: monday 08:00}}]
    tests:
`
	for want, passes := range map[string]bool{
		"[{snooze: {until: monday 08:00}}]": true, "[{snooze: {until: '2026-05-11 08:00'}}]": true, "[{snooze: {until: 2026-05-11T08:00:00+02:00}}]": true,
		"[{snooze: {until: tuesday 08:00}}]": false, "[{snooze: 3d}]": false, "[{snooze: {until: 2026-05-11T09:00:00+02:00}}]": false, "[trash]": false,
	} {
		dir := folder(t, map[string]string{"c.yaml": home + rule +
			"      - message: \"Subject: x\\n\\nHello\\n\"\n        given: {now: 2026-05-08 12:00}\n        want: " + want + "\n"})
		cfg := loaded(t, filepath.Join(dir, "c.yaml"))
		report := ruletest.Run(cfg.Rules, cfg.Tests)
		if len(report.Results) != 1 || report.Results[0].Pass != passes || !report.Results[0].Covered {
			t.Errorf("%s: %+v", want, report.Results)
		}
	}
}

// A snooze is written into a test with its date.
func TestRewriteWantOfASnooze(t *testing.T) {
	at := time.Date(2026, 5, 11, 8, 0, 0, 0, berlin(t))
	before := "tests:\n  - message: x.eml\n    want: "
	r, err := RewriteWant([]byte(before+"[]\n"), 2, []actions.Action{{Kind: actions.Snooze, Until: at}})
	if want := before + "[{snooze: {until: 2026-05-11T08:00:00+02:00}}]\n"; err != nil || string(r.Text) != want {
		t.Errorf("%v, %q", err, r.Text)
	}
}

// The hash of a rule is that of what it does: the zone counts where a time does.
func TestSnoozeHash(t *testing.T) {
	hash := func(zone, action string) string {
		dir := folder(t, map[string]string{"c.yaml": home + "timezone: " + zone + "\nrules:\n  - {name: later, if: 'true', then: [{snooze: " + action + "}]}\n"})
		return loaded(t, filepath.Join(dir, "c.yaml")).Rules.Rules()[0].Hash
	}
	seen := map[string]string{}
	for _, how := range []string{"UTC 3d", "UTC 4d", "UTC {until: monday 08:00}", "Europe/Berlin {until: monday 08:00}", "UTC {until: monday 09:00}"} {
		zone, action, _ := strings.Cut(how, " ")
		h := hash(zone, action)
		if other, twice := seen[h]; twice {
			t.Errorf("%s and %s have one hash", other, how)
		}
		seen[h] = how
	}
	if a, b := hash("UTC", "3d"), hash("Europe/Berlin", "{for: 3d}"); a != b {
		t.Error(fmt.Sprint("the same while has two hashes: ", a, " ", b))
	}
}
