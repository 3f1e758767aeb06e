package rules

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
)

// Ruleset is a compiled source. It is immutable and safe for concurrent use.
type Ruleset struct {
	rules  []compiledRule
	leaves []*program
	facts  []fact
	hash   string
	index  *ruleIndex
	byName map[string]int
	free   []actions.Kind
	// accounts are those of the source, by name.
	accounts map[string]AccountSource
	pool     *sync.Pool
	// builder is what explanations are made from. It is only read.
	builder *builder
}

// Rule describes one rule as plain data.
type Rule struct {
	Name string
	// Hash identifies what the rule does: the first 16 hexadecimal digits of a
	// SHA-256 over its condition, actions, mailboxes, accounts and stop, with
	// the defines and lists that it uses. Limits, dry_run and comments are no
	// part of it.
	Hash         string
	Accounts, In []string
	// If and Then are as the user wrote them: "move: Lists/${list.name}".
	If   string
	Then []string
	// Kinds are those of Then.
	Kinds []actions.Kind
	// Folders are those into which it saves attachments.
	Folders []string
	// Targets are the mailboxes of copy and move that hold no expression.
	Targets      []string
	Stop, DryRun bool
	// On is when the rule is asked, Flags are those whose addition asks it.
	On    Trigger
	Flags []imap.Flag
	// Cron is its schedule as it was written, "" where it has none.
	Cron string
	// Repeat is after how long it may act on the same message again, 0 never.
	Repeat time.Duration
	// GmailSearch narrows what it looks at on a clock, "" if nothing does.
	GmailSearch string
	// MaxMoves and MaxExpunges are the most messages that it may take away at once.
	MaxMoves, MaxExpunges int
}

type compiledRule struct {
	Rule
	condition    condition
	actions      []compiledAction
	needs        Needs
	facts        []string // the names of those that it reads
	cover        cover
	key          keyPair
	namesDeleted bool
	draft        *draft
}

type compiledAction struct {
	kind actions.Kind
	arg  actions.ArgKind
	args []template
	// account is that of the target, "" where it is the message's.
	account string
	// same is the action where it is the same for all messages of its account: one for
	// all of them takes no memory for each.
	same *actions.Action
	// appending is what an append adds.
	appending appending
	// message says which of args make what a webhook is sent with.
	message message
	// command says how args make the program of exec.
	command command
	until   *Until
	// saving says how args make what save_attachments saves.
	saving saving
	// letter says how args make what forward and reply send.
	letter letter
}

// Hash identifies the content of the whole set, the order of its rules included.
func (rs *Ruleset) Hash() string { return rs.hash }

// Rules returns the rules in order.
func (rs *Ruleset) Rules() []Rule {
	out := make([]Rule, len(rs.rules))
	for i, r := range rs.rules {
		out[i] = r.Rule
	}
	return out
}

// Rule returns the rule of a name.
func (rs *Ruleset) Rule(name string) (Rule, bool) {
	i, ok := rs.byName[name]
	if !ok {
		return Rule{}, false
	}
	return rs.rules[i].Rule, true
}

// Only returns the set of those rules that keep wants, in their order. It shares
// what was compiled; its hash is its own. Of all rules it is the set itself.
func (rs *Ruleset) Only(keep func(Rule) bool) *Ruleset {
	if !slices.ContainsFunc(rs.rules, func(r compiledRule) bool { return !keep(r.Rule) }) {
		return rs
	}
	out := *rs
	out.rules = nil
	for i := range rs.rules {
		if keep(rs.rules[i].Rule) {
			out.rules = append(out.rules, rs.rules[i])
		}
	}
	out.ready()
	return &out
}

// ready makes what finds the rules of a set, and its hash.
func (rs *Ruleset) ready() {
	factOf := make(map[string]int, len(rs.facts))
	for i, f := range rs.facts {
		factOf[f.name] = i
	}
	rs.byName = make(map[string]int, len(rs.rules))
	for i, r := range rs.rules {
		rs.byName[r.Name] = i
	}
	rs.index = newIndex(coversOf(rs.rules), factOf)
	rs.free = freeOf(rs.rules)
	rs.hash = hashOf(ruleHashes(rs.rules))
	rs.pool = &sync.Pool{New: func() any { return newRun(rs) }}
}

func freeOf(list []compiledRule) []actions.Kind {
	var out []actions.Kind
	for _, r := range list {
		for _, kind := range r.Kinds {
			if kind.Outside() && !kind.NeedsAllow() && !slices.Contains(out, kind) {
				out = append(out, kind)
			}
		}
	}
	return out
}

// account describes an account, one that the source does not name too.
func (rs *Ruleset) account(name string) AccountSource {
	a := rs.accounts[name]
	a.Name = name
	return a
}

// looksAt reports whether the rule is for the mailbox.
func (r *compiledRule) looksAt(account string, mb Mailbox) bool {
	if len(r.Accounts) > 0 && !slices.Contains(r.Accounts, account) {
		return false
	}
	return slices.ContainsFunc(r.In, mb.Match)
}

// Free are the actions of the rules that leave the mailbox and need no allow:.
func (rs *Ruleset) Free() []actions.Kind { return rs.free }

// Applies reports whether any rule looks at the mailbox.
func (rs *Ruleset) Applies(account string, mb Mailbox) bool {
	for i := range rs.rules {
		if rs.rules[i].looksAt(account, mb) {
			return true
		}
	}
	return false
}

// Needs returns what the rules for this mailbox read of a message, the fields
// by which the engine knows and shows it, From, Message-Id and Subject, and
// where a rule calls a webhook or runs a program those that its document tells besides, Date and
// To. Its header fields are fetched of every message; of the rest
// [Decision.Missing] says when it is needed.
func (rs *Ruleset) Needs(account string, mb Mailbox) Needs {
	out := Needs{HeaderFields: headerNeeds()}.and(rs.needsOfRules(account, mb))
	for i := range rs.rules {
		if r := &rs.rules[i]; slices.ContainsFunc(r.Kinds, actions.Kind.Documents) && r.looksAt(account, mb) {
			out = out.and(webhookNeeds())
		}
	}
	if rs.reads("has_reply") {
		out = out.and(fromHeader("In-Reply-To", "References"))
	}
	return out
}

// ReadsHistory reports whether a rule asks for a fact of the journal, which
// can answer only of what it was told of every message.
func (rs *Ruleset) ReadsHistory() bool {
	return rs.reads("duplicate") || rs.reads("has_reply") || rs.reads("by_user") || rs.reads("moved_from")
}

func (rs *Ruleset) reads(name string) bool {
	return slices.ContainsFunc(rs.facts, func(f fact) bool { return strings.TrimSuffix(f.name, "~") == name })
}
