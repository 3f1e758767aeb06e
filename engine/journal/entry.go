package journal

import (
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
)

// Fingerprint recognises a message apart from its UID: across a UIDVALIDITY
// change, in another mailbox, after a restore. COPY and MOVE preserve all of
// it (RFC 9051 section 6.4.7, RFC 8474 section 5.1).
type Fingerprint struct {
	// EmailID is the EMAILID, "" where the server has none. Two that are equal
	// are the same content; two identical deliveries may share one.
	EmailID string `json:"email_id,omitempty"`
	// MessageID is the Message-ID field's value, cut at 512 bytes; "" if none.
	MessageID string `json:"message_id,omitempty"`
	// Received is the INTERNALDATE, in UTC, to the second.
	Received time.Time `json:"received"`
	// Size is RFC822.SIZE.
	Size int64 `json:"size"`
}

// Known is the fingerprint of one handled message.
type Known struct {
	UID   imap.UID
	Print Fingerprint
	// Order is its Sighting.Order. Written as 0 it is the next one; a message
	// that was handled before under another UID is given the one that it had.
	Order int64
}

// KnownBatch adds fingerprints to a mailbox.
type KnownBatch struct {
	Mailbox     string
	UIDValidity uint32
	Messages    []Known
}

// Sighting is one place in which a message was handled.
type Sighting struct {
	Mailbox     string // server's spelling
	UIDValidity uint32
	UID         imap.UID
	Print       Fingerprint
	// Order counts up through the account with each message that is added to
	// Known without one, in the order of the batch. A message that is added
	// again keeps its own. Only which of two is greater has a meaning.
	Order int64
}

// Trace is what the journal knows of one Message-ID.
type Trace struct {
	// Sightings are in their order. Of more than twice TraceEnds only those at
	// both ends are there: somebody may send thousands with one Message-ID.
	Sightings []Sighting
	// Referred: a message that was handled names it in In-Reply-To or
	// References.
	Referred bool
}

// Reference says that one message refers to another (RFC 5322 section 3.6.4).
type Reference struct {
	// MessageID is what is referred to, at most 512 bytes.
	MessageID string
	// Mailbox, UIDValidity and UID are the message that refers to it.
	Mailbox     string
	UIDValidity uint32
	UID         imap.UID
}

// Cursor says what of a mailbox was handled.
type Cursor struct {
	Mailbox     string `json:"mailbox"`
	UIDValidity uint32 `json:"uidvalidity"`
	// Floor: every UID up to it counts as handled.
	Floor imap.UID `json:"floor"`
	// Handled are the UIDs above the floor that were evaluated or excluded.
	// Gaps are never filled: a UID may become visible late.
	Handled imap.UIDSet `json:"-"`
	// HighestModSeq is RFC 7162's, 0 where the server has none.
	HighestModSeq uint64 `json:"highestmodseq,omitempty"`
	// Scanned is when the last complete scan began.
	Scanned time.Time `json:"scanned"`
	// Version goes up by one with each write.
	Version int64 `json:"version"`
}

// EntryState is the outcome of one message, as far as it is known.
type EntryState string

// The states of an entry. Only Open entries have work left.
const (
	Open      EntryState = "open"      // recorded, steps to do
	Done      EntryState = "done"      // every step done
	DryRun    EntryState = "dry-run"   // decided, nothing sent, never will be
	Held      EntryState = "held"      // waits for confirm
	Failed    EntryState = "failed"    // a step failed for good; the message stayed
	Unsure    EntryState = "unsure"    // it cannot be told whether a step happened
	Skipped   EntryState = "skipped"   // the user said skip
	Withdrawn EntryState = "withdrawn" // decided again: no rule asks for it any more
	Gone      EntryState = "gone"      // the message left before its steps were done
	Kept      EntryState = "kept"      // the user moved it back, or a rule failed to evaluate
	Undone    EntryState = "undone"    // its steps were put back, as far as that was possible
)

// States lists every state in the order in which tables show them.
func States() []EntryState {
	return []EntryState{Open, Held, Failed, Unsure, Done, DryRun, Withdrawn, Gone, Kept, Skipped, Undone}
}

// StepState is how far a step came.
type StepState string

