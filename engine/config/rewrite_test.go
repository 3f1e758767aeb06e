package config

import (
	"bytes"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
)

func TestRewriteWant(t *testing.T) {
	move := actions.Action{Kind: actions.Move, Mailbox: "Lists/go"}
	seen := actions.Action{Kind: actions.AddFlags, Flags: []imap.Flag{imap.FlagSeen, "$X"}}
	odd := actions.Action{Kind: actions.Copy, Mailbox: "it's, true"}
	trash := actions.Action{Kind: actions.Trash}
	run := actions.Action{Kind: actions.Exec, Command: &actions.Command{Argv: []string{"/bin/x", "--", "it's", ""}}}
	file := actions.Action{Kind: actions.SaveAttachments, Save: &actions.Saving{To: "/srv/x"}}
	some := actions.Action{Kind: actions.SaveAttachments, Save: &actions.Saving{To: "/srv/x", If: `type == "a"`, MaxFile: 2048,
		Name: []actions.NamePiece{{Text: "${a}/"}, {Text: "it's", Mail: true}, {Each: "name"}}}}
	answer := actions.Action{Kind: actions.Reply, Letter: &actions.Letter{Text: "It's \"me\".\n\nI\n", Anyway: true}}
	short := actions.Action{Kind: actions.Reply, Letter: &actions.Letter{Text: "It's me: # I"}}
	onward := actions.Action{Kind: actions.Forward, Letter: &actions.Letter{To: []string{"a@x.example", "b@x.example"}, Inline: true}}
	one := actions.Action{Kind: actions.Forward, Letter: &actions.Letter{To: []string{"a@x.example"}}}
	tests := []struct {
		name, old string
		want      []actions.Action
		shown     string // "" where it is refused
	}{
		{"dashes", "want:\n        - trash\n        - move: A\n      name: n", []actions.Action{seen, move},
			"want:\n        - add_flags: ['\\Seen', $X]\n        - move: Lists/go\n      name: n"},
		{"dashes below the key", "want:\n      - trash\n      name: n", []actions.Action{trash, move}, "want:\n      - trash\n      - move: Lists/go\n      name: n"},
		{"dashes with settings", "want:\n        - add_flags:\n            - a\n            - b\n", []actions.Action{odd}, "want:\n        - copy: 'it''s, true'\n"},
		{"dashes to nothing", "want: # why\n        - trash\n", nil, "want: [] # why\n"},
		{"nothing to one", "want: []  # why\n", []actions.Action{move, trash}, "want: [{move: Lists/go}, trash]  # why\n"},
		{"a program", "want:\n        - exec: {run: /bin/y}\n", []actions.Action{run, trash}, "want:\n        - exec: ['/bin/x', '--', 'it''s', '']\n        - trash\n"},
		{"a program on one line", "want: []\n", []actions.Action{run}, "want: [{exec: ['/bin/x', '--', 'it''s', '']}]\n"},
		{"attachments", "want: []\n", []actions.Action{file, {Kind: actions.Unsubscribe}}, "want: [{save_attachments: '/srv/x'}, unsubscribe]\n"},
		{"some attachments", "want:\n        - save_attachments: /\n", []actions.Action{some},
			"want:\n        - save_attachments: {to: '/srv/x', name: '$${a}/it''s${name}', if: 'type == \"a\"', max_file: 2048}\n"},
		{"letters", "want: []\n", []actions.Action{answer, short, onward, one},
			"want: [{reply: {text: \"It's \\\"me\\\".\\n\\nI\\n\", anyway: true}}, {reply: 'It''s me: # I'}, {forward: {to: ['a@x.example', 'b@x.example'], inline: true}}, {forward: 'a@x.example'}]\n"},
		{"keep", "want: keep\n      name: n", []actions.Action{seen}, "want: [{add_flags: ['\\Seen', $X]}]\n      name: n"},
		{"one line", "want: [{move: 'a ] # b'}]\r\n", []actions.Action{trash}, "want: [trash]\r\n"},
		{"brackets in the comment", "want: [trash] # see [x]\n", []actions.Action{move}, "want: [{move: Lists/go}] # see [x]\n"},
		{"comment with a list", "want: [{move: 'a # ]'}] #]\n", []actions.Action{trash}, "want: [trash] #]\n"},
		{"dashes, CRLF", "want:\r\n        - trash\r\n", []actions.Action{move}, "want:\r\n        - move: Lists/go\r\n"},
		{"no end of line", "want: [trash]", []actions.Action{move}, "want: [{move: Lists/go}]"},
		{"comment in the list", "want:\n        - trash\n        # because\n        - move: A\n", []actions.Action{move}, ""},
		{"comment behind an action", "want:\n        - trash # because\n", []actions.Action{move}, ""},
		{"several lines in brackets", "want: [trash,\n        {move: A}]\n", []actions.Action{move}, ""},
		{"quoted key", "'want': [trash]\n", []actions.Action{move}, ""},
		{"a name that YAML cannot hold", "want: [trash]\n", []actions.Action{{Kind: actions.Move, Mailbox: "a\nb"}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := "tests:\n  - message: x.eml # one\n    want: [trash]\nrules:\n  - name: r\n    tests:\n    - message: |\n        want: no\n      "
			after := "\n    if: seen\n# the end\n"
			if strings.HasSuffix(test.old, "line") || test.name == "no end of line" {
				after = ""
			}
			r, err := RewriteWant([]byte(before+test.old+after), 7, test.want)
			if (err == nil) != (test.shown != "") {
				t.Fatalf("%v, %q", err, r.Text)
			}
			if want := before + test.shown + after; err == nil && string(r.Text) != want {
				t.Errorf("got\n%s\nwant\n%s", r.Text, want)
			}
			if err == nil && (r.Line != 9 || !strings.Contains(test.old, strings.TrimSpace(r.Old[0]))) {
				t.Errorf("line %d, old %q, new %q", r.Line, r.Old, r.New)
			}
		})
	}
}

