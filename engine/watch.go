package engine

import (
	"context"
	"errors"
	"time"

	"imapilot/engine/imapsession"
)

// watcher is one watch connection: it idles on one mailbox and never acts.
type watcher struct {
	account *account
	mailbox string // server's spelling
	label   string // as the status shows it
}

// run keeps the connection until ctx is done. While it has none, the mailbox
// is swept like one that cannot be watched.
func (w watcher) run(ctx context.Context) {
	w.account.keepWatching(ctx, "IDLE", w.watch)
}

// attempts are those to keep a watch connection: how they went, what the last one showed at
// its login, and the room that the one under way takes.
type attempts struct {
	backoff
	secret credential
	room   *seat
}

// keepWatching has a watch connection made again whenever it ends, until ctx is done or
// the way to watch is given up. subject names what it watches, for the log.
func (a *account) keepWatching(ctx context.Context, feature string, watch func(context.Context, *attempts) error) {
	b := attempts{backoff: backoff{timing: a.timing}}
	for ctx.Err() == nil && !a.fallbacks.has(feature) {
		err := a.inRoom(&b, func() error { return watch(ctx, &b) })
		if ctx.Err() != nil || a.fallbacks.has(feature) {
			break
		}
		if errors.Is(err, errRenew) {
			b.backoff = backoff{timing: a.timing}
			continue
		}
		if errors.Is(err, errNoRoom) {
			sleep(ctx, roomAgain)
			continue
		}
		v := b.failed(err, b.lived())
		wait := v.wait
		// A server that refuses this connection refuses it again: the sweep
		// covers the mailboxes, so there is no haste.
		if b.failures > 1 {
			wait = max(wait, time.Minute)
		}
		wait = max(wait, crowded(err, b.failures, a.timing))
		a.hush(err)
		a.log.Warn("watch connection lost", "by", feature, "error", err, "again_in", wait.Round(time.Millisecond).String())
		if v.parked {
			a.untilChanged(ctx, wait, b.secret)
			continue
		}
		sleep(ctx, wait)
	}
	if ctx.Err() == nil {
		a.wake.rethink() // the owner decides what is done instead
	}
}

// inRoom takes room on the host for as long as a watch connection is there.
func (a *account) inRoom(b *attempts, watch func() error) (err error) {
	if b.room, err = a.engine.hosts.watching(a.cfg.Host); err != nil {
		return err
	}
	defer b.room.leave()
	return watch()
}

// watch idles until something fails. The mailbox is announced once after each
// SELECT, because mail may have come while nobody watched.
func (w watcher) watch(ctx context.Context, b *attempts) error {
	s, err := w.account.dial(ctx, b)
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
	w.account.state.proof(w.label, time.Now())
	covers := map[string]string{w.mailbox: w.label}
	w.account.cover(byIdle, covers)
	defer w.account.uncover(byIdle, covers) // mail may come before it is swept
	w.account.wake.mailbox(w.mailbox)
	return w.idle(ctx, s, b.room)
}

func (w watcher) idle(ctx context.Context, s *imapsession.Session, room *seat) error {
	for {
		how, err := s.Idle(ctx, w.account.cfg.Idle, time.Time{})
		w.account.idled(err, idleLasted(s))
		if err != nil || ctx.Err() != nil {
			return err
		}
		w.account.state.proof(w.label, provedBy(s, how))
		if how == imapsession.News {
			w.account.covered.hear(w.mailbox)
			w.account.wake.mailbox(w.mailbox)
		}
		if err := room.yield(); err != nil {
			return err
		}
	}
}

func (a *account) countConnection(n int) {
	a.state.set(func(s *AccountStatus) { s.Connections += n })
}

// polled is what begins how a mailbox is watched that nothing announces.
const polled = "poll "

func (a *account) pollName() string { return polled + a.cfg.Poll.String() }

// sleep waits for d or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// untilChanged is sleep for a watch connection whose login was refused again and again: it
// is over, too, when the secret is another one than was shown. The work connection may
// live for days on the old one, and nothing else would have the mailbox watched again.
func (a *account) untilChanged(ctx context.Context, d time.Duration, shown credential) {
	over := time.Now().Add(d)
	for {
		sleep(ctx, min(time.Until(over), a.timing.Again))
		if ctx.Err() != nil || !time.Now().Before(over) || a.secretChanged(ctx, shown) {
			return
		}
	}
}
