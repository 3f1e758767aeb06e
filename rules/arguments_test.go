package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestProblemsOfArguments(t *testing.T) {
	for _, tt := range []struct {
		action, arg    string // arg is "-" for none, "," separates several
		pos, off, size int
		severity       Severity
		message, hint  string
	}{
		{action: "moov", arg: "X", pos: 20, message: `unknown action "moov"`, hint: "did you mean move?"},
		{action: "fileinto", arg: "X", pos: 20, message: "unknown action", hint: "did you mean move?"},
		{action: "stop", arg: "-", pos: 20, message: "unknown action", hint: "stop: true"},
		{action: "notify", arg: "x@y", pos: 20, message: "not available in this version yet", hint: "webhook"},
		{action: "zzz", arg: "-", pos: 20, message: "unknown action", hint: "the actions are webhook, set_flags"},
		{action: "trash", arg: "X", pos: 20, message: "trash takes no argument", hint: "as in trash"},
		{action: "expunge", arg: "X", pos: 20, message: "expunge takes no argument"},
		{action: "move", arg: "-", pos: 20, message: "move takes one mailbox, not 0", hint: "as in move:"},
		{action: "move", arg: "A,B", pos: 20, message: "move takes one mailbox, not 2"},
		{action: "add_flags", arg: "-", pos: 20, message: "add_flags takes one flag or more"},
		{action: "webhook", arg: "ci,ci", pos: 20, message: "webhook takes the name of one webhook, not 2"},
		{action: "webhook", arg: "cj", pos: 30, message: `there is no webhook "cj"`, hint: "did you mean ci?"},
		{action: "webhook", arg: "${from.name}", pos: 30, message: "cannot hold ${}"},
		{action: "add_flags", arg: `\Sean`, pos: 30, message: "is not a system flag", hint: `did you mean \Seen?`},
		{action: "add_flags", arg: `\Custom`, pos: 30, message: "is not a system flag", hint: "no backslash"},
		{action: "add_flags", arg: `\Recent`, pos: 30, message: `\Recent belongs to the server`},
		{action: "add_flags", arg: `\Deleted`, pos: 30, message: `\Deleted cannot be added`, hint: "use trash, or expunge"},
		{action: "add_flags", arg: "two words", pos: 30, message: "cannot be a keyword", hint: "no spaces"},
		{action: "add_flags", arg: "grün", pos: 30, message: "cannot be a keyword"},
		{action: "add_flags", arg: "a b ${size}", pos: 30, message: "cannot be part of a keyword"},
		{action: "add_flags", arg: `\${from.local}`, pos: 30, message: "cannot be part of a keyword"},
		{action: "add_flags", arg: "Seen", pos: 30, severity: Warning, message: "a keyword of its own", hint: `did you mean \Seen?`},
		{action: "move", arg: "", pos: 30, message: "the mailbox name is empty"},
		{action: "move", arg: "A//B", pos: 30, message: "empty level"},
		{action: "move", arg: "/A", pos: 30, message: "empty level"},
		{action: "move", arg: "A/${from.local}/", pos: 30, message: "empty level"},
		{action: "move", arg: "Lists/*", pos: 30, message: "% and * cannot be part"},
		{action: "move", arg: "role:all", pos: 30, message: "nothing can be filed in role:all", hint: "role:archive"},
		{action: "copy", arg: "role:flagged", pos: 30, message: "nothing can be filed in role:flagged"},
		{action: "move", arg: "role:trsh", pos: 30, message: `there is no role "role:trsh"`, hint: "did you mean role:trash?"},
		{action: "move", arg: "Role:junk", pos: 30, message: `there is no role "Role:junk"`},
		{action: "move", arg: "role:${from.local}", pos: 30, message: "a role cannot hold ${}"},
		{action: "archive", arg: "X", pos: 20, message: "archive takes no argument"},
		{action: "set_flags", arg: "-", pos: 20, message: "set_flags takes one flag or more"},
		{action: "set_flags", arg: `\Deleted`, pos: 30, message: `\Deleted cannot be added`, hint: "use trash, or expunge"},
		{action: "move", arg: "A\x00B", pos: 30, message: "control character"},
		{action: "move", arg: " A", pos: 30, message: "begins or ends with a space"},
		{action: "move", arg: strings.Repeat("x", 300), pos: 30, message: "longer than 255 octets"},
		{action: "move", arg: "inbox", pos: 30, message: `the target "inbox" is in the rule's own in: INBOX`, hint: "take it out of in:"},
		{action: "copy", arg: "INBOX", pos: 30, severity: Warning, message: "is in the rule's own in", hint: "copies"},
		{action: "move", arg: "Lists/${list.nam}", pos: 30, off: 13, size: 3, message: `list has no field "nam"`, hint: "did you mean name?"},
		{action: "move", arg: "ä${subjct}", pos: 30, off: 3, size: 6, message: `unknown field "subjct"`},
		{action: "move", arg: "a${1}b${x}", pos: 30, off: 8, size: 1, message: `unknown field "x"`},
		{action: "move", arg: "A/${received}", pos: 30, off: 4, size: 8, message: "${} takes a text or a number, and this is a time", hint: "use format(received,"},
		{action: "move", arg: "A/${seen}", pos: 30, off: 4, size: 4, message: "this is a condition"},
		{action: "move", arg: "A/${to}", pos: 30, off: 4, size: 2, message: "this is a list of addresses"},
		{action: "move", arg: "A/${age}", pos: 30, off: 4, size: 3, message: "this is a duration"},
		{action: "move", arg: "A/${list.name", pos: 30, off: 2, size: 2, message: "never closed", hint: "$${"},
		{action: "move", arg: "A/${}", pos: 30, message: "the expression is empty"},
	} {
		src := RuleSource{Name: Text{Value: "r"}, If: Text{Value: "seen"}, Then: []ActionSource{{Kind: Text{Value: tt.action}}}}
		if tt.arg != "-" {
			for one := range strings.SplitSeq(tt.arg, ",") {
				src.Then[0].Args = append(src.Then[0].Args, Text{Value: one})
			}
		}
		rs, problems := Compile(baseSource(src))
		if (rs != nil) != (tt.severity == Warning) || len(problems) != 1 {
			t.Errorf("%s: %q: %+v", tt.action, tt.arg, problems)
			continue
		}
		p := problems[0]
		if tt.message == "the expression is empty" {
			tt.off = p.Offset
		}
		if p.Pos != tt.pos || p.Offset != tt.off || p.Length != tt.size || p.Severity != tt.severity ||
			!strings.Contains(p.Message, tt.message) || !strings.Contains(p.Hint, tt.hint) {
			t.Errorf("%s: %q:\n got %+v\nwant %d %d+%d %q (%q)", tt.action, tt.arg, p, tt.pos, tt.off, tt.size, tt.message, tt.hint)
		}
	}
}

