package crashtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

// The sizes of the mailbox that is applied to: of an ordinary run, and where
// IMAPILOT_KILLS asks for more.
const (
	fewMessages  = 3000
	manyMessages = 20_000
	fewKills     = 5
)

const applyRules = `
rules:
  - name: lists
    if: subject startsWith "list"
    then: [{add_flags: ['\Flagged']}, {move: 'Lists/${capture(subject, "list([0-9]+)")}'}]
  - {name: seen, if: 'subject startsWith "seen"', then: [{add_flags: ['\Seen']}]}
`

// fate is what the rules say of message i: half of all are left as they are.
type fate struct{ subject, mailbox, flag string }

func fateOf(i int) fate {
	switch i % 4 {
	case 0:
		list := i / 4 % 7
		return fate{fmt.Sprintf("list%d message %d", list, i), fmt.Sprintf("Lists/%d", list), string(imap.FlagFlagged)}
	case 1:
		return fate{fmt.Sprintf("seen message %d", i), "INBOX", string(imap.FlagSeen)}
	}
	return fate{fmt.Sprintf("message %d", i), "INBOX", ""}
}

// TestApplyKilled kills "apply --yes" at random moments and lets the next one go
// on, until it ends. Every message then exists once, in its place, with its flag.
// Only kills count that left something recorded and not done. After a run that ends
// by itself there is new mail, and the next one is killed sooner.
func TestApplyKilled(t *testing.T) {
	n, want, most := fewMessages, fewKills, 600*time.Millisecond
	if os.Getenv("IMAPILOT_KILLS") != "" {
		n, want, most = manyMessages, kills(t), 2500*time.Millisecond
	}
	srv := imaptest.Dovecot(t, imaptest.Options{})
	deliverNumbered(t, srv, 0, n)
	binary, cfg := build(t), configureApply(t, srv)
	killed, early, ended := 0, 0, 0
	for killed < want {
		if !killApply(t, binary, cfg, rand.N(most)+5*time.Millisecond) {
			ended, most = ended+1, max(most*9/10, 300*time.Millisecond)
			deliverNumbered(t, srv, n, n+fewMessages)
			n += fewMessages
			continue
		}
		open, done := recorded(t, cfg)
		if open == 0 {
			if early++; early > 20*want {
				t.Fatalf("%d kills left nothing recorded and not done", early)
			}
			continue
		}
		killed++
		t.Logf("kill %d: %d messages recorded and not done, %d done", killed, open, done)
	}
	took := finishApply(t, binary, cfg)
	t.Logf("%d messages, killed %d times with work under way and %d times without; %d runs ended by themselves; the last one took %v", n, killed, early, ended, took)
	countNumbered(t, srv, n)
}

func deliverNumbered(t *testing.T, srv *imaptest.Server, from, to int) {
	t.Helper()
	var all []imaptest.Delivery
	for i := from; i < to; i++ {
		raw := fmt.Appendf(nil, "From: a@example.org\r\nSubject: %s\r\nMessage-ID: <%d@apply.test>\r\n\r\nHello.\r\n", fateOf(i).subject, i)
		all = append(all, imaptest.Delivery{Date: epoch.Add(time.Duration(i) * time.Second), Raw: raw})
	}
	srv.AppendAll(t, "INBOX", all)
}

// killApply starts an apply and sends it SIGKILL after d. It reports whether it was
// still at work then.
func killApply(t *testing.T, binary, cfg string, d time.Duration) bool {
	t.Helper()
	cmd := exec.Command(binary, applyWords(cfg)...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("the apply ended by itself: %v\n%s", err, out.String())
		}
		return false
	case <-time.After(d):
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	return errors.As(<-ended, &exit) && !exit.Exited()
}

// recorded counts the messages that are recorded and not done, and those that are
// done.
func recorded(t *testing.T, cfg string) (open, done int) {
	t.Helper()
	path := filepath.Join(filepath.Dir(cfg), "state.db")
	if _, err := os.Stat(path); err != nil {
		return 0, 0 // it was killed before it had one
	}
	j, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	all, err := j.Summary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		open, done = open+s.Entries[journal.Open], done+s.Entries[journal.Done]
	}
	return open, done
}

func applyWords(cfg string) []string {
	return []string{"apply", "--yes", "--json", "--max", "1000000", "-c", cfg}
}

// finishApply lets an apply end, and another that must have nothing left to do.
func finishApply(t *testing.T, binary, cfg string) (took time.Duration) {
	t.Helper()
	began := time.Now()
	if out, err := exec.Command(binary, applyWords(cfg)...).CombinedOutput(); err != nil {
		t.Fatalf("the last apply: %v\n%s", err, out)
	}
	took = time.Since(began)
	out, err := exec.Command(binary, applyWords(cfg)...).Output()
	if err != nil {
		t.Fatalf("one more apply: %v\n%s", err, out)
	}
	var report struct {
		Acted    int
		Outcomes map[string]int
	}
	if err := json.Unmarshal(out, &report); err != nil || report.Acted != 0 || len(report.Outcomes) != 0 {
		t.Errorf("one more apply had something to do: %+v, %v", report, err)
	}
	return took
}

// countNumbered demands that each message is there once, in its place, with its
// flag and no other.
func countNumbered(t *testing.T, srv *imaptest.Server, n int) {
	t.Helper()
	found := make([]int, n)
	wrong := 0
	for _, box := range srv.Mailboxes(t) {
		for _, m := range srv.Messages(t, box) {
			var i int
			if _, err := fmt.Sscanf(m.MessageID, "<%d@apply.test>", &i); err != nil || i < 0 || i >= n {
				t.Fatalf("%s holds %q", box, m.MessageID)
			}
			found[i]++
			flags := slices.DeleteFunc(slices.Clone(m.Flags), func(f imap.Flag) bool { return f == "\\Recent" })
			if want := fateOf(i); box != want.mailbox || want.flag == "" && len(flags) > 0 || want.flag != "" && !slices.Equal(flags, []imap.Flag{imap.Flag(want.flag)}) {
				if wrong++; wrong <= 10 {
					t.Errorf("message %d is in %s with flags %v, want %+v", i, box, flags, want)
				}
			}
		}
	}
	lost, twice := 0, 0
	for _, times := range found {
		switch {
		case times == 0:
			lost++
		case times > 1:
			twice++
		}
	}
	if lost > 0 || twice > 0 || wrong > 0 {
		t.Errorf("of %d messages %d are lost, %d are there twice, %d are in a wrong place or have wrong flags", n, lost, twice, wrong)
	}
}

func configureApply(t *testing.T, srv *imaptest.Server) string {
	t.Helper()
	host, port := srv.Addr()
	text := fmt.Sprintf("state: state.db\naccounts:\n  home: {host: %s, port: %d, tls: none, username: %s, password: '%s'}\n%s",
		host, port, srv.Username, srv.Password, applyRules)
	path := filepath.Join(t.TempDir(), "imapilot.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
