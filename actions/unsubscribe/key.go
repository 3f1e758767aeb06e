package unsubscribe

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
)

// maxKey is the most octets of a key record. An RSA key of 8192 bits has 1,400;
// what is much longer only costs time.
const maxKey = 4096

// Resolver answers for the keys of signatures. [net.Resolver] is one. It must
// return when the context ends.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

var (
	errForeign = errors.New("the signature is not of the sender's domain")
	errTesting = errors.New("the sender's key is for tests only (t=y)")
	errLongKey = errors.New("the sender's key is too long")
)

// keys asks for the keys of the signatures that can count. It is used by
// several goroutines at once.
type keys struct {
	resolver Resolver
	domain   string // of From
	// silent is set when DNS did not say whether there is a key.
	silent atomic.Bool
}

// lookup returns the TXT records of selector._domainkey.domain.
func (k *keys) lookup(ctx context.Context, name string) ([]string, error) {
	if _, domain, ok := strings.Cut(name, "._domainkey."); !ok || !aligned(domain, k.domain) {
		return nil, errForeign
	}
	records, err := k.resolver.LookupTXT(ctx, name)
	if err != nil {
		var dns *net.DNSError
		if !errors.As(err, &dns) || !dns.IsNotFound {
			k.silent.Store(true)
		}
		return nil, err
	}
	for _, r := range records {
		if len(r) > maxKey {
			return nil, errLongKey
		}
		if onlyTests(r) {
			return nil, errTesting
		}
	}
	return records, nil
}

// onlyTests reports whether a key record has the flag y (RFC 6376 section 3.6.1).
func onlyTests(record string) bool {
	for tag := range strings.SplitSeq(record, ";") {
		name, flags, _ := strings.Cut(tag, "=")
		if strings.TrimSpace(name) != "t" {
			continue
		}
		if slices.ContainsFunc(strings.Split(flags, ":"), func(f string) bool { return strings.TrimSpace(f) == "y" }) {
			return true
		}
	}
	return false
}
