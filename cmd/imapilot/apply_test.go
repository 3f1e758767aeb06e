package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// holds reports how many messages a mailbox has, by "imapilot mailboxes".
func holds(t *testing.T, mailbox string) string {
	t.Helper()
	out, code := said(t, "mailboxes")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, out)
	}
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(mailbox) + ` .*?([0-9]+)$`).FindStringSubmatch(out)
	if m == nil {
		return "none"
	}
	return m[1]
}

// TestApplyAsks: on a terminal the plan is shown with what would be held, and then
// one of the answers decides.
func TestApplyAsks(t *testing.T) {
	for _, tt := range []struct {
		typed           string
		code            int
		offers, letters string // left in INBOX after it
		says            string
	}{
		{"n\n", exitOK, "none", "none", "Nothing was changed."},
		{"\n", exitOK, "none", "none", "Nothing was changed."},
		{"y\n", exitOK, "2", "6", "3  held by a limit"},
		{"5\n", exitOK, "5", "6", `Rule "letters" acts on 6 messages already; say 6 or more`},
		{"6\n", exitOK, "5", "6", "11  done"},
		{"what\nno\n", exitOK, "none", "none", "That is neither y nor n nor a number."},
	} {
		t.Run(strings.TrimSpace(tt.typed), func(t *testing.T) {
			srv := planFolder(t, "rules:\n  - {name: letters, if: 'subject == \"A letter\"', then: [{move: Letters}]}\n"+
				"  - {name: offers, if: 'subject == \"An offer\"', max_messages: 2, then: [{move: Offers}]}\n", "home")["home"]
			for i := range 6 {
				put(t, srv, "INBOX", i, "A letter", "")
			}
			for i := range 5 {
				put(t, srv, "INBOX", 6+i, "An offer", "")
			}
			typed := tt.typed
			if typed == "5\n" {
				typed += "6\n" // what it says can be said
			}
			shown, code := onTerminal(t, typed, "apply")
			held, asked := strings.Index(shown, "3 messages: limit reached"), strings.Index(shown, "with 6 nothing is held.\nApply this to 8 messages? [y/N or a number] ")
			if code != tt.code || held < 0 || asked < held || !strings.Contains(plainText(shown), tt.says) {
				t.Errorf("exit code %d:\n%s", code, shown)
			}
			if offers, letters := holds(t, "Offers"), holds(t, "Letters"); offers != tt.offers || letters != tt.letters {
				t.Errorf("%s offers and %s letters were moved:\n%s", offers, letters, shown)
			}
			if bar := strings.Contains(shown, clearLine+"\x1b[32mApplying ["); !strings.Contains(shown, "\x1b[1m") || bar != (tt.letters != "none") {
				t.Errorf("neither colours nor a bar: %q", shown)
			}
		})
	}
}

// What was typed before the question was shown answers nothing.
func TestApplyForgetsWhatWasTypedBefore(t *testing.T) {
	srv := planFolder(t, "rules:\n  - {name: all, if: 'true', then: [{move: Moved}]}\n", "home")["home"]
	put(t, srv, "INBOX", 1, "A letter", "")
	shown, code := onTerminalEarly(t, "y\n", "n\n", "apply")
	if code != exitOK || !strings.Contains(shown, "Apply this to 1 message? [y/N] n\nNothing was changed.") || holds(t, "INBOX") != "1" {
		t.Errorf("exit code %d:\n%s", code, shown)
	}
}

// plainText takes colours out.
func plainText(s string) string {
	return regexp.MustCompile("\x1b\\[[0-9]*[mK]").ReplaceAllString(s, "")
}

// TestApplyDoesJustWhatWasShown: mail that comes while the question stands there is
// no part of it.
func TestApplyDoesJustWhatWasShown(t *testing.T) {
	srv := planFolder(t, "rules:\n  - {name: all, if: 'true', then: [{move: Moved}]}\n", "home")["home"]
	put(t, srv, "INBOX", 1, "A letter", "")
	a := &app{in: strings.NewReader("y\n"), out: &strings.Builder{}, err: &strings.Builder{}}
	cfg, err := a.load(false)
	if err != nil {
		t.Fatal(err)
	}
	scope := engine.Scope{}
	if agreed, err := a.agree(t.Context(), cfg, &scope); err != nil || !agreed {
		t.Fatalf("%t, %v", agreed, err)
	}
	put(t, srv, "INBOX", 2, "A letter that came later", "")
	scope.Content = engine.ContentOf(cfg, scope)
	if err := a.applyScope(t.Context(), cfg, scope, &applyFlags{}, a.progressBar("Applying"), nil); err != nil {
		t.Fatal(err)
	}
	if holds(t, "Moved") != "1" || holds(t, "INBOX") != "1" {
		t.Errorf("%s moved, %s stayed", holds(t, "Moved"), holds(t, "INBOX"))
	}
}

