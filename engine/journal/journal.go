package journal

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2"
)

// The errors of a journal. Everything else is wrapped in ErrUnavailable.
var (
	// ErrFenced: another process has taken the account over. Final: the
	// holder stops and does nothing more for it.
	ErrFenced = errors.New("another process has taken over this account")
	// ErrConflict: a cursor was not at the version that the commit expected.
	ErrConflict = errors.New("the cursor was moved by somebody else")
	// ErrUnavailable: nothing was written; pause and try again.
	ErrUnavailable = errors.New("the journal is unavailable")
	// ErrUnknown: the commit may or may not have happened; look.
	ErrUnknown = errors.New("the journal does not know whether it committed")
	// ErrNewer: the file was written by a newer version of imapilot.
	ErrNewer = errors.New("the journal was written by a newer version")
)

// Journal is the durable record. It is safe for concurrent use.
type Journal interface {
	// Acquire takes the lease of an account for holder, bumps its epoch and
	// returns everything that the owner needs to go on. Whoever held the
	// lease before is fenced from then on.
	Acquire(ctx context.Context, account, holder string) (Ownership, Snapshot, error)
	// Commit writes a batch of one account, all or nothing. When it returns
	// nil the batch survives power loss.
	Commit(ctx context.Context, own Ownership, b Batch) error
	// Entries returns entries in order of their sequence, or as q.ByTime says.
	Entries(ctx context.Context, q Query) ([]Entry, error)
	// Any reports whether Entries would return one.
	Any(ctx context.Context, q Query) (bool, error)
	// Outcomes counts, by state, the entries of a trigger that were written since a
	// time. What was decided before it, and is withdrawn or undone now, is no outcome
	// of it.
	Outcomes(ctx context.Context, account, trigger string, since time.Time) (map[EntryState]int, error)
	// Acted returns the entries of an account, newest first and at most 32 a
	// fingerprint, in which a message with one of the fingerprints had at
	// least one step done, or left undone because the user won. It answers
	// "was this message here before, and what did we do with it". A fingerprint
	// finds the newest 16 with its EMAILID, if it has one, and the newest 16 with
	// its Message-ID, date and size, whatever their EMAILID.
	Acted(ctx context.Context, account string, prints []Fingerprint) ([]Entry, error)
	// Snoozed returns the messages of an account that are to come back, the next one
	// first.
	Snoozed(ctx context.Context, account string) ([]Snoozed, error)
	// Known returns the fingerprints of a mailbox under one UIDVALIDITY.
	Known(ctx context.Context, account, mailbox string, uidValidity uint32) ([]Known, error)
	// Seen returns, by Message-ID, where the account handled messages with it
	// and whether another message refers to it, in one view of the journal. An
	// ID of which it knows nothing has no element, nor has "". It looks at the
	// newest [Window] messages of each mailbox, whatever their UIDVALIDITY,
	// and at the newest [ReferenceWindow] references. IDs compare byte for byte.
	Seen(ctx context.Context, account string, ids []string) (map[string]Trace, error)
	// Deliveries returns deliveries in order of their next attempt.
	Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error)
	// Attempts returns what came of the calls of one delivery, in their order.
	Attempts(ctx context.Context, account, id string) ([]Attempt, error)
	// Raw returns what a delivery sends of its message, and whether there is anything
	// (any more).
	Raw(ctx context.Context, account, id string) (Raw, bool, error)
	// Tail returns events with an ID above after, oldest first; a negative
	// after asks for the newest instead, oldest first too. Pages, the history
	// and metrics read it. Account "" means all.
	Tail(ctx context.Context, account string, after int64, limit int) ([]Event, error)
	// Summary returns what the journal holds, without taking any lease: it is
	// what a status command shows when no daemon runs.
	Summary(ctx context.Context) ([]AccountSummary, error)
	// Close releases the journal.
	Close() error
}

// Ownership proves that its holder has the lease of an account.
type Ownership struct {
	Account string
	Epoch   int64
}

// Snapshot is what an owner starts from.
type Snapshot struct {
	// Fresh is set when the journal knows nothing of the account: every
	// mailbox is then baselined at what it holds.
	Fresh bool
	// NextSeq is the first unused entry sequence of the account.
	NextSeq  int64
	Cursors  []Cursor
	Open     []Entry // entries in state Open, in order of sequence
	Expected []Expected
	Pauses   []Pause
	// Created counts mailboxes created by each rule in the last 24 hours.
	Created []Creation
	// Runs are the last runs of scheduled rules, Flagged the flags that were seen.
	Runs    []Run
	Flagged []Flagged
	// Disabled are the endpoints that want no more calls.
	Disabled []Disabled
	// Snoozed are the messages that are to come back, the next one first.
	Snoozed []Snoozed
	// Listed is when the mailboxes of the account were last listed, zero if
	// never: the high-water mark of a mailbox that appears later.
	Listed time.Time
}

