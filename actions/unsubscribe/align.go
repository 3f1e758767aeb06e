package unsubscribe

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// aligned reports whether two domains are of one organization: the same, or
// below the same name that somebody registered (RFC 7489 section 3.2).
func aligned(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	return a != "" && (a == b || organization(a) == organization(b))
}

// organization returns the organizational domain. A public suffix is its own,
// so that "com" stands for nobody below it.
func organization(domain string) string {
	org, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return domain
	}
	return org
}
