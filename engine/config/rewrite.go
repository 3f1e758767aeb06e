package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"imapilot/actions"
	"imapilot/engine/config/strictyaml"
)

// Rewrite is a change of one test's want: in the text of a file.
type Rewrite struct {
	// Line is the first line that changes, from 1; Old and New are the lines
	// before and after.
	Line     int
	Old, New []string
	// Text is the whole file after the change.
	Text []byte
}

// errForm is said of what RewriteWant does not dare to change.
var errForm = errors.New("want: cannot be changed safely here, because of braces, line breaks or comments")

// RewriteWant gives the text of a file in which the test that begins on a line
// wants other actions. It changes lists with a dash a line and values on the
// line of want: itself, and refuses everything else: a test in braces, a list
// with comments in it. What it gives was read again: nothing but that want: is
// different, and it says what it should.
func RewriteWant(data []byte, line int, want []actions.Action) (Rewrite, error) {
	root, problems := strictyaml.Parse(data)
	if root == nil || len(problems) > 0 {
		return Rewrite{}, errForm
	}
	test := testAt(root, line)
	if test == nil {
		return Rewrite{}, errors.New("the file has changed, there is no such test any more")
	}
	i := slices.IndexFunc(test.Entries, func(e strictyaml.Entry) bool { return e.Key.Value == "want" })
	if i < 0 {
		return Rewrite{}, errForm
	}
	r, ok := replaced(strings.Split(string(data), "\n"), test.Entries[i], want)
	if !ok || !r.onlyWant(root, test.Entries[i].Value, want) {
		return Rewrite{}, errForm
	}
	return r, nil
}

// testAt finds the test that begins on a line, of a rule or of the whole walk.
func testAt(root *strictyaml.Node, line int) *strictyaml.Node {
	lists := []*strictyaml.Node{root.Get("tests")}
	for _, key := range []string{"rules", "retention"} {
		if all := root.Get(key); all != nil {
			for _, rule := range all.Items {
				lists = append(lists, rule.Get("tests"))
			}
		}
	}
	for _, list := range lists {
		if list == nil {
			continue
		}
		for _, test := range list.Items {
			if test.Kind == strictyaml.Mapping && test.Line == line {
				return test
			}
		}
	}
	return nil
}

// replaced puts other actions in the place of a want: that has lines of its
// own.
func replaced(lines []string, want strictyaml.Entry, all []actions.Action) (Rewrite, bool) {
	first, last := want.Key.Line, lastLine(want.Value)
	if want.Key.Column > len(lines[first-1]) {
		return Rewrite{}, false
	}
	row := strings.TrimSuffix(lines[first-1], "\r")
	end := lines[first-1][len(row):]
	head, tail := row[:want.Key.Column-1], row[want.Key.Column-1:]
	comment, ok := afterValue(tail, want.Value, last > first)
	if !ok || strings.Trim(head, " -") != "" {
		return Rewrite{}, false
	}
	if slices.ContainsFunc(lines[first:last], isComment) {
		return Rewrite{}, false
	}
	r := Rewrite{Line: first, Old: slices.Clone(lines[first-1 : last])}
	switch {
	case last > first && len(all) > 0:
		r.New = append([]string{lines[first-1]}, dashed(lines[first], all, end)...)
	default:
		r.New = []string{head + "want: " + FlowWant(all) + comment + end}
	}
	r.Text = []byte(strings.Join(slices.Replace(slices.Clone(lines), first-1, last, r.New...), "\n"))
	return r, true
}

// afterValue is what follows the value on the line of want:, blanks and a
// comment. It reports false when the line is not as simple as that; below is
// set where the value stands on the lines below.
func afterValue(text string, value *strictyaml.Node, below bool) (string, bool) {
	rest, ok := strings.CutPrefix(text, "want:")
	tries := 0
	for end := 0; ok && end <= len(rest) && tries < maxEnds; end++ {
		after := rest[end:]
		trimmed := strings.TrimLeft(after, " ")
		if trimmed != "" && (trimmed[0] != '#' || trimmed == after) || end > 0 && rest[end-1] == ' ' {
			continue
		}
		if below {
			return after, end == 0
		}
		tries++
		root, problems := strictyaml.Parse([]byte("want:" + rest[:end]))
		if root == nil || len(problems) > 0 {
			continue
		}
		if read := root.Get("want"); read != nil && same(read, value, neverInstead) {
			return after, true
		}
	}
	return "", false
}

// maxEnds is at how many places of a line the end of a value is looked for.
const maxEnds = 16

func neverInstead(_, _ *strictyaml.Node) bool { return false }

