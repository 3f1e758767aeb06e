package crashtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/corpus"
	"imapilot/engine/enginetest/imaptest"
)

// kills is how often the daemon is killed in one run; "make soak" raises it.
func kills(t *testing.T) int {
	if v := os.Getenv("IMAPILOT_KILLS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("IMAPILOT_KILLS=%q is no number", v)
		}
		return n
	}
	return 20
}

const rules = `
rules:
  - name: bounces
    if: has(subject, "undeliver", "failure", "returned", "delivery status")
    then:
      - add_flags: [$Bounce]
      - move: Bounces
  - name: big
    if: size > kb(8)
    then: [{move: Big/${year(received)}}]
  - name: seen by us
    if: has(subject, "test")
    then: [{add_flags: [$Test]}]
`

// TestKilledOverTheCorpus runs "run --once --existing" over the corpus, kills
// it at random moments and starts it again.
func TestKilledOverTheCorpus(t *testing.T) {
	messages := corpus.Messages(t)
	binary := build(t)
	for name, opts := range map[string]imaptest.Options{
		"MOVE":                {},
		"no MOVE":             {NoMove: true},
		"no MOVE, no UIDPLUS": {NoMove: true, NoUIDPlus: true},
	} {
		t.Run(name, func(t *testing.T) {
			srv := imaptest.Dovecot(t, opts)
			deliver(t, srv, messages)
			cfg := configure(t, srv)
			killed := 0
			for range kills(t) {
				if kill(t, binary, cfg, time.Duration(rand.IntN(400))*time.Millisecond) {
					killed++
				}
			}
			finish(t, binary, cfg)
			t.Logf("killed %d times", killed)
			count(t, srv, len(messages))
		})
	}
}

func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "imapilot")
	out, err := exec.Command("go", "build", "-o", path, "imapilot/cmd/imapilot").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// epoch gives message i the INTERNALDATE epoch+i seconds: its identity,
// whatever its header holds, since COPY and MOVE preserve it.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func wasSeen(i int) bool { return i%3 == 0 }

func deliver(t *testing.T, srv *imaptest.Server, messages []corpus.Message) {
	t.Helper()
	for i, m := range messages {
		var flags []imap.Flag
		if wasSeen(i) {
			flags = []imap.Flag{imap.FlagSeen}
		}
		srv.Append(t, "INBOX", flags, epoch.Add(time.Duration(i)*time.Second), m.Raw)
	}
}

func configure(t *testing.T, srv *imaptest.Server) string {
	t.Helper()
	host, port := srv.Addr()
	text := fmt.Sprintf("state: state.db\naccounts:\n  home: {host: %s, port: %d, tls: none, username: %s, password: '%s'}\n%s",
		host, port, srv.Username, srv.Password, rules)
	path := filepath.Join(t.TempDir(), "imapilot.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kill starts a run and sends it SIGKILL after d. It reports whether the run
// was still going then.
func kill(t *testing.T, binary, cfg string, d time.Duration) bool {
	t.Helper()
	cmd := exec.Command(binary, "run", "--once", "--existing", "-c", cfg)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the run ended by itself: %v", err)
		}
		return false
	case <-time.After(d):
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	return true
}

func finish(t *testing.T, binary, cfg string) {
	t.Helper()
	out, err := exec.Command(binary, "run", "--once", "--existing", "-c", cfg).CombinedOutput()
	if err != nil {
		t.Fatalf("the last run: %v\n%s", err, out)
	}
	out, err = exec.Command(binary, "status", "--json", "-c", cfg).CombinedOutput()
	t.Logf("status: %v\n%s", err, out)
}

// count demands that every message is in exactly one place, not counting
// those flagged \Deleted, and that \Seen is as it was.
func count(t *testing.T, srv *imaptest.Server, n int) {
	t.Helper()
	places := make([][]string, n)
	for _, box := range srv.Mailboxes(t) {
		for _, m := range srv.Messages(t, box) {
			if slices.Contains(m.Flags, imap.FlagDeleted) {
				continue
			}
			i := int(m.Received.Sub(epoch) / time.Second)
			if i < 0 || i >= n {
				t.Fatalf("%s holds a message of another date: %v", box, m.Received)
			}
			places[i] = append(places[i], box)
			if seen := slices.Contains(m.Flags, imap.FlagSeen); seen != wasSeen(i) {
				t.Errorf(`message %d in %s: \Seen is %v`, i, box, seen)
			}
		}
	}
	moved := 0
	for i, where := range places {
		if len(where) != 1 {
			t.Errorf("message %d is in %q", i, where)
		} else if where[0] != "INBOX" {
			moved++
		}
	}
	if moved < 100 {
		t.Errorf("only %d messages were filed: the rules did not run", moved)
	}
}
