package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// selection holds the selection flags, the same on every command that has
// them. Read it with where or scopes.
type selection struct {
	engine.Selection
	since        string
	outcomes     []string
	held, failed bool
}

// add defines the flags that say where, who and when.
func (s *selection) add(a *app, cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var((*textValue)(&s.Account), "account", "only this account")
	f.Var((*textValue)(&s.Mailbox), "mailbox", "only this mailbox")
	f.Var((*textValue)(&s.Rule), "rule", "only what this rule decided")
	f.Var((*uidValue)(&s.UID), "uid", "only the message with this UID")
	f.Var((*textValue)(&s.since), "since", "only what happened since then: 2h, 7d, 2026-11-01 or \"2026-11-01 14:00\"")
	complete(cmd, "account", a.completeAccount)
	complete(cmd, "rule", a.completeRule)
	complete(cmd, "mailbox", a.completeMailbox)
	complete(cmd, "uid", cobra.NoFileCompletions)
	complete(cmd, "since", cobra.FixedCompletions([]cobra.Completion{"1h", "1d", "7d"}, cobra.ShellCompDirectiveNoFileComp))
}

// addEntries defines the flags that choose among what is recorded, too.
func (s *selection) addEntries(a *app, cmd *cobra.Command) {
	s.add(a, cmd)
	f := cmd.Flags()
	f.Var((*textValue)(&s.MessageID), "message-id", "only the messages with this Message-ID, with or without <>")
	f.StringSliceVar(&s.outcomes, "outcome", nil, "only these outcomes, as in done,failed")
	f.BoolVar(&s.held, "held", false, "only what is held; short for --outcome held")
	f.BoolVar(&s.failed, "failed", false, "only what went wrong; short for --outcome failed,unsure")
	complete(cmd, "message-id", cobra.NoFileCompletions)
	complete(cmd, "outcome", completeOutcome)
}

// textValue is a flag that may not be empty: an empty variable of a script must
// not select everything.
type textValue string

func (v *textValue) String() string { return string(*v) }
func (v *textValue) Type() string   { return "string" }

func (v *textValue) Set(text string) error {
	if text == "" {
		return errors.New("it is empty, and would select everything; leave the flag out for that")
	}
	*v = textValue(text)
	return nil
}

// uidValue is a flag that takes a UID (RFC 9051 section 2.3.1.1).
type uidValue uint32

func (v *uidValue) String() string { return strconv.FormatUint(uint64(*v), 10) }
func (v *uidValue) Type() string   { return "number" }

func (v *uidValue) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		return fmt.Errorf("a UID is a number from 1 to 4294967295")
	}
	*v = uidValue(n)
	return nil
}

// where is the selection as the flags say it. It does not know of entries that
// are named.
func (s *selection) where(cfg *config.Config, now time.Time) (engine.Selection, error) {
	out := s.Selection
	if out.Account != "" && !hasAccount(cfg, out.Account) {
		return out, noAccount(cfg, out.Account)
	}
	var err error
	if out.Since, err = sinceWhen(s.since, cfg, now); err != nil {
		return out, err
	}
	out.Outcomes, err = s.states()
	return out, err
}

func hasAccount(cfg *config.Config, name string) bool {
	return slices.ContainsFunc(cfg.Accounts, func(acc config.Account) bool { return acc.Name == name })
}

func noAccount(cfg *config.Config, name string) error {
	return usagef("there is no account %q in %s%s", name, cfg.Path, choice(name, accountNames(cfg), "that file names them"))
}

// any reports whether anything is selected, by a flag or by name.
func (s *selection) any(args []string) bool { return len(s.said(args)) > 0 }

// said is the selection as words of a command line, to be said again.
func (s *selection) said(args []string) []string {
	out := slices.Clone(args)
	for _, f := range []struct{ flag, value string }{
		{"--account", s.Account}, {"--mailbox", s.Mailbox}, {"--rule", s.Rule}, {"--message-id", s.MessageID},
		{"--since", s.since}, {"--outcome", strings.Join(s.outcomes, ",")},
	} {
		if f.value != "" {
			out = append(out, f.flag, f.value)
		}
	}
	if s.UID != 0 {
		out = append(out, "--uid", strconv.FormatUint(uint64(s.UID), 10))
	}
	for flag, set := range map[string]bool{"--held": s.held, "--failed": s.failed} {
		if set {
			out = append(out, flag)
		}
	}
	return out
}

// states are the outcomes that were asked for, none for all.
func (s *selection) states() ([]journal.EntryState, error) {
	var out []journal.EntryState
	if s.held {
		out = append(out, journal.Held)
	}
	if s.failed {
		out = append(out, journal.Failed, journal.Unsure)
	}
	for _, word := range s.outcomes {
		state := journal.EntryState(strings.ToLower(strings.TrimSpace(word)))
		if !slices.Contains(journal.States(), state) {
			words := stateWords()
			return nil, usagef("there is no outcome %q%s; they are %s", word, meant(string(state), words), strings.Join(words, ", "))
		}
		out = append(out, state)
	}
	return out, nil
}

func stateWords() []string {
	var out []string
	for _, s := range journal.States() {
		out = append(out, string(s))
	}
	return out
}

