package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// fields says how each key of a mapping is read.
type fields map[string]func(key, value *strictyaml.Node)

// mapping reads a mapping by its table: unknown and repeated keys are errors.
func (l *loader) mapping(n *strictyaml.Node, what string, table fields) {
	seen := map[string]bool{}
	for _, e := range l.entries(n) {
		read, ok := table[e.Key.Value]
		switch {
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
	var names []string
	for name := range table {
		names = append(names, name)
	}
	slices.Sort(names)
	hint := "known here: " + strings.Join(names, ", ")
	if near := nearest(key.Value, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	l.problem(key, fmt.Sprintf("unknown key %q in the %s", key.Value, what), hint)
}

// later refuses a key that a coming version will have.
func (l *loader) later(key, _ *strictyaml.Node) {
	l.problem(key, fmt.Sprintf("%q is not available in this version yet", key.Value), "remove it for now")
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
	return slices.DeleteFunc(slices.Clone(n.Entries), func(e strictyaml.Entry) bool { return e.Key.Kind != strictyaml.Scalar })
}

// items returns the entries of a sequence; a single scalar counts as one.
func (l *loader) items(n *strictyaml.Node) []*strictyaml.Node {
	switch n.Kind {
	case strictyaml.Sequence:
		return slices.DeleteFunc(slices.Clone(n.Items), func(i *strictyaml.Node) bool { return i.Kind == strictyaml.Bad })
	case strictyaml.Scalar:
		return []*strictyaml.Node{n}
	case strictyaml.Mapping:
		l.wrongType(n, "a list")
	}
	return nil
}

func (l *loader) wrongType(n *strictyaml.Node, want string) {
	is := map[strictyaml.Kind]string{
		strictyaml.Scalar: "a single value", strictyaml.Mapping: "keys and values", strictyaml.Sequence: "a list",
	}[n.Kind]
	l.problem(n, fmt.Sprintf("this is %s, not %s", is, want), "")
}

// str reads a string. A number or a boolean that was meant as text is one.
func (l *loader) str(n *strictyaml.Node, out *string) bool {
	if n.Kind != strictyaml.Scalar {
		if n.Kind != strictyaml.Bad {
			l.wrongType(n, "a text")
		}
		return false
	}
	l.comment(n)
	*out = n.Value
	return true
}

// comment warns of a value that ends where a # was taken for a comment, right
// after the text of an expression or a name.
func (l *loader) comment(n *strictyaml.Node) {
	text, at, ok := n.Comment()
	if !ok || text == "" || strings.HasPrefix(text, " ") {
		return
	}
	l.add(at, rules.Error, "YAML takes the rest of the line for a comment, because a # follows a space",
		"write the value in single quotes, or put a space after the # of a comment")
}

// expression reads a text that may stand for a condition: true and numbers are
// expressions too.
func (l *loader) expression(n *strictyaml.Node) rules.Text {
	l.comment(n)
	return l.text(n)
}

func (l *loader) boolean(n *strictyaml.Node, out *bool) {
	if n.Kind != strictyaml.Scalar || n.Type != strictyaml.Bool {
		l.problem(n, "this must be true or false", "")
		return
	}
	*out = n.Value == "true"
}

func (l *loader) integer(n *strictyaml.Node, low, high int, out *int) {
	v, err := strconv.Atoi(n.Value)
	if n.Kind != strictyaml.Scalar || n.Type != strictyaml.Integer || err != nil || v < low || v > high {
		l.problem(n, fmt.Sprintf("this must be a number from %d to %d", low, high), "")
		return
	}
	*out = v
}

func (l *loader) duration(n *strictyaml.Node, low, high time.Duration, out *time.Duration) {
	d, ok := parseDuration(n.Value)
	if n.Kind != strictyaml.Scalar || !ok || d < low || d > high {
		l.problem(n, fmt.Sprintf("this must be a time from %s to %s", spell(low), spell(high)), "write it as in 90s, 5m or 2h")
		return
	}
	*out = d
}

func parseDuration(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n >= 0 && n < 100_000
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

func spell(d time.Duration) string {
	s := d.String()
	s = strings.TrimSuffix(s, "0s")
	if t := strings.TrimSuffix(s, "0m"); strings.HasSuffix(t, "h") {
		return t
	}
	return s
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