// The states of a step. A recorded step counts as started: after a crash the
// engine looks before it sends it.
const (
	Recorded     StepState = "recorded"
	StepDone     StepState = "done"
	StepLeft     StepState = "done, original left flagged"
	StepFailed   StepState = "failed"
	StepUnsure   StepState = "unsure"
	StepReplaced StepState = "withdrawn"
)

// The triggers of entries.
const (
	TriggerArrival  = "arrival"
	TriggerSchedule = "schedule"
	TriggerFlags    = "flags"
	TriggerApply    = "apply"
	TriggerUndo     = "undo"
	// TriggerSnooze: a snoozed message comes back. No rule was asked.
	TriggerSnooze = "snooze"
)

// Entry is what was decided for one message in one walk, and what became of
// it. Its steps are a chain in the order of apply: a step is sent only when
// every earlier one is done.
type Entry struct {
	Seq         int64       `json:"seq"`
	Mailbox     string      `json:"mailbox"` // server's spelling
	UIDValidity uint32      `json:"uidvalidity"`
	UID         imap.UID    `json:"uid"`
	Print       Fingerprint `json:"print"`
	// From and Subject are for people: decoded, without control characters,
	// at most 200 bytes.
	From    string `json:"from,omitempty"`
	Subject string `json:"subject,omitempty"`
	// Trigger is what made it decide: one of the Trigger constants.
	Trigger string `json:"trigger"`
	// Walk names the rules that were asked, in the order of the configuration;
	// empty stands for all rules on arrival.
	Walk []string `json:"walk,omitempty"`
	// Occasion tells one firing of the trigger from the next: when a run was due,
	// when a flag was seen. It is a part of the ids of webhooks. Empty on arrival.
	Occasion string `json:"occasion,omitempty"`
	// Run is when the apply or the undo began that it is of, zero for any other.
	Run time.Time `json:"run,omitzero"`
	// Undoes is the sequence of the entry whose steps this one puts back, 0 if none.
	// UndoneBy are the sequences of those that put its own back, the last ones first.
	Undoes   int64   `json:"undoes,omitempty"`
	UndoneBy []int64 `json:"undone_by,omitempty"`
	// OfCopy is set on one that removes a copy which the entry that it undoes made.
	OfCopy bool `json:"of_copy,omitempty"`
	// Decided is the clock of the decision; a step that is older than a few
	// minutes is decided again with this clock.
	Decided time.Time `json:"decided"`
	// Flags are the message's flags as the decision saw them.
	Flags []imap.Flag `json:"flags,omitempty"`
	// Labels are Gmail's as the decision saw them, where the plan changes some.
	Labels []string `json:"labels,omitempty"`
	// Plan is the whole decision, superseded items included.
	Plan  actions.Plan `json:"plan"`
	Steps []Step       `json:"steps,omitempty"`
	State EntryState   `json:"state"`
	// Reason explains the state to a person: why held, failed or kept.
	Reason string `json:"reason,omitempty"`
	// Errors holds, by rule, why it could not be evaluated.
	Errors map[string]string `json:"errors,omitempty"`
	// Skipped holds, by rule, why it must not act on this message: it did so
	// before. A later decision skips the same rules.
	Skipped map[string]string `json:"skipped,omitempty"`
	// Tries counts failures that were this message's own, NextTry is when the
	// next attempt is due.
	Tries   int       `json:"tries,omitempty"`
	NextTry time.Time `json:"next_try,omitzero"`
	// Updated is when the entry was last written.
	Updated time.Time `json:"updated"`
}

