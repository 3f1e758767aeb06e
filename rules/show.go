package rules

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

var errCannotShow = errors.New("it cannot be worked out by itself")

const (
	// maxShown is the most characters of a text that are shown.
	maxShown = 120
	// maxShownElements is the most elements of a list that are shown.
	maxShownElements = 8
)

// Show prints a value of the language on one line, for people: texts in quotes
// and cut at 120 characters, lists cut at 8 elements, times in the zone.
// Nothing of a message can move the cursor or turn the writing direction.
func Show(v any, zone *time.Location) string {
	switch v := v.(type) {
	case string:
		return quoted(v)
	case time.Time:
		if v.IsZero() {
			return "unknown"
		}
		return v.In(zone).Format("2006-01-02 15:04:05 -0700")
	case time.Duration:
		return showDuration(v)
	case []string:
		return showList(len(v), func(i int) string { return quoted(v[i]) })
	case []any:
		return showList(len(v), func(i int) string { return Show(v[i], zone) })
	case []map[string]string:
		return showList(len(v), func(i int) string { return quoted(v[i]["address"]) })
	case []map[string]any:
		return showList(len(v), func(i int) string { return Show(v[i], zone) })
	case map[string]string:
		return quoted(v["address"])
	case map[string]any:
		return fmt.Sprintf("%s (%v, %v bytes)", quoted(fmt.Sprint(v["name"])), v["type"], v["size"])
	default:
		return fmt.Sprint(v)
	}
}

func quoted(s string) string {
	if utf8.RuneCountInString(s) > maxShown {
		return strconv.Quote(string([]rune(s)[:maxShown])) + fmt.Sprintf("... (%d characters)", utf8.RuneCountInString(s))
	}
	return strconv.Quote(s)
}

func showList(n int, element func(int) string) string {
	var parts []string
	for i := range min(n, maxShownElements) {
		parts = append(parts, element(i))
	}
	if n > maxShownElements {
		parts = append(parts, fmt.Sprintf("... (%d in all)", n))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// showDuration prints the two largest units: "35 days 2 hours".
func showDuration(d time.Duration) string {
	if d < 0 {
		// The least duration has no positive counterpart.
		return "-" + showDuration(-max(d, -math.MaxInt64))
	}
	units := []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}}
	var parts []string
	for _, u := range units {
		n := d / u.size
		d -= n * u.size
		if n == 0 || len(parts) == 2 {
			continue
		}
		word := fmt.Sprintf("%d %s", n, u.name)
		if n > 1 {
			word += "s"
		}
		parts = append(parts, word)
	}
	if len(parts) == 0 {
		return "0 seconds"
	}
	return strings.Join(parts, " ")
}
