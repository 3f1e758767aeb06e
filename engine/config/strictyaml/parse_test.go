package strictyaml

import (
	"fmt"
	"strings"
	"testing"
)

// Every trap is reported once, at its place, with its cure, and what stands
// around it is still read: the null value of "after" is the proof.
func TestTraps(t *testing.T) {
	tests := []struct {
		name, yaml string
		at         Span
		says, cure string
	}{
		{"tag", "if: !is_bulk and x", Span{1, 5, 14}, "YAML tag", "'!is_bulk and x'"},
		{"tag before a parenthesis", "if: !(a or b)", Span{1, 5, 9}, "YAML tag", "'!(a or b)'"},
		{"tag in a flow sequence", "in: [!x, y]", Span{1, 6, 2}, "YAML tag", "'!x'"},
		{"anchor", "if: &x y", Span{1, 5, 4}, "YAML anchor", "'&x y'"},
		{"alias", "in: [*x, y]", Span{1, 6, 2}, "YAML alias", "'*x'"},
		{"lone star", "in: *", Span{1, 5, 1}, "YAML alias", "'*'"},
		{"lone star in a flow sequence", "in: [*]", Span{1, 6, 1}, "YAML alias", "'*'"},
		{"merge key", "<<: x", Span{1, 1, 2}, "merge keys", "write the values out"},
		{"null", "if: null", Span{1, 5, 4}, "null", "write a value"},
		{"tilde", "if: ~", Span{1, 5, 1}, "null", "write a value"},
		{"no value", "if:", Span{1, 1, 2}, "no value", "write a value"},
		{"empty entry", "in: [a, ]\nif:\n  -\n  - b", Span{3, 3, 1}, "empty entry", "write a value"},
		{"escape", `then: [add_flags: ["\Seen"]]`, Span{1, 21, 2}, `\S is no escape`, `'\Seen'`},
		{"escape beside an apostrophe", `if: "it's \d"`, Span{1, 11, 2}, `\d is no escape`, `\\`},
		{"reserved", "on: {cron: @daily}", Span{1, 12, 6}, "begin with @", "'@daily'"},
		{"reserved in a block", "cron: @daily # c", Span{1, 7, 6}, "begin with @", "'@daily'"},
		{"reserved after spaces", "on: {cron:   @daily  }", Span{1, 14, 6}, "begin with @", "'@daily'"},
		{"reserved after wide characters", "日本: [日本, @daily]", Span{1, 10, 6}, "begin with @", "'@daily'"},
		{"quoted word first after spaces", `if:   "x"  in flags   # c`, Span{1, 7, 13}, "begins with a quote", `'"x"  in flags'`},
		{"tab in a value", "if: a\tor b", Span{1, 5, 6}, "read as it is written", "without tabs"},
		{"backtick", "cron: `x`", Span{1, 7, 3}, "begin with `", "'`x`'"},
		{"quoted word first", `if: "x" in flags`, Span{1, 5, 12}, "begins with a quote", `'"x" in flags'`},
		{"single-quoted word first", `if: 'x' in flags`, Span{1, 5, 12}, "begins with a quote", `as a block`},
		{"quoted word first in a flow mapping", `if: {c: "d" e, f: g}`, Span{1, 9, 5}, "begins with a quote", `'"d" e'`},
		{"braces in flow", "then: [{move: Lists/${list.name}}]", Span{1, 15, 18}, "braces of ${ }", "'Lists/${list.name}'"},
		{"braces in a flow sequence", "then: [a, ${b} c]", Span{1, 11, 6}, "braces of ${ }", "'${b} c'"},
		{"colon in a value", "if: a ? b : c", Span{1, 5, 9}, "colon and a space", "'a ? b : c'"},
		{"deep indentation", "a: b\n   c: d", Span{2, 4, 1}, "indentation", "same column"},
		{"tab", "a:\n\tb: c", Span{2, 1, 1}, "tab", "use spaces"},
		{"open quote", "a: \"b", Span{1, 4, 1}, "not closed", "close it"},
		{"open bracket", "a: [b, c", Span{1, 4, 1}, "this [ is not closed", ""},
		{"open brace", "a: {b: c", Span{1, 4, 1}, "this { is not closed", ""},
		{"control character", "a: b\x01c", Span{1, 5, 1}, "U+0001", ""},
		{"text direction", "a: b\u202Ec", Span{1, 5, 1}, "U+202E", ""},
		{"not UTF-8", "a: b\xffc", Span{1, 5, 1}, "not UTF-8", ""},
		{"complex key", "? [a]\n: b", Span{1, 1, 1}, "plain word", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root, problems := Parse([]byte("before: 1\n" + test.yaml + "\nafter:\nend: 1\n"))
			if root == nil {
				t.Fatalf("nothing was read: %v", problems)
			}
			if len(problems) != 2 {
				t.Fatalf("%d problems, want 2:\n%s", len(problems), list(problems))
			}
			p, after := problems[0], problems[1]
			if strings.Contains(p.Message, `"after"`) {
				p, after = after, p
			}
			test.at.Line++
			if p.Span != test.at || !strings.Contains(p.Message, test.says) || !strings.Contains(p.Hint, test.cure) {
				t.Errorf("got\n%s", list(problems))
			}
			if !strings.Contains(after.Message, `"after" has no value`) {
				t.Errorf("what follows was not read:\n%s", list(problems))
			}
		})
	}
}

