package imapsession

import (
	"slices"
	"strings"
)

// Capabilities are what the server announced after login.
type Capabilities struct {
	Move, UIDPlus, Idle, CondStore, ESearch bool
	SpecialUse, ListExtended, ListStatus    bool
	Namespace, Unselect, Notify, ObjectID   bool
	// Gmail is X-GM-EXT-1.
	Gmail                         bool
	LiteralPlus, LiteralMinus, ID bool
	// MessageLimit is how many messages one command may name: as it announces (RFC
	// 9738), or fewer where its profile says so; 0 if any number.
	MessageLimit int
	// AppendLimit is the most octets of a message that APPEND takes (RFC 7889), 0
	// where the server announces none, or another one for each mailbox.
	AppendLimit int64
	// Names are all of them, in upper case and sorted.
	Names []string
}

// Has reports whether the server announced a capability; case does not matter.
func (c Capabilities) Has(name string) bool {
	_, ok := slices.BinarySearch(c.Names, strings.ToUpper(name))
	return ok
}

// newCapabilities takes names in upper case, sorted.
func newCapabilities(names []string) Capabilities {
	c := Capabilities{Names: names, MessageLimit: announcedLimit(names), AppendLimit: announcedSize(names)}
	for name, field := range map[string]*bool{
		"MOVE": &c.Move, "UIDPLUS": &c.UIDPlus, "IDLE": &c.Idle, "CONDSTORE": &c.CondStore, "ESEARCH": &c.ESearch,
		"SPECIAL-USE": &c.SpecialUse, "LIST-EXTENDED": &c.ListExtended, "LIST-STATUS": &c.ListStatus,
		"NAMESPACE": &c.Namespace, "UNSELECT": &c.Unselect, "NOTIFY": &c.Notify, "OBJECTID": &c.ObjectID,
		"LITERAL+": &c.LiteralPlus, "LITERAL-": &c.LiteralMinus, "ID": &c.ID, "X-GM-EXT-1": &c.Gmail,
	} {
		*field = c.Has(name)
	}
	// QRESYNC includes CONDSTORE (RFC 7162 section 3.2.3).
	c.CondStore = c.CondStore || c.Has("QRESYNC")
	return c
}

// clientCaps is the list that imapclient is shown: the server's, as far as it
// changes how imapclient writes a command. IMAP4rev2 is not among them, because
// imapclient sends raw UTF-8 names as soon as it is announced, though a client
// must ENABLE it first (RFC 9051 section 6.3.1). The caller holds the mutex.
func (g *guard) clientCaps() string { return clientCaps(g.caps) }

func clientCaps(names []string) string {
	list := []string{"IMAP4rev1"}
	for _, name := range names {
		switch name {
		case "LITERAL+", "LITERAL-", "SASL-IR", "MOVE", "UIDPLUS", "ESEARCH":
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

// maxCapabilities is how many names of a list are kept.
const maxCapabilities = 500

// capabilityNames reads a capability list; names compare without case (RFC 9051
// section 6.1.1).
func capabilityNames(list []byte) []string {
	names := strings.Fields(strings.ToUpper(string(list)))
	names = slices.DeleteFunc(names, func(n string) bool { return strings.ContainsFunc(n, notAtomOrBracket) })
	return slices.Compact(slices.Sorted(slices.Values(names[:min(len(names), maxCapabilities)])))
}

func notAtomOrBracket(r rune) bool { return notAtom(r) || r == '[' }
