package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
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
	"imapilot/engine/journal"
)

// tale is one scenario: the whole daemon on a fake clock, over pipes to a
// memory server, with verbs for what happens to a mailbox in years.
type tale struct {
	*rig
	cfg    *config.Config
	hook   *receiver
	change []func(*engine.Options)
}

// tell runs a scenario in a bubble. The mailboxes exist from the start; nothing
// has run yet.
func tell(t *testing.T, o imaptest.Options, mailboxes []string, account, rules string, f func(s *tale)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, pipes(t, o))
		for _, m := range mailboxes {
			r.srv.Create(t, m)
		}
		hook := &receiver{}
		r.sender = hook
		f(&tale{rig: r, hook: hook, cfg: r.config(account, rules)})
	})
}

// run is the daemon with --once.
func (s *tale) run() {
	s.t.Helper()
	s.once(s.cfg, s.change...)
}

// live runs the daemon while f happens.
func (s *tale) live(f func()) {
	s.t.Helper()
	s.daemon(s.cfg, func(*engine.Engine) {
		s.pass(time.Second)
		f()
	}, s.change...)
}

// pass lets time pass, and everything settle.
func (s *tale) pass(d time.Duration) {
	time.Sleep(d) // by the bubble's clock
	synctest.Wait()
}

// put delivers a message with this INTERNALDATE.
func (s *tale) put(mailbox, subject string, at time.Time, flags ...imap.Flag) imap.UID {
	s.t.Helper()
	return s.srv.Append(s.t, mailbox, flags, at, message(subject, "a@news.example"))
}

// many are n subjects.
func many(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%04d", prefix, i)
	}
	return out
}

// putAll delivers messages, the first at a time and each a step later.
func (s *tale) putAll(mailbox string, subjects []string, first time.Time, step time.Duration) {
	s.t.Helper()
	for i, subject := range subjects {
		s.put(mailbox, subject, first.Add(time.Duration(i)*step))
	}
}

// renumber replaces a mailbox by one that holds what it held, with other UIDs
// and another UIDVALIDITY, each message as change left it.
func (s *tale) renumber(mailbox string, change func(d *imaptest.Delivery), held []imaptest.Delivery) {
	s.t.Helper()
	s.srv.Delete(s.t, mailbox)
	s.srv.Create(s.t, mailbox)
	for _, d := range held {
		change(&d)
		s.srv.AppendAll(s.t, mailbox, []imaptest.Delivery{d})
	}
}

func deliveries(subjects []string, at time.Time) []imaptest.Delivery {
	var out []imaptest.Delivery
	for _, subject := range subjects {
		out = append(out, imaptest.Delivery{Date: at, Raw: message(subject, "a@news.example")})
	}
	return out
}

// wantEntries demands how many entries the journal holds in which state.
func (s *tale) wantEntries(want map[journal.EntryState]int) {
	s.t.Helper()
	if got := s.entries(s.cfg); fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("entries = %v, want %v", got, want)
		s.with(s.cfg, func(j journal.Journal) { dump(s.rig, j) })
	}
}

// wantEvents demands the kinds of events since the start.
func (s *tale) wantEvents(kinds ...string) {
	s.t.Helper()
	var got []string
	s.with(s.cfg, func(j journal.Journal) {
		all, err := j.Tail(context.Background(), "home", 0, 0)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range all {
			got = append(got, e.Kind)
		}
	})
	if !slices.Equal(got, kinds) {
		s.t.Errorf("events = %q, want %q", got, kinds)
	}
}

// wantCalls demands how often the webhook was called, and with how many ids.
func (s *tale) wantCalls(calls, ids int) {
	s.t.Helper()
	s.hook.mu.Lock()
	defer s.hook.mu.Unlock()
	distinct := slices.Compact(slices.Sorted(slices.Values(s.hook.calls)))
	if len(s.hook.calls) != calls || len(distinct) != ids {
		s.t.Errorf("%d calls with %d ids, want %d with %d", len(s.hook.calls), len(distinct), calls, ids)
	}
}

// backup copies the journal, and restore puts it back.
func (s *tale) backup() (restore func()) {
	s.t.Helper()
	saved := map[string][]byte{}
	for _, path := range s.stateFiles() {
		data, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatal(err)
		}
		saved[path] = data
	}
	return func() {
		s.loseState()
		for path, data := range saved {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// loseState deletes the journal.
func (s *tale) loseState() {
	s.t.Helper()
	for _, path := range s.stateFiles() {
		if err := os.Remove(path); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *tale) stateFiles() []string {
	s.t.Helper()
	files, err := filepath.Glob(s.cfg.State + "*")
	if err != nil || len(files) == 0 {
		s.t.Fatalf("no journal: %v", err)
	}
	return files
}

// amend is what the commands confirm, skip and retry do while no daemon runs.
func (s *tale) amend(verb engine.Verb) {
	s.t.Helper()
	s.with(s.cfg, func(j journal.Journal) {
		if _, err := engine.AmendOffline(context.Background(), j, "test", []string{"home"}, verb, engine.Selection{}); err != nil {
			s.t.Fatal(err)
		}
	})
}

// through changes the lines that client and server send each other.
func (s *tale) through(up, down func(line string) string) {
	s.change = append(s.change, func(o *engine.Options) {
		dial := o.DialContext
		o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			server, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			near, far := net.Pipe()
			var group sync.WaitGroup
			group.Go(func() { relay(server, far, up) })
			group.Go(func() { relay(far, server, down) })
			return near, nil
		}
	})
}

// relay copies lines until either side is closed, and then closes both.
func relay(to, from net.Conn, change func(string) string) {
	defer to.Close()
	defer from.Close()
	in := bufio.NewReader(from)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if _, err := io.WriteString(to, change(line)); err != nil {
			return
		}
	}
}

func asIs(line string) string { return line }

// objectID makes the server one that offers OBJECTID (RFC 8474): the EMAILID of
// a message is its keyword that begins with "eid-", which COPY and MOVE keep as
// they do the real one.
func (s *tale) objectID() {
	s.through(func(line string) string { return strings.Replace(line, " EMAILID", "", 1) }, func(line string) string {
		line = strings.Replace(line, "CAPABILITY IMAP4rev1", "CAPABILITY IMAP4rev1 OBJECTID", 1)
		_, after, found := strings.Cut(line, " eid-")
		if !found {
			_, after, found = strings.Cut(line, "(eid-")
		}
		if !found || !strings.Contains(line, " FETCH (") {
			return line
		}
		id := after[:strings.IndexAny(after, " )")]
		return strings.Replace(line, " FETCH (", " FETCH (EMAILID ("+id+") ", 1)
	})
}
