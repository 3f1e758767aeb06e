package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
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

// pair is two accounts: home, where the mail is, and work, where it goes.
type pair struct {
	*rig
	work *imaptest.Server
	to   *rig // looks at work
}

func newPair(t testing.TB, home, work *imaptest.Server) pair {
	t.Helper()
	p := pair{rig: newRig(t, home), work: work, to: newRig(t, work)}
	p.timing.FirstRetry, p.timing.MaxRetry, p.timing.Again = time.Millisecond, time.Millisecond, time.Millisecond
	return p
}

// load is config with the account work, which has these lines, too.
func (p pair) load(work, rules string) *config.Config {
	p.t.Helper()
	host, port := p.work.Addr()
	if p.work.Options.PipeOnly {
		host, port = "127.0.0.2", 2 // see dialer
	}
	return p.config("", fmt.Sprintf("  work:\n    host: %s\n    port: %d\n    tls: none\n    username: %s\n    password: '%s'\n%s\n%s",
		host, port, p.work.Username, p.work.Password, indent(work+"\npoll: 5s"), rules))
}

// dialer reaches two memory servers without sockets.
func (p pair) dialer(o *engine.Options) {
	home := o.DialContext
	o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "127.0.0.2:") {
			return p.work.Mem.PipeDialer()(ctx, network, address)
		}
		return home(ctx, network, address)
	}
}

const thereRules = `
rules:
  - name: copy
    accounts: [home]
    if: has(subject, "copy")
    then: [{copy: {account: work, mailbox: Filed/Here}}]
  - name: move
    accounts: [home]
    if: has(subject, "move")
    then: [{move: {account: work, mailbox: Filed/Here}}]
`

var accountDate = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// fill delivers mail for both rules, with flags and a date.
func (p pair) fill(n int) (copied, moved []string) {
	for i := range n {
		copied, moved = append(copied, fmt.Sprintf("copy.%d", i)), append(moved, fmt.Sprintf("move.%d", i))
		p.srv.Append(p.t, "INBOX", []imap.Flag{imap.FlagFlagged, "$kept"}, accountDate, message(copied[i], "a@example.org"))
		p.srv.Append(p.t, "INBOX", []imap.Flag{imap.FlagFlagged, "$kept"}, accountDate, message(moved[i], "a@example.org"))
	}
	return copied, moved
}

// wantCarried checks that everything is where it belongs, once, as it was.
func (p pair) wantCarried(copied, moved []string) {
	p.t.Helper()
	p.want("INBOX", copied...)
	p.to.want("Filed/Here", slices.Concat(copied, moved)...)
	for _, m := range p.work.Messages(p.t, "Filed/Here") {
		if !m.Received.Equal(accountDate) || !slices.Contains(m.Flags, imap.FlagFlagged) || !slices.Contains(m.Flags, "$kept") {
			p.t.Errorf("%s: %v, %v", m.MessageID, m.Received, m.Flags)
		}
		if want := int64(len(message("copy.0", "a@example.org"))); m.Size != want {
			p.t.Errorf("%s: %d octets, want %d", m.MessageID, m.Size, want)
		}
	}
}

