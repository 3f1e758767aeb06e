package rules

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"imapilot/actions"
)

// running is a rule that runs a program, whose arguments stand at 30, 31 and so on,
// and its variables at 60, 61 and so on.
func running(argv []string, env ...[2]string) RuleSource {
	a := ActionSource{Kind: Text{Value: "exec", Pos: 20}, Timeout: 5 * time.Second}
	for i, arg := range argv {
		a.Args = append(a.Args, Text{Value: arg, Pos: 30 + i})
	}
	for i, v := range env {
		a.Env = append(a.Env, Variable{Name: Text{Value: v[0], Pos: 60 + i}, Value: Text{Value: v[1], Pos: 80 + i}})
	}
	r := rule("run", "true", "exec")
	r.Then = []ActionSource{a}
	return r
}

func allowed(rules ...RuleSource) Source {
	src := baseSource()
	src.Rules = rules // they keep their places
	return src
}

// commandOf is what a rule runs for a message with a subject.
func commandOf(t *testing.T, r RuleSource, subject string) *actions.Command {
	t.Helper()
	in := sampleInput()
	in.Message = received([]byte("From: Ann <ann@mail.example.org>\r\nSubject: " + subject + "\r\n\r\n"))
	d := mustCompile(t, allowed(r)).Evaluate(in)
	if len(d.Plan.Items) != 1 {
		t.Fatalf("%+v", d)
	}
	return d.Plan.Items[0].Action.Command
}

func TestCommand(t *testing.T) {
	c := commandOf(t, running([]string{"/bin/x", "--from=${from.address}", "", "--", "${subject}", "a ${subject} $${b}"}, [2]string{"WHAT", "it is ${subject}"}, [2]string{"B", ""}), "-rf $(id) 'x'")
	want := []string{"/bin/x", "--from=ann@mail.example.org", "", "--", "-rf $(id) 'x'", "a -rf $(id) 'x' ${b}"}
	if !slices.Equal(c.Argv, want) || !slices.Equal(c.Env, []string{"WHAT=it is -rf $(id) 'x'", "B="}) || c.Timeout != 5*time.Second {
		t.Errorf("%q, %q, %v", c.Argv, c.Env, c.Timeout)
	}
}

// What a hostile message says is one argument, without control characters, and
// within the limits.
func TestHostileTextsInACommand(t *testing.T) {
	c := commandOf(t, running([]string{"/bin/x", "--", "${subject}"}, [2]string{"S", "${subject}"}), "=?utf-8?q?a=00b=0Ac=1B[31md=7F=C2=9B?=")
	if len(c.Argv) != 3 || c.Argv[2] != "ab c[31md" || c.Env[0] != "S=ab c[31md" {
		t.Errorf("%q %q", c.Argv, c.Env)
	}
	long := strings.Repeat("ü", 5000)
	c = commandOf(t, running([]string{"/bin/x", "--", "${subject}", "x${subject}${subject}"}), long)
	for _, arg := range c.Argv[2:] {
		if len(arg) > maxElement || len(arg) < maxElement-2 || !utf8.ValidString(arg) {
			t.Errorf("%d octets", len(arg))
		}
	}
	many := []string{"/bin/x", "--"}
	for len(many) < maxElements {
		many = append(many, "${subject}")
	}
	size := 0
	for _, arg := range commandOf(t, running(many), long).Argv {
		size += len(arg)
	}
	if size > maxCommand || size < maxCommand/3 {
		t.Errorf("%d octets in all", size)
	}
}