func isComment(line string) bool {
	return strings.HasPrefix(strings.TrimSpace(line), "#") || strings.Contains(line, " #")
}

// dashed writes the actions one below the other, like the first that was there.
func dashed(like string, all []actions.Action, end string) []string {
	indent := like[:len(like)-len(strings.TrimLeft(like, " "))]
	var out []string
	for _, a := range all {
		out = append(out, indent+"- "+written(a)+end)
	}
	return out
}

// FlowWant writes actions on one line, as in "[{move: Lists/go}, trash]".
func FlowWant(all []actions.Action) string {
	var parts []string
	for _, a := range all {
		text := written(a)
		if a.Kind.Spec().Arg != actions.ArgNone {
			text = "{" + text + "}"
		}
		parts = append(parts, text)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// written is an action as YAML has it.
func written(a actions.Action) string {
	switch a.Kind.Spec().Arg {
	case actions.ArgFlags:
		var flags []string
		for _, f := range a.Flags {
			flags = append(flags, quoted(string(f)))
		}
		return string(a.Kind) + ": [" + strings.Join(flags, ", ") + "]"
	case actions.ArgLabels:
		var labels []string
		for _, l := range a.Labels {
			labels = append(labels, quoted(l))
		}
		return string(a.Kind) + ": [" + strings.Join(labels, ", ") + "]"
	case actions.ArgMailbox:
		if a.Account != "" {
			return fmt.Sprintf("%s: {account: %s, mailbox: %s}", a.Kind, quoted(a.Account), quoted(a.Mailbox))
		}
		return string(a.Kind) + ": " + quoted(a.Mailbox)
	case actions.ArgEndpoint:
		if a.When != "" {
			return fmt.Sprintf("%s: {to: %s, when: %s}", a.Kind, quoted(a.Endpoint), a.When)
		}
		return string(a.Kind) + ": " + quoted(a.Endpoint)
	case actions.ArgAppend:
		return writtenAppend(a)
	case actions.ArgCommand:
		var argv []string
		for _, arg := range a.Command.Argv {
			argv = append(argv, quoted(arg))
		}
		return string(a.Kind) + ": [" + strings.Join(argv, ", ") + "]"
	case actions.ArgUntil:
		return a.String()
	case actions.ArgFolder:
		return string(a.Kind) + ": " + writtenSaving(a.Save)
	case actions.ArgRecipients, actions.ArgAnswer:
		return string(a.Kind) + ": " + writtenLetter(a.Letter)
	}
	return string(a.Kind)
}

// quoted puts a text into single quotes unless YAML reads it as it is.
func quoted(s string) string {
	plain := regexp.MustCompile(`^[A-Za-z$][A-Za-z0-9$_./-]*$`).MatchString(s)
	special := []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
	if plain && !slices.Contains(special, strings.ToLower(s)) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// lastLine is the last line on which a part of a value begins.
func lastLine(n *strictyaml.Node) int {
	last := n.Line
	for _, e := range n.Entries {
		last = max(last, lastLine(e.Key), lastLine(e.Value))
	}
	for _, item := range n.Items {
		last = max(last, lastLine(item))
	}
	return last
}

// onlyWant reads the new text and reports whether it is the old one but for
// what the test wants.
func (r Rewrite) onlyWant(old, want *strictyaml.Node, all []actions.Action) bool {
	root, problems := strictyaml.Parse(r.Text)
	if root == nil || len(problems) > 0 {
		return false
	}
	return same(old, root, func(a, b *strictyaml.Node) bool {
		if a != want {
			return false
		}
		l := &loader{cfg: &Config{}}
		return slices.EqualFunc(l.wantedAt(b), all, actions.Action.Equal) && len(l.diags) == 0
	})
}

// wantedAt is want where every snooze is until a date.
func (l *loader) wantedAt(n *strictyaml.Node) []actions.Action {
	out, until := l.want(n)
	for i, at := range until {
		out[i].Until = at(time.Time{})
	}
	return out
}

// same compares two trees. A pair for which instead holds is not looked into.
func same(a, b *strictyaml.Node, instead func(a, b *strictyaml.Node) bool) bool {
	if instead(a, b) {
		return true
	}
	return a.Kind == b.Kind && a.Value == b.Value && a.Type == b.Type &&
		slices.EqualFunc(a.Items, b.Items, func(x, y *strictyaml.Node) bool { return same(x, y, instead) }) &&
		slices.EqualFunc(a.Entries, b.Entries, func(x, y strictyaml.Entry) bool {
			return same(x.Key, y.Key, instead) && same(x.Value, y.Value, instead)
		})
}
