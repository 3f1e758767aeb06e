package webhook

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxTransports is how many transports are kept: one for each TLS setting and
// egress. A configuration seldom has more than two.
const maxTransports = 16

// transports are kept so that connections are used again, and apart so that a
// connection made under one TLS setting or egress never serves another. The
// zero value is ready.
type transports struct {
	// resolver is nil for the system's.
	resolver *net.Resolver
	// build makes a transport; nil for the real one.
	build func(Endpoint, *net.Resolver) http.RoundTripper

	mu   sync.Mutex
	kept []keptTransport // the most recently used last
}

type keptTransport struct {
	egress Egress
	cert   *tls.Certificate
	roots  *x509.CertPool
	http.RoundTripper
}

// of returns the transport for an endpoint. The one that was used least
// recently makes room for a new one; what it has under way comes to its end.
func (t *transports) of(to Endpoint) http.RoundTripper {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.kept, func(k keptTransport) bool { return k.fits(to) })
	if i < 0 {
		if len(t.kept) == maxTransports {
			closeIdle(t.kept[0])
			t.kept = slices.Delete(t.kept, 0, 1)
		}
		build := t.build
		if build == nil {
			build = newTransport
		}
		t.kept = append(t.kept, keptTransport{to.Egress, to.Certificate, to.RootCAs, build(to, t.resolver)})
		return t.kept[len(t.kept)-1].RoundTripper
	}
	k := t.kept[i]
	t.kept = append(slices.Delete(t.kept, i, i+1), k)
	return k.RoundTripper
}

func (t *transports) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.kept {
		closeIdle(k)
	}
}

func closeIdle(k keptTransport) {
	client := http.Client{Transport: k.RoundTripper}
	client.CloseIdleConnections()
}

// fits compares what the settings say, not where they are in memory, for each
// reload of the configuration reads them anew.
func (k keptTransport) fits(to Endpoint) bool {
	return k.egress == to.Egress && sameCertificate(k.cert, to.Certificate) && sameRoots(k.roots, to.RootCAs)
}

func sameCertificate(a, b *tls.Certificate) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal)
}

func sameRoots(a, b *x509.CertPool) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(b)
}

// newTransport is the standard library's with our limits. Only Any uses a
// proxy, for a proxy resolves names out of sight.
func newTransport(to Endpoint, resolver *net.Resolver) http.RoundTripper {
	t := &http.Transport{
		DialContext:            dialer(to.Egress, resolver).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: to.RootCAs},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           16,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	if to.Egress == Any {
		t.Proxy = http.ProxyFromEnvironment
	}
	if to.Certificate != nil {
		t.TLSClientConfig.Certificates = []tls.Certificate{*to.Certificate}
	}
	return t
}
