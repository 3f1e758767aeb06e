package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// crash stops the world at the nth operation of a run: the nth command that
// goes out (before it takes effect, or after it did and before its reply) or
// the nth commit. From then on nothing reaches the server or the journal, as
// after kill -9.
type crash struct {
	mu    sync.Mutex
	at    int // operation to crash at
	late  bool
	count int
	dead  bool
	stop  context.CancelFunc
}

var errCrashed = errors.New("crashed")

// operation counts one operation. It reports whether the world is dead before
// it, and whether it dies right after it.
func (c *crash) operation() (before, after bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return true, false
	}
	c.count++
	if c.count-1 != c.at {
		return false, false
	}
	if !c.late {
		c.die()
		return true, false
	}
	return false, true
}

func (c *crash) die() {
	c.dead = true
	c.stop()
}

func (c *crash) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

// crashJournal is a journal that the crash cuts off.
type crashJournal struct {
	journal.Journal
	crash *crash
}

func (j crashJournal) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	before, after := j.crash.operation()
	if before {
		return fmt.Errorf("%w: %w", journal.ErrUnavailable, errCrashed)
	}
	err := j.Journal.Commit(ctx, own, b)
	if after {
		j.crash.mu.Lock()
		j.crash.die()
		j.crash.mu.Unlock()
		return fmt.Errorf("%w: %w", journal.ErrUnknown, errCrashed)
	}
	return err
}

// crashConn is a connection that the crash cuts off.
type crashConn struct {
	net.Conn
	crash *crash
	mu    sync.Mutex
	last  bool // the next reply is the last thing that happens, unseen
}

// Write is cut off at any line: of commands that leave together the server may get
// some.
func (c *crashConn) Write(p []byte) (n int, err error) {
	for line := range bytes.Lines(p) {
		before, after := c.crash.operation()
		if before {
			c.Close()
			return n, errCrashed
		}
		c.mu.Lock()
		c.last = c.last || after
		c.mu.Unlock()
		m, err := c.Conn.Write(line)
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *crashConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	if last || c.crash.isDead() {
		c.crash.mu.Lock()
		c.crash.die()
		c.crash.mu.Unlock()
		c.Close()
		return 0, errCrashed
	}
	return n, err
}

// cuts lets a crash cut a run off.
func (c *crash) cuts(r *rig) func(*engine.Options) {
	return func(o *engine.Options) {
		o.Journal = crashJournal{o.Journal, c}
		o.Timing.Grace = time.Millisecond
		o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if c.isDead() {
				return nil, errCrashed
			}
			dial := new(net.Dialer).DialContext
			if r.srv.Options.PipeOnly {
				dial = r.srv.Mem.PipeDialer()
			}
			if r.gmail != nil {
				dial = r.gmail.Dial
			}
			conn, err := dial(ctx, network, address)
			return &crashConn{Conn: conn, crash: c}, err
		}
	}
}

// runAndCrash runs the engine once and crashes it at operation n. It reports
// whether the run came to its end before.
func (r *rig) runAndCrash(cfg *config.Config, n int, late bool, change ...func(*engine.Options)) (finished bool) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		c := &crash{at: n, late: late, stop: cancel}
		o := r.options(j, append(change, c.cuts(r))...)
		o.Once = true
		_ = engine.New(cfg, o).Run(ctx) // it crashed, or it did not
		finished = !c.isDead()
	})
	return finished
}

// scenario is what the sweep breaks at every step.
type scenario struct {
	name, account, rules string
	// decides is set where the scenario is about deciding: how a move is made
	// says little more there, so that all capabilities and none are enough.
	decides   bool
	mailboxes []string
	deliver   func(r *rig)
	check     func(r *rig)
}

