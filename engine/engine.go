package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"imapilot/actions/attachment"
	"imapilot/actions/exec"
	"imapilot/actions/smtp"
	"imapilot/actions/unsubscribe"
	"imapilot/actions/webhook"
	"imapilot/engine/config"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// Sender calls a webhook. *webhook.Client satisfies it.
type Sender interface {
	Send(ctx context.Context, to webhook.Endpoint, id string, at time.Time, payload []byte) webhook.Result
}

// Options of an engine. Zero fields take sensible defaults.
type Options struct {
	Journal journal.Journal
	// Holder names this process in the leases, "host:pid".
	Holder string
	// DialContext opens connections; nil is a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Ahead is logins that began already, nil if there are none. Who made it closes it.
	Ahead    *Ahead
	Webhooks Sender
	// Programs runs a program of exec; nil runs it as [exec.Command.Run] does.
	Programs func(ctx context.Context, c exec.Command) exec.Result
	// Save writes the files of save_attachments; nil is attachment.Save.
	Save func(ctx context.Context, f attachment.Folder, raw io.Reader, want attachment.Want) (attachment.Result, error)
	// Resolver answers for the keys of the senders whose lists are left; nil is
	// net.DefaultResolver. The requests are made by Webhooks.
	Resolver unsubscribe.Resolver
	// Mailer hands in what is forwarded and answered; nil does it as [smtp.Client.Send].
	Mailer  func(ctx context.Context, s smtp.Server, e smtp.Envelope, message []byte) smtp.Result
	Logger  *slog.Logger
	Version string
	// DryRun decides and records, and touches nothing.
	DryRun bool
	// Once processes what is new on every watched mailbox, then returns.
	Once bool
	// Apply, where it is set, applies the rules to the mail of a scope, then
	// returns. Nothing is watched, and no new mail looked at. Job tells of it under
	// the number ApplyJob.
	Apply *Scope
	// Undo, where it is set, puts back what was done in some acts, then returns, just
	// as Apply does.
	Undo *Undo
	// Existing starts mailboxes that the journal does not know at nothing
	// instead of at what they hold.
	Existing bool
	// Observe is told of every decision and every final outcome. It is called
	// by the owner of the account and must not block.
	Observe func(Observation)
	Timing  Timing
}

// isJob reports whether a process does one thing and then returns: it watches
// nothing.
func (o Options) isJob() bool { return o.Apply != nil || o.Undo != nil }

// Observation is one thing that a person watching would want to see.
type Observation struct {
	Account string
	At      time.Time
	// Entry is what is known of the message. An entry without a state and
	// with an empty plan was kept: no rule matched.
	Entry journal.Entry
	// Delivery is set instead when a webhook call reached a final state.
	Delivery *journal.Delivery
}

// Engine runs the accounts of one configuration. Make one with New.
type Engine struct {
	opts    Options
	timing  *Timing
	log     *slog.Logger
	started time.Time
	dir     string // of the state file, in which programs run

	// accountNames are those of the configuration, in its order, for whoever must not
	// wait for the mutex: Reload holds it while an account ends.
	accountNames atomic.Pointer[[]string]

	mu       sync.Mutex
	cfg      *config.Config
	accounts map[string]*running
	group    sync.WaitGroup
	ctx      context.Context // of Run, nil before
	jobs     map[int64]*job
	lastJob  int64

	callers callers
	raws    *semaphore.Weighted // see rawsUnderWay
	owners  owners
	keepers keepers
	notices notices
	// What the connections of all accounts share.
	authorities authorities
	logins      logins
	hosts       hosts
	buffers     imapsession.Buffers

	failing sync.Mutex // apart from mu, which Reload holds while an account ends
	failed  []error
}

// running is an account and the way to stop it.
type running struct {
	account *account
	cancel  context.CancelFunc
	done    chan struct{}
}

// New makes an engine. It performs no I/O.
func New(cfg *config.Config, o Options) *Engine {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	if o.Programs == nil {
		o.Programs = func(ctx context.Context, c exec.Command) exec.Result { return c.Run(ctx) }
	}
	if o.Save == nil {
		o.Save = attachment.Save
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Mailer == nil {
		o.Mailer = smtp.NewClient().Send
	}
	o.Once = o.Once || o.isJob()
	e := &Engine{
		opts: o, timing: new(o.Timing.withDefaults()), log: o.Logger,
		cfg: cfg, dir: filepath.Dir(cfg.State), accounts: map[string]*running{}, callers: callers{rooms: map[string]chan struct{}{}}, raws: semaphore.NewWeighted(rawsUnderWay),
	}
	e.share(cfg)
	return e
}

// share takes what the configuration says of what accounts share.
func (e *Engine) share(cfg *config.Config) {
	var names []string
	for _, a := range cfg.Accounts {
		names = append(names, a.Name)
	}
	e.accountNames.Store(&names)
	e.logins.set(cfg.Hosts)
	e.hosts.set(cfg)
}

// size is how many accounts there are.
func (e *Engine) size() int {
	if names := e.accountNames.Load(); names != nil {
		return len(*names)
	}
	return 0
}

// Run works until ctx is done and everything is recorded and logged out, or,
// with Once, until every watched mailbox was processed. The error then names
// the accounts that could not be processed.
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	e.ctx, e.started = ctx, time.Now()
	switch {
	case e.opts.Apply != nil:
		e.startApplying(*e.opts.Apply)
	case e.opts.Undo != nil:
		e.startUndoing(*e.opts.Undo)
	default:
		var all []*account
		for _, cfg := range e.cfg.Accounts {
			all = append(all, newAccount(e, cfg, e.cfg))
		}
		e.owners.add(all...) // before one of them sends anything to another
		for _, a := range all {
			e.start(a.cfg, a)
		}
	}
	e.mu.Unlock()
	if !e.opts.Once {
		e.group.Go(func() { e.notify(ctx) })
		<-ctx.Done()
	}
	e.group.Wait()
	e.failing.Lock()
	defer e.failing.Unlock()
	return errors.Join(e.failed...)
}

