package strictyaml

import (
	"strings"
	"testing"
)

// marked holds a YAML value in which the rune that is looked for stands
// between the marks in the file, and the offset of it in the value.
func TestSpanPointsIntoTheFile(t *testing.T) {
	tests := []struct {
		name, yaml     string
		find           string // in the value
		line, col, len int
	}{
		{"plain", "if: form.domain == 1\n", "domain", 1, 10, 6},
		{"plain after a dash", "- - a b\n", "b", 1, 7, 1},
		{"plain in a flow sequence", "x: [a, bcd, e]\n", "c", 1, 9, 1},
		{"plain in a flow mapping", "x: {y: z, in: bcd}\n", "cd", 1, 16, 2},
		{"plain over two lines", "if: a and\n  form.x\n", "form", 2, 3, 4},
		{"plain over a blank line", "if: a and\n\n    form.x\n", "form", 3, 5, 4},
		{"plain with a comment", "if: a or b # why\n", "b", 1, 10, 1},
		{"single quoted", "if: 'form.x'\n", "form", 1, 6, 4},
		{"single quoted with doubled quotes", "if: 'it''s form'\n", "form", 1, 12, 4},
		{"single quote itself", "if: 'it''s'\n", "'", 1, 8, 2},
		{"single quoted over lines", "if: 'a\n  b\n\n  form'\n", "form", 4, 3, 4},
		{"double quoted", "if: \"a\\\"b form\"\n", "form", 1, 11, 4},
		{"double quoted, hex", "if: \"\\x41\\u0042 form\"\n", "form", 1, 17, 4},
		{"double quoted, the escape", "if: \"\\x41\\u0042\"\n", "B", 1, 10, 6},
		{"double quoted over an escaped line end", "if: \"a \\\n   form\"\n", "form", 2, 4, 4},
		{"literal", "if: |\n  a and\n  form.x\n", "form", 3, 3, 4},
		{"literal after a blank line", "if: |\n\n  a and\n\n  form.x\n", "form", 5, 3, 4},
		{"literal, deeper line", "if: |\n  a and\n    form.x\n", "form", 3, 5, 4},
		{"literal with an indentation indicator", "if: |2\n      form\n  b\nc: d\n", "form", 2, 7, 4},
		{"literal with an indicator in a sequence", "- |1\n  form\n- b\n", "form", 2, 3, 4},
		{"literal with an indicator in a mapping in a sequence", "- a: |2\n     form\n  b: c\n", "form", 2, 6, 4},
		{"trailing spaces", "a: form  \nb: c\n", "form", 1, 4, 4},
		{"trailing spaces over lines", "a: b  \n   form  \nb: c\n", "form", 2, 4, 4},
		{"two spaces before", "a:   form  # c\nb: c\n", "form", 1, 6, 4},
		{"tab before a comment", "a: form\t# c\nb: c\n", "form", 1, 4, 4},
		{"literal in a sequence", "- if: |-\n    form\n  then: x\n", "form", 2, 5, 4},
		{"literal with a comment in its header", "if: | # c\n  form\n", "form", 2, 3, 4},
		{"folded", "if: >\n  a and\n  form.x\n", "form", 3, 3, 4},
		{"folded, stripped, over a blank line", "if: >-\n  a and\n\n  form.x\n", "form", 4, 3, 4},
		{"folded, deeper line", "if: >-\n  a\n    b\n  form.x\n", "form", 4, 3, 4},
		{"wide characters", "日本: [日本, 'it''s 日 form']\n", "form", 1, 19, 4},
		{"CRLF", "a: b\r\nif: |\r\n  x\r\n  form\r\n", "form", 4, 3, 4},
		{"byte order mark", "\uFEFFif: form\n", "form", 1, 5, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root, problems := Parse([]byte(test.yaml))
			if len(problems) > 0 {
				t.Fatalf("problems: %v", problems)
			}
			node := holder(root, test.find)
			if node == nil {
				t.Fatalf("no value holds %q", test.find)
			}
			offset := len([]rune(node.Value[:strings.Index(node.Value, test.find)]))
			got := node.Span(offset, len([]rune(test.find)))
			if want := (Span{test.line, test.col, test.len}); got != want {
				t.Errorf("Span(%d) in %q = %v, want %v", offset, node.Value, got, want)
			}
		})
	}
}

func holder(n *Node, text string) *Node {
	if n == nil || n.Kind == Bad {
		return nil
	}
	if n.Kind == Scalar && strings.Contains(n.Value, text) {
		return n
	}
	for _, e := range n.Entries {
		if found := holder(e.Value, text); found != nil {
			return found
		}
	}
	for _, item := range n.Items {
		if found := holder(item, text); found != nil {
			return found
		}
	}
	return nil
}

func TestSpanOfWholeAndOfTheEnd(t *testing.T) {
	tests := []struct {
		name, yaml  string
		whole, last Span
	}{
		{"plain", "a: bcd # e\n", Span{1, 4, 3}, Span{1, 7, 1}},
		{"single quoted", "a: 'b''d'\n", Span{1, 4, 6}, Span{1, 9, 1}},
		{"empty", "a: ''\n", Span{1, 4, 2}, Span{1, 4, 1}},
		{"literal", "a: |-\n  bc\n  d\n", Span{2, 3, 2}, Span{3, 4, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root, _ := Parse([]byte(test.yaml))
			n := root.Get("a")
			if got := n.Span(0, 0); got != test.whole {
				t.Errorf("whole: %v, want %v", got, test.whole)
			}
			if got := n.Span(len([]rune(n.Value)), 1); got != test.last {
				t.Errorf("end: %v, want %v", got, test.last)
			}
		})
	}
}

func TestComment(t *testing.T) {
	root, _ := Parse([]byte("a: x \"# y\nb: x#y\nc: 'x' # y\nd: x # y\n"))
	for key, want := range map[string]string{"a": "", "b": "", "c": "", "d": " y"} {
		if got, _, _ := root.Get(key).Comment(); got != want {
			t.Errorf("%s: comment %q, want %q", key, got, want)
		}
	}
}
