package engine_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
)

// hole stands between the engine and a server without a socket. While it is open it
// swallows everything, silently: connections neither end nor answer.
type hole struct {
	inner func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	open  bool
	dials []time.Time
	sent  strings.Builder // what came through to the server
}

func (h *hole) swallow(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open = on
}

func (h *hole) dial(ctx context.Context, network, address string) (net.Conn, error) {
	h.mu.Lock()
	h.dials = append(h.dials, time.Now())
	h.mu.Unlock()
	up, err := h.inner(ctx, network, address)
	if err != nil {
		return nil, err
	}
	client, own := net.Pipe()
	go h.pump(up, own, true)
	go h.pump(own, up, false)
	return client, nil
}

func (h *hole) pump(to, from net.Conn, toServer bool) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		h.mu.Lock()
		swallowed := h.open
		if toServer && !swallowed {
			h.sent.Write(buf[:n])
		}
		h.mu.Unlock()
		if swallowed {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// dialled is when connections were begun.
func (h *hole) dialled() []time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.dials)
}

func (h *hole) logins() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Count(h.sent.String(), " AUTHENTICATE ") + strings.Count(h.sent.String(), " LOGIN ")
}

// mostWithin is the largest number of times within any span.
func mostWithin(times []time.Time, span time.Duration) int {
	most := 0
	for i := range times {
		n := 0
		for _, at := range times[i:] {
			if at.Sub(times[i]) < span {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

const fileEach = `
rules:
  - name: file
    in: [INBOX, "Lists/*"]
    if: true
    then: [{move: Filed}]
`

// A line that swallows everything silently turns readiness red within the bound, and
// names the mailboxes; it causes no storm of logins; when it ends everything that came
// meanwhile is filed, once.
func TestABlackHoleIsNoticed(t *testing.T) {
	for _, connections := range []string{"1", "3"} {
		t.Run(connections+" connections", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { fallIn(t, connections) })
		})
	}
}

func fallIn(t *testing.T, connections string) {
	srv := pipes(t, imaptest.Options{})
	r := newRig(t, srv)
	r.srv.Create(t, "Lists/a")
	h := &hole{inner: srv.Mem.PipeDialer()}
	cfg := r.config("watch: [INBOX, 'Lists/*']\npoll: 60s\nconnections: "+connections, fileEach)
	through := func(o *engine.Options) { o.DialContext = h.dial }
	r.daemon(cfg, func(e *engine.Engine) {
		if kinds := kindsOf(e.Troubles()); len(kinds) > 0 && !slices.Equal(kinds, []string{"starting home"}) {
			t.Errorf("at first: %q", kinds)
		}
		time.Sleep(30 * time.Minute)
		if got := e.Troubles(); len(got) > 0 {
			t.Fatalf("on a good line: %+v", got)
		}
		h.swallow(true)
		fell := time.Now()
		before, logins := len(h.dialled()), h.logins()
		r.mail("INBOX", "one", "a@example.org")
		r.mail("Lists/a", "two", "a@example.org")
		for len(e.Troubles()) < 2 && time.Since(fell) < time.Hour {
			time.Sleep(time.Second)
		}
		red := time.Since(fell)
		if kinds := kindsOf(e.Troubles()); red > 6*time.Minute+2*time.Second || !slices.Equal(kinds, []string{"stale home/INBOX", "stale home/Lists/a"}) {
			t.Errorf("red after %v: %q", red, kinds)
		}
		time.Sleep(2 * time.Hour)
		if kinds := kindsOf(e.Troubles()); !slices.Contains(kinds, "stale home/INBOX") || len(e.Stuck()) > 0 {
			t.Errorf("after two hours: %q, stuck: %+v", kinds, e.Stuck())
		}
		dials := h.dialled()[before:]
		if n := h.logins() - logins; n > 0 || len(dials) > 125 || mostWithin(dials, 10*time.Minute) > 10 {
			t.Errorf("in two hours %d logins and %d attempts, at most %d in ten minutes", n, len(dials), mostWithin(dials, 10*time.Minute))
		}
		r.mail("INBOX", "three", "a@example.org")
		h.swallow(false)
		ended := time.Now()
		for len(e.Troubles()) > 0 && time.Since(ended) < time.Hour {
			time.Sleep(time.Second)
		}
		back := time.Since(ended)
		time.Sleep(5 * time.Second)
		if back > 7*time.Minute {
			t.Errorf("ready again %v after the end", back)
		}
		t.Logf("red after %v, %d attempts in two hours, ready %v after the end", red, len(dials), back)
	}, through)
	r.want("Filed", "one", "two", "three")
	r.want("INBOX")
	r.want("Lists/a")
}

func kindsOf(all []engine.Trouble) (out []string) {
	for _, x := range all {
		out = append(out, string(x.Kind)+" "+x.Where())
	}
	slices.Sort(out)
	return out
}

// The same on a real server and a real line, with a bound of ten seconds.
func TestABlackHoleBeforeDovecot(t *testing.T) {
	t.Parallel()
	srv := imaptest.Dovecot(t, imaptest.Options{NoIdle: true})
	r := newRig(t, srv)
	proxy := srv.Proxy(t)
	r.dial = proxy.Addr
	r.timing.FirstRetry = 50 * time.Millisecond
	cfg := r.config("connections: 1\npoll: 5s\nstale_after: 10s", fileEach)
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("ready", func() bool { return len(e.Troubles()) == 0 })
		proxy.BlackHole(true)
		fell := time.Now()
		r.mail("INBOX", "one", "a@example.org")
		r.eventually("red, naming the mailbox", func() bool { return slices.Contains(kindsOf(e.Troubles()), "stale home/INBOX") })
		t.Logf("red after %v", time.Since(fell))
		proxy.BlackHole(false)
		proxy.Cut()
		r.eventually("ready again", func() bool { return len(e.Troubles()) == 0 })
		r.eventually("filed", func() bool { return slices.Equal(r.subjects("Filed"), []string{"one"}) })
	})
}
