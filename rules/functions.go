package rules

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Function is a function that a rule can call.
type Function struct {
	Name string
	// Signature shows its parameters: "has(text, text, ...)".
	Signature, Type, Doc, Example string

	params   []param
	variadic bool // the last parameter may be given again
	result   typ
	calendar bool // its value depends on the time zone
	// lazy functions take a condition about each element of a list.
	lazy bool
	// call evaluates it; nil where it is rewritten or is expr's own.
	call  func(c clockwork, args []any) (any, error)
	types any
}

// param is one parameter of a function.
type param struct {
	name     string
	typ      typ
	constant bool // it must be written out, so that it can be checked at load
}

// clockwork is what functions depend on besides their arguments.
type clockwork struct{ location *time.Location }

// maxText is the most octets of a text that an expression may build.
const maxText = 1 << 20

// errTextTooLong is the error of an expression that glues too much together.
var errTextTooLong = errors.New("the text that the rule puts together is longer than 1 MiB")

// Functions lists every function of the language.
func Functions() []Function {
	out := slices.Concat(textFunctions(), timeFunctions(), unitFunctions(), listFunctions())
	for i := range out {
		f := &out[i]
		f.Type = f.result.String()
		names := make([]string, len(f.params))
		for j, p := range f.params {
			names[j] = p.name
		}
		if f.variadic {
			names = append(names, "...")
		}
		f.Signature = f.Name + "(" + strings.Join(names, ", ") + ")"
	}
	return out
}

func textFunctions() []Function {
	text, truth := typ{kind: textKind}, typ{kind: boolKind}
	clean := func(name, doc, example string) Function {
		return Function{Name: name, params: []param{{name: "text", typ: text}}, result: text, Doc: doc, Example: example}
	}
	return []Function{
		{Name: "has", params: []param{{name: "text", typ: text}, {name: "part", typ: text}}, variadic: true, result: truth,
			Doc: "Whether the text contains one of the parts, without regard to case.", Example: `has(subject, "invoice", "receipt")`,
			types: new(func(string, ...string) bool),
			call: func(_ clockwork, args []any) (any, error) {
				for _, part := range args[1:] {
					if strings.Contains(args[0].(string), part.(string)) {
						return true, nil
					}
				}
				return false, nil
			}},
		{Name: "glob", params: []param{{name: "text", typ: text}, {name: "pattern", typ: text, constant: true}}, result: truth,
			Doc: `Whether the pattern stands for the whole text: "*" is any text, "?" one character; without regard to case.`, Example: `glob(from.address, "*@*.example.org")`,
			types: new(func(string, string) bool),
			call:  func(_ clockwork, args []any) (any, error) { return globMatch(args[1].(string), args[0].(string)), nil }},
		{Name: "in_list", params: []param{{name: "text", typ: text}, {name: "list", typ: text, constant: true}}, result: truth,
			Doc: "Whether the text is in a list of the configuration, without regard to case.", Example: `in_list(from.address, "vips")`},
		{Name: "header", params: []param{{name: "field", typ: text, constant: true}}, result: text,
			Doc: `The first field of that name, decoded, "" if there is none.`, Example: `header("X-Spam-Flag") == "YES"`},
		{Name: "headers", params: []param{{name: "field", typ: text, constant: true}}, result: listOf(textKind),
			Doc: "All fields of that name, decoded, in order.", Example: `any(headers("Received"), # contains "mail.example.org")`},
		{Name: "under", params: []param{{name: "domain", typ: text}, {name: "parent", typ: text, constant: true}}, result: truth,
			Doc: "Whether a domain is the parent or one below it: example.org and mail.example.org, but not notexample.org.", Example: `under(from.domain, "example.org")`,
			types: new(func(string, string) bool),
			call:  func(_ clockwork, args []any) (any, error) { return isUnder(args[0].(string), args[1].(string)), nil }},
		{Name: "capture", params: []param{{name: "text", typ: text}, {name: "pattern", typ: text, constant: true}}, result: text,
			Doc: `What the first group of a pattern (RE2) stands for in the text, "" if the pattern is not found.`, Example: `capture(subject, "(?i)ticket #([0-9]+)") != ""`,
			types: new(func(string, *regexp.Regexp) string),
			call: func(_ clockwork, args []any) (any, error) {
				return firstGroup(args[0].(string), args[1].(*regexp.Regexp)), nil
			}},
		clean("lower", "The text in lower case.", `lower(from.local) matches "^no-?reply"`),
		clean("upper", "The text in upper case.", `upper(from.local) matches "^NO-?REPLY"`),
		clean("trim", "The text without the white space around it.", `trim(subject) == ""`),
	}
}

