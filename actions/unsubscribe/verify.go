package unsubscribe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-msgauth/dkim"
)

const (
	// maxMessage is the most octets of a message that is verified.
	maxMessage = 64 << 20
	// maxSignatures is how many signatures of a message are looked at, the
	// first ones.
	maxSignatures = 8
	// maxWait is how long a message and its keys may take.
	maxWait = 10 * time.Second
	// maxReason is the most characters of what a refusal cites.
	maxReason = 200
)

var (
	// ErrUnsigned is the refusal of an offer that nobody of the sender's domain
	// vouches for. It is for good.
	ErrUnsigned = errors.New("the offer is not covered by a valid DKIM signature")
	// ErrDNS is the refusal while the key of a signature cannot be asked for.
	ErrDNS = errors.New("the sender's DNS does not answer")
	// ErrUnread is the refusal of a message that could not be read to its end.
	ErrUnread = errors.New("the message could not be read")
)

// Temporary reports whether a refusal of [Verify] can be another one later.
func Temporary(err error) bool {
	return errors.Is(err, ErrDNS) || errors.Is(err, ErrUnread)
}

// Offer is a one-click unsubscribe that the sender signed. The zero Offer is
// none.
type Offer struct {
	claim  Claim
	signer string
}

// URL returns the address to post to. It may hold a token: show the host only.
func (o Offer) URL() string { return o.claim.URL }

// Signer returns the domain that signed the offer, the d= of its signature.
func (o Offer) Signer() string { return o.signer }

// Verify reads a whole message and returns its offer, once a valid signature of
// the sender's domain covers it. Other errors than that of a context that was
// cancelled are refusals: [ErrNoOffer], [ErrUnsigned], [ErrDNS] or [ErrUnread],
// with a text for a person. The key is asked for in a message with an offer
// only. It takes ten seconds at most, if raw does not block.
func Verify(ctx context.Context, r Resolver, raw io.Reader) (Offer, error) {
	waiting, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	in := &source{ctx: waiting, r: raw, left: maxMessage}
	body := bufio.NewReader(in)
	header, err := readHeader(body)
	if err == nil {
		err = in.err
	}
	if err != nil {
		return Offer{}, refused(ctx, err)
	}
	claim, err := Read(header)
	if err != nil {
		return Offer{}, err
	}
	k := &keys{resolver: r, domain: claim.Domain}
	found, err := dkim.VerifyWithOptions(io.MultiReader(bytes.NewReader(header), body), &dkim.VerifyOptions{
		MaxVerifications: maxSignatures,
		LookupTXT:        func(name string) ([]string, error) { return k.lookup(waiting, name) },
	})
	if errors.Is(err, dkim.ErrTooManySignatures) {
		err = nil // those that were looked at decide
	}
	if err = errors.Join(in.err, err); err != nil {
		return Offer{}, refused(ctx, err)
	}
	return judge(ctx, claim, found, k.silent.Load())
}

// judge returns the offer if one of the signatures vouches for it.
func judge(ctx context.Context, claim Claim, found []*dkim.Verification, silent bool) (Offer, error) {
	why := errors.New("the message is not signed")
	for i, v := range found {
		err := vouches(v, claim.Domain)
		if err == nil {
			return Offer{claim: claim, signer: strings.ToLower(v.Domain)}, nil
		}
		if i == 0 || aligned(v.Domain, claim.Domain) {
			why = err
		}
	}
	switch {
	case ctx.Err() != nil:
		return Offer{}, ctx.Err()
	case silent:
		return Offer{}, ErrDNS
	}
	return Offer{}, fmt.Errorf("%w: %s", ErrUnsigned, printable(why.Error()))
}

// vouches returns why a signature does not stand for an offer. Each field comes
// once, which [Read] saw to, so that the name in h= means this one.
func vouches(v *dkim.Verification, domain string) error {
	if !aligned(v.Domain, domain) {
		return fmt.Errorf("it is signed by %q, and not by %s, which From names", v.Domain, domain)
	}
	if v.Err != nil {
		return errors.New(strings.TrimPrefix(v.Err.Error(), "dkim: "))
	}
	for _, name := range []string{"List-Unsubscribe", "List-Unsubscribe-Post"} {
		if !slices.ContainsFunc(v.HeaderKeys, func(key string) bool { return strings.EqualFold(key, name) }) {
			return fmt.Errorf("the signature of %q does not cover %s", v.Domain, name)
		}
	}
	return nil
}

// refused makes the error of a message that could not be read.
func refused(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errLong):
		return noOffer("%v", err)
	case errors.Is(err, errLongMessage):
		return fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	return fmt.Errorf("%w: %w", ErrUnread, err)
}

// printable makes a text of mail safe to show.
func printable(s string) string {
	runes := []rune(s)
	for i, r := range runes {
		if !unicode.IsPrint(r) {
			runes[i] = '?'
		}
	}
	return string(runes[:min(len(runes), maxReason)])
}
