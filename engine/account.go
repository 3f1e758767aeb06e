package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/engine/oauth"
	"imapilot/engine/provider"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// account is one IMAP account. The goroutine of run owns all of it but what
// says otherwise; other goroutines wake it or send it a request.
type account struct {
	engine  *Engine
	cfg     config.Account
	log     *slog.Logger
	timing  *Timing
	journal journal.Journal
	// trace is filled in on the way to a login where somebody wants to see it.
	trace *imapsession.Trace

	// The next three are set by reload, under reloading.
	reloading sync.Mutex
	rules     *rules.Ruleset
	narrowed  map[string]*rules.Ruleset // by the key of a walk
	timers    []timer
	// flagWaiters are the rules on flags.
	flagWaiters []rules.Rule
	webhooks    []config.Webhook
	allow       []string // the actions that may leave the mailbox
	dryRun      bool
	bodyLimit   int // octets of a part that rules see
	// generation counts reloads and connections: what was decided under an
	// older one is decided again before anything destructive.
	generation int
	// config is what the account was loaded from, for what leads to others.
	config *config.Config

	own      journal.Ownership
	stale    error // why memory and journal may disagree, nil: they do not
	cursors  byMailbox[journal.Cursor]
	listed   time.Time
	fresh    bool // the journal knows nothing of the account
	starting bool // nor did it when this process began, and one event said so
	nextSeq  int64
	open     map[int64]*task
	expected map[string]journal.Expected
	pauses   map[string]journal.Pause
	created  []journal.Creation
	runs     map[string]journal.Run // the last of each scheduled rule
	flagged  map[flagKey]journal.Flagged
	snoozed  map[int64]*sleeper // by the sequence of their entry
	clocked  bool               // the clock of this process has begun
	passes   []*pass            // runs that are to be done, the first is under way
	writing  []*writing         // what is on its way into the journal
	quota    *quota
	refusals map[place]int      // of a message's structure
	suspects map[place]*suspect // messages that may have ended a connection
	caughtUp map[string]bool    // the mailboxes that this process scanned to the end
	ran      map[string]bool    // the scheduled rules that this process ran to the end
	trust    trust              // in the server's SEARCH
	blind    map[string]int     // failed looks at mailboxes, see cannotLook
	lanes    map[string]*lane   // what was made of targets
	trouble  map[string]int     // scans in a row that ended the connection, by mailbox
	secret   credential         // by the last login of the work connection

	// unreachable are other accounts that cannot be reached now, foretold is what they
	// are about to send here.
	unreachable map[string]unreachable
	foretold    foretold

	// spelling gives the configuration's spelling of a mailbox.
	spelling func(server string) string

	// complete is what the last scan of a mailbox saw that left nothing to do, full is
	// when all were scanned; busy is how busy mailboxes are, misses counts mail that
	// was not announced, by mailbox and by the way to watch.
	complete byMailbox[imapsession.Status]
	full     time.Time
	busy     map[string]rate
	misses   map[string]silence
	unruled  string // the watched mailboxes that no rule looks at, as the log was told
	covered  coverage
	// notifyFailures are when NOTIFY ended without good; its connection writes it.
	notifyFailures []time.Time

	wake     *waker
	requests chan request
	outbox   *outbox
	news     news
	state    stateBox
	heart    heartbeat
	// mayHold is set until the journal was found to hold nothing back.
	mayHold atomic.Bool
	// fallbacks are what the server does not do though it announces it.
	fallbacks fallbacks
	// idleFailures counts connections in a row that ended right after IDLE
	// began.
	idleFailures atomic.Int32
	// profile is that of the server as it was met last, nil before that; hushed is what
	// it asked a watch connection to wait for.
	profile atomic.Pointer[provider.Profile]
	hushed  atomic.Pointer[hushed]
	// queued counts the logins that wait for their turn.
	queued atomic.Int32
}

// task is an open entry and what the owner knows of it in this process.
type task struct {
	journal.Entry
	// generation and decided say when it was decided last.
	generation int
	decided    time.Time
	// loaded is set when it was there before this process: each of its steps may
	// have been done, for the journal may come from a backup.
	loaded bool
	// look is set when a step may have happened without our knowing.
	look bool
	// flying is set while its step is in the air.
	flying bool
	// alone is set when a command for several messages was refused.
	alone bool
	// refreshed is set once NOOP was sent for it.
	refreshed bool
	// looked is one more than the index of the last step that was looked at.
	looked int
	// broke counts the connections that ended with its step in a row, probed is when it
	// was last a probe.
	broke  int
	probed time.Time
	// blind counts looks that failed in a row.
	blind int
	// partly is the step, counted from 1, that was answered with an OK which is
	// not plain success, 0 if none.
	partly int
}

