package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// ErrEgress is what a call ends in that its [Egress] does not let out. No byte
// was sent.
var ErrEgress = errors.New("not let out")

// Egress is where calls may go.
type Egress int

const (
	// Any lets a call go wherever its URL says, through the proxy that
	// HTTP_PROXY and HTTPS_PROXY name, if any. It is for URLs that the owner
	// of the machine wrote.
	Any Egress = iota
	// Public lets calls go to globally routable unicast addresses only,
	// without a proxy. It is the address of the connection that is judged, not
	// the name, so that a name cannot point elsewhere after it was looked at.
	Public
	// Confined is for a URL that a message brought: as Public, and https on
	// port 443 only, without user info. Nothing that is ours goes with it: the
	// call has neither the webhook-* headers nor headers, secrets or a
	// certificate of the configuration (RFC 8058 section 3.1 asks the same).
	Confined
)

// dialer returns what connects under an egress. A nil resolver is the system's.
func dialer(e Egress, resolver *net.Resolver) *net.Dialer {
	d := &net.Dialer{Timeout: Timeout, KeepAlive: 30 * time.Second, Resolver: resolver}
	if e != Any {
		d.ControlContext = onlyPublic
	}
	return d
}

// onlyPublic runs after the name was resolved and before the connection is
// made, once for each address that is tried.
func onlyPublic(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: %s %s is not an address that can be judged", ErrEgress, network, address)
	}
	if !public(to.Addr()) {
		return fmt.Errorf("%w: %s is not a public address", ErrEgress, to.Addr())
	}
	return nil
}

// check returns what an egress does not allow in an endpoint. The host is left
// to the dialer: what a name or a number such as 2130706433 means, only the
// resolver knows.
func (e Egress) check(u *url.URL, to Endpoint) error {
	switch {
	case e != Confined:
		return nil
	case u.Scheme != "https":
		return fmt.Errorf("%w: the URL of a message must be https", ErrEgress)
	case u.Port() != "" && u.Port() != "443":
		return fmt.Errorf("%w: the URL of a message must use port 443", ErrEgress)
	case u.User != nil:
		return fmt.Errorf("%w: the URL of a message must have no user name", ErrEgress)
	case len(to.Headers) > 0 || len(to.Secrets) > 0 || to.Certificate != nil:
		return fmt.Errorf("%w: headers, secrets and certificates do not go to a URL that a message brought", ErrEgress)
	}
	return nil
}
