package schedule

import "time"

const (
	// maxSkipped bounds how many dates in a row a zone's calendar leaves out;
	// none has left out more than one.
	maxSkipped = 4
	// maxYears bounds the search for a reading that occurs: eight years to the
	// next 29 February, and as many again if the time is in a gap there.
	maxYears = 16
)

// nextOfDay is Next where the hours are fixed: each reading once, when the clock
// first reaches it.
func (s Schedule) nextOfDay(after time.Time) time.Time {
	from := unread(after, s.loc)
	for range maxSkipped {
		reading, ok := s.fields.next(from)
		if !ok {
			return time.Time{}
		}
		date := reading.Truncate(day)
		if isDate(date, s.loc) {
			return reaches(reading, s.loc).In(s.loc)
		}
		from = date.Add(day)
	}
	return time.Time{}
}

// isDate reports whether the zone had the date at all.
func isDate(date time.Time, loc *time.Location) bool {
	t := reaches(date, loc)
	return stretchAt(t, loc).reading(t).Before(date.Add(day))
}

// nextMatch is Next where the hours are a rhythm: each instant at which the
// clock shows what matches.
func (s Schedule) nextMatch(after time.Time) time.Time {
	limit := after.AddDate(maxYears, 0, 0)
	for at := after.Add(1); at.Before(limit); {
		stretch := stretchAt(at, s.loc)
		reading, ok := s.fields.next(stretch.reading(at))
		if !ok {
			return time.Time{}
		}
		if t := stretch.instant(reading); t.Before(stretch.end) {
			return t.In(s.loc)
		}
		at = stretch.end
	}
	return time.Time{}
}
