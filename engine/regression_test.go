package engine_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// hook sees each client line; reply "" forwards it, "CUT" cuts the line, else it is the tagged answer.
type hook func(line string) string

func hooked(t *testing.T, r *rig, h hook) func(*engine.Options) {
	return func(o *engine.Options) {
		dial := o.DialContext
		if dial == nil {
			dial = new(net.Dialer).DialContext
		}
		o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			near, far := net.Pipe()
			var mu sync.Mutex
			go func() { // server to client
				buf := make([]byte, 32<<10)
				for {
					n, err := c.Read(buf)
					mu.Lock()
					far.Write(buf[:n])
					mu.Unlock()
					if err != nil {
						far.Close()
						return
					}
				}
			}()
			go func() {
				br := bufio.NewReader(far)
				for {
					line, err := br.ReadString('\n')
					if err != nil {
						c.Close()
						return
					}
					tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
					switch a := h(rest); a {
					case "":
						c.Write([]byte(line))
					case "CUT":
						c.Close()
						far.Close()
						return
					default:
						mu.Lock()
						far.Write([]byte(tag + " " + a + "\r\n"))
						mu.Unlock()
					}
				}
			}()
			return near, nil
		}
	}
}

func quick(r *rig) {
	r.timing = engine.Timing{FirstRetry: 30 * time.Millisecond, MaxRetry: 100 * time.Millisecond, Again: 200 * time.Millisecond,
		Probe: 300 * time.Millisecond, Unfetched: 100 * time.Millisecond}
}

func (r *rig) within(d time.Duration, what string, check func() bool) bool {
	r.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if check() {
			return true
		}
	}
	r.t.Errorf("NOT within %v: %s", d, what)
	return false
}

func dump(r *rig, j interface {
	Entries(context.Context, journal.Query) ([]journal.Entry, error)
}) {
	all, _ := j.Entries(context.Background(), journal.Query{})
	for _, e := range all {
		r.t.Logf("entry %d uid %d %s %q tries=%d", e.Seq, e.UID, e.State, e.Reason, e.Tries)
		for _, s := range e.Steps {
			r.t.Logf("   %s -> %q %s uid=%d %s", s.Action, s.Target, s.State, s.TargetUID, s.Error)
		}
	}
}

const xy = "rules:\n  - name: x\n    if: has(subject, \"x\")\n    then: [{move: X}]\n  - name: y\n    if: has(subject, \"y\")\n    then: [{move: Y}]\n"

// 1: CREATE refused with LIMIT/UNAVAILABLE takes the account down.
func TestRegressionCreateLimit(t *testing.T) {
	t.Parallel()
	for _, code := range []imap.ResponseCode{"LIMIT", "SERVERBUG"} {
		t.Run(string(code), func(t *testing.T) {
			srv := imaptest.Memory(t, imaptest.Options{})
			r := newRig(t, srv)
			quick(r)
			srv.Mem.Refuse("X", code)
			cfg := r.config("", xy)
			r.once(cfg)
			var logins atomic.Int64
			r.daemon(cfg, func(e *engine.Engine) {
				r.eventually("watching", func() bool { return watching(e) })
				r.mail("INBOX", "x1", "a@b.c")
				r.mail("INBOX", "y1", "a@b.c")
				r.within(4*time.Second, "y1 is filed beside a target that cannot be created", func() bool { return len(r.subjects("Y")) == 1 })
			}, hooked(t, r, func(l string) string {
				if strings.HasPrefix(l, "LOGIN") || strings.HasPrefix(l, "AUTHENTICATE") {
					logins.Add(1)
				}
				return ""
			}))
			t.Logf("logins: %d", logins.Load())
			r.with(cfg, func(j journal.Journal) { dump(r, j) })
		})
	}
}

