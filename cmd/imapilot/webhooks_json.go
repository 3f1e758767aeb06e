package main

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/journal"
)

// callJSON is what webhooks list prints of one call; --help lists its keys, which
// stay.
type callJSON struct {
	Type       string                `json:"type"` // "call"
	ID         string                `json:"id"`
	Account    string                `json:"account"`
	Endpoint   string                `json:"endpoint"`
	Rule       string                `json:"rule"`
	State      journal.DeliveryState `json:"state"`
	Message    string                `json:"message,omitempty"`
	Attempts   int                   `json:"attempts"`
	Restarted  int                   `json:"restarted"`
	Next       time.Time             `json:"next,omitzero"`
	Held       string                `json:"held,omitempty"`
	Digest     string                `json:"digest,omitempty"`
	LastStatus int                   `json:"last_status,omitempty"`
	LastError  string                `json:"last_error,omitempty"`
	Created    time.Time             `json:"created"`
	Time       time.Time             `json:"time"`
}

// disabledJSON is what it prints of an endpoint that wants no more calls.
type disabledJSON struct {
	Type     string    `json:"type"` // "disabled"
	Account  string    `json:"account"`
	Endpoint string    `json:"endpoint"`
	Since    time.Time `json:"since"`
	Reason   string    `json:"reason"`
}

// wholeCallJSON is what webhooks show prints.
type wholeCallJSON struct {
	callJSON
	Receiver string            `json:"receiver,omitempty"`
	About    *callMessageJSON  `json:"about,omitempty"`
	URL      map[string]string `json:"url,omitempty"`
	Raw      *rawJSON          `json:"raw,omitempty"`
	Made     []attemptJSON     `json:"made"`
	// Payload is the document itself where it is JSON, else its text.
	Payload any `json:"payload"`
}

// rawJSON is what was recorded of a message as it is, and whether it is still there.
type rawJSON struct {
	Size int64 `json:"size"`
	Kept bool  `json:"kept"`
}

// callMessageJSON is the message that a call is about.
type callMessageJSON struct {
	Mailbox     string   `json:"mailbox"`
	UIDValidity uint32   `json:"uidvalidity"`
	UID         imap.UID `json:"uid"`
	MessageID   string   `json:"message_id,omitempty"`
	From        string   `json:"from,omitempty"`
	Subject     string   `json:"subject,omitempty"`
}

// attemptJSON is one attempt; of one without a record the number is all.
type attemptJSON struct {
	N      int       `json:"n"`
	Time   time.Time `json:"time,omitzero"`
	Took   float64   `json:"took,omitempty"` // seconds
	Status int       `json:"status,omitempty"`
	Error  string    `json:"error,omitempty"`
	Answer string    `json:"answer,omitempty"`
	// Note says why there is no more to say.
	Note string `json:"note,omitempty"`
}

func callToJSON(d journal.Delivery) callJSON {
	out := callJSON{
		Type: "call", ID: d.ID, Account: d.Account, Endpoint: d.Endpoint, Rule: d.Rule, State: d.State, Attempts: d.Attempts, Restarted: d.Restarted,
		Held: d.Held, Digest: d.Digest, LastStatus: d.LastStatus, LastError: d.LastError, Created: d.Created, Time: d.Updated,
	}
	if d.Seq > 0 {
		out.Message = idOf(d.Account, d.Seq, false)
	}
	if d.State == journal.Pending {
		out.Next = d.Next
	}
	return out
}

func (w wholeCall) json() wholeCallJSON {
	out := wholeCallJSON{callJSON: callToJSON(w.Delivery), Receiver: w.receiver, URL: w.URL, Made: []attemptJSON{}}
	payload := bytes.ToValidUTF8(w.Payload, []byte("\uFFFD"))
	if out.Payload = string(payload); json.Valid(payload) {
		out.Payload = json.RawMessage(payload)
	}
	if e := w.entry; e != nil {
		out.About = &callMessageJSON{e.Mailbox, e.UIDValidity, e.UID, e.Print.MessageID, e.From, e.Subject}
	}
	if w.RawSize > 0 {
		out.Raw = &rawJSON{w.RawSize, w.RawKept}
	}
	for _, t := range w.attempts {
		out.Made = append(out.Made, attemptJSON{t.N, t.At, t.Took.Seconds(), t.Status, t.Error, t.Answer, t.note})
	}
	return out
}

// printCalls prints an object a line.
func (a *app) printCalls(disabled []disabledEndpoint, calls []journal.Delivery) error {
	for _, x := range disabled {
		if err := a.printLine(disabledJSON{"disabled", x.account, x.Endpoint, x.Since, x.Reason}); err != nil {
			return err
		}
	}
	for _, d := range calls {
		if err := a.printLine(callToJSON(d)); err != nil {
			return err
		}
	}
	return nil
}
