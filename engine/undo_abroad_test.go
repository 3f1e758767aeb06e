package engine_test

import (
	"slices"
	"testing"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// What went to another account stays there, and it is said why: what is left here is
// put back all the same.
func TestUndoOfWhatWentToAnotherAccount(t *testing.T) {
	const (
		away = "it is in the account work now, and nothing comes back from another account"
		seen = `add_flags: [\Seen]`
	)
	p := newPair(t, imaptest.Memory(t, imaptest.Options{}), imaptest.Memory(t, imaptest.Options{}))
	cfg := p.load("", `
rules:
  - {name: copied, accounts: [home], if: 'has(subject, "copied")', then: [{add_flags: ['\Seen']}, {copy: {account: work, mailbox: There}}, {move: Here}]}
  - {name: moved, accounts: [home], if: 'has(subject, "moved")', then: [{add_flags: ['\Seen']}, {move: {account: work, mailbox: There}}]}
  - {name: first, accounts: [home], if: 'has(subject, "chain")', then: [{move: Here}]}
  - {name: second, accounts: [home], in: [Here], if: 'has(subject, "chain")', then: [{move: {account: work, mailbox: There}}]}
`)
	p.once(cfg)
	for _, subject := range []string{"copied", "moved", "chain"} {
		p.mail("INBOX", subject, "a@example.org")
		p.once(cfg)
	}
	p.apply(cfg, engine.Scope{Account: "home", Mailbox: "Here"})
	p.to.want("There", "copied", "moved", "chain")
	want := []string{
		"not move: {account: work, mailbox: There}: " + away,
		"not " + seen + ": " + away + "; not move: {account: work, mailbox: There}: " + away,
		`remove_flags: [\Seen], move: INBOX; not copy: {account: work, mailbox: There}: a copy in another account is not removed`,
		"not move: Here: " + away,
	}
	acts := p.acts(cfg)
	for i, undone := range [][]engine.Undone{p.planUndo(cfg, acts...), p.undo(cfg, acts...)} {
		var got []string
		for _, u := range undone {
			got = append(got, undoneText(u))
		}
		if !slices.Equal(got, want) {
			t.Errorf("time %d:\n got %q\nwant %q", i, got, want)
		}
	}
	p.want("INBOX", "copied")
	p.want("Here")
	p.to.want("There", "copied", "moved", "chain")
	p.once(cfg)
	p.want("INBOX", "copied")
	if got := p.entries(cfg); got[journal.Undone] != 1 || got[journal.Open]+got[journal.Failed]+got[journal.Unsure] != 0 {
		t.Errorf("entries %v", got)
	}
}
