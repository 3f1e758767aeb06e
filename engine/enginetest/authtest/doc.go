// Package authtest is an authorization server for tests (RFC 6749, RFC 8628), and what
// a mail server asks it about a token (RFC 7662). Each refresh token works once: to show
// one again ends the grant, as providers do that detect a theft.
package authtest
