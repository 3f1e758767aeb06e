package imapsession

import (
	"context"
	"errors"
	"maps"

	"github.com/emersion/go-imap/v2"
)

// Change is one command of a flight: UID STORE, UID COPY or UID MOVE of messages
// in the selected mailbox.
type Change struct {
	// Verb is "STORE", "COPY" or "MOVE", or "LABEL" and "UNLABEL" for StoreLabels.
	Verb string
	UIDs imap.UIDSet
	// Target is where COPY and MOVE lead.
	Target string
	// Op and Flags are those of STORE, which is .SILENT.
	Op    imap.StoreFlagsOp
	Flags []imap.Flag
	// Labels are those of LABEL and UNLABEL.
	Labels []string
}

// Changed is what became of one command. Pairs are those of Copy and Move.
type Changed struct {
	Pairs map[imap.UID]imap.UID
	Err   error
}

// maxFlight is how many commands are sent before the first is answered.
const maxFlight = 64

// MaxFlight is the most commands that ChangeAll sends in one go.
func MaxFlight() int { return maxFlight }

// Changing is changes that were sent and are not waited for yet.
type Changing struct {
	s         *Session
	changes   []Change
	flying    *flying
	transfers []*transferred
}

// ChangeAhead sends Store, Copy and Move for many sets of messages in one go (RFC
// 9051 section 5.5) and does not wait: the answers come in while the caller does
// something else, until it calls Wait, which it must. No message may be in two of
// them: what one command does must make no other one wrong. At most MaxFlight
// changes are taken, each with an outcome of its own; one that does not fit a line
// is sent by Wait.
func (s *Session) ChangeAhead(ctx context.Context, changes []Change) *Changing {
	f := &Changing{s: s, changes: changes}
	var tasks []task
	size := 0
	for _, c := range changes[:min(len(changes), maxFlight)] {
		if !s.fitsOne(c) {
			break
		}
		size += c.size()
		t, got := s.changeTask(c)
		tasks, f.transfers = append(tasks, t), append(f.transfers, got)
	}
	if len(tasks) > 0 {
		f.flying = s.launch(ctx, size, tasks...)
	}
	return f
}

// Wait returns what became of each change.
func (f *Changing) Wait(ctx context.Context) []Changed {
	out := make([]Changed, len(f.changes))
	if f.flying != nil {
		f.s.landUpTo(f.flying)
		for i, err := range f.flying.errs {
			out[i] = Changed{Pairs: f.transfers[i].result(err), Err: err}
			if t := f.transfers[i]; t != nil {
				f.s.noteTarget(f.changes[i].Target, t.into)
			}
		}
	}
	for i := len(f.transfers); i < len(f.changes); i++ {
		out[i] = f.s.changeAlone(ctx, f.changes[i])
	}
	return out
}

// size is about how many octets the command of a change takes.
func (c Change) size() int {
	n := 64 + len(c.UIDs.String()) + len(c.Target) // with its tag and its words
	for _, f := range c.Flags {
		n += len(f)
	}
	for _, l := range c.Labels {
		n += len(l)
	}
	return n
}

// fitsOne reports whether a change is one command that may be sent.
func (s *Session) fitsOne(c Change) bool {
	others := 4 * len(encodeUTF7(c.Target))
	if c.isLabels() {
		others = maxLabelText
	}
	parts, err := split(c.UIDs, others)
	if err != nil || len(parts) != 1 || len(limited(parts, s.caps.MessageLimit)) != 1 {
		return false
	}
	switch c.Verb {
	case "STORE":
		return checkFlags(c.Flags) == nil && len(c.Flags) > 0
	case "MOVE":
		return s.caps.Move && checkMailbox(c.Target) == nil
	case "COPY":
		return checkMailbox(c.Target) == nil
	case "LABEL", "UNLABEL":
		_, err := s.labelList(c.Labels)
		return err == nil && len(c.Labels) > 0
	}
	return false
}

func (c Change) isLabels() bool { return c.Verb == "LABEL" || c.Verb == "UNLABEL" }

// transferred gathers what COPYUID tells of one command.
type transferred struct {
	pairs map[imap.UID]imap.UID
	into  uint32 // the UIDVALIDITY of the target
	named bool
}

// result is nil where the server did not tell, or not usably.
func (t *transferred) result(err error) map[imap.UID]imap.UID {
	if t == nil || !t.named && err == nil {
		return nil
	}
	return t.pairs
}

// take reads the COPYUID of a command about these messages, and reports whether it is of
// theirs.
func (t *transferred) take(r response, part imap.UIDSet) bool {
	if r.code != "COPYUID" {
		return false
	}
	got, into, ok := parseCopyUID(r.args, part)
	if ok {
		maps.Copy(t.pairs, got)
		t.named, t.into = true, into
	}
	return ok
}

func (s *Session) changeTask(c Change) (task, *transferred) {
	if c.isLabels() {
		list, _ := s.labelList(c.Labels) // fitsOne let it pass
		return s.labelTask(c.UIDs, c.Verb == "LABEL", list), nil
	}
	command := "UID " + c.Verb
	if c.Verb == "STORE" {
		op := newOperation(command, s.selected, func(r response) bool { return r.kind == "FETCH" })
		return task{op, func() func() error {
			return s.client.Store(c.UIDs, &imap.StoreFlags{Op: c.Op, Silent: true, Flags: c.Flags}, nil).Close
		}}, nil
	}
	got := &transferred{pairs: map[imap.UID]imap.UID{}}
	op := newOperation(command, c.Target, nil)
	op.take = func(r response) bool {
		return c.Verb == "MOVE" && isExpunge(r) || got.take(r, c.UIDs)
	}
	return task{op, func() func() error {
		if c.Verb == "MOVE" {
			cmd := s.client.Move(c.UIDs, c.Target)
			return func() error { _, err := cmd.Wait(); return err }
		}
		cmd := s.client.Copy(c.UIDs, c.Target)
		return func() error { _, err := cmd.Wait(); return err }
	}}, got
}

func (s *Session) changeAlone(ctx context.Context, c Change) (out Changed) {
	switch c.Verb {
	case "STORE":
		out.Err = s.Store(ctx, c.UIDs, c.Op, c.Flags)
	case "LABEL", "UNLABEL":
		out.Err = s.StoreLabels(ctx, c.UIDs, c.Verb == "LABEL", c.Labels)
	case "COPY":
		out.Pairs, out.Err = s.Copy(ctx, c.UIDs, c.Target)
	case "MOVE":
		out.Pairs, out.Err = s.Move(ctx, c.UIDs, c.Target)
	default:
		out.Err = refuse("UID "+c.Verb, s.selected, Bad, errors.New("no command of a flight"))
	}
	return out
}