func scenarios() []scenario {
	return []scenario{
		{
			name:  "flag and move",
			rules: "rules:\n  - name: seen\n    if: not seen\n    then: [{add_flags: ['\\Seen']}, {move: X}]\n",
			deliver: func(r *rig) {
				r.mail("INBOX", "a", "x@example.org")
				r.mail("INBOX", "b", "x@example.org")
				r.mail("INBOX", "read", "x@example.org", imap.FlagSeen)
				r.mail("INBOX", "foreign", "x@example.org", imap.FlagDeleted)
			},
			check: func(r *rig) {
				r.want("X", "a", "b")
				r.want("INBOX", "read")
				r.wantForeign()
			},
		},
		{
			name:  "copy, then another rule moves",
			rules: "rules:\n  - name: copy\n    if: true\n    then: [{copy: A}]\n  - name: move\n    if: true\n    then: [{move: B}]\n",
			deliver: func(r *rig) {
				at := time.Now()
				for range 2 { // identical twins
					r.srv.Append(r.t, "INBOX", nil, at, message("twin", "x@example.org"))
				}
				r.mail("INBOX", "single", "x@example.org")
				r.mail("INBOX", "foreign", "x@example.org", imap.FlagDeleted)
			},
			check: func(r *rig) {
				r.want("A", "single", "twin", "twin")
				r.want("B", "single", "twin", "twin")
				r.want("INBOX")
				r.wantForeign()
			},
		},
		{
			name:      "move into a watched mailbox",
			account:   "watch: [INBOX, Lists]",
			mailboxes: []string{"Lists"},
			rules:     "rules:\n  - name: list\n    if: true\n    then: [{move: Lists}]\n  - name: again\n    in: [Lists]\n    if: true\n    then: [{move: Wrong}]\n",
			deliver: func(r *rig) {
				r.mail("INBOX", "a", "x@example.org")
				r.mail("INBOX", "b", "x@example.org")
			},
			check: func(r *rig) {
				r.want("Lists", "a", "b")
				r.want("Wrong")
				r.want("INBOX")
			},
		},
		{
			// Scanned before the move is looked at: the expected arrival alone
			// tells that it is ours.
			name:      "move into a mailbox that is watched first",
			account:   "watch: [Lists, INBOX]",
			mailboxes: []string{"Lists"},
			rules:     "rules:\n  - name: list\n    if: true\n    then: [{move: Lists}]\n  - name: again\n    in: [Lists]\n    if: true\n    then: [{add_flags: ['\\Flagged']}]\n",
			deliver:   func(r *rig) { r.mail("INBOX", "a", "x@example.org") },
			check: func(r *rig) {
				r.want("Lists", "a")
				for _, m := range r.srv.Messages(r.t, "Lists") {
					if slices.Contains(m.Flags, imap.FlagFlagged) {
						r.t.Error("a rule fired on what imapilot itself moved")
					}
				}
			},
		},
		{
			// Both targets are scanned before the appends are looked at, and one has a
			// copy that is like the changed one.
			name:    "append a note and a changed copy",
			account: "watch: [Notes, X, INBOX]",
			rules:   appendRules,
			deliver: func(r *rig) {
				r.mail("INBOX", "a", "x@example.org")
				r.mail("INBOX", "b", "x@example.org", imap.FlagFlagged)
				r.mail("INBOX", "foreign", "x@example.org", imap.FlagDeleted)
			},
			check: func(r *rig) { r.wantAppended("a", "b"); r.wantForeign() },
		},
		{
			name:    "by the body, to a name from it",
			decides: true,
			rules:   "rules:\n  - name: body\n    if: body.text contains \"ticket\"\n    then: [{copy: All}, {move: 'T/${capture(body.text, \"ticket ([0-9]+)\")}'}]\n",
			deliver: func(r *rig) {
				r.deliver("INBOX", mime("one", "ticket 1", 10))
				r.deliver("INBOX", mime("two", "ticket 2", 10))
				r.deliver("INBOX", mime("other", "hello", 10))
				r.mail("INBOX", "foreign", "x@example.org", imap.FlagDeleted)
			},
			check: func(r *rig) {
				r.want("All", "one", "two")
				r.want("T/1", "one")
				r.want("T/2", "two")
				r.want("INBOX", "other")
				r.wantForeign()
			},
		},
		{
			// A duplicate is one however often it is decided again, and the first of
			// two never becomes one.
			name:    "duplicates",
			decides: true,
			rules:   "rules:\n  - name: duplicates\n    if: duplicate\n    then: [{copy: Twice}, trash]\n",
			deliver: func(r *rig) {
				r.mail("INBOX", "twin", "x@example.org")
				r.mail("INBOX", "twin", "x@example.org")
				r.mail("INBOX", "single", "x@example.org")
				r.mail("INBOX", "foreign", "x@example.org", imap.FlagDeleted)
			},
			check: func(r *rig) {
				r.want("Twice", "twin")
				r.want("Trash", "twin")
				r.want("INBOX", "single", "twin")
				r.wantForeign()
			},
		},
		{
			name:  "expunge",
			rules: "rules:\n  - name: away\n    if: has(subject, \"away\")\n    then: [expunge]\n",
			deliver: func(r *rig) {
				r.mail("INBOX", "away", "x@example.org")
				r.mail("INBOX", "stays", "x@example.org")
				r.mail("INBOX", "foreign", "x@example.org", imap.FlagDeleted)
			},
			check: func(r *rig) {
				if r.srv.Options.NoUIDPlus {
					r.want("INBOX", "away", "stays")
				} else {
					r.want("INBOX", "stays")
				}
				r.wantForeign()
			},
		},
	}
}

