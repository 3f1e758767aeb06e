package engine_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// applyOnce makes one run, whatever becomes of it, and returns how it ended.
func (r *rig) applyOnce(s engine.Scope, cfg applyConfig) (engine.Job, error) {
	r.t.Helper()
	o := r.options(cfg.journal, cfg.change...)
	o.Apply = &s
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	e := engine.New(cfg.config, o)
	err := e.Run(ctx)
	job, jobErr := e.Job(engine.ApplyJob)
	if jobErr != nil {
		r.t.Fatal(jobErr)
	}
	return job, err
}

// A run that goes on after a commit failed leaves nothing out: what it reports as
// done is done, whichever commit it was.
func TestFoundARunThatSkipsWhatWasNotWritten(t *testing.T) {
	const messages = 150
	apply := func(t *testing.T, at int) (commits int) {
		r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
		r.timing.FirstRetry = time.Millisecond
		var want []string
		for i := range messages {
			want = append(want, fmt.Sprintf("n%03d", i))
			r.mail("INBOX", want[i], "b@news.example")
		}
		cfg := r.config("", filing)
		r.with(cfg, func(j journal.Journal) {
			f := &failing{Journal: j, at: at}
			job, err := r.applyOnce(engine.Scope{}, applyConfig{config: cfg, journal: f})
			commits = f.count
			if err != nil || job.Error != "" {
				t.Logf("the run says so: %v, %q", err, job.Error)
				return
			}
			if job.Report.Acted != messages || job.Report.Messages != messages {
				t.Errorf("it reports %d acted on of %d", job.Report.Acted, job.Report.Messages)
			}
			r.want("INBOX")
			r.want("News", want...)
		})
		return commits
	}
	commits := apply(t, 0)
	for n := 1; n <= commits; n++ {
		t.Run(fmt.Sprintf("commit %d", n), func(t *testing.T) { apply(t, n) })
	}
}

// The mailbox is made anew while a flight without MOVE is being finished: what lies
// in it now is not touched.
func TestFoundAFlightOverARenumberedMailbox(t *testing.T) {
	for _, o := range []imaptest.Options{{NoMove: true, NoUIDPlus: true, NoIdle: true}} {
		r := newRig(t, imaptest.Memory(t, o))
		r.srv.Create(t, "X")
		r.srv.Create(t, "Y")
		r.mail("Box", "x one", "a@x.example")
		r.mail("Box", "y two", "a@y.example")
		cfg := r.config("", "rules:\n  - {name: x, in: [Box], if: from.domain == \"x.example\", then: [{move: X}]}\n"+
			"  - {name: y, in: [Box], if: from.domain == \"y.example\", then: [{move: Y}]}\n")
		var once sync.Once
		copies := 0
		a := &answers{to: func(line string) answer {
			if strings.HasPrefix(line, "UID COPY") {
				copies++
			}
			if after := strings.HasPrefix(line, "SELECT X") || strings.HasPrefix(line, `SELECT "X"`); after && copies >= 2 {
				once.Do(func() {
					r.srv.Delete(t, "Box")
					r.mail("Box", "new one", "a@other.example")
					r.mail("Box", "new two", "a@other.example")
				})
			}
			return answer{}
		}}
		r.with(cfg, func(j journal.Journal) {
			if job, err := r.applyOnce(engine.Scope{}, applyConfig{config: cfg, journal: j, change: []func(*engine.Options){r.direct, a.dialer}}); err != nil || job.Error != "" {
				t.Errorf("%v, %q", err, job.Error)
			}
		})
		r.want("Box", "new.one", "new.two")
	}
}

