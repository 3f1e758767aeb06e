package journal

import "time"

// DeliveryState is how far a webhook came.
type DeliveryState string

// The states of a delivery.
const (
	Pending   DeliveryState = "pending"
	Delivered DeliveryState = "delivered"
	Dead      DeliveryState = "dead" // given up; the reason is in the last attempt
)

// Delivery is one row of the outbox: a webhook call that is owed. Its ID never
// changes, so a receiver can tell a repeated call.
type Delivery struct {
	// ID is the webhook-id: derived from account, UIDVALIDITY, UID, rule and
	// action, so that a decision taken again after a restore has the same.
	ID       string    `json:"id"`
	Account  string    `json:"account"`
	Endpoint string    `json:"endpoint"`
	Rule     string    `json:"rule"`
	Seq      int64     `json:"seq"` // the entry
	Payload  []byte    `json:"payload"`
	Created  time.Time `json:"created"`
	// Attempts counts calls, including one that is under way: it is stored
	// before the call is made.
	Attempts int           `json:"attempts"`
	Next     time.Time     `json:"next"`
	State    DeliveryState `json:"state"`
	// LastStatus is the HTTP status of the last answer, 0 if there was none;
	// LastError says what went wrong.
	LastStatus int       `json:"last_status,omitempty"`
	LastError  string    `json:"last_error,omitempty"`
	Updated    time.Time `json:"updated"`
}
