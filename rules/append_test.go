package rules

import (
	"strings"
	"testing"

	"imapilot/actions"
)

// appendRule is a rule that appends to a mailbox.
func appendRule(name, to string) RuleSource {
	return RuleSource{Name: Text{Value: name}, If: Text{Value: "true"}, Then: []ActionSource{{Kind: Text{Value: "append"}, Args: []Text{{Value: to}}}}}
}

func fieldOf(name, value string) Variable { return Variable{Text{Value: name}, Text{Value: value}} }

func TestAppendSaysWhatItsTextsGive(t *testing.T) {
	r := appendRule("a ${b} $1", "Notes/${list.name}")
	r.Then[0].Subject, r.Then[0].Body = Text{Value: "${ rule }: ${subject} $${rule}"}, Text{Value: "one\n${size}\n"}
	labelled := appendRule("c", "Copies")
	labelled.Then[0].Header = []Variable{fieldOf("X-Label", "${rule}${rule}\n of ${from.address}")}
	rs, problems := Compile(baseSource(r, labelled))
	if rs == nil {
		t.Fatal(problems)
	}
	in := sampleInput()
	plan := rs.Evaluate(in).Plan
	if len(plan.Items) != 2 {
		t.Fatalf("%s", plan)
	}
	note, fields := plan.Items[0].Action.Append, plan.Items[1].Action.Append
	if subject := in.Message.Header.Subject(); !note.Note || note.Subject != "a ${b} $1: "+subject+" ${rule}" || !strings.HasPrefix(note.Body, "one\n") {
		t.Errorf("%+v", note)
	}
	if got := fields.Header[0]; fields.Note || got.Name != "X-Label" || !strings.HasPrefix(got.Value, "cc of ") || strings.Contains(got.Value, "\n") {
		t.Errorf("%+v", fields)
	}
	if got := rs.Rules()[0].Then[0]; got != "append: {to: Notes/${list.name}, subject: ${ rule }: ${subject} $${rule}}" {
		t.Error(got)
	}
	if got := rs.Rules()[1].Targets; len(got) != 1 || got[0] != "Copies" {
		t.Errorf("%q", got)
	}
}

// A text from a message has limits.
func TestAppendIsBounded(t *testing.T) {
	r := appendRule("r", "Notes")
	r.Then[0].Subject, r.Then[0].Body = Text{Value: strings.Repeat("é", 4000)}, Text{Value: strings.Repeat("é", 7000)}
	rs, problems := Compile(baseSource(r))
	if rs == nil {
		t.Fatal(problems)
	}
	got := rs.Evaluate(sampleInput()).Plan.Items[0].Action.Append
	if len(got.Subject) != maxTitle || len(got.Body) != maxBody {
		t.Errorf("%d and %d octets", len(got.Subject), len(got.Body))
	}
}

// All that is appended is part of what a rule does.
func TestWhatIsAppendedIsPartOfTheHash(t *testing.T) {
	seen := map[string]int{}
	for i, change := range []func(*ActionSource){
		func(a *ActionSource) { a.Subject = Text{Value: "x"} },
		func(a *ActionSource) { a.Subject = Text{Value: "y"} },
		func(a *ActionSource) { a.Subject, a.Body = Text{Value: "x"}, Text{Value: "y"} },
		func(a *ActionSource) { a.Subject = Text{Value: "xy"} },
		func(a *ActionSource) { a.Header = []Variable{fieldOf("X-A", "x")} },
		func(a *ActionSource) { a.Header = []Variable{fieldOf("X-B", "x")} },
		func(a *ActionSource) { a.Header = []Variable{fieldOf("X-A", "x"), fieldOf("X-B", "")} },
		func(a *ActionSource) { a.Args[0].Value, a.Subject = "Notesx", Text{Value: "x"} },
	} {
		r := appendRule("r", "Notes")
		change(&r.Then[0])
		rs, problems := Compile(baseSource(r))
		if rs == nil {
			t.Fatal(problems)
		}
		hash := rs.Rules()[0].Hash
		if other, twice := seen[hash]; twice {
			t.Errorf("%d and %d have one hash", other, i)
		}
		seen[hash] = i
	}
}

// A field that means something is none that mail may be given.
func TestHeadersThatCannotBeAdded(t *testing.T) {
	for name, good := range map[string]bool{
		"X-Label": true, "x-a1-B": true, "Keywords": true, "comments": true, actions.FieldRule: true,
		"From": false, "Received": false, "Message-ID": false, "X-": false, "X-A b": false, "X-A:": false, "X-A\r\nBcc": false, "X-Ä": false, "": false,
		"x-imapilot-id": false, "X-" + strings.Repeat("a", 80): false, "Keywords\n": false, "List-Id": false, "Resent-To": false,
	} {
		r := appendRule("r", "Copies")
		r.Then[0].Header = []Variable{fieldOf(name, "x")}
		if _, problems := Compile(baseSource(r)); (len(problems) == 0) != good {
			t.Errorf("%q: %v", name, problems)
		}
	}
	many := appendRule("r", "Copies")
	for range maxHeaderFields + 1 {
		many.Then[0].Header = append(many.Then[0].Header, fieldOf("X-A", "x"))
	}
	if _, problems := Compile(baseSource(many)); len(problems) != 1 {
		t.Errorf("%v", problems)
	}
}