// scopes returns the selection of each account that it reaches. Entries may be
// named as history shows them: "home/12", or "12" where the account is clear.
func (s *selection) scopes(cfg *config.Config, args []string, now time.Time) ([]engine.Selection, error) {
	base, err := s.where(cfg, now)
	if err != nil {
		return nil, err
	}
	seqs, err := s.named(cfg, args)
	if err != nil {
		return nil, err
	}
	var out []engine.Selection
	for _, acc := range cfg.Accounts {
		one := base
		one.Account, one.Seqs = acc.Name, seqs[acc.Name]
		if (base.Account == "" || base.Account == acc.Name) && (len(args) == 0 || len(one.Seqs) > 0) {
			out = append(out, one)
		}
	}
	return out, nil
}

// maxNamed is how many entries one command line may name.
const maxNamed = 1000

func (s *selection) named(cfg *config.Config, args []string) (map[string][]int64, error) {
	if len(args) > maxNamed {
		return nil, usagef("at most %d entries can be named at once; select them with flags", maxNamed)
	}
	out := map[string][]int64{}
	for _, arg := range args {
		account, number := s.Account, arg
		if i := strings.LastIndexByte(arg, '/'); i >= 0 {
			account, number = arg[:i], arg[i+1:]
		} else if account == "" && len(cfg.Accounts) == 1 {
			account = cfg.Accounts[0].Name
		}
		seq, err := strconv.ParseInt(number, 10, 64)
		switch {
		case err != nil || seq < 1:
			return nil, usagef("%q names no entry; they are named as 'imapilot history' shows them, as in %s/12", arg, example(cfg))
		case account == "":
			return nil, usagef("%s may be of any account; name it, as in %s/%s", arg, example(cfg), number)
		case !hasAccount(cfg, account):
			return nil, noAccount(cfg, account)
		case s.Account != "" && account != s.Account:
			return nil, usagef("%s is not of the account %q", arg, s.Account)
		}
		out[account] = append(out[account], seq)
	}
	return out, nil
}

func example(cfg *config.Config) string {
	if len(cfg.Accounts) == 0 {
		return "home"
	}
	return cfg.Accounts[0].Name
}

// sinceWhen reads how long ago, or when. The zero time is no limit.
func sinceWhen(text string, cfg *config.Config, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, ok := readAgo(text); ok {
		return now.Add(-ago), nil
	}
	at, err := instant("since", text, cfg)
	if err != nil {
		return at, usagef("--since %q is no time; write how long ago in s, m, h, d or w, as in 90m, 2h or 7d, or when, as in 2026-11-01 or \"2026-11-01 14:00\"", text)
	}
	if at.After(now) {
		return at, usagef("--since %s is in the future", text)
	}
	return at, nil
}

// readAgo reads a length of time that may have weeks and days, up to a hundred
// years.
func readAgo(text string) (time.Duration, bool) {
	if !regexp.MustCompile(`^([0-9]{1,6}(w|d|h|m|s))+$`).MatchString(text) {
		return 0, false
	}
	units := map[string]time.Duration{"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second}
	const most = 100 * 365 * 24 * time.Hour
	var sum time.Duration
	for _, m := range regexp.MustCompile(`([0-9]+)([a-z])`).FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil || time.Duration(n) > most/units[m[2]] {
			return most, true
		}
		sum = min(most, sum+time.Duration(n)*units[m[2]])
	}
	return sum, true
}

// meant suggests the word that a mistyped one may stand for: "; did you mean
// \"held\"?", or nothing. Cobra has the measure, for its commands, whose
// names end at a space.
func meant(typed string, words []string) string {
	const noBreak = "\u00a0"
	known := &cobra.Command{SuggestionsMinimumDistance: 2}
	whole := map[string]string{}
	for _, word := range words {
		name := strings.ReplaceAll(word, " ", noBreak)
		whole[name] = word
		known.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	near := known.SuggestionsFor(strings.ReplaceAll(typed, " ", noBreak))
	if typed == "" || len(near) == 0 {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", whole[near[0]])
}

// maxChoices is how many values a mistake lists.
const maxChoices = 8

// choice says which of some values a mistyped one may stand for, and which there
// are; of too many to list, where they are listed.
func choice(typed string, values []string, listed string) string {
	near := meant(typed, values)
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	if len(values) > maxChoices {
		return cmp.Or(near, "; "+listed)
	}
	var shown []string
	for _, value := range values {
		shown = append(shown, strconv.Quote(value))
	}
	switch {
	case len(values) == 0:
		return ", and there is none"
	case near == "":
		return "; it may be " + strings.Join(shown, ", ")
	case len(values) == 1:
		return near
	}
	return near + " It may be " + strings.Join(shown, ", ")
}

// quoted puts words together so that a shell reads them as they are.
func quoted(words ...string) string {
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = word
		if word == "" || !regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`).MatchString(word) {
			out[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}

func completeOutcome(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	var out []cobra.Completion
	for _, s := range journal.States() {
		out = append(out, cobra.CompletionWithDesc(before+string(s), meaning(s)))
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// meaning says what an outcome means.
func meaning(s journal.EntryState) string {
	return map[journal.EntryState]string{
		journal.Open:      "recorded, and not finished yet",
		journal.Held:      "waits for 'imapilot confirm'",
		journal.Failed:    "a step failed for good; the message stayed",
		journal.Unsure:    "it cannot be told whether a step happened",
		journal.Done:      "every step is done",
		journal.DryRun:    "decided only; nothing was touched",
		journal.Withdrawn: "decided again since; nothing more comes of this decision",
		journal.Gone:      "the message left before its steps were done",
		journal.Kept:      "it stayed: moved back by you, or a rule failed on it",
		journal.Skipped:   "left alone because you said so",
		journal.Undone:    "done, and put back since with 'imapilot undo'",
	}[s]
}
