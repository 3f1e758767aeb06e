package imapsession

import (
	"bytes"
	"context"

	"github.com/emersion/go-imap/v2"
)

// Alike finds messages that are of one kind: the server says the same of them, octet for
// octet, when it is asked for their flags and some header fields. Most people write more
// than once, so that what is found out of a kind need not be found out of each message.
type Alike struct {
	items string
	// kinds are numbered from 0 on, in the order in which they came; known are those that
	// are recognised, by what the server says beside the UID, octets how long that is.
	kinds  int
	known  map[string]int
	octets int
}

// NewAlike compares messages by their flags and these header fields.
func NewAlike(fields []string) (*Alike, error) {
	if err := checkFields(fields); err != nil {
		return nil, refuse("UID FETCH", "", Bad, err)
	}
	return &Alike{items: "(UID FLAGS BODY.PEEK[" + fieldsSection(fields) + "])", known: map[string]int{}}, nil
}

const (
	// mostKnown is how many octets of what the server says are kept to recognise kinds,
	// with some for each.
	mostKnown = 2 << 20
	ofAKind   = 100
	// ofAMessage is about how many octets it takes to say of what kind a message is.
	ofAMessage = 16
	// NoKind is the kind of a message of which not everything came at once.
	NoKind = -1
)

// Kinds are those of some messages.
type Kinds struct {
	// Fresh are the kinds that came up here for the first time.
	Fresh []Kind
	// Of are the kinds of the messages that came. One of which the server told more than
	// once is there as often. It is empty where all that went over Limits.Collected.
	Of []KindOf
}

// Kind is what there is of one kind. Header is as in [Fetched].
type Kind struct {
	Number int
	Flags  []imap.Flag
	Header []byte
}

// KindOf is the kind of one message, or NoKind.
type KindOf struct {
	UID  imap.UID
	Kind int
}

// Comparing is a FETCH that was sent to compare messages, and is not waited for yet.
type Comparing struct {
	s      *Session
	flying *flying
	with   *Alike
	asked  imap.UIDSet
	kinds  Kinds
	room   int
	text   []byte
}

// CompareAhead compares messages of the selected mailbox with each other and with those
// before, while the caller does something else, until it calls Wait, which it must. It is
// nil where so many cannot be asked for at once.
func (s *Session) CompareAhead(ctx context.Context, uids imap.UIDSet, with *Alike) *Comparing {
	parts, ok := s.atOnce(uids, with.items)
	if !ok {
		return nil
	}
	f := &Comparing{s: s, with: with, asked: uids, room: s.o.Limits.Collected}
	f.kinds.Of = make([]KindOf, 0, membersOf(uids, mostAwaited))
	f.flying = s.launchFetch(ctx, parts, with.items, f.take)
	return f
}

// Wait returns the kinds of the messages that came, or why not all came.
func (f *Comparing) Wait() (Kinds, error) {
	f.s.landUpTo(f.flying)
	return f.kinds, firstRefusal(f.flying.errs)
}

const itemsAlike = itemFlags | itemFields

func (f *Comparing) take(r response) bool {
	if r.kind != "FETCH" {
		return false
	}
	uid, text, plain := f.beside(r.data)
	if plain && f.asked.Contains(uid) {
		if kind, known := f.with.known[string(text)]; known {
			f.note(uid, kind)
			return true
		}
	}
	m, ok := parseFetch(&scanner{b: r.data}, itemsAlike)
	if !ok || !f.asked.Contains(m.UID) {
		return false // it is news
	}
	kind := NoKind
	if f.room -= m.footprint(); f.room >= 0 && m.has&itemsAlike == itemsAlike {
		kind = f.fresh(m)
		if plain {
			f.with.remember(text, kind)
		}
	}
	f.note(m.UID, kind)
	return true
}

// note says of what kind a message is. Where a server tells too much, nothing is said.
func (f *Comparing) note(uid imap.UID, kind int) {
	if f.room -= ofAMessage; f.room < 0 {
		f.kinds.Of = nil
		return
	}
	f.kinds.Of = append(f.kinds.Of, KindOf{uid, kind})
}

// fresh adds a kind.
func (f *Comparing) fresh(m message) int {
	kind := Kind{f.with.kinds, m.Flags, wholeLines(m.Header, m.headerCut)}
	f.kinds.Fresh = append(f.kinds.Fresh, kind)
	f.with.kinds++
	return kind.Number
}

// remember recognises a kind from now on, unless what the server says is about some
// message all the same, or there is enough to recognise.
func (a *Alike) remember(text []byte, kind int) {
	m, _ := parseFetch(&scanner{b: append([]byte("("), text...)}, itemsAlike)
	if m.UID != 0 || a.octets+len(text)+ofAKind > mostKnown {
		return
	}
	a.octets += len(text) + ofAKind
	a.known[string(text)] = kind
}

// beside is what a response says beside the UID, where that comes first, or after the
// flags.
func (f *Comparing) beside(data []byte) (uid imap.UID, text []byte, ok bool) {
	s := scanner{b: data}
	flags, after, _ := bytes.Cut(data, []byte(") "))
	if flags, ok = bytes.CutPrefix(flags, []byte("(FLAGS (")); ok {
		s.b = after
	} else if !s.special('(') {
		return 0, nil, false
	}
	after, isUID := bytes.CutPrefix(s.rest(), []byte("UID "))
	s = scanner{b: after}
	n, isNumber := s.number(32)
	if text = s.rest(); ok { // room for it is used again
		f.text = append(append(append(append(f.text[:0], "FLAGS ("...), flags...), ')'), text...)
		text = f.text
	}
	return imap.UID(n), text, isUID && isNumber
}