// 2: STATUS of a target or SELECT of another watched mailbox with SERVERBUG.
func TestRegressionServerBug(t *testing.T) {
	for _, op := range []string{"STATUS", "SELECT"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := pipes(t, imaptest.Options{})
				r := newRig(t, srv)
				quick(r)
				srv.Create(t, "X")
				cfg := r.config("watch: [X, INBOX]", xy)
				r.once(cfg)
				var logins atomic.Int64
				r.daemon(cfg, func(e *engine.Engine) {
					time.Sleep(500 * time.Millisecond)
					r.mail("INBOX", "x1", "a@b.c")
					r.mail("INBOX", "y1", "a@b.c")
					r.within(4*time.Second, "y1 is filed", func() bool { return len(r.subjects("Y")) == 1 })
				}, hooked(t, r, func(l string) string {
					if strings.HasPrefix(l, "LOGIN") || strings.HasPrefix(l, "AUTHENTICATE") {
						logins.Add(1)
					}
					if strings.HasPrefix(l, op+" X") || strings.HasPrefix(l, op+" \"X\"") {
						return "NO [SERVERBUG] Internal error occurred"
					}
					return ""
				}))
				if n := logins.Load(); n > 10 {
					t.Errorf("%d logins: one refusal ended the connection again and again", n)
				}
			})
		})
	}
}

// 3: finishing a move is refused: everything else in the mailbox starves.
func TestRegressionFinishRefused(t *testing.T) { synctest.Test(t, regressionFinishRefused) }

func regressionFinishRefused(t *testing.T) {
	srv := pipes(t, imaptest.Options{NoMove: true})
	r := newRig(t, srv)
	quick(r)
	cfg := r.config("", xy)
	r.once(cfg)
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		r.mail("INBOX", "x1", "a@b.c")
		time.Sleep(time.Second)
		r.mail("INBOX", "y1", "a@b.c")
		r.within(4*time.Second, "y1 is copied", func() bool { return len(r.subjects("Y")) == 1 })
		t.Logf("X holds %v", r.subjects("X"))
	}, hooked(t, r, func(l string) string {
		if strings.HasPrefix(l, "UID EXPUNGE 1") {
			return "NO [NOPERM] Permission denied"
		}
		return ""
	}))
	r.with(cfg, func(j journal.Journal) { dump(r, j) })
}

// 4: one message whose FETCH is refused blocks all other mail.
func TestRegressionPoisonFetch(t *testing.T) { synctest.Test(t, regressionPoisonFetch) }

func regressionPoisonFetch(t *testing.T) {
	srv := pipes(t, imaptest.Options{})
	r := newRig(t, srv)
	quick(r)
	cfg := r.config("", xy)
	r.once(cfg)
	r.mail("INBOX", "y1", "a@b.c")
	r.mail("INBOX", "bad", "a@b.c")
	r.mail("INBOX", "y3", "a@b.c")
	r.daemon(cfg, func(e *engine.Engine) {
		r.within(4*time.Second, "y1 and y3 are filed", func() bool { return len(r.subjects("Y")) == 2 })
	}, hooked(t, r, func(l string) string {
		for _, s := range []string{"1:3", "1:2", "2:3", "2"} {
			if strings.HasPrefix(l, "UID FETCH "+s+" ") {
				return "NO Some messages could not be FETCHed (Failure)"
			}
		}
		return ""
	}))
}

// 5: a header beyond the literal limit.
func TestRegressionGiantHeader(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{"memory": imaptest.Memory, "dovecot": imaptest.Dovecot} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, imaptest.Options{})
			r := newRig(t, srv)
			quick(r)

			cfg := r.config("", xy)
			r.once(cfg)
			var b bytes.Buffer
			b.WriteString("From: a@b.c\r\nMessage-ID: <big@test>\r\nSubject: big")
			for b.Len() < 1200<<10 {
				b.WriteString("\r\n " + strings.Repeat("z", 70))
			}
			b.WriteString("\r\n\r\nHello\r\n")
			srv.Append(t, "INBOX", nil, time.Now(), b.Bytes())
			r.mail("INBOX", "y1", "a@b.c")
			r.daemon(cfg, func(e *engine.Engine) {
				r.within(5*time.Second, "y1 is filed beside a message with a giant header", func() bool { return len(r.subjects("Y")) == 1 })
			})
		})
	}
}

