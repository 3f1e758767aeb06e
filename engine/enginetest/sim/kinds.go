package sim

import "imapilot/engine/enginetest/model"

// Kind is what goes wrong.
type Kind string

// The kinds beside the server's own (package model). Each is counted over the
// operations that it applies to: commands, commits, or writes to the disk.
const (
	// The process dies, and another is started on the file as the operating
	// system has it: before a command has an effect, or after that and before
	// its reply.
	KillBefore Kind = "kill before a command"
	KillAfter  Kind = "kill after a command"
	// The same with the whole machine: what was not synced may be lost.
	PowerBefore Kind = "power loss before a command"
	PowerAfter  Kind = "power loss after a command"
	// A commit fails, or succeeds and cannot tell.
	CommitFails   Kind = "commit fails"
	CommitUnknown Kind = "commit of unknown outcome"
	// The disk fails at one write or sync, is full for an hour, or the process
	// or the machine dies in the middle of one.
	DiskError Kind = "disk error"
	DiskFull  Kind = "disk full"
	DiskKill  Kind = "kill in a write"
	DiskPower Kind = "power loss in a write"
	// The receiver of webhooks fails, or gets a call and the answer is lost.
	HookFails Kind = "webhook fails"
	// Another client acts before a command: on the oldest message of INBOX that
	// it did not touch yet, or on a mailbox.
	UserDeletes  Kind = "user flags \\Deleted"
	UserReads    Kind = "user reads"
	UserMoves    Kind = "user moves away"
	UserExpunges Kind = "user expunges"
	UserReturns  Kind = "user moves back"
	UserRemoves  Kind = "user removes a target"
	UserRenames  Kind = "user renames a target"
	Renumbers    Kind = "a target is renumbered"
)

// Fault is one thing that goes wrong, at the At-th operation to which its kind
// applies.
type Fault struct {
	Kind Kind
	At   int
}

// Kinds lists every kind.
func Kinds() []Kind {
	var out []Kind
	for _, f := range model.Faults() {
		out = append(out, Kind(f))
	}
	return append(out, KillBefore, KillAfter, PowerBefore, PowerAfter, CommitFails, CommitUnknown, DiskError, DiskFull,
		DiskKill, DiskPower, HookFails, UserDeletes, UserReads, UserMoves, UserExpunges, UserReturns, UserRemoves, UserRenames, Renumbers)
}

// area is where a kind strikes.
type area int

const (
	commands area = iota
	commits
	writes
	hooks
)

func (k Kind) area() area {
	switch k {
	case CommitFails, CommitUnknown:
		return commits
	case DiskError, DiskFull, DiskKill, DiskPower:
		return writes
	case HookFails:
		return hooks
	}
	return commands
}

// IsUser reports whether the kind is another client's doing, which changes what
// is to be expected.
func (k Kind) IsUser() bool {
	switch k {
	case UserDeletes, UserReads, UserMoves, UserExpunges, UserReturns, UserRemoves, UserRenames, Renumbers, Kind(model.Renumbered):
		return true
	}
	return false
}

// applies reports whether a kind that strikes at commands says something about
// this one.
func (k Kind) applies(op model.Operation) bool {
	switch k {
	case KillBefore, KillAfter, PowerBefore, PowerAfter:
		return true
	}
	if k.IsUser() && k != Kind(model.Renumbered) {
		return op.Mailbox != ""
	}
	return model.Fault(k).Applies(op)
}
