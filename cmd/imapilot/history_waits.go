package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"imapilot/engine"
	"imapilot/engine/journal"
)

// maxCounted is up to how many entries are counted that wait: to count them
// costs as much as to read them.
const maxCounted = 1000

// waiting is something that waits for the user, and the commands that deal with
// it: each with what it does.
type waiting struct {
	text     string
	commands [][2]string
}

// waits says what of the selection waits for the user, and which commands deal
// with it.
func (h *historyRun) waits(ctx context.Context) error {
	var all []waiting
	for _, group := range []struct {
		states     []journal.EntryState
		verb       engine.Verb
		does, flag string
	}{
		{[]journal.EntryState{journal.Held}, engine.Confirm, "decides them again, and acts", "--held"},
		{[]journal.EntryState{journal.Failed, journal.Unsure}, engine.Retry, "tries them again", "--failed"},
	} {
		text, err := h.counted(ctx, group.states)
		if err != nil {
			return err
		}
		if text != "" {
			all = append(all, waiting{text, [][2]string{
				{h.command(h.selecting(group.verb, group.flag)...), group.does},
				{h.command(h.selecting(engine.Skip, group.flag)...), "leaves them alone"},
			}})
		}
	}
	all = append(all, h.paused()...)
	if len(all) == 0 {
		return nil
	}
	s := &screen{width: cmp.Or(terminalWidth(h.out), screenWidth), color: color(h.out)}
	s.gap()
	s.line("Waiting for you:", bold, "")
	for _, w := range all {
		s.waiting(w)
	}
	_, err := fmt.Fprint(h.out, s.b.String())
	return err
}

// waiting prints each command on a line of its own, to be copied. What it does
// stands beside it, or below where there is no room.
func (s *screen) waiting(w waiting) {
	s.line("  ", plain, w.text)
	longest, does := 0, 0
	for _, c := range w.commands {
		longest, does = max(longest, cellsOf(visible(c[0]))), max(does, cellsOf(c[1]))
	}
	const indent = "    "
	for _, c := range w.commands {
		command := visible(c[0])
		between := strings.Repeat(" ", longest-cellsOf(command)+columnGap)
		if len(indent)+longest+columnGap+does > s.width {
			between = "\n" + indent + indent
		}
		s.b.WriteString(indent + s.paint(bold, command) + between + c[1] + "\n")
	}
}

// selecting is a command line for what of this selection is in such a state.
func (h *historyRun) selecting(verb engine.Verb, flag string) []string {
	words := append([]string{string(verb)}, h.flags.said(h.args)...)
	if !h.flags.held && !h.flags.failed && len(h.flags.outcomes) == 0 {
		words = append(words, flag)
	}
	return words
}

// command is a command line of imapilot that works where this one did.
func (a *app) command(words ...string) string {
	if a.config != "" {
		words = append([]string{"-c", a.config}, words...)
	}
	return "imapilot " + quoted(words...)
}

