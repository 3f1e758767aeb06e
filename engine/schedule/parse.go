package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/robfig/cron/v3"
)

// The limits of an expression.
const (
	maxLength = 256 // bytes
	minEvery  = time.Minute
	maxEvery  = 366 * 24 * time.Hour
)

// Parse reads a cron expression: minute, hour, day of month, month and day of
// week, or a descriptor. Its times are those of loc; nil is UTC. The error is
// one sentence for the person who wrote it.
func Parse(expr string, loc *time.Location) (Schedule, error) {
	if err := plausible(expr); err != nil {
		return Schedule{}, err
	}
	times, err := parse(expr)
	if err != nil {
		return Schedule{}, err
	}
	if loc == nil {
		loc = time.UTC
	}
	s := Schedule{expr: expr, loc: loc}
	switch times := times.(type) {
	case cron.ConstantDelaySchedule:
		s.every = times.Delay
	case *cron.SpecSchedule:
		s.fields = fieldsOf(times)
		s.fixed = !isRhythm(expr, times)
	}
	if err := s.runs(); err != nil {
		return Schedule{}, err
	}
	return s, nil
}

func plausible(expr string) error {
	switch upper := strings.ToUpper(strings.TrimSpace(expr)); {
	case upper == "":
		return errors.New("the cron expression is empty")
	case len(expr) > maxLength:
		return fmt.Errorf("the cron expression is longer than %d bytes", maxLength)
	case strings.ContainsFunc(expr, unicode.IsControl):
		return errors.New("the cron expression holds a control character")
	case strings.HasPrefix(upper, "TZ=") || strings.HasPrefix(upper, "CRON_TZ="):
		return errors.New("a cron expression has no time zone of its own: it follows the key timezone")
	}
	return nil
}

// parse calls the library, which panics on some input.
func parse(expr string) (times cron.Schedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			times, err = nil, errors.New("this is no cron expression")
		}
	}()
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	times, err = parser.Parse(strings.TrimSpace(expr))
	if err != nil {
		return nil, explain(expr, err)
	}
	return times, nil
}

// explain says it in our words where the library's are hard to read.
func explain(expr string, err error) error {
	fields := strings.Fields(expr)
	switch {
	case strings.HasPrefix(fields[0], "@"):
		return fmt.Errorf("%q is no descriptor: @hourly, @daily, @weekly, @monthly, @yearly or @every 90m", expr)
	case len(fields) != 5:
		return fmt.Errorf("a cron expression has five fields (minute, hour, day of month, month, day of week), this has %d", len(fields))
	case strings.Contains(fields[4], "7"):
		return errors.New("the day of week is 0 (Sunday) to 6 (Saturday)")
	}
	return fmt.Errorf("this is no cron expression: %w", err)
}

// isRhythm reports whether the hours are * or */n. The library's star bit
// answers for descriptors, but is not set for */n: that is read from the text.
func isRhythm(expr string, times *cron.SpecSchedule) bool {
	written := strings.Fields(expr)
	return times.Hour&starBit != 0 || len(written) == 5 && strings.ContainsAny(written[1], "*?")
}

// runs refuses what never runs, such as 30 February, what runs all the time, and
// what takes longer than a daemon is likely to live.
func (s Schedule) runs() error {
	if s.every > 0 {
		switch {
		case s.every < minEvery:
			return errors.New("@every is at least 1m")
		case s.every > maxEvery:
			return errors.New("@every is at most 366 days, which is 8784h")
		}
		return nil
	}
	if _, ok := s.fields.next(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)); !ok {
		return errors.New("no day is like this, so it would never run")
	}
	return nil
}
