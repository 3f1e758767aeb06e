package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/emersion/go-imap/v2"

	"imapilot/rules"
)

// A rule on a clock may look at those messages alone that Gmail's own search finds
// (X-GM-RAW). That is what the user asked for, and no guess of ours: the server is
// believed. What it found counts for the window that was searched; a decision that is
// made again asks the conditions alone.

// notFoundByGmail is why a rule is not asked about a message.
const notFoundByGmail = "its search does not find the message"

// searches are the rules of a set that search, for this account.
func (a *account) searches(ruleset *rules.Ruleset) []rules.Rule {
	return slices.DeleteFunc(ruleset.Rules(), func(r rules.Rule) bool {
		return r.GmailSearch == "" || len(r.Accounts) > 0 && !slices.Contains(r.Accounts, a.cfg.Name)
	})
}

// cannotSearch is why the rules of a pass cannot be asked at all, nil if they can.
func (c *connection) cannotSearch(ruleset *rules.Ruleset) error {
	all := c.searches(ruleset)
	if len(all) == 0 || c.session.Capabilities().Gmail {
		return nil
	}
	return fmt.Errorf("rule %q searches in Gmail's words, and this server has no X-GM-EXT-1; take search: out of it, or name the accounts that it is for", all[0].Name)
}

// searched asks the server which messages of a window the rules look at, and notes what
// each rule's search found. Those that no rule looks at are excluded.
func (c *connection) searched(ctx context.Context, p *pass, ruleset *rules.Ruleset, name string, todo []imap.UID) (possible, excluded []imap.UID, err error) {
	p.found = nil
	box := c.ruleMailbox(name)
	all := c.searches(ruleset)
	if len(all) == 0 || len(todo) == 0 {
		return todo, nil, nil
	}
	p.found = map[string]imap.UIDSet{}
	for _, r := range all {
		if !ruleset.Only(func(o rules.Rule) bool { return o.Name == r.Name }).Applies(c.cfg.Name, box) {
			continue
		}
		if p.found[r.Name], err = c.session.SearchGmail(ctx, setOf(todo), r.GmailSearch); err != nil {
			return nil, nil, err
		}
	}
	if ruleset.Only(func(r rules.Rule) bool { return r.GmailSearch == "" }).Applies(c.cfg.Name, box) {
		return todo, nil, nil
	}
	for _, uid := range todo {
		if len(p.unfound(uid)) < len(p.found) {
			possible = append(possible, uid)
		} else {
			excluded = append(excluded, uid)
		}
	}
	return possible, excluded, nil
}

// unfound are the rules whose search did not find a message, nil if there are none.
func (p *pass) unfound(uid imap.UID) map[string]string {
	var out map[string]string
	for rule, found := range p.found {
		if !found.Contains(uid) {
			if out == nil {
				out = map[string]string{}
			}
			out[rule] = notFoundByGmail
		}
	}
	return out
}

// skipUnfound keeps rules from being asked about messages that they do not look at.
func (p *pass) skipUnfound(all []*candidate) {
	for _, m := range all {
		m.unfound = p.unfound(m.fetched.UID)
		m.skip = maps.Clone(m.unfound)
	}
}
