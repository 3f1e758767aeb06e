package schedule

import "time"

// maxShift is more than any zone's distance from UTC and more than any clock was
// ever put forward or back: Manila and Samoa moved by a day.
const maxShift = 48 * time.Hour

// stretch is a time during which a zone's clock runs on without a jump.
type stretch struct {
	offset time.Duration // east of UTC
	end    time.Time     // the first instant after it
}

// stretchAt returns the stretch that t is in. It ends with the year of UTC at
// the latest: for years beyond the zone's table, package time gives ends on this
// side of t on the last day of a leap year.
func stretchAt(t time.Time, loc *time.Location) stretch {
	t = t.In(loc)
	_, seconds := t.Zone()
	_, end := t.ZoneBounds()
	newYear := time.Date(t.UTC().Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC)
	if !end.After(t) || end.After(newYear) {
		end = newYear
	}
	return stretch{offset: time.Duration(seconds) * time.Second, end: end}
}

// reading returns what the clock shows at t, which is in the stretch.
func (s stretch) reading(t time.Time) time.Time { return t.UTC().Add(s.offset) }

// instant returns when the clock shows a reading, if it is in the stretch.
func (s stretch) instant(reading time.Time) time.Time { return reading.Add(-s.offset) }

// unread returns the lowest reading that the clock has passed at no time up to
// after. A clock that was put back shows again what it had passed already.
func unread(after time.Time, loc *time.Location) time.Time {
	at := after.Add(-maxShift)
	highest := at // no zone is so far west that its reading of after were lower
	for {
		s := stretchAt(at, loc)
		if after.Before(s.end) {
			return later(highest, s.reading(after).Add(1))
		}
		highest = later(highest, s.reading(s.end))
		at = s.end
	}
}

// reaches returns the first instant at which the clock shows the reading or a
// later one: its first occurrence, or the end of the gap that it is in.
func reaches(reading time.Time, loc *time.Location) time.Time {
	for at := reading.Add(-maxShift); ; {
		s := stretchAt(at, loc)
		if t := later(at, s.instant(reading)); t.Before(s.end) {
			return t
		}
		at = s.end
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
