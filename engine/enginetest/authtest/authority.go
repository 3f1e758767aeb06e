package authtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// ClientID is the one client that the server knows.
const ClientID = "the-client"

// Authority is an authorization server with one user. Set its fields before it is asked.
type Authority struct {
	// Username is whose tokens they are.
	Username string
	// Life is how long an access token lasts; an hour.
	Life time.Duration
	// KeepRefresh gives no new refresh token with a new access token.
	KeepRefresh bool
	// Answer, where it is set, may answer a request of grant_type instead; it reports
	// whether it did.
	Answer func(w http.ResponseWriter, form url.Values) bool

	mu       sync.Mutex
	access   map[string]time.Time // when each ends
	refresh  map[string]bool      // each that was given: whether it works
	device   map[string]bool      // each device code: whether somebody agreed
	denied   bool
	requests []url.Values
	seen     []string // every secret that was given
}

// Start serves it on this machine until the end of the test, and returns its address.
func (a *Authority) Start(t testing.TB) string {
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	return srv.URL
}

// Transport serves it without a socket, for tests in a synctest bubble.
func (a *Authority) Transport() http.RoundTripper { return transport{a} }

type transport struct{ a *Authority }

// RoundTrip answers one request.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	t.a.ServeHTTP(w, req)
	if err := req.Context().Err(); err != nil {
		return nil, err // nobody waited for the answer
	}
	return w.Result(), nil
}

// ServeHTTP answers at /device, /token and /introspect.
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		fail(w, "invalid_request")
		return
	}
	switch r.URL.Path {
	case "/device":
		a.begin(w, r.PostForm)
	case "/token":
		a.token(w, r.PostForm)
	case "/introspect":
		a.introspect(w, r.Form.Get("token"))
	default:
		http.NotFound(w, r)
	}
}

func (a *Authority) begin(w http.ResponseWriter, form url.Values) {
	a.mu.Lock()
	defer a.mu.Unlock()
	code := a.secret("device")
	if a.device == nil {
		a.device = map[string]bool{}
	}
	a.device[code] = false
	if form.Get("client_id") != ClientID {
		fail(w, "invalid_client")
		return
	}
	reply(w, map[string]any{"device_code": code, "user_code": "BDWP-HQPK", "verification_uri": "https://login.example.org/device", "expires_in": 900, "interval": 1})
}

func (a *Authority) token(w http.ResponseWriter, form url.Values) {
	a.mu.Lock()
	a.requests = append(a.requests, form)
	answer := a.Answer
	a.mu.Unlock()
	if answer != nil && answer(w, form) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch form.Get("grant_type") {
	case "refresh_token":
		a.renew(w, form.Get("refresh_token"))
	case "authorization_code":
		a.give(w)
	default:
		a.agreed(w, form.Get("device_code"))
	}
}

func (a *Authority) agreed(w http.ResponseWriter, code string) {
	agreed, known := a.device[code]
	switch {
	case a.denied:
		fail(w, "access_denied")
	case !known:
		fail(w, "expired_token")
	case !agreed:
		fail(w, "authorization_pending")
	default:
		delete(a.device, code)
		a.give(w)
	}
}

// renew takes a refresh token. One that was spent ends all.
func (a *Authority) renew(w http.ResponseWriter, refresh string) {
	if !a.refresh[refresh] {
		a.revoke()
		fail(w, "invalid_grant")
		return
	}
	if a.KeepRefresh {
		reply(w, a.tokens())
		return
	}
	a.refresh[refresh] = false
	a.give(w)
}

func (a *Authority) give(w http.ResponseWriter) {
	out := a.tokens()
	out["refresh_token"] = a.newRefresh()
	reply(w, out)
}

func (a *Authority) tokens() map[string]any {
	life := a.Life
	if life == 0 {
		life = time.Hour
	}
	access := a.secret("access")
	if a.access == nil {
		a.access = map[string]time.Time{}
	}
	a.access[access] = time.Now().Add(life)
	return map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int(life.Seconds()), "scope": "mail offline_access"}
}

func (a *Authority) newRefresh() string {
	if a.refresh == nil {
		a.refresh = map[string]bool{}
	}
	out := a.secret("refresh")
	a.refresh[out] = true
	return out
}

func (a *Authority) secret(kind string) string {
	out := kind + "-" + rand.Text()
	a.seen = append(a.seen, out)
	return out
}

func (a *Authority) introspect(w http.ResponseWriter, token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ends, known := a.access[token]
	reply(w, map[string]any{"active": known && time.Now().Before(ends), "username": a.Username})
}

func (a *Authority) revoke() {
	clear(a.access)
	for token := range a.refresh {
		a.refresh[token] = false
	}
}

// Agree lets every device login that waits succeed, Deny refuses all.
func (a *Authority) Agree() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for code := range a.device {
		a.device[code] = true
	}
}

// Deny refuses every device login from now on.
func (a *Authority) Deny() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.denied = true
}

// Revoke ends all that was granted, as a user does at the provider.
func (a *Authority) Revoke() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revoke()
}

// Expire ends the access tokens alone.
func (a *Authority) Expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.access)
}

// Grant gives a refresh token, as a login would.
func (a *Authority) Grant() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.newRefresh()
}

// SetAnswer changes Answer while the server runs.
func (a *Authority) SetAnswer(to func(w http.ResponseWriter, form url.Values) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Answer = to
}

// Works reports whether a refresh token could be used.
func (a *Authority) Works(refresh string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refresh[refresh]
}

// Renewals counts the requests for a new token by a refresh token.
func (a *Authority) Renewals() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, form := range a.requests {
		if form.Get("grant_type") == "refresh_token" {
			n++
		}
	}
	return n
}

// Requests are all that came to /token.
func (a *Authority) Requests() []url.Values {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.requests)
}

// Secrets are all secrets that were given: none may be seen elsewhere.
func (a *Authority) Secrets() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.seen)
}

// Fail answers with an error of RFC 6749 section 5.2, as any answer may.
func Fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error": %q, "error_description": "said by the test"}`, code)
}

func fail(w http.ResponseWriter, code string) { Fail(w, http.StatusBadRequest, code) }

func reply(w http.ResponseWriter, out map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // whoever asked has gone then
}
