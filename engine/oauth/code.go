package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
)

// redirect is where the browser is sent with the code: to a port of its own machine on
// which nobody listens (RFC 8252 section 7.3). The person copies the address.
const redirect = "http://127.0.0.1:49153/"

// maxPasted is how long an address may be that is pasted.
const maxPasted = 16 << 10

// Code is a login whose last step is an address that a person pastes (RFC 6749 section
// 4.1), secured by PKCE (RFC 7636).
type Code struct {
	// URL is the page to open.
	URL string

	client          *Client
	state, verifier string
}

// Code begins such a login.
func (c *Client) Code(ctx context.Context) (*Code, error) {
	_, conf, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	k := &Code{client: c, state: oauth2.GenerateVerifier(), verifier: oauth2.GenerateVerifier()}
	// Google gives a refresh token only where it is asked to, and to consent again.
	k.URL = conf.AuthCodeURL(k.state, oauth2.S256ChallengeOption(k.verifier), oauth2.AccessTypeOffline, oauth2.SetAuthURLParam("prompt", "consent"))
	return k, nil
}

// Finish takes the address that the browser was sent to.
func (k *Code) Finish(ctx context.Context, pasted string) (Grant, error) {
	c := k.client
	code, err := k.read(strings.TrimSpace(pasted))
	if err != nil {
		return Grant{}, err
	}
	ctx, conf, err := c.begin(ctx)
	if err != nil {
		return Grant{}, err
	}
	t, err := conf.Exchange(ctx, code, oauth2.VerifierOption(k.verifier))
	if err != nil {
		return Grant{}, c.failure(c.TokenEndpoint, err, code, k.verifier)
	}
	return c.grant(t, Grant{})
}

// read finds the code in the address.
func (k *Code) read(pasted string) (string, error) {
	c := k.client
	bad := &Error{Account: c.Account, Kind: Denied, Err: errors.New("this is not the address that the browser was sent to by this login"),
		Advice: "copy all of it, from http://127.0.0.1 on: " + c.loginAgain() + " again"}
	u, err := url.Parse(pasted)
	if err != nil || len(pasted) > maxPasted {
		return "", bad
	}
	q := u.Query()
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(k.state)) != 1 {
		return "", bad
	}
	if said := q.Get("error"); said != "" {
		return "", c.refusal(&Error{Account: c.Account, Host: hostOf(c.AuthorizationEndpoint)},
			&oauth2.RetrieveError{ErrorCode: said, ErrorDescription: q.Get("error_description")}, nil)
	}
	if q.Get("code") == "" {
		return "", bad
	}
	return q.Get("code"), nil
}
