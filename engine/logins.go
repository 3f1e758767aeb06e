package engine

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"imapilot/engine/config"
)

const (
	// loginsPerMinute is the rhythm of the logins on a host where hosts: says nothing.
	loginsPerMinute = 300
	// loginsAtOnce is how many follow each other without a pause, at most: a user with a
	// few accounts notices nothing.
	loginsAtOnce = 20
	// loggingIn is how many logins are under way in all, and loggingInHere on one host, so
	// that a server that does not answer keeps no other waiting; where the last one was not
	// answered, a login counts as placesInDoubt, so that several such servers do not either.
	loggingIn, loggingInHere = 50, 10
	placesInDoubt            = 5
)

// logins has those that want to log in wait for their turn, so that thousands of accounts
// do not come down on their servers together, after a restart or when a network is back.
// The zero value keeps to the default.
type logins struct {
	mu    sync.Mutex
	pace  map[string]int // logins a minute, by host in lower case
	doors map[string]*door
	all   *semaphore.Weighted
}

// door is where the logins of one host wait, in the order in which they came.
type door struct {
	line *semaphore.Weighted // the first in line waits for its time
	here *semaphore.Weighted
	next time.Time // when the one after it would be due in a steady rhythm; under line
	// doubt is set where the last login was not answered.
	doubt atomic.Bool
}

// set takes the rhythms of a configuration.
func (l *logins) set(hosts []config.Host) {
	pace := map[string]int{}
	for _, h := range hosts {
		if h.LoginsPerMinute > 0 {
			pace[h.Name] = h.LoginsPerMinute
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pace = pace
}

// queue waits for the turn of a login on a host, and waiting counts those that wait, there
// and for enter. The errors of both are those of ctx.
func (l *logins) queue(ctx context.Context, host string, waiting *atomic.Int32) error {
	waiting.Add(1)
	defer waiting.Add(-1)
	return l.door(host).turn(ctx, func() (time.Duration, int) { return l.rhythm(host) })
}

// enter waits, after the turn, until few enough logins are under way, and returns how to
// say that this one has ended, and whether the server answered.
func (l *logins) enter(ctx context.Context, host string, waiting *atomic.Int32) (leave func(answered bool), err error) {
	waiting.Add(1)
	defer waiting.Add(-1)
	d := l.door(host)
	places := int64(1)
	if d.doubt.Load() {
		places = placesInDoubt
	}
	if err := d.here.Acquire(ctx, places); err != nil {
		return nil, err
	}
	if err := l.all.Acquire(ctx, 1); err != nil {
		d.here.Release(places)
		return nil, err
	}
	return func(answered bool) {
		d.doubt.Store(!answered)
		l.all.Release(1)
		d.here.Release(places)
	}, nil
}

func (l *logins) door(host string) *door {
	name := strings.ToLower(host)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.doors == nil {
		l.doors, l.all = map[string]*door{}, semaphore.NewWeighted(loggingIn)
	}
	d := l.doors[name]
	if d == nil {
		d = &door{line: semaphore.NewWeighted(1), here: semaphore.NewWeighted(loggingInHere)}
		l.doors[name] = d
	}
	return d
}

// rhythm is how far apart the logins on a host are now, and how many follow each other
// without a pause.
func (l *logins) rhythm(host string) (every time.Duration, burst int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.pace[strings.ToLower(host)]
	if a == 0 {
		a = loginsPerMinute
	}
	return time.Minute / time.Duration(a), min(max(a/10, 1), loginsAtOnce)
}

// turn waits until another login is due: one every so often, and as many as burst without
// a pause after a quiet time. The rhythm is asked for at the head of the line: a reload may
// have changed it since the end.
func (d *door) turn(ctx context.Context, rhythm func() (every time.Duration, burst int)) error {
	if err := d.line.Acquire(ctx, 1); err != nil {
		return err
	}
	defer d.line.Release(1)
	every, burst := rhythm()
	if sleep(ctx, time.Until(d.next.Add(-every*time.Duration(burst-1)))); ctx.Err() != nil {
		return ctx.Err()
	}
	if now := time.Now(); d.next.Before(now) {
		d.next = now
	}
	d.next = d.next.Add(every)
	return nil
}
