package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions/exec"
	"imapilot/actions/smtp"
	"imapilot/actions/unsubscribe"
	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/enginetest/model"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
	"imapilot/rules"
)

// servers is the matrix of the suite: the same scenarios on a memory server and
// on two real ones, with and without the capabilities that matter to what is done,
// and with a namespace of another shape.
func servers(t *testing.T, run func(t *testing.T, srv *imaptest.Server)) {
	t.Helper()
	matrix(t, map[string]imaptest.Options{}, run)
}

// watchedServers is servers for what is watched: there are some without IDLE, too.
func watchedServers(t *testing.T, run func(t *testing.T, srv *imaptest.Server)) {
	t.Helper()
	matrix(t, map[string]imaptest.Options{"no IDLE": {NoIdle: true}}, run)
}

func matrix(t *testing.T, all map[string]imaptest.Options, run func(t *testing.T, srv *imaptest.Server)) {
	t.Helper()
	bare := imaptest.Options{NoMove: true, NoUIDPlus: true}
	all["full"], all["no MOVE"], all["no MOVE, no UIDPLUS"] = imaptest.Options{}, imaptest.Options{NoMove: true}, bare
	for _, kind := range []struct {
		name  string
		start func(testing.TB, imaptest.Options) *imaptest.Server
		caps  map[string]imaptest.Options
	}{
		{"memory", imaptest.Memory, all},
		{"dovecot", imaptest.Dovecot, all},
		{"cyrus", imaptest.Cyrus, map[string]imaptest.Options{"full": {}, "no MOVE, no UIDPLUS": bare, "dots": {Dots: true}}},
	} {
		if underRace && kind.name != "memory" {
			continue
		}
		for name, opts := range kind.caps {
			if kind.name == "dovecot" && name == "no MOVE" && os.Getenv("IMAPILOT_SIM_ALL") == "" {
				continue // make random tries it: the memory server and the simulator have it in each run
			}
			t.Run(kind.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				run(t, kind.start(t, opts))
			})
		}
	}
}

// tooLargeForTheDetector leaves a test to the run without the race detector: it watches
// each octet that is copied, and here are hundreds of millions.
func tooLargeForTheDetector(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("many large messages: .ci/unit tries this without the race detector")
	}
}

// rig is one account on one server, its configuration and its journal.
type rig struct {
	t      testing.TB
	srv    *imaptest.Server
	dir    string
	timing engine.Timing
	sender engine.Sender
	// programs runs the programs of exec, journal is the one that is open now.
	programs func(context.Context, exec.Command) exec.Result
	// mailer hands in what is forwarded and answered.
	mailer   func(context.Context, smtp.Server, smtp.Envelope, []byte) smtp.Result
	journal  journal.Journal
	resolver unsubscribe.Resolver
	dial     string        // host:port instead of the server's, for a proxy
	gmail    *model.Server // in place of the server, where it is set

	mu   sync.Mutex
	seen []engine.Observation
	log  *slog.Logger
}

func newRig(t testing.TB, srv *imaptest.Server) *rig {
	t.Helper()
	dial := ""
	if srv.Options.PipeOnly {
		dial = "127.0.0.1:1" // never dialled: see options
	}
	return &rig{t: t, srv: srv, dial: dial, dir: t.TempDir(), log: slog.New(slog.NewTextHandler(testWriter{t}, nil))}
}

// pipes is a memory server without a socket, for tests in a synctest bubble:
// their waits cost no time.
func pipes(t testing.TB, o imaptest.Options) *imaptest.Server {
	t.Helper()
	o.PipeOnly = true
	return imaptest.Memory(t, o)
}

// testWriter sends the log to the test, which shows it on failure only.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// config writes and loads a configuration: the account's lines in account,
// everything else in rest.
func (r *rig) config(account, rest string) *config.Config {
	r.t.Helper()
	host, port := r.srv.Addr()
	if r.dial != "" {
		h, p, _ := strings.Cut(r.dial, ":")
		host = h
		fmt.Sscan(p, &port)
	}
	if !strings.Contains(account, "poll:") {
		account += "\npoll: 5s"
	}
	text := fmt.Sprintf("state: state.db\naccounts:\n  home:\n    host: %s\n    port: %d\n    tls: none\n    username: %s\n    password: '%s'\n%s\n%s",
		host, port, r.srv.Username, r.srv.Password, indent(account), rest)
	path := filepath.Join(r.dir, "imapilot.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	cfg, diags := config.Load(path)
	for _, d := range diags {
		if d.Severity == rules.Error {
			r.t.Fatalf("configuration: %s", d.Format(false))
		}
	}
	return cfg
}

func indent(account string) string {
	var out []string
	for _, line := range strings.Split(strings.TrimSpace(account), "\n") {
		if line != "" {
			out = append(out, "    "+strings.TrimSpace(line))
		}
	}
	return strings.Join(out, "\n")
}

// with opens the journal, runs f and closes it again.
func (r *rig) with(cfg *config.Config, f func(j journal.Journal)) {
	r.t.Helper()
	j, err := sqlite.Open(context.Background(), cfg.State)
	if err != nil {
		r.t.Fatal(err)
	}
	defer j.Close()
	r.journal = j
	f(j)
}

func (r *rig) options(j journal.Journal, change ...func(*engine.Options)) engine.Options {
	o := engine.Options{
		Journal: j, Holder: "test", Logger: r.log, Timing: r.timing, Webhooks: r.sender, Programs: r.programs, Mailer: r.mailer, Resolver: r.resolver,
		Observe: func(ob engine.Observation) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.seen = append(r.seen, ob)
		},
	}
	if r.srv.Options.PipeOnly {
		o.DialContext = r.srv.Mem.PipeDialer()
	}
	if r.gmail != nil {
		o.DialContext = r.gmail.Dial
	}
	for _, c := range change {
		c(&o)
	}
	return o
}

