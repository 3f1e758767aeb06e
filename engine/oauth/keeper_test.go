package oauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine/enginetest/authtest"
	"imapilot/engine/oauth"
)

func key(b byte) func(context.Context) (string, error) {
	text := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
	return func(context.Context) (string, error) { return text + "\n", nil }
}

// keeper is one process's keeper of a grant in the folder.
func keeper(folder string, a *authtest.Authority) *oauth.Keeper {
	return oauth.NewKeeper(oauth.Settings{Client: *client(a.Transport()), Folder: folder, Key: key(1), LockWait: 10 * time.Second})
}

// loggedIn is an authority, and a folder with a grant of it whose access token is over.
func loggedIn(t *testing.T) (*authtest.Authority, string, oauth.Grant) {
	t.Helper()
	a, folder := &authtest.Authority{}, filepath.Join(t.TempDir(), "state.db.tokens")
	g := oauth.Grant{Refresh: a.Grant(), Granted: time.Now(), TokenEndpoint: server + "/token", ClientID: authtest.ClientID}
	if err := keeper(folder, a).Accept(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	return a, folder, g
}

func token(t *testing.T, k *oauth.Keeper) oauth.Token {
	t.Helper()
	out, err := k.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTokensAreRenewedBeforeTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, folder, _ := loggedIn(t)
		k := keeper(folder, a)
		first := token(t, k)
		if !first.Renewed || a.Renewals() != 1 {
			t.Fatalf("%+v after %d renewals", first, a.Renewals())
		}
		time.Sleep(53 * time.Minute)
		if token(t, k).Access != first.Access || token(t, keeper(folder, a)).Access != first.Access {
			t.Error("renewed though it lasts")
		}
		time.Sleep(3 * time.Minute)
		second := token(t, k)
		if second.Access == first.Access || !second.Renewed {
			t.Error("not renewed five minutes before its end")
		}
		// A mail server that does not take it gets another one, and only then.
		if again, err := k.Refused(t.Context(), oauth.Token{Access: second.Access}); err != nil || !again {
			t.Errorf("%v, %v", again, err)
		}
		third := token(t, k)
		if third.Access == second.Access || a.Renewals() != 3 {
			t.Errorf("%d renewals", a.Renewals())
		}
		if again, _ := k.Refused(t.Context(), third); again {
			t.Error("a token that was just renewed is to be renewed again at once")
		}
	})
}

// A token of two minutes is used for a minute and a half.
func TestShortTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, folder, _ := loggedIn(t)
		a.Life = 2 * time.Minute
		k := keeper(folder, a)
		first := token(t, k)
		time.Sleep(89 * time.Second)
		if token(t, k).Access != first.Access {
			t.Error("renewed too early")
		}
		time.Sleep(2 * time.Second)
		if token(t, k).Access == first.Access {
			t.Error("not renewed")
		}
	})
}

// While the server is away a token is used as long as it lasts, and then no more.
func TestAnOutageOfTheAuthorizationServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, folder, _ := loggedIn(t)
		k := keeper(folder, a)
		first := token(t, k)
		a.SetAnswer(func(w http.ResponseWriter, _ url.Values) bool { authtest.Fail(w, 503, ""); return true })
		time.Sleep(57 * time.Minute)
		if token(t, k).Access != first.Access {
			t.Error("another token")
		}
		time.Sleep(4 * time.Minute)
		_, err := k.Token(t.Context())
		wantKind(t, err, oauth.Temporary)
		a.SetAnswer(nil)
		token(t, k)
	})
}

func TestARotatedTokenSurvives(t *testing.T) {
	a, folder, first := loggedIn(t)
	for range 3 { // each a process of its own
		k := keeper(folder, a)
		got := token(t, k)
		if again, err := k.Refused(t.Context(), oauth.Token{Access: got.Access}); err != nil || !again {
			t.Fatal(err)
		}
		token(t, k)
	}
	if a.Works(first.Refresh) {
		t.Error("the first refresh token still works: nothing was rotated")
	}
	files, _ := filepath.Glob(folder + "/*")
	slices.Sort(files)
	if want := []string{folder + "/home", folder + "/home.lock"}; !slices.Equal(files, want) {
		t.Errorf("%v", files)
	}
	for path, mode := range map[string]fs.FileMode{folder: 0o700, folder + "/home": 0o600, folder + "/home.lock": 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, st.Mode(), err)
		}
	}
	raw, _ := os.ReadFile(folder + "/home")
	for _, s := range append(a.Secrets(), authtest.ClientID, "login.example.org") {
		if bytes.Contains(raw, []byte(s)) {
			t.Errorf("the file shows %s", s)
		}
	}
}

