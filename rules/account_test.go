package rules

import (
	"testing"

	"imapilot/actions"
)

// A rule for several accounts may lead to one of them: what is in that one stays
// in it.
func TestTheAccountOfATarget(t *testing.T) {
	both := rule("r", "true", "move: X", "copy: role:archive")
	both.Then[0].Account, both.Then[1].Account = Text{Value: "work"}, Text{Value: "work"}
	rs, problems := Compile(baseSource(both))
	if rs == nil {
		t.Fatal(problems)
	}
	for account, want := range map[string]string{
		"home": "move: {account: work, mailbox: X}, copy: {account: work, mailbox: role:archive}",
		"work": "move: X, copy: role:archive",
	} {
		in := sampleInput()
		in.Account = account
		if got := rs.Evaluate(in).Plan.String(); got != want {
			t.Errorf("in %s: %s, want %s", account, got, want)
		}
	}
	in := sampleInput()
	in.Mailbox = Mailbox{Name: "INBOX", Role: "archive"}
	if got := rs.Evaluate(in).Plan; len(got.Items) != 2 {
		t.Errorf("a role of another account is taken for the mailbox's own: %s", got)
	}
	if r := rs.Rules()[0]; len(r.Targets) != 0 {
		t.Errorf("%q count as mailboxes of the rule's own account", r.Targets)
	}
}

// Whether a rule leads to another account is a part of what it does.
func TestTheAccountIsPartOfTheHash(t *testing.T) {
	hash := func(account string) string {
		r := rule("r", "true", "move: X")
		r.Then[0].Account.Value = account
		r.Accounts = []Text{{Value: "home"}}
		rs, problems := Compile(baseSource(r))
		if rs == nil {
			t.Fatal(problems)
		}
		return rs.Rules()[0].Hash
	}
	if hash("") == hash("work") {
		t.Error("both have one hash")
	}
}

func TestAnActionWithoutAnAccount(t *testing.T) {
	r := rule("r", "true", "trash")
	r.Then[0].Account = Text{Value: "work", Pos: 40}
	if _, problems := Compile(baseSource(r)); len(problems) != 1 || problems[0].Pos != 40 {
		t.Errorf("%s: %v", actions.Trash, problems)
	}
}
