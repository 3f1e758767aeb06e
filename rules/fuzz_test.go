package rules

import (
	"strings"
	"testing"
	"unicode/utf8"

	"imapilot/engine/enginetest/corpus"
)

// FuzzCompile holds that no condition or argument makes Compile or Evaluate
// panic, that every problem points into its text, and that what the checker
// passes also compiles.
func FuzzCompile(f *testing.F) {
	for _, field := range Fields() {
		f.Add(field.Example, "X/${"+field.Name+"}")
	}
	for _, fn := range Functions() {
		f.Add(fn.Example, fn.Example)
	}
	f.Add(`vip and (subject + "x" in ["a"] ? 1 : 2) == 1`, "$${a}${lower(subject)}")
	f.Add(`any(filter(to, .name == "x"), any(cc, #.domain != .address))`, "A//B")
	f.Add(`received - days(1) < sent and -1.5 * 2 / size > 0x10`, "role:x")
	f.Fuzz(func(t *testing.T, condition, target string) {
		r := rule("r", condition)
		r.Then = []ActionSource{{Kind: Text{Value: "move"}, Args: []Text{{Value: target}}}, {Kind: Text{Value: "add_flags"}, Args: []Text{{Value: target}}}}
		src := baseSource(r.inside("Elsewhere"))
		src.Define = []DefineSource{{Text{Value: "vip"}, Text{Value: `in_list(from.address, "vips")`}}}
		rs, problems := Compile(src)
		for _, p := range problems {
			checkProblem(t, p, condition, target)
		}
		if rs == nil {
			return
		}
		in := sampleInput()
		in.Mailbox.Name = "Elsewhere"
		d := rs.Evaluate(in)
		for _, item := range d.Plan.Items {
			if name := item.Action.Mailbox; !utf8.ValidString(name) || strings.ContainsAny(name, "\x00\r\n*%") || len(name) > maxMailbox {
				t.Errorf("the target %q of %q", name, target)
			}
		}
	})
}

func checkProblem(t *testing.T, p Problem, condition, target string) {
	t.Helper()
	if strings.Contains(p.Message, "cannot be used") {
		t.Errorf("the checker passed what expr refuses: %+v\n%q %q", p, condition, target)
	}
	text := target
	if p.Pos == 2 {
		text = condition
	}
	if n := utf8.RuneCountInString(text); p.Length < 0 || p.Offset < 0 || p.Offset+p.Length > max(n, 1) {
		t.Errorf("the problem %+v is outside of %q", p, text)
	}
	if p.Message == "" {
		t.Errorf("a problem without words: %+v", p)
	}
}

// FuzzEvaluate holds that no message makes a rule set panic or fail.
func FuzzEvaluate(f *testing.F) {
	f.Add([]byte(sampleHeader + sampleBody))
	f.Add([]byte("List-Id: ../../INBOX\r\nFrom: a\r\n"))
	for i, m := range corpus.Seeds(f) {
		if i%20 == 0 && len(m.Raw) < 8<<10 {
			f.Add(m.Raw)
		}
	}
	rs := mustCompile(f, everything())
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := sampleInput()
		in.Message = received(raw)
		checkDecision(t, rs.Evaluate(in))
	})
}
