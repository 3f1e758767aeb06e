package imapsession

import (
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// classify gives the class of a completion that is not plain success, by Table.
func classify(op, status, code, text string) Class {
	byWords, known := byText(text)
	urgent := known && (byWords == Throttled || byWords == Auth)
	class, coded := byCode(code)
	switch {
	case status == "BYE":
		return classifyBye(code, text)
	case op == "LOGIN" || op == "AUTHENTICATE":
		return classifyLogin(code, text)
	case urgent && (!coded || class == TryAgain || class == Limit):
		return byWords
	case coded:
		return class
	case known && (status != "BAD" || byWords == TryAgain || byWords == Limit):
		// Exchange says BAD for what will pass: "BAD Server Unavailable. 15".
		return byWords
	case status == "BAD":
		return Bad
	}
	return byCommand(op)
}

// classifyBye tells a server that goes from one that sends this client away.
func classifyBye(code, text string) Class {
	class, atLogin := byLoginCode(code)
	byWords, known := byText(text)
	if atLogin && class == Throttled || known && byWords == Throttled || strings.Contains(strings.ToLower(text), "too many") {
		return Throttled
	}
	return Connection
}

func byLoginCode(code string) (Class, bool) {
	return lookUp(ByLoginCode, func(match string) bool { return match == code })
}

// classifyLogin tells a server that refuses this user from one that refuses
// everybody just now (RFC 5530 section 3).
func classifyLogin(code, text string) Class {
	class, coded := byCode(code)
	atLogin, special := byLoginCode(code)
	byWords, known := byText(text)
	switch {
	case coded && class == Auth:
		return Auth
	case special && atLogin == Throttled, known && byWords == Throttled, strings.Contains(strings.ToLower(text), "too many"):
		return Throttled
	case class == TryAgain && coded, known && byWords == TryAgain && !coded:
		return TryAgain
	case special:
		return atLogin
	}
	return Auth
}

// notSuccess reports whether an OK with this code did only a part of its work.
func notSuccess(code string) bool {
	return code == "OVERQUOTA" || code == "MESSAGELIMIT"
}

// maxRetryAfter bounds what a server may ask for: whoever answers in its place must not
// stop an account for days.
const maxRetryAfter = time.Hour

// retryAfter reads Exchange's "Suggested Backoff Time: 299961 milliseconds".
func retryAfter(text string) time.Duration {
	const words = "suggested backoff time:"
	i := strings.Index(strings.ToLower(text), words)
	if i < 0 {
		return 0
	}
	fields := strings.Fields(text[i+len(words):])
	if len(fields) == 0 {
		return 0
	}
	n, err := strconv.ParseUint(fields[0], 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Millisecond, maxRetryAfter)
}

// without takes a mailbox's name out of a text, since names may come from mail
// and say anything.
func without(text, subject string) string {
	if subject == "" {
		return text
	}
	return strings.NewReplacer(printable(subject), "", encodeUTF7(subject), "").Replace(text)
}

// refusal is the error of a completion that is not plain success.
func refusal(op, subject string, c completion) *Error {
	limit, lowest := messageLimit(c)
	return &Error{
		Op: op, Subject: subject, Status: c.status, Code: c.code, Text: c.text,
		Class:      classify(op, c.status, c.code, without(c.text, subject)),
		Unknown:    c.status == "OK",
		RetryAfter: retryAfter(c.text),
		Limit:      limit, lowest: lowest,
	}
}

// messageLimit reads how many messages one command may name, and the lowest UID
// that was dealt with, from the code MESSAGELIMIT (RFC 9738 section 3).
func messageLimit(c completion) (limit int, lowest imap.UID) {
	if c.code != "MESSAGELIMIT" {
		return 0, 0
	}
	s := scanner{b: []byte(c.args)}
	n, _ := s.number(31) // 0, unknown, if malformed
	s.spaces()
	uid, _ := s.number(32) // likewise
	return int(n), imap.UID(uid)
}