// Many connections and processes that need a token at one time make one request.
func TestOneRenewalForAll(t *testing.T) {
	a, folder, _ := loggedIn(t)
	a.Answer = func(http.ResponseWriter, url.Values) bool { time.Sleep(50 * time.Millisecond); return false }
	processes := []*oauth.Keeper{keeper(folder, a), keeper(folder, a), keeper(folder, a)}
	var group sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for i := range 12 {
		group.Go(func() {
			out, err := processes[i%3].Token(t.Context())
			mu.Lock()
			defer mu.Unlock()
			got[fmt.Sprint(out.Access, err)]++
		})
	}
	group.Wait()
	if len(got) != 1 || a.Renewals() != 1 {
		t.Errorf("%d renewals, %v", a.Renewals(), got)
	}
}

// TestRenewalProcess is a process of TestTwoProcesses.
func TestRenewalProcess(t *testing.T) {
	endpoint := os.Getenv("IMAPILOT_TEST_TOKEN_ENDPOINT")
	if endpoint == "" {
		t.Skip("a process of TestTwoProcesses")
	}
	c := client(nil)
	c.TokenEndpoint = endpoint
	out, err := oauth.NewKeeper(oauth.Settings{Client: *c, Folder: os.Getenv("IMAPILOT_TEST_FOLDER"), Key: key(1)}).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("token", out.Access)
}

// Real processes: one asks, the others read what it got.
func TestTwoProcesses(t *testing.T) {
	a, folder := &authtest.Authority{}, filepath.Join(t.TempDir(), "tokens")
	a.Answer = func(http.ResponseWriter, url.Values) bool { time.Sleep(300 * time.Millisecond); return false }
	c := client(nil)
	c.TokenEndpoint = a.Start(t) + "/token"
	k := oauth.NewKeeper(oauth.Settings{Client: *c, Folder: folder, Key: key(1)})
	if err := k.Accept(t.Context(), oauth.Grant{Refresh: a.Grant(), TokenEndpoint: c.TokenEndpoint, ClientID: c.ID}); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	out := make([]string, 3)
	for i := range out {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestRenewalProcess$")
		cmd.Env = append(os.Environ(), "IMAPILOT_TEST_TOKEN_ENDPOINT="+c.TokenEndpoint, "IMAPILOT_TEST_FOLDER="+folder)
		group.Go(func() {
			text, err := cmd.CombinedOutput()
			if out[i], _, _ = strings.Cut(string(text), "\n"); err != nil || !strings.HasPrefix(out[i], "token ") {
				t.Errorf("%v: %s", err, text)
			}
		})
	}
	group.Wait()
	if a.Renewals() != 1 || len(slices.Compact(out)) != 1 {
		t.Errorf("%d renewals, %q", a.Renewals(), out)
	}
}

// Where the new refresh token cannot be written nobody uses what came with it, no other
// process shows the old one, and the next call writes it.
func TestARotatedTokenThatCannotBeWritten(t *testing.T) {
	a, folder, _ := loggedIn(t)
	k := keeper(folder, a)
	// A folder stands where the new file is to be written: root, too, cannot write that.
	if err := os.Mkdir(folder+"/home.new", 0o700); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, err := k.Token(t.Context())
		wantKind(t, err, oauth.Temporary, "in the memory of this process alone", "do not end this process")
	}
	other := oauth.NewKeeper(oauth.Settings{Client: *client(a.Transport()), Folder: folder, Key: key(1), LockWait: 100 * time.Millisecond})
	_, err := other.Token(t.Context())
	wantKind(t, err, oauth.Temporary, "another process has had its lock")
	if a.Renewals() != 1 {
		t.Fatalf("%d renewals", a.Renewals())
	}
	if err := os.Remove(folder + "/home.new"); err != nil {
		t.Fatal(err)
	}
	got := token(t, k)
	if a.Renewals() != 1 || token(t, other).Access != got.Access {
		t.Errorf("%d renewals", a.Renewals())
	}
}

