package crashtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
)

// TestBuiltDaemon drives the binary as a user runs it, with the same scenario
// on every server and every set of capabilities: flags, a copy, a move, a
// webhook, another client's \Deleted, a stop in time.
func TestBuiltDaemon(t *testing.T) {
	binary := build(t)
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{
		"memory": imaptest.Memory, "dovecot": imaptest.Dovecot, "cyrus": imaptest.Cyrus,
	} {
		for caps, opts := range map[string]imaptest.Options{
			"full": {}, "no MOVE": {NoMove: true}, "no MOVE, no UIDPLUS": {NoMove: true, NoUIDPlus: true}, "no IDLE": {NoIdle: true},
		} {
			t.Run(name+"/"+caps, func(t *testing.T) {
				t.Parallel()
				drive(t, binary, start(t, opts))
			})
		}
	}
}

func drive(t *testing.T, binary string, srv *imaptest.Server) {
	var calls atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(hook.Close)
	cfg := configureDaemon(t, srv, hook.URL)
	cmd := exec.Command(binary, "run", "-c", cfg)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // if the test ended early
	until(t, "it watches", func() bool { return isWatching(t, binary, cfg) })
	for _, subject := range []string{"move", "copy", "hook", "keep"} {
		srv.Append(t, "INBOX", nil, time.Now(), fmt.Appendf(nil, "From: a@example.org\r\nSubject: %s\r\nMessage-ID: <%s@test>\r\n\r\nHello.\r\n", subject, subject))
	}
	srv.Append(t, "INBOX", []imap.Flag{imap.FlagDeleted}, time.Now(), []byte("Subject: move\r\nMessage-ID: <foreign@test>\r\n\r\nHello.\r\n"))
	until(t, "everything is done", func() bool {
		return len(alive(t, srv, "Moved")) == 1 && len(alive(t, srv, "Copied")) == 1 && len(alive(t, srv, "INBOX")) == 3 && calls.Load() == 1
	})
	stop(t, cmd)
	check(t, srv)
}

func configureDaemon(t *testing.T, srv *imaptest.Server, hook string) string {
	t.Helper()
	host, port := srv.Addr()
	text := fmt.Sprintf(`state: state.db
accounts:
  home: {host: %s, port: %d, tls: none, username: %s, password: '%s', poll: 5s}
webhooks:
  hook: {url: %q}
rules:
  - {name: move, if: subject == "move", then: [{move: Moved}]}
  - {name: copy, if: subject == "copy", then: [{add_flags: ['\Flagged', $Copied]}, {copy: Copied}]}
  - {name: hook, if: subject == "hook", then: [{webhook: hook}]}
`, host, port, srv.Username, srv.Password, hook)
	path := filepath.Join(t.TempDir(), "imapilot.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// isWatching asks the daemon itself.
func isWatching(t *testing.T, binary, cfg string) bool {
	t.Helper()
	out, err := exec.Command(binary, "status", "--json", "-c", cfg).Output()
	if err != nil {
		return false // it does not answer yet
	}
	var s struct {
		Accounts []struct {
			Mailboxes []struct {
				LastScan time.Time `json:"last_scan"`
			} `json:"mailboxes"`
		} `json:"accounts"`
	}
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	return len(s.Accounts) == 1 && len(s.Accounts[0].Mailboxes) == 1 && !s.Accounts[0].Mailboxes[0].LastScan.IsZero()
}

// patience is how long a test waits for what has to come: only where it fails does it
// take so long, and a machine with other work may take a while.
const patience = 2 * time.Minute

func until(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !check(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// alive are the messages of a mailbox that do not carry \Deleted.
func alive(t *testing.T, srv *imaptest.Server, mailbox string) []imaptest.Message {
	t.Helper()
	return slices.DeleteFunc(srv.Messages(t, mailbox), func(m imaptest.Message) bool { return slices.Contains(m.Flags, imap.FlagDeleted) })
}

func stop(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("SIGTERM: %v after %v", err, time.Since(began))
	}
}

func check(t *testing.T, srv *imaptest.Server) {
	t.Helper()
	foreign := false
	for _, m := range srv.Messages(t, "INBOX") {
		foreign = foreign || m.MessageID == "<foreign@test>"
		if flagged := slices.Contains(m.Flags, imap.FlagFlagged); flagged != (m.MessageID == "<copy@test>") {
			t.Errorf("%s: flags %v", m.MessageID, m.Flags)
		}
	}
	if !foreign {
		t.Error("the message that another client flagged is gone")
	}
}