func TestTransferBetweenAccounts(t *testing.T) {
	bare := imaptest.Options{NoMove: true, NoUIDPlus: true}
	for name, start := range map[string]func(t *testing.T) (home, work *imaptest.Server){
		"memory to memory": func(t *testing.T) (_, _ *imaptest.Server) {
			return imaptest.Memory(t, imaptest.Options{}), imaptest.Memory(t, imaptest.Options{})
		},
		"two users of one Dovecot": func(t *testing.T) (_, _ *imaptest.Server) {
			srv := imaptest.Dovecot(t, imaptest.Options{})
			return srv, srv.As(t, "other")
		},
		"Dovecot to a bare server": func(t *testing.T) (_, _ *imaptest.Server) {
			return imaptest.Dovecot(t, imaptest.Options{}), imaptest.Memory(t, bare)
		},
		"a bare server to Dovecot": func(t *testing.T) (_, _ *imaptest.Server) {
			return imaptest.Memory(t, bare), imaptest.Dovecot(t, imaptest.Options{})
		},
		"Cyrus with dots to Dovecot without UIDPLUS": func(t *testing.T) (_, _ *imaptest.Server) {
			return imaptest.Cyrus(t, imaptest.Options{Dots: true}), imaptest.Dovecot(t, imaptest.Options{NoUIDPlus: true})
		},
		"Dovecot to Cyrus with dots": func(t *testing.T) (_, _ *imaptest.Server) {
			return imaptest.Dovecot(t, imaptest.Options{}), imaptest.Cyrus(t, imaptest.Options{Dots: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home, work := start(t)
			p := newPair(t, home, work)
			copied, moved := p.fill(2)
			cfg := p.load("", thereRules)
			p.once(cfg, existing)
			p.once(cfg, existing)
			p.wantCarried(copied, moved)
			if got := p.entries(cfg); got[journal.Done] != 4 || len(got) != 1 {
				t.Errorf("entries %v", got)
			}
		})
	}
}

// What one account sends to another fires no rule there, though two rules send all
// mail to and fro; what others deliver there does.
func TestTransferFiresNoRuleThere(t *testing.T) {
	p := newPair(t, imaptest.Memory(t, imaptest.Options{}), imaptest.Memory(t, imaptest.Options{}))
	cfg := p.load("", `
rules:
  - {name: there, accounts: [home], if: 'true', then: [{move: {account: work, mailbox: INBOX}}]}
  - {name: back, accounts: [work], if: 'true', then: [{move: {account: home, mailbox: INBOX}}]}
`)
	p.daemon(cfg, func(e *engine.Engine) {
		p.eventually("watching", func() bool { return watching(e) })
		p.mail("INBOX", "one", "a@example.org")
		p.eventually("one is there", func() bool { return len(p.to.subjects("INBOX")) == 1 })
		p.to.mail("INBOX", "two", "a@example.org")
		p.eventually("two is here", func() bool { return slices.Equal(p.subjects("INBOX"), []string{"two"}) })
		p.mail("INBOX", "last", "a@example.org")
		p.eventually("last is there", func() bool { return slices.Equal(p.to.subjects("INBOX"), []string{"last", "one"}) })
	})
	p.once(cfg)
	p.want("INBOX", "two")
	p.to.want("INBOX", "last", "one")
	if got := p.entries(cfg); got[journal.Done] != 3 || len(got) != 1 {
		t.Errorf("entries %v", got)
	}
}

// An account that does not run is told all the same.
func TestTransferToAnAccountThatDoesNotRun(t *testing.T) {
	p := newPair(t, imaptest.Memory(t, imaptest.Options{}), imaptest.Memory(t, imaptest.Options{}))
	p.mail("INBOX", "one", "a@example.org")
	cfg := p.load("", `
rules:
  - {name: there, accounts: [home], if: 'true', then: [{move: {account: work, mailbox: INBOX}}]}
  - {name: back, accounts: [work], if: 'true', then: [trash]}
`)
	p.once(p.load("", "rules: [{name: none, if: 'false', then: [trash]}]\n")) // both accounts begin
	p.with(cfg, func(j journal.Journal) {
		if job, err := p.applyOnce(engine.Scope{Account: "home"}, applyConfig{config: cfg, journal: j}); err != nil || job.Error != "" {
			t.Fatal(err, job.Error)
		}
	})
	p.to.want("INBOX", "one")
	p.once(cfg)
	p.to.want("INBOX", "one")
	p.want("INBOX")
}

// cutter ends both sides of a connection at the nth line that passes on any, in either
// direction: the line is lost.
type cutter struct {
	mu       sync.Mutex
	n, count int
}

func (c *cutter) passes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	return c.count != c.n
}

func (c *cutter) dialer(o *engine.Options) {
	o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		server, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		near, far := net.Pipe()
		go c.carry(far, server)
		go c.carry(server, far)
		return near, nil
	}
}

func (c *cutter) carry(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	for r := bufio.NewReader(from); ; {
		line, err := r.ReadString('\n')
		if line != "" && !c.passes() {
			return
		}
		if _, werr := io.WriteString(to, line); err != nil || werr != nil {
			return
		}
	}
}

