package unsubscribe

import (
	"errors"
	"fmt"
	"strings"

	"imapilot/actions/webhook"
	"imapilot/rules/facts"
)

// payload is the one body of a request, and the one value of
// List-Unsubscribe-Post (RFC 8058 section 3.1).
const payload = "List-Unsubscribe=One-Click"

// ErrNoOffer is the refusal of a message that brings no offer that can be taken
// by a program. It is for good.
var ErrNoOffer = errors.New("the sender offers no one-click unsubscribe")

// Claim is what the header of a message says, whoever wrote it.
type Claim struct {
	// URL is the https address to post to, at most 4 KiB. It may hold a token.
	URL string
	// Domain is that of the one address in From, in lower case and in ASCII.
	Domain string
}

// Read reads the offer in a header, or in a whole message up to its first empty
// line. Its error is an [ErrNoOffer] that says what is missing. It agrees with
// the facts that a rule sees, and is stricter.
func Read(header []byte) (Claim, error) {
	fields, err := splitHeader(header)
	if err != nil {
		return Claim{}, noOffer("%v", err)
	}
	url, err := offered(fields)
	if err != nil {
		return Claim{}, err
	}
	h := facts.ParseHeader(header)
	if u := h.Unsubscribe(); !u.OneClick || u.URL != url {
		return Claim{}, noOffer("the address in List-Unsubscribe is not clear")
	}
	if err := (webhook.Endpoint{URL: url, Egress: webhook.Confined}).Check(); err != nil {
		return Claim{}, noOffer("the address in List-Unsubscribe cannot be called: %v", err)
	}
	from := h.Addresses("From")
	if len(values(fields, "From")) != 1 || len(from) != 1 || from[0].ASCII == "" {
		return Claim{}, noOffer("From does not name one sender")
	}
	return Claim{URL: url, Domain: strings.ToLower(from[0].ASCII)}, nil
}

// offered returns the address of both fields that make an offer.
func offered(fields []field) (string, error) {
	unsubscribe, post := values(fields, "List-Unsubscribe"), values(fields, "List-Unsubscribe-Post")
	switch {
	case len(unsubscribe) == 0:
		return "", noOffer("there is no List-Unsubscribe")
	case len(post) == 0:
		return "", noOffer("there is no List-Unsubscribe-Post")
	case len(unsubscribe) > 1 || len(post) > 1:
		return "", noOffer("List-Unsubscribe or List-Unsubscribe-Post comes twice")
	case post[0] != payload:
		return "", noOffer("List-Unsubscribe-Post is not %q", payload)
	}
	return address(unsubscribe[0])
}

// address returns the https address of a List-Unsubscribe: addresses in angle
// brackets, separated by commas (RFC 2369 section 2), of which exactly one is
// https and none http (RFC 8058 section 3.1).
func address(value string) (string, error) {
	list, ok := brackets(value)
	if !ok {
		return "", noOffer("List-Unsubscribe is not a list of addresses in angle brackets")
	}
	url, secure, plain := "", 0, 0
	for _, one := range list {
		scheme, _, _ := strings.Cut(one, ":")
		switch strings.ToLower(scheme) {
		case "https":
			url, secure = one, secure+1
		case "http":
			plain++
		}
	}
	switch {
	case secure == 0 && plain == 0:
		return "", noOffer("List-Unsubscribe has no https address")
	case plain > 0:
		return "", noOffer("List-Unsubscribe has an http address, and only https is allowed")
	case secure > 1:
		return "", noOffer("List-Unsubscribe has more than one https address")
	}
	return url, nil
}

// brackets returns what stands in the angle brackets of a list, without the
// space that folding left. Between two there is one comma.
func brackets(value string) (list []string, ok bool) {
	for {
		inside, open := strings.CutPrefix(strings.Trim(value, " \t"), "<")
		one, rest, closed := strings.Cut(inside, ">")
		if !open || !closed || strings.Contains(one, "<") {
			return nil, false
		}
		list = append(list, strings.NewReplacer(" ", "", "\t", "").Replace(one))
		if rest = strings.Trim(rest, " \t"); rest == "" {
			return list, true
		}
		if value, ok = strings.CutPrefix(rest, ","); !ok {
			return nil, false
		}
	}
}

func noOffer(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNoOffer, fmt.Sprintf(format, args...))
}