// Somebody deletes the target while more than one command leads there: it is made
// again, and nothing waits.
func TestFoundTwoCommandsForADeletedTarget(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{NoIdle: true}))
	r.srv.Create(t, "News")
	var want []string
	for i := range 1100 {
		want = append(want, fmt.Sprintf("n%04d", i))
		r.mail("INBOX", want[i], "b@news.example")
	}
	cfg := r.config("", filing+"  - {name: none, if: 'false', then: [trash]}\n")
	var once sync.Once
	a := &answers{to: func(line string) answer {
		if strings.HasPrefix(line, "UID MOVE") {
			once.Do(func() { r.srv.Delete(t, "News") })
		}
		return answer{}
	}}
	r.with(cfg, func(j journal.Journal) {
		job, err := r.applyOnce(engine.Scope{Max: 10000}, applyConfig{config: cfg, journal: j, change: []func(*engine.Options){r.direct, a.dialer}})
		if err != nil || job.Error != "" {
			t.Errorf("%v, %q", err, job.Error)
		}
	})
	if got := r.entries(cfg); got[journal.Done] != len(want) {
		t.Errorf("entries %v", got)
	}
	r.want("News", want...)
}

// A target that is made again in the middle of a run takes nothing back that was
// done, and not recorded yet, for the messages that lead to it: each is copied once.
func TestFoundATargetMadeAgainUndoesWhatIsBeingWritten(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{NoIdle: true}))
	for _, name := range []string{"Copies", "Y"} {
		r.srv.Create(t, name)
	}
	var both []string
	for i := range 150 {
		both = append(both, fmt.Sprintf("both.%03d", i))
		r.mail("INBOX", both[i], "a@both.example")
	}
	for i := range 140 { // three flights of copies
		if i == 63 {
			r.mail("INBOX", "only", "a@y.example")
		}
		r.srv.Create(t, fmt.Sprintf("L/w%03d", i))
		for k := range 2 {
			r.mail("INBOX", fmt.Sprintf("w%03d", i), fmt.Sprintf("a%d@w.list", k))
		}
	}
	cfg := r.config("", `
rules:
  - {name: both, if: from.domain == "both.example", then: [{copy: Copies}, {move: Y}]}
  - {name: y, if: from.domain == "y.example", then: [{copy: Y}]}
  - name: lists
    if: from.domain endsWith ".list"
    then:
      - copy: L/${subject}
`)
	var once sync.Once
	a := &answers{to: func(line string) answer {
		if strings.HasPrefix(line, "UID COPY") {
			once.Do(func() { r.srv.Delete(t, "Y") })
		}
		return answer{}
	}}
	r.with(cfg, func(j journal.Journal) {
		job, err := r.applyOnce(engine.Scope{Max: 10000}, applyConfig{config: cfg, journal: j, change: []func(*engine.Options){r.direct, a.dialer}})
		if err != nil || job.Error != "" {
			t.Errorf("%v, %q", err, job.Error)
		}
	})
	r.want("Copies", both...)
	r.want("Y", append(slices.Clone(both), "only")...)
}

// applyConfig is what a run is made with.
type applyConfig struct {
	config  *config.Config
	journal journal.Journal
	change  []func(*engine.Options)
}

// direct dials as the engine does by itself.
func (r *rig) direct(o *engine.Options) { o.DialContext = r.srv.DialContext }

// With one connection, mail that comes during a run waits for one window of it.
func TestFoundMailWaitsForAWholeRun(t *testing.T) {
	const messages = 10_500 // two windows
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	for i := range messages {
		r.mail("Old", fmt.Sprint("o", i), "b@old.example")
	}
	cfg := r.config("connections: 1\npoll: 60s", filing+"  - {name: old, in: [Old], if: size > 1, then: [{add_flags: [$Old]}]}\n")
	var mu sync.Mutex
	var order []string
	a := &answers{}
	a.to = func(line string) answer {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(line, "UID FETCH") && strings.Contains(line, "HEADER") {
			order = append(order, line)
			if strings.HasPrefix(line, "UID FETCH 1:") && len(order) == 1 {
				r.mail("INBOX", "fresh", "b@news.example")
				order = append(order, "fresh mail")
			}
		}
		if strings.HasPrefix(line, "UID MOVE") {
			order = append(order, line)
		}
		return answer{}
	}
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		id, err := e.StartApply(t.Context(), engine.Scope{Rules: []string{"old"}})
		if err != nil {
			t.Fatal(err)
		}
		r.eventually("applied", func() bool { j, err := e.Job(id); return err == nil && !j.Running })
		mu.Lock()
		defer mu.Unlock()
		if !slices.ContainsFunc(order, func(l string) bool { return strings.HasPrefix(l, "UID MOVE") }) {
			t.Error("the fresh mail is not filed when the run has ended")
		}
	}, r.direct, a.dialer)
}

