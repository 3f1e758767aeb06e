package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/rules"
)

// Scope says of which mail, and for which rules, a plan is made or applied. Zero
// fields do not restrict.
type Scope struct {
	// Account and Mailbox restrict to one; Mailbox is spelled as in
	// [journal.SpelledAs].
	Account string `json:"account,omitempty"`
	Mailbox string `json:"mailbox,omitempty"`
	// Rules are the names of rules, whatever asks them otherwise; none stands for
	// all that are for arrivals.
	Rules []string `json:"rules,omitempty"`
	// Since leaves out what was received earlier.
	Since time.Time `json:"since,omitzero"`
	// Again acts on messages, too, on which the same rule with the same content
	// acted before.
	Again bool `json:"again,omitempty"`
	// Max is how many messages each rule may move or expunge in this run, 0 for
	// the rule's own limit.
	Max int `json:"max,omitempty"`
	// Content is the hash of the rules that a plan was made with, "" for none.
	// Other rules are not applied.
	Content string `json:"content,omitempty"`
	// Bounds leave out what came after a plan was made: nil is no plan, and none
	// is one over no mailbox.
	Bounds []Bound `json:"bounds,omitzero"`
}

// Bound is the end of a mailbox as it was when a plan was made: later messages,
// and those of another UIDVALIDITY, are no part of it.
type Bound struct {
	Account     string   `json:"account"`
	Mailbox     string   `json:"mailbox"` // server's spelling
	UIDValidity uint32   `json:"uidvalidity"`
	UIDNext     imap.UID `json:"uidnext"`
}

// applyOccasion is the occasion of all runs over a scope but those that act again.
const applyOccasion = "apply"

// walk is the walk of a run over this scope.
func (s Scope) walk() walk {
	w := walk{trigger: journal.TriggerApply, names: s.Rules, occasion: applyOccasion, run: time.Now().UTC().Truncate(time.Microsecond)}
	if s.Again {
		w.occasion = time.Now().UTC().Format(time.RFC3339Nano)
	}
	return w
}

// ContentOf is the hash of the rules that a scope asks.
func ContentOf(cfg *config.Config, s Scope) string {
	return cfg.Rules.Only(s.walk().asks).Hash()
}

// Check says what a scope names that the configuration does not have.
func (s Scope) Check(cfg *config.Config) error {
	if s.Account != "" && !slices.ContainsFunc(cfg.Accounts, func(a config.Account) bool { return a.Name == s.Account }) {
		return &UnknownError{What: "account", Name: s.Account}
	}
	for _, name := range s.Rules {
		if !slices.ContainsFunc(cfg.Rules.Rules(), func(r rules.Rule) bool { return r.Name == name }) {
			return &UnknownError{What: "rule", Name: name}
		}
	}
	return nil
}

// UnknownError is a name that the configuration does not have.
type UnknownError struct{ What, Name string }

// Error implements error.
func (e *UnknownError) Error() string { return "no " + e.What + " " + quoted(e.Name) }

// wants reports whether the mailbox is a part of a scope.
func (s Scope) wants(server string) bool {
	return s.Mailbox == "" || journal.SpelledAs(server, s.Mailbox)
}

// bound returns the end of a mailbox in the plan, and whether it has one.
func (s Scope) bound(account, mailbox string) (Bound, bool) {
	i := slices.IndexFunc(s.Bounds, func(b Bound) bool { return b.Account == account && sameName(b.Mailbox, mailbox) })
	if i < 0 {
		return Bound{}, false
	}
	return s.Bounds[i], true
}

func quoted(s string) string { return `"` + cmp.Or(shown(s), "?") + `"` }
