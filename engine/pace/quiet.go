package pace

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Span is a stretch of each day, in minutes after midnight: From belongs to it, To
// does not. One whose end is not after its begin goes over midnight.
type Span struct{ From, To int }

// Quiet are hours of the day, by the clock on the wall of a zone.
type Quiet []Span

// ParseSpan reads a span as in "22:00-07:00".
func ParseSpan(text string) (Span, error) {
	from, to, ok := strings.Cut(text, "-")
	a, errFrom := minutes(strings.TrimSpace(from))
	b, errTo := minutes(strings.TrimSpace(to))
	if !ok || errFrom != nil || errTo != nil || a == b {
		return Span{}, fmt.Errorf("%q is no span of hours", text)
	}
	return Span{a, b}, nil
}

func minutes(text string) (int, error) {
	h, m, ok := strings.Cut(text, ":")
	if !ok || len(m) != 2 {
		return 0, fmt.Errorf("%q is no time of the day", text)
	}
	hour, err := strconv.ParseUint(h, 10, 8)
	if err != nil || hour > 24 {
		return 0, fmt.Errorf("%q is no time of the day", text)
	}
	minute, err := strconv.ParseUint(m, 10, 8)
	if err != nil || minute > 59 || hour == 24 && minute > 0 {
		return 0, fmt.Errorf("%q is no time of the day", text)
	}
	return int(hour*60+minute) % (24 * 60), nil
}

// Until returns the first time from t on that is not quiet: t itself where it is
// not. Where the clock of the zone is put forward over the end of a span, the span
// ends with the gap; an hour that comes twice is quiet twice. Spans that fill the
// whole day are not quiet at all.
func (q Quiet) Until(t time.Time, zone *time.Location) time.Time {
	at := t
	for range 2*len(q) + 2 {
		s, ok := q.at(at, zone)
		if !ok {
			return at
		}
		at = s.end(at, zone)
	}
	return t
}

// at is the span that a time lies in.
func (q Quiet) at(t time.Time, zone *time.Location) (Span, bool) {
	for _, s := range q {
		if s.holds(minuteOf(t, zone)) {
			return s, true
		}
	}
	return Span{}, false
}

func minuteOf(t time.Time, zone *time.Location) int {
	t = t.In(zone)
	return t.Hour()*60 + t.Minute()
}

func (s Span) holds(minute int) bool {
	if s.From < s.To {
		return minute >= s.From && minute < s.To
	}
	return minute >= s.From || minute < s.To
}

// end is the end of the span that a time lies in. Where the clock was put forward or
// back near it, it is looked for minute by minute.
func (s Span) end(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	day := local.Day()
	if s.From >= s.To && minuteOf(t, zone) >= s.From {
		day++
	}
	end := time.Date(local.Year(), local.Month(), day, 0, s.To, 0, 0, zone)
	for _, back := range []time.Duration{30 * time.Minute, time.Hour} { // a reading that comes twice
		if before := end.Add(-back); before.After(t) && minuteOf(before, zone) == s.To {
			end = before
		}
	}
	for end.Add(-time.Minute).After(t) && !s.holds(minuteOf(end.Add(-time.Minute), zone)) {
		end = end.Add(-time.Minute)
	}
	for !end.After(t) || s.holds(minuteOf(end, zone)) {
		end = end.Add(time.Minute)
	}
	return end
}
