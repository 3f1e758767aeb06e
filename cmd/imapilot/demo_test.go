package main

import (
	"io"
	"testing"

	"imapilot/actions"
	"imapilot/engine/config"
	"imapilot/engine/journal"
	profiles "imapilot/engine/provider"
	"imapilot/rules/ruletest"
)

// TestDemoSeesDifferences holds compare to what the demo promises: an outcome
// that the example's tests do not want is reported.
func TestDemoSeesDifferences(t *testing.T) {
	junk := actions.Action{Kind: actions.Move, Mailbox: "Junk"}
	lists := actions.Action{Kind: actions.Move, Mailbox: "Lists"}
	plan := func(list ...actions.Action) actions.Plan {
		var p actions.Plan
		for _, a := range list {
			p.Items = append(p.Items, actions.Item{Rule: "spam", Action: &a})
		}
		return p
	}
	for name, c := range map[string]struct {
		entry journal.Entry
		want  []actions.Action
		wrong bool
	}{
		"as wanted":          {journal.Entry{State: journal.Done, Plan: plan(junk)}, []actions.Action{junk}, false},
		"kept as wanted":     {journal.Entry{}, nil, false},
		"another mailbox":    {journal.Entry{State: journal.Done, Plan: plan(lists)}, []actions.Action{junk}, true},
		"nothing done":       {journal.Entry{}, []actions.Action{junk}, true},
		"too much":           {journal.Entry{State: journal.Done, Plan: plan(junk)}, nil, true},
		"planned but failed": {journal.Entry{State: journal.Failed, Plan: plan(junk)}, []actions.Action{junk}, true},
		"one thing twice":    {journal.Entry{State: journal.Done, Plan: plan(junk, junk)}, []actions.Action{junk, lists}, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := &demo{app: &app{out: io.Discard}, cfg: &config.Config{Tests: []ruletest.Case{{Rule: "spam", Message: "mail/a.eml", Want: c.want}}}}
			d.compare("a.eml", c.entry)
			if got := len(d.wrong) > 0; got != c.wrong {
				t.Errorf("reported %q", d.wrong)
			}
		})
	}
}

// TestProviders holds the table of host names to addresses as people write them.
func TestProviders(t *testing.T) {
	for address, want := range map[string]string{
		"ann@gmail.com": "imap.gmail.com", "ann@GMX.de": "imap.gmx.net", "ann@outlook.com": "outlook.office365.com",
		"ann@proton.me": "127.0.0.1", "ann@mail.example.org": "imap.mail.example.org", "ann": "", "": "",
	} {
		if got := providerOf(address).host; got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

// TestProvidersAreThoseOfTheTable: what init writes leads to the server whose profile the
// daemon knows. Proton's is on the user's machine, where only it can tell what it is.
func TestProvidersAreThoseOfTheTable(t *testing.T) {
	for address, want := range map[string]string{
		"ann@gmail.com": "Gmail", "ann@outlook.com": "Exchange", "ann@icloud.com": "iCloud", "ann@yahoo.de": "Yahoo", "ann@aol.com": "Yahoo",
		"ann@zoho.com": "Zoho", "ann@qq.com": "QQ", "ann@163.com": "163", "ann@proton.me": "", "ann@posteo.de": "", "ann@gmail.com.example.org": "",
	} {
		if got := profiles.Of(profiles.Facts{Host: providerOf(address).host}).Name; got != want {
			t.Errorf("%s is of %q, want %q", address, got, want)
		}
	}
}

// TestFit holds columns to characters, not to bytes.
func TestFit(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"short", 5, "short"}, {"longer", 5, "long…"}, {"Café 12", 5, "Café…"}, {"", 5, ""}} {
		if got := fit(c.in, c.n); got != c.want {
			t.Errorf("fit(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}
