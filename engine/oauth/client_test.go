package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine/enginetest/authtest"
	"imapilot/engine/oauth"
)

const server = "https://login.example.org"

func client(a http.RoundTripper) *oauth.Client {
	return &oauth.Client{
		Account: "home", ID: authtest.ClientID, Scopes: []string{"mail"}, Transport: a,
		DeviceEndpoint: server + "/device", AuthorizationEndpoint: server + "/authorize", TokenEndpoint: server + "/token",
	}
}

// transport answers requests by a function.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func answering(status int, header http.Header, body string) transport {
	return func(*http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		for name := range header {
			w.Header().Set(name, header.Get(name))
		}
		w.WriteHeader(status)
		_, _ = w.WriteString(body)
		return w.Result(), nil
	}
}

func wantKind(t *testing.T, err error, kind oauth.Kind, says ...string) *oauth.Error {
	t.Helper()
	var e *oauth.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("%#v (%v), want kind %d", err, err, kind)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
	return e
}

func TestDeviceLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authtest.Authority{}
		slow := true
		a.Answer = func(w http.ResponseWriter, form url.Values) bool {
			defer func() { slow = false }()
			if slow {
				authtest.Fail(w, http.StatusBadRequest, "slow_down")
			}
			return slow
		}
		began := time.Now()
		d, err := client(a.Transport()).Device(t.Context())
		if err != nil || d.UserCode != "BDWP-HQPK" || d.URI != "https://login.example.org/device" || d.Ends.Sub(began) != 15*time.Minute {
			t.Fatalf("%+v, %v", d, err)
		}
		time.AfterFunc(time.Minute, a.Agree)
		g, err := d.Wait(t.Context())
		if err != nil || !a.Works(g.Refresh) || g.Access == "" || strings.Join(g.Scopes, " ") != "mail offline_access" {
			t.Fatalf("%v", err)
		}
		// One question, then one every six seconds: asked to slow down means five more.
		if n := len(a.Requests()); n < 9 || n > 12 {
			t.Errorf("%d questions in a minute", n)
		}
	})
}

func TestDeviceLoginThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(a *authtest.Authority, cancel func())
		kind oauth.Kind
		says string
	}{
		"refused": {func(a *authtest.Authority, _ func()) { a.Deny() }, oauth.Denied, "nobody agreed: run 'imapilot login home'"},
		"nobody":  {func(*authtest.Authority, func()) {}, oauth.TooLate, "nobody entered the code in time; run 'imapilot login home' again"},
		"expired": {func(a *authtest.Authority, _ func()) {
			a.SetAnswer(func(w http.ResponseWriter, _ url.Values) bool { authtest.Fail(w, 400, "expired_token"); return true })
		}, oauth.TooLate, "not entered in time"},
		"unknown client": {func(a *authtest.Authority, _ func()) {
			a.SetAnswer(func(w http.ResponseWriter, _ url.Values) bool {
				authtest.Fail(w, 401, "unauthorized_client")
				return true
			})
		}, oauth.Config, `client_id "the-client"`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &authtest.Authority{}
				d, err := client(a.Transport()).Device(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				time.AfterFunc(10*time.Second, func() { c.do(a, nil) })
				_, err = d.Wait(t.Context())
				wantKind(t, err, c.kind, c.says)
				if took := time.Since(began); took > 16*time.Minute {
					t.Errorf("waited %v", took)
				}
			})
		})
	}
}

// A server that is away for a while ends no login that a person is about to make.
func TestDeviceLoginOverAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authtest.Authority{Answer: func(w http.ResponseWriter, _ url.Values) bool { authtest.Fail(w, 503, ""); return true }}
		d, err := client(a.Transport()).Device(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Minute, func() { a.SetAnswer(nil); a.Agree() })
		if _, err := d.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		d, _ = client(a.Transport()).Device(ctx)
		time.AfterFunc(time.Minute, cancel)
		if _, err := d.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted: %v", err)
		}
	})
}

// What a server says in the place of a page and a code is not shown to a person.
func TestDeviceRepliesThatAreNone(t *testing.T) {
	for _, body := range []string{
		`{}`, `not json`, `{"device_code": "x", "user_code": "y"}`, `{"device_code": "x", "user_code": "y", "verification_uri": "javascript:alert(1)"}`,
		`{"device_code": "x", "user_code": "y", "verification_uri": "http://login.example.org"}`,
		`{"device_code": "x", "user_code": "y", "verification_uri": "https://login.example.org/\u001b[2J"}`,
		`{"device_code": "", "user_code": "y", "verification_uri": "https://login.example.org/"}`,
		`{"x": "` + strings.Repeat("x", 100<<10) + `"}`,
	} {
		if d, err := client(answering(200, nil, body)).Device(t.Context()); err == nil {
			t.Errorf("%.60s: %+v", body, d)
		} else if strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q", err)
		}
	}
}

