package facts

import (
	"strconv"
	"strings"
	"time"
)

// maxDate is the most octets of a Date field that are looked at.
const maxDate = 256

// parseDate reads a date by its parts instead of by a layout, because real
// ones come in every order: RFC 5322 section 3.3 and its obsolete forms, the
// form of ctime, and ISO 8601. A missing zone is UTC.
func parseDate(s string) (time.Time, bool) {
	if len(s) > maxDate {
		s = s[:maxDate]
	}
	s, _ = comments(strings.ToValidUTF8(s, ""))
	if t, ok := parseISO(s); ok {
		return t, true
	}
	d := dateParts{zone: time.UTC}
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' }) {
		d.take(w)
	}
	return d.time()
}

func parseISO(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02") || s[4] != '-' {
		return time.Time{}, false // nearly every date: each layout below costs an error
	}
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST",
		"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// dateParts collects the parts of a date as they are met.
type dateParts struct {
	day, year            int
	month                time.Month
	hasYear              bool
	zone                 *time.Location
	hour, minute, second int
}

func (d *dateParts) take(w string) {
	switch {
	case w[0] == '+' || w[0] == '-':
		d.takeOffset(strings.Replace(w, ":", "", 1))
	case strings.Contains(w, ":"):
		d.takeClock(w)
	case strings.Count(w, "-") == 2: // 02-Jan-2006
		for part := range strings.SplitSeq(w, "-") {
			if part != "" {
				d.take(part)
			}
		}
	case '0' <= w[0] && w[0] <= '9':
		d.takeNumber(w)
	default:
		d.takeName(w)
	}
}

func (d *dateParts) takeClock(w string) {
	parts := strings.SplitN(w, ":", 3)
	if len(parts) == 2 {
		parts = append(parts, "0")
	}
	second, _, _ := strings.Cut(parts[2], ".")
	h, err1 := strconv.Atoi(parts[0])
	m, err2 := strconv.Atoi(parts[1])
	s, err3 := strconv.Atoi(second)
	if err1 != nil || err2 != nil || err3 != nil || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60 {
		return
	}
	d.hour, d.minute, d.second = h, m, s
}

func (d *dateParts) takeOffset(w string) {
	n, err := strconv.Atoi(w[1:])
	if err != nil || len(w) != 5 || n < 0 || n/100 > 24 || n%100 > 59 {
		return
	}
	seconds := (n/100*60 + n%100) * 60
	if w[0] == '-' {
		seconds = -seconds
	}
	d.zone = time.FixedZone("", seconds)
}

// takeNumber takes the first number as the day, unless it can only be a year,
// and the second as the year (RFC 5322 section 4.3: two and three digits).
func (d *dateParts) takeNumber(w string) {
	n, err := strconv.Atoi(w)
	if err != nil || n < 0 || n > 9999 {
		return
	}
	if d.day == 0 && len(w) <= 2 && n >= 1 && n <= 31 {
		d.day = n
		return
	}
	if d.hasYear {
		return
	}
	switch {
	case len(w) <= 2 && n < 50:
		n += 2000
	case len(w) <= 3:
		n += 1900
	}
	d.year, d.hasYear = n, true
}

func (d *dateParts) takeName(w string) {
	w = strings.ToLower(w)
	if len(w) >= 3 && d.month == 0 {
		if i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", w[:3]); i >= 0 && i%3 == 0 {
			d.month = time.Month(i/3 + 1)
			return
		}
	}
	if hours, ok := obsoleteZone(w); ok {
		d.zone = time.FixedZone("", hours*3600)
		return
	}
	if len(w) > 3 && (w[:3] == "gmt" || w[:3] == "utc") && (w[3] == '+' || w[3] == '-') {
		d.takeOffset(strings.Replace(w[3:], ":", "", 1))
	}
}

// obsoleteZone knows the names of RFC 5322 section 4.3. Every other name says
// nothing that can be relied on and is read as UTC.
func obsoleteZone(w string) (hours int, ok bool) {
	switch w {
	case "ut", "gmt", "utc", "z":
		return 0, true
	case "edt":
		return -4, true
	case "est", "cdt":
		return -5, true
	case "cst", "mdt":
		return -6, true
	case "mst", "pdt":
		return -7, true
	case "pst":
		return -8, true
	default:
		return 0, false
	}
}

func (d *dateParts) time() (time.Time, bool) {
	if d.day == 0 || d.month == 0 || !d.hasYear {
		return time.Time{}, false
	}
	t := time.Date(d.year, d.month, d.day, d.hour, d.minute, d.second, 0, d.zone)
	// A day that the month does not have would be the next month's.
	return t, t.Day() == d.day || d.second == 60
}