func list(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%d:%d:%d %s | %s\n", p.Line, p.Column, p.Length, p.Message, p.Hint)
	}
	return b.String()
}

// A rule that is not YAML does not take its neighbours with it.
func TestCutLeavesTheNeighbours(t *testing.T) {
	root, problems := Parse([]byte(`accounts:
  a: {host: x}
rules:
  - name: one
    if: "open
  - name: two
    if: x
  - name: three
     if: y
  - name: four
`))
	if len(problems) != 1 {
		t.Errorf("problems:\n%s", list(problems))
	}
	if root == nil {
		t.Fatal("nothing was read")
	}
	var names []string
	for _, rule := range root.Get("rules").Items {
		if rule.Kind == Mapping {
			names = append(names, rule.Get("name").Value)
		}
	}
	if got := strings.Join(names, " "); got != "two four" {
		t.Errorf("rules read: %q", got)
	}
}

func TestLimits(t *testing.T) {
	tests := map[string]string{
		"size":                strings.Repeat("a: b\n", MaxSize/5+1),
		"flow depth":          "a: " + strings.Repeat("[", 100_000),
		"dashes on one line":  strings.Repeat("- ", 100_000) + "a",
		"mappings by indent":  nested(MaxDepth + 2),
		"keys on one line":    strings.Repeat("? ", 100_000) + "a",
		"tags on one line":    "a: " + strings.Repeat("!x ", 100_000),
		"anchors on one line": "a: " + strings.Repeat("&x ", 100_000),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if _, problems := Parse([]byte(text)); len(problems) == 0 {
				t.Error("no problem")
			}
		})
	}
}

func nested(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "%sa:\n", strings.Repeat(" ", i))
	}
	return b.String()
}

func TestSecondDocument(t *testing.T) {
	_, problems := Parse([]byte("---\na: 1\n---\nb: 2\n"))
	if len(problems) != 1 || problems[0].Line != 4 {
		t.Errorf("problems:\n%s", list(problems))
	}
}

func TestNothing(t *testing.T) {
	for _, text := range []string{"", "\n", "# only a comment\n", "---\n"} {
		if root, problems := Parse([]byte(text)); root != nil || len(problems) > 0 {
			t.Errorf("%q: %v %v", text, root, problems)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a: b\n", "a: [b, {c: d}]\n", "a: |\n  b\n", "a: >-\n  b\n\n  c\n", "a: \"\\x41\\\n  b\"\n", "a: 'b''c'\n",
		"if: !x\n", "on: {cron: @daily}\n", "a: \"\\Seen\"\n", "- a\n- - b\n", "a: b # c\n", "? a\n: b\n", "&a b: *c\n", "a:\n\tb",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, problems := Parse(data)
		lines := Lines(data)
		for _, p := range problems {
			if p.Line < 1 || p.Line > len(lines)+1 || p.Column < 1 || p.Length < 1 || p.Message == "" {
				t.Errorf("bad problem %+v", p)
			}
		}
		checkNode(t, root)
	})
}

func checkNode(t *testing.T, n *Node) {
	if n == nil {
		return
	}
	if n.Kind == Scalar {
		if len(n.places()) != len([]rune(n.Value)) {
			t.Errorf("%d places for %q", len(n.places()), n.Value)
		}
		for i := range []rune(n.Value) {
			if s := n.Span(i, 1); s.Line < 1 || s.Column < 1 || s.Length < 1 {
				t.Errorf("bad span %+v", s)
			}
		}
		n.Comment()
	}
	for _, e := range n.Entries {
		checkNode(t, e.Key)
		checkNode(t, e.Value)
	}
	for _, item := range n.Items {
		checkNode(t, item)
	}
}
