package config

import (
	"crypto/sha256"
	"time"

	"imapilot/engine/schedule"
	"imapilot/rules"
	"imapilot/rules/ruletest"
)

// Config is a configuration that was loaded without an error.
type Config struct {
	// Path is the file that was loaded, Files all of them: includes too, and
	// the files of lists.
	Path  string
	Files []string
	// State is the path of the journal.
	State    string
	Location *time.Location
	// BodyLimit is how many bytes of a message's text rules see; default 64 KiB,
	// at most 4 MiB.
	BodyLimit int
	// DryRun decides and records for every account, and touches nothing.
	DryRun   bool
	Accounts []Account
	// Hosts are the mail servers whose accounts share more than the default.
	Hosts    []Host
	Webhooks []Webhook
	// Public lets webhooks go to public addresses only, where they do not say
	// otherwise.
	Public bool
	// SMTP is the mail server of the accounts that have none of their own, nil for none.
	SMTP *SMTP
	// Admin is the listener that tells whether the daemon is alive, nil for none.
	Admin   *Admin
	Notices Notices
	// StaleAfter is that of the accounts that say none of their own, 0 for none.
	StaleAfter time.Duration
	// Allow are the actions that may leave the mailbox, as in exec.
	Allow []string
	Rules *rules.Ruleset
	// Source is what Rules were compiled from; expressions that are not part of
	// the configuration are evaluated with it.
	Source rules.Source
	Tests  []ruletest.Case
	// Schedules are those of the rules on a clock, in the order of the rules.
	Schedules []RuleSchedule
}

// RuleSchedule is when a rule on a clock runs.
type RuleSchedule struct {
	Rule string
	At   schedule.Schedule
	// Jitter is by how much at most a run begins later, 0 to 24 hours.
	Jitter time.Duration
	// CatchUp is set where one run makes up for those that were missed.
	CatchUp bool
}

// TLSMode is how a connection is secured.
type TLSMode string

// The modes. TLSNone is used only when the configuration asks for it.
const (
	TLSImplicit TLSMode = "implicit" // RFC 8314, port 993
	TLSStart    TLSMode = "starttls" // RFC 9051 section 6.2.1, port 143
	TLSNone     TLSMode = "none"     // port 143
)

// Account is one IMAP account.
type Account struct {
	Name string
	Host string
	Port int // defaults applied
	TLS  TLSMode
	// CA is the path of a PEM file with private roots, "" for the system's.
	CA string
	// Pin is the SHA-256 of the server's certificate, zero if none is pinned. Certificate
	// and CertificateKey are the paths of PEM files with that of the client, "" for
	// none.
	Pin                         [sha256.Size]byte
	Certificate, CertificateKey string
	Username                    string
	// Password and Token are what is shown, at most one of them.
	Password, Token Secret
	// OAuth2 is where tokens come from that imapilot keeps itself, nil for none.
	OAuth2 *OAuth2
	// Mechanism is how to log in, as SASL names it, "" for the strongest way.
	Mechanism string
	// Addresses are the account's own; default: the username if it has an @.
	Addresses []string
	// TrustedAuthserv are the authserv-ids (RFC 8601 section 2.5) of the
	// servers whose Authentication-Results are believed; default none.
	TrustedAuthserv []string
	// Watch are names, globs, roles, and Subscribed; default INBOX. Except are names,
	// globs and roles of those that are not watched nevertheless.
	Watch, Except []string
	// Connections is the most that this account opens; default 3.
	Connections int
	// Idle is how long one IDLE lasts; default 5 minutes, at most 29.
	Idle time.Duration
	// Poll is the rhythm of what cannot IDLE; default 60 s, at least 5 s.
	Poll time.Duration
	// StaleAfter is for how long a server may prove nothing of a mailbox before that
	// counts as not alive; 0: it follows from Idle and Poll.
	StaleAfter time.Duration
	DryRun     bool
	// NoCreate lets an action whose target does not exist wait until somebody
	// makes it.
	NoCreate bool
	// Snooze is the mailbox that holds what is snoozed, in configuration spelling;
	// default Snoozed.
	Snooze string
	// SMTP is the mail server that takes what the account sends, nil for none.
	SMTP *SMTP
}