// 6: quota counted twice when the connection is cut between decide and record.
func TestRegressionQuotaAfterCut(t *testing.T) { synctest.Test(t, regressionQuotaAfterCut) }

func regressionQuotaAfterCut(t *testing.T) {
	srv := pipes(t, imaptest.Options{})
	r := newRig(t, srv)
	quick(r)
	srv.Create(t, "Y")
	cfg := r.config("", xy+"    max_messages: 3\n")
	r.once(cfg)
	var cut atomic.Bool
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		cut.Store(true)
		r.mail("INBOX", "y1", "a@b.c")
		time.Sleep(300 * time.Millisecond)
		r.mail("INBOX", "y2", "a@b.c")
		r.within(4*time.Second, "two of three allowed are filed", func() bool { return len(r.subjects("Y")) == 2 })
	}, hooked(t, r, func() hook {
		n := 0
		return func(l string) string {
			if strings.HasPrefix(l, "STATUS Y") || strings.HasPrefix(l, "STATUS \"Y\"") {
				if n++; n <= 3 {
					return "CUT"
				}
			}
			return ""
		}
	}()))
	r.with(cfg, func(j journal.Journal) { dump(r, j) })
}

// 7: same Message-ID, same second, another size; the crash between COPY and its record.
func TestRegressionSiblingLost(t *testing.T) {
	t.Parallel()
	for _, caps := range []imaptest.Options{{}, {NoMove: true}} {
		t.Run(fmt.Sprint(caps.NoMove), func(t *testing.T) {
			for n := 0; n < 60; n++ {
				srv := imaptest.Memory(t, caps)
				r := newRig(t, srv)
				srv.Create(t, "X")
				cfg := r.config("", "rules:\n  - name: list\n    if: has(subject, \"list\")\n    then: [{move: X}]\n  - name: direct\n    if: has(subject, \"direct\")\n    then: [{copy: X}]\n")
				r.once(cfg)
				at := time.Now().Truncate(time.Second)
				raw := func(s string) []byte {
					return fmt.Appendf(nil, "From: a@b.c\r\nSubject: %s\r\nMessage-ID: <same@test>\r\n\r\nHello.\r\n", s)
				}
				srv.Append(t, "INBOX", nil, at, raw("list"))
				srv.Append(t, "INBOX", nil, at, raw("direct"))
				fin := r.runAndCrash(cfg, n, true)
				r.once(cfg)
				r.once(cfg)
				var sizes []int64
				for _, box := range []string{"INBOX", "X"} {
					for _, m := range srv.Messages(t, box) {
						sizes = append(sizes, m.Size)
					}
				}
				want := int64(len(raw("list")))
				if !slices.Contains(sizes, want) {
					t.Errorf("n=%d: the list message is LOST: sizes %v", n, sizes)
					r.with(cfg, func(j journal.Journal) { dump(r, j) })
					return
				}
				if fin {
					break
				}
			}
		})
	}
}

// 8: transient NO for SELECT of an idled mailbox.
func TestRegressionTransientSelect(t *testing.T) { synctest.Test(t, regressionTransientSelect) }

func regressionTransientSelect(t *testing.T) {
	srv := pipes(t, imaptest.Options{})
	r := newRig(t, srv)
	quick(r)
	cfg := r.config("", xy)
	r.once(cfg)
	var on atomic.Bool
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		time.Sleep(500 * time.Millisecond)
		on.Store(true)
		r.mail("INBOX", "y1", "a@b.c")
		r.within(14*time.Second, "y1 is filed after one NO to SELECT", func() bool { return len(r.subjects("Y")) == 1 })
	}, hooked(t, r, func(l string) string {
		if strings.HasPrefix(l, "SELECT") && on.CompareAndSwap(true, false) {
			return "NO mailbox is locked"
		}
		return ""
	}))
}

// 9: retry of a step without a target.
func TestRegressionRetryNoTarget(t *testing.T) { synctest.Test(t, regressionRetryNoTarget) }