func TestQuestion(t *testing.T) {
	p := &planned{report: engine.Report{Acted: 8, Held: 3}}
	p.tally.takes, p.tally.took = map[accountRule]int{{"a", "r"}: 8}, map[accountRule]int{{"a", "r"}: 5}
	held := &planned{report: engine.Report{Held: 3}}
	held.tally.takes = map[accountRule]int{{"a", "r"}: 3}
	free, unfinished := &planned{report: engine.Report{Acted: 8}}, &planned{report: engine.Report{Unfinished: 2}}
	for _, tt := range []struct {
		plan   *planned
		typed  string
		agreed bool
		most   int
	}{
		{p, "y\n", true, 0}, {p, "YES\n", true, 0}, {p, "y", true, 0}, {p, "n\n", false, 0}, {p, "", false, 0}, {p, "\n", false, 0},
		{p, "5\n", true, 5}, {p, "4\n", false, 0}, {p, "4\n900\n", true, 900}, {p, "-1\ny\n", true, 0}, {p, "0\n0\n0\ny\n", false, 0},
		{p, "4294967297\n", false, 0}, {p, "x\nx\nx\ny\n", false, 0},
		{held, "y\n", false, 0}, {held, "3\n", true, 3}, {p, "5 messages\n5\n", true, 5},
		{free, "8\ny\n", true, 0}, {free, "8\n", false, 0}, {unfinished, "2\ny\n", true, 0}, {unfinished, "\n", false, 0},
	} {
		agreed, most := question{bufio.NewReader(strings.NewReader(tt.typed)), &bytes.Buffer{}}.ask(tt.plan)
		if agreed != tt.agreed || most != tt.most {
			t.Errorf("%q: %t, %d", tt.typed, agreed, most)
		}
	}
	if text := numberText(held); !strings.Contains(text, "with 3 nothing is held") {
		t.Error(text)
	}
}

// interruptible is an apply over 6,000 messages that is interrupted while its second
// portion is held back, with or without a daemon.
func interruptible(t *testing.T, daemon bool) (cmd *exec.Cmd, out *transcript, g *gate) {
	t.Helper()
	return interruptedAt(t, daemon, 6000, "UID FETCH", 2)
}

// interruptedAt is an apply over so many messages that is interrupted while its n-th
// command with a word in it is held back.
func interruptedAt(t *testing.T, daemon bool, messages int, word string, n int) (cmd *exec.Cmd, out *transcript, g *gate) {
	t.Helper()
	srv := planFolder(t, "", "home")["home"]
	for i := range messages {
		put(t, srv, "INBOX", i, "A letter", "")
	}
	g = newGate(t, srv, word)
	writeFile(t, "imapilot.yaml", fmt.Sprintf("accounts:\n  home: {host: %s, port: %d, tls: none, username: user, password: secret, poll: 1h}\n"+
		"rules:\n  - {name: all, if: 'true', max_messages: 10000, then: [{add_flags: ['\\Seen']}, {move: Moved}]}\n", g.host, g.port))
	if daemon {
		startDaemon(t, messages)
	}
	g.set(n)
	out = &transcript{}
	cmd = program(t, "apply", "--yes")
	cmd.Stdout, cmd.Stderr = out, out
	interrupting := out.comes("Interrupted: ")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // if the test ended early
	within(t, "the command that is held back", g.reached)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	within(t, "the first interruption is noted", interrupting)
	return cmd, out, g
}

// startDaemon starts a daemon and waits until it has nothing more to do with the
// messages in INBOX.
func startDaemon(t *testing.T, messages int) {
	t.Helper()
	log := &transcript{}
	cmd := program(t, "run")
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		if err := cmd.Wait(); err != nil {
			t.Errorf("the daemon: %v\n%s", err, log)
		}
	})
	idle := regexp.MustCompile(fmt.Sprintf(`INBOX +idle +%d +[0-9]+ s ago +[0-9]+ s ago`, messages))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, _ := said(t, "status")
		if idle.MatchString(out) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is not idle within 20 s:\n%s\n%s", out, log)
		}
	}
}

