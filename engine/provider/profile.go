package provider

import "time"

// Profile is what is known of a kind of server. The zero value says nothing.
type Profile struct {
	// Name is what people call it, "" where nothing special is known.
	Name string
	// MaxConnections is how many connections it allows one user, 0 if that is not known.
	// Adjustable is set where that is the software's default, which whoever runs the
	// server may have changed: a user who asks for more is believed, with a warning.
	MaxConnections int
	Adjustable     bool
	// Batch is how many messages one command may name, 0: as many as it announces.
	Batch int
	// MoveOnly is set where COPY, \Deleted and UID EXPUNGE are no way to move a
	// message, because what they do depends on settings that IMAP does not show.
	MoveOnly bool
	// ExpungeOnlyInTrash is set where a message that is expunged outside of trash and
	// junk is not removed.
	ExpungeOnlyInTrash bool
	// NeedsID is set where nothing works after login before ID was sent (RFC 2971),
	// announced or not.
	NeedsID bool
	// NoQResync is set where QRESYNC is announced and cannot be relied on.
	NoQResync bool
	// UnstableUIDValidity is set where a restart of the server may give all mailboxes
	// another UIDVALIDITY, so that this is no news: there is one event for all of them,
	// and what came meanwhile is not held for being much.
	UnstableUIDValidity bool
	// SharedThrottle is set where a connection that is told to wait speaks for all that
	// the user does.
	SharedThrottle bool
	// Text is what a SEARCH for a text finds. Marks are words that such a server puts in
	// the place of an address that it cannot read.
	Text  Text
	Marks []string
	// IdleMax is how long one IDLE may last, 0 if any time.
	IdleMax time.Duration
	// Quirks are all of this in words, and what else there is to know.
	Quirks []Quirk
}

// Text is what a server finds that is asked for a text.
type Text int

// The kinds of searches.
const (
	// TextUnknown may be any.
	TextUnknown Text = iota
	// TextWords are whole words, or their beginnings.
	TextWords
	// TextSubstring is any part of a text, as RFC 9051 section 6.4.4 wants.
	TextSubstring
)

// String names the kind in a word.
func (t Text) String() string {
	switch t {
	case TextWords:
		return "words"
	case TextSubstring:
		return "substring"
	}
	return "unknown"
}

// Quirk is one thing that a server does otherwise than others, and what is done about it.
// All are short texts for people.
type Quirk struct {
	// Name is the quirk in a word or three.
	Name string
	// Does is what the server does.
	Does string
	// Duty is what we do about it; it begins with "you" where only the user can.
	Duty string
	// Source is where the fact is from.
	Source string
}

// The sources of facts. None of them is a promise: a provider changes what it likes.
const (
	Documented = "documented by the provider"
	Default    = "the default of the software"
	Captured   = "seen in recorded sessions"
	Reported   = "reported by users of other clients"
)

// Facts is what is known of a server. Any of it may be missing.
type Facts struct {
	// Host is the name that we connect to.
	Host string
	// Capabilities are those after login; case does not matter.
	Capabilities []string
	// Name and Vendor are how it introduces itself (ID, RFC 2971).
	Name, Vendor string
	// Greeting is the text of its first line.
	Greeting string
}

// Connections is how many connections are opened where the configuration allows some,
// and whether it allows more than the server does.
func (p Profile) Connections(configured int) (n int, above bool) {
	above = p.MaxConnections > 0 && configured > p.MaxConnections
	if above && !p.Adjustable {
		return p.MaxConnections, above
	}
	return configured, above
}