// A message that left before it was copied was not copied.
func TestFoundACopyOfWhatLeft(t *testing.T) {
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{"memory": imaptest.Memory, "dovecot": imaptest.Dovecot, "cyrus": imaptest.Cyrus} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, start(t, imaptest.Options{NoIdle: true}))
			r.srv.Create(t, "Elsewhere")
			r.srv.Create(t, "News")
			r.mail("INBOX", "one", "b@news.example")
			cfg := r.config("", "rules:\n  - {name: n, if: 'size > 1', then: [{copy: News}]}\n")
			var once sync.Once
			a := &answers{to: func(line string) answer {
				if strings.HasPrefix(line, "UID COPY") {
					once.Do(func() { r.srv.Move(t, "INBOX", "Elsewhere") })
				}
				return answer{}
			}}
			r.with(cfg, func(j journal.Journal) {
				if job, err := r.applyOnce(engine.Scope{}, applyConfig{config: cfg, journal: j, change: []func(*engine.Options){r.direct, a.dialer}}); err != nil || job.Error != "" {
					t.Errorf("%v, %q", err, job.Error)
				}
			})
			r.want("Elsewhere", "one")
			r.want("News")
			if got := r.entries(cfg); got[journal.Done] != 0 {
				t.Errorf("entries %v", got)
			}
		})
	}
}

// A message that left before it was moved was not moved: somebody else did that.
func TestFoundAMoveOfWhatLeft(t *testing.T) {
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{"memory": imaptest.Memory, "dovecot": imaptest.Dovecot, "cyrus": imaptest.Cyrus} {
		for to, want := range map[string]journal.EntryState{"Elsewhere": journal.Gone, "News": journal.Done} {
			t.Run(name+" to "+to, func(t *testing.T) {
				r := newRig(t, start(t, imaptest.Options{NoIdle: true}))
				r.srv.Create(t, "Elsewhere")
				r.srv.Create(t, "News")
				r.mail("INBOX", "one", "b@news.example")
				cfg := r.config("", "rules:\n  - {name: n, if: 'size > 1', then: [{move: News}]}\n")
				var once sync.Once
				a := &answers{to: func(line string) answer {
					if strings.HasPrefix(line, "UID MOVE") {
						once.Do(func() { r.srv.Move(t, "INBOX", to) })
					}
					return answer{}
				}}
				r.with(cfg, func(j journal.Journal) {
					if job, err := r.applyOnce(engine.Scope{}, applyConfig{config: cfg, journal: j, change: []func(*engine.Options){r.direct, a.dialer}}); err != nil || job.Error != "" {
						t.Errorf("%v, %q", err, job.Error)
					}
				})
				if got := r.entries(cfg); got[want] != 1 {
					t.Errorf("entries %v, want one %s", got, want)
				}
			})
		}
	}
}