func TestPastedCode(t *testing.T) {
	a := &authtest.Authority{}
	c := client(a.Transport())
	code, err := c.Code(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(code.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("client_id") != authtest.ClientID || q.Get("access_type") != "offline" || q.Get("response_type") != "code" {
		t.Errorf("%v", q)
	}
	state := url.QueryEscape(q.Get("state"))
	for pasted, kind := range map[string]oauth.Kind{
		"":         oauth.Denied,
		"4/0Axxxx": oauth.Denied,
		"http://127.0.0.1:49153/?state=other&code=x":                          oauth.Denied,
		"http://127.0.0.1:49153/?code=x":                                      oauth.Denied,
		"http://127.0.0.1:49153/?state=" + state:                              oauth.Denied,
		"http://127.0.0.1:49153/?state=" + state + "&error=access_denied":     oauth.Denied,
		"http://127.0.0.1:49153/?error=access_denied":                         oauth.Denied,
		"http://127.0.0.1:49153/?state=" + state + "&error=invalid_scope":     oauth.Config,
		"http://127.0.0.1:49153/?code=" + strings.Repeat("x", 20<<10):         oauth.Denied,
		"http://127.0.0.1:49153/?state=" + state + "&error=%1b%5b2J%0aforged": oauth.Config,
	} {
		_, err := code.Finish(t.Context(), pasted)
		if e := wantKind(t, err, kind); strings.ContainsAny(e.Error(), "\x1b\n") {
			t.Errorf("%q", e)
		}
	}
	if n := len(a.Requests()); n != 0 {
		t.Fatalf("%d requests for a code that is none", n)
	}
	g, err := code.Finish(t.Context(), " "+q.Get("redirect_uri")+"?state="+state+"&code=abc&scope=x\n")
	if err != nil || !a.Works(g.Refresh) {
		t.Fatal(err)
	}
	sent := a.Requests()[0]
	if sent.Get("code") != "abc" || sent.Get("code_verifier") == "" || sent.Get("redirect_uri") != q.Get("redirect_uri") {
		t.Errorf("%v", sent)
	}
}

// TestRefusals is what is made of each answer to a refresh token, none of which shows it.
func TestRefusals(t *testing.T) {
	const secret = "refresh-abcdef"
	said := func(code string) string {
		return fmt.Sprintf(`{"error": %q, "error_description": "no %s\u001b[2J"}`, code, secret)
	}
	for _, c := range []struct {
		status int
		body   string
		kind   oauth.Kind
		says   string
	}{
		{400, said("invalid_grant"), oauth.Ended, "the authorization has ended: run 'imapilot login home'"},
		{400, said("invalid_client"), oauth.Config, `does not know the client_id "the-client"`},
		{401, said("unauthorized_client"), oauth.Config, "public client flows"},
		{400, said("invalid_scope"), oauth.Config, "scopes: of the account"},
		{400, said("interaction_required"), oauth.Ended, "wants to see you: run 'imapilot login home'"},
		{400, said("unheard_of"), oauth.Config, "unheard_of"},
		{503, said("temporarily_unavailable"), oauth.Temporary, "temporarily_unavailable"},
		{500, "<html>", oauth.Temporary, "HTTP 500"},
		{429, "", oauth.Temporary, "HTTP 429"},
		{302, "", oauth.Config, "redirects"},
		{404, "<html>" + secret, oauth.Config, "HTTP 404"},
		{200, "<html>" + secret, oauth.Temporary, ""},
		{200, `{"error": "invalid_grant"}`, oauth.Ended, "imapilot login home"},
		{200, `{"access_token": "x", "token_type": "mac", "expires_in": 3600}`, oauth.Config, "Bearer"},
		{200, `{"access_token": "` + strings.Repeat("x", 17<<10) + `", "token_type": "Bearer"}`, oauth.Config, "longer than"},
		{200, `{"access_token": "` + strings.Repeat("x", 70<<10) + `", "token_type": "Bearer"}`, oauth.Temporary, "longer than"},
	} {
		_, err := client(answering(c.status, http.Header{"Location": {"https://evil.example.org"}, "Retry-After": {"7"}}, c.body)).Refresh(t.Context(), oauth.Grant{Refresh: secret})
		e := wantKind(t, err, c.kind, c.says)
		if strings.Contains(e.Error(), secret) || strings.Contains(e.Error(), "\x1b") || len(e.Error()) > 600 {
			t.Errorf("%d %.30s: %q", c.status, c.body, e)
		}
		if c.status >= 429 && e.RetryAfter != 7*time.Second {
			t.Errorf("%d: try again after %v", c.status, e.RetryAfter)
		}
	}
}

// A redirect is not followed: it would show the refresh token to whom it names.
func TestNoRedirectIsFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	defer elsewhere.Close()
	srv := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	c := client(nil)
	c.TokenEndpoint = srv.URL + "/token"
	_, err := c.Refresh(t.Context(), oauth.Grant{Refresh: "x"})
	wantKind(t, err, oauth.Config, "redirects")
}

// No secret leaves this machine in clear text.
func TestOnlyTLS(t *testing.T) {
	for endpoint, good := range map[string]bool{
		"https://login.example.org/token": true, "http://127.0.0.1:1/token": true, "http://[::1]/token": true, "http://localhost/token": true,
		"http://login.example.org/token": false, "ftp://login.example.org": false, "login.example.org": false, "https://": false, "https://u:p@login.example.org": false,
		"http://127.0.0.1.example.org/": false, "http://localhost.example.org/": false,
	} {
		if err := oauth.CheckEndpoint(endpoint); (err == nil) != good {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	c := client(transport(func(*http.Request) (*http.Response, error) { t.Error("asked"); return nil, errors.New("no") }))
	c.TokenEndpoint = "http://login.example.org/token"
	if _, err := c.Refresh(t.Context(), oauth.Grant{Refresh: "x"}); err == nil {
		t.Error("no error")
	}
}

func TestLoginCommand(t *testing.T) {
	for name, want := range map[string]string{
		"home": "imapilot login home", "me@example.org": "imapilot login me@example.org",
		"my mail": "imapilot login -- 'my mail'", "-x": "imapilot login -- '-x'", "it's; rm": `imapilot login -- 'it'\''s; rm'`,
	} {
		if got := oauth.LoginCommand(name); got != want {
			t.Errorf("%q", got)
		}
	}
}
