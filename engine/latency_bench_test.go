package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
)

// stopwatch times messages from the server's announcement to the command that
// moves them, on the wire of all connections of one account.
type stopwatch struct {
	mu    sync.Mutex
	round int       // messages announced so far
	since time.Time // of the last one, zero when it was moved
	own   []time.Duration
	all   []time.Duration
	most  int // round trips
	moved chan struct{}
}

func (s *stopwatch) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	return &timed{Conn: conn, watch: s}, err
}

// timed is one connection under the stopwatch. It waits from when the first of
// some commands is written until the last of them is answered: one round trip.
type timed struct {
	net.Conn
	watch *stopwatch

	round   int // that the next three are about
	trips   int
	waiting time.Duration
	asked   time.Time
	open    int    // commands that were not answered
	idle    string // the tag of the IDLE under way
	line    []byte // the beginning of one that was read in part
}

func (t *timed) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.watch.mu.Lock()
	defer t.watch.mu.Unlock()
	t.line = append(t.line, p[:n]...)
	for {
		line, rest, ok := bytes.Cut(t.line, []byte("\r\n"))
		if !ok {
			return n, err
		}
		t.read(string(line))
		t.line = bytes.Clone(rest)
	}
}

func (t *timed) read(line string) {
	tag, rest, _ := strings.Cut(line, " ")
	switch {
	case tag == "*" && strings.HasSuffix(rest, " EXISTS") && t.open == 0 && t.watch.since.IsZero():
		t.watch.round++
		t.watch.since = time.Now()
	case tag == t.idle:
	case isTag(tag) && t.open > 0:
		if t.open--; t.open == 0 {
			t.catchUp()
			t.trips++
			t.waiting += time.Since(t.asked)
		}
	}
}

// catchUp begins to count anew where a message was announced since.
func (t *timed) catchUp() {
	if t.round != t.watch.round {
		t.round, t.trips, t.waiting = t.watch.round, 0, 0
	}
}

func isTag(word string) bool {
	return len(word) > 1 && (word[0] == 'T' || word[0] == 'I') && strings.Trim(word[1:], "0123456789") == ""
}

func (t *timed) Write(p []byte) (int, error) {
	t.watch.mu.Lock()
	for line := range bytes.Lines(p) {
		t.write(string(line))
	}
	t.watch.mu.Unlock()
	return t.Conn.Write(p)
}

func (t *timed) write(line string) {
	tag, rest, _ := strings.Cut(line, " ")
	switch {
	case !isTag(tag):
	case strings.HasPrefix(rest, "IDLE"):
		t.idle = tag
	default:
		if t.open++; t.open == 1 {
			t.asked = time.Now()
		}
		if strings.HasPrefix(rest, "UID MOVE ") {
			t.catchUp()
			t.watch.stop(t.trips, t.waiting)
		}
	}
}

func (s *stopwatch) stop(trips int, waiting time.Duration) {
	took := time.Since(s.since)
	if s.since.IsZero() {
		took = 0 // it was announced with the answer to another command
	}
	defer func() {
		select {
		case s.moved <- struct{}{}:
		default:
		}
	}()
	if took == 0 {
		return
	}
	s.all, s.own, s.most, s.since = append(s.all, took), append(s.own, took-waiting), max(s.most, trips), time.Time{}
}

// BenchmarkArrival measures, on a real server and with a journal on the disk, what
// lies between the EXISTS of a message and the MOVE that its rule asks for: the
// round trips, and the time that is our own.
func BenchmarkArrival(b *testing.B) {
	for _, connections := range []int{1, 2} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) { benchmarkArrival(b, connections) })
	}
}

func benchmarkArrival(b *testing.B, connections int) {
	r := newRig(b, imaptest.Dovecot(b, imaptest.Options{}))
	r.log = slog.New(slog.DiscardHandler)
	r.srv.Create(b, "News")
	cfg := r.config(fmt.Sprintf("connections: %d", connections), "rules:\n  - {name: n, if: 'from.domain == \"news.example\"', then: [{move: News}], max_messages: 1000000}\n")
	watch := &stopwatch{moved: make(chan struct{}, 1)}
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("it watches", func() bool {
			st, err := e.Status(b.Context())
			return err == nil && len(st.Accounts) > 0 && len(st.Accounts[0].Mailboxes) > 0 && st.Accounts[0].Mailboxes[0].Watch == "idle" && !st.Accounts[0].Mailboxes[0].LastScan.IsZero()
		})
		for i := range b.N {
			r.mail("INBOX", fmt.Sprint("m", i), "a@news.example")
			select {
			case <-watch.moved:
			case <-time.After(10 * time.Second):
				b.Fatalf("message %d was not moved within 10 s", i)
			}
		}
	}, func(o *engine.Options) { o.DialContext = watch.dial })
	b.ReportMetric(float64(len(watch.all)), "announced")
	b.ReportMetric(float64(watch.most), "most-round-trips")
	b.ReportMetric(quantile(watch.own, 0.99), "own-p99-ms")
	b.ReportMetric(quantile(watch.own, 0.5), "own-p50-ms")
	b.ReportMetric(quantile(watch.all, 0.99), "p99-ms")
}

func quantile(all []time.Duration, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return float64(all[min(len(all)-1, int(q*float64(len(all))))].Microseconds()) / 1000
}
