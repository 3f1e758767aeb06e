package schedule

import "time"

// maxMissed is where the count of missed runs stops.
const maxMissed = 1000

// Due returns the latest instant of the schedule that is after last and not
// after now, and how many earlier ones in that time it stands for, 1000 at most.
// It returns the zero time and 0 if there is none. For @every, last is the start
// of the measure.
func (s Schedule) Due(last, now time.Time) (at time.Time, missed int) {
	if now.Unix() >= endSecond {
		now = time.Unix(endSecond, -1)
	}
	at = s.Next(last)
	if !isBy(at, now) {
		return time.Time{}, 0
	}
	for missed < maxMissed {
		next := s.Next(at)
		if !isBy(next, now) {
			return at, missed
		}
		at, missed = next, missed+1
	}
	return s.latest(at, now), missed
}

// latest returns the last instant of the schedule up to now; at is one of them.
func (s Schedule) latest(at, now time.Time) time.Time {
	if s.every > 0 {
		return s.latestEvery(at, now)
	}
	// Each round halves the time in which it can be, so that years of minutes
	// take some thirty.
	end := now
	for next := s.Next(at); isBy(next, now); next = s.Next(at) {
		at = next
		middle := at.Add(end.Sub(at) / 2)
		if t := s.Next(middle); isBy(t, now) {
			at = t
		} else {
			end = middle
		}
	}
	return at
}

// latestEvery counts in seconds: a Duration ends at 292 years.
func (s Schedule) latestEvery(at, now time.Time) time.Time {
	elapsed := now.Unix() - at.Unix()
	if now.Nanosecond() < at.Nanosecond() {
		elapsed--
	}
	elapsed -= elapsed % int64(s.every/time.Second)
	return time.Unix(at.Unix()+elapsed, int64(at.Nanosecond())).In(s.loc)
}

// isBy reports whether there is such an instant, and no later than now.
func isBy(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }
