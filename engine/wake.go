package engine

import (
	"sync"
	"time"

	"imapilot/engine/imapsession"
)

// waker collects the mailboxes to look at again. A token in its one-slot
// channel says that there are some; announcements can be lost or doubled without
// harm: what a server tells with one only says that a look may be spared.
type waker struct {
	mu      sync.Mutex
	wishes  wishes
	waiting turns
	// announced is since when mailboxes are announced that were not scanned since.
	announced map[string]time.Time
	token     chan struct{}
	reloaded  chan struct{}
	// rouse is called with each token, nil for none.
	rouse func()
}

// wishes are what was asked for since they were taken last.
type wishes struct {
	dirty map[string]bool // mailboxes to scan
	// told is what NOTIFY told of mailboxes, to scan those that differ from what the
	// last scan saw.
	told map[string]imapsession.Status
	all  bool // scan everything, after a reload
}

// turns are changes in the ways to watch.
type turns struct {
	sweep   bool // look at everything: something may have been missed
	names   bool // mailboxes came or went
	rethink bool // a way to watch was given up
}

func newWaker() *waker {
	return &waker{wishes: noWishes(), announced: map[string]time.Time{}, token: make(chan struct{}, 1), reloaded: make(chan struct{}, 1)}
}

func noWishes() wishes {
	return wishes{dirty: map[string]bool{}, told: map[string]imapsession.Status{}}
}

// ask notes wishes and wakes the owner.
func (w *waker) ask(change func(*wishes)) {
	w.mu.Lock()
	change(&w.wishes)
	w.mu.Unlock()
	w.work()
}

// mailbox asks for a scan of one mailbox.
func (w *waker) mailbox(name string) {
	w.ask(func(v *wishes) {
		v.dirty[name] = true
		if _, known := w.announced[name]; !known {
			w.announced[name] = time.Now()
		}
	})
}

// scanned notes that a scan of a mailbox has ended which began at some time. What was
// announced later is still waiting.
func (w *waker) scanned(name string, began time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, known := w.announced[name]; known && !at.After(began) {
		delete(w.announced, name)
	}
}

// since is when a mailbox was announced that was not scanned since, zero for none.
func (w *waker) since(name string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.announced[name]
}

// forget drops what was asked for of a mailbox that is not watched any more.
func (w *waker) forget(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.announced, name)
}

// everything asks for a scan of all of them, after a reload.
func (w *waker) everything() {
	w.ask(func(v *wishes) { v.all = true })
	signal(w.reloaded)
}

// sweep asks for a look at all of them.
func (w *waker) sweep() { w.turn(turns{sweep: true}) }

// relist asks for a listing of the mailboxes.
func (w *waker) relist() { w.turn(turns{names: true}) }

// rethink asks how to watch from now on.
func (w *waker) rethink() { w.turn(turns{rethink: true}) }

func (w *waker) turn(t turns) {
	w.mu.Lock()
	b := &w.waiting
	b.sweep, b.names, b.rethink = b.sweep || t.sweep, b.names || t.names, b.rethink || t.rethink
	w.mu.Unlock()
	w.work()
}

// turns returns the turns since the last call.
func (w *waker) turns() turns {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.waiting
	w.waiting = turns{}
	return out
}

// status passes on what NOTIFY told of mailboxes.
func (w *waker) status(told map[string]imapsession.Status) {
	w.ask(func(v *wishes) {
		for name, st := range told {
			v.told[name] = st.Over(v.told[name])
		}
	})
}

// work wakes the owner without asking for a scan.
func (w *waker) work() {
	signal(w.token)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rouse != nil {
		w.rouse()
	}
}

// calls has the owner roused by a call, too, while it waits for something that is no
// channel; nil ends that. There may be a token before.
func (w *waker) calls(rouse func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rouse = rouse
	if len(w.token) > 0 && rouse != nil {
		rouse()
	}
}

// drain forgets a reload that is about to be taken up anyway.
func (w *waker) drain() {
	select {
	case <-w.reloaded:
	default:
	}
}

// take returns the scans that were asked for since the last call.
func (w *waker) take() wishes {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.wishes
	w.wishes = noWishes()
	return out
}

// isAsked reports whether a scan of a mailbox, or of all, is asked for already.
func (w *waker) isAsked(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, told := w.wishes.told[name]
	return w.wishes.all || w.wishes.dirty[name] || told
}

// allAsked reports whether a scan of all is asked for.
func (w *waker) allAsked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wishes.all
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
