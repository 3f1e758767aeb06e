package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// maxName is how many bytes a name that a user chooses may have.
const maxName = 200

var errOctal = errors.New("a leading zero")

// fields says how each key of a mapping is read.
type fields map[string]func(key, value *strictyaml.Node)

// mapping reads a mapping by its table: unknown and repeated keys are errors,
// and so are those that a later version will have.
func (l *loader) mapping(n *strictyaml.Node, what string, table fields, later ...string) {
	if l.observe != nil {
		l.observe(what, table)
	}
	seen := map[string]bool{}
	for _, e := range l.entries(n) {
		read, ok := table[e.Key.Value]
		switch {
		case slices.Contains(later, e.Key.Value):
			l.later(e.Key, e.Value)
		case !ok:
			l.unknown(e.Key, what, table)
		case seen[e.Key.Value]:
			l.problem(e.Key, fmt.Sprintf("%q is set twice", e.Key.Value), "keep one of them")
		case e.Value.Kind != strictyaml.Bad:
			read(e.Key, e.Value)
		}
		seen[e.Key.Value] = true
	}
}

func (l *loader) unknown(key *strictyaml.Node, what string, table fields) {
	names := slices.Sorted(maps.Keys(table))
	hint := "known here: " + strings.Join(names, ", ")
	if place := misplaced(what, key.Value); place != "" {
		hint = place
	} else if near := nearest(key.Value, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	} else if home := homeOf(key.Value); home != "" {
		hint = "it is a key of " + called(home)
	}
	l.problem(key, fmt.Sprintf("unknown key %q in %s", key.Value, called(what)), hint)
}

// called is what a mapping is called in a sentence.
func called(what string) string {
	if what == "trigger" {
		return "on:"
	}
	if what == "smtp" || what == "oauth2" || what == "admin" || what == "notices" {
		return what + ":"
	}
	return "the " + what
}

// misplaced is where a key belongs that people look for elsewhere, "" for others.
func misplaced(what, key string) string {
	example := map[string]string{
		"cron": "{cron: '0 3 * * *'}", "timezone": "{cron: '0 3 * * *', timezone: Europe/Berlin}", "jitter": "{cron: '0 3 * * *', jitter: 10m}",
		"catch_up": "{cron: '0 3 * * *', catch_up: false}", "flags": `{flags: ['\Flagged']}`,
	}[key]
	switch {
	case what == "account" && key == "oauth":
		return "it is called oauth2:, as in oauth2: {provider: microsoft, client_id: ID}"
	case what == "account" && key == "client_id", what == "account" && key == "client_secret":
		return "it stands in oauth2:, as in oauth2: {provider: microsoft, client_id: ID}"
	case what == "rule" && example != "", what == "retention" && example != "" && key != "flags":
		return "it stands in on:, as in on: " + example
	case what == "retention" && key == "if":
		return "name what stays under unless:, or write a rule"
	case what == "webhook" && (key == "topic" || key == "channel" || key == "room" || key == "chat" || key == "chat_id"):
		return "it stands in to:"
	case what == "call" && (key == "endpoint" || key == "name"):
		return "the name of the endpoint stands in to:"
	case what == "call" && (key == "message" || key == "text"):
		return "it is called body:"
	case what == "call" && key == "subject":
		return "it is called title:"
	case what == "trigger" && key == "repeat":
		return "it stands in the rule, beside on:"
	}
	return ""
}

// later refuses a key that a coming version will have.
func (l *loader) later(key, _ *strictyaml.Node) {
	l.problem(key, fmt.Sprintf("%q is not available in this version yet", key.Value), "remove it for now")
}

// named returns the entries of a mapping from names that users choose. A name
// stands for one thing in all of the files.
func (l *loader) named(n *strictyaml.Node, what string) []strictyaml.Entry {
	var out []strictyaml.Entry
	for _, e := range l.entries(n) {
		name := e.Key.Value
		switch {
		case strings.TrimSpace(name) == "" || len(name) > maxName || strings.ContainsFunc(name, unicode.IsControl):
			l.problem(e.Key, fmt.Sprintf("this cannot be the name of a %s", what), fmt.Sprintf("use 1 to %d bytes of text", maxName))
		case l.names[what+" "+name]:
			l.problem(e.Key, fmt.Sprintf("there are two %ss %q", what, name), "rename one of them")
		default:
			l.names[what+" "+name] = true
			out = append(out, e)
		}
	}
	return out
}

// entries returns the entries of a mapping that can be used.
func (l *loader) entries(n *strictyaml.Node) []strictyaml.Entry {
	if n.Kind == strictyaml.Bad {
		return nil
	}
	if n.Kind != strictyaml.Mapping {
		l.wrongType(n, "keys and values")
		return nil
	}
	return without(n.Entries, func(e strictyaml.Entry) bool { return e.Key.Kind != strictyaml.Scalar })
}

