package engine_test

import (
	"bytes"
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/enginetest/model"
	"imapilot/engine/enginetest/providers"
	"imapilot/engine/journal"
)

// venue is a server with one account on it, whatever the server is: the scenario of
// providers is played on each.
type venue struct {
	*rig
	cfg *config.Config
	log *logBook
	// many is how many messages come at once.
	many int
	// server is the scripted one, nil where it is real.
	server  *providers.Server
	deliver func(mailbox, subject string, flags ...imap.Flag)
	held    func(mailbox string) []placed
	cut     func()
	// down is what the server does while the daemon is not there.
	down func()
	// wait passes a moment: by the clock of the bubble where there is one.
	wait   func(d time.Duration)
	change []func(*engine.Options)
}

// placed is a message as a test sees it.
type placed struct {
	subject string
	flags   []imap.Flag
}

func (p placed) has(f imap.Flag) bool { return slices.Contains(p.flags, f) }

// logBook keeps what was logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBook) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), words)
}

// scripted plays on the server of a provider, in a bubble. account are lines of its
// configuration, rules the rest.
func scripted(t *testing.T, p providers.Provider, account, rules string, f func(v *venue)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := p.Start()
		defer func() {
			s.Cut()
			time.Sleep(time.Minute) // sessions that think or idle end
		}()
		r := newRig(t, &imaptest.Server{Username: "me", Password: "secret"})
		r.dial = p.Host + ":143"
		book := &logBook{}
		r.log = slog.New(slog.NewTextHandler(book, nil))
		f(&venue{
			rig: r, log: book, server: s, many: 250, cfg: r.config(account, rules),
			deliver: func(mailbox, subject string, flags ...imap.Flag) {
				s.Deliver(mailbox, model.Letter{Subject: subject, From: "ann@news.example", MessageID: idOf(subject), Flags: flags, Body: "Hello."})
			},
			held: func(mailbox string) (out []placed) {
				for _, m := range s.All() {
					if m.Mailbox == mailbox {
						out = append(out, placed{m.Subject, m.Flags()})
					}
				}
				return out
			},
			cut: s.Cut, down: func() { s.Restart(p.Name == "Proton Bridge") },
			wait:   func(d time.Duration) { time.Sleep(d); synctest.Wait() },
			change: []func(*engine.Options){func(o *engine.Options) { o.DialContext = s.DialContext }},
		})
		if t.Failed() {
			t.Log(book.text.String())
		}
		for _, broken := range s.Violations() {
			t.Error(broken)
		}
	})
}

func idOf(subject string) string { return strings.ReplaceAll(subject, " ", ".") + "@test" }

// real plays on a server of the test's, by the clock of the wall.
func real(t *testing.T, srv *imaptest.Server, account, rules string, f func(v *venue)) {
	t.Helper()
	r := newRig(t, srv)
	book := &logBook{}
	r.log = slog.New(slog.NewTextHandler(book, nil))
	f(&venue{
		rig: r, log: book, many: 30, cfg: r.config(account, rules),
		deliver: func(mailbox, subject string, flags ...imap.Flag) {
			r.mail(mailbox, subject, "ann@news.example", flags...)
		},
		held: func(mailbox string) (out []placed) {
			for _, m := range srv.Messages(t, mailbox) {
				subject := strings.TrimSuffix(strings.TrimPrefix(m.MessageID, "<"), "@test>")
				out = append(out, placed{strings.ReplaceAll(subject, ".", " "), m.Flags})
			}
			return out
		},
		cut: func() { srv.KillConnections(t) }, down: func() {},
		wait: func(time.Duration) { time.Sleep(20 * time.Millisecond) },
	})
}

// live runs the daemon while f happens.
func (v *venue) live(f func()) {
	v.t.Helper()
	v.daemon(v.cfg, func(*engine.Engine) { v.wait(2 * time.Second); f() }, v.change...)
}

// until waits for a condition: six hours by the clock of a bubble, a minute by the wall's.
func (v *venue) until(what string, check func() bool) {
	v.t.Helper()
	began := time.Now()
	most := time.Minute
	if v.server != nil {
		most = 6 * time.Hour
	}
	for !check() {
		if time.Since(began) > most {
			v.t.Errorf("not within %s: %s", most, what)
			return
		}
		v.wait(time.Second)
	}
}

// in lists the subjects of a mailbox, in order, those with \Deleted in brackets.
func (v *venue) in(mailbox string) []string {
	v.t.Helper()
	var out []string
	for _, m := range v.held(mailbox) {
		if m.has(imap.FlagDeleted) {
			m.subject = "[" + m.subject + "]"
		}
		out = append(out, m.subject)
	}
	slices.Sort(out)
	return out
}

// wantIn demands what a mailbox holds.
func (v *venue) wantIn(mailbox string, subjects ...string) {
	v.t.Helper()
	slices.Sort(subjects)
	if got := v.in(mailbox); !slices.Equal(got, subjects) {
		v.t.Errorf("%s holds %q, want %q", mailbox, got, subjects)
	}
}

// commands counts those that begin with one of these.
func (v *venue) commands(names ...string) int {
	n := 0
	for _, c := range v.server.Sent() {
		if slices.Contains(names, c.Command) {
			n++
		}
	}
	return n
}

// outcomes counts the entries of the journal that did not end well.
func (v *venue) outcomes() (bad []string) {
	v.t.Helper()
	v.with(v.cfg, func(j journal.Journal) {
		all, err := j.Entries(v.t.Context(), journal.Query{})
		if err != nil {
			v.t.Fatal(err)
		}
		for _, e := range all {
			if e.State != journal.Done {
				bad = append(bad, fmt.Sprintf("%s/%d is %s: %s", e.Mailbox, e.UID, e.State, cmp.Or(e.Reason, "?")))
			}
		}
	})
	return bad
}

// events counts those of a kind.
func (v *venue) events(kind string) (n int) {
	v.t.Helper()
	v.with(v.cfg, func(j journal.Journal) {
		all, err := j.Tail(v.t.Context(), "home", 0, 0)
		if err != nil {
			v.t.Fatal(err)
		}
		for _, e := range all {
			if e.Kind == kind {
				n++
			}
		}
	})
	return n
}
