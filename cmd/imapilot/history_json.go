package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf16"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// historyJSON is what history prints of one message; --help lists its keys,
// which stay.
type historyJSON struct {
	Type        string              `json:"type"` // "message"
	ID          string              `json:"id"`
	Account     string              `json:"account"`
	Seq         int64               `json:"seq"`
	Time        time.Time           `json:"time"`
	Outcome     journal.EntryState  `json:"outcome"`
	Reason      string              `json:"reason,omitempty"`
	Mailbox     string              `json:"mailbox"`
	UIDValidity uint32              `json:"uidvalidity"`
	UID         imap.UID            `json:"uid"`
	MessageID   string              `json:"message_id,omitempty"`
	Received    time.Time           `json:"received,omitzero"`
	Size        int64               `json:"size"`
	From        string              `json:"from,omitempty"`
	Subject     string              `json:"subject,omitempty"`
	Trigger     string              `json:"trigger"`
	Undoes      int64               `json:"undoes,omitempty"`
	UndoneBy    []int64             `json:"undone_by,omitempty"`
	Decided     time.Time           `json:"decided"`
	Flags       []imap.Flag         `json:"flags"`
	Actions     []historyActionJSON `json:"actions"`
	Steps       []historyStepJSON   `json:"steps"`
	RulesFailed map[string]string   `json:"rules_failed,omitempty"`
	RulesPassed map[string]string   `json:"rules_passed_over,omitempty"`
	Tries       int                 `json:"tries"`
	NextTry     time.Time           `json:"next_try,omitzero"`
	Paused      *journal.Pause      `json:"paused,omitempty"`
	Webhooks    []historyHookJSON   `json:"webhooks"`
}

type historyActionJSON struct {
	Action       string `json:"action"`
	Rule         string `json:"rule"`
	Hash         string `json:"hash,omitempty"`
	SupersededBy string `json:"superseded_by,omitempty"`
}

type historyStepJSON struct {
	Action    string            `json:"action"`
	Rule      string            `json:"rule"`
	Target    string            `json:"target,omitempty"`
	TargetUID imap.UID          `json:"target_uid,omitempty"`
	State     journal.StepState `json:"state"`
	Time      time.Time         `json:"time,omitzero"`
	Error     string            `json:"error,omitempty"`
	Answer    string            `json:"answer,omitempty"`
}

type historyHookJSON struct {
	ID         string                `json:"id"`
	Webhook    string                `json:"webhook"`
	Rule       string                `json:"rule"`
	State      journal.DeliveryState `json:"state"`
	Attempts   int                   `json:"attempts"`
	Next       time.Time             `json:"next,omitzero"` // while it is pending
	LastStatus int                   `json:"last_status,omitempty"`
	LastError  string                `json:"last_error,omitempty"`
	Created    time.Time             `json:"created"`
	Time       time.Time             `json:"time"`
}

// eventJSON is what history prints of one event.
type eventJSON struct {
	Type    string    `json:"type"` // "event"
	ID      int64     `json:"id"`
	Account string    `json:"account"`
	Time    time.Time `json:"time"`
	Event   string    `json:"event"`
	Mailbox string    `json:"mailbox,omitempty"`
	UID     imap.UID  `json:"uid,omitempty"`
	Rule    string    `json:"rule,omitempty"`
	Text    string    `json:"text"`
}

func (r record) json() historyJSON {
	out := historyJSON{
		Type: "message", ID: idOf(r.account, r.Seq, false), Account: r.account, Seq: r.Seq, Time: r.Updated,
		Outcome: r.State, Reason: r.Reason, Mailbox: r.Mailbox, UIDValidity: r.UIDValidity, UID: r.UID,
		MessageID: r.Print.MessageID, Received: r.Print.Received, Size: r.Print.Size, From: r.From, Subject: r.Subject,
		Trigger: r.Trigger, Undoes: r.Undoes, UndoneBy: r.UndoneBy, Decided: r.Decided, Flags: append([]imap.Flag{}, r.Flags...), Actions: recordedActions(r.Plan),
		Steps: []historyStepJSON{}, RulesFailed: r.Errors, RulesPassed: r.Skipped, Tries: r.Tries, Paused: r.paused,
		Webhooks: []historyHookJSON{},
	}
	if r.State == journal.Open {
		out.NextTry = r.NextTry
	}
	for _, s := range r.Steps {
		out.Steps = append(out.Steps, historyStepJSON{s.Action.String(), s.Rule, journal.ShowTarget(s.Target), s.TargetUID, s.State, s.At, s.Error, r.answers[s.Delivery]})
	}
	for _, d := range r.webhooks {
		hook := historyHookJSON{d.ID, d.Endpoint, d.Rule, d.State, d.Attempts, d.Next, d.LastStatus, d.LastError, d.Created, d.Updated}
		if d.State != journal.Pending {
			hook.Next = time.Time{}
		}
		out.Webhooks = append(out.Webhooks, hook)
	}
	return out
}

func recordedActions(p actions.Plan) []historyActionJSON {
	out := []historyActionJSON{}
	for _, item := range p.Items {
		out = append(out, historyActionJSON{item.Action.String(), item.Rule, item.Hash, item.SupersededBy})
	}
	return out
}

func eventToJSON(e journal.Event) eventJSON {
	return eventJSON{"event", e.ID, e.Account, e.At, e.Kind, e.Mailbox, e.UID, e.Rule, e.Text}
}

// jsonLine is a value on one line. What a terminal could take for a command is
// escaped, for JSON itself lets most of it pass.
func jsonLine(v any) (string, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	var out bytes.Buffer
	for _, r := range string(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))) {
		switch {
		case !hidden(r):
			out.WriteRune(r)
		case r > 0xffff: // RFC 8259 section 7
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String() + "\n", nil
}
