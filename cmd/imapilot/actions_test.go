package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/rogpeppe/go-internal/testscript"

	"imapilot/actions"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/enginetest/mailtest"
	"imapilot/engine/enginetest/model"
	"imapilot/engine/enginetest/observer"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

// TestActionScripts shows each action at work on Dovecot, in the script of its name.
func TestActionScripts(t *testing.T) {
	const folder = "testdata/actions"
	for _, s := range actions.Table() {
		if _, err := os.Stat(filepath.Join(folder, string(s.Kind)+".txtar")); err != nil {
			t.Errorf("no script shows the action %s: %v", s.Kind, err)
		}
	}
	server := imaptest.Dovecot(t, imaptest.Options{})
	post := mailtest.Start(t, server.Password)
	var users atomic.Int32
	p := scripts(folder)
	setup := p.Setup
	p.Setup = func(env *testscript.Env) error {
		host, port := server.Addr()
		env.Setenv("HOST", host)
		env.Setenv("PORT", strconv.Itoa(port))
		env.Setenv("DOVECOTPORT", strconv.Itoa(port))
		env.Setenv("USER", fmt.Sprintf("user%d", users.Add(1)))
		env.Setenv("PASSWORD", server.Password)
		env.Setenv("PASSWORD2", server.Password)
		smtpHost, smtpPort := post.Addr()
		env.Setenv("SMTPHOST", smtpHost)
		env.Setenv("SMTPPORT", strconv.Itoa(smtpPort))
		env.Values[gmailKey{}] = new(*model.Server)
		return setup(env)
	}
	p.Cmds["put"], p.Cmds["holds"], p.Cmds["due"] = place, contents, makeDue
	p.Cmds["mails"], p.Cmds["returned"], p.Cmds["says"] = mails(post), returned, says
	p.Cmds["gmail"], p.Cmds["label"], p.Cmds["labels"] = gmailServer, label, labels
	testscript.Run(t, p)
}

// eyes look at the server as another client of the user, or of another one.
func eyes(ts *testscript.TestScript, user string) *observer.Observer {
	at := net.JoinHostPort(ts.Getenv("HOST"), ts.Getenv("PORT"))
	o := &observer.Observer{Username: user, Password: ts.Getenv("PASSWORD"), Dial: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", at)
	}}
	ts.Defer(func() { _ = o.Close() })
	return o
}

// place delivers a message as another client would: put MAILBOX FILE [FLAG...].
func place(ts *testscript.TestScript, _ bool, args []string) {
	raw := strings.ReplaceAll(ts.ReadFile(args[1]), "\n", "\r\n")
	var flags []imap.Flag
	for _, f := range args[2:] {
		flags = append(flags, imap.Flag(f))
	}
	_, err := eyes(ts, ts.Getenv("USER")).Append(args[0], flags, time.Now(), []byte(raw))
	ts.Check(err)
}

// says demands one message of a mailbox that matches a pattern: says MAILBOX PATTERN.
func says(ts *testscript.TestScript, _ bool, args []string) {
	all, err := eyes(ts, ts.Getenv("USER")).Texts(args[0])
	ts.Check(err)
	if len(all) != 1 || !regexp.MustCompile(args[1]).MatchString(all[0]) {
		ts.Fatalf("%s says %q", args[0], all)
	}
}

// contents demands the messages of a mailbox, in their order, by Message-ID and flags
// but \Deleted ones: holds MAILBOX 'ID FLAG...'...
func contents(ts *testscript.TestScript, _ bool, args []string) {
	all, err := eyes(ts, ts.Getenv("USER")).Messages(args[0])
	ts.Check(err)
	var got []string
	for _, m := range all {
		words := []string{strings.Trim(m.MessageID, "<>")}
		for _, f := range m.Flags {
			words = append(words, string(f))
		}
		if !slices.Contains(m.Flags, imap.FlagDeleted) {
			got = append(got, strings.Join(words, " "))
		}
	}
	if !slices.Equal(got, args[1:]) {
		ts.Fatalf("%s holds %q, want %q", args[0], got, args[1:])
	}
}

// makeDue lets the time come until which an account snoozes: due ACCOUNT. There must be
// something that it snoozes.
func makeDue(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, ts.MkAbs("imapilot.db"))
	ts.Check(err)
	own, snap, err := db.Acquire(ctx, args[0], "due")
	ts.Check(err)
	if len(snap.Snoozed) == 0 {
		ts.Fatalf("%s snoozes nothing", args[0])
	}
	for i := range snap.Snoozed {
		snap.Snoozed[i].Due = time.Now()
	}
	ts.Check(db.Commit(ctx, own, journal.Batch{Snoozed: snap.Snoozed}))
	ts.Check(db.Close())
}
