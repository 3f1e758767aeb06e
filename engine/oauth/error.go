package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/oauth2"
)

// Kind says what an error asks for.
type Kind int

// The kinds.
const (
	// Temporary may pass by itself.
	Temporary Kind = iota
	// Ended: there is no grant, or it was taken back or is too old. A person has to log
	// in again.
	Ended
	// Config: the configuration or the registration of the client must change.
	Config
	// Denied: the person did not agree.
	Denied
	// TooLate: the person took too long.
	TooLate
)

// Error is every error of this package.
type Error struct {
	// Account is whose token it is about, Host who answered, "" for this machine.
	Account, Host string
	Kind          Kind
	// Code is the error of the server (RFC 6749 section 5.2), "" where it said none, and
	// Text what it said of it: printable, at most 200 bytes, without secrets.
	Code, Text string
	// Advice is what to do now.
	Advice string
	// RetryAfter is how long the server asks to wait, at most an hour.
	RetryAfter time.Duration
	// Err is what went wrong here.
	Err error
}

// Error reads "invalid_grant (Token has been revoked); run 'imapilot login home'".
func (e *Error) Error() string {
	text := e.Text
	if e.Code != "" && text != "" {
		text = " (" + text + ")"
	}
	text = e.Code + text
	if e.Err != nil {
		text = strings.TrimPrefix(text+": "+e.Err.Error(), ": ")
	}
	if e.Advice != "" {
		text += "; " + e.Advice
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

const (
	maxText  = 200
	maxRetry = time.Hour
)

// printable makes a text of a server safe to show: one line, nothing that moves the
// cursor, and none of the secrets.
func printable(text string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, text[:min(len(text), 4*maxText)])
	for len(text) > maxText {
		text = strings.ToValidUTF8(text[:len(text)-1], "")
	}
	return strings.TrimSpace(text)
}

// LoginCommand is the command that gives an account a new grant, for a shell.
func LoginCommand(account string) string {
	if !regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./][A-Za-z0-9_@%+=:,./-]*$`).MatchString(account) {
		account = "-- '" + strings.ReplaceAll(account, "'", `'\''`) + "'"
	}
	return "imapilot login " + account
}

func (c *Client) loginAgain() string { return "run '" + LoginCommand(c.Account) + "'" }

// failure types an error of golang.org/x/oauth2. That of a reply holds all of it, which
// is never shown.
func (c *Client) failure(endpoint string, err error, secrets ...string) *Error {
	e := &Error{Account: c.Account, Host: hostOf(endpoint)}
	var reply *oauth2.RetrieveError
	var own *Error
	var request *url.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &reply):
		return c.refusal(e, reply, append(secrets, c.secret))
	case errors.Is(err, context.DeadlineExceeded):
		e.Err = errors.New("no answer in time")
	case errors.As(err, &request):
		e.Err = request.Err // without the address
	default:
		e.Err = errors.New(printable(err.Error(), append(secrets, c.secret)...))
	}
	return e
}

// refusal types what a server answered.
func (c *Client) refusal(e *Error, reply *oauth2.RetrieveError, secrets []string) *Error {
	status, header := 0, http.Header{}
	if reply.Response != nil {
		status, header = reply.Response.StatusCode, reply.Response.Header
	}
	e.Code, e.Text = printable(reply.ErrorCode, secrets...), printable(reply.ErrorDescription, secrets...)
	if e.Code == "" {
		e.Text = fmt.Sprintf("HTTP %d", status)
	}
	switch {
	case reply.ErrorCode == "temporarily_unavailable", reply.ErrorCode == "server_error", // RFC 6749 section 4.1.2.1, and used here, too
		status >= http.StatusInternalServerError, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		e.RetryAfter = retryAfter(header)
	case reply.ErrorCode == "invalid_grant":
		e.Kind, e.Advice = Ended, "the authorization has ended: "+c.loginAgain()
	case slices.Contains([]string{"interaction_required", "consent_required", "login_required"}, reply.ErrorCode):
		e.Kind, e.Advice = Ended, "the provider wants to see you: "+c.loginAgain() // asked again, it says the same
	case reply.ErrorCode == "access_denied", reply.ErrorCode == "authorization_declined": // the second is Microsoft's
		e.Kind, e.Advice = Denied, "nobody agreed: "+c.loginAgain()+" again if that was a mistake"
	case reply.ErrorCode == "expired_token", reply.ErrorCode == "code_expired":
		e.Kind, e.Advice = TooLate, "the code was not entered in time: "+c.loginAgain()+" again"
	default:
		e.Kind, e.Advice = Config, c.mend(reply.ErrorCode, status)
	}
	return e
}

// mend says what to change after a refusal that trying again does not help.
func (c *Client) mend(code string, status int) string {
	client := fmt.Sprintf("client_id %q", printable(c.ID))
	switch code {
	case "invalid_client":
		return "the provider does not know the " + client + ", or wants another client_secret"
	case "unauthorized_client":
		return "the provider does not let the " + client + " log in so: for a device code, its registration must allow public client flows"
	case "invalid_scope":
		return "the provider does not give " + strings.Join(c.Scopes, " ") + " to the " + client + " in this way: see scopes: of the account"
	case "unsupported_grant_type", "invalid_request":
		return "look at the endpoints, the tenant and the " + client + " of the account"
	}
	if status/100 == 3 {
		return "it redirects, which is not followed: look at the endpoints of the account"
	}
	return "look at the endpoints and the " + client + " of the account"
}

func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(min(n, 1<<20))*time.Second, maxRetry)
}

func hostOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return cmp.Or(u.Hostname(), "")
}