func regressionRetryNoTarget(t *testing.T) {
	srv := pipes(t, imaptest.Options{})
	r := newRig(t, srv)
	quick(r)
	cfg := r.config("", "rules:\n  - name: c\n    if: has(subject, \"c\")\n    then: [{copy: INBOX}]\n  - name: f\n    if: has(subject, \"f\")\n    then: [{add_flags: ['\\Flagged']}]\n")
	r.once(cfg)
	r.mail("INBOX", "c1", "a@b.c")
	r.once(cfg)
	var copies []string
	var mu sync.Mutex
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		n, err := e.Amend(context.Background(), engine.Retry, engine.Selection{})
		t.Log(n, err)
		time.Sleep(1500 * time.Millisecond)
		st, _ := e.Status(context.Background())
		t.Logf("%+v", st.Accounts)
	}, hooked(t, r, func(l string) string {
		if strings.HasPrefix(l, "UID COPY") {
			mu.Lock()
			copies = append(copies, l)
			mu.Unlock()
		}
		return ""
	}))
	if len(copies) > 0 {
		t.Errorf("sent %q", copies)
	}
	r.with(cfg, func(j journal.Journal) { dump(r, j) })
}

// 10: the outbox spins when the journal refuses to write.
type noWrite struct {
	journal.Journal
	on    atomic.Bool
	tries atomic.Int64
	err   error
}

func (j *noWrite) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	if len(b.Deliveries) > 0 && len(b.Entries) == 0 && j.on.Load() {
		j.tries.Add(1)
		return j.err
	}
	return j.Journal.Commit(ctx, own, b)
}

func TestRegressionOutboxSpins(t *testing.T) { synctest.Test(t, regressionOutboxSpins) }

func regressionOutboxSpins(t *testing.T) {
	for _, e := range []error{journal.ErrUnavailable, journal.ErrFenced} {
		srv := pipes(t, imaptest.Options{})
		r := newRig(t, srv)
		quick(r)
		r.sender = &receiver{}
		cfg := r.config("", "webhooks:\n  ci: {url: \"http://127.0.0.1:1/\"}\nrules:\n  - name: h\n    if: true\n    then: [{webhook: ci}]\n")
		r.once(cfg)
		nw := &noWrite{err: e}
		nw.on.Store(true)
		r.log = nil
		r.daemon(cfg, func(e *engine.Engine) {
			r.eventually("watching", func() bool { return watching(e) })
			r.mail("INBOX", "one", "a@b.c")
			time.Sleep(2 * time.Second)
		}, func(o *engine.Options) { nw.Journal = o.Journal; o.Journal = nw; o.Logger = nil })
		if n := nw.tries.Load(); n > 20 {
			t.Errorf("%v: %d attempts to write in 2 s", errors.Unwrap(e), n)
		}
	}
}

// 11: target deleted by another client.
func TestRegressionTargetDeleted(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{"memory": imaptest.Memory, "dovecot": imaptest.Dovecot} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, imaptest.Options{})
			r := newRig(t, srv)
			quick(r)
			srv.Create(t, "Y")
			cfg := r.config("", xy)
			r.once(cfg)
			r.daemon(cfg, func(e *engine.Engine) {
				r.eventually("watching", func() bool { return watching(e) })
				srv.Delete(t, "Y")
				r.mail("INBOX", "y1", "a@b.c")
				r.within(5*time.Second, "y1 is filed in a target made anew", func() bool { return len(r.subjects("Y")) == 1 })
			})
			r.with(cfg, func(j journal.Journal) { dump(r, j) })
		})
	}
}

// 12: MOVE without UIDPLUS: the user moves it back.
func TestRegressionMovedBackNoUIDPlus(t *testing.T) { synctest.Test(t, regressionMovedBackNoUIDPlus) }