// Batch is what one commit writes. Empty parts change nothing.
type Batch struct {
	// At is the time of the commit, by the owner's clock.
	At time.Time
	// Cursors are written when the stored version is Version-1 (0: absent).
	Cursors []Cursor
	// Forget drops the cursor and the fingerprints of mailboxes that are gone.
	Forget []string
	// Known adds fingerprints of handled messages; the driver keeps the
	// newest Window of a mailbox.
	Known []KnownBatch
	// References adds what handled messages refer to; the driver keeps the
	// newest ReferenceWindow of them, and none for ever. One without a
	// Message-ID is left out.
	References []Reference
	// Entries are inserted or, when the sequence exists, replaced.
	Entries []Entry
	// Expect adds arrivals that imapilot is about to cause; Arrived removes
	// those that came or never will, by ID.
	Expect  []Expected
	Arrived []string
	// Deliveries are inserted or, when the ID exists, replaced, but for their
	// payload and the values of their URL, which stay what they were. Attempts are of deliveries that exist.
	Deliveries []Delivery
	Attempts   []Attempt
	// Raws are of deliveries that exist, or that the batch adds; one that a delivery
	// has is replaced.
	Raws []Raw
	// Release ends the waiting of deliveries, after Deliveries are written.
	Release []Release
	// Disabled are set by endpoint; Enabled clears them.
	Disabled []Disabled
	Enabled  []string
	// Pauses are set by target; Resume clears them.
	Pauses  []Pause
	Resume  []string
	Created []Creation
	Events  []Event
	// Runs and Flagged replace those of the same rule, and of the same mailbox and
	// flag, in whatever case it is spelled.
	Runs    []Run
	Flagged []Flagged
	// Snoozed replace those of the same entries; Woken removes those that come back
	// or never will, by the sequences of their entries.
	Snoozed []Snoozed
	Woken   []int64
	// Keep are the sequences of entries by which a rule on a clock knows a message
	// that it has just seen again: they are not pruned for [ActKept].
	Keep []int64
	// Listed records a completed listing of the account's mailboxes.
	Listed time.Time
}

// Window is how many fingerprints a mailbox keeps.
const Window = 10_000

// ActKept is how long an entry of a scheduled rule is kept after the rule last
// saw its message: a rule that runs once a year remembers.
const ActKept = 400 * 24 * time.Hour

// ReferenceWindow is how many references an account keeps.
const ReferenceWindow = 100_000

// TraceEnds is how many sightings of one Message-ID [Journal.Seen] returns
// from each end: the oldest and the newest.
const TraceEnds = 8

// Query selects entries. Zero fields do not restrict.
type Query struct {
	// Mailbox is in the server's spelling.
	Account, Mailbox, Rule string
	// Spelled is a mailbox as a user writes it; see [SpelledAs].
	Spelled string
	// MessageID may lack its angle brackets.
	MessageID string
	UID       uint32
	// UIDValidity, FirstUID and LastUID restrict to places; they need Mailbox.
	UIDValidity       uint32
	FirstUID, LastUID imap.UID
	// Seqs are sequences of an account, at most [MaxSeqs].
	Seqs   []int64
	States []EntryState
	// Acted restricts to those that [Journal.Acted] may find.
	Acted bool
	// Trigger is what made an entry be decided.
	Trigger string
	// Since and Until compare with when an entry was last written, both
	// included.
	Since, Until time.Time
	// After restricts to entries that come later than a mark in the order of
	// ByTime, so that a long answer can be read page by page.
	After Mark
	Limit int // 0: no limit
	// Newest takes the last Limit entries instead of the first.
	Newest bool
	// ByTime orders by when entries were last written, then by sequence.
	ByTime bool
}

// MaxSeqs is how many sequences one query may name.
const MaxSeqs = 10_000

// Mark is a place in the order in which the entries of an account were last
// written.
type Mark struct {
	Updated time.Time
	Seq     int64
}

// DeliveryQuery selects deliveries. Zero fields do not restrict.
type DeliveryQuery struct {
	Account, Endpoint, ID, Sender string
	// IDPrefix is how an ID begins.
	IDPrefix string
	// Seqs are the sequences of the entries that they belong to, at most
	// [MaxSeqs].
	Seqs   []int64
	States []DeliveryState
	// Due restricts to those whose next attempt is not after it, Since to those
	// that were made then or later.
	Due, Since time.Time
	// NextFrom restricts to those whose next attempt is not before it. An attempt moves
	// that of its delivery, so that those are among them that were attempted since.
	NextFrom time.Time
	// First leaves out those about a message of which an earlier one to the same
	// endpoint is still pending.
	First bool
	// Newest is the order of their making, the newest first; Latest is that of their
	// next attempt, the latest first.
	Newest, Latest bool
	// Fresh restricts to those about one message that were not tried yet and send no
	// raw message, Ready to
	// the others.
	Fresh, Ready bool
	// Held restricts to those that are, or were, held back for a reason, Touched to
	// those that were written then or later.
	Held    string
	Touched time.Time
	Limit   int
	// Bare leaves the payloads out, which may have 20 kB each.
	Bare bool
}

// AccountSummary counts what the journal holds of an account.
type AccountSummary struct {
	Account  string
	Epoch    int64
	Holder   string
	Acquired time.Time
	Cursors  []Cursor
	Pauses   []Pause
	Runs     []Run
	Disabled []Disabled
	Snoozed  SnoozedSummary
	// Entries counts entries by state, Deliveries deliveries by state.
	Entries    map[EntryState]int
	Deliveries map[DeliveryState]int
}
