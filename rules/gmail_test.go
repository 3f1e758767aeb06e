package rules

import (
	"slices"
	"strings"
	"testing"

	"imapilot/actions"
	"imapilot/rules/facts"
)

// labelsFor are the labels that a message with a subject is given.
func labelsFor(t *testing.T, subject string, labels ...string) ([]string, error) {
	t.Helper()
	src := baseSource(rule("r", "true", "add_labels: "+strings.Join(labels, ", ")))
	in := sampleInput()
	in.Message = &facts.Message{Header: facts.ParseHeader([]byte("Subject: " + subject + "\r\n\r\n")), Gmail: &facts.Gmail{}}
	d := mustCompile(t, src).Evaluate(in)
	if len(d.Plan.Items) == 0 {
		return nil, d.Verdicts[0].Err
	}
	return d.Plan.Items[0].Action.Labels, d.Verdicts[0].Err
}

// A value from a message fills one level, and never means a label of Gmail's own.
func TestLabelsOfHostileMail(t *testing.T) {
	for subject, want := range map[string]string{
		"go": "go A/go", `\Inbox`: "_Inbox A/_Inbox", "[Gmail]/Trash": "[Gmail]_Trash A/[Gmail]_Trash", "[gmail]": "_gmail] A/[gmail]", "INBOX": "INBOX_ A/INBOX",
		"a/b/../c": "a_b____c A/a_b____c", "role:trash": "role_trash A/role:trash", "%*": "__ A/__",
	} {
		got, err := labelsFor(t, subject, "${subject}", "A/${subject}")
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("%s: %q, %v; want %s", subject, got, err, want)
		}
	}
	if got, err := labelsFor(t, "", "A/${subject}"); err == nil {
		t.Errorf("an empty value gave %q", got)
	}
	if got, err := labelsFor(t, strings.Repeat("x ", 200), strings.Repeat("${subject}/", 4)+"${subject}"); err == nil {
		t.Errorf("a long one gave %q", got)
	}
}

// A message has the label of its mailbox, and each label once.
func TestLabelsThatAreThere(t *testing.T) {
	if got, _ := labelsFor(t, "work", "Inbox2", "Work", "${subject}"); !slices.Equal(got, []string{"Inbox2", "Work"}) {
		t.Errorf("got %q", got)
	}
	src := baseSource(RuleSource{Name: Text{Value: "r"}, In: []Text{{Value: "W*"}}, If: Text{Value: "true"}, Then: []ActionSource{{Kind: Text{Value: "add_labels"}, Args: []Text{{Value: "Work"}}}}})
	in := sampleInput()
	in.Mailbox, in.Message.Gmail = Mailbox{Name: "work"}, &facts.Gmail{}
	in.Mailbox.Name = "Work"
	if d := mustCompile(t, src).Evaluate(in); len(d.Plan.Items) != 0 {
		t.Errorf("got %s", d.Plan)
	}
}

// What Gmail tells is asked for where a rule reads it or changes it, and only then.
func TestGmailIsNeeded(t *testing.T) {
	for _, tc := range []struct {
		condition, then string
		want            bool
	}{
		{`"Work" in gmail.labels`, "trash", true}, {`from.domain == "none.example" and gmail.thread_id == "1"`, "trash", false},
		{"true", "add_labels: A", true}, {"flagged", "remove_labels: A", false}, {"true", "trash", false},
	} {
		in := sampleInput()
		in.Message.Gmail = nil
		if got := mustCompile(t, baseSource(rule("r", tc.condition, tc.then))).Evaluate(in).Missing; got.Gmail != tc.want {
			t.Errorf("%s, %s: missing %+v", tc.condition, tc.then, got)
		}
	}
}

func TestTheLastLabelWins(t *testing.T) {
	label := func(kind actions.Kind, labels ...string) actions.Item {
		return actions.Item{Rule: string(kind), Action: &actions.Action{Kind: kind, Labels: labels}}
	}
	p := actions.Plan{Items: []actions.Item{label(actions.AddLabels, "A", "B"), label(actions.RemoveLabels, "a", "C"), label(actions.AddLabels, "c")}}
	p.Resolve()
	if got, want := p.String(), "add_labels: [B], remove_labels: [a], add_labels: [c]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
