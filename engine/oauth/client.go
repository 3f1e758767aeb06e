package oauth

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// The limits of one request to an authorization server.
const (
	maxReply  = 64 << 10
	maxHeader = 64 << 10
	maxToken  = 16 << 10
	// requestTime bounds a request, graceTime is how much of it outlives whoever asked: a
	// server that was asked may have spent the refresh token already.
	requestTime = 30 * time.Second
	graceTime   = 3 * time.Second
)

// Client is how imapilot is known to one authorization server, for one account.
type Client struct {
	Account string
	// DeviceEndpoint is that of RFC 8628, AuthorizationEndpoint that for a browser, ""
	// where there is none. TokenEndpoint is always there.
	DeviceEndpoint, AuthorizationEndpoint, TokenEndpoint string
	ID                                                   string
	Scopes                                               []string
	// Secret reads the secret of the client; nil is none.
	Secret func(context.Context) (string, error)
	// Transport makes the requests; nil is HTTP.
	Transport http.RoundTripper

	secret string // what Secret gave last
}

// begin prepares requests.
func (c *Client) begin(ctx context.Context) (context.Context, *oauth2.Config, error) {
	if c.Secret != nil {
		secret, err := c.Secret(ctx)
		if err != nil {
			return nil, nil, &Error{Account: c.Account, Kind: Config, Err: err, Advice: "it is the client_secret of the account"}
		}
		c.secret = secret
	}
	return context.WithValue(ctx, oauth2.HTTPClient, c.http(ctx)), &oauth2.Config{
		ClientID: c.ID, ClientSecret: c.secret, Scopes: c.Scopes, RedirectURL: redirect,
		// The style is said, because guessing it would show a refresh token twice.
		Endpoint: oauth2.Endpoint{DeviceAuthURL: c.DeviceEndpoint, AuthURL: c.AuthorizationEndpoint, TokenURL: c.TokenEndpoint, AuthStyle: oauth2.AuthStyleInParams},
	}, nil
}

func (c *Client) http(ctx context.Context) *http.Client {
	return &http.Client{
		Transport: bounded{ctx, c.transport()},
		// A redirect would carry secrets elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (c *Client) transport() http.RoundTripper {
	if c.Transport != nil {
		return c.Transport
	}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: requestTime, MaxResponseHeaderBytes: maxHeader,
	}
}

// bounded makes a request end with ctx, which golang.org/x/oauth2 does not always tell
// it, and in time, and reads its reply whole, up to a limit.
type bounded struct {
	ctx  context.Context //nolint:containedctx // see above
	next http.RoundTripper
}

// RoundTrip makes one request.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := CheckEndpoint(req.URL.String()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(req.Context(), requestTime)
	defer cancel()
	defer context.AfterFunc(b.ctx, cancel)()
	resp, err := b.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxReply {
		return nil, fmt.Errorf("the reply is longer than %d bytes", maxReply)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// CheckEndpoint reports what is wrong with the address of an endpoint: it must be https,
// but to this machine.
func CheckEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("this is no address of an endpoint, as in https://login.example.org/token")
	case u.User != nil || u.Fragment != "":
		return errors.New("an endpoint has no user and no fragment in it")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return errors.New("an endpoint must be https, or secrets could be read on the way")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// Refresh renews a grant (RFC 6749 section 6). It returns a new one, and leaves the old
// one as it is. It outlives ctx for a moment, so that an answer is not lost which may
// hold the only refresh token there is.
func (c *Client) Refresh(ctx context.Context, g Grant) (Grant, error) {
	ctx, cancel := outlive(ctx, requestTime, graceTime)
	defer cancel()
	ctx, conf, err := c.begin(ctx)
	if err != nil {
		return Grant{}, err
	}
	t, err := conf.TokenSource(ctx, &oauth2.Token{RefreshToken: g.Refresh}).Token()
	if err != nil {
		return Grant{}, c.failure(c.TokenEndpoint, err, g.Refresh, g.Access)
	}
	return c.grant(t, g)
}

// outlive returns a context that ends after so long, and soon after its parent does.
func outlive(parent context.Context, most, grace time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), most)
	stop := context.AfterFunc(parent, func() { time.AfterFunc(grace, cancel) })
	return ctx, func() { stop(); cancel() }
}

// grant takes in a reply with tokens. before is what it replaces.
func (c *Client) grant(t *oauth2.Token, before Grant) (Grant, error) {
	now := time.Now()
	g := Grant{
		Refresh: t.RefreshToken, Access: t.AccessToken, Expiry: t.Expiry, Obtained: now, Granted: before.Granted,
		Scopes: c.Scopes, TokenEndpoint: c.TokenEndpoint, ClientID: c.ID,
	}
	if g.Granted.IsZero() {
		g.Granted = now
	}
	if scope, ok := t.Extra("scope").(string); ok && scope != "" {
		g.Scopes = strings.Fields(printable(scope))
	} else if len(before.Scopes) > 0 {
		g.Scopes = before.Scopes
	}
	bad := func(why string) (Grant, error) {
		return Grant{}, &Error{Account: c.Account, Host: hostOf(c.TokenEndpoint), Kind: Config, Err: errors.New(why),
			Advice: "look at scopes: and the endpoints of the account"}
	}
	switch {
	case len(g.Access) > maxToken || len(g.Refresh) > maxToken:
		return bad(fmt.Sprintf("the provider gave a token that is longer than %d bytes", maxToken))
	case g.Refresh == "":
		return bad("the provider gave a token that cannot be renewed (some want the scope offline_access for that)")
	case !strings.EqualFold(t.Type(), "Bearer"):
		return bad(fmt.Sprintf("the provider gave a token of the type %q, and mail servers take Bearer", printable(t.Type())))
	}
	return g, nil
}
