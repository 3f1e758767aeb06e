package schedule

import (
	"strings"
	"testing"
	"time"
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
		{"@every", "no descriptor"},
		{"@dayly", "no descriptor"},
		{"", "empty"},
		{"   ", "empty"},
		{"0 3 * *", "this has 4"},
		{"0 0 3 * * *", "this has 6"},
		{"0 3 * * 7", "0 (Sunday) to 6"},
		{"61 3 * * *", "no cron expression"},
		{"0 0 30 2 *", "never run"},
		{"0 0 31 4,6,9,11 *", "never run"},
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
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one that says %q", err, test.says)
			}
		})
	}
}

func TestParseUsesTheLocation(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse("0 3 * * *", berlin)
	if err != nil {
		t.Fatal(err)
	}
	next := s.times.Next(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
	if want := time.Date(2026, time.January, 1, 2, 0, 0, 0, time.UTC); !next.Equal(want) {
		t.Errorf("next run %v, want %v", next.UTC(), want)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0 3 * * *", "@every 1h", "TZ=", "TZ=UTC", "*/0 * * * *", "1-2/3,4 * * feb sun", "@"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := Parse(expr, time.UTC)
		if err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
		if err == nil && s.times == nil {
			t.Error("a schedule without times")
		}
	})
}