// Of two messages that are alike one is moved, and the other left before: the copy
// of the one says nothing of the other.
func TestFoundATwinOfWhatLeft(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{NoIdle: true}))
	r.srv.Create(t, "Elsewhere")
	at := time.Now()
	for _, flags := range [][]imap.Flag{nil, {imap.FlagFlagged}} {
		r.srv.Append(t, "INBOX", flags, at, message("twin", "b@news.example"))
	}
	cfg := r.config("", "rules:\n  - {name: a, if: 'flagged', then: [{move: Trash}]}\n  - {name: b, if: 'not flagged', then: [trash]}\n")
	moves := 0
	a := &answers{to: func(line string) answer {
		if strings.HasPrefix(line, "UID MOVE") {
			if moves++; moves == 2 {
				r.eventually("the first one is moved", func() bool { return len(r.subjects("INBOX")) == 1 })
				r.srv.Move(t, "INBOX", "Elsewhere")
			}
		}
		return answer{}
	}}
	r.with(cfg, func(j journal.Journal) {
		if job, err := r.applyOnce(engine.Scope{}, applyConfig{config: cfg, journal: j, change: []func(*engine.Options){r.direct, a.dialer}}); err != nil || job.Error != "" {
			t.Errorf("%v, %q", err, job.Error)
		}
	})
	r.want("Trash", "twin")
	if got := r.entries(cfg); got[journal.Done] != 1 || got[journal.Gone] != 1 {
		t.Errorf("entries %v", got)
	}
}

// The journal comes from a backup that was made before a run: the next one makes no
// second copy of what was copied then, and one that is to act again does.
func TestFoundARunOverAJournalFromABackup(t *testing.T) {
	bare := imaptest.Options{NoMove: true, NoUIDPlus: true}
	for _, kind := range []struct {
		name  string
		start func(testing.TB, imaptest.Options) *imaptest.Server
		o     imaptest.Options
	}{
		{"memory", imaptest.Memory, imaptest.Options{}}, {"bare memory", imaptest.Memory, bare},
		{"dovecot", imaptest.Dovecot, imaptest.Options{}}, {"bare dovecot", imaptest.Dovecot, bare}, {"cyrus", imaptest.Cyrus, imaptest.Options{}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, kind.start(t, kind.o))
			s := &tale{rig: r, cfg: r.config("", "rules:\n  - {name: n, if: 'size > 1', then: [{add_flags: [$N]}, {copy: Copies}]}\n")}
			s.run()
			at := time.Now().Add(-time.Hour)
			want := []string{"twin", "twin"}
			r.srv.Append(t, "INBOX", nil, at, message("twin", "a@b.example"))
			r.srv.Append(t, "INBOX", nil, at, message("twin", "a@b.example"))
			for i := range 10 {
				want = append(want, fmt.Sprint("n", i))
				r.srv.Append(t, "INBOX", nil, at.Add(-time.Duration(i)*time.Hour*24), message(fmt.Sprint("n", i), "a@b.example"))
			}
			restore := s.backup()
			r.apply(s.cfg, engine.Scope{})
			r.want("Copies", want...)
			restore()
			want = append(want, "new")
			r.mail("INBOX", "new", "a@b.example")
			r.apply(s.cfg, engine.Scope{})
			r.want("Copies", want...)
			if got := r.entries(s.cfg); got[journal.Done] != len(want) {
				t.Errorf("entries %v", got)
			}
			r.apply(s.cfg, engine.Scope{Again: true})
			r.want("Copies", append(slices.Clone(want), want...)...)
		})
	}
}

// Of a message that lies in two mailboxes each gets its copy, also where no server
// tells which copy is whose: a copy that this run made for the one is not taken for
// one that an earlier run made for the other.
func TestFoundACopyForEachOfTwoMailboxes(t *testing.T) {
	for name, o := range map[string]imaptest.Options{"full": {}, "bare": {NoMove: true, NoUIDPlus: true}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, imaptest.Memory(t, o))
			at := time.Now().Add(-time.Hour)
			for _, mailbox := range []string{"A", "INBOX"} {
				r.srv.Append(t, mailbox, nil, at, message("one", "a@b.example"))
			}
			cfg := r.config("", "rules:\n  - {name: n, in: [A, INBOX], if: 'size > 1', then: [{copy: Copies}]}\n")
			for _, mailbox := range []string{"A", "INBOX"} {
				r.apply(cfg, engine.Scope{Mailbox: mailbox})
			}
			r.want("Copies", "one", "one")
		})
	}
}

