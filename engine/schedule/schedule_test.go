package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones, wherever the tests run
)

func TestParse(t *testing.T) {
	tests := []struct{ expr, says string }{
		{"0 3 * * *", ""},
		{"*/15 8-18 * * 1-5", ""},
		{"0 0 29 2 *", ""},
		{"0 0 1 jan mon", ""},
		{"@daily", ""},
		{"@every 90m", ""},
		{"@every 1m", ""},
		{"@every 59s", "at least 1m"},
		{"@every -1h", "at least 1m"},
		{"@every 0s", "at least 1m"},
		{"@every 59.9s", "at least 1m"},
		{"@every 8784h", ""},
		{"@every 8784h1s", "at most 366 days"},
		{"@every 9000000h", "no descriptor"},
		{"@every", "no descriptor"},
		{"@reboot", "no descriptor"},
		{"@dayly", "no descriptor"},
		{"", "empty"},
		{"   ", "empty"},
		{"0 3 * *", "this has 4"},
		{"0 0 3 * * *", "this has 6"},
		{"0 3 * * 7", "0 (Sunday) to 6"},
		{"61 3 * * *", "no cron expression"},
		{"0 0 30 2 *", "never run"},
		{"0 0 31 4,6,9,11 *", "never run"},
		{", 3 * * *", "never run"},
		{"0 , * * *", "never run"},
		{"0 0 29-31 2 *", ""},
		{"TZ=", "time zone"},
		{"TZ=Europe/Berlin", "time zone"},
		{"CRON_TZ=UTC 0 3 * * *", "time zone"},
		{"tz=UTC 0 3 * * *", "time zone"},
		{"0 3 * * *\n", "control"},
		{strings.Repeat("0", 300), "longer"},
		{"? ? ? ? ?", ""},
		{"0-59/0 * * * *", "no cron expression"},
	}
	for _, test := range tests {
		t.Run(test.expr, func(t *testing.T) {
			s, err := Parse(test.expr, time.UTC)
			if test.says == "" {
				if err != nil || s.String() != test.expr {
					t.Fatalf("%v, %v", s, err)
				}
				return
			}
			if !s.IsZero() {
				t.Errorf("a schedule beside the error: %v", s)
			}
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one that says %q", err, test.says)
			}
		})
	}
}

// TestParseSurvivesTheLibrary: no input is known that gets past plausible and
// makes the library panic, but it has no promise.
func TestParseSurvivesTheLibrary(t *testing.T) {
	if times, err := parse("TZ="); times != nil || err == nil {
		t.Errorf("%v, %v", times, err)
	}
}

func TestScheduleIsAValue(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	a, b := mustParse(t, "0 3 * * *", berlin), mustParse(t, "0 3 * * *", berlin)
	if a != b || a.IsZero() || fmt.Sprint(a) != "0 3 * * *" {
		t.Errorf("%v, %v", a, b)
	}
	for _, other := range []Schedule{mustParse(t, "0 3 * * *", time.UTC), mustParse(t, "0 4 * * *", berlin), {}} {
		if a == other {
			t.Errorf("%v equals %v", a, other)
		}
	}
}

func TestZeroScheduleNeverRuns(t *testing.T) {
	var s Schedule
	now := time.Date(2026, time.May, 1, 0, 0, 0, 0, time.UTC)
	at, missed := s.Due(time.Time{}, now)
	if next := s.Next(now); !s.IsZero() || s.String() != "" || !next.IsZero() || !at.IsZero() || missed != 0 {
		t.Errorf("next %v, due %v and %d", next, at, missed)
	}
}

// location returns a zone of the database.
func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func mustParse(t testing.TB, expr string, loc *time.Location) Schedule {
	t.Helper()
	s, err := Parse(expr, loc)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return s
}

// instant reads "2026-03-29 02:30" as what a clock in loc shows, or
// "2026-03-29 02:30 +0200" as an instant.
func instant(t testing.TB, text string, loc *time.Location) time.Time {
	t.Helper()
	if at, err := time.Parse("2006-01-02 15:04 -0700", text); err == nil {
		return at
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
