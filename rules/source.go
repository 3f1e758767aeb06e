package rules

import "time"

// Text is a string of the configuration with a handle on where it stands.
// The handle is the caller's and opaque here: a Problem gives it back.
type Text struct {
	Value string
	Pos   int
}

// Source is what a rule set is compiled from.
type Source struct {
	// Location is the time zone of every calendar word; nil is UTC.
	Location *time.Location
	// Accounts, with the account's own addresses.
	Accounts []AccountSource
	// Endpoints are the names of the webhooks. Presets are those of a service that
	// makes its own document.
	Endpoints []Text
	Presets   []string
	// Gathering are those that one call for many messages goes to.
	Gathering []string
	// URLs are those URLs of webhooks that hold ${expressions}.
	URLs []URLSource
	// Allowed are the actions that the user allows to leave the mailbox.
	Allowed []string
	Define  []DefineSource
	Lists   []ListSource
	Rules   []RuleSource
}

// AccountSource names an account that rules may refer to.
type AccountSource struct {
	Name      string
	Addresses []string
	// TrustedAuthserv are the authserv-ids (RFC 8601 section 2.5) of the
	// servers whose Authentication-Results are believed; empty means none.
	TrustedAuthserv []string
	// Snooze is the mailbox that snooze moves to, in configuration spelling.
	Snooze string
}

// URLSource is the URL of a webhook. What its ${expressions} give for a message goes
// with each call of it, in [actions.Action].
type URLSource struct {
	Endpoint string
	URL      Text
}

// DefineSource is a named expression.
type DefineSource struct{ Name, Expr Text }

// ListSource is a named list of strings.
type ListSource struct {
	Name   Text
	Values []string
}

// RuleSource is one rule as the user wrote it.
type RuleSource struct {
	Name Text
	// Accounts restricts the rule, empty means all.
	Accounts []Text
	// In are names, globs ("Lists/*") or roles ("role:junk") of mailboxes;
	// empty means INBOX.
	In []Text
	If Text
	// Unless is a condition under which the rule does not act after all; the
	// zero Text is none.
	Unless Text
	Then   []ActionSource
	Stop   bool
	// On is when the rule is asked, "" on arrival.
	On Trigger
	// Flags are those whose addition asks a rule that is OnFlags.
	Flags []Text
	// Cron is the schedule of a rule that is OnSchedule, as it was written.
	Cron string
	// Repeat is after how long a rule may act on the same message again, 0 never.
	Repeat time.Duration
	// MaxMessages is 0 for the default of the rule's destination.
	MaxMessages int
	DryRun      bool
	// GmailSearch narrows what a rule that is OnSchedule looks at, in the words of
	// Gmail's own search (X-GM-RAW); the zero Text is none.
	GmailSearch Text
}

// Trigger is what makes the engine ask a rule.
type Trigger string

// The triggers.
const (
	// OnArrival rules are asked about each message once, when it arrives.
	OnArrival Trigger = "arrival"
	// OnSchedule rules are asked about every message of their mailboxes, on a clock.
	OnSchedule Trigger = "schedule"
	// OnFlags rules are asked about a message to which a flag was added.
	OnFlags Trigger = "flags"
)

// ActionSource is one entry of a rule's "then".
type ActionSource struct {
	Kind Text
	// Args are the flags of add_flags, the labels of add_labels, the program of exec and its arguments, the
	// recipients of forward, or the one argument of the others: of save_attachments the
	// folder. Every argument may hold ${expressions}, but for recipients.
	Args []Text
	// Account is the account of the target of copy, append and move; a Text without a value
	// is that of the message.
	Account Text
	// When, Title, Body and JSON are the settings of a webhook; see
	// [actions.Action]. A Text without a value, and a nil JSON, are not set.
	// Title, Body and the texts of JSON may hold ${expressions}.
	When, Title, Body Text
	JSON              *Document
	// Subject and Body make a note of append, Header the fields of a copy. They may hold
	// ${expressions}, and ${rule}.
	Subject Text
	Header  []Variable
	// Include are words of [actions.Included]. RawLimit is how many octets of a raw
	// message are included, 0 for [DefaultRaw] and at most [MaxRaw].
	Include  []Text
	RawLimit int
	// Env, Stdin and Timeout are the settings of exec; 0 is its default timeout, and
	// the zero Text the document on the standard input.
	Env     []Variable
	Stdin   Text
	Timeout time.Duration
	// Name, Only and MaxFile are the settings of save_attachments: the pattern of
	// names, whose ${expressions} are about the attachment or about the message, the
	// condition about each attachment, and the most octets of a file, 0 for the
	// default. A Text without a value is not set.
	Name, Only Text
	MaxFile    int64
	// Letter are the settings of forward and reply.
	Letter LetterSource
	// Until is when snooze brings a message back; nil where it is not told.
	Until *Until
}

// LetterSource is how a message is forwarded or answered.
type LetterSource struct {
	// Note stands above what is forwarded; it may hold ${expressions}.
	Note Text
	// Inline and Anyway are those of [actions.Letter].
	Inline, Anyway bool
	// Every is for how long one sender gets no second answer, 0 for [DefaultEvery].
	Every time.Duration
}

// Until is when a message comes back that snooze puts away.
type Until struct {
	// Text is how that is written: "3d", or "monday 08:00".
	Text Text
	// Calendar is set where it is a time and not a while.
	Calendar bool
	// At tells it for a message that is snoozed at a time. The same time always has
	// the same answer.
	At func(now time.Time) time.Time
}

// Variable is one of a program's environment, or a header field. Its value may hold ${expressions}.
type Variable struct{ Name, Value Text }

// Document is a JSON value as it is written in a configuration: one of its fields
// is set, or none for null.
type Document struct {
	// Text is a text; where it is the whole document and has no ${expression}, it is an
	// expression that gives a map, as in {"title": subject}. A text that is a single
	// ${expression} becomes what the expression gives: a text, a number, a condition, a
	// time as RFC 3339 writes it, or a list of these.
	Text *Text
	// Plain is a number or a boolean.
	Plain any
	// Members are those of an object, Items those of an array, both in order.
	Members []Member
	Items   []Document
}

// Member is one member of an object.
type Member struct {
	Name  string
	Value Document
}

// Severity tells an error, which prevents loading, from a warning.
type Severity int

// The severities.
const (
	Error Severity = iota
	Warning
)

// Problem is one thing wrong with a source, in the words of a user.
type Problem struct {
	// Pos is the Text's handle, Offset and Length the part of its value in
	// runes; Length 0 means the whole text.
	Pos            int
	Offset, Length int
	Severity       Severity
	Message        string
	// Hint says what to do next, "" if there is nothing to say.
	Hint string
}
