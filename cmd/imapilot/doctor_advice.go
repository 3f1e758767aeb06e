package main

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/imapsession"
)

// whatToLookAt is a line with what to do after an examination that failed, "" where the
// error or a suggestion says it.
func whatToLookAt(x engine.Examination) string {
	var noTLS tls.RecordHeaderError
	var failed *imapsession.Error
	errors.As(x.Failure, &failed)
	answers := slices.ContainsFunc(x.Addresses, func(a engine.Address) bool { return a.Err == nil })
	switch {
	case x.Unresolved != nil:
		return "\nNo address is known under this name: is host: spelled right, and is there\na network?"
	case !answers:
		return "\nNobody answers there: look at host: and port: (993 is usual, 143 without\nimplicit TLS), and at firewalls in between."
	case errors.As(x.Failure, &noTLS):
		return "\nWhat answers there does not begin with TLS: try tls: starttls, or another\nport:."
	case failed == nil:
		return ""
	case failed.Op == "AUTHENTICATE" || failed.Op == "LOGIN":
		return refusedAdvice(x, failed)
	case failed.Op == "CONNECT" || failed.Op == "GREETING" && failed.Status == "":
		return greetingAdvice(x.Account.TLS)
	case failed.Op == "STARTTLS" && failed.Class == imapsession.Config:
		return "\nIt begins no TLS on this port when it is asked:\ntry tls: implicit, and port: 993."
	case failed.Op == "TLS" && !imapsession.Pin(x.Account.Pin).IsZero():
		return "\nIf the server has a new certificate, put its fingerprint into pin:.\nIf you know of none, somebody else may answer there."
	}
	return ""
}

// greetingAdvice is for a server that somebody reaches and that does not greet, which in
// clear text is what one does that waits for TLS.
func greetingAdvice(mode config.TLSMode) string {
	if mode == config.TLSImplicit {
		return "\nSomebody listens there, and not as an IMAP server does: look at host: and\nport: (993 is usual), or try tls: starttls with port: 143."
	}
	return "\nSomebody listens there, and not as an IMAP server does: perhaps it waits for\nTLS. Try tls: implicit, or look at host: and port:."
}

// refusedAdvice says what a refused login may lack.
func refusedAdvice(x engine.Examination, failed *imapsession.Error) string {
	if failed.Class != imapsession.Auth {
		return ""
	}
	if x.Account.OAuth2 != nil {
		return "\nWas the login on the page that of this user? Is IMAP allowed in the\naccount?"
	}
	for _, p := range providers() {
		if p.host == x.Account.Host && p.needs != "" && net.ParseIP(p.host) == nil { // anything may be on this machine
			return "\n" + p.needs + "."
		}
	}
	return "\nThe user name or the password is another one there. Some\nproviders want an app password, or IMAP to be allowed in the settings of the account."
}