// pairs are two servers between which the sweeps carry messages; each call gives two
// mailboxes that nobody used. slow is by how much the sweep is to be coarser.
func pairs(t *testing.T, f func(t *testing.T, slow int, next func() pair)) {
	bare := imaptest.Options{NoMove: true, NoUIDPlus: true}
	for name, o := range map[string][2]imaptest.Options{
		"full": {}, "bare target": {{}, bare}, "bare source": {bare, {}}, "bare": {bare, bare},
	} {
		o[0].NoIdle, o[1].NoIdle = true, true
		t.Run("memory/"+name, func(t *testing.T) {
			t.Parallel()
			f(t, 1, func() pair { return newPair(t, imaptest.Memory(t, o[0]), imaptest.Memory(t, o[1])) })
		})
	}
	for name, o := range map[string][]imaptest.Options{
		"two users": {{}}, "to one without UIDPLUS": {{}, bare}, "from one without UIDPLUS": {bare, {}},
	} {
		t.Run("dovecot/"+name, func(t *testing.T) {
			if underRace {
				t.Skip("the memory servers show the races: .ci/unit tries this without the race detector")
			}
			t.Parallel()
			home := imaptest.Dovecot(t, o[0])
			work := home
			if len(o) > 1 {
				work = imaptest.Dovecot(t, o[1])
			}
			users := 0
			f(t, 5, func() pair {
				users++
				return newPair(t, home.As(t, fmt.Sprintf("home%d", users)), work.As(t, fmt.Sprintf("work%d", users)))
			})
		})
	}
}

// stride is how far apart the operations are at which a sweep ends something: one with
// IMAPILOT_SIM_ALL.
func stride(usual int) int {
	if os.Getenv("IMAPILOT_SIM_ALL") != "" {
		return 1
	}
	return usual
}

// wantNoneElsewhere checks that no mailbox but those where it belongs holds any, but
// what is flagged \Deleted.
func (p pair) wantNoneElsewhere() {
	p.t.Helper()
	for _, side := range []struct {
		*rig
		but string
	}{{p.rig, "INBOX"}, {p.to, "Filed/Here"}} {
		for _, box := range side.srv.Mailboxes(p.t) {
			if box != side.but {
				side.want(box)
			}
		}
	}
}

// Wherever a connection ends, to this account or to the other, whatever was on its
// way: every message is in its place once.
func TestTransferOverALineThatBreaksAnywhere(t *testing.T) {
	pairs(t, func(t *testing.T, slow int, next func() pair) {
		run := func(n int) int {
			p := next()
			p.log = slog.New(slog.DiscardHandler)
			copied, moved := p.fill(1)
			cfg := p.load("", thereRules)
			c := &cutter{n: n}
			for range 3 {
				p.once(cfg, existing, c.dialer)
			}
			p.wantCarried(copied, moved)
			p.wantNoneElsewhere()
			if got := p.entries(cfg); got[journal.Done] != 2 || len(got) != 1 {
				t.Errorf("entries %v", got)
			}
			if t.Failed() {
				t.Logf("cut at line %d of %d", n, c.count)
			}
			return c.count
		}
		for n, all := 1, run(0); n <= all && !t.Failed(); n += stride(13 * slow) {
			run(n)
		}
	})
}

// mortal is a journal whose process dies at its nth commit, before or after it is
// written.
type mortal struct {
	journal.Journal
	mu       sync.Mutex
	n, count int
	after    bool
	dead     bool
	kill     func()
}

func (m *mortal) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return journal.ErrUnavailable
	}
	if m.count++; m.count != m.n {
		return m.Journal.Commit(ctx, own, b)
	}
	if m.after {
		_ = m.Journal.Commit(ctx, own, b) // whether it was written, nobody hears
	}
	m.dead = true
	m.kill()
	return journal.ErrUnavailable
}

