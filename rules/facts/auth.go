package facts

import (
	"cmp"
	"slices"
	"strings"
)

const (
	// maxAuthFields is the most Authentication-Results fields that are read.
	maxAuthFields = 20
	// maxDomains is the most verified domains that are kept.
	maxDomains = 20
	// maxResult is the most octets of a result.
	maxResult = 32
)

// Auth is what the user's own server found out about where a message is from
// (RFC 8601).
type Auth struct {
	// SPF, DKIM and DMARC are results in lower case: "pass", "fail", "softfail",
	// "neutral", "temperror", "permerror" and others of RFC 8601 section 2.7;
	// "none" if the server says nothing.
	SPF, DKIM, DMARC string
	// Domains are those that are verified, each once, in the form of
	// Address.Domain, at most 20: who signed with a DKIM signature that passed,
	// who let the server send by an SPF that passed, and the author's domain of
	// a DMARC that passed.
	Domains []string
}

// Auth returns the results of the server whose name, the authserv-id, is one of
// those trusted; case does not matter. With none trusted nothing is known:
// anyone can write such a field. It reads Authentication-Results.
//
// Only the topmost fields of one trusted name count, down to the first field
// of another: each server puts its own above what it received, so what is
// further down came with the message, whatever name it bears. A server that
// reports each method in a field of its own writes them next to each other,
// so all of these are read, but a method counts only in the topmost that has
// it, so that a forged field right below adds nothing to what the server says.
// That such a field is taken away remains the server's duty (RFC 8601 section
// 5): one that leaves it there and does not check a method itself can be lied
// to about that method.
//
// DKIM is "pass" if one signature passed, for a message may carry others that
// a list broke; else it is the first result. DMARC and SPF must pass in every
// result that there is; else they are the first that did not. SPF means the
// envelope sender (smtp.mailfrom); what it says of the server's name
// (smtp.helo) counts only if there is nothing of the sender.
func (h *Header) Auth(trusted []string) Auth {
	found := h.trustedResults(trusted)
	spf, dkim, dmarc := spfResults(found["spf"]), found["dkim"], found["dmarc"]
	a := Auth{SPF: every(spf), DKIM: some(dkim), DMARC: every(dmarc)}
	for _, r := range dkim {
		a.verified(r, r.signer())
	}
	if a.SPF == "pass" {
		for _, r := range spf {
			a.verified(r, cmp.Or(r.sender(), r.property("smtp.helo")))
		}
	}
	if a.DMARC == "pass" {
		for _, r := range dmarc {
			a.verified(r, r.property("header.from"))
		}
	}
	return a
}

// every is "pass" if all results are, else the first that is not.
func every(results []result) string {
	for _, r := range results {
		if r.word != "pass" {
			return r.word
		}
	}
	if len(results) > 0 {
		return "pass"
	}
	return "none"
}

// some is "pass" if one result is, else the first.
func some(results []result) string {
	for _, r := range results {
		if r.word == "pass" {
			return "pass"
		}
	}
	if len(results) > 0 {
		return results[0].word
	}
	return "none"
}

// spfResults leaves out what is said of the server's name where there is
// something of the sender.
func spfResults(all []result) []result {
	var sender []result
	for _, r := range all {
		if r.sender() != "" {
			sender = append(sender, r)
		}
	}
	if len(sender) > 0 {
		return sender
	}
	return all
}

// verified notes the domain of a result that passed. The value can be an
// address, of which the sender chose the local part.
func (a *Auth) verified(r result, value string) {
	if r.word != "pass" || len(a.Domains) >= maxDomains {
		return
	}
	domain := strings.Trim(value[strings.LastIndexByte(value, '@')+1:], "<>")
	domain, ascii := idn(strings.ToLower(strings.TrimSuffix(domain, ".")))
	if isDomain(ascii) && !slices.Contains(a.Domains, domain) {
		a.Domains = append(a.Domains, domain)
	}
}

// isDomain reports whether s is made of what domains in ASCII are made of.
func isDomain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxDomain
}
