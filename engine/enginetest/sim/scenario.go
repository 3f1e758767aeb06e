package sim

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/disk"
	"imapilot/engine/enginetest/model"
	"imapilot/engine/journal/sqlite"
	"imapilot/rules"
)

// Scenario is what is played.
type Scenario struct {
	Name   string
	Server model.Options
	// Account are lines of the account's configuration.
	Account []string
	// Rules are added to those of the verbs.
	Rules []string
	// Target is the mailbox that faults of targets strike, "": Moved.
	Target string
	// Mailboxes exist from the start.
	Mailboxes []string
	// Poll is the rhythm of looking at what cannot idle, "": 5m.
	Poll string
	// Reconcile is how often mailboxes are listed in full, 0: each hour.
	Reconcile time.Duration
	// Before fills the mailboxes before the daemon is started for the first
	// time.
	Before func(w *World)
	// Apply makes the process one that applies the rules to this scope, again and
	// again, in place of a daemon; nil: a daemon.
	Apply func(w *World) engine.Scope
	// Acts happen one after the other, each after its pause.
	Acts []Act
	// Sparse is how many times fewer operations a sweep breaks, 0: once; for long
	// scenarios.
	Sparse int
	// Unsure is set where a look-up cannot always decide: messages without
	// identity.
	Unsure bool

	cfg   *config.Config
	state *disk.Disk // with an empty journal
}

func (s Scenario) target() string { return cmp.Or(s.Target, "Moved") }

// Act is something that happens beside the daemon.
type Act struct {
	After time.Duration
	Do    func(w *World)
}

// verbs are what a subject asks for, and the rule that does it. A message
// "7 copy move" is copied to Copies and moved to Moved.
func verbs() []string {
	rule := func(name, then string) string {
		return fmt.Sprintf("  - {name: %s, if: 'has(subject, \"%s\")', then: [%s]}\n", name, name, then)
	}
	return []string{
		rule("program", "exec: /bin/program"), rule("save", "save_attachments: /srv/mail"), rule("leave", "unsubscribe"), rule("hook", "webhook: hook"), rule("flag", `add_flags: ['\Flagged', $Done]`), rule("seen", `add_flags: ['\Seen']`),
		rule("forward", "forward: bob@example.net"), rule("answer", "reply: {text: Thank you., anyway: true}"),
		rule("unread", `remove_flags: ['\Seen']`), rule("only", `set_flags: ['\Seen', $Only]`), rule("archive", "archive"), rule("junk", "junk"), rule("trash", "trash"),
		rule("copy", "copy: Copies"), rule("note", "append: {to: Notes, subject: '${subject}'}"), rule("label", "append: {to: Labelled, header: {X-Label: '${subject}'}}"), rule("move", "move: Moved"), rule("list", "move: Lists"), rule("away", "expunge"),
		"  - {name: body, if: 'has(subject, \"body\") and body.text contains \"ticket\"', then: [copy: 'Tickets/${capture(body.text, \"ticket ([0-9]+)\")}']}\n",
		// These fire on what arrives by itself, never on what we put there.
		"  - {name: added, in: [Notes, Labelled], if: 'true', then: [add_flags: [$Again]]}\n",
		"  - {name: again, in: [Lists], if: 'true', then: [add_flags: [$Again]]}\n",
	}
}

// text is the configuration of a scenario.
func (s Scenario) text() string {
	var b strings.Builder
	b.WriteString("state: state.db\nallow: [exec, forward, reply, save_attachments]\nsmtp: {host: smtp.example.org}\nwebhooks:\n  hook: {url: 'http://127.0.0.1:9/hook'}\naccounts:\n  home:\n    host: mail.example.org\n    port: 143\n    tls: none\n    username: me@example.org\n    password: secret\n    idle: 20m\n")
	for _, line := range append([]string{"poll: " + cmp.Or(s.Poll, "5m")}, s.Account...) {
		b.WriteString("    " + line + "\n")
	}
	b.WriteString("rules:\n" + strings.Join(verbs(), "") + strings.Join(s.Rules, ""))
	return b.String()
}

// prepare reads the configuration once for many runs.
func (s Scenario) prepare(t testing.TB) Scenario {
	t.Helper()
	path := filepath.Join(t.TempDir(), "imapilot.yaml")
	if err := os.WriteFile(path, []byte(s.text()), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(path)
	for _, p := range problems {
		if p.Severity == rules.Error {
			t.Fatalf("%s: %s", s.Name, p.Format(false))
		}
	}
	s.cfg, s.state = cfg, empty(t)
	return s
}

// empty makes a disk with a journal in which nothing is written yet, so that a
// run need not make the tables.
func empty(t testing.TB) *disk.Disk {
	t.Helper()
	d := disk.New(0)
	t.Cleanup(d.Close)
	db, err := sqlite.OpenWith(context.Background(), statePath, sqlite.Options{VFS: d.Name(), Exclusive: true})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const statePath = "/state.db"
