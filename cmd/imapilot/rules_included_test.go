package main

import (
	"slices"
	"testing"

	"imapilot/rules"
	"imapilot/rules/facts"
)

// What calls include is told apart from what the rule itself reads.
func TestFetchStepsOfWhatIsIncluded(t *testing.T) {
	r := rules.RuleReport{Stages: []rules.Stage{rules.StageFlags}}
	if got := fetchSteps(r); len(got) != 1 {
		t.Errorf("%q", got)
	}
	r.Includes = rules.Needs{WholeHeader: true, Structure: true, Contents: []facts.Content{facts.TextContent}, Raw: 5 << 20}
	want := "for its calls, of what it acts on: the whole header, the list of its parts, the text of its body, the message as it is, up to 5 MiB"
	if got := fetchSteps(r); !slices.Equal(got[1:], []string{want}) {
		t.Errorf("%q", got)
	}
}
