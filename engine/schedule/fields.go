package schedule

import (
	"math/bits"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	// starBit is what the library sets in a field that holds *.
	starBit = 1 << 63
	// maxMonths is how many months at most have to be looked at for a matching
	// day: from March 2096 to February 2104, for 2100 is no leap year.
	maxMonths = 8 * 12
	day       = 24 * time.Hour
)

// fields are the sets of values that match, a bit for each. A reading below is
// what a clock on the wall shows, written as if its zone were UTC.
type fields struct {
	minute, hour, dayOfMonth, month, dayOfWeek uint64
}

func fieldsOf(s *cron.SpecSchedule) fields {
	return fields{minute: s.Minute, hour: s.Hour, dayOfMonth: s.Dom, month: s.Month, dayOfWeek: s.Dow}
}

// next returns the first reading that matches, from the given one on, and false
// if none ever does.
func (f fields) next(from time.Time) (time.Time, bool) {
	from = from.Add(time.Minute - 1).Truncate(time.Minute)
	today := from.Truncate(day)
	date, ok := f.nextDate(today)
	if ok && date.Equal(today) {
		if clock, ok := f.nextClock(from.Hour(), from.Minute()); ok {
			return today.Add(clock), true
		}
		date, ok = f.nextDate(today.Add(day))
	}
	if !ok {
		return time.Time{}, false
	}
	clock, ok := f.nextClock(0, 0)
	return date.Add(clock), ok
}

// nextClock returns the first time of the day that matches, from hour and minute
// on, as the time since midnight.
func (f fields) nextClock(hour, minute int) (time.Duration, bool) {
	for ; hour < 24; hour, minute = hour+1, 0 {
		if f.hour&(1<<hour) == 0 {
			continue
		}
		if m := minute + bits.TrailingZeros64(f.minute>>minute); m < 60 {
			return time.Duration(hour)*time.Hour + time.Duration(m)*time.Minute, true
		}
	}
	return 0, false
}

// nextDate returns the first date that matches, from the given one on.
func (f fields) nextDate(from time.Time) (time.Time, bool) {
	year, month, first := from.Date()
	for range maxMonths {
		if f.month&(1<<month) != 0 {
			if date, ok := f.dateIn(year, month, first); ok {
				return date, true
			}
		}
		month, first = month+1, 1
		if month > time.December {
			year, month = year+1, time.January
		}
	}
	return time.Time{}, false
}

// dateIn returns the first date that matches in one month, from a day on.
func (f fields) dateIn(year int, month time.Month, first int) (time.Time, bool) {
	date := time.Date(year, month, first, 0, 0, 0, 0, time.UTC)
	weekday := int(date.Weekday())
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	for d := first; d <= last; d++ {
		if f.isDay(d, (weekday+d-first)%7) {
			return date.AddDate(0, 0, d-first), true
		}
	}
	return time.Time{}, false
}

// isDay follows cron(8): both day fields hold unless both are restricted.
func (f fields) isDay(dayOfMonth, dayOfWeek int) bool {
	isMonths := f.dayOfMonth&(1<<dayOfMonth) != 0
	isWeeks := f.dayOfWeek&(1<<dayOfWeek) != 0
	if (f.dayOfMonth|f.dayOfWeek)&starBit != 0 {
		return isMonths && isWeeks
	}
	return isMonths || isWeeks
}
