package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"imapilot/engine/enginetest/authtest"
	"imapilot/engine/enginetest/imaptest"
)

// loginFolder is a folder with a configuration whose account logs in by tokens, on a
// Dovecot. more is what oauth2: has besides.
func loginFolder(t *testing.T, auth *authtest.Authority, more string) {
	t.Helper()
	url := auth.Start(t)
	srv := imaptest.Dovecot(t, imaptest.Options{Config: imaptest.Tokens(t, url+"/introspect", "xoauth2", "oauthbearer")})
	host, port := srv.Addr()
	t.Chdir(t.TempDir())
	writeFile(t, "imapilot.key", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))+"\n")
	if err := os.Chmod("imapilot.key", 0o600); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "imapilot.yaml", fmt.Sprintf("token_key: {file: imapilot.key}\naccounts:\n  home:\n    host: %s\n    port: %d\n    tls: none\n    username: user\n    oauth2: {client_id: %s, token_endpoint: '%s/token', scopes: [mail]%s}\n",
		host, port, authtest.ClientID, url, strings.ReplaceAll(more, "URL", url))+"rules:\n  - {name: r, if: seen, then: [trash]}\n")
}

// saying runs a command line, and hands over what it printed so far now and then. It
// fails where a secret is shown.
func saying(t *testing.T, auth *authtest.Authority, in string, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(in), &out, &out)
	for _, s := range auth.Secrets() {
		if strings.Contains(out.String(), s) {
			t.Errorf("it shows %s:\n%s", s, &out)
		}
	}
	return out.String(), code
}

func wantSaid(t *testing.T, out string, code, want int, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("it does not say %q", text)
		}
	}
	if code != want || t.Failed() {
		t.Fatalf("exit code %d, want %d\n%s", code, want, out)
	}
}

// TestLoginByDevice: a page and a code, a token that the server takes, and commands that
// use it.
func TestLoginByDevice(t *testing.T) {
	auth := &authtest.Authority{Username: "user"}
	loginFolder(t, auth, ", device_endpoint: 'URL/device'")
	out, code := saying(t, auth, "", "mailboxes")
	wantSaid(t, out, code, exitFailure, "nobody has logged in yet; run 'imapilot login home'")
	out, code = saying(t, auth, "", "doctor")
	wantSaid(t, out, code, exitFailure, "addresses", "nobody has logged in yet; run 'imapilot login home'")
	out, code = saying(t, auth, "", "login", "--status")
	wantSaid(t, out, code, exitProblems, "home: 127.0.0.1", "nobody has logged in yet")
	out, code = saying(t, auth, "", "login", "--status", "--json")
	wantSaid(t, out, code, exitProblems, `"problem": "nobody has logged in yet`)
	out, code = saying(t, auth, "", "login", "home", "--json")
	wantSaid(t, out, code, exitUsage, "--json is for --status")
	out, code = saying(t, auth, "", "logout")
	wantSaid(t, out, code, exitUsage, `name the account; it may be "home"`)

	time.AfterFunc(500*time.Millisecond, auth.Agree)
	out, code = saying(t, auth, "", "login", "home")
	wantSaid(t, out, code, exitOK, "  https://login.example.org/device\n", "  BDWP-HQPK\n", "127.0.0.1 takes the token, by OAUTHBEARER. It is stored")

	out, code = saying(t, auth, "", "login", "--status", "home")
	wantSaid(t, out, code, exitOK, "granted:", "scopes:     mail offline_access")
	out, code = saying(t, auth, "", "login", "--status", "--json")
	wantSaid(t, out, code, exitOK, `"provider": "127.0.0.1"`, `"scopes"`)
	out, code = saying(t, auth, "", "mailboxes")
	wantSaid(t, out, code, exitOK, "INBOX")
	out, code = saying(t, auth, "", "doctor")
	wantSaid(t, out, code, exitOK, "used            OAUTHBEARER", "What imapilot does here")
	if auth.Renewals() != 0 {
		t.Errorf("%d renewals of a token that lasts", auth.Renewals())
	}

	out, code = saying(t, auth, "", "logout", "home")
	wantSaid(t, out, code, exitOK, "The token is removed.")
	out, code = saying(t, auth, "", "logout", "home")
	wantSaid(t, out, code, exitOK, "There was no token.")
	out, code = saying(t, auth, "", "mailboxes")
	wantSaid(t, out, code, exitFailure, "nobody has logged in yet")
}