// Wherever the process dies, every message is in its place once, and no rule of the
// other account acts on it.
func TestTransferKilledAnywhere(t *testing.T) {
	pairs(t, func(t *testing.T, slow int, next func() pair) {
		run := func(n int, after bool) int {
			p := next()
			p.log = slog.New(slog.DiscardHandler)
			cfg := p.load("watch: [INBOX, Filed/Here]", thereRules+"  - {name: any, accounts: [work], in: [INBOX, Filed/Here], if: 'true', then: [trash]}\n")
			p.once(cfg)
			copied, moved := p.fill(2)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var m *mortal
			p.with(cfg, func(j journal.Journal) {
				m = &mortal{Journal: j, n: n, after: after, kill: cancel}
				o := p.options(m, func(o *engine.Options) { o.Timing.Grace = time.Nanosecond })
				o.Once = true
				_ = engine.New(cfg, o).Run(ctx) // it dies
			})
			p.once(cfg)
			p.once(cfg)
			p.wantCarried(copied, moved)
			p.wantNoneElsewhere()
			if got := p.entries(cfg); got[journal.Done] != 4 || len(got) != 1 {
				t.Errorf("entries %v", got)
			}
			if t.Failed() {
				t.Logf("dead at commit %d of %d, after it: %v", n, m.count, after)
			}
			return m.count
		}
		for n, all := 1, run(0, false); n <= all && !t.Failed(); n += stride(2*slow - 1) {
			run(n, false)
			run(n, true)
		}
	})
}

// meddled puts answers in front of the account work.
func (p pair) meddled(a *answers) func(*engine.Options) {
	return func(o *engine.Options) {
		home := o.DialContext
		p.dialer(o)
		work := *o
		a.dialer(&work)
		o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "127.0.0.2:") {
				return work.DialContext(ctx, network, address)
			}
			return home(ctx, network, address)
		}
	}
}

// away runs a daemon in a bubble, whose account work answers as to says, and gives it a
// message to move there, one to copy there, and one for this account.
func away(t *testing.T, to func(line string) answer, work string, f func(p pair, b answered)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := imaptest.Options{NoIdle: true}
		p := newPair(t, pipes(t, o), pipes(t, o))
		p.timing = engine.Timing{}
		b := answered{bubble: bubble{rig: p.rig}, answers: &answers{to: to}}
		cfg := p.load(work, thereRules+"  - {name: here, accounts: [home], if: 'has(subject, \"here\")', then: [{move: Archive}]}\n")
		p.daemon(cfg, func(e *engine.Engine) {
			b.engine = e
			b.pass(time.Minute)
			b.put("copy one", "move two", "here three")
			b.pass(time.Minute)
			p.want("Archive", "here.three")
			f(p, b)
		}, p.meddled(b.answers), func(o *engine.Options) { b.journal = o.Journal })
	})
}

// wantWaiting checks that what leads to the other account waits, for a reason that
// is told, and spends no tries.
func wantWaiting(b answered, reason string) {
	b.t.Helper()
	pauses := b.state().Pauses
	if len(pauses) != 1 || !strings.Contains(pauses[0].Reason, reason) || journal.ShowTarget(pauses[0].Target) != "work: Filed/Here" {
		b.t.Errorf("pauses %+v, want one for %q", pauses, reason)
	}
	open := 0
	for _, e := range b.list() {
		if e.State == journal.Open {
			open++
		}
	}
	if open != 2 || b.tries() != 0 {
		b.t.Errorf("%d open, %d tries", open, b.tries())
	}
	b.want("INBOX", "copy.one", "move.two")
}

// While the other account refuses the user, or cannot be reached, what leads there
// waits and everything else goes on; it is not called all the time.
func TestTransferWhileTheOtherAccountIsAway(t *testing.T) {
	for name, tc := range map[string]struct {
		to     func(line string) answer
		reason string
		most   int // connections in six hours, those of the account itself included
	}{
		"refused": {refuse("NO [AUTHENTICATIONFAILED] no", "AUTHENTICATE", "LOGIN"), "AUTHENTICATIONFAILED", 20},
		"dead":    {func(string) answer { return answer{cut: true} }, "closed", 120},
	} {
		t.Run(name, func(t *testing.T) {
			away(t, tc.to, "", func(p pair, b answered) {
				wantWaiting(b, tc.reason)
				b.pass(6 * time.Hour)
				wantWaiting(b, tc.reason)
				if n := b.count("AUTHENTICATE") + b.count("LOGIN"); n < 5 || n > tc.most {
					t.Errorf("%d logins in six hours", n)
				}
				b.put("here four")
				b.pass(time.Minute)
				p.want("Archive", "here.three", "here.four")
				b.change(nil)
				b.pass(time.Hour)
				p.want("INBOX", "copy.one")
				p.to.want("Filed/Here", "copy.one", "move.two")
				if len(b.state().Pauses) != 0 {
					t.Errorf("%+v", b.state().Pauses)
				}
			})
		})
	}
}

