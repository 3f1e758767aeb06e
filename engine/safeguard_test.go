package engine_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// The tests of this file hold one safeguard each, with as little beside it as
// can be. They are what the mutations of package enginetest/mutations must turn
// red, besides what the sweeps find.

// safeguard runs a test in a bubble, on one account of a memory server.
func safeguard(t *testing.T, o imaptest.Options, f func(t *testing.T, r *rig)) {
	t.Helper()
	t.Run(fmt.Sprintf("move=%v,uidplus=%v", !o.NoMove, !o.NoUIDPlus), func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, newRig(t, pipes(t, o))) })
	})
}

// wire is what went over the line, and the answers that the test gives itself.
type wire struct {
	mu     sync.Mutex
	sent   []string
	answer func(line string) string // see hook; nil forwards everything
}

func (w *wire) hook(line string) string {
	w.mu.Lock()
	w.sent = append(w.sent, line)
	w.mu.Unlock()
	if w.answer == nil {
		return ""
	}
	return w.answer(line)
}

// count is how many commands began like this.
func (w *wire) count(command string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, line := range w.sent {
		if strings.HasPrefix(line, command) {
			n++
		}
	}
	return n
}

// refusing answers a command itself.
func refusing(command, answer string) *wire {
	return &wire{answer: func(line string) string {
		if strings.HasPrefix(line, command) {
			return answer
		}
		return ""
	}}
}

func (w *wire) never(t *testing.T, commands ...string) {
	t.Helper()
	for _, c := range commands {
		if n := w.count(c); n > 0 {
			t.Errorf("%s was sent %d times", c, n)
		}
	}
}

const moveAll = "rules:\n  - name: all\n    if: true\n    then: [{move: X}]\n"

// Where MOVE is spelled out, the original is touched only after COPY's OK.
func TestSafeguardCopyIsAwaited(t *testing.T) {
	for _, o := range []imaptest.Options{{NoMove: true}, {NoMove: true, NoUIDPlus: true}} {
		safeguard(t, o, func(t *testing.T, r *rig) {
			cfg := r.config("", moveAll)
			r.once(cfg)
			r.mail("INBOX", "a", "x@example.org")
			w := refusing("UID COPY", "NO cannot")
			r.once(cfg, hooked(t, r, w.hook))
			if w.count("UID COPY") == 0 {
				t.Error("no copy was tried")
			}
			w.never(t, "UID STORE", "UID EXPUNGE")
			r.want("INBOX", "a")
		})
	}
}

// A message moves only after everything before it is done, however long that
// is refused.
func TestSafeguardChain(t *testing.T) {
	for _, answer := range []string{"NO cannot", "NO [OVERQUOTA] full"} {
		safeguard(t, imaptest.Options{}, func(t *testing.T, r *rig) {
			cfg := r.config("", "rules:\n  - name: copy\n    if: true\n    then: [{copy: A}]\n  - name: move\n    if: true\n    then: [{move: B}]\n")
			r.once(cfg)
			r.mail("INBOX", "a", "x@example.org")
			w := refusing("UID COPY", answer)
			for range 4 {
				r.once(cfg, hooked(t, r, w.hook))
				time.Sleep(time.Hour) // by the bubble's clock
			}
			if n := w.count("UID COPY"); n < 3 {
				t.Errorf("the copy was tried %d times", n)
			}
			w.never(t, "UID MOVE")
			r.want("INBOX", "a")
			time.Sleep(24 * time.Hour)
			r.once(cfg)
			r.want("A", "a")
			r.want("B", "a")
		})
	}
}

// What was announced and could not be fetched is asked for again.
func TestSafeguardPending(t *testing.T) {
	safeguard(t, imaptest.Options{}, func(t *testing.T, r *rig) {
		cfg := r.config("", moveAll)
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		r.once(cfg, hooked(t, r, refusing("UID FETCH", "OK done").hook))
		r.want("INBOX", "a")
		r.once(cfg)
		r.want("X", "a")
	})
}

// A search for "n:*" always names the last message, below n too: it is no news.
func TestSafeguardLastMessage(t *testing.T) {
	safeguard(t, imaptest.Options{}, func(t *testing.T, r *rig) {
		cfg := r.config("", moveAll)
		last := r.mail("INBOX", "a", "x@example.org")
		r.once(cfg)
		r.with(cfg, func(j journal.Journal) { raiseFloor(t, j, last) })
		w := &wire{}
		r.once(cfg, hooked(t, r, w.hook))
		if n := w.count(fmt.Sprintf("UID SEARCH RETURN (ALL) UID %d:*", last+1)); n != 1 {
			t.Errorf("%q, without the search that this is about", w.sent)
		}
		r.want("INBOX", "a")
		r.want("X")
	})
}