// So it is for a rule on a clock. A run of which this process knows the one before
// looks for nothing.
func TestFoundAClockOverAJournalFromABackup(t *testing.T) {
	rules := "rules:\n  - {name: nightly, on: {cron: '0 3 * * *'}, if: 'size > 1', then: [{copy: Copies}]}\n"
	tell(t, noIdle, []string{"Copies"}, "poll: 1h", rules, func(s *tale) {
		a := &answers{}
		s.change = []func(*engine.Options){a.dialer}
		s.live(func() { s.pass(time.Hour) }) // the clock begins
		restore := s.backup()
		s.put("INBOX", "one", time.Now())
		s.live(func() { s.pass(24 * time.Hour) })
		s.want("Copies", "one")
		restore()
		s.live(func() {
			s.pass(24 * time.Hour)
			s.put("INBOX", "two", time.Now())
			before := a.count("SELECT Copies") + a.count(`SELECT "Copies"`)
			s.pass(24 * time.Hour)
			if n := a.count("SELECT Copies") + a.count(`SELECT "Copies"`) - before; n != 0 {
				t.Errorf("looked into the target %d times", n)
			}
		})
		s.want("Copies", "one", "two")
	})
}

// Two entries of one message that are confirmed together copy it once.
func TestFoundAMessageThatIsHeldTwice(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{NoIdle: true, NoMove: true}))
	rules := "rules:\n  - {name: n, if: 'size > 1', then: [{copy: Copies}, {move: News}], max_messages: 1}\n"
	cfg := r.config("", rules)
	r.once(cfg)
	var want []string
	for i := range 400 {
		want = append(want, fmt.Sprintf("n%04d", i))
		r.mail("INBOX", want[i], "b@news.example")
	}
	r.once(cfg)
	r.apply(cfg, engine.Scope{})
	r.with(cfg, func(j journal.Journal) {
		if n, err := engine.AmendOffline(t.Context(), j, "t", []string{"home"}, engine.Confirm, engine.Selection{}); err != nil || n != 796 {
			t.Fatalf("%d confirmed, %v", n, err)
		}
	})
	r.once(cfg)
	r.want("Copies", want...)
	r.want("News", want...)
}

// Two entries of one message, held for two triggers and confirmed together, act once:
// a webhook is called once, whichever entry is decided first.
func TestFoundAWebhookOfAMessageThatIsHeldTwice(t *testing.T) {
	const rules = "webhooks:\n  ci: {url: 'http://127.0.0.1:1/'}\n" +
		"rules:\n  - {name: n, if: 'size > 1', then: [{webhook: ci}, {copy: Copies}, {move: News}], max_messages: 1}\n"
	for name, hold := range map[string]func(r *rig, cfg *config.Config){
		"arrival first": func(r *rig, cfg *config.Config) { r.once(cfg); r.apply(cfg, engine.Scope{}) },
		"apply first": func(r *rig, cfg *config.Config) {
			r.apply(cfg, engine.Scope{Rules: []string{"n"}})
			r.once(cfg, existing)
		},
		"two applies": func(r *rig, cfg *config.Config) {
			r.apply(cfg, engine.Scope{Rules: []string{"n"}})
			r.apply(cfg, engine.Scope{Again: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, imaptest.Memory(t, imaptest.Options{NoIdle: true}))
			hook := &receiver{}
			r.sender = hook
			cfg := r.config("", rules)
			if name == "arrival first" {
				r.once(cfg)
			}
			var want []string
			for i := range 20 {
				want = append(want, fmt.Sprintf("n%04d", i))
				r.mail("INBOX", want[i], "b@news.example")
			}
			hold(r, cfg)
			if held := r.entries(cfg)[journal.Held]; held < 36 {
				t.Fatalf("only %d are held", held)
			}
			r.with(cfg, func(j journal.Journal) {
				if _, err := engine.AmendOffline(t.Context(), j, "t", []string{"home"}, engine.Confirm, engine.Selection{}); err != nil {
					t.Fatal(err)
				}
			})
			r.once(cfg)
			if len(hook.calls) != len(want) {
				t.Errorf("%d calls for %d messages", len(hook.calls), len(want))
			}
			r.want("Copies", want...)
			r.want("News", want...)
			if got := r.entries(cfg); got[journal.Done] != len(want) {
				t.Errorf("entries %v", got)
			}
		})
	}
}

