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
	layout, ok := map[byte]string{
		'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'j': "002",
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05",
	}[code]
	if !ok {
		return "", false
	}
	return t.Format(layout), true
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