// TestInterruptedApplyGoesOn: the first interruption does what was recorded, and
// the next apply does the rest, once.
func TestInterruptedApplyGoesOn(t *testing.T) {
	for name, daemon := range map[string]bool{"daemon": true, "alone": false} {
		t.Run(name, func(t *testing.T) {
			cmd, out, g := interruptible(t, daemon)
			g.open()
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitFailure {
				t.Fatalf("%v\n%s", err, out)
			}
			done := regexp.MustCompile(`(?m)^ +([0-9]+)  done$`).FindStringSubmatch(out.String())
			if done == nil || done[1] != holds(t, "Moved") || holds(t, "INBOX") == "0" ||
				!strings.Contains(out.String(), "the next 'imapilot apply' goes on") || !strings.Contains(out.String(), "imapilot apply  goes on where this ended") {
				t.Fatalf("%s moved, %s left\n%s", holds(t, "Moved"), holds(t, "INBOX"), out)
			}
			if said, code := said(t, "apply --yes"); code != exitOK {
				t.Fatalf("exit code %d\n%s", code, said)
			}
			if holds(t, "Moved") != "6000" || holds(t, "INBOX") != "0" {
				t.Errorf("%s moved, %s left", holds(t, "Moved"), holds(t, "INBOX"))
			}
		})
	}
}

// TestInterruptedAtItsEnd: an apply that has looked at everything when it is
// interrupted does what it recorded, and then it is done.
func TestInterruptedAtItsEnd(t *testing.T) {
	for name, daemon := range map[string]bool{"daemon": true, "alone": false} {
		t.Run(name, func(t *testing.T) {
			cmd, out, g := interruptedAt(t, daemon, 10, "UID MOVE", 1)
			g.open()
			if err := cmd.Wait(); err != nil || !regexp.MustCompile(`(?m)^ +10  done$`).MatchString(out.String()) || strings.Contains(out.String(), "goes on") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestSecondInterruptionEndsAtOnce, though nothing answers.
func TestSecondInterruptionEndsAtOnce(t *testing.T) {
	cmd, out, g := interruptible(t, false)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	g.open()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Fatalf("%v\n%s", err, out)
	}
	if said, code := said(t, "apply --yes"); code != exitOK || holds(t, "Moved") != "6000" {
		t.Errorf("exit code %d, %s moved\n%s", code, holds(t, "Moved"), said)
	}
}

// TestPlanTellsOfWhatIsUnfinished: what was recorded when an apply was killed is not
// left as it is, and an apply that asks finishes it.
func TestPlanTellsOfWhatIsUnfinished(t *testing.T) {
	cmd, out, g := interruptedAt(t, false, 10, "UID MOVE", 1)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatalf("it ended well\n%s", out)
	}
	defer g.open() // what was held back would be done then
	said, code := said(t, "plan")
	for _, want := range []string{"      10  recorded and not finished; the daemon, or the next apply, goes on", "\n  unfinished 10 messages, recorded before\n", "\n    imapilot apply  goes on with what was recorded\n"} {
		if code != exitOK || !strings.Contains(said, want) || strings.Contains(said, "left a") {
			t.Errorf("exit code %d, it does not say %q:\n%s", code, want, said)
		}
	}
	shown, code := onTerminal(t, "y\n", "apply")
	if code != exitOK || !strings.Contains(shown, "Finish what was recorded for 10 messages? [y/N] ") || holds(t, "Moved") != "10" {
		t.Errorf("exit code %d, %s moved\n%s", code, holds(t, "Moved"), shown)
	}
}

// slowWorker never ends.
type slowWorker struct{ stopped bool }

func (w *slowWorker) ended() <-chan struct{} { return nil }

func (w *slowWorker) job(context.Context) (engine.Job, error) {
	return engine.Job{Running: true, Progress: engine.Progress{Looked: 7, Total: 9}}, nil
}
func (w *slowWorker) stop(context.Context) error { w.stopped = true; return nil }

// TestApplyIsGivenUp: an interrupted apply that does not end is waited for half a
// minute. Off a terminal a line says every ten seconds how far it is.
func TestApplyIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &strings.Builder{}
		bar := (&app{err: out}).progressBar("Applying")
		interrupted, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(25*time.Second+time.Millisecond, interrupt)
		began, w := time.Now(), &slowWorker{}
		job, err := follow(t.Context(), interrupted, w, bar)
		if took := time.Since(began).Truncate(time.Second); err == nil || !job.Stopped || !w.stopped || took != 25*time.Second+stopWithin {
			t.Errorf("%+v, %v after %v", job, err, took)
		}
		if n := strings.Count(out.String(), "Applying: 7/9"); n != 5 {
			t.Errorf("%d lines:\n%s", n, out)
		}
	})
}

// failingWorker is a daemon that goes away.
type failingWorker struct {
	slowWorker
	left int
}

