package sim

import (
	"fmt"
	"slices"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/model"
)

// decide is asked about every command that the server gets.
func (w *World) decide(op model.Operation) model.Fault {
	w.mu.Lock()
	w.ops++
	w.trace = append(w.trace, fmt.Sprintf("%d %s %.60s", op.Session, op.Command, op.Args))
	var struck []Kind
	for _, f := range w.faults {
		if f.Kind.area() == commands && f.Kind.applies(op) && f.strikes() {
			struck = append(struck, f.Kind)
		}
	}
	hook := w.onMove
	if op.Command != "UID MOVE" {
		hook = nil
	}
	w.mu.Unlock()
	if hook != nil {
		w.onMove = nil
		hook()
		return model.DropAfter
	}
	out := model.None
	for _, k := range struck {
		if fault := w.strike(k, op); fault != model.None {
			out = fault
		}
	}
	return out
}

// strike lets a fault happen at a command, and returns what the server does.
func (w *World) strike(k Kind, op model.Operation) model.Fault {
	switch k {
	case KillBefore, PowerBefore:
		w.kill(k == PowerBefore)
		return model.DropBefore
	case KillAfter, PowerAfter:
		w.kill(k == PowerAfter)
		return model.DropAfter
	case UserDeletes, UserReads, UserMoves, UserExpunges, UserReturns:
		w.userActs(k)
		return model.None
	case UserRemoves:
		w.userRemoves(w.scenario.target())
		return model.None
	case UserRenames:
		w.userRenames(w.scenario.target(), "Renamed")
		return model.None
	case Renumbers:
		w.Server.Renumber(w.scenario.target(), false)
		if op.Mailbox == w.scenario.target() {
			return model.DropBefore // its UIDs mean nothing any more
		}
		return model.None
	}
	return model.Fault(k)
}

// userActs lets another client change one message.
func (w *World) userActs(k Kind) {
	from := "INBOX"
	if k == UserReturns {
		from = w.scenario.target()
	}
	l := w.untouched(from)
	if l == nil {
		return
	}
	switch k {
	case UserDeletes:
		w.Server.Flag(from, l.origin, imap.FlagDeleted, true)
	case UserReads:
		w.Server.Flag(from, l.origin, imap.FlagSeen, true)
	case UserMoves:
		w.Server.Move(l.origin, from, "Elsewhere")
	case UserReturns:
		if w.isIn("INBOX", l) || w.hasTwin(l) {
			l.extra++ // nobody can tell it from a second delivery
		}
		w.Server.Move(l.origin, from, "INBOX")
	case UserExpunges:
		w.Server.Expunge(from, l.origin)
		l.gone = true
	}
}

// isIn reports whether a mailbox holds a copy of a letter or of its twins that is
// not flagged \Deleted.
func (w *World) isIn(mailbox string, l *letter) bool {
	return slices.ContainsFunc(w.Server.All(), func(p model.Place) bool {
		return p.Mailbox == mailbox && p.Subject == l.Subject && !p.Has(imap.FlagDeleted)
	})
}

func (w *World) hasTwin(l *letter) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.letters, func(o *letter) bool { return o != l && o.Subject == l.Subject })
}

// untouched takes a message of a mailbox that no other client changed.
func (w *World) untouched(mailbox string) *letter {
	places := w.Server.All()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.letters {
		if !l.touched && slices.ContainsFunc(places, func(p model.Place) bool { return p.Mailbox == mailbox && p.Origin == l.origin }) {
			l.touched = true
			return l
		}
	}
	return nil
}

// userRenames lets another client rename a mailbox.
func (w *World) userRenames(from, to string) {
	w.touch(from, false)
	w.Server.Rename(from, to)
}

// touch notes that another client changed the fate of all that is in a mailbox.
func (w *World) touch(mailbox string, gone bool) {
	places := w.Server.All()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.letters {
		if slices.ContainsFunc(places, func(p model.Place) bool { return p.Mailbox == mailbox && p.Origin == l.origin }) {
			l.touched, l.gone = true, l.gone || gone
		}
	}
}

// userRemoves lets another client remove a mailbox with all that is in it.
func (w *World) userRemoves(name string) {
	w.touch(name, true)
	w.Server.Delete(name)
}
