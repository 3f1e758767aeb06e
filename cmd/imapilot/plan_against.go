package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// maxChanges is how many changes are shown unless --all is said.
const maxChanges = 20

// changeJSON is a message whose outcome differs; --help lists its keys, which stay.
type changeJSON struct {
	Account string `json:"account"`
	Mailbox string `json:"mailbox"`
	UID     uint32 `json:"uid"`
	From    string `json:"from"`
	Subject string `json:"subject"`
	Old     string `json:"old"`
	New     string `json:"new"`
}

// comparison is what two plans differ in.
type comparison struct {
	Messages int                  `json:"messages"`
	Changed  int                  `json:"changed"`
	Changes  []changeJSON         `json:"changes"`
	Left     []engine.LeftMailbox `json:"left"`
	// more, less and other count the changes: acted on by the new rules alone, by
	// the old ones alone, or by both and in another way.
	more, less, other int
}

// unchanged is the outcome of a message of which a plan tells nothing.
const unchanged = "left as it is"

// sight is what one plan tells of a message.
type sight struct{ text, from, subject string }

func (a *app) planAgainst(ctx context.Context, f *planFlags) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	other, err := a.loadOther(cfg, f.against)
	if err != nil {
		return err
	}
	before, after, err := f.scopesOf(cfg, other)
	if err != nil {
		return err
	}
	was, is := map[messagePlace]sight{}, map[messagePlace]sight{}
	old, err := a.sightings(ctx, cfg, before, f, was)
	if err != nil {
		return err
	}
	after.Bounds = old.bounds
	changed, err := a.sightings(ctx, other, after, f, is)
	if err != nil {
		return err
	}
	c := compare(was, is)
	c.Messages = max(old.report.Messages, changed.report.Messages)
	c.gaps(old, changed)
	if !f.all {
		c.Changes = c.Changes[:min(len(c.Changes), maxChanges)]
	}
	if a.json {
		return errors.Join(a.printJSON(c), c.trouble())
	}
	s := a.screen()
	s.comparison(c, f.against, len(cfg.Accounts) > 1 && f.account == "")
	_, err = fmt.Fprint(a.out, s.b.String())
	return errors.Join(err, c.trouble())
}

// loadOther reads another configuration for its rules. What else there is of it is
// that of the first: accounts, the state file, dry_run.
func (a *app) loadOther(cfg *config.Config, path string) (*config.Config, error) {
	loaded, err := a.loadFile(path, "name another file with --against", false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, acc := range cfg.Accounts {
		if !hasAccount(loaded, acc.Name) {
			return nil, usagef("there is no account %q in %s, so its rules cannot be compared", acc.Name, path)
		}
	}
	out := *loaded
	out.Accounts, out.State, out.DryRun = cfg.Accounts, cfg.State, cfg.DryRun
	return &out, nil
}

// scopesOf are the scopes of both plans. A rule that is named may be in one of the
// files alone.
func (f *planFlags) scopesOf(cfg, other *config.Config) (before, after engine.Scope, err error) {
	both := append(ruleNames(cfg), ruleNames(other)...)
	for _, name := range f.rules {
		if !slices.Contains(both, name) {
			return before, after, usagef("there is no rule %q in %s or %s%s", name, cfg.Path, other.Path, choice(name, both, "'imapilot rules' lists them"))
		}
	}
	all := f.scopeFlags
	all.rules = nil
	if before, err = all.scope(cfg, time.Now()); err != nil {
		return before, after, err
	}
	after = before
	before.Rules, after.Rules = f.rulesIn(cfg), f.rulesIn(other)
	return before, after, nil
}

// rulesIn are the named rules that a configuration has.
func (f *planFlags) rulesIn(cfg *config.Config) []string {
	names := ruleNames(cfg)
	return slices.DeleteFunc(slices.Clone(f.rules), func(name string) bool { return !slices.Contains(names, name) })
}

// sightings makes a plan and notes what it tells of each message. A file that has
// none of the rules that were named does nothing.
func (a *app) sightings(ctx context.Context, cfg *config.Config, scope engine.Scope, f *planFlags, into map[messagePlace]sight) (*planned, error) {
	if len(f.rules) > 0 && len(scope.Rules) == 0 {
		return &planned{cfg: cfg, scope: scope}, nil
	}
	return a.makePlan(ctx, cfg, scope, a.planBar(f), func(m engine.Planned) error {
		text := plannedText(m.Entry)
		if before, ok := into[placeOf(m)]; ok {
			text = before.text + "; " + text
		}
		into[placeOf(m)] = sight{text, m.Entry.From, m.Entry.Subject}
		return nil
	})
}

// compare finds the messages whose outcome differs, in the order of their places.
func compare(was, is map[messagePlace]sight) comparison {
	c := comparison{Changes: []changeJSON{}, Left: []engine.LeftMailbox{}}
	places := maps.Clone(was)
	maps.Copy(places, is)
	for place, s := range places {
		old, knownOld := was[place]
		now, knownNew := is[place]
		switch {
		case old.text == now.text:
			continue
		case !knownOld:
			c.more++
		case !knownNew:
			c.less++
		default:
			c.other++
		}
		c.Changes = append(c.Changes, changeJSON{
			place.account, place.mailbox, uint32(place.uid), s.from, s.subject, cmp.Or(old.text, unchanged), cmp.Or(now.text, unchanged),
		})
	}
	slices.SortFunc(c.Changes, func(a, b changeJSON) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Mailbox, b.Mailbox), cmp.Compare(a.UID, b.UID))
	})
	c.Changed = len(c.Changes)
	return c
}

