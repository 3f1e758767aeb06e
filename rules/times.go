package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseTime reads the argument of date().
func parseTime(s string, loc *time.Location) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t, true
		}
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}

// layout is the second argument of format(): the codes of strftime.
type layout string

// check returns the first code that there is not.
func (l layout) check() error {
	if !strings.Contains(string(l), "%") {
		return fmt.Errorf("the layout %q has no code in it", string(l))
	}
	for rest := string(l); ; {
		_, after, found := strings.Cut(rest, "%")
		if !found {
			return nil
		}
		if after == "" {
			return fmt.Errorf("the layout ends with a lone %%")
		}
		if _, ok := timeCode(time.Time{}, after[0]); !ok {
			return fmt.Errorf("the layout has no code %%%c", []rune(after)[0])
		}
		rest = after[1:]
	}
}

func (l layout) format(t time.Time) string {
	var out strings.Builder
	for i := 0; i < len(l); i++ {
		if l[i] != '%' || i+1 == len(l) {
			out.WriteByte(l[i])
			continue
		}
		i++
		s, _ := timeCode(t, l[i])
		out.WriteString(s)
	}
	return out.String()
}

func timeCode(t time.Time, code byte) (string, bool) {
	switch code {
	case '%':
		return "%", true
	case 'G':
		year, _ := t.ISOWeek()
		return strconv.Itoa(year), true
	case 'V':
		_, week := t.ISOWeek()
		return fmt.Sprintf("%02d", week), true
	}
	layout := goLayout(code)
	return t.Format(layout), layout != ""
}

// goLayout is a code in the manner of package time, "" if there is none.
func goLayout(code byte) string {
	const codes = "YymdHMSjaAbBzFT"
	i := strings.IndexByte(codes, code)
	if i < 0 {
		return ""
	}
	return [...]string{
		"2006", "06", "01", "02", "15", "04", "05", "002", "Mon", "Monday", "Jan", "January", "-0700", "2006-01-02", "15:04:05",
	}[i]
}

// isWithin compares the time of day, to the minute.
func isWithin(t time.Time, from, to string) bool {
	a, _ := clockTime(from)
	b, _ := clockTime(to)
	at := t.Hour()*60 + t.Minute()
	if a <= b {
		return a <= at && at < b
	}
	return at >= a || at < b
}

// clockTime reads "22:00" as minutes after midnight.
func clockTime(s string) (int, bool) {
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil
}

func isClockTime(s string) bool {
	_, ok := clockTime(s)
	return ok
}

// weekdays are the values of weekday().
func weekdays() []string {
	return []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
}
