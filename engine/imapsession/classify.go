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

// classOf gives the class of a completion that is not plain success.
func classOf(op, status, code, text string) Class {
	login := op == "LOGIN" || op == "AUTHENTICATE"
	class, known := byText(text)
	switch {
	case known && (class == Throttled || class == Auth):
		return class
	case status == "BYE" && strings.Contains(strings.ToLower(text), "too many"):
		return Throttled
	case status == "BYE":
		return Connection
	case login:
		return classifyLogin(code, text)
	}
	if class, ok := byCode(code); ok {
		return class
	}
	switch {
	case status == "BAD":
		return Bad
	case known:
		return class
	}
	return byCommand(op)
}

// classifyLogin tells a server that refuses this user from one that refuses
// everybody just now (RFC 5530 section 3).
func classifyLogin(code, text string) Class {
	class, _ := byCode(code)
	switch {
	case code == "LIMIT", code == "OVERQUOTA", strings.Contains(strings.ToLower(text), "too many"):
		return Throttled
	case class == TryAgain:
		return TryAgain
	case code == "CONTACTADMIN", code == "PRIVACYREQUIRED":
		return Config
	}
	if class, ok := byText(text); ok && class == TryAgain && code == "" {
		return TryAgain
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

// refusal is the error of a completion that is not plain success.
func refusal(op, subject string, c completion) *Error {
	return &Error{
		Op: op, Subject: subject, Status: c.status, Code: c.code, Text: c.text,
		Class:      classOf(op, c.status, c.code, c.text),
		Unknown:    c.status == "OK",
		RetryAfter: retryAfter(c.text),
	}
}