// gaps notes what could not be compared. A mailbox at which only the new rules
// look has no end in the old plan, and so is no part of the new one.
func (c *comparison) gaps(old, now *planned) {
	for _, p := range []*planned{old, now} {
		for _, acc := range p.accounts {
			if acc.Error != "" {
				c.note(engine.LeftMailbox{Account: acc.Account, Why: acc.Error})
			}
		}
		for _, l := range p.report.Left {
			if p == now && !old.looked(l) {
				l.Why = onlyNew
			}
			c.note(l)
		}
	}
}

// onlyNew is why a mailbox is not compared that the old rules know nothing of. That
// is nothing that failed.
const onlyNew = "only the other rules look there, so there is nothing to compare with"

// note notes what could not be compared, once.
func (c *comparison) note(l engine.LeftMailbox) {
	same := func(o engine.LeftMailbox) bool { return o.Account == l.Account && o.Mailbox == l.Mailbox }
	if !slices.ContainsFunc(c.Left, same) {
		c.Left = append(c.Left, l)
	}
}

// looked reports whether a plan looked at a mailbox, or would have.
func (p *planned) looked(l engine.LeftMailbox) bool {
	return slices.ContainsFunc(p.bounds, func(b engine.Bound) bool {
		return b.Account == l.Account && journal.SpelledAs(b.Mailbox, l.Mailbox)
	}) || slices.ContainsFunc(p.report.Left, func(o engine.LeftMailbox) bool { return o.Account == l.Account && o.Mailbox == l.Mailbox })
}

// trouble is why the comparison is not whole, nil if it is.
func (c *comparison) trouble() error {
	n := 0
	for _, l := range c.Left {
		if l.Why != onlyNew {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return errors.New("not everything could be compared")
}

// comparison shows what changes.
func (s *screen) comparison(c comparison, path string, several bool) {
	s.line(fmt.Sprintf("%d of %s change with the rules of %s", c.Changed, count(c.Messages, "message"), path), bold, "")
	for _, row := range []struct {
		n    int
		text string
	}{{c.more, "that were left as they are are acted on"}, {c.less, "that were acted on are left as they are"}, {c.other, "are treated in another way"}} {
		if row.n > 0 {
			s.line(fmt.Sprintf("%8d  ", row.n), plain, row.text)
		}
	}
	for _, change := range c.Changes {
		s.gap()
		s.change(change, several)
	}
	if more := c.Changed - len(c.Changes); more > 0 {
		s.gap()
		s.line("", plain, fmt.Sprintf("and %d more; --all shows all", more))
	}
	var errs []accountPlan
	left := slices.DeleteFunc(slices.Clone(c.Left), func(l engine.LeftMailbox) bool {
		if l.Mailbox == "" {
			errs = append(errs, accountPlan{Error: l.Why})
		}
		return l.Mailbox == ""
	})
	s.left(left, several, errs)
}

func (s *screen) change(c changeJSON, several bool) {
	place := fmt.Sprintf("%s/%d", c.Mailbox, c.UID)
	if several {
		place = c.Account + " " + place
	}
	line := visible(place) + "  " + visible(senderOf(c.From)) + "  "
	s.b.WriteString(strings.TrimRight(cutCells(line+visible(c.Subject), s.width), " ") + "\n")
	s.line("  - ", red, c.Old)
	s.line("  + ", green, c.New)
}