func regressionMovedBackNoUIDPlus(t *testing.T) {
	srv := pipes(t, imaptest.Options{NoUIDPlus: true})
	r := newRig(t, srv)
	cfg := r.config("", filing)
	r.once(cfg)
	r.mail("INBOX", "letter", "b@news.example")
	r.once(cfg)
	srv.Move(t, "News", "INBOX")
	r.once(cfg)
	r.want("INBOX", "letter")
	r.want("News")
}

// 13: unfetchable message: the chains of timers multiply.
func TestRegressionUnfetchedChains(t *testing.T) { synctest.Test(t, regressionUnfetchedChains) }

func regressionUnfetchedChains(t *testing.T) {
	srv := pipes(t, imaptest.Options{})
	r := newRig(t, srv)
	quick(r)
	r.timing.Unfetched = 500 * time.Millisecond
	cfg := r.config("", xy)
	r.once(cfg)
	var n atomic.Int64
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		r.mail("INBOX", "bad", "a@b.c")
		time.Sleep(time.Second)
		n.Store(0)
		time.Sleep(2 * time.Second)
		before := n.Load()
		for i := range 30 {
			r.mail("INBOX", fmt.Sprintf("k%d", i), "a@b.c")
			time.Sleep(23 * time.Millisecond)
		}
		time.Sleep(time.Second)
		n.Store(0)
		time.Sleep(2 * time.Second)
		t.Logf("scans in 2 s: before %d, after 30 arrivals %d", before, n.Load())
		if n.Load() > 3*before {
			t.Errorf("the scans multiply")
		}
	}, hooked(t, r, func(l string) string {
		if strings.HasPrefix(l, "UID SEARCH") {
			n.Add(1)
		}
		if strings.HasPrefix(l, "UID FETCH 1") {
			return "OK done"
		}
		return ""
	}))
}

// 14: message gone between record and MOVE is not "done".
func TestRegressionGoneBeforeMove(t *testing.T) {
	t.Parallel()
	srv := imaptest.Dovecot(t, imaptest.Options{})
	r := newRig(t, srv)
	quick(r)
	srv.Create(t, "Y")
	cfg := r.config("", xy)
	r.once(cfg)
	var o sync.Once
	r.mail("INBOX", "y1", "a@b.c")
	r.once(cfg, hooked(t, r, func(l string) string {
		if strings.HasPrefix(l, "UID MOVE") {
			o.Do(func() { srv.Empty(t, "INBOX") })
		}
		return ""
	}))
	if got := r.entries(cfg); got[journal.Done] > 0 {
		t.Errorf("a message that another client removed counts as moved: %v", got)
	}
	r.with(cfg, func(j journal.Journal) { dump(r, j) })
}

// 15: changed webhook at the same index replaces the recorded call.
func TestRegressionWebhookReplaced(t *testing.T) { synctest.Test(t, regressionWebhookReplaced) }

func regressionWebhookReplaced(t *testing.T) {
	srv := pipes(t, imaptest.Options{})
	r := newRig(t, srv)
	quick(r)
	hooks := "webhooks:\n  a: {url: \"http://127.0.0.1:1/a\"}\n  b: {url: \"http://127.0.0.1:1/b\"}\n"
	rule := "rules:\n  - name: h\n    if: true\n    then: [{webhook: %s}, {move: Y}]\n"
	srv.Create(t, "Y")
	cfg := r.config("", hooks+fmt.Sprintf(rule, "a"))
	r.once(cfg)
	srv.Mem.Refuse("Y", "OVERQUOTA")
	r.mail("INBOX", "one", "a@b.c")
	r.once(cfg) // no sender: the call stays pending
	srv.Mem.Allow("Y")
	cfg = r.config("", hooks+fmt.Sprintf(rule, "b"))
	time.Sleep(400 * time.Millisecond)
	r.once(cfg)
	r.with(cfg, func(j journal.Journal) {
		ds, _ := j.Deliveries(context.Background(), journal.DeliveryQuery{})
		var eps []string
		for _, d := range ds {
			eps = append(eps, d.Endpoint)
		}
		if !slices.Contains(eps, "a") {
			t.Errorf("the recorded call to a is gone: %v", eps)
		}
	})
}