func TestTransferToATargetThatTakesNothing(t *testing.T) {
	away(t, nil, "", func(p pair, b answered) {
		p.to.want("Filed/Here", "copy.one", "move.two")
		p.work.Mem.Refuse("Filed/Here", "OVERQUOTA")
		b.put("move three", "here four")
		b.pass(3 * time.Hour)
		p.want("Archive", "here.three", "here.four")
		p.want("INBOX", "copy.one", "move.three")
		if pauses := b.state().Pauses; len(pauses) != 1 || !strings.Contains(pauses[0].Reason, "OVERQUOTA") || b.tries() != 0 {
			t.Errorf("%+v, %d tries", pauses, b.tries())
		}
		p.work.Mem.Allow("Filed/Here")
		b.pass(time.Hour)
		p.to.want("Filed/Here", "copy.one", "move.two", "move.three")
	})
}

// A role is that of the other account's mailbox, and one that no mailbox has there
// fails the action.
func TestTransferToARole(t *testing.T) {
	p := newPair(t, imaptest.Memory(t, imaptest.Options{}), imaptest.Memory(t, imaptest.Options{Roles: map[string]imap.MailboxAttr{"Old mail": imap.MailboxAttrArchive}}))
	p.mail("INBOX", "old", "a@example.org")
	p.mail("INBOX", "spam", "a@example.org")
	cfg := p.load("", `
rules:
  - {name: old, accounts: [home], if: 'has(subject, "old")', then: [{move: {account: work, mailbox: "role:archive"}}]}
  - {name: spam, accounts: [home], if: 'has(subject, "spam")', then: [{move: {account: work, mailbox: "role:junk"}}]}
`)
	p.once(cfg, existing)
	p.want("INBOX", "spam")
	p.to.want("Old mail", "old")
	if got := p.entries(cfg); got[journal.Done] != 1 || got[journal.Failed] != 1 {
		t.Errorf("entries %v", got)
	}
}

func TestTransferCreatesNothingThere(t *testing.T) {
	away(t, nil, "create: false", func(p pair, b answered) {
		wantWaiting(b, "create: false")
		p.work.Create(t, "Filed/Here")
		b.pass(time.Hour)
		p.to.want("Filed/Here", "copy.one", "move.two")
	})
}

// dry_run of an account keeps others from changing it.
func TestTransferToAnAccountInDryRun(t *testing.T) {
	away(t, nil, "dry_run: true", func(p pair, b answered) {
		b.pass(time.Hour)
		wantWaiting(b, "dry_run")
	})
}

func TestTransferOfWhatIsTooLarge(t *testing.T) {
	limited := func(line string) (out answer) {
		if strings.HasPrefix(line, "AUTHENTICATE") || strings.HasPrefix(line, "LOGIN") {
			out.reply = "OK [CAPABILITY IMAP4rev1 UIDPLUS APPENDLIMIT=50] in"
		}
		return out
	}
	away(t, limited, "", func(p pair, b answered) {
		failed := 0
		for _, e := range b.list() {
			if e.State == journal.Failed && strings.Contains(e.Reason, "takes at most 50") {
				failed++
			}
		}
		if failed != 2 || b.count("APPEND") != 0 {
			t.Errorf("%d failed, %d times APPEND", failed, b.count("APPEND"))
		}
		p.want("INBOX", "copy.one", "move.two")
	})
}

// Who moves a message back from the other account wins.
func TestTransferThatTheUserTakesBack(t *testing.T) {
	away(t, nil, "", func(p pair, b answered) {
		p.to.want("Filed/Here", "copy.one", "move.two")
		var at time.Time
		for _, m := range p.work.Messages(t, "Filed/Here") {
			if m.MessageID == "<move.two@test>" {
				at = m.Received
			}
		}
		p.work.Empty(t, "Filed/Here")
		p.srv.Append(t, "INBOX", nil, at, message("move two", "a@news.example"))
		b.pass(time.Hour)
		p.want("INBOX", "copy.one", "move.two")
		p.to.want("Filed/Here")
	})
}