// TestProblemsOfACommand: each with its place and its words.
func TestProblemsOfACommand(t *testing.T) {
	huge := strings.Repeat("x", maxElement+1)
	many := append([]string{"/bin/x"}, slices.Repeat([]string{"a"}, maxElements)...)
	for name, tt := range map[string]struct {
		argv []string
		env  [2]string
		pos  int
		says string
	}{
		"chosen by mail":    {argv: []string{"/bin/${subject}"}, pos: 30, says: "the program cannot hold ${}"},
		"relative":          {argv: []string{"notify"}, pos: 30, says: "no absolute path"},
		"empty":             {argv: []string{""}, pos: 30, says: "no absolute path"},
		"nothing":           {pos: 20, says: "exec takes a program"},
		"too many":          {argv: many, pos: 20, says: "at most 31 arguments"},
		"too long":          {argv: []string{"/bin/x", huge}, pos: 31, says: "longer than 4000 octets"},
		"NUL":               {argv: []string{"/bin/x", "a\x00b"}, pos: 31, says: "NUL"},
		"an option":         {argv: []string{"/bin/x", "${subject}"}, pos: 31, says: "an option of the program"},
		"behind an option":  {argv: []string{"/bin/x", "--from", "${from.address}"}, pos: 32, says: "an option of the program"},
		"dashes":            {argv: []string{"/bin/x", "--${subject}"}, pos: 31, says: "an option of the program"},
		"too late":          {argv: []string{"/bin/x", "${subject}", "--"}, pos: 31, says: "an option of the program"},
		"a script":          {argv: []string{"/bin/sh", "-c", "echo ${subject}"}, pos: 32, says: "a shell would run"},
		"a script of bash":  {argv: []string{"/usr/bin/bash", "-ec", "echo ${subject}"}, pos: 32, says: "a shell would run"},
		"unknown":           {argv: []string{"/bin/x", "--", "${subjct}"}, pos: 32, says: `unknown field "subjct"`},
		"no text":           {argv: []string{"/bin/x", "--", "${to}"}, pos: 32, says: "takes a text or a number"},
		"a bad name":        {argv: []string{"/bin/x"}, env: [2]string{"A B", "x"}, pos: 60, says: "name of a variable"},
		"our name":          {argv: []string{"/bin/x"}, env: [2]string{"IMAPILOT_ID", "x"}, pos: 60, says: "imapilot's own"},
		"what steers":       {argv: []string{"/bin/x"}, env: [2]string{"LD_PRELOAD", "${subject}"}, pos: 60, says: "LD_PRELOAD cannot hold ${}"},
		"a value":           {argv: []string{"/bin/x"}, env: [2]string{"A", "${subjct}"}, pos: 80, says: `unknown field "subjct"`},
		"a long value":      {argv: []string{"/bin/x"}, env: [2]string{"A", huge}, pos: 80, says: "longer than 4000 octets"},
		"a sender as name":  {argv: []string{"/bin/x"}, env: [2]string{"", "x"}, pos: 60, says: "name of a variable"},
		"a broken argument": {argv: []string{"/bin/x", "${subject"}, pos: 31, says: "never closed"},
	} {
		var env [][2]string
		if tt.env != [2]string{} {
			env = append(env, tt.env)
		}
		rs, problems := Compile(allowed(running(tt.argv, env...)))
		if rs != nil || len(problems) == 0 || problems[0].Pos != tt.pos || !strings.Contains(problems[0].Message, tt.says) {
			t.Errorf("%s: %+v", name, problems)
		}
	}
	for name, argv := range map[string][]string{
		"a fixed argument": {"/bin/x", "-v", "--all"}, "one piece": {"/bin/x", "--from=${from.address}", "-s${subject}", "<${subject}>"},
		"after the end": {"/bin/x", "--", "${subject}", "-${subject}"}, "a script's argument": {"/bin/sh", "-c", `notify "$1"`, "--", "${subject}"},
		"no shell": {"/bin/grep", "-c", "--", "${subject}"}, "a literal": {"/bin/x", "$${subject}"},
	} {
		if rs, problems := Compile(allowed(running(argv, [2]string{"LD_PRELOAD", "/lib/x.so"}))); rs == nil {
			t.Errorf("%s: %+v", name, problems)
		}
	}
}

// TestExecIsOff unless the configuration as a whole allows it.
func TestExecIsOff(t *testing.T) {
	src := allowed(running([]string{"/bin/x"}))
	src.Allowed = nil
	rs, problems := Compile(src)
	if rs != nil || len(problems) != 1 || problems[0].Pos != 20 || problems[0].Message != "exec is off" || !strings.Contains(problems[0].Hint, "allow: [exec]") {
		t.Errorf("%+v", problems)
	}
}

// TestCommandInARule: it is printed as it is written, fetched for, and a part of what
// the rule does.
func TestCommandInARule(t *testing.T) {
	rule := func(argv []string, env ...[2]string) Rule {
		return mustCompile(t, allowed(running(argv, env...))).Rules()[0]
	}
	a := rule([]string{"/bin/x", "--", "a${subject}"})
	if !slices.Equal(a.Then, []string{`exec: /bin/x -- "a${subject}"`}) || !slices.Equal(a.Kinds, []actions.Kind{actions.Exec}) {
		t.Errorf("%q", a.Then)
	}
	seen := map[string]bool{a.Hash: true}
	for _, r := range []Rule{
		rule([]string{"/bin/x", "--", "a", "${subject}"}), rule([]string{"/bin/x", "--", "b${subject}"}),
		rule([]string{"/bin/x", "--", "a${subject}"}, [2]string{"A", "1"}), rule([]string{"/bin/x", "--", "a${subject}"}, [2]string{"B", "1"}),
		rule([]string{"/bin/x", "--", "a${subject}", "1"}),
	} {
		if seen[r.Hash] {
			t.Errorf("%q has the hash of another", r.Then)
		}
		seen[r.Hash] = true
	}
	needs := mustCompile(t, allowed(running([]string{"/bin/x"}))).Needs("home", Mailbox{Name: "INBOX"})
	if !slices.Contains(needs.HeaderFields, "To") || !slices.Contains(needs.HeaderFields, "Date") {
		t.Errorf("the document lacks %v", needs.HeaderFields)
	}
}

// FuzzCommand holds that whatever a configuration and a message say, an argument
// stays one, and keeps to the limits.
func FuzzCommand(f *testing.F) {
	f.Add("${subject}", "A", "x")
	f.Add("--x=${lower(subject)}$${", "LD_X", "-\x1b\x00\n")
	f.Fuzz(func(t *testing.T, element, name, subject string) {
		rs, problems := Compile(allowed(running([]string{"/bin/x", element, "--", element}, [2]string{name, element})))
		for _, p := range problems {
			if p.Message == "" || p.Pos < 20 {
				t.Errorf("%+v", p)
			}
		}
		if rs == nil {
			return
		}
		in := sampleInput()
		in.Message = received([]byte("Subject: " + subject + "\r\n\r\n"))
		for _, item := range rs.Evaluate(in).Plan.Items {
			c := item.Action.Command
			if len(c.Argv) != 4 || len(c.Env) != 1 || strings.ContainsRune(strings.Join(c.Argv, ""), 0) {
				t.Fatalf("%q %q", c.Argv, c.Env)
			}
			if line := item.Action.String(); strings.ContainsFunc(line, unicode.IsControl) {
				t.Errorf("%q", line)
			}
			if dash := strings.HasPrefix(c.Argv[1], "-"); dash && strings.HasPrefix(element, "${") {
				t.Errorf("%q became the option %q", element, c.Argv[1])
			}
		}
	})
}