func newAccount(e *Engine, cfg config.Account, all *config.Config) *account {
	a := &account{
		engine: e, cfg: cfg, timing: e.timing, journal: e.opts.Journal,
		log:  e.log.With("account", cfg.Name),
		wake: newWaker(), requests: make(chan request, 1),
	}
	a.outbox = newOutbox(a)
	a.spelling = func(server string) string { return server } // until the mailboxes are listed
	a.state.begin(cfg)
	a.mayHold.Store(true)
	a.reload(all)
	return a
}

// reload takes new rules. It may be called from any goroutine.
func (a *account) reload(cfg *config.Config) {
	a.reloading.Lock()
	a.config = cfg
	a.rules, a.webhooks, a.bodyLimit = cfg.Rules, cfg.Webhooks, cfg.BodyLimit
	a.allow = cfg.Allow
	a.narrowed, a.timers = map[string]*rules.Ruleset{}, timersOf(cfg, a.cfg.Name)
	a.flagWaiters = cfg.Rules.Only(func(r rules.Rule) bool { return r.On == rules.OnFlags }).Rules()
	a.dryRun = a.engine.opts.DryRun || cfg.DryRun || a.cfg.DryRun
	a.generation++
	dry := a.dryRun
	a.reloading.Unlock()
	a.state.set(func(s *AccountStatus) { s.DryRun = dry })
	a.outbox.letters.reload()
	a.wake.everything()
	a.outbox.rouse()
}

// allowed are the actions that may leave the mailbox.
func (a *account) allowed() []string {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return a.allow
}

// ownership returns the lease in force; it may be called from any goroutine.
func (a *account) ownership() journal.Ownership {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return a.own
}

// current returns the rules in force.
func (a *account) current() (*rules.Ruleset, int) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return a.rules, a.generation
}

// partLimit is how many octets of a part rules see.
func (a *account) partLimit() int {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return cmp.Or(a.bodyLimit, facts.DefaultLimit)
}

func (a *account) isDryRun() bool {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return a.dryRun
}

func (a *account) report() AccountStatus { return a.reportInto(nil) }

// reportInto is report with the mailboxes in the room that is given.
func (a *account) reportInto(room []MailboxStatus) AccountStatus {
	now, bound := time.Now(), staleBound(a.cfg)
	s := a.state.getInto(room)
	for i := range s.Mailboxes {
		s.Mailboxes[i].judge(now, bound, a.wake.since(s.Mailboxes[i].server))
	}
	s.Resting = a.outbox.restingNow()
	if s.State == Connecting && a.queued.Load() > 0 {
		s.State = Queued
	}
	s.Troubles = troubles(s, a.cfg, now)
	s.Fallbacks = inForce(s.Fallbacks, time.Now())
	return s
}

// run owns the account until ctx is done. With Once it returns an error when
// the account could not be processed; otherwise only when it was fenced. What is done
// before and after is done elsewhere: the stack below lasts as long as the account.
func (a *account) run(ctx context.Context) error {
	a.heart.beat(0)
	defer a.stopped()
	if err := a.acquire(ctx); err != nil {
		if ctx.Err() != nil {
			a.abandon(errStopped)
		} else {
			a.abandon(err)
		}
		return err
	}
	work, end := a.begin(ctx)
	defer end()
	err := a.keepConnected(ctx, work)
	a.abandon(cmp.Or(err, errStopped))
	return err
}

func (a *account) stopped() {
	a.state.set(func(s *AccountStatus) {
		if s.State != Fenced {
			s.State = Stopped
		}
	})
	a.heart.end()
}

// begin starts the outbox, which ends with the account, however that ends. work outlives
// ctx long enough for the step under way.
func (a *account) begin(ctx context.Context) (work context.Context, end func()) {
	work, cancel := grace(ctx, a.timing.Grace)
	delivering, undeliver := context.WithCancel(ctx)
	wait := a.outbox.start(delivering, work)
	return work, func() { undeliver(); wait(); cancel() }
}

// grace returns a context that outlives ctx by d, so that a step under way
// can be finished and recorded.
func grace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return out, func() { stop(); cancel() }
}

// acquire takes the lease and loads what the journal holds. A journal that
// cannot give it now is waited for: a full disk must not end the daemon.
func (a *account) acquire(ctx context.Context) error {
	for wait := a.timing.FirstRetry; ; wait = min(wait*2, a.timing.MaxRetry) {
		own, snap, err := a.journal.Acquire(ctx, a.cfg.Name, a.engine.opts.Holder)
		if err == nil {
			a.load(own, snap)
			a.stale = nil
			return nil
		}
		if a.engine.opts.Once || ctx.Err() != nil {
			return err
		}
		a.log.Error("the journal is unavailable", "error", err)
		a.state.set(func(s *AccountStatus) { s.State, s.Error, s.NextTry = Waiting, err.Error(), time.Now().Add(wait) })
		if !a.pause(ctx, verdict{wait: wait}) {
			return nil
		}
	}
}