func (w *failingWorker) job(ctx context.Context) (engine.Job, error) {
	if w.left--; w.left < 0 {
		return engine.Job{}, errors.New("gone")
	}
	return w.slowWorker.job(ctx)
}

func TestLastSightOfAnApplyStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bar := (&app{err: &strings.Builder{}}).progressBar("Applying")
		job, err := follow(t.Context(), t.Context(), &failingWorker{left: 3}, bar)
		if err == nil || job.Progress.Looked != 7 {
			t.Errorf("%+v, %v", job, err)
		}
	})
}

// TestDaemonAppliesOnlyWhatItKnows: an apply of other rules or accounts is refused,
// and so is a request with a key of a newer version.
func TestDaemonAppliesOnlyWhatItKnows(t *testing.T) {
	planFolder(t, plannedRules, "home", "work")
	a := &app{}
	cfg, err := a.load(false)
	if err != nil {
		t.Fatal(err)
	}
	now := &inForce{}
	now.Store(cfg)
	good := applyRequest{Accounts: []string{"home", "work"}}
	good.Content = engine.ContentOf(cfg, good.Scope)
	if err := now.agrees(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*applyRequest){
		"content":  func(r *applyRequest) { r.Content = "other" },
		"none":     func(r *applyRequest) { r.Content = "" },
		"accounts": func(r *applyRequest) { r.Accounts = []string{"home"} },
		"rule":     func(r *applyRequest) { r.Rules = []string{"new"} },
	} {
		req := good
		change(&req)
		if err := now.agrees(req); err == nil || !strings.Contains(err.Error(), "imapilot reload") {
			t.Errorf("%s: %v", name, err)
		}
	}
	handlers := now.applyHandlers(engine.New(cfg, engine.Options{}))
	for _, method := range []string{methodApply, methodJob, methodStopApply} {
		_, err := handlers[method](t.Context(), []byte(`{"newer": 1}`))
		if err == nil || !strings.Contains(err.Error(), "another version") {
			t.Errorf("%s: %v", method, err)
		}
	}
	for _, method := range []string{methodJob, methodStopApply} {
		if _, err := handlers[method](t.Context(), []byte(`{"id": 7}`)); err == nil || !strings.Contains(err.Error(), "no run 7") {
			t.Errorf("%s: %v", method, err)
		}
	}
}

