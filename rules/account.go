package rules

import (
	"fmt"
	"slices"
	"strings"

	"imapilot/actions"
)

// checkAccount checks the account that an action leads to.
func (b *builder) checkAccount(r RuleSource, a ActionSource, d *draftAction) {
	name := a.Account.Value
	if a.Account == (Text{}) {
		return
	}
	var names []string
	for _, acc := range b.src.Accounts {
		names = append(names, acc.Name)
	}
	message, hint := "", ""
	switch {
	case d.kind != actions.Copy && d.kind != actions.Move && d.kind != actions.AppendTo:
		message, hint = fmt.Sprintf("%s has no account:", d.kind), "copy, append and move lead to other accounts"
	case strings.Contains(name, "${"):
		message, hint = "the name of an account cannot hold ${}", "a message must not choose where it is sent"
	case !slices.Contains(names, name):
		message, hint = fmt.Sprintf("there is no account %q", name), cmpOr(didYouMean(name, names), "add it under accounts:")
	case !slices.ContainsFunc(b.accountsOf(r, names), func(n string) bool { return n != name }):
		message, hint = fmt.Sprintf("the messages of this rule are in the account %q already", name), "leave account: out"
	}
	if message != "" {
		b.problem(a.Account.Pos, Error, message, hint)
		return
	}
	d.account = name
}

// accountsOf are the accounts that a rule is for.
func (b *builder) accountsOf(r RuleSource, all []string) []string {
	if len(r.Accounts) == 0 {
		return all
	}
	return texts(r.Accounts)
}