// A daemon that is told to stop takes in the answer that is on its way: it may hold the
// only refresh token there is.
func TestAnAnswerOnItsWayIsKept(t *testing.T) {
	a, folder, _ := loggedIn(t)
	ctx, cancel := context.WithCancel(t.Context())
	a.Answer = func(http.ResponseWriter, url.Values) bool { cancel(); time.Sleep(20 * time.Millisecond); return false }
	got, err := keeper(folder, a).Token(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if token(t, keeper(folder, a)).Access != got.Access || a.Renewals() != 1 {
		t.Error("lost")
	}
}

func TestWhatIsStored(t *testing.T) {
	a, folder, g := loggedIn(t)
	path := folder + "/home"
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*oauth.Settings)) error {
		s := oauth.Settings{Client: *client(a.Transport()), Folder: folder, Key: key(1)}
		change(&s)
		_, err := oauth.NewKeeper(s).Token(t.Context())
		return err
	}
	wantKind(t, with(func(s *oauth.Settings) { s.Key = key(2) }), oauth.Config, "another token_key")
	wantKind(t, with(func(s *oauth.Settings) {
		s.Key = func(context.Context) (string, error) { return "hunter2hunter2", nil }
	}), oauth.Config, "32 random bytes", "head -c 32 /dev/urandom")
	wantKind(t, with(func(s *oauth.Settings) {
		s.Key = func(context.Context) (string, error) { return "", errors.New("not there") }
	}), oauth.Config, "not there")
	wantKind(t, with(func(s *oauth.Settings) {
		s.Key = func(context.Context) (string, error) { _, err := os.ReadFile(folder + "/no.key"); return "", err }
	}), oauth.Config, "token_key: open", "no.key")
	wantKind(t, with(func(s *oauth.Settings) { s.Client.TokenEndpoint = "https://evil.example.org/token" }), oauth.Ended, "another provider")
	wantKind(t, with(func(s *oauth.Settings) { s.Client.ID = "another" }), oauth.Ended, "another provider")
	wantKind(t, with(func(s *oauth.Settings) { s.Client.Account = "work" }), oauth.Ended, "nobody has logged in yet; run 'imapilot login work'")
	for name, raw := range map[string][]byte{
		"is damaged":            append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1),
		"another token_key":     append(append([]byte("imapilot grant 1\n"), 1, 2, 3, 4, 5, 6, 7, 8), whole[40:]...),
		"no file of imapilot's": []byte("imapilot grant 2\n"),
		"longer than":           bytes.Repeat(whole, 1000),
	} {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		wantKind(t, with(func(*oauth.Settings) {}), oauth.Config, name, "imapilot login home")
	}
	// The file of one account is not taken for that of another.
	if err := os.WriteFile(folder+"/work", whole, 0o600); err != nil {
		t.Fatal(err)
	}
	wantKind(t, with(func(s *oauth.Settings) { s.Client.Account = "work" }), oauth.Config, "belongs to another account")
	if n := len(a.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	if text := fmt.Sprintf("%v %+v %#v", g, g, g); strings.Contains(text, g.Refresh) {
		t.Error(text)
	}
}

// Names of accounts are any text, and no path.
func TestNamesOfAccounts(t *testing.T) {
	a := &authtest.Authority{}
	folder := filepath.Join(t.TempDir(), "tokens")
	names := []string{"home", "Home", "../x", "a/b", "..", "x.lock", "x", "x.new", "=x", strings.Repeat("ä", 100), "me@example.org"}
	for _, name := range names {
		s := oauth.Settings{Client: *client(a.Transport()), Folder: folder, Key: key(1)}
		s.Client.Account = name
		if err := oauth.NewKeeper(s).Accept(t.Context(), oauth.Grant{Refresh: name, TokenEndpoint: server + "/token", ClientID: authtest.ClientID, Access: name}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		s := oauth.Settings{Client: *client(a.Transport()), Folder: folder, Key: key(1)}
		s.Client.Account = name
		if got, err := oauth.NewKeeper(s).Token(t.Context()); err != nil || got.Access != name {
			t.Errorf("%q: %v, %v", name, got.Access, err)
		}
	}
	if all, _ := filepath.Glob(filepath.Dir(folder) + "/*"); len(all) != 1 {
		t.Errorf("%v", all)
	}
}

func TestForget(t *testing.T) {
	a, folder, _ := loggedIn(t)
	k := keeper(folder, a)
	if s := k.Status(t.Context()); s.Problem != "" || s.Granted.IsZero() || s.Provider != "login.example.org" {
		t.Errorf("%+v", s)
	}
	before, _ := k.Now()
	if seen, _ := k.Seen(t.Context()); seen != before {
		t.Error("the mark of what was read differs from that of the file")
	}
	for _, want := range []bool{true, false} {
		if was, err := k.Forget(t.Context()); was != want || err != nil {
			t.Errorf("%v, %v", was, err)
		}
	}
	if now, _ := k.Now(); now == before {
		t.Error("the mark did not change")
	}
	_, err := k.Token(t.Context())
	wantKind(t, err, oauth.Ended)
}
