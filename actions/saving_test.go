package actions_test

import (
	"testing"

	"imapilot/actions"
)

func saving(s actions.Saving) actions.Action {
	return actions.Action{Kind: actions.SaveAttachments, Save: &s}
}

// dated is a pattern in which a message said a part.
func dated(from string) []actions.NamePiece {
	return []actions.NamePiece{{Text: "2026/"}, {Text: from, Mail: true}, {Text: "/"}, {Each: "name"}}
}

// TestSavingIsPrintedSafely: on one line, and nothing that a terminal would obey.
func TestSavingIsPrintedSafely(t *testing.T) {
	for want, s := range map[string]actions.Saving{
		"save_attachments: /srv/invoices":                                     {To: "/srv/invoices"},
		`save_attachments: "/srv/my invoices"`:                                {To: "/srv/my invoices", MaxFile: 5},
		`save_attachments: {to: /srv/x, name: "2026/a@b.example/${name}"}`:    {To: "/srv/x", Name: dated("a@b.example")},
		`save_attachments: {to: /srv/x, if: "size < mb(5)"}`:                  {To: "/srv/x", If: "size < mb(5)"},
		`save_attachments: {to: /srv/x, name: "2026/\x1b[31m\u202e/${name}"}`: {To: "/srv/x", Name: dated("\x1b[31m\u202e")},
	} {
		if got := saving(s).String(); got != want {
			t.Errorf("printed as %s, want %s", got, want)
		}
	}
	if got := (actions.Action{Kind: actions.SaveAttachments}).String(); got != "save_attachments: " {
		t.Errorf("an action without a folder is %q", got)
	}
}

// TestSavingsEqual: by what is saved where. A text is one wherever it came from, and is
// no expression.
func TestSavingsEqual(t *testing.T) {
	base := actions.Saving{To: "/srv/x", Name: dated("a"), If: "inline", MaxFile: 5}
	same := base
	same.Name = []actions.NamePiece{{Text: "2026/a/"}, {Each: "name"}}
	if !saving(base).Equal(saving(same)) {
		t.Error("the same is not equal")
	}
	for name, change := range map[string]func(*actions.Saving){
		"folder":  func(s *actions.Saving) { s.To = "/srv/y" },
		"name":    func(s *actions.Saving) { s.Name = dated("b") },
		"no name": func(s *actions.Saving) { s.Name = nil },
		"a text":  func(s *actions.Saving) { s.Name = []actions.NamePiece{{Text: "2026/a/${name}"}} },
		"if":      func(s *actions.Saving) { s.If = "not inline" },
		"size":    func(s *actions.Saving) { s.MaxFile = 6 },
	} {
		other := base
		if change(&other); saving(base).Equal(saving(other)) {
			t.Errorf("%s makes no difference", name)
		}
	}
	if saving(base).Equal(actions.Action{Kind: actions.SaveAttachments}) {
		t.Error("nothing is equal to something")
	}
}

// TestWhatNeedsAllow: what leaves the mailbox is off unless it is said to be free.
func TestWhatNeedsAllow(t *testing.T) {
	for kind, want := range map[actions.Kind]bool{
		actions.Exec: true, actions.SaveAttachments: true, actions.Unsubscribe: false, actions.Webhook: false, actions.Trash: false, "": false,
	} {
		if kind.NeedsAllow() != want {
			t.Errorf("%q needs allow: %v", kind, !want)
		}
	}
	if !actions.SaveAttachments.Outside() || !actions.Unsubscribe.Outside() {
		t.Error("they do not leave the mailbox")
	}
}
