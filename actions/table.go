package actions

// ArgKind says what an action takes in the configuration.
type ArgKind int

// The kinds of argument.
const (
	ArgNone       ArgKind = iota // "trash"
	ArgFlags                     // "add_flags: [\Seen]"
	ArgLabels                    // "add_labels: [Work, Lists/${list.name}]"
	ArgMailbox                   // "move: Lists/${list.name}"
	ArgEndpoint                  // "webhook: ci"
	ArgAppend                    // "append: {to: Notes, subject: Hello}"
	ArgCommand                   // "exec: [/usr/local/bin/notify, --, ${subject}]"
	ArgUntil                     // "snooze: 3d", "snooze: {until: monday 08:00}"
	ArgFolder                    // "save_attachments: /srv/invoices"
	ArgRecipients                // "forward: ann@example.net"
	ArgAnswer                    // "reply: Thank you, ${from.name}."
)

// Phase is the place of an action in the order of apply.
type Phase int

// The phases, in order. PhaseOutbox is outside the chain of a message; a step of
// PhaseOutside is in it, and done by the outbox.
const (
	PhaseOutbox Phase = iota
	PhaseFlags
	PhaseCopy
	PhaseOutside
	PhaseMove
	PhaseExpunge
)

// Spec describes one action: what it takes, when it runs, what it needs of
// the server and what it may destroy. The reference page and the dry run are
// written from it.
type Spec struct {
	Kind  Kind
	Arg   ArgKind
	Phase Phase
	// Role is the role of the mailbox that the message goes to, "" where the
	// argument tells the mailbox.
	Role string
	// Destination is set where the message leaves its mailbox. Of several
	// destinations for one message the first in rule order wins.
	Destination bool
	// Repeatable is set where doing it again changes nothing.
	Repeatable bool
	// Free is set where what leaves the mailbox needs no allow: of the configuration.
	Free bool
	// Doc is one sentence for a user.
	Doc string
	// Needs says which IMAP capability is used and what happens without it.
	Needs string
	// Example is one line of configuration.
	Example string

	apply func(request) ([]Outcome, error)
}

// Table lists every action in the order of apply.
func Table() []Spec {
	all := kinds()
	out := make([]Spec, len(all))
	for i, k := range all {
		out[i] = k.Spec()
	}
	return out
}

// kinds are those of the table, in its order.
func kinds() []Kind {
	return []Kind{
		Webhook, SetFlags, AddFlags, RemoveFlags, AddLabels, RemoveLabels, Copy, AppendTo, Exec, SaveAttachments,
		Unsubscribe, Forward, Reply, Move, Trash, Archive, Junk, Snooze, Expunge,
	}
}

// Spec returns the description of k, or the zero Spec when k is unknown. It is asked
// of every action of every message, many times, so it looks nothing up.
func (k Kind) Spec() Spec {
	switch k {
	case Webhook:
		return webhookSpec()
	case SetFlags:
		return setFlagsSpec()
	case AddFlags:
		return addFlagsSpec()
	case RemoveFlags:
		return removeFlagsSpec()
	case AddLabels:
		return addLabelsSpec()
	case RemoveLabels:
		return removeLabelsSpec()
	case Copy:
		return copySpec()
	case AppendTo:
		return appendSpec()
	case Exec:
		return execSpec()
	case SaveAttachments:
		return saveAttachmentsSpec()
	case Unsubscribe:
		return unsubscribeSpec()
	case Forward:
		return forwardSpec()
	case Reply:
		return replySpec()
	case Move:
		return moveSpec()
	case Trash:
		return trashSpec()
	case Archive:
		return archiveSpec()
	case Junk:
		return junkSpec()
	case Snooze:
		return snoozeSpec()
	case Expunge:
		return expungeSpec()
	default:
		return Spec{}
	}
}

// Outside reports whether an action of this kind is a step that leaves the mailbox:
// the outbox does it, and what comes after it waits for that.
func (k Kind) Outside() bool { return k.Spec().Phase == PhaseOutside }

// NeedsAllow reports whether an action of this kind is off unless the configuration
// allows it as a whole: mail must not start what only a rule asks for.
func (k Kind) NeedsAllow() bool { return k.Outside() && !k.Spec().Free }

// Documents reports whether an action of this kind hands over a document about the
// message.
func (k Kind) Documents() bool { return k == Webhook || k.Outside() }

// Known reports whether k is an action of this version.
func (k Kind) Known() bool { return k != "" && k.Spec().Kind == k }
