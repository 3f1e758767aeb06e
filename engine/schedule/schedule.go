package schedule

import "time"

// The years within which a schedule runs, in Unix seconds: from the beginning
// of the year 1 until that of the year 10000. Beyond, package time overflows
// and most notations of a time fail.
const (
	firstSecond = -62135596800
	endSecond   = 253402300800
)

// Schedule is when a rule runs. The zero value never does. Two schedules of the
// same expression and the same location are equal.
type Schedule struct {
	expr   string
	loc    *time.Location
	every  time.Duration // above zero for @every, which has no fields
	fields fields
	fixed  bool // the hours are times of the day and no rhythm
}

// String returns the expression as it was written.
func (s Schedule) String() string { return s.expr }

// IsZero reports whether s is the zero value, which never runs.
func (s Schedule) IsZero() bool { return s == Schedule{} }

// Next returns the first instant of the schedule after the given one, in the
// schedule's location, and the zero time if there is none before the year 10000.
// For @every it is the given instant and the duration. What is before the year 1
// counts as its beginning.
func (s Schedule) Next(after time.Time) time.Time {
	if after.Unix() < firstSecond {
		after = time.Time{}
	}
	if s.IsZero() || after.Unix() >= endSecond {
		return time.Time{}
	}
	if next := s.next(after); next.Unix() < endSecond {
		return next
	}
	return time.Time{}
}

func (s Schedule) next(after time.Time) time.Time {
	switch {
	case s.every > 0:
		return after.Add(s.every).In(s.loc)
	case s.fixed:
		return s.nextOfDay(after)
	}
	return s.nextMatch(after)
}
