package crashtest

import (
	"errors"
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
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
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
    then: [{move: 'Big/${year(received)}'}]
  - name: seen by us
    if: has(subject, "test")
    then: [{add_flags: [$Test]}]
`

// TestKilledOverTheCorpus runs "run --once --existing" over the corpus, kills
// it at random moments and starts it again.
func TestKilledOverTheCorpus(t *testing.T) {
	messages := corpus.Messages(t)
	binary := build(t)
	bare := imaptest.Options{NoMove: true, NoUIDPlus: true}
	for _, tc := range []struct {
		name  string
		start func(testing.TB, imaptest.Options) *imaptest.Server
		opts  imaptest.Options
	}{
		{"dovecot/MOVE", imaptest.Dovecot, imaptest.Options{}},
		{"dovecot/no MOVE", imaptest.Dovecot, imaptest.Options{NoMove: true}},
		{"dovecot/no MOVE, no UIDPLUS", imaptest.Dovecot, bare},
		{"cyrus/MOVE", imaptest.Cyrus, imaptest.Options{}},
		{"cyrus/no MOVE, no UIDPLUS", imaptest.Cyrus, bare},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := tc.start(t, tc.opts)
			cfg := configure(t, srv)
			messages := taken(t, srv, messages)
			killed := killRepeatedly(t, binary, cfg, srv, messages)
			finish(t, binary, cfg)
			doubtful := unsure(t, cfg)
			t.Logf("killed %d times while it worked; %d messages are unsure", killed, doubtful)
			if killed < kills(t) {
				t.Errorf("only %d runs were killed while they worked, want %d", killed, kills(t))
			}
			if doubtful > killed {
				t.Errorf("%d messages are unsure, more than there were kills", doubtful)
			}
			count(t, srv, len(messages))
		})
	}
}

// unsure counts the messages of which the journal says that nobody can tell
// what became of them.
func unsure(t *testing.T, cfg string) int {
	t.Helper()
	j, err := sqlite.Open(t.Context(), filepath.Join(filepath.Dir(cfg), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	all, err := j.Entries(t.Context(), journal.Query{States: []journal.EntryState{journal.Unsure}})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// killRepeatedly delivers the messages in portions and kills a run over each,
// until it killed as often as it should; the rest is delivered at once. A run
// that ends by itself makes the next kill come sooner.
func killRepeatedly(t *testing.T, binary, cfg string, srv *imaptest.Server, messages []corpus.Message) (killed int) {
	t.Helper()
	rounds, most := kills(t)*2, 200*time.Millisecond
	from := 0
	for i := 0; i < rounds && killed < kills(t); i++ {
		to := (i + 1) * len(messages) / rounds
		deliver(t, srv, messages[from:to], from)
		from = to
		if kill(t, binary, cfg, rand.N(most)+time.Millisecond) {
			killed++
			continue
		}
		most = max(most*2/3, 30*time.Millisecond)
	}
	deliver(t, srv, messages[from:], from)
	return killed
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
var epoch = time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)

func wasSeen(i int) bool { return i%3 == 0 }

func deliver(t *testing.T, srv *imaptest.Server, messages []corpus.Message, from int) {
	t.Helper()
	var all []imaptest.Delivery
	for i, m := range messages {
		d := imaptest.Delivery{Date: epoch.Add(time.Duration(from+i) * time.Second), Raw: m.Raw}
		if wasSeen(from + i) {
			d.Flags = []imap.Flag{imap.FlagSeen}
		}
		all = append(all, d)
	}
	srv.AppendAll(t, "INBOX", all)
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
	if err := cmd.Process.Kill(); errors.Is(err, os.ErrProcessDone) {
		return false
	} else if err != nil {
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
