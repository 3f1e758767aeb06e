package imapsession

import (
	"slices"
	"strings"
)

// Row is one line of the table by which answers that are not plain success are
// classified; see Table.
type Row struct {
	// By says what is compared: ByCode and the others.
	By By
	// Match is a response code, some words in lower case, or a command.
	Match string
	Class Class
	// Source is where that is written: an RFC with its section, or a server.
	Source string
	// Why is what it means for who sent the command.
	Why string
}

// By says what a Row compares.
type By string

// The kinds of rows, in the order in which they count: a code says more than
// words, and words more than the command. Throttling and a refused user are
// believed on words alone, where the code is none or one of those that servers
// give for anything (TryAgain, Limit).
const (
	ByCode      By = "code"
	ByLoginCode By = "code at login"
	ByWords     By = "words"
	ByCommand   By = "command" // a NO that gives no reason
)

// Silent are the response codes that say nothing about a failure: where one of
// them comes with a NO or BAD, words and command decide (RFC 9051 section 7.1,
// and the extensions that made them).
func Silent() []string {
	return []string{
		"ALERT", "CAPABILITY", "PERMANENTFLAGS", "READ-WRITE", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "APPENDUID",
		"COPYUID", "UIDNOTSTICKY", "CLOSED", "HIGHESTMODSEQ", "NOMODSEQ", "MODIFIED", "INPROGRESS", "MAILBOXID",
		"COMPRESSIONACTIVE", "NOTIFICATIONOVERFLOW", "METADATA", "ANNOTATIONS", "URLMECH", "DOWNGRADED", "NEWNAME",
	}
}

// Table is the whole of what is known of refusals. The first row of a kind
// that matches counts.
func Table() []Row {
	return slices.Concat(codeRows(), loginRows(), wordRows(), commandRows())
}

func codeRows() []Row {
	const rfc5530 = "RFC 5530 section 3"
	return []Row{
		{ByCode, "UNAVAILABLE", TryAgain, rfc5530, "a part of the server is down just now"},
		{ByCode, "INUSE", TryAgain, rfc5530, "somebody else works on it just now"},
		{ByCode, "SERVERBUG", TryAgain, rfc5530, "the server tripped; it may not the next time"},
		{ByCode, "TEMPFAIL", TryAgain, "RFC 5259 section 7", "it says itself that it will pass"},
		{ByCode, "EXPUNGEISSUED", Expunged, rfc5530, "messages are gone that this connection still counts; NOOP tells which"},
		{ByCode, "LIMIT", Limit, rfc5530, "too much for the server at once"},
		{ByCode, "MESSAGELIMIT", Limit, "RFC 9738 section 3", "more messages than one command may name; an OK did only some of them"},
		{ByCode, "OVERQUOTA", Target, "RFC 5530 section 3, RFC 9208 section 4.3", "the target is full, for every message"},
		{ByCode, "NOPERM", Target, "RFC 5530 section 3, RFC 4314 section 4", "the rights to that mailbox are missing"},
		{ByCode, "NONEXISTENT", Target, rfc5530, "the mailbox is not there"},
		{ByCode, "TRYCREATE", Target, "RFC 9051 section 7.1", "the mailbox is not there, and could be made"},
		{ByCode, "READ-ONLY", Target, "RFC 9051 section 7.1", "nothing in the mailbox can be changed"},
		{ByCode, "CANNOT", Target, rfc5530, "the server never does that in this mailbox"},
		{ByCode, "CONTACTADMIN", Target, rfc5530, "a person has to mend it"},
		{ByCode, "CORRUPTION", Target, rfc5530, "the mailbox is damaged; a person has to mend it"},
		{ByCode, "ALREADYEXISTS", Target, rfc5530, "the mailbox is there already"},
		{ByCode, "HASCHILDREN", Target, "RFC 9051 section 7.1", "the mailbox has others below it"},
		{ByCode, "USEATTR", Target, "RFC 6154 section 3", "no mailbox can be made with that role"},
		{ByCode, "REFERRAL", Target, "RFC 2193 section 5.1", "the mailbox is on another server; nothing is followed"},
		{ByCode, "PARSE", Message, "RFC 9051 section 7.1", "the server cannot read one of the messages"},
		{ByCode, "UNKNOWN-CTE", Message, "RFC 3516 section 4.3", "the server cannot decode one of the messages"},
		{ByCode, "TOOBIG", Message, "RFC 4469 section 5.1, RFC 7889 section 4", "one of the messages is too large; no smaller batch makes it smaller"},
		{ByCode, "BADURL", Message, "RFC 4469 section 5.1", "it lies with what the command names"},
		{ByCode, "AUTHENTICATIONFAILED", Auth, rfc5530, "user or password are wrong; trying again cannot help"},
		{ByCode, "AUTHORIZATIONFAILED", Auth, rfc5530, "this user may not log in as that one"},
		{ByCode, "EXPIRED", Auth, rfc5530, "the password is too old"},
		{ByCode, "PRIVACYREQUIRED", Auth, rfc5530, "the server wants TLS first"},
		{ByCode, "CLIENTBUG", Bad, rfc5530, "the server does not like how this was asked"},
		{ByCode, "BADCHARSET", Bad, "RFC 9051 section 7.1", "the server cannot search in that charset"},
		{ByCode, "BADCOMPARATOR", Bad, "RFC 5255 section 4.8", "the server cannot compare so"},
		{ByCode, "BADEVENT", Bad, "RFC 5465 section 5", "the server cannot announce such news"},
		{ByCode, "UNDEFINED-FILTER", Bad, "RFC 5466 section 3.1", "the server has no such filter"},
		{ByCode, "NOTSAVED", Bad, "RFC 5182 section 2.1", "a search result was named that the server did not keep"},
		{ByCode, "NOUPDATE", Bad, "RFC 5267 section 3.1", "the server does not keep a search up to date"},
		{ByCode, "UIDREQUIRED", Bad, "RFC 9586 section 3", "the server takes UIDs only"},
		{ByCode, "MAXCONVERTMESSAGES", Limit, "RFC 5259 section 7", "too many messages in one command"},
		{ByCode, "MAXCONVERTPARTS", Limit, "RFC 5259 section 7", "too many parts in one command"},
		{ByCode, "ANNOTATE", Limit, "RFC 5257 section 4.5", "too much for the server at once"},
	}
}