// start runs an account; the caller holds the mutex.
func (e *Engine) start(cfg config.Account, a *account) {
	ctx, cancel := context.WithCancel(e.ctx)
	r := &running{account: a, cancel: cancel, done: make(chan struct{})}
	e.owners.add(a)
	e.accounts[cfg.Name] = r
	e.group.Go(func() {
		defer close(r.done)
		defer cancel()
		e.ended(r.account, r.account.run(ctx))
	})
}

// ended notes how an account ended.
func (e *Engine) ended(a *account, err error) {
	if err == nil {
		return
	}
	e.failing.Lock()
	defer e.failing.Unlock()
	e.failed = append(e.failed, fmt.Errorf("account %q: %w", a.cfg.Name, err))
}

// Reload takes a new configuration. Accounts whose own settings did not
// change keep their connections and take the new rules; the others are
// stopped, with their step finished and recorded, and started again. The
// state file cannot be changed by a reload.
func (e *Engine) Reload(cfg *config.Config) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx == nil || e.ctx.Err() != nil {
		return errors.New("the daemon is stopping")
	}
	if cfg.State != e.cfg.State {
		return fmt.Errorf("state: changed from %s to %s; restart the daemon for that", e.cfg.State, cfg.State)
	}
	e.cfg = cfg
	e.share(cfg)
	e.stopChanged(cfg)
	for _, acc := range cfg.Accounts {
		if r, ok := e.accounts[acc.Name]; ok {
			r.account.reload(cfg)
			continue
		}
		e.start(acc, newAccount(e, acc, cfg))
	}
	return nil
}

// stopChanged stops the accounts that are gone or whose settings changed.
func (e *Engine) stopChanged(cfg *config.Config) {
	for name, r := range e.accounts {
		i := slices.IndexFunc(cfg.Accounts, func(a config.Account) bool { return a.Name == name })
		if i >= 0 && reflect.DeepEqual(cfg.Accounts[i], r.account.cfg) && !r.ended() {
			continue
		}
		r.cancel()
		<-r.done
		delete(e.accounts, name)
	}
}

func (r *running) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// Status reports what every account is doing.
func (e *Engine) Status(ctx context.Context) (Status, error) {
	sums, err := e.opts.Journal.Summary(ctx)
	if err != nil {
		return Status{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := Status{
		Version: e.opts.Version, PID: os.Getpid(), Started: e.started, Config: e.cfg.Path,
		State: e.cfg.State, DryRun: e.opts.DryRun || e.cfg.DryRun, Rules: len(e.cfg.Rules.Rules()),
	}
	for _, acc := range e.cfg.Accounts {
		if r, ok := e.accounts[acc.Name]; ok {
			s.Accounts = append(s.Accounts, withCounts(r.account.report(), sums))
		}
	}
	for i := range s.Accounts {
		s.Troubles = append(s.Troubles, s.Accounts[i].Troubles...)
	}
	s.Troubles = worstFirst(s.Troubles)
	s.Ready = len(s.Troubles) == 0
	s.Notices = e.Notices()
	return s, nil
}

func withCounts(s AccountStatus, sums []journal.AccountSummary) AccountStatus {
	for _, sum := range sums {
		if sum.Account == s.Name {
			s.Entries, s.Deliveries, s.Pauses, s.Snoozed = sum.Entries, sum.Deliveries, sum.Pauses, sum.Snoozed
		}
	}
	return s
}

// Amend changes entries through the owners of the accounts: confirm what is
// held, retry what failed, skip either. It returns how many were changed.
func (e *Engine) Amend(ctx context.Context, verb Verb, sel Selection) (int, error) {
	e.mu.Lock()
	var chosen []*running
	for name, r := range e.accounts {
		if sel.Account == "" || sel.Account == name {
			chosen = append(chosen, r)
		}
	}
	e.mu.Unlock()
	if len(chosen) == 0 {
		return 0, fmt.Errorf("no account %q", sel.Account)
	}
	total := 0
	for _, r := range chosen {
		n, err := r.account.ask(ctx, r.done, verb, sel)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}
