package config

import (
	"fmt"
	"slices"
	"strings"

	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// watched is a mailbox that an account watches by its name.
type watched struct {
	account string
	ref     ref
}

// watch reads what an account watches: names, patterns and roles.
func (l *loader) watch(n *strictyaml.Node, account string) []string {
	if n.Kind == strictyaml.Mapping {
		l.problem(n, "watch: takes a list of mailboxes in this version", `as in [INBOX, "Lists/*", "role:junk"]`)
		return nil
	}
	out := l.strings(n)
	for _, item := range l.items(n) {
		role, isRole := strings.CutPrefix(item.Value, "role:")
		switch {
		case item.Kind != strictyaml.Scalar:
		case item.Value == "":
			l.problem(item, "the name of the mailbox is empty", "")
		case isRole:
			l.role(item, "role:", role)
		case strings.Contains(item.Value, "%"):
			l.problem(item, "% is no wildcard here", "* stands for any text")
		case item.Value == "subscribed":
			l.problem(item, `watch: subscribed is not available in this version yet`, `name the mailboxes, or "*" for all`)
		case !strings.ContainsAny(item.Value, "*?"):
			l.watched = append(l.watched, watched{account, ref{l.reading, item}})
		}
	}
	return out
}

// role checks the name of a role; before is what stands in front of it here.
func (l *loader) role(n *strictyaml.Node, before, role string) {
	roles := mailboxRoles()
	if slices.Contains(roles, role) {
		return
	}
	hint := "the roles are " + strings.Join(roles, ", ")
	if near := nearest(role, roles); near != "" {
		hint = fmt.Sprintf("did you mean %q?", before+near)
	}
	l.problem(n, fmt.Sprintf("there is no role %q", role), hint)
}

// mailboxRoles are the special uses of RFC 6154 section 2.
func mailboxRoles() []string {
	return []string{"all", "archive", "drafts", "flagged", "junk", "sent", "trash"}
}

// unruled warns of watched mailboxes that no rule looks at. What rules with a
// mistake look at is not known, and without any rule it is no slip. Behind a
// pattern there may be other mailboxes than those of today, and which mailbox
// has a role only the server knows.
func (l *loader) unruled() {
	if l.cfg.Rules == nil || len(l.cfg.Rules.Rules()) == 0 {
		return
	}
	for _, w := range l.watched {
		if l.cfg.Rules.Applies(w.account, rules.Mailbox{Name: w.ref.node.Value}) || l.byRole(w.account) {
			continue
		}
		l.addIn(w.ref.file, w.ref.node.Span(0, 0), rules.Warning, "this mailbox is watched, but no rule looks at it",
			"name it under in: of a rule; a rule without in: is for INBOX")
	}
}

// byRole reports whether a rule for the account looks at a role.
func (l *loader) byRole(account string) bool {
	return slices.ContainsFunc(l.cfg.Rules.Rules(), func(r rules.Rule) bool {
		return (len(r.Accounts) == 0 || slices.Contains(r.Accounts, account)) &&
			slices.ContainsFunc(r.In, func(in string) bool { return strings.HasPrefix(in, "role:") })
	})
}