// counted counts the entries in some states, "" if there are none: "2 failed, 1
// unsure".
func (h *historyRun) counted(ctx context.Context, states []journal.EntryState) (string, error) {
	var parts []string
	for _, state := range states {
		n := 0
		for _, sel := range h.scopes {
			q := sel.Query(sel.Account)
			if len(q.States) > 0 && !slices.Contains(q.States, state) {
				continue
			}
			q.States, q.Limit = []journal.EntryState{state}, maxCounted+1
			found, err := h.archive.Entries(ctx, q)
			if err != nil {
				return "", err
			}
			n += len(found)
		}
		switch {
		case n > maxCounted:
			parts = append(parts, fmt.Sprintf("more than %d %s", maxCounted, state))
		case n > 0:
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, ", "), nil
}

// paused tells of the mailboxes that take nothing now.
func (h *historyRun) paused() []waiting {
	var out []waiting
	for _, sel := range h.scopes {
		for _, p := range h.archive.pauses[sel.Account] {
			if sel.Mailbox != "" && !journal.SpelledAs(p.Target, sel.Mailbox) {
				continue
			}
			words := []string{string(engine.Retry)}
			if len(h.cfg.Accounts) > 1 || p.Target == "" {
				words = append(words, "--account", sel.Account)
			}
			if p.Target != "" {
				words = append(words, "--mailbox", journal.ShowTarget(p.Target))
			}
			text := fmt.Sprintf("%s of %s is paused since %s, and tried again %s: %s", pauseTarget(p), sel.Account,
				p.Since.In(h.cfg.Location).Format("2006-01-02 15:04"), when(p.Probe, h.cfg.Location), p.Reason)
			out = append(out, waiting{text, [][2]string{{h.command(words...), "tries now"}}})
		}
	}
	return out
}

// nothing says that nothing matches, and what would.
func (h *historyRun) nothing(ctx context.Context) error {
	said := h.flags.said(h.args)
	if h.archive.db == nil {
		fmt.Fprintf(h.out, "There is no journal %s yet: 'imapilot run' makes it and records what it does.\n", h.cfg.State)
		return nil
	}
	if len(said) == 0 {
		fmt.Fprintln(h.out, "The journal holds no message yet: 'imapilot run' records each one that a rule wants.")
		return nil
	}
	fmt.Fprintf(h.out, "Nothing in the journal matches %s.\n", quoted(said...))
	hint, err := h.widen(ctx)
	fmt.Fprint(h.out, hint)
	return err
}

// widen says which one flag less would show something, and which rule or
// mailbox may have been meant.
func (h *historyRun) widen(ctx context.Context) (string, error) {
	hint := ""
	for _, less := range []struct {
		flag string
		drop func(*engine.Selection)
	}{
		{"--since", func(s *engine.Selection) { s.Since = s.Until }},
		{"--outcome, --held or --failed", func(s *engine.Selection) { s.Outcomes = nil }},
		{"--rule", func(s *engine.Selection) { s.Rule = "" }},
		{"--mailbox", func(s *engine.Selection) { s.Mailbox = "" }},
		{"--uid", func(s *engine.Selection) { s.UID = 0 }},
	} {
		n, changed, err := h.without(ctx, less.drop)
		if err != nil {
			return "", err
		}
		if changed && n {
			hint += fmt.Sprintf("Without %s something does.\n", less.flag)
		}
	}
	if hint == "" {
		hint = "'imapilot history' alone shows the newest. What is finished is forgotten after\n90 days.\n"
	}
	return h.unknownRule() + hint, nil
}

// without reports whether anything matches a selection that one restriction was
// taken from, and whether there was such a restriction.
func (h *historyRun) without(ctx context.Context, drop func(*engine.Selection)) (found, changed bool, err error) {
	for _, sel := range h.scopes {
		before := fmt.Sprint(sel)
		drop(&sel)
		if before == fmt.Sprint(sel) {
			return false, false, nil
		}
		q := sel.Query(sel.Account)
		q.Limit = 1
		entries, err := h.archive.Entries(ctx, q)
		if err != nil || len(entries) > 0 {
			return true, true, err
		}
	}
	return false, true, nil
}

func (h *historyRun) unknownRule() string {
	var names []string
	for _, rule := range h.cfg.Rules.Rules() {
		names = append(names, rule.Name)
	}
	if h.flags.Rule == "" || slices.Contains(names, h.flags.Rule) {
		return ""
	}
	return fmt.Sprintf("There is no rule %q in %s%s\n", h.flags.Rule, h.cfg.Path, cmp.Or(meant(h.flags.Rule, names), "."))
}

// gone reports whether the journal's file is another one than before: somebody
// deleted or restored it.
func (h *historyRun) gone(before fs.FileInfo) (now fs.FileInfo, changed bool, err error) {
	now, err = os.Stat(h.cfg.State)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, before != nil, nil
	}
	if err != nil {
		return nil, false, err
	}
	return now, before == nil || !os.SameFile(before, now), nil
}