// raiseFloor makes the cursor of INBOX that of a mailbox whose window is full.
func raiseFloor(t *testing.T, j journal.Journal, floor imap.UID) {
	t.Helper()
	own, snapshot, err := j.Acquire(context.Background(), "home", "test")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(snapshot.Cursors, func(c journal.Cursor) bool { return c.Mailbox == "INBOX" })
	c := snapshot.Cursors[i]
	c.Floor, c.Handled = floor, nil
	c.Version++
	if err := j.Commit(context.Background(), own, journal.Batch{At: time.Now(), Cursors: []journal.Cursor{c}}); err != nil {
		t.Fatal(err)
	}
}

// witness is a journal that counts the open entries it holds for certain.
type witness struct {
	journal.Journal
	mu   sync.Mutex
	open int
}

func (j *witness) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	err := j.Journal.Commit(ctx, own, b)
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range b.Entries {
		if err == nil && e.State == journal.Open {
			j.open++
		}
	}
	return err
}

// Nothing that changes mail is sent before the journal holds it.
func TestSafeguardRecordBeforeDo(t *testing.T) {
	for _, o := range []imaptest.Options{{}, {NoMove: true}} {
		safeguard(t, o, func(t *testing.T, r *rig) {
			cfg := r.config("", "rules:\n  - name: all\n    if: true\n    then: [{add_flags: ['\\Seen']}, {copy: A}, {move: B}]\n")
			r.once(cfg)
			r.mail("INBOX", "a", "x@example.org")
			seen, changes := &witness{}, 0
			w := &wire{answer: func(line string) string {
				verb, _, _ := strings.Cut(strings.TrimPrefix(line, "UID "), " ")
				if !slices.Contains([]string{"STORE", "COPY", "MOVE", "EXPUNGE"}, verb) {
					return ""
				}
				seen.mu.Lock()
				defer seen.mu.Unlock()
				if changes++; seen.open == 0 {
					t.Errorf("%s went out and the journal knows of no entry", line)
				}
				return ""
			}}
			r.once(cfg, hooked(t, r, w.hook), func(o *engine.Options) { seen.Journal, o.Journal = o.Journal, seen })
			if changes < 3 {
				t.Errorf("%d commands that change mail: %q", changes, w.sent)
			}
			r.want("A", "a")
			r.want("B", "a")
		})
	}
}

// What we move into a watched mailbox is expected there, whichever of the two is
// scanned first and whether COPYUID names it or not.
func TestSafeguardExpectedArrival(t *testing.T) {
	for _, o := range []imaptest.Options{{}, {NoMove: true, NoUIDPlus: true}} {
		for _, watch := range []string{"[INBOX, Lists]", "[Lists, INBOX]"} {
			safeguard(t, o, func(t *testing.T, r *rig) {
				r.srv.Create(t, "Lists")
				cfg := r.config("watch: "+watch, "rules:\n  - name: list\n    if: true\n    then: [{move: Lists}]\n  - name: again\n    in: [Lists]\n    if: true\n    then: [{move: Wrong}]\n")
				r.once(cfg)
				r.mail("INBOX", "a", "x@example.org")
				r.once(cfg)
				r.once(cfg)
				r.want("Lists", "a")
				r.want("Wrong")
			})
		}
	}
}

// An intent from before a restart is decided again before it takes a message
// away: the user flagged it meanwhile.
func TestSafeguardOldIntent(t *testing.T) {
	safeguard(t, imaptest.Options{}, func(t *testing.T, r *rig) {
		cfg := r.config("", "rules:\n  - name: all\n    if: not flagged\n    then: [{move: X}]\n")
		r.srv.Create(t, "X")
		r.once(cfg)
		r.srv.Mem.Refuse("X", imap.ResponseCodeOverQuota)
		r.mail("INBOX", "a", "x@example.org")
		r.once(cfg)
		if got := r.entries(cfg); got[journal.Open] != 1 {
			t.Fatalf("entries = %v, want an open one", got)
		}
		r.srv.Store(t, "INBOX", imap.StoreFlagsAdd, imap.FlagFlagged)
		r.srv.Mem.Allow("X")
		time.Sleep(time.Hour) // by the bubble's clock
		r.once(cfg)
		r.want("INBOX", "a")
		r.want("X")
	})
}

