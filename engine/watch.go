package engine

import (
	"context"
	"sync"
	"time"

	"imapilot/engine/imapsession"
)

// waker collects the mailboxes to look at again. A token in its one-slot
// channel says that there are some; it carries no data, so that announcements
// can be lost or doubled without harm.
type waker struct {
	mu       sync.Mutex
	dirty    map[string]bool
	waiting  map[string]time.Time // since when mailboxes are announced that were not scanned since
	all      bool
	token    chan struct{}
	reloaded chan struct{}
}

func newWaker() *waker {
	return &waker{dirty: map[string]bool{}, waiting: map[string]time.Time{}, token: make(chan struct{}, 1), reloaded: make(chan struct{}, 1)}
}

// mailbox asks for a scan of one mailbox.
func (w *waker) mailbox(name string) {
	w.mu.Lock()
	w.dirty[name] = true
	if _, known := w.waiting[name]; !known {
		w.waiting[name] = time.Now()
	}
	w.mu.Unlock()
	signal(w.token)
}

// scanned notes that a scan of a mailbox has ended which began at some time. What was
// announced later is still waiting.
func (w *waker) scanned(name string, began time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, known := w.waiting[name]; known && !at.After(began) {
		delete(w.waiting, name)
	}
}

// since is when a mailbox was announced that was not scanned since, zero for none.
func (w *waker) since(name string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiting[name]
}

// everything asks for a scan of all of them, after a reload.
func (w *waker) everything() {
	w.mu.Lock()
	w.all = true
	w.mu.Unlock()
	signal(w.token)
	signal(w.reloaded)
}

// work wakes the owner without asking for a scan.
func (w *waker) work() { signal(w.token) }

// drain forgets a reload that is about to be taken up anyway.
func (w *waker) drain() {
	select {
	case <-w.reloaded:
	default:
	}
}

// take returns what was asked for since the last call.
func (w *waker) take() (dirty map[string]bool, all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	dirty, all = w.dirty, w.all
	w.dirty, w.all = map[string]bool{}, false
	return dirty, all
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// watcher is one watch connection: it idles on one mailbox and never acts.
type watcher struct {
	account *account
	mailbox string // server's spelling
	label   string // as the status shows it
}

// run keeps the connection until ctx is done. While it has none, the mailbox
// is swept like one that cannot be watched.
func (w watcher) run(ctx context.Context) {
	b := backoff{timing: w.account.timing}
	for ctx.Err() == nil {
		began := time.Now()
		err := w.watch(ctx, &b)
		w.account.state.mailbox(w.label, func(m *MailboxStatus) {
			m.Watch = w.account.pollName()
		})
		if ctx.Err() != nil {
			return
		}
		if w.account.fallbacks.has("IDLE") {
			w.account.wake.mailbox(w.mailbox) // mail may have come meanwhile
			return
		}
		wait := b.failed(err, time.Since(began)).wait
		// A server that refuses this connection refuses it again: the sweep
		// covers the mailbox, so there is no haste.
		if b.failures > 1 {
			wait = max(wait, time.Minute)
		}
		wait = max(wait, crowded(err, b.failures, w.account.timing))
		w.account.hush(err)
		w.account.log.Warn("watch connection lost", "mailbox", w.mailbox, "error", err, "again_in", wait.Round(time.Millisecond).String())
		sleep(ctx, wait)
	}
}

// watch idles until something fails. The mailbox is announced once after each
// SELECT, because mail may have come while nobody watched.
func (w watcher) watch(ctx context.Context, b *backoff) error {
	s, err := w.account.dial(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	b.connected()
	w.account.countConnection(1)
	defer w.account.countConnection(-1)
	if _, err := s.Select(ctx, w.mailbox); err != nil {
		return err
	}
	w.account.state.proof(w.label)
	w.account.state.mailbox(w.label, func(m *MailboxStatus) { m.Watch = "idle" })
	w.account.wake.mailbox(w.mailbox)
	return w.idle(ctx, s)
}

func (w watcher) idle(ctx context.Context, s *imapsession.Session) error {
	for {
		began := time.Now()
		news, err := s.Idle(ctx, w.account.cfg.Idle)
		w.account.idled(err, time.Since(began))
		if err != nil || ctx.Err() != nil {
			return err
		}
		w.account.state.proof(w.label)
		if news {
			w.account.wake.mailbox(w.mailbox)
		}
	}
}

func (a *account) countConnection(n int) {
	a.state.set(func(s *AccountStatus) { s.Connections += n })
}

func (a *account) pollName() string { return "poll " + a.cfg.Poll.String() }

// sleep waits for d or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
