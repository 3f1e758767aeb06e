package config

import (
	"cmp"
	"fmt"
	"iter"
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

// Subscribed, in a list of what is watched, are the mailboxes that the user subscribed
// to (RFC 9051 section 6.3.7).
const Subscribed = "subscribed"

// watch reads what an account watches: names, patterns, roles, and what is subscribed.
func (l *loader) watch(n *strictyaml.Node, account string) []string {
	return l.places(n, "watch:", func(item *strictyaml.Node) {
		if item.Value != Subscribed && !strings.ContainsAny(item.Value, "*?") {
			l.watched = append(l.watched, watched{account, ref{l.reading, item}})
		}
	})
}

// except reads what an account does not watch though watch: names it.
func (l *loader) except(n *strictyaml.Node) []string {
	return l.places(n, "except:", func(item *strictyaml.Node) {
		if item.Value == Subscribed {
			l.problem(item, "except: takes no subscribed", "name the mailboxes that are not to be watched")
		}
	})
}

// places reads a list of mailboxes under a key. other is given what is no role.
func (l *loader) places(n *strictyaml.Node, key string, other func(*strictyaml.Node)) []string {
	if n.Kind == strictyaml.Mapping {
		l.problem(n, key+" takes a list of mailboxes", `as in [INBOX, "Lists/*", "role:junk"]`)
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
		default:
			other(item)
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
	if l.cfg.Rules == nil || len(l.source.Rules) == 0 {
		return
	}
	for _, w := range l.watched {
		name := w.ref.node.Value
		if l.excepted(w.account, name) {
			l.addIn(w.ref.file, w.ref.node.Span(0, 0), rules.Warning, "except: takes this mailbox out again: it is not watched", "remove it here, or there")
			continue
		}
		if l.cfg.Rules.Applies(w.account, rules.Mailbox{Name: name}) || l.byRole(w.account) {
			continue
		}
		l.addIn(w.ref.file, w.ref.node.Span(0, 0), rules.Warning, "this mailbox is watched, but no rule looks at it",
			"name it under in: of a rule; a rule without in: is for INBOX")
	}
}

// excepted reports whether an account certainly does not watch a mailbox.
func (l *loader) excepted(account, name string) bool {
	return slices.ContainsFunc(l.cfg.Accounts, func(a Account) bool { return a.Name == account && a.excepts(name) })
}

// excepts reports whether except: names a mailbox. Which one has a role, and what is
// behind a pattern or a role in its place, only the server knows.
func (a Account) excepts(name string) bool {
	if strings.ContainsAny(name, "*?") || strings.HasPrefix(name, "role:") {
		return slices.Contains(a.Except, name)
	}
	return slices.ContainsFunc(a.Except, func(not string) bool {
		return !strings.HasPrefix(not, "role:") && rules.Mailbox{Name: name}.Match(not)
	})
}

// unwatched warns of rules for mailboxes that none of their accounts watches:
// such a rule never fires. What stands behind a pattern or a role is not known
// here where an account watches patterns or roles. A rule on a clock looks into
// its mailboxes itself. What is certain is said beside errors, too, so that no
// second check is needed to learn it.
func (l *loader) unwatched() {
	for _, r := range l.aims {
		if l.vague || r.on == rules.OnSchedule || !l.certain(r) {
			continue
		}
		in := without(r.in, func(t rules.Text) bool { return t.Pos >= 0 && l.refusedIn(l.refs[t.Pos]) })
		if len(r.in) == 0 {
			in = []rules.Text{{Value: "INBOX", Pos: r.name}}
		}
		for _, place := range in {
			if place.Value == "" || place.Pos < 0 || place.Pos >= len(l.refs) || l.isWatched(r, place.Value) {
				continue
			}
			at := l.refs[place.Pos]
			l.addIn(at.file, at.node.Span(0, 0), rules.Warning, fmt.Sprintf("the rule never fires in %s: none of its accounts watches it", place.Value),
				cmp.Or(l.exceptedHint(r, place.Value), l.watchedLike(r, place.Value), "add it under watch: of the account"))
		}
	}
}

// isWatched reports whether an account of the rule may watch a mailbox.
func (l *loader) isWatched(r aim, in string) bool {
	for acc := range r.accountsOf(l.cfg.Accounts) {
		if l.unsure[acc.Name] || !acc.excepts(in) && slices.ContainsFunc(acc.Watch, func(watch string) bool { return mayBe(watch, in) }) {
			return true
		}
	}
	return len(l.cfg.Accounts) == 0
}

// accountsOf are the accounts that a rule is for.
func (r aim) accountsOf(all []Account) iter.Seq[*Account] {
	return func(yield func(*Account) bool) {
		for i := range all {
			if r.isFor(all[i].Name) && !yield(&all[i]) {
				return
			}
		}
	}
}

func (r aim) isFor(account string) bool {
	return len(r.accounts) == 0 || slices.ContainsFunc(r.accounts, func(t rules.Text) bool { return t.Value == account })
}

// mayBe reports whether what is watched can be what a rule is in.
func mayBe(watch, in string) bool {
	unsure := func(s string) bool { return strings.ContainsAny(s, "*?") || strings.HasPrefix(s, "role:") }
	switch {
	case watch == Subscribed:
		return true
	case unsure(watch) && unsure(in):
		return true
	case strings.HasPrefix(watch, "role:") || strings.HasPrefix(in, "role:"):
		return mayHaveRole(watch, in) || mayHaveRole(in, watch)
	default:
		return rules.Mailbox{Name: in}.Match(watch) || rules.Mailbox{Name: watch}.Match(in)
	}
}

// mayHaveRole reports whether a mailbox may be the one with a role. Only the
// server knows; here the usual words for it must be in its name, or a pattern.
func mayHaveRole(place, name string) bool {
	role, isRole := strings.CutPrefix(place, "role:")
	if !isRole {
		return false
	}
	words := map[string][]string{
		"junk": {"junk", "spam", "bulk"}, "trash": {"trash", "deleted", "bin"}, "drafts": {"draft"}, "sent": {"sent"},
		"archive": {"archive", "all mail"}, "all": {"all", "archive"}, "flagged": {"flagged", "starred"},
	}[role]
	return name == place || strings.ContainsAny(name, "*?") ||
		slices.ContainsFunc(words, func(word string) bool { return strings.Contains(strings.ToLower(name), word) })
}

// exceptedHint is the hint for a mailbox that except: takes out.
func (l *loader) exceptedHint(r aim, name string) string {
	for acc := range r.accountsOf(l.cfg.Accounts) {
		if acc.excepts(name) {
			return "except: of the account takes it out"
		}
	}
	return ""
}

// watchedLike is the hint for a mailbox that is almost one that is watched.
func (l *loader) watchedLike(r aim, name string) string {
	var names []string
	for acc := range r.accountsOf(l.cfg.Accounts) {
		names = append(names, acc.Watch...)
	}
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// byRole reports whether a rule for the account looks at a role.
func (l *loader) byRole(account string) bool {
	return slices.ContainsFunc(l.cfg.Rules.Rules(), func(r rules.Rule) bool {
		return (len(r.Accounts) == 0 || slices.Contains(r.Accounts, account)) &&
			slices.ContainsFunc(r.In, func(in string) bool { return strings.HasPrefix(in, "role:") })
	})
}
