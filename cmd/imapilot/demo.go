package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"imapilot/actions"
	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/memserver"
	"imapilot/engine/journal"
	"imapilot/examples"
	"imapilot/rules/facts"
)

func (a *app) demoCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use: "demo", Short: "See it work: a mail server, twenty messages, the real daemon",
		Long: `demo starts an IMAP server and a webhook receiver in this process, runs the real
daemon with the configuration of examples/demo over TCP, delivers twenty messages
and shows what happens to each. It needs no network and leaves nothing behind.
It exits 1 if an outcome differs from the example's own tests.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), keep) },
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the server running and say how to connect with a mail client")
	return cmd
}

const demoUser = "demo@example.org"

// demo is one run of it.
type demo struct {
	app      *app
	dir      string
	server   *memserver.MemoryServer
	receiver *receiver
	cfg      *config.Config
	seen     chan engine.Observation
	wrong    []string
	subjects []string // of the messages, in the order of delivery
	hooks    int      // webhooks that are owed
}

func (a *app) demo(parent context.Context, keep bool) error {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := &demo{app: a, seen: make(chan engine.Observation, 1000)}
	end, err := d.start()
	defer end()
	if err != nil {
		return err
	}
	finish, err := d.daemon(ctx)
	if err != nil {
		return err
	}
	err = d.deliver(ctx)
	if err == nil {
		err = d.report(ctx)
	}
	if err == nil && keep {
		host, port := d.server.Addr()
		fmt.Fprintf(a.out, "\nThe server keeps running. Connect any mail client to\n\n  IMAP server  %s, port %d, no encryption\n  user         %s\n  password     %s\n\nMail that you put into INBOX is handled by the rules. Ctrl-C ends it.\n",
			host, port, d.server.Username, d.server.Password)
		<-ctx.Done()
	}
	return errors.Join(err, finish())
}

// start makes the folder, the mail server and the receiver, and loads the
// example's configuration with their ports filled in.
func (d *demo) start() (end func(), err error) {
	var ends []func()
	end = func() {
		for i := len(ends) - 1; i >= 0; i-- {
			ends[i]()
		}
	}
	if d.dir, err = os.MkdirTemp("", "imapilot-demo"); err != nil {
		return end, err
	}
	ends = append(ends, func() { _ = os.RemoveAll(d.dir) }) // a temporary folder
	if d.server, err = memserver.NewMemory(memserver.Options{Username: demoUser}); err != nil {
		return end, err
	}
	ends = append(ends, func() { d.server.Close() })
	if d.receiver, err = newReceiver(); err != nil {
		return end, err
	}
	ends = append(ends, func() { d.receiver.close() })
	return end, d.configure()
}

func (d *demo) configure() error {
	if err := os.Setenv("IMAPILOT_DEMO_PASSWORD", d.server.Password); err != nil {
		return err
	}
	if err := os.Setenv("IMAPILOT_DEMO_SECRET", demoSecret); err != nil {
		return err
	}
	if err := d.copyExample(); err != nil {
		return err
	}
	cfg, diags := config.Load(filepath.Join(d.dir, "imapilot.yaml"))
	if cfg == nil {
		return fmt.Errorf("the demo's configuration: %s", diags[0].Format(false))
	}
	cfg.State = filepath.Join(d.dir, "state.db")
	d.cfg = cfg
	return nil
}

// copyExample writes examples/demo into the folder, with the ports filled in.
func (d *demo) copyExample() error {
	_, port := d.server.Addr()
	return fs.WalkDir(examples.Demo, "demo", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(d.dir, filepath.FromSlash(strings.TrimPrefix(name, "demo")))
		if entry.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		raw, err := examples.Demo.ReadFile(name)
		if err != nil {
			return err
		}
		if path.Base(name) == "imapilot.yaml" {
			text := strings.Replace(string(raw), "port: 143", fmt.Sprintf("port: %d", port), 1)
			raw = []byte(strings.Replace(text, "http://127.0.0.1:8080/chat", d.receiver.url, 1))
		}
		return os.WriteFile(target, raw, 0o600)
	})
}

// daemon runs the real engine until the end of the demo.
func (d *demo) daemon(ctx context.Context) (finish func() error, err error) {
	db, err := open(ctx, d.cfg)
	if err != nil {
		return nil, err
	}
	e := engine.New(d.cfg, engine.Options{
		Journal: db, Holder: holder(), Webhooks: webhook.NewClient(version), Version: version,
		Observe: func(o engine.Observation) { d.seen <- o },
	})
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- e.Run(running) }()
	finish = func() error {
		cancel()
		return errors.Join(<-done, db.Close())
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s, err := e.Status(ctx)
		if err == nil && len(s.Accounts) == 1 && s.Accounts[0].State == engine.Watching && watched(s.Accounts[0]) {
			return finish, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(errors.New("the daemon did not start to watch within 10 s"), finish())
		}
	}
}

func watched(s engine.AccountStatus) bool {
	for _, m := range s.Mailboxes {
		if m.Name == "INBOX" && m.Watch == "idle" {
			return true
		}
	}
	return false
}

// deliver delivers the messages one after the other and prints what became of
// each.
func (d *demo) deliver(ctx context.Context) error {
	names, err := fs.Glob(examples.Demo, "demo/mail/*.eml")
	if err != nil {
		return err
	}
	fmt.Fprintf(d.app.out, "A mail server, a webhook receiver and imapilot are running in this process.\nDelivering %d messages to INBOX (ms: from delivery to outcome):\n\n", len(names))
	for i, name := range names {
		raw, err := examples.Demo.ReadFile(name)
		if err != nil {
			return err
		}
		began := time.Now()
		uid, err := d.server.Append("INBOX", nil, arrival(i), raw)
		if err != nil {
			return err
		}
		entries, err := d.await(ctx, uint32(uid))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		d.subjects = append(d.subjects, facts.ParseHeader(raw).Subject())
		d.line(i+1, entries, time.Since(began))
		d.compare(path.Base(name), entries)
	}
	return nil
}

// arrival is when a message of the demo arrives, as its INTERNALDATE says. It is
// fixed, because a rule of the example files by year: the outcome must not
// depend on the day on which the demo runs.
func arrival(n int) time.Time {
	return time.Date(2026, time.May, 4, 9, n, 0, 0, time.UTC)
}

// await returns what was decided for a message, once it is final.
func (d *demo) await(ctx context.Context, uid uint32) (journal.Entry, error) {
	timeout := time.NewTimer(10 * time.Second)
	defer timeout.Stop()
	for {
		select {
		case o := <-d.seen:
			if o.Delivery == nil && uint32(o.Entry.UID) == uid && o.Entry.Mailbox == "INBOX" {
				return o.Entry, nil
			}
		case <-timeout.C:
			return journal.Entry{}, errors.New("nothing happened to it within 10 s")
		case <-ctx.Done():
			return journal.Entry{}, ctx.Err()
		}
	}
}

// compare holds the outcome against the example's own tests.
func (d *demo) compare(file string, e journal.Entry) {
	if e.State != "" && e.State != journal.Done {
		d.wrong = append(d.wrong, fmt.Sprintf("%s: it is %s: %s", file, e.State, e.Reason))
	}
	for _, item := range e.Plan.Effective() {
		if item.Action.Kind == actions.Webhook {
			d.hooks++
		}
	}
	for _, c := range d.cfg.Tests {
		if filepath.Base(c.Message) != file {
			continue
		}
		var got, want []string
		for _, item := range e.Plan.Items {
			if item.Rule == c.Rule {
				got = append(got, item.Action.String())
			}
		}
		for _, action := range c.Want {
			want = append(want, action.String())
		}
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			d.wrong = append(d.wrong, fmt.Sprintf("%s: rule %q did %q, its test wants %q", file, c.Rule, got, want))
		}
	}
}
