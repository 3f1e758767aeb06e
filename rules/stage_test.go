package rules

import (
	"testing"

	"imapilot/rules/facts"
)

// TestLaterRulesAreNotDue: what only a rule reads that another may still keep
// from being asked is not missing yet.
func TestLaterRulesAreNotDue(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rules []RuleSource
		want  string
	}{
		{"stop", []RuleSource{rule("a", `subject == "x"`, "add_flags: $a").stopping(), rule("b", `list.id == "x"`, "add_flags: $b")}, "Subject"},
		{"no stop", []RuleSource{rule("a", `subject == "x"`, "add_flags: $a"), rule("b", `list.id == "x"`, "add_flags: $b")}, "List-Id Subject"},
		{"stopped", []RuleSource{rule("a", `seen`, "add_flags: $a").stopping(), rule("b", `list.id == "x"`, "add_flags: $b")}, ""},
		{"dry stop", []RuleSource{rule("a", `subject == "x"`, "add_flags: $a").dry().stopping(), rule("b", `list.id == "x"`, "add_flags: $b").dry(), rule("c", `true`, "add_flags: $c")}, ""},
	} {
		if tt.name == "dry stop" {
			tt.rules[2].If.Value, tt.want = `header("X") == ""`, "Subject X"
		}
		rs := mustCompile(t, baseSource(tt.rules...))
		in := sampleInput()
		in.Message.Header = nil
		got := ""
		for i, f := range rs.Evaluate(in).Missing.HeaderFields {
			if i > 0 {
				got += " "
			}
			got += f
		}
		if got != tt.want {
			t.Errorf("%s: missing %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNeedsOfWhatIsSkipped(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("a", `subject == "x"`, "trash")))
	in := sampleInput()
	in.Message.Header = nil
	in.Skip = map[string]string{"a": "it acted before"}
	if d := rs.Evaluate(in); !d.Missing.IsZero() {
		t.Errorf("a rule that must not act needs nothing, got %+v", d.Missing)
	}
}

func TestContentNeedsStructureFirst(t *testing.T) {
	n := Needs{Contents: []facts.Content{facts.TextContent}}
	m := &facts.Message{Header: facts.ParseHeader(nil)}
	if got := n.missing(m); !got.Structure || len(got.Contents) != 0 {
		t.Errorf("%+v", got)
	}
	m.Structure = facts.NewStructure(nil)
	if got := n.missing(m); got.Structure || len(got.Contents) != 1 {
		t.Errorf("%+v", got)
	}
	m.Text = &facts.Body{}
	if !n.known(m) {
		t.Error("nothing is missing")
	}
}