// A flag that is spelled otherwise in the configuration is the same flag, also after
// a restart: what was decided is not decided again.
func TestFoundAFlagOfAnotherSpelling(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{NoIdle: true}))
	rules := func(flag string) string {
		return "rules:\n  - {name: todo, on: {flags: [" + flag + "]}, if: 'size > 1', then: [{copy: Log}]}\n"
	}
	r.mail("INBOX", "one", "a@example.org")
	r.once(r.config("", rules("$todo")))
	r.once(r.config("", rules("$todo")))
	r.srv.Store(t, "INBOX", imap.StoreFlagsAdd, "$todo")
	cfg := r.config("", rules("$Todo"))
	for range 3 {
		r.once(cfg)
	}
	r.want("Log", "one")
	// What was seen with one spelling does not come back from the journal.
	r.srv.Store(t, "INBOX", imap.StoreFlagsDel, "$todo")
	r.once(cfg)
	r.srv.Store(t, "INBOX", imap.StoreFlagsAdd, "$todo")
	for range 2 {
		r.once(cfg)
	}
	r.want("Log", "one", "one")
}

// The connection ends before each command of a run, and again in the next one: no
// message is lost, doubled or left out.
func TestFoundARunWhoseConnectionEndsAnywhere(t *testing.T) {
	for name, o := range map[string]imaptest.Options{"full": {NoIdle: true}, "bare": {NoIdle: true, NoMove: true, NoUIDPlus: true}, "no MOVE": {NoIdle: true, NoMove: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(n int) int {
				r := newRig(t, imaptest.Memory(t, o))
				r.timing.FirstRetry, r.timing.Again = time.Millisecond, time.Millisecond
				r.srv.Create(t, "Copies")
				var want []string
				for i := range 120 {
					want = append(want, fmt.Sprintf("n%03d", i))
					r.mail("INBOX", want[i], fmt.Sprintf("a@d%d.example", i%3))
				}
				cfg := r.config("", `
rules:
  - {name: f, if: 'size > 1', then: [{add_flags: [$Seen]}]}
  - {name: d0, if: 'from.domain == "d0.example"', then: [{copy: Copies}, {move: M0}]}
  - {name: d1, if: 'from.domain == "d1.example"', then: [{copy: Copies}, {move: M1}]}
  - {name: d2, if: 'from.domain == "d2.example"', then: [{copy: Copies}, {move: M2}]}
`)
				count := 0
				a := &answers{to: func(string) (out answer) {
					count++
					out.cut = count == n || n > 0 && count == 2*n
					return out
				}}
				r.with(cfg, func(j journal.Journal) {
					job, err := r.applyOnce(engine.Scope{}, applyConfig{config: cfg, journal: j, change: []func(*engine.Options){r.direct, a.dialer}})
					if err != nil || job.Error != "" || job.Report.Acted != len(want) {
						t.Errorf("%d: %v, %q, %d acted on", n, err, job.Error, job.Report.Acted)
					}
				})
				r.want("Copies", want...)
				got := slices.Concat(r.subjects("M0"), r.subjects("M1"), r.subjects("M2"))
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("%d: moved %d of %d", n, len(got), len(want))
				}
				if e := r.entries(cfg); e[journal.Done] != len(want) {
					t.Errorf("%d: entries %v", n, e)
				}
				return count
			}
			step := 6 // at every sixth command; at each with IMAPILOT_SIM_ALL
			if os.Getenv("IMAPILOT_SIM_ALL") != "" {
				step = 1
			}
			for n, all := 1, run(0); n <= all && !t.Failed(); n += step {
				run(n)
			}
		})
	}
}
