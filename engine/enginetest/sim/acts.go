package sim

import (
	"time"

	"imapilot/engine/enginetest/disk"
)

// then is an act a little later, within which everything is done when nothing
// goes wrong.
func then(do func(w *World)) Act { return Act{After: 5 * time.Second, Do: do} }

// mail delivers messages with these subjects to INBOX.
func mail(subjects ...string) func(w *World) {
	return func(w *World) {
		for _, s := range subjects {
			w.Mail("INBOX", s)
		}
	}
}

// backUp keeps the journal as it is now.
func backUp(w *World) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.backup = w.disk.Clone(7)
}

// restore ends the daemon and starts it on the journal that backUp kept.
func restore(w *World) {
	w.mu.Lock()
	w.restored = w.backup
	w.mu.Unlock()
	w.kill(false)
	time.Sleep(time.Minute) // for the next process
}

// forget ends the daemon and starts it without a journal: what is there now is
// old, whatever was to be done for it.
func forget(w *World) {
	w.mu.Lock()
	w.restored, w.forgot = disk.New(8), true
	for _, l := range w.letters {
		l.touched = true
	}
	clear(w.baselined)
	w.mu.Unlock()
	w.kill(false)
	w.ready()
}