func TestRewriteWantOfARetention(t *testing.T) {
	before := "rules: []\nretention:\n  - in: [A]\n    after: 30d\n    tests:\n      - message: x.eml\n        want: "
	r, err := RewriteWant([]byte(before+"[]\n"), 6, []actions.Action{{Kind: actions.Trash}})
	if err != nil || string(r.Text) != before+"[trash]\n" {
		t.Errorf("%v, %q", err, r.Text)
	}
}

func TestRewriteWantRefuses(t *testing.T) {
	move := []actions.Action{{Kind: actions.Move, Mailbox: "A"}}
	for text, line := range map[string]int{
		"tests: [{message: x.eml, want: [trash]}]\n":          1,
		"tests:\n  - {message: x.eml, want: [trash]}\n":       2,
		"tests:\n  - message: x.eml\n":                        2,
		"tests:\n  - message: x.eml\n    want: [trash]\n":     3,
		"tests:\n  - message: x.eml\n    want: [trash]\n\t\n": 9,
		"tests: {want: [trash]}\n":                            1,
		"":                                                    1,
		"rules: [{tests: [{want: x}]}]":                       1,
	} {
		if r, err := RewriteWant([]byte(text), line, move); err == nil {
			t.Errorf("%q became %q", text, r.Text)
		}
	}
}

// Whatever the file, a rewrite changes the lines that it says, and no others.
func FuzzRewriteWant(f *testing.F) {
	f.Add([]byte("tests:\n  - message: x\n    want:\n    - trash\n    name: n\n"), 2, "Lists/go")
	f.Add([]byte("rules:\r\n- tests:\r\n  - want: [{move: A}] # x\r\n    message: x\r\n"), 3, "it's")
	f.Add([]byte("tests:\n- want: keep"), 2, "true")
	f.Fuzz(func(t *testing.T, data []byte, line int, name string) {
		r, err := RewriteWant(data, line, []actions.Action{{Kind: actions.Move, Mailbox: name}})
		if err != nil {
			return
		}
		lines := bytes.Split(data, []byte("\n"))
		var parts [][]byte
		parts = append(parts, lines[:r.Line-1]...)
		for _, l := range r.New {
			parts = append(parts, []byte(l))
		}
		parts = append(parts, lines[r.Line-1+len(r.Old):]...)
		if got := bytes.Join(parts, []byte("\n")); !bytes.Equal(got, r.Text) {
			t.Errorf("%q became %q", data, r.Text)
		}
	})
}