func existing(o *engine.Options) { o.Existing = true }
func dryRun(o *engine.Options)   { o.DryRun = true }

// once runs the engine over what is new.
func (r *rig) once(cfg *config.Config, change ...func(*engine.Options)) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) {
		o := r.options(j, change...)
		o.Once = true
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := engine.New(cfg, o).Run(ctx); err != nil {
			r.t.Fatalf("run --once: %v", err)
		}
	})
}

// daemon runs the engine while f works beside it.
func (r *rig) daemon(cfg *config.Config, f func(e *engine.Engine), change ...func(*engine.Options)) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) {
		e := engine.New(cfg, r.options(j, change...))
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		f(e)
		cancel()
		select {
		case err := <-done:
			if err != nil {
				r.t.Errorf("daemon: %v", err)
			}
		case <-time.After(10 * time.Second):
			r.t.Error("the daemon does not stop within 10 s")
		}
	})
}

// entries returns what the journal holds, by state.
func (r *rig) entries(cfg *config.Config) map[journal.EntryState]int {
	r.t.Helper()
	out := map[journal.EntryState]int{}
	r.with(cfg, func(j journal.Journal) {
		all, err := j.Entries(context.Background(), journal.Query{})
		if err != nil {
			r.t.Fatal(err)
		}
		for _, e := range all {
			out[e.State]++
		}
	})
	return out
}

// patience is how long a test waits for what has to come: only where it fails does it
// take so long, and a machine with other work may take a while.
const patience = 2 * time.Minute

// eventually waits until check is content.
func (r *rig) eventually(what string, check func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for !check() {
		if time.Now().After(deadline) {
			r.t.Fatalf("not within %s: %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// mail delivers a small message and returns its UID.
func (r *rig) mail(mailbox, subject, from string, flags ...imap.Flag) imap.UID {
	r.t.Helper()
	return r.srv.Append(r.t, mailbox, flags, time.Now(), message(subject, from))
}

func message(subject, from string) []byte {
	id := strings.ReplaceAll(subject, " ", ".")
	return fmt.Appendf(nil, "From: %s\r\nTo: me@example.org\r\nSubject: %s\r\nMessage-ID: <%s@test>\r\nDate: Mon, 4 May 2026 12:00:00 +0000\r\n\r\nHello.\r\n", from, subject, id)
}

// subjects lists the messages of a mailbox that do not carry \Deleted, by
// their Message-ID's left part.
func (r *rig) subjects(mailbox string) []string {
	r.t.Helper()
	var out []string
	for _, m := range r.srv.Messages(r.t, mailbox) {
		if !slices.Contains(m.Flags, imap.FlagDeleted) {
			out = append(out, strings.TrimSuffix(strings.TrimPrefix(m.MessageID, "<"), "@test>"))
		}
	}
	slices.Sort(out)
	return out
}

func (r *rig) want(mailbox string, subjects ...string) {
	r.t.Helper()
	slices.Sort(subjects)
	if got := r.subjects(mailbox); !slices.Equal(got, subjects) {
		r.t.Errorf("%s holds %q, want %q", mailbox, got, subjects)
	}
}

// receiver is a webhook endpoint in the process.
type receiver struct {
	mu    sync.Mutex
	calls []string // ids, in order
	fail  int      // so many calls fail first
}

func (r *receiver) Send(_ context.Context, _ webhook.Endpoint, id string, _ time.Time, _ []byte) webhook.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, id)
	if len(r.calls) <= r.fail {
		return webhook.Result{Status: 500, Err: fmt.Errorf("HTTP 500"), Retry: true}
	}
	return webhook.Result{Status: 200}
}