// wantForeign demands that the message of another client, flagged \Deleted,
// is still there.
func (r *rig) wantForeign() {
	r.t.Helper()
	all := r.srv.Messages(r.t, "INBOX")
	if !slices.ContainsFunc(all, func(m imaptest.Message) bool { return m.MessageID == "<foreign@test>" }) {
		r.t.Error("the message that another client flagged is gone")
	}
}

// TestCrashAtEveryStep crashes each scenario at operation 0, 1, 2, ... until a
// run comes to its end, each time before and after the operation took effect,
// and lets a second run recover.
//
// The simulator's sweep kills at every operation, on all four sets of capabilities, in
// each run. This one does so in the longer one (IMAPILOT_SIM_ALL, make random), and
// otherwise at every sixth, on two of them.
func TestCrashAtEveryStep(t *testing.T) {
	step, all := 6, os.Getenv("IMAPILOT_SIM_ALL") != ""
	if all {
		step = 1
	}
	for _, caps := range []imaptest.Options{{}, {NoMove: true}, {NoMove: true, NoUIDPlus: true}, {NoUIDPlus: true}} {
		for _, s := range scenarios() {
			if caps.NoMove != caps.NoUIDPlus && (s.decides || !all) {
				continue
			}
			name := fmt.Sprintf("%s/move=%v,uidplus=%v", s.name, !caps.NoMove, !caps.NoUIDPlus)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				operations := 0
				for _, late := range []bool{false, true} {
					for n := 0; ; n += step {
						if finished := crashOnce(t, s, caps, n, late); finished {
							break
						}
						operations += step
					}
				}
				t.Logf("crashed at every %d of %d operations", step, operations)
				if operations < 20 {
					t.Errorf("only %d operations: the sweep did not sweep", operations)
				}
			})
		}
	}
}

func crashOnce(t *testing.T, s scenario, caps imaptest.Options, n int, late bool) (finished bool) {
	t.Run(fmt.Sprintf("%d,late=%v", n, late), func(t *testing.T) {
		r := newRig(t, imaptest.Memory(t, caps))
		for _, m := range s.mailboxes {
			r.srv.Create(t, m)
		}
		cfg := r.config(s.account, s.rules)
		r.once(cfg) // baseline
		s.deliver(r)
		finished = r.runAndCrash(cfg, n, late)
		r.once(cfg)
		r.once(cfg)
		s.check(r)
		if got := r.entries(cfg); got[journal.Unsure] > 0 {
			t.Errorf("entries = %v: a look could have told", got)
		}
	})
	return finished
}
