package imapsession

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// byCode is the class of a NO or BAD with a response code (RFC 9051 section 7.1,
// RFC 5530, RFC 9738).
func byCode(code string) (Class, bool) {
	switch code {
	case "UNAVAILABLE", "INUSE", "SERVERBUG", "EXPUNGEISSUED":
		return TryAgain, true
	case "LIMIT", "MESSAGELIMIT", "TOOBIG":
		return Limit, true
	case "OVERQUOTA", "NOPERM", "NONEXISTENT", "CANNOT", "READ-ONLY", "TRYCREATE", "CONTACTADMIN",
		"CORRUPTION", "ALREADYEXISTS", "HASCHILDREN":
		return Target, true
	case "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED":
		return Auth, true
	case "PARSE", "UNKNOWN-CTE", "NOTSAVED":
		return Message, true
	case "CLIENTBUG", "BADCHARSET":
		return Bad, true
	}
	return 0, false
}

// byText is the class of words that servers use where a code would have said it.
func byText(text string) (Class, bool) {
	text = strings.ToLower(text)
	for _, row := range []struct {
		class Class
		words []string
	}{
		{Throttled, []string{"throttl", "backoff time", "rate limit", "too many requests", "too many commands",
			"too many connections", "too many simultaneous", "maximum number of connections", "bandwidth limit"}},
		// Exchange accepts a wrong password and then refuses to connect.
		{Auth, []string{"user is authenticated but not connected"}},
		{Target, []string{"quota", "permission denied", "access denied", "no such mailbox", "doesn't exist",
			"does not exist", "not exist", "unknown mailbox", "mailbox not found", "read-only"}},
		{TryAgain, []string{"try again", "temporar"}},
	} {
		if slices.ContainsFunc(row.words, func(w string) bool { return strings.Contains(text, w) }) {
			return row.class, true
		}
	}
	return 0, false
}

// byCommand is the class of a NO that gives no reason at all.
func byCommand(op string) Class {
	switch strings.TrimPrefix(op, "UID ") {
	case "LOGIN", "AUTHENTICATE":
		return Auth
	case "SELECT", "EXAMINE", "STATUS", "CREATE", "SUBSCRIBE":
		return Target
	case "COPY", "MOVE", "STORE", "EXPUNGE", "FETCH", "APPEND":
		return Message
	}
	return TryAgain
}

// classify gives the class of a completion that is not plain success. A code
// says more than words, but for those codes that servers give for anything.
func classify(op, status, code, text string) Class {
	byWords, known := byText(text)
	urgent := known && (byWords == Throttled || byWords == Auth)
	class, coded := byCode(code)
	switch {
	case status == "BYE":
		if urgent && byWords == Throttled || strings.Contains(strings.ToLower(text), "too many") {
			return Throttled
		}
		return Connection
	case op == "LOGIN" || op == "AUTHENTICATE":
		return classifyLogin(code, text)
	case urgent && (!coded || class == TryAgain || class == Limit):
		return byWords
	case coded:
		return class
	case status == "BAD":
		return Bad
	case known:
		return byWords
	}
	return byCommand(op)
}

// classifyLogin tells a server that refuses this user from one that refuses
// everybody just now (RFC 5530 section 3).
func classifyLogin(code, text string) Class {
	class, coded := byCode(code)
	byWords, known := byText(text)
	switch {
	case coded && class == Auth:
		return Auth
	case code == "LIMIT", code == "OVERQUOTA", known && byWords == Throttled, strings.Contains(strings.ToLower(text), "too many"):
		return Throttled
	case class == TryAgain && coded, known && byWords == TryAgain && !coded:
		return TryAgain
	case code == "CONTACTADMIN":
		return Config
	}
	return Auth
}

// notSuccess reports whether an OK with this code did only a part of its work.
func notSuccess(code string) bool {
	return code == "OVERQUOTA" || code == "MESSAGELIMIT"
}

const maxRetryAfter = 24 * time.Hour

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
	return &Error{
		Op: op, Subject: subject, Status: c.status, Code: c.code, Text: c.text,
		Class:      classify(op, c.status, c.code, without(c.text, subject)),
		Unknown:    c.status == "OK",
		RetryAfter: retryAfter(c.text),
	}
}