// TestFailedApply: what failed is counted, said, and the exit code.
func TestFailedApply(t *testing.T) {
	done := applied{cfg: &config.Config{}, outcomes: map[journal.EntryState]int{journal.Done: 2, journal.Failed: 1, journal.Open: 4, journal.Held: 3}}
	done.job.Report = engine.Report{Messages: 10, Mailboxes: 1, Rules: []engine.RuleOutcome{{Rule: "x", Acted: 7, Held: 3}}}
	out := &strings.Builder{}
	a := &app{out: out, err: out}
	err := a.printApplied(done, &applyFlags{scopeFlags: scopeFlags{mailbox: "INBOX", max: 7}})
	if code := a.exitCode(err); code != exitFailure {
		t.Errorf("exit code %d, %v", code, err)
	}
	for _, want := range []string{"       2  done\n", "       1  failed", "       4  still waiting", "       3  held", "imapilot apply --mailbox INBOX --max 3 ",
		"imapilot confirm --held", "imapilot history --failed", "imapilot history --outcome open", "1 message failed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

// TestApplyTellsOfWebhooks: those that nobody took yet are counted, and where none
// are left nothing is said of them.
func TestApplyTellsOfWebhooks(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer receiver.Close()
	srv := planFolder(t, fmt.Sprintf("webhooks:\n  ci: {url: %q}\nrules:\n  - {name: all, if: 'true', then: [{webhook: ci}]}\n", receiver.URL), "home")["home"]
	put(t, srv, "INBOX", 1, "A letter", "")
	put(t, srv, "INBOX", 2, "A letter", "")
	for _, tt := range [][2]string{
		{"apply --yes", "       2  webhooks still to be delivered; 'imapilot run' does that, or the next\n          apply. 'imapilot status' shows"},
		{"apply --yes --again --json", `"webhooks_pending": 4`},
	} {
		if out, code := said(t, tt[0]); code != exitOK || !strings.Contains(out, tt[1]) {
			t.Errorf("%s: exit code %d\n%s", tt[0], code, out)
		}
	}
	done := applied{cfg: &config.Config{}, outcomes: map[journal.EntryState]int{journal.Done: 2}}
	out := &strings.Builder{}
	if err := (&app{out: out}).printApplied(done, &applyFlags{}); err != nil || strings.Contains(out.String(), "webhook") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestBarBeforeTheFirstMail: the bar says at once that it waits for the server, and
// then where it is and how much there is, before anything was fetched.
func TestBarBeforeTheFirstMail(t *testing.T) {
	srv := planFolder(t, "", "home")["home"]
	for i := range 12 {
		put(t, srv, "INBOX", i, "A letter", "")
	}
	g := newGate(t, srv, "EXAMINE")
	writeFile(t, "imapilot.yaml", fmt.Sprintf("accounts:\n  home: {host: %s, port: %d, tls: none, username: user, password: secret}\n"+
		"rules:\n  - {name: all, if: 'true', then: [{move: Moved}]}\n", g.host, g.port))
	g.set(1)
	shown := &transcript{}
	asking, there := shown.comes("Looking [..........] asking the server"), shown.comes("Looking [..........] INBOX 0/12")
	ended := make(chan error, 1)
	go func() {
		a := &app{}
		cfg, err := a.load(false)
		if err == nil {
			_, err = a.makePlan(t.Context(), cfg, engine.Scope{}, &progressBar{verb: "Looking", out: shown, width: 80}, nil)
		}
		ended <- err
	}()
	within(t, "the bar", asking)
	within(t, "the mailbox and its messages", there)
	g.open()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestBar: the line fits on the terminal, whatever is in it, and goes away.
func TestBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &strings.Builder{}
		b := &progressBar{verb: "Applying", out: out, width: 80}
		p := engine.Progress{Looked: 5000, Total: 20000, Acted: 2500, Held: 12, Began: time.Now()}
		time.Sleep(10 * time.Second)
		b.show(p, "")
		if want := clearLine + "Applying [##........] 5000/20000 500/s, 31 s left; 2500 acted on, 12 held"; out.String() != want {
			t.Errorf("%q", out)
		}
		for want, p := range map[string]engine.Progress{
			"Applying [..........] asking the server what there is":              {},
			"Applying [..........] INBOX 0/7500; 0 acted on, 0 held":             {Mailbox: "INBOX", Total: 7500},
			"Applying [..........] Lists/that/have/a/l… 0/2; 0 acted on, 0 held": {Mailbox: "Lists/that/have/a/long/name", Total: 2},
		} {
			out.Reset()
			b.show(p, "")
			if out.String() != clearLine+want {
				t.Errorf("%q, want %q", out, want)
			}
		}
		out.Reset()
		b.show(engine.Progress{}, "home is connecting")
		if out.String() != clearLine+"Applying [..........] waits: home is connecting" {
			t.Errorf("%q", out)
		}
		out.Reset()
		b.show(engine.Progress{Looked: 3, Total: 2}, "a\x1b[2J"+strings.Repeat("x", 100))
		if strings.Contains(out.String(), "\x1b[2J") || cellsOf(strings.TrimPrefix(out.String(), clearLine)) > 79 {
			t.Errorf("%q", out)
		}
		out.Reset()
		fmt.Fprintln(b, "a line")
		b.end()
		b.show(p, "")
		if out.String() != clearLine+"a line\n" {
			t.Errorf("%q", out)
		}
	})
}

// Where a daemon does the work, nobody logs in beside it.
func TestLogInUnlessDaemon(t *testing.T) {
	cfg := &config.Config{State: t.TempDir() + "/imapilot.db"}
	h := logInUnlessDaemon(t.Context(), cfg, "", engine.Options{})
	defer h.Close()
	if h == nil {
		t.Error("not where there is none either")
	}
	writeFile(t, socketPath(cfg), "")
	if logInUnlessDaemon(t.Context(), cfg, "", engine.Options{}) != nil {
		t.Error("beside a daemon")
	}
}

// The rate and the time left are those of looking, and say nothing once all is looked at.
func TestProgressText(t *testing.T) {
	began := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		p    engine.Progress
		want string
	}{
		{engine.Progress{}, "asking the server what there is"},
		{engine.Progress{Mailbox: "INBOX", Total: 600, Began: began}, "INBOX 0/600; 0 acted on, 0 held"},
		{engine.Progress{Mailbox: "INBOX", Total: 600, Looked: 200, Acted: 20, Held: 1, Began: began}, "INBOX 200/600 20/s, 21 s left; 20 acted on, 1 held"},
		{engine.Progress{Mailbox: "INBOX", Total: 600, Looked: 600, Acted: 60, Began: began}, "INBOX 600/600, all looked at; 60 acted on, 0 held"},
	} {
		if got := progressText(c.p, began.Add(10*time.Second), ""); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
