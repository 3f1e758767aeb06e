package engine

import (
	"time"

	"imapilot/engine/journal"
)

// Status is what the daemon knows of itself, for people and machines.
type Status struct {
	Version  string          `json:"version"`
	PID      int             `json:"pid"`
	Started  time.Time       `json:"started"`
	Config   string          `json:"config"`
	State    string          `json:"state"`
	DryRun   bool            `json:"dry_run"`
	Rules    int             `json:"rules"`
	Accounts []AccountStatus `json:"accounts"`
	// Ready is set when every watched mailbox is: Troubles are why it is not, the
	// worst first.
	Ready    bool      `json:"ready"`
	Troubles []Trouble `json:"troubles,omitempty"`
	// Notices are what was told and is not over yet.
	Notices []Notice `json:"notices,omitempty"`
}

// AccountState says what an account is doing.
type AccountState string

// The states of an account.
const (
	Connecting AccountState = "connecting"
	Queued     AccountState = "queued" // it waits for its turn to log in
	Watching   AccountState = "watching"
	Waiting    AccountState = "waiting" // for the next attempt to connect
	Parked     AccountState = "parked"  // the login was refused; see Error
	Fenced     AccountState = "fenced"  // another process has the account
	Stopped    AccountState = "stopped"
)

// AccountStatus is one account.
type AccountStatus struct {
	Name  string       `json:"name"`
	Host  string       `json:"host"`
	State AccountState `json:"state"`
	// Error is the last failure, "" when all is well.
	Error   string    `json:"error,omitempty"`
	NextTry time.Time `json:"next_try,omitzero"`
	// LastProof is when the server last proved that it answers.
	LastProof time.Time `json:"last_proof,omitzero"`
	// CaughtUp is when all of its mailboxes had been scanned for the first time in
	// this process, zero if they were not yet.
	CaughtUp    time.Time `json:"caught_up,omitzero"`
	Connections int       `json:"connections"`
	// Logins counts those that worked since the start, LoginFailures the others.
	Logins        int             `json:"logins"`
	LoginFailures int             `json:"login_failures"`
	DryRun        bool            `json:"dry_run"`
	Mailboxes     []MailboxStatus `json:"mailboxes"`
	// Fallbacks are what the server announced and refused since the start, and what it
	// does not do well enough for now.
	Fallbacks []Fallback `json:"fallbacks,omitempty"`
	// RuleErrors are the rules that could not be evaluated for some message since
	// the start, sorted by name.
	RuleErrors []RuleErrors `json:"rule_errors,omitempty"`
	// Pauses are the targets that are paused, and why.
	Pauses []journal.Pause `json:"pauses,omitempty"`
	// Resting are the endpoints that took none of the last calls.
	Resting []Resting `json:"resting,omitempty"`
	// Snoozed counts the messages that are snoozed.
	Snoozed journal.SnoozedSummary `json:"snoozed,omitzero"`
	// Entries counts what the journal holds by state, Deliveries the webhooks.
	Entries    map[journal.EntryState]int    `json:"entries,omitempty"`
	Deliveries map[journal.DeliveryState]int `json:"deliveries,omitempty"`
	// Troubles are why the account is not ready, the worst first.
	Troubles []Trouble `json:"-"`

	since time.Time // of its state
	began time.Time // when this process began with it
}

// Resting is an endpoint that is left alone until some time, because it took none of
// the last calls, or for another reason, Why.
type Resting struct {
	Endpoint string    `json:"endpoint"`
	Until    time.Time `json:"until"`
	Why      string    `json:"why,omitempty"`
}

// RuleErrors counts the messages for which a rule could not be evaluated. It
// took no action there.
type RuleErrors struct {
	Rule     string    `json:"rule"`
	Messages int       `json:"messages"`
	Last     string    `json:"last"` // why, the last time
	At       time.Time `json:"at"`
}

// MailboxStatus is one watched mailbox.
type MailboxStatus struct {
	Name string `json:"name"`
	// Watch is how it is watched, "notify", "idle" or "poll 1m0s", "" while there is no connection.
	Watch string `json:"watch"`
	// LastProof is when the server last proved that it answers for this mailbox, LastScan
	// when this connection last looked through it, LastMessage when this process last
	// saw a new message.
	LastProof   time.Time `json:"last_proof,omitzero"`
	LastScan    time.Time `json:"last_scan,omitzero"`
	LastMessage time.Time `json:"last_message,omitzero"`
	// Silent is for how long the server has proved nothing, counted from the start where
	// it never did, Bound how long that may be. Stale is set beyond it.
	Silent Seconds `json:"silent_seconds"`
	Bound  Seconds `json:"stale_after_seconds"`
	Stale  bool    `json:"stale"`
	// Lag is for how long something has been known to wait there: since the mailbox was
	// announced, or could not be scanned, and was not scanned to the end.
	Lag      Seconds `json:"lag_seconds"`
	Messages uint32  `json:"messages"`
	// Error is the last failure of this mailbox, Since when it has failed in a row, and
	// NextTry when it is tried again. They are empty when all is well.
	Error   string    `json:"error,omitempty"`
	Since   time.Time `json:"error_since,omitzero"`
	NextTry time.Time `json:"next_try,omitzero"`

	server string    // its name there
	known  time.Time // since when this process knows it
}
