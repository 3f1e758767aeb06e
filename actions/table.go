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
	all := table()
	out := make([]Spec, len(all))
	for i, line := range all {
		out[i] = line.spec()
	}
	return out
}

// line is one action of the table.
type line struct {
	kind Kind
	spec func() Spec
}

// table is an array, so that Spec, which is asked of every action of every
// message, leaves nothing for the garbage collector.
func table() [19]line {
	return [...]line{
		{Webhook, webhookSpec},
		{SetFlags, setFlagsSpec},
		{AddFlags, addFlagsSpec},
		{RemoveFlags, removeFlagsSpec},
		{AddLabels, addLabelsSpec},
		{RemoveLabels, removeLabelsSpec},
		{Copy, copySpec},
		{AppendTo, appendSpec},
		{Exec, execSpec},
		{SaveAttachments, saveAttachmentsSpec},
		{Unsubscribe, unsubscribeSpec},
		{Forward, forwardSpec},
		{Reply, replySpec},
		{Move, moveSpec},
		{Trash, trashSpec},
		{Archive, archiveSpec},
		{Junk, junkSpec},
		{Snooze, snoozeSpec},
		{Expunge, expungeSpec},
	}
}

// Spec returns the description of k, or the zero Spec when k is unknown.
func (k Kind) Spec() Spec {
	for _, l := range table() {
		if l.kind == k {
			return l.spec()
		}
	}
	return Spec{}
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