// loginRows differ from the others: at login, what is said of a target can only
// be about the whole account.
func loginRows() []Row {
	return []Row{
		{ByLoginCode, "LIMIT", Throttled, "RFC 5530 section 3", "too many connections, or logins, of this user"},
		{ByLoginCode, "OVERQUOTA", Throttled, "Gmail", "the account used up its bandwidth for now"},
		{ByLoginCode, "CONTACTADMIN", Config, "RFC 5530 section 3", "a person has to open the account"},
		{ByLoginCode, "REFERRAL", Config, "RFC 2221 section 4.1", "the account lives on another server; a person has to say so in the configuration"},
	}
}

func wordRows() []Row {
	rows := []Row{}
	for _, group := range []struct {
		class       Class
		source, why string
		words       []string
	}{
		{Throttled, "Exchange, Gmail, Dovecot", "the server asks for less", []string{"throttl", "backoff time", "rate limit",
			"too many requests", "too many commands", "too many connections", "too many simultaneous",
			"maximum number of connections", "bandwidth limit"}},
		{Auth, "Exchange", "it accepts a wrong password and then refuses to connect", []string{"user is authenticated but not connected"}},
		{Limit, "Exchange", "a shorter command may pass", []string{"too many messages", "command too long", "line too long", "command line too"}},
		{Target, "servers without RFC 5530", "it lies with the mailbox", []string{"quota", "permission denied", "access denied",
			"no such mailbox", "doesn't exist", "does not exist", "not exist", "unknown mailbox", "mailbox not found", "read-only"}},
		{TryAgain, "servers without RFC 5530", "it says itself that it will pass", []string{"try again", "temporar", "server unavailable", "service unavailable", "server busy", "is locked"}},
	} {
		for _, words := range group.words {
			rows = append(rows, Row{ByWords, words, group.class, group.source, group.why})
		}
	}
	return rows
}

func commandRows() []Row {
	rows := []Row{}
	for _, group := range []struct {
		class    Class
		why      string
		commands []string
	}{
		{Auth, "refused without a reason: most likely the password", []string{"LOGIN", "AUTHENTICATE"}},
		{Target, "it names a mailbox and nothing else", []string{"SELECT", "EXAMINE", "STATUS", "CREATE", "SUBSCRIBE"}},
		{Message, "it may be one of the messages that it names", []string{"COPY", "MOVE", "STORE", "EXPUNGE", "FETCH", "APPEND"}},
	} {
		for _, command := range group.commands {
			rows = append(rows, Row{ByCommand, command, group.class, "RFC 9051 section 6", group.why})
		}
	}
	return append(rows, Row{ByCommand, "", TryAgain, "RFC 9051 section 6", "any other command: nothing is known against it"})
}

// lookUp returns the class that the first matching row of a kind gives.
func lookUp(by By, matches func(match string) bool) (Class, bool) {
	for _, row := range Table() {
		if row.By == by && matches(row.Match) {
			return row.Class, true
		}
	}
	return 0, false
}

// byCode is the class of a NO or BAD with a response code.
func byCode(code string) (Class, bool) {
	return lookUp(ByCode, func(match string) bool { return match == code })
}

// byText is the class of words that servers use where a code would have said it.
func byText(text string) (Class, bool) {
	text = strings.ToLower(text)
	return lookUp(ByWords, func(match string) bool { return strings.Contains(text, match) })
}

// byCommand is the class of a NO that gives no reason at all.
func byCommand(op string) Class {
	op = strings.TrimPrefix(op, "UID ")
	class, _ := lookUp(ByCommand, func(match string) bool { return match == op || match == "" })
	return class
}
