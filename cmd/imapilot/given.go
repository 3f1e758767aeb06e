package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/spf13/cobra"

	"imapilot/engine/config"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// maxMessage is how large a message may be that is read from a file.
const maxMessage = 64 << 20

// given is what the command line says of a message in a file: what its text
// does not tell.
type given struct {
	account, mailbox string
	flags, labels    []string
	received, now    string
	journal          []string
}

func (g *given) add(a *app, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&g.account, "account", "", "the account that the message is in (default: the first)")
	f.StringVar(&g.mailbox, "mailbox", "INBOX", "the mailbox that it is in, or a role as in role:junk")
	f.StringSliceVar(&g.flags, "flags", nil, `the flags that it has, as in seen,flagged,$Invoice`)
	f.StringSliceVar(&g.labels, "labels", nil, `Gmail's labels that it has, as in Work,\Important`)
	f.StringVar(&g.received, "received", "", "when the server took it in (default: when it was sent)")
	f.StringVar(&g.now, "now", "", "the time at which the rules look at it, as in 2026-02-01T09:00:00Z (default: now)")
	f.StringSliceVar(&g.journal, "given", nil, "what the journal knows of it: duplicate, has_reply, by_user, moved_from=MAILBOX (default: none of these)")
	complete(cmd, "given", cobra.FixedCompletions([]cobra.Completion{"duplicate", "has_reply", "by_user", "moved_from="}, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "account", a.completeAccount)
	complete(cmd, "mailbox", cobra.FixedCompletions([]cobra.Completion{"INBOX", "role:archive", "role:drafts", "role:junk", "role:sent", "role:trash"}, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "flags", cobra.FixedCompletions([]cobra.Completion{"seen", "flagged", "answered", "draft", "deleted"}, cobra.ShellCompDirectiveNoFileComp))
	for _, name := range []string{"labels", "received", "now"} {
		complete(cmd, name, cobra.NoFileCompletions)
	}
}

// complete says how the shell completes a flag.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // the flag was defined above
	}
}

// completeMessages offers the files of messages.
func completeMessages(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"eml"}, cobra.ShellCompDirectiveFilterFileExt
}

// readMessages reads every file that can be read, "-" from the standard input.
// What cannot be read is in the errors.
func (a *app) readMessages(names []string, use func(name string, raw []byte)) (errs []error) {
	for _, name := range names {
		raw, err := a.readMessage(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		use(name, raw)
	}
	return errs
}

func (a *app) readMessage(name string) ([]byte, error) {
	in := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxMessage+1))
	if err == nil && len(raw) > maxMessage {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxMessage>>20)
	}
	return raw, err
}

// history is what the journal knows, as the command line says: nobody asks it.
func (g *given) history() (*facts.History, error) {
	h := &facts.History{}
	for _, word := range g.journal {
		name, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		switch {
		case name == "moved_from" && (value == "" || value == "true" || value == "false"):
			return nil, usagef("--given moved_from: say from where, as in moved_from=INBOX")
		case name == "moved_from":
			h.ByUser, h.MovedFrom = true, value
		case value != "" && value != "true" && value != "false":
			return nil, usagef("--given %s=%s: it is true or false", name, value)
		case name == "duplicate":
			h.Duplicate = value != "false"
		case name == "has_reply":
			h.HasReply = value != "false"
		case name == "by_user":
			h.ByUser = value != "false"
		default:
			return nil, usagef("--given %s: the journal knows duplicate, has_reply, by_user and moved_from=MAILBOX", word)
		}
	}
	return h, nil
}

// input is the message as the rules see it.
func (g *given) input(cfg *config.Config, raw []byte) (rules.Input, error) {
	account, err := g.accountOf(cfg)
	if err != nil {
		return rules.Input{}, err
	}
	m := facts.ParseMessage(raw, cfg.BodyLimit)
	m.UID, m.Flags, m.Gmail = 1, flagsOf(g.flags), &facts.Gmail{Labels: g.labels}
	if m.History, err = g.history(); err != nil {
		return rules.Input{}, err
	}
	now, err := g.clock(cfg)
	if err != nil {
		return rules.Input{}, err
	}
	if m.Received, err = instant("received", g.received, cfg); err != nil {
		return rules.Input{}, err
	}
	if m.Received.IsZero() {
		m.Received = m.Header.Sent()
	}
	if m.Received.IsZero() || g.received == "" && m.Received.After(now) {
		m.Received = now
	}
	return rules.Input{Account: account, Mailbox: mailboxOf(g.mailbox), Message: m, Now: now}, nil
}

// accountOf is the account that was named, or the first; "" where there is none.
func (g *given) accountOf(cfg *config.Config) (string, error) {
	for _, acc := range cfg.Accounts {
		if g.account == "" || acc.Name == g.account {
			return acc.Name, nil
		}
	}
	switch {
	case g.account == "":
		return "", nil
	case cfg.Path == "":
		return "", usagef("there is no account %q, because there is no configuration", g.account)
	}
	return "", noAccount(cfg, g.account)
}

func (g *given) clock(cfg *config.Config) (time.Time, error) {
	now, err := instant("now", g.now, cfg)
	if now.IsZero() {
		now = time.Now()
	}
	return now, err
}

// instant reads the time of a flag, in the configuration's time zone unless it
// has its own; the zero time where nothing is given.
func instant(flag, value string, cfg *config.Config) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, value, cfg.Location); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usagef("--%s %q is no time; write it as in 2026-02-01T09:00:00Z or \"2026-02-01 09:00\"", flag, value)
}

// mailboxOf is a mailbox that is known by its name or its role only.
func mailboxOf(name string) rules.Mailbox {
	if role, ok := strings.CutPrefix(name, "role:"); ok {
		return rules.Mailbox{Name: role, Role: role}
	}
	return rules.Mailbox{Name: name}
}

// flagsOf reads flags. The system's own (RFC 9051 section 2.3.2) may stand
// without their backslash, which shells want to have themselves.
func flagsOf(names []string) []imap.Flag {
	system := []imap.Flag{imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft}
	var out []imap.Flag
	for _, name := range names {
		f := imap.Flag(strings.TrimSpace(name))
		i := slices.IndexFunc(system, func(s imap.Flag) bool { return strings.EqualFold(string(s), `\`+strings.TrimPrefix(string(f), `\`)) })
		if i >= 0 {
			f = system[i]
		}
		if f != "" {
			out = append(out, f)
		}
	}
	return out
}
