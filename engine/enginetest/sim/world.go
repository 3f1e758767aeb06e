package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/enginetest/disk"
	"imapilot/engine/enginetest/model"
	"imapilot/engine/journal"
)

// World is one run: the server, the disk, the daemon on them, and what is known
// of every message.
type World struct {
	Server *model.Server
	Random *rand.Rand

	scenario Scenario
	log      *slog.Logger
	stop     chan struct{}
	crashed  chan bool // true: power loss

	mu       sync.Mutex
	disk     *disk.Disk
	base     int // operations of the disks before it
	faults   []*armed
	letters  []*letter
	calls    []call
	programs []call // those that succeeded
	saved    []call // attachments, by the message
	left     []call // lists, by the message
	// forwards and answers are the messages that the mail server took.
	forwards, answers []call
	recorded          map[place]bool
	// baselined are the mailboxes that the daemon knows: what arrives there from
	// then on is new.
	baselined map[string]bool
	// flagsKnown is set once the daemon knows what is flagged.
	flagsKnown bool
	problems   []string
	dead       bool // the process is dead and not yet started again
	ops        int
	starts     int
	trace      []string
	backup     *disk.Disk
	restored   *disk.Disk      // takes the place of the disk at the next start
	journal    journal.Journal // while the daemon has it open
	unsure     int
	forgot     bool          // the journal was lost
	planned    bool          // what arrives now is no part of the plan that is applied
	off        time.Duration // how long the machine stays off at its next start
	runs       map[string]*runs
	onMove     func() // happens at the next MOVE, whose reply is lost
}

// armed is a fault and how many operations it has let pass.
type armed struct {
	Fault
	passed int
	struck bool
}

// letter is a delivered message and what happened to it.
type letter struct {
	model.Letter
	origin  int
	mailbox string
	// touched is set when another client changed its fate, gone when it
	// removed the message.
	touched, gone bool
	extra         int // second ones that another client made
	// old is mail that was there before the daemon knew the mailbox.
	old bool
	// asked is set where the rules of the verbs are asked about it.
	asked bool
	// starred is set once another client gave it \Flagged under the daemon's eyes.
	starred bool
}

func (l *letter) wants(verb string) bool {
	return l.asked && !slices.Contains(l.Flags, imap.FlagDeleted) && slices.Contains(strings.Fields(l.Subject), verb)
}

type call struct{ id, payload string }

// place names a message as the journal does.
type place struct {
	mailbox  string
	validity uint32
	uid      imap.UID
}

func newWorld(s Scenario, seed uint64, faults []Fault) *World {
	w := &World{
		scenario: s, Random: rand.New(rand.NewPCG(seed, 1)), stop: make(chan struct{}), crashed: make(chan bool, 1),
		disk: s.state.Clone(seed), recorded: map[place]bool{}, baselined: map[string]bool{}, runs: map[string]*runs{}, log: slog.New(slog.DiscardHandler),
	}
	for _, f := range faults {
		w.faults = append(w.faults, &armed{Fault: f})
	}
	w.Server = model.New(s.Server, w.decide, w.touches)
	for _, name := range s.Mailboxes {
		w.Server.Create(name)
	}
	if s.Before != nil {
		s.Before(w)
	}
	return w
}

// Deliver delivers a message that asks for its verbs.
func (w *World) Deliver(mailbox string, l model.Letter) int {
	origin := w.Server.Deliver(mailbox, l)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.letters = append(w.letters, &letter{Letter: l, origin: origin, mailbox: mailbox, old: !w.baselined[mailbox], asked: w.asks(mailbox, l)})
	return origin
}

// asks reports whether the verbs of a message that is delivered now are to be
// done; the caller holds the mutex.
func (w *World) asks(mailbox string, l model.Letter) bool {
	switch {
	case mailbox == aging:
		return !slices.Contains(strings.Fields(l.Subject), "fresh")
	case w.scenario.Apply != nil:
		return mailbox == "INBOX" && !w.planned
	}
	return mailbox == "INBOX" && w.baselined[mailbox]
}

// Mail delivers a message with this subject and an identity of its own.
func (w *World) Mail(mailbox, subject string, flags ...imap.Flag) int {
	return w.Deliver(mailbox, model.Letter{Subject: subject, From: "ann@example.org", Flags: flags,
		MessageID: strings.ReplaceAll(subject, " ", ".") + "@example.org", Body: "Hello, ticket 12."})
}

// problem notes a broken promise.
func (w *World) problem(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

// touches checks that nothing is done that is not recorded.
func (w *World) touches(mailbox string, validity uint32, uids []imap.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, uid := range uids {
		if !w.recorded[place{mailbox, validity, uid}] {
			w.problems = append(w.problems, fmt.Sprintf("%s/%d was acted on before that was recorded", mailbox, uid))
		}
	}
}

// Send is the receiver of webhooks, and of requests to leave a list.
func (w *World) Send(_ context.Context, to webhook.Endpoint, id string, _ time.Time, payload []byte) webhook.Result {
	failed := webhook.Result{Status: 503, Err: errors.New("HTTP 503"), Retry: true}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return failed
	}
	for _, f := range w.faults {
		if f.Kind.area() == hooks && f.strikes() {
			return failed
		}
	}
	if to.Egress == webhook.Confined {
		return w.leave(to, id)
	}
	w.calls = append(w.calls, call{id, string(payload)})
	return webhook.Result{Status: 200}
}

// strikes counts one operation and reports whether the fault happens at it.
func (f *armed) strikes() bool {
	f.passed++
	if f.struck || f.passed-1 != f.At {
		return false
	}
	f.struck = true
	return true
}

// dial connects the daemon, while it lives.
func (w *World) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if w.isDead() {
		return nil, errors.New("the process is dead")
	}
	return w.Server.Dial(ctx, network, address)
}

func (w *World) isDead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}

// kill ends the process at this very moment: nothing of it reaches the server
// or the disk any more.
func (w *World) kill(power bool) {
	w.mu.Lock()
	already := w.dead
	w.dead = true
	w.disk.CrashAt(0)
	w.mu.Unlock()
	if already {
		return
	}
	w.Server.Cut()
	w.crashed <- power
}

// options are those of the daemon, on a fresh journal connection.
func (w *World) options(j journal.Journal) engine.Options {
	return engine.Options{
		Journal: watched{j, w}, Holder: "sim", Logger: w.log, Webhooks: w, Programs: w.runProgram, Mailer: w.handIn,
		Save: w.saveFiles, Resolver: w, DialContext: w.dial,
		// Everything is looked at less often than by default: each look is an operation
		// at which something may be broken.
		Timing: engine.Timing{Grace: time.Millisecond, Reconcile: w.scenario.Reconcile, Control: 30 * time.Minute},
	}
}