// Step is one action on the message, with its target resolved.
type Step struct {
	Action *actions.Action `json:"action"`
	Rule   string          `json:"rule"`
	Hash   string          `json:"hash,omitempty"`
	Index  int             `json:"index"`
	// Target is the mailbox in the server's spelling, "" for flags; see Abroad for
	// one of another account.
	Target string `json:"target,omitempty"`
	// There is the server's spelling of a target in another account. It is "" until
	// the step is about to be sent: until then nothing is known of the target.
	There string `json:"there,omitempty"`
	// Adds is set where the step adds a message of its own.
	Adds *Addition `json:"adds,omitempty"`
	// Delivery is the ID of the delivery that does the step, where it leaves the
	// mailbox.
	Delivery string `json:"delivery,omitempty"`
	// TargetValidity and TargetNext are the target's UIDVALIDITY and UIDNEXT
	// when the step was recorded: a copy has a UID at or above TargetNext.
	// Zero TargetValidity: the target did not exist.
	TargetValidity uint32    `json:"target_validity,omitempty"`
	TargetNext     imap.UID  `json:"target_next,omitempty"`
	State          StepState `json:"state"`
	// Doubt is set where the step may have been done by a process of which the
	// journal tells nothing, since it was restored from a backup: its copy may
	// lie below TargetNext.
	Doubt bool `json:"doubt,omitempty"`
	// TargetUID is where the copy is, 0 if unknown.
	TargetUID imap.UID  `json:"target_uid,omitempty"`
	At        time.Time `json:"at,omitzero"` // when it reached its state
	Error     string    `json:"error,omitempty"`
}

// Addition is the message that a step adds: the same record makes the same message.
type Addition struct {
	// ID is in its header, and in that of no other message.
	ID string `json:"id"`
	// From is the address that it is from, where it is a note.
	From string `json:"from,omitempty"`
	// Print is its fingerprint, as far as the server changes nothing.
	Print Fingerprint `json:"print"`
}

// Arrives is the fingerprint of what a step of an entry brings to its target.
func (s Step) Arrives(e Entry) Fingerprint {
	if s.Adds != nil {
		return s.Adds.Print
	}
	return e.Print
}

// Next returns the index of the first step that is not finished, -1 if none.
func (e *Entry) Next() int {
	for i := range e.Steps {
		if e.Steps[i].State == Recorded {
			return i
		}
	}
	return -1
}

// Expected is an arrival that imapilot itself is about to cause. The scan of
// the target consumes it, so that it fires no rule there.
type Expected struct {
	// ID is unique in the account: derived from entry and step.
	ID          string
	Mailbox     string // target, server's spelling
	UIDValidity uint32 // 0: any, the mailbox is about to be created
	UIDNext     imap.UID
	Print       Fingerprint
	Recorded    time.Time
}

// Pause stops one target of an account until it is probed successfully.
type Pause struct {
	// Target is a mailbox, of another account too (see Abroad), or "" for the whole
	// account.
	Target string    `json:"target"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	Probe  time.Time `json:"probe"` // when it is tried next
}

// Creation is one mailbox that a rule created.
type Creation struct {
	Rule    string
	Mailbox string
	At      time.Time
}

// Run is the last run of a scheduled rule in one account.
type Run struct {
	Rule string `json:"rule"`
	// Due is the instant of the schedule that it was for. A rule that never ran
	// has one, too: when it was first seen.
	Due time.Time `json:"due"`
	// Started and Ended are zero for a rule that never ran; Ended is zero while
	// one is under way, or when it was cut off: it goes on then.
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	// Missed counts the earlier instants that it stands for.
	Missed int `json:"missed,omitempty"`
	// Looked counts the messages that were looked at, Acted those that it acts on
	// and Held those of them that its limit held back.
	Looked int `json:"looked,omitempty"`
	Acted  int `json:"acted,omitempty"`
	Held   int `json:"held,omitempty"`
	// Error is why it did not come to its end, "" if it did.
	Error string `json:"error,omitempty"`
}

// Flagged is the set of messages of a mailbox that carried a flag when it was
// looked at last.
type Flagged struct {
	Mailbox     string
	Flag        imap.Flag
	UIDValidity uint32
	// ModSeq is the mailbox's HIGHESTMODSEQ then (RFC 7162), 0 where it has none.
	ModSeq uint64
	UIDs   imap.UIDSet
}

// Event is one line of the account's history, for people and machines.
type Event struct {
	ID      int64     `json:"id"` // assigned by the journal
	Account string    `json:"account"`
	At      time.Time `json:"at"` // written as zero it is the batch's
	// Kind is a word of the table in package engine: "baseline", "held", ...
	Kind    string   `json:"kind"`
	Mailbox string   `json:"mailbox,omitempty"`
	UID     imap.UID `json:"uid,omitempty"`
	Rule    string   `json:"rule,omitempty"`
	Seq     int64    `json:"seq,omitempty"`
	Text    string   `json:"text"`
}
