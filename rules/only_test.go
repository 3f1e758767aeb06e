package rules

import (
	"testing"

	"imapilot/actions"
	"imapilot/rules/facts"
)

// TestOnly takes every other rule away and compares with a set that was compiled
// from the others alone.
func TestOnly(t *testing.T) {
	all := baseSource(
		rule("ann", `from.address == "a@example.org"`, "move: Ann"), rule("x", `subject contains "x"`, `add_flags: \Seen`),
		rule("bob", `from.address == "b@example.org"`, "move: Bob"), rule("all", `true`, "trash"))
	rs := mustCompile(t, all)
	keep := map[string]bool{all.Rules[1].Name.Value: true, all.Rules[2].Name.Value: true}
	few := rs.Only(func(r Rule) bool { return keep[r.Name] })
	fewSource := all
	fewSource.Rules = all.Rules[1:3]
	want := mustCompile(t, fewSource)
	if few.Hash() != want.Hash() || few.Hash() == rs.Hash() || len(few.Rules()) != 2 || len(rs.Rules()) != 4 {
		t.Fatalf("hash %s, want %s; %d rules", few.Hash(), want.Hash(), len(few.Rules()))
	}
	for _, from := range []string{"a@example.org", "b@example.org", "c@example.org"} {
		in := Input{Account: "home", Mailbox: Mailbox{Name: "INBOX"}, Message: &facts.Message{
			Header: facts.ParseHeader([]byte("From: " + from + "\r\nSubject: an x\r\n\r\n"))}}
		got, expected := few.Evaluate(in).Plan, want.Evaluate(in).Plan
		if !samePlan(got, expected) {
			t.Errorf("%s: %v, want %v", from, got, expected)
		}
		if len(few.Explain(in).Rules) != 2 {
			t.Errorf("%s: explained %d rules", from, len(few.Explain(in).Rules))
		}
	}
}

func samePlan(a, b actions.Plan) bool {
	if len(a.Items) != len(b.Items) {
		return false
	}
	for i := range a.Items {
		if a.Items[i].Rule != b.Items[i].Rule || !a.Items[i].Action.Equal(*b.Items[i].Action) {
			return false
		}
	}
	return true
}