func (a *account) load(own journal.Ownership, snap journal.Snapshot) {
	a.reloading.Lock()
	a.own = own // the outbox reads it
	a.reloading.Unlock()
	a.outbox.load(snap)
	a.nextSeq, a.listed, a.fresh = max(1, snap.NextSeq), snap.Listed, snap.Fresh
	a.cursors = nil
	for _, c := range snap.Cursors {
		a.cursors.set(c.Mailbox, c)
	}
	a.news.tell("")
	a.open = nil
	for _, e := range snap.Open {
		put(&a.open, e.Seq, &task{Entry: e, look: true, loaded: true})
	}
	a.expected = nil
	for _, x := range snap.Expected {
		put(&a.expected, x.ID, x)
	}
	a.pauses = nil
	for _, p := range snap.Pauses {
		put(&a.pauses, p.Target, p)
	}
	a.created, a.runs = snap.Created, runsByRule(snap.Runs)
	a.flagged, a.snoozed = flaggedByKey(snap.Flagged), sleepersOf(snap.Snoozed)
}

// keepConnected connects, works until the connection ends, waits, and starts
// again. In steady failure it logs in less than once a minute.
func (a *account) keepConnected(ctx, work context.Context) error {
	b := &backoff{timing: a.timing}
	for attempt := 1; ; attempt++ {
		err := a.connection(ctx, work, b)
		if again, err := a.disconnected(ctx, err, attempt, b); !again {
			return err
		}
	}
}

// disconnected is what follows when a connection has ended or could not be made, and
// reports whether there is to be another one.
func (a *account) disconnected(ctx context.Context, err error, attempt int, b *backoff) (again bool, _ error) {
	switch {
	case ctx.Err() != nil || err == nil && a.engine.opts.Once:
		return false, nil
	case errors.Is(err, journal.ErrFenced):
		a.log.Error("stopped: another process has taken over this account")
		a.state.set(func(s *AccountStatus) { s.State, s.Error = Fenced, err.Error() })
		return false, err
	case a.engine.opts.Once && (attempt >= onceAttempts || final(err)):
		return false, err
	}
	if errors.Is(err, journal.ErrConflict) || errors.Is(err, journal.ErrUnknown) {
		// Memory and journal disagree: the journal is right.
		if err := a.acquire(ctx); err != nil {
			return false, err
		}
	}
	v := b.failed(err, b.lived())
	a.tellWaiting(err, v, b.lived() > 0)
	if !a.pause(ctx, v) {
		return false, nil
	}
	if a.stale != nil {
		if err := a.acquire(ctx); err != nil {
			return false, err
		}
	}
	return true, nil
}

// final reports whether trying again at once cannot help.
func final(err error) bool {
	return isClass(err, imapsession.Auth) || isClass(err, imapsession.Config)
}

func (a *account) tellWaiting(err error, v verdict, lived bool) {
	next := time.Now().Add(v.wait)
	state := Waiting
	if v.parked {
		state = Parked
	}
	a.state.set(func(s *AccountStatus) {
		s.State, s.Error, s.NextTry, s.Connections = state, err.Error(), next, 0
	})
	if isEnded(err) {
		a.log.Error("parked: there is no valid authorization; run the command, and it goes on within a minute",
			"command", oauth.LoginCommand(a.cfg.Name), "error", err, "next_try", next.Format(time.RFC3339))
		return
	}
	if v.parked {
		a.log.Error("parked: the server refused the login three times; correct the credentials and run 'imapilot reload'",
			"error", err, "next_try", next.Format(time.RFC3339))
		return
	}
	text := "connection lost"
	if !lived {
		text = "cannot connect"
	}
	a.log.Warn(text, "error", err, "again_in", v.wait.Round(time.Millisecond).String())
}

// pause waits, answering requests meanwhile; a reload ends it early, and so
// does a changed secret when the account is parked. It returns false when ctx
// is done.
func (a *account) pause(ctx context.Context, v verdict) bool {
	timer := time.NewTimer(v.wait)
	defer timer.Stop()
	check := time.NewTicker(a.timing.Again)
	defer check.Stop()
	defer signal(a.wake.token) // what it told of is still there
	for {
		a.heart.beat(a.timing.Again)
		select {
		case <-a.wake.token:
			a.endStopped()
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-check.C:
			if v.parked && a.secretChanged(ctx, a.secret) {
				return true
			}
		case req := <-a.requests:
			a.answer(ctx, req)
		case <-a.wake.reloaded:
			return true
		}
	}
}

// secretChanged reports whether the secret is another one than a login showed. Of a token
// of our own the store is looked at, and nobody asked.
func (a *account) secretChanged(ctx context.Context, shown credential) bool {
	if a.cfg.OAuth2 != nil {
		keeper, err := a.engine.keepers.keeper(a.cfg)
		if err != nil {
			return true // the next login tells of it
		}
		now, err := keeper.Now()
		return err == nil && now != shown.mark
	}
	now, err := a.readSecret(ctx)
	return err == nil && sha256.Sum256([]byte(now)) != shown.mark
}