func TestLoginThatFails(t *testing.T) {
	auth := &authtest.Authority{Username: "somebody-else"}
	loginFolder(t, auth, ", device_endpoint: 'URL/device'")
	time.AfterFunc(500*time.Millisecond, auth.Agree)
	out, code := saying(t, auth, "", "login", "home")
	wantSaid(t, out, code, exitFailure, "does not take it; nothing was stored", "Did you log in as user there?")

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	var printed bytes.Buffer
	if code := run(ctx, []string{"login", "home"}, strings.NewReader(""), &printed, &printed); code != exitFailure {
		t.Errorf("interrupted: exit code %d\n%s", code, &printed)
	}
	auth.Deny()
	out, code = saying(t, auth, "", "login", "home")
	wantSaid(t, out, code, exitFailure, `account "home": access_denied`, "nobody agreed")
	out, code = saying(t, auth, "", "login", "office")
	wantSaid(t, out, code, exitUsage, `there is no account "office"`)
	writeFile(t, "imapilot.key", "short\n")
	out, code = saying(t, auth, "", "login", "home")
	wantSaid(t, out, code, exitFailure, "token_key", "head -c 32 /dev/urandom | base64")
	out, code = saying(t, auth, "", "login", "--status")
	wantSaid(t, out, code, exitProblems, "32 random bytes")
	if _, err := os.Stat("imapilot.db.tokens/home"); err == nil {
		t.Error("a token was stored")
	}
}

// Without a key nothing is asked and nothing stored; what to add is said word by word.
func TestLoginWithoutAKey(t *testing.T) {
	auth := &authtest.Authority{Username: "user"}
	loginFolder(t, auth, ", device_endpoint: 'URL/device'")
	text, err := os.ReadFile("imapilot.yaml")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, "imapilot.yaml", strings.Replace(string(text), "token_key: {file: imapilot.key}\n", "", 1))
	out, code := saying(t, auth, "", "login", "home")
	wantSaid(t, out, code, exitFailure, "add token_key: {file: imapilot.key} at the top level", "(umask 077; head -c 32 /dev/urandom | base64 > imapilot.key)")
	if len(auth.Requests()) != 0 {
		t.Error("somebody was asked")
	}
}

// TestLoginByAddress: a page, and the address that the browser was sent to, which is
// pasted.
func TestLoginByAddress(t *testing.T) {
	auth := &authtest.Authority{Username: "user"}
	loginFolder(t, auth, ", authorization_endpoint: 'https://login.example.org/authorize'")
	in := &person{page: make(chan string, 1)}
	code := run(t.Context(), []string{"login", "home"}, in, in, in)
	wantSaid(t, in.b.String(), code, exitOK, "https://login.example.org/authorize?", "127.0.0.1", "Address: ", "takes the token")
}

// person reads what is printed, and pastes the address that a browser would be sent to.
type person struct {
	mu   sync.Mutex
	b    bytes.Buffer
	page chan string
}

func (p *person) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.b.Write(text)
	if _, rest, ok := strings.Cut(string(text), "state="); ok {
		state, _, _ := strings.Cut(strings.Fields(rest)[0], "&")
		p.page <- "http://127.0.0.1:49153/?state=" + state + "&code=abc\n"
	}
	return len(text), nil
}

func (p *person) Read(to []byte) (int, error) { return copy(to, <-p.page), nil }

func TestLoginByRefreshToken(t *testing.T) {
	auth := &authtest.Authority{Username: "user"}
	loginFolder(t, auth, "")
	out, code := saying(t, auth, "", "login", "home")
	wantSaid(t, out, code, exitFailure, "--refresh-token-file")
	given := auth.Grant()
	out, code = saying(t, auth, given+"\n", "login", "home", "--refresh-token-file", "-")
	wantSaid(t, out, code, exitOK, "takes the token")
	out, code = saying(t, auth, "", "mailboxes")
	wantSaid(t, out, code, exitOK, "INBOX")
	writeFile(t, "old", given)
	out, code = saying(t, auth, "", "login", "home", "--refresh-token-file", "old")
	wantSaid(t, out, code, exitFailure, "invalid_grant")
	if err := os.Rename("imapilot.key", "away.key"); err != nil {
		t.Fatal(err)
	}
	out, code = saying(t, auth, "", "login", "--status")
	wantSaid(t, out, code, exitProblems, "token_key: the secret from file", "imapilot.key cannot be read", "no such file")
	out, code = saying(t, auth, "", "mailboxes")
	wantSaid(t, out, code, exitFailure, "token_key: the secret from file", "imapilot.key cannot be read")
	if err := os.Rename("away.key", "imapilot.key"); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "bad", "two words")
	out, code = saying(t, auth, "", "login", "home", "--refresh-token-file", "bad")
	wantSaid(t, out, code, exitFailure, "one refresh token and nothing else")
}

// An account without oauth2: says so.
func TestLoginOfAnotherAccount(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "imapilot.yaml", "accounts: {home: {host: h.example.org, username: u, password: {env: X}}}\nrules:\n  - {name: r, if: seen, then: [trash]}\n")
	auth := &authtest.Authority{}
	out, code := saying(t, auth, "", "login", "home")
	wantSaid(t, out, code, exitFailure, "has no oauth2:")
	out, code = saying(t, auth, "", "login", "--status")
	wantSaid(t, out, code, exitOK, "No account has oauth2:")
	out, code = saying(t, auth, "", "login")
	wantSaid(t, out, code, exitUsage, "name the account")
}