// items returns the entries of a sequence; a single scalar counts as one.
func (l *loader) items(n *strictyaml.Node) []*strictyaml.Node {
	switch n.Kind {
	case strictyaml.Sequence:
		return without(n.Items, func(i *strictyaml.Node) bool { return i.Kind == strictyaml.Bad })
	case strictyaml.Scalar:
		return []*strictyaml.Node{n}
	case strictyaml.Mapping:
		l.wrongType(n, "a list")
	}
	return nil
}

// without leaves out what is bad. A list in which nothing is comes back as it is
// and must not be changed.
func without[T any](list []T, bad func(T) bool) []T {
	if !slices.ContainsFunc(list, bad) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), bad)
}

func (l *loader) wrongType(n *strictyaml.Node, want string) {
	is := map[strictyaml.Kind]string{
		strictyaml.Scalar: "a single value", strictyaml.Mapping: "keys and values", strictyaml.Sequence: "a list",
	}[n.Kind]
	l.problem(n, fmt.Sprintf("this is %s, not %s", is, want), "")
}

// str reads a string. A number or a boolean that was meant as text is one, as
// it is written.
func (l *loader) str(n *strictyaml.Node, out *string) bool {
	if n.Kind != strictyaml.Scalar {
		if n.Kind != strictyaml.Bad {
			l.wrongType(n, "a text")
		}
		return false
	}
	*out = n.Value
	return l.whole(n)
}

// whole reports whether YAML took the whole of a value. Where a # follows a
// space it begins a comment: that is what people want of "host: x # why", and
// not of an expression whose quotes or brackets are still open, or of a name
// that goes on right behind the #.
func (l *loader) whole(n *strictyaml.Node) bool {
	text, at, ok := n.Comment()
	if !ok || balanced(n.Value) && (text == "" || strings.ContainsAny(text[:1], " \t#!")) {
		return true
	}
	hint := "write the value in single quotes, or put a space after the # of a comment"
	if full := n.Value + " #" + text; !strings.Contains(full, "'") {
		hint = "write it in single quotes: '" + full + "'; or put a space after the # of a comment"
	} else if !balanced(n.Value) {
		hint = `write it as a block: "|" after the colon, the value on the next line, indented deeper`
	}
	l.add(at, rules.Error, "the value ends here, because YAML takes a # after a space for the beginning of a comment", hint)
	return false
}

// balanced reports whether quotes and brackets are closed, as far as a text
// that may be an expression has any.
func balanced(s string) bool {
	depth, quote, escaped := 0, rune(0), false
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
		case quote != 0 && r == '\\':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"':
			quote = r
		case strings.ContainsRune("([{", r):
			depth++
		case strings.ContainsRune(")]}", r):
			depth--
		}
	}
	return quote == 0 && depth <= 0
}

func (l *loader) boolean(n *strictyaml.Node, out *bool) {
	if n.Kind != strictyaml.Scalar || n.Type != strictyaml.Bool {
		l.problem(n, "this must be true or false", "write true or false, without quotes")
		return
	}
	*out = strings.EqualFold(n.Value, "true")
}

func (l *loader) integer(n *strictyaml.Node, low, high int, out *int) {
	v, err := strconv.Atoi(n.Value)
	if strings.HasPrefix(n.Value, "0") && n.Value != "0" {
		err = errOctal // YAML would read 010 as 8
	}
	if n.Kind != strictyaml.Scalar || n.Type != strictyaml.Integer || err != nil || v < low || v > high {
		hint := ""
		if n.Kind == strictyaml.Scalar && n.Type == strictyaml.String && n.Style != strictyaml.Plain {
			hint = "write it without quotes"
		} else if errors.Is(err, errOctal) {
			hint = "write it without the zero in front"
		}
		l.problem(n, fmt.Sprintf("this must be a number from %d to %d", low, high), hint)
		return
	}
	*out = v
}

// strings reads a list of texts.
func (l *loader) strings(n *strictyaml.Node) []string {
	var out []string
	for _, item := range l.items(n) {
		var v string
		if l.str(item, &v) {
			out = append(out, v)
		}
	}
	return out
}

// nearest returns the known name that a user most likely meant, "" if none is
// close.
func nearest(word string, known []string) string {
	best, distance := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := edits(strings.ToLower(word), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// edits is the Levenshtein distance of two words.
func edits(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return 40
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		last := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			last, row[j] = row[j], min(row[j]+1, row[j-1]+1, last+cost)
		}
	}
	return row[len(b)]
}
