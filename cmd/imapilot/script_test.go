package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"imapilot/engine/enginetest/memserver"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"imapilot": main})
}

// TestScripts runs the command line as a user does: each script in
// testdata/script in a folder of its own, with a mail server where it asks for
// one.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/.config")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"mailserver": mailserver, "deliver": deliver, "await": await, "mode": mode, "exits": exits,
		},
	})
}

// mailserver starts an IMAP server for the script: $HOST, $PORT, user and
// secret.
func mailserver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: mailserver")
	}
	s, err := memserver.NewMemory(memserver.Options{Username: "me@example.org", Password: "secret"})
	ts.Check(err)
	ts.Defer(func() {
		if err := s.Close(); err != nil {
			ts.Logf("closing the mail server: %v", err)
		}
	})
	host, port := s.Addr()
	ts.Setenv("HOST", host)
	ts.Setenv("PORT", strconv.Itoa(port))
	ts.Setenv("PASSWORD", "secret")
	ts.Setenv("server", "") // so that a script can name it in its environment
	servers(ts)[ts.Name()] = s
}

// deliver puts messages into a mailbox of the server: deliver MAILBOX FILE...
func deliver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: deliver MAILBOX FILE...")
	}
	for _, file := range args[1:] {
		_, err := servers(ts)[ts.Name()].Append(args[0], nil, time.Now(), bytes.ReplaceAll([]byte(ts.ReadFile(file)), []byte("\n"), []byte("\r\n")))
		ts.Check(err)
	}
}