func TestProblemsOfRules(t *testing.T) {
	with := func(change func(*RuleSource)) RuleSource {
		r := rule("r", "seen", "trash")
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name  string
		rules []RuleSource
		want  []string
	}{
		{"no name", []RuleSource{rule("", "seen", "trash")}, []string{"1: the rule has no name"}},
		{"no actions", []RuleSource{rule("r", "seen")}, []string{"1: the rule does nothing"}},
		{"duplicate", []RuleSource{rule("r", "seen", "trash"), rule("r", "flagged", "trash")}, []string{`101: there are two rules "r"`}},
		{"limit below", []RuleSource{with(func(r *RuleSource) { r.MaxMessages = -1 })}, []string{"1: max_messages is -1"}},
		{"limit above", []RuleSource{with(func(r *RuleSource) { r.MaxMessages = 2_000_000 })}, []string{"1: max_messages is 2000000"}},
		{"account", []RuleSource{with(func(r *RuleSource) { r.Accounts = []Text{{"hme", 9}} })}, []string{`9: there is no account "hme"`}},
		{"role", []RuleSource{rule("r", "seen", "trash").inside("role:spam")}, []string{`10: there is no role "spam"`}},
		{"empty in", []RuleSource{rule("r", "seen", "trash").inside("INBOX", "")}, []string{"11: the name of the mailbox is empty"}},
		{"percent", []RuleSource{rule("r", "seen", "trash").inside("Lists/%")}, []string{"10: % is no wildcard here"}},
		{"expression", []RuleSource{rule("r", "seen", "trash").inside("${account}")}, []string{"10: in: names mailboxes"}},
		{"own glob", []RuleSource{rule("r", "seen", "move: Lists/go").inside("INBOX", "Lists/*")}, []string{`30: the target "Lists/go" is in the rule's own in: Lists/*`}},
	} {
		rs, problems := Compile(baseSource(tt.rules...))
		if rs != nil || !sameProblems(problems, tt.want) {
			t.Errorf("%s: %+v", tt.name, problems)
		}
	}
	src := baseSource()
	src.Lists = append(src.Lists, ListSource{Name: Text{"vips", 70}}, ListSource{Name: Text{"", 71}})
	if _, problems := Compile(src); !sameProblems(problems, []string{`70: there are two lists "vips"`, "71: the list has no name"}) {
		t.Errorf("lists: %+v", problems)
	}
}

// sameProblems compares positions and the beginnings of the messages.
func sameProblems(problems []Problem, want []string) bool {
	if len(problems) != len(want) {
		return false
	}
	for i, p := range problems {
		if !strings.HasPrefix(fmt.Sprintf("%d: %s", p.Pos, p.Message), want[i]) {
			return false
		}
	}
	return true
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"plain", []string{"plain"}},
		{"a${b}c", []string{"a", "=b", "c"}},
		{"${a}${b}", []string{"=a", "=b"}},
		{"$${a}", []string{"${a}"}},
		{"$$${a}", []string{"$${a}"}},
		{"$a$", []string{"$a$"}},
		{`${"}"}x`, []string{`="}"`, "x"}},
		{`${'\'}'}x`, []string{`='\'}'`, "x"}},
		{"${`\\`}x", []string{"=`\\`", "x"}},
		{"${any(to, {.x})}", []string{"=any(to, {.x})"}},
	} {
		segments, _, bad := split(tt.in)
		var got []string
		for _, s := range segments {
			if s.isExpr {
				got = append(got, "="+s.text)
			} else {
				got = append(got, s.literal)
			}
		}
		if bad != nil || !slices.Equal(got, tt.want) {
			t.Errorf("split(%q) = %q, %v", tt.in, got, bad)
		}
	}
	for _, in := range []string{"${", "a${b", `${"}`, "${a{}"} {
		if _, _, bad := split(in); bad == nil {
			t.Errorf("split(%q) finds no end and says nothing", in)
		}
	}
}
