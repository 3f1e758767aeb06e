package imapsession

import (
	"fmt"
	"testing"
	"time"
)

func slowDate(text string) time.Time {
	t, _ := time.Parse("_2-Jan-2006 15:04:05 -0700", text)
	return t
}

// FuzzParseDate: whatever comes is read as time.Parse reads it, its zone too.
func FuzzParseDate(f *testing.F) {
	for _, s := range []string{
		" 4-May-2026 12:00:00 +0200", "04-May-2026 12:00:00 +0000", "31-Dec-1999 23:59:60 -0330", "29-Feb-2023 00:00:00 +0000",
		"00-Jan-0000 00:00:00 +0000", "1-Jan-2026 00:00:00 +0000", " 4-may-2026 12:00:00 +0200", "28-Feb-2024 24:00:00 +0000",
		" 4-May-2026 12:00:00 +2400", " 4-May-2026 12:00:00 +0060", "x4-May-2026 12:00:00 +0200", "  -May-2026 12:00:00 +0200", "",
		" 4-May-2026 12:00:00 *0200", "\xff4-May-2026 12:00:00 +0200", " 1-Jan-0000 00:00:00 +0000", " 1-Jan-0000 00:00:00 +2359",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := parseDate([]byte(s)), slowDate(s); !got.Equal(want) || offsetOf(got) != offsetOf(want) || got.String() != want.String() {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	})
}

func TestParseDateReadsMost(t *testing.T) {
	for month := time.January; month <= time.December; month++ {
		for day := 1; day <= 28; day++ {
			text := fmt.Sprintf("%2d-%s-2026 12:34:56 -0700", day, month.String()[:3])
			if got, ok := plainDate([]byte(text)); !ok || !got.Equal(slowDate(text)) {
				t.Errorf("%q: %v, %v", text, got, ok)
			}
		}
	}
}
