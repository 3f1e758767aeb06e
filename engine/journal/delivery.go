package journal

import "time"

// DeliveryState is how far a webhook came.
type DeliveryState string

// The states of a delivery.
const (
	// Waiting: it is sent when the other actions on its message are done.
	Waiting   DeliveryState = "waiting"
	Pending   DeliveryState = "pending"
	Delivered DeliveryState = "delivered"
	// Dead: given up; the reason is in the last attempt.
	Dead DeliveryState = "dead"
	// Cancelled: the actions that it waited for will not be done.
	Cancelled DeliveryState = "cancelled"
	// Gathered: another call, its Digest, says what it would have said.
	Gathered DeliveryState = "gathered"
)

// Why a delivery is held back.
const (
	HeldByQuietHours = "quiet_hours"
	HeldByRate       = "rate_limit"
	HeldByServer     = "mail_server"
)

// DeliveryStates lists every state in the order in which tables show them.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{Pending, Waiting, Dead, Delivered, Gathered, Cancelled}
}

// Delivery is one row of the outbox: a webhook call that is owed, or a step that
// leaves the mailbox. Its ID never changes, so a receiver can tell a repeated call.
type Delivery struct {
	// ID is the webhook-id: derived from account, UIDVALIDITY, UID, rule and
	// action, so that a decision taken again after a restore has the same.
	ID      string `json:"id"`
	Account string `json:"account"`
	// Endpoint is the name of the webhook, or the word of the action that leaves the
	// mailbox, which no webhook has.
	Endpoint string `json:"endpoint"`
	Rule     string `json:"rule"`
	Seq      int64  `json:"seq"` // the entry
	// About names the message: of the calls about one message to one endpoint,
	// each is due only when none before it is pending. "" is no message.
	About string `json:"about,omitempty"`
	// Sender is the address that the message is from, in lower case; of a reply it is
	// the one that is answered.
	Sender string `json:"sender,omitempty"`
	// Held is why it is held back until Next, "" where it is not.
	Held string `json:"held,omitempty"`
	// Digest is the ID of the delivery that says what this one would have said.
	Digest  string `json:"digest,omitempty"`
	Payload []byte `json:"payload"`
	// URL holds the values of the ${expressions} in the URL of the endpoint, by their
	// texts. The URL itself, which may hold a token, is in no journal.
	URL     map[string]string `json:"url,omitempty"`
	Created time.Time         `json:"created"`
	// Attempts counts calls, including one that is under way: it is stored
	// before the call is made. Restarted of them do not count towards the schedule:
	// those before the call was last replayed, and those that a crash ended, which
	// have no record when the lease is taken again.
	Attempts  int           `json:"attempts"`
	Restarted int           `json:"restarted,omitempty"`
	Next      time.Time     `json:"next"`
	State     DeliveryState `json:"state"`
	// LastStatus is the HTTP status of the last answer, 0 if there was none;
	// LastError says what went wrong.
	LastStatus int       `json:"last_status,omitempty"`
	LastError  string    `json:"last_error,omitempty"`
	Updated    time.Time `json:"updated"`
	// RawSize is how many octets of the message were recorded with the call, 0 for
	// none, and RawKept whether they are still there. They are read only: a batch
	// writes them as its Raws.
	RawSize int64 `json:"raw_size,omitempty"`
	RawKept bool  `json:"raw_kept,omitempty"`
}

// Raw is what a delivery sends of its message as the server gave it (RFC 5322). It is
// kept until the delivery is delivered, cancelled or gathered, or is pruned.
type Raw struct {
	ID   string // of the delivery
	Data []byte
	// Truncated is set when the message is longer than Data.
	Truncated bool
}

// CutOff is the Error of an attempt that the end of a process cut off: whether the
// call was made is not known.
const CutOff = "the process ended during it"

// Attempt is what came of one call.
type Attempt struct {
	// ID is that of the delivery, N the number of the attempt, from 1. An attempt
	// that is under way has a number and no record.
	ID   string        `json:"id"`
	N    int           `json:"n"`
	At   time.Time     `json:"at"`
	Took time.Duration `json:"took"`
	// Status is the HTTP status, 0 where no answer came; Error is "" for a
	// success. Answer is the begin of what the receiver said, at most 512 octets.
	Status int    `json:"status,omitempty"`
	Error  string `json:"error,omitempty"`
	Answer string `json:"answer,omitempty"`
}

// Release ends the waiting of the calls of one entry, or of one of them: they become
// pending, with Result as the member "result" of their document, or they are
// cancelled. A document that has such a member keeps it, and one that is no object
// stays as it is.
type Release struct {
	Seq   int64
	ID    string // "": all of the entry
	State DeliveryState
	// From are the states in which it finds them; none is Waiting alone. Those that
	// were given up or cancelled begin their schedule anew.
	From   []DeliveryState
	Result []byte // JSON
}

// Disabled is an endpoint that said that it wants no more calls (HTTP 410).
type Disabled struct {
	Endpoint string `json:"endpoint"`
	// URL is a digest of the URL that said it: another one is another receiver.
	URL    string    `json:"-"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}