// Only what a rule acted on is expunged, by a move and by an expunge.
func TestSafeguardForeignDeleted(t *testing.T) {
	for _, then := range []string{"{move: X}", "expunge"} {
		safeguard(t, imaptest.Options{NoMove: true}, func(t *testing.T, r *rig) {
			cfg := r.config("", "rules:\n  - name: all\n    if: true\n    then: ["+then+"]\n")
			r.once(cfg)
			r.mail("INBOX", "a", "x@example.org")
			r.mail("INBOX", "foreign", "x@example.org", imap.FlagDeleted)
			r.once(cfg)
			r.want("INBOX") // does not count what is flagged
			r.wantForeign()
		})
	}
}

// To look at a message does not mark it as read.
func TestSafeguardSeen(t *testing.T) {
	safeguard(t, imaptest.Options{}, func(t *testing.T, r *rig) {
		cfg := r.config("", "rules:\n  - name: none\n    if: subject == \"other\" or body.text contains \"other\"\n    then: [{move: X}]\n")
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		r.once(cfg)
		if m := r.srv.Messages(t, "INBOX"); len(m) != 1 || slices.Contains(m[0].Flags, imap.FlagSeen) {
			t.Errorf("INBOX holds %+v", m)
		}
	})
}

// A copy that was made before the line went dead, or the daemon, is found and
// not made again.
func TestSafeguardLookFirst(t *testing.T) {
	for _, dies := range []bool{false, true} {
		safeguard(t, imaptest.Options{}, func(t *testing.T, r *rig) {
			cfg := r.config("", "rules:\n  - name: all\n    if: true\n    then: [{copy: X}]\n")
			r.srv.Create(t, "X")
			r.once(cfg)
			at := time.Now()
			var copied atomic.Bool
			w := &wire{answer: func(line string) string {
				if !strings.HasPrefix(line, "UID COPY") {
					return ""
				}
				copied.Store(true)
				r.srv.Append(t, "X", nil, at, message("a", "x@example.org")) // it took effect
				return "CUT"
			}}
			// It comes after the first scan, whose copies are looked for anyway.
			r.daemon(cfg, func(*engine.Engine) {
				time.Sleep(time.Second)
				r.srv.Append(t, "INBOX", nil, at, message("a", "x@example.org"))
				time.Sleep(time.Hour)
			}, hooked(t, r, w.hook), func(o *engine.Options) {
				dial := o.DialContext
				o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
					if dies && copied.Load() {
						return nil, errCrashed // and nothing happens any more
					}
					return dial(ctx, network, address)
				}
			})
			r.once(cfg, hooked(t, r, w.hook))
			if n := w.count("UID COPY"); n != 1 {
				t.Errorf("COPY was sent %d times", n)
			}
			r.want("X", "a")
		})
	}
}

const hookAll = "webhooks:\n  ci: {url: \"http://127.0.0.1:1/\"}\nrules:\n  - name: hook\n    if: true\n    then: [{webhook: ci}]\n"

// A receiver can tell a repeated call by its id, even when the state was lost
// and the message was decided anew, in another company.
func TestSafeguardWebhookID(t *testing.T) {
	safeguard(t, imaptest.Options{}, func(t *testing.T, r *rig) {
		hook := &receiver{}
		r.sender = hook
		cfg := r.config("", hookAll)
		r.mail("INBOX", "a", "x@example.org")
		for range 2 {
			r.once(cfg, existing)
			time.Sleep(time.Hour) // by the bubble's clock
			if err := os.Remove(cfg.State); err != nil {
				t.Fatal(err)
			}
			r.mail("INBOX", "later", "x@example.org")
		}
		again := hook.calls[1:] // in any order: the calls of two messages go beside each other
		if len(hook.calls) != 3 || !slices.Contains(again, hook.calls[0]) || again[0] == again[1] {
			t.Errorf("ids: %q", hook.calls)
		}
	})
}

// auditor is a receiver that looks into the journal while it is called.
type auditor struct {
	t       *testing.T
	journal journal.Journal
	calls   int
}

func (a *auditor) Send(ctx context.Context, _ webhook.Endpoint, id string, _ time.Time, _ []byte) webhook.Result {
	a.calls++
	rows, err := a.journal.Deliveries(ctx, journal.DeliveryQuery{ID: id})
	if err != nil || len(rows) != 1 || rows[0].Attempts != a.calls {
		a.t.Errorf("call %d is not the one of the journal: %v", a.calls, err)
	}
	return webhook.Result{Status: 200}
}

// An attempt is in the journal before it is made.
func TestSafeguardAttemptIsRecorded(t *testing.T) {
	safeguard(t, imaptest.Options{}, func(t *testing.T, r *rig) {
		a := &auditor{t: t}
		cfg := r.config("", hookAll)
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		r.once(cfg, func(o *engine.Options) { a.journal, o.Webhooks = o.Journal, a })
		if a.calls != 1 {
			t.Errorf("%d calls", a.calls)
		}
	})
}
