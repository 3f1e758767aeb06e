package main

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"imapilot/engine/enginetest/loopback"
	"imapilot/engine/enginetest/memserver"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"imapilot": main})
}

// TestScripts runs the command line as a user does: each script of
// testdata/script in a folder of its own, with a mail server where it asks for
// one.
func TestScripts(t *testing.T) {
	testscript.Run(t, scripts("testdata/script"))
}

// scripts are the scripts of a folder and what they can do.
func scripts(folder string) testscript.Params {
	return testscript.Params{
		Dir:                 folder,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			// The race detector sleeps a second at every exit unless told not to.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/.config")
			env.Values[scene{}] = &scene{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"mailserver": mailserver, "deliver": deliver, "mailbox": mailbox, "await": await, "exits": exits, "signal": sendSignal, "mode": mode, "expand": expand, "adminport": adminPort,
		},
	}
}

// scene is what belongs to one script.
type scene struct{ server *memserver.MemoryServer }

func sceneOf(ts *testscript.TestScript) *scene { return ts.Value(scene{}).(*scene) }

// mailserver starts an IMAP server for the script and sets $HOST, $PORT, $TLSPORT
// and $PASSWORD; the user is me@example.org. ca.pem is what its certificate is
// verified with.
func mailserver(ts *testscript.TestScript, _ bool, _ []string) {
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS() // the standard library's certificate for 127.0.0.1
	pair.Close()
	s, err := memserver.NewMemory(memserver.Options{Username: "me@example.org", Password: "secret", TLS: &tls.Config{Certificates: pair.TLS.Certificates}})
	ts.Check(err)
	ts.Defer(func() {
		if err := s.Close(); err != nil {
			ts.Logf("closing the mail server: %v", err)
		}
	})
	sceneOf(ts).server = s
	host, port := s.Addr()
	ts.Setenv("HOST", host)
	ts.Setenv("PORT", strconv.Itoa(port))
	_, port = s.TLSAddr()
	ts.Setenv("TLSPORT", strconv.Itoa(port))
	ts.Setenv("PASSWORD", s.Password)
	ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate().Raw}), 0o600))
}

// adminPort sets $ADMIN to a port that nobody has.
func adminPort(ts *testscript.TestScript, _ bool, _ []string) {
	p, err := loopback.Reserve()
	ts.Check(err)
	ts.Defer(func() { ts.Check(p.Release()) })
	ts.Setenv("ADMIN", strconv.Itoa(p.Number))
}

// deliver puts messages into a mailbox: deliver MAILBOX FILE...
func deliver(ts *testscript.TestScript, _ bool, args []string) {
	for _, file := range args[1:] {
		raw := bytes.ReplaceAll([]byte(ts.ReadFile(file)), []byte("\n"), []byte("\r\n"))
		_, err := sceneOf(ts).server.Append(args[0], nil, time.Now(), raw)
		ts.Check(err)
	}
}

// await repeats a command until what it prints matches, at most 15 s:
// await PATTERN COMMAND ARGUMENT...
func await(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		out := ts.ReadFile("stdout") + ts.ReadFile("stderr")
		if pattern.MatchString(out) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("nothing that matches %q within 15 s (%v); last:\n%s", args[0], err, out)
		}
	}
}

// exits runs a command that must end with that code: exits CODE COMMAND ARGUMENT...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// mode checks the permissions of a file: mode 0600 FILE.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	st, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if st.Mode().Perm() != fs.FileMode(want) {
		ts.Fatalf("%s has mode %o, want %s", args[1], st.Mode().Perm(), args[0])
	}
}

// mailbox waits until a mailbox holds so many messages, at most 15 s:
// mailbox NAME COUNT.
func mailbox(ts *testscript.TestScript, _ bool, args []string) {
	await(ts, false, []string{`(?m)^` + regexp.QuoteMeta(args[0]) + ` .*\b` + args[1] + `$`, "imapilot", "mailboxes"})
}

// sendSignal sends a signal to the background command: signal HUP.
func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	number := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT}[args[0]]
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(number))
	}
}

// expand fills $HOST, $PORT, $USER and $WORK into files.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	known := strings.NewReplacer("$HOST", ts.Getenv("HOST"), "$PORT", ts.Getenv("PORT"), "$USER", ts.Getenv("USER"), "$WORK", ts.Getenv("WORK"),
		"$SMTPHOST", ts.Getenv("SMTPHOST"), "$SMTPPORT", ts.Getenv("SMTPPORT"), "$ADMIN", ts.Getenv("ADMIN"))
	for _, file := range args {
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(known.Replace(ts.ReadFile(file))), 0o600))
	}
}
