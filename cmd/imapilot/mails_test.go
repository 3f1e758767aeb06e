package main

import (
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"imapilot/engine/enginetest/mailtest"
)

// mails writes into a file what a user of the mail server handed in: mails FILE.
func mails(server *mailtest.Server) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		var b strings.Builder
		for _, m := range server.Messages(ts.Getenv("USER")) {
			b.WriteString("MAIL FROM:<" + m.From + "> RCPT TO:<" + strings.Join(m.To, "> RCPT TO:<") + ">\n")
			b.WriteString(strings.ReplaceAll(m.Data, "\r\n", "\n") + "\n")
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
	}
}

// returned takes the first message out of what mails wrote: returned FROM TO.
func returned(ts *testscript.TestScript, _ bool, args []string) {
	_, rest, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	first, _, _ := strings.Cut(rest, "\nMAIL FROM:")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(first), 0o600))
}
