package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// isHost reports whether a Host field (RFC 9110 section 7.2) names this listener.
func (o *Options) isHost(field string) bool {
	host := hostOf(field)
	if host == "" {
		return false
	}
	if host == "localhost" || isLoopback(host) {
		return true
	}
	own, _, err := net.SplitHostPort(o.Listen)
	if err == nil && own != "" && sameHost(host, own) {
		return true
	}
	return slices.ContainsFunc(o.Hosts, func(name string) bool { return sameHost(host, name) })
}

// hostOf is a Host field without its port, in lower case, "" where it is none.
func hostOf(field string) string {
	host := field
	if h, _, err := net.SplitHostPort(field); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// sameHost compares names without case, and addresses by what they are.
func sameHost(a, b string) bool {
	ip, err := netip.ParseAddr(a)
	other, otherErr := netip.ParseAddr(strings.Trim(b, "[]"))
	if err == nil && otherErr == nil {
		return ip.Unmap() == other.Unmap()
	}
	return strings.EqualFold(a, strings.TrimSuffix(b, "."))
}

// isToken reports whether an Authorization field (RFC 6750 section 2.1) shows the token.
// It takes the same time whatever is shown.
func (o *Options) isToken(field string) bool {
	if o.Token == "" {
		return true
	}
	scheme, shown, _ := strings.Cut(field, " ")
	want, got := sha256.Sum256([]byte(o.Token)), sha256.Sum256([]byte(strings.TrimSpace(shown)))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}
