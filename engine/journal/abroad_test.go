package journal_test

import (
	"testing"

	"imapilot/engine/journal"
)

func TestATargetInAnotherAccount(t *testing.T) {
	target := journal.Abroad("work", "Lists/go")
	account, mailbox, ok := journal.SplitAbroad(target)
	if account != "work" || mailbox != "Lists/go" || !ok || !journal.IsAbroad(target) {
		t.Errorf("%q %q %v", account, mailbox, ok)
	}
	if shown := journal.ShowTarget(target); shown != "work: Lists/go" || !journal.SpelledAs(target, shown) {
		t.Errorf("shown as %q", shown)
	}
	if journal.IsAbroad("work: Lists/go") || journal.SpelledAs("Lists/go", "work: Lists/go") || journal.SpelledAs(target, "Lists/go") {
		t.Error("a mailbox of the same name is taken for it")
	}
}