// isUnder compares folded domains.
func isUnder(domain, parent string) bool {
	rest, ok := strings.CutSuffix(domain, parent)
	return ok && (rest == "" || strings.HasSuffix(rest, "."))
}

func firstGroup(text string, pattern *regexp.Regexp) string {
	if m := pattern.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

func timeFunctions() []Function {
	when := []param{{name: "time", typ: typ{kind: timeKind}}}
	number := func(name, doc, example string, get func(time.Time) int) Function {
		return Function{Name: name, params: when, result: typ{kind: numberKind}, calendar: true, Doc: doc, Example: example,
			types: new(func(time.Time) int),
			call:  func(c clockwork, args []any) (any, error) { return get(args[0].(time.Time).In(c.location)), nil }}
	}
	return []Function{
		number("year", "The year, in the configured time zone.", "copy: Accounting/${year(received)}", time.Time.Year),
		number("month", "The month, 1 to 12.", "month(received) == 12", func(t time.Time) int { return int(t.Month()) }),
		number("day", "The day of the month, 1 to 31.", "day(received) == 1", time.Time.Day),
		number("hour", "The hour, 0 to 23.", "hour(received) < 7", time.Time.Hour),
		{Name: "weekday", params: when, result: typ{kind: textKind}, calendar: true, types: new(func(time.Time) string),
			Doc: `The day of the week: "Monday" to "Sunday".`, Example: `weekday(received) in ["Saturday", "Sunday"]`,
			call: func(c clockwork, args []any) (any, error) {
				return args[0].(time.Time).In(c.location).Weekday().String(), nil
			}},
		{Name: "format", params: []param{when[0], {name: "layout", typ: typ{kind: textKind}, constant: true}}, result: typ{kind: textKind}, calendar: true,
			types: new(func(time.Time, string) string),
			Doc: "The time as a text. Codes: %Y year, %m month, %d day, %H hour, %M minute, %S second, %y short year, %j day of the year, " +
				"%G and %V ISO year and week, %a and %A weekday, %b and %B month, %F date, %T time, %z zone, %% a percent sign.",
			Example: `copy: Archive/${format(received, "%Y-%m")}`,
			call: func(c clockwork, args []any) (any, error) {
				return layout(args[1].(string)).format(args[0].(time.Time).In(c.location)), nil
			}},
		{Name: "within", params: []param{when[0], {name: "from", typ: typ{kind: textKind}, constant: true}, {name: "to", typ: typ{kind: textKind}, constant: true}},
			result: typ{kind: boolKind}, calendar: true, types: new(func(time.Time, string, string) bool),
			Doc:     "Whether the time of day lies between two times, the second left out; over midnight where the first is later; in the configured time zone.",
			Example: `within(received, "22:00", "06:00")`,
			call: func(c clockwork, args []any) (any, error) {
				return isWithin(args[0].(time.Time).In(c.location), args[1].(string), args[2].(string)), nil
			}},
		{Name: "date", params: []param{{name: "day", typ: typ{kind: textKind}, constant: true}}, result: typ{kind: timeKind}, calendar: true,
			Doc: `A moment: "2026-01-31" (its midnight), "2026-01-31 18:30", or RFC 3339 with a zone; else in the configured time zone.`, Example: `sent < date("2020-01-01")`},
	}
}

func unitFunctions() []Function {
	amount := []param{{name: "number", typ: typ{kind: numberKind}}}
	span := func(name string, unit time.Duration, example string) Function {
		return Function{Name: name, params: amount, result: typ{kind: durationKind}, types: []any{new(func(int) time.Duration), new(func(float64) time.Duration)},
			Doc: "So many " + name + ", as a duration; a part of one too: " + name + "(1.5).", Example: example,
			call: func(_ clockwork, args []any) (any, error) { return durationFrom(float(args[0]) * float64(unit)), nil }}
	}
	octets := func(name string, unit int, doc, example string) Function {
		return Function{Name: name, params: amount, result: typ{kind: numberKind}, types: []any{new(func(int) int), new(func(float64) int)},
			Doc: doc, Example: example,
			call: func(_ clockwork, args []any) (any, error) { return octetsFrom(float(args[0]) * float64(unit)), nil }}
	}
	return []Function{
		span("minutes", time.Minute, "age < minutes(30)"),
		span("hours", time.Hour, "age < hours(24)"),
		span("days", 24*time.Hour, "age > days(30)"),
		span("weeks", 7*24*time.Hour, "age > weeks(2)"),
		octets("kb", 1<<10, "So many kibibytes, 1,024 octets each.", "size < kb(100)"),
		octets("mb", 1<<20, "So many mebibytes, 1,048,576 octets each.", "size > mb(10)"),
	}
}

const (
	// maxDuration is 100 years of 365 days: two of them together can still be said.
	maxDuration = 100 * 365 * 24 * time.Hour
	// maxNumber is the largest whole number that is reckoned with.
	maxNumber = 1_000_000_000_000_000
)

// durationFrom, octetsFrom and times stop at their limits: a number that is far
// too large must not turn into its opposite.
func durationFrom(d float64) time.Duration {
	return time.Duration(saturated(d, -int64(maxDuration), int64(maxDuration)))
}

func octetsFrom(n float64) int { return int(saturated(n, 0, maxNumber)) }

// times multiplies whole numbers.
func times(args ...any) (any, error) {
	a, b := args[0].(int), args[1].(int)
	return int(saturated(float64(a)*float64(b), -maxNumber, maxNumber)), nil
}

func saturated(v float64, low, high int64) int64 {
	switch {
	case v <= float64(low) || math.IsNaN(v):
		return low
	case v >= float64(high):
		return high
	default:
		return int64(v)
	}
}

func float(v any) float64 {
	if n, ok := v.(int); ok {
		return float64(n)
	}
	f, _ := v.(float64)
	return f
}

// listFunctions are expr's own. Their types are worked out by the checker.
func listFunctions() []Function {
	each := func(name string, result typ, doc, example string) Function {
		return Function{Name: name, lazy: true, params: []param{{name: "list"}, {name: "condition"}}, result: result, Doc: doc, Example: example}
	}
	truth := typ{kind: boolKind}
	return []Function{
		each("any", truth, "Whether one element or more meets the condition.", `any(to, .domain == "example.org")`),
		each("all", truth, "Whether every element meets the condition; true of an empty list.", `all(to, .domain == "example.org")`),
		each("none", truth, "Whether no element meets the condition; true of an empty list.", `none(cc, .address == "me@example.org")`),
		each("one", truth, "Whether exactly one element meets the condition.", `one(to, .domain == "example.org")`),
		each("count", typ{kind: numberKind}, "How many elements meet the condition.", `count(to, .domain == "example.org") > 3`),
		each("filter", listOf(unknownKind), "The elements that meet the condition.", `len(filter(to, .domain == "example.org")) > 3`),
		each("map", listOf(unknownKind), "A list of what the second part is for each element.", `"example.org" in map(to, .domain)`),
		{Name: "len", params: []param{{name: "list or text"}}, result: typ{kind: numberKind}, Doc: "How many elements a list has, or characters a text.", Example: `len(to) > 20`},
	}
}
