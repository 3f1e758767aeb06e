package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/actions/exec"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
	"imapilot/rules"
)

// host runs no program: it notes what it was asked to run, and says what came of it.
type host struct {
	mu   sync.Mutex
	ran  []exec.Command
	says func(n int, c exec.Command) exec.Result // n from 1; nil is success
	most int                                     // that ran at once
	now  int
	hold chan struct{} // where it is set, programs go on until it is closed, or they are ended
}

func (h *host) run(ctx context.Context, c exec.Command) exec.Result {
	h.mu.Lock()
	h.ran = append(h.ran, c)
	n, says, hold := len(h.ran), h.says, h.hold
	h.now++
	h.most = max(h.most, h.now)
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		h.now--
		h.mu.Unlock()
	}()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return exec.Result{Code: -1, Err: errors.New("it was ended"), Retry: true}
		}
	}
	if says == nil {
		return exec.Result{}
	}
	return says(n, c)
}

func (h *host) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ran)
}

// exits is a program that ends with a code.
func exits(code int, answer string) func(int, exec.Command) exec.Result {
	return func(int, exec.Command) exec.Result {
		if code == 0 {
			return exec.Result{Answer: answer}
		}
		return exec.Result{Code: code, Answer: answer, Err: fmt.Errorf("it ended with the code %d", code), Retry: code == exec.TempFail}
	}
}

const (
	// rarely looks rarely, so that hours cost little.
	rarely    = "poll: 1m"
	execTrash = "allow: [exec]\nrules:\n  - {name: say, if: true, then: [{exec: [/bin/say, --, '${subject}']}, trash]}\n"
	onlyTrash = "allow: [exec]\nrules:\n  - {name: bin, if: subject == 'never', then: [trash]}\n"
)

// executing is an account with a host, in a bubble. One message came after the
// first look.
func executing(t *testing.T, rules string, test func(t *testing.T, r *rig, cfg *config.Config, h *host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, h := newRig(t, pipes(t, imaptest.Options{NoIdle: true})), &host{}
		r.programs = h.run
		cfg := r.config(rarely, rules)
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		test(t, r, cfg, h)
	})
}

// theEntry is the only entry of the journal.
func (r *rig) theEntry(cfg *config.Config) (e journal.Entry) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) {
		all, err := j.Entries(r.t.Context(), journal.Query{})
		if err != nil || len(all) != 1 {
			r.t.Fatalf("%d entries, %v", len(all), err)
		}
		e = all[0]
	})
	return e
}

func (r *rig) theDelivery(cfg *config.Config) (d journal.Delivery) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) { d = only(r.t, j) })
	return d
}

func (r *rig) wantState(cfg *config.Config, entry journal.EntryState, delivery journal.DeliveryState) {
	r.t.Helper()
	if e, d := r.theEntry(cfg), r.theDelivery(cfg); e.State != entry || d.State != delivery {
		r.t.Errorf("the entry is %s (%s), its delivery %s (%s); want %s and %s", e.State, e.Reason, d.State, d.LastError, entry, delivery)
	}
}

// TestExecThenTrash: one run, and one --once, does the program first and then what
// comes after it. The program gets the document and the environment, and no more.
func TestExecThenTrash(t *testing.T) {
	t.Setenv("IMAPILOT_SECRET_OF_OURS", "secret")
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.says = func(int, exec.Command) exec.Result {
			r.want("INBOX", "a") // it is still there
			return exec.Result{Answer: "done"}
		}
		r.once(cfg)
		r.want("INBOX")
		r.want("Trash", "a")
		r.wantState(cfg, journal.Done, journal.Delivered)
		if h.count() != 1 {
			t.Fatalf("%d runs", h.count())
		}
		c, d := h.ran[0], r.theDelivery(cfg)
		if !slices.Equal(c.Argv, []string{"/bin/say", "--", "a"}) || c.Dir != r.dir || d.Endpoint != "exec" || d.Attempts != 1 {
			t.Errorf("%+v", c)
		}
		var doc struct {
			ID, Rule, Subject string
			Planned           []string
			Command           struct{ Argv []string }
		}
		if err := json.Unmarshal(c.Stdin, &doc); err != nil || doc.ID != d.ID || doc.Rule != "say" || doc.Subject != "a" || !slices.Equal(doc.Planned, []string{"exec: /bin/say -- a", "trash"}) || len(doc.Command.Argv) != 3 {
			t.Errorf("the document is %s, %v", c.Stdin, err)
		}
		for _, want := range []string{"IMAPILOT_ID=" + d.ID, "IMAPILOT_RULE=say", "IMAPILOT_ACCOUNT=home", "IMAPILOT_MAILBOX=INBOX", "IMAPILOT_FROM=x@example.org",
			"IMAPILOT_SUBJECT=a", "IMAPILOT_MESSAGE_ID=<a@test>", "IMAPILOT_ATTEMPT=1", "IMAPILOT_UID=1"} {
			if !slices.Contains(c.Env, want) {
				t.Errorf("%s is not in %q", want, c.Env)
			}
		}
		if strings.Contains(strings.Join(c.Env, " "), "SECRET") {
			t.Errorf("it gets %q", c.Env)
		}
	})
}

// TestExecInOneApply: so does an apply over mail that is there.
func TestExecInOneApply(t *testing.T) {
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		r.apply(cfg, engine.Scope{})
		r.want("Trash", "a")
		if h.count() != 1 {
			t.Errorf("%d runs", h.count())
		}
	})
}

// TestExecThatFails: an exit code that is final keeps the message, says why, and is not
// tried again until a user says so.
func TestExecThatFails(t *testing.T) {
	for name, replay := range map[string]bool{"retried": false, "replayed, then retried": true} {
		t.Run(name, func(t *testing.T) {
			executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
				h.says = exits(1, "no such user")
				r.daemon(cfg, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
				r.want("INBOX", "a")
				r.wantState(cfg, journal.Failed, journal.Dead)
				if e := r.theEntry(cfg); h.count() != 1 || e.Reason != "exec: /bin/say -- a: it ended with the code 1: no such user" || e.Tries != 0 {
					t.Errorf("%d runs: %+v", h.count(), e)
				}
				h.says = nil
				r.daemon(cfg, func(e *engine.Engine) {
					time.Sleep(time.Second)
					if replay {
						n, err := e.Replay(t.Context(), engine.Replay{Account: "home", IDs: []string{only(t, r.journal).ID}})
						time.Sleep(time.Minute)
						if err != nil || n != 1 || h.count() != 2 || only(t, r.journal).State != journal.Delivered {
							t.Errorf("replayed %d, %v, %d runs", n, err, h.count())
						}
						r.want("INBOX", "a")
					}
					n, err := e.Amend(t.Context(), engine.Retry, engine.Selection{})
					if err != nil || n != 1 {
						t.Errorf("retried %d, %v", n, err)
					}
					time.Sleep(time.Minute)
				})
				if r.want("Trash", "a"); h.count() != 2 {
					t.Errorf("%d runs", h.count())
				}
				r.wantState(cfg, journal.Done, journal.Delivered)
			})
		})
	}
}

// TestExecRetriedWithoutADaemon: the next run attempts it anew.
func TestExecRetriedWithoutADaemon(t *testing.T) {
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.says = exits(1, "")
		r.once(cfg)
		h.says = nil
		r.once(cfg)
		r.wantState(cfg, journal.Failed, journal.Dead)
		(&tale{rig: r, cfg: cfg}).amend(engine.Retry)
		r.wantState(cfg, journal.Open, journal.Pending)
		r.once(cfg)
		r.want("Trash", "a")
		if h.count() != 2 || !slices.Contains(h.ran[1].Env, "IMAPILOT_ATTEMPT=2") {
			t.Errorf("%d runs", h.count())
		}
	})
}

// TestExecTriedAgain: what fails for now is attempted by the schedule, spends no try of
// the message, and the trash follows.
func TestExecTriedAgain(t *testing.T) {
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.says = exits(exec.TempFail, "not now")
		r.daemon(cfg, func(*engine.Engine) {
			time.Sleep(time.Hour)
			if h.count() != 4 || len(r.subjects("INBOX")) != 1 {
				t.Errorf("%d runs in an hour", h.count())
			}
			if all, err := r.journal.Entries(t.Context(), journal.Query{}); err != nil || all[0].State != journal.Open || all[0].Tries != 0 {
				t.Errorf("%+v, %v", all, err)
			}
			// Other messages are not held up.
			h.mu.Lock()
			h.says = func(n int, c exec.Command) exec.Result {
				if c.Argv[2] == "a" && n < 7 {
					return exits(exec.TempFail, "not now")(n, c)
				}
				return exec.Result{}
			}
			h.mu.Unlock()
			r.mail("INBOX", "b", "x@example.org")
			time.Sleep(2 * time.Minute)
			r.want("Trash", "b")
			r.want("INBOX", "a")
			delivered, err := r.journal.Deliveries(t.Context(), journal.DeliveryQuery{States: []journal.DeliveryState{journal.Delivered}})
			if err != nil || len(delivered) != 1 {
				t.Errorf("%+v, %v", delivered, err)
			}
			for _, d := range delivered {
				if waited := d.Updated.Sub(d.Created); waited > time.Second {
					t.Errorf("b waited for %v", waited)
				}
			}
			time.Sleep(12 * time.Hour)
			r.want("Trash", "a", "b")
		})
		if h.count() != 7 {
			t.Errorf("%d runs", h.count())
		}
	})
}

// TestExecGivenUp: after the last attempt of the schedule the entry has failed.
func TestExecGivenUp(t *testing.T) {
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.says = exits(exec.TempFail, "")
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(10 * 24 * time.Hour) })
		r.want("INBOX", "a")
		r.wantState(cfg, journal.Failed, journal.Dead)
		if h.count() != 10 {
			t.Errorf("%d runs", h.count())
		}
	})
}

// TestExecTemporarilyInOneApply: the entry stays open, and the next run goes on.
func TestExecTemporarilyInOneApply(t *testing.T) {
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.says = exits(exec.TempFail, "")
		r.apply(cfg, engine.Scope{})
		r.want("INBOX", "a")
		r.wantState(cfg, journal.Open, journal.Pending)
		h.says = nil
		time.Sleep(time.Hour)
		r.once(cfg)
		r.want("Trash", "a")
	})
}

// TestOrderOfOutsideSteps: copies come first, programs one after the other, then what
// takes the message away, and then the webhook that waits for all.
func TestOrderOfOutsideSteps(t *testing.T) {
	rules := "allow: [exec]\nwebhooks: {ci: {url: 'https://ci.example.org/'}}\nrules:\n" +
		"  - {name: r, if: true, then: [{webhook: {to: ci, when: done}}, {exec: /bin/one}, trash, {copy: A}, {exec: /bin/two}, {add_flags: ['\\Seen']}]}\n"
	executing(t, rules, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		hook := &receiver{}
		r.sender = hook
		h.says = func(n int, c exec.Command) exec.Result {
			r.want("INBOX", "a")
			r.want("A", "a")
			if want := []string{"/bin/one", "/bin/two"}[n-1]; c.Argv[0] != want || len(hook.calls) > 0 {
				t.Errorf("run %d is %q, after %d calls", n, c.Argv, len(hook.calls))
			}
			return exec.Result{}
		}
		r.once(cfg)
		if r.want("Trash", "a"); h.count() != 2 || len(hook.calls) != 1 {
			t.Errorf("%d runs, %d calls", h.count(), len(hook.calls))
		}
	})
}

// TestExecAfterACopyThatFails is never run, and is cancelled with the entry.
func TestExecAfterACopyThatFails(t *testing.T) {
	executing(t, "allow: [exec]\nrules: [{name: r, if: true, then: [{copy: A}, {exec: /bin/x}, trash]}]\n", func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(30 * time.Hour) }, hooked(t, r, refusing("UID COPY", "NO [CANNOT] never").hook))
		r.wantState(cfg, journal.Open, journal.Waiting)
		(&tale{rig: r, cfg: cfg}).amend(engine.Skip)
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
		r.wantState(cfg, journal.Skipped, journal.Cancelled)
		if r.want("INBOX", "a"); h.count() != 0 {
			t.Errorf("%d runs", h.count())
		}
	})
}

// crashing is a journal that takes nothing from a moment on: what the process does then
// is not known to the next one.
type crashing struct {
	journal.Journal
	mu   sync.Mutex
	when func(b journal.Batch) bool
	dead bool
}

func (c *crashing) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	c.mu.Lock()
	c.dead = c.dead || c.when(b)
	dead := c.dead
	c.mu.Unlock()
	if dead {
		return journal.ErrFenced
	}
	return c.Journal.Commit(ctx, own, b)
}

// TestExecAcrossACrash: between any two records of the chain the process may end. The
// program may be run twice, with the same ID, and the message is trashed once.
func TestExecAcrossACrash(t *testing.T) {
	for name, tt := range map[string]struct {
		when func(b journal.Batch) bool
		runs int
	}{
		"before the attempt is recorded": {func(b journal.Batch) bool {
			return len(b.Deliveries) > 0 && b.Deliveries[0].Attempts > 0
		}, 1},
		"before what came of it is": {func(b journal.Batch) bool { return len(b.Attempts) > 0 }, 2},
		"before the step is": {func(b journal.Batch) bool {
			return len(b.Entries) > 0 && b.Entries[0].Steps[0].State == journal.StepDone
		}, 1},
		"before the entry is decided": {func(b journal.Batch) bool { return len(b.Entries) > 0 }, 1},
		"before the trash is recorded": {func(b journal.Batch) bool {
			return len(b.Entries) > 0 && b.Entries[0].State == journal.Done
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
				r.with(cfg, func(j journal.Journal) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					j = &crashing{Journal: j, when: tt.when}
					if err := engine.New(cfg, r.options(j)).Run(ctx); err != nil && !errors.Is(err, journal.ErrFenced) || !j.(*crashing).dead {
						t.Fatalf("it did not crash: %v", err)
					}
				})
				r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Hour) })
				r.want("INBOX")
				r.want("Trash", "a")
				r.wantState(cfg, journal.Done, journal.Delivered)
				ids := map[string]bool{}
				for _, c := range h.ran {
					ids[c.Env[slices.IndexFunc(c.Env, func(v string) bool { return strings.HasPrefix(v, "IMAPILOT_ID=") })]] = true
				}
				if h.count() != tt.runs || len(ids) != 1 {
					t.Errorf("%d runs with %d IDs, want %d", h.count(), len(ids), tt.runs)
				}
			})
		})
	}
}

// TestExecOfARuleThatIsGone: whether it waits for its next attempt or is under way, it
// is cancelled, and what comes after it is not done.
func TestExecOfARuleThatIsGone(t *testing.T) {
	for name, how := range map[string]struct {
		running, restart bool
	}{"waiting, reloaded": {}, "waiting, restarted": {restart: true}, "under way": {running: true}} {
		t.Run(name, func(t *testing.T) {
			executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
				h.says = exits(exec.TempFail, "")
				if how.running {
					h.hold = make(chan struct{})
				}
				gone := r.config(rarely, onlyTrash)
				r.daemon(cfg, func(e *engine.Engine) {
					time.Sleep(time.Minute)
					if !how.restart {
						if err := e.Reload(gone); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(time.Minute)
					if how.running {
						close(h.hold)
					}
					time.Sleep(time.Second)
				})
				runs := h.count()
				time.Sleep(time.Hour) // the next attempt is due
				r.daemon(gone, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
				r.want("INBOX", "a")
				r.wantState(cfg, journal.Withdrawn, journal.Cancelled)
				if h.count() != runs || runs == 0 {
					t.Errorf("%d runs, %d after that", runs, h.count()-runs)
				}
			})
		})
	}
}

// TestExecOfARuleThatChanged: another program is another step.
func TestExecOfARuleThatChanged(t *testing.T) {
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.says = func(n int, c exec.Command) exec.Result {
			if c.Argv[0] == "/bin/say" {
				return exits(exec.TempFail, "")(n, c)
			}
			return exec.Result{}
		}
		other := r.config(rarely, strings.ReplaceAll(execTrash, "/bin/say", "/bin/tell"))
		r.daemon(cfg, func(e *engine.Engine) {
			time.Sleep(time.Minute)
			if err := e.Reload(other); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		})
		r.want("Trash", "a")
		if last := h.ran[h.count()-1]; h.count() != 3 || last.Argv[0] != "/bin/tell" {
			t.Errorf("%d runs, the last %q", h.count(), last.Argv)
		}
		for _, d := range r.deliveries(cfg, journal.DeliveryQuery{}) {
			if d.State != journal.Cancelled && d.State != journal.Delivered {
				t.Errorf("%s is %s", d.ID, d.State)
			}
		}
	})
}

// TestExecSkipped: a user who skips the entry takes the program back.
func TestExecSkipped(t *testing.T) {
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.says = exits(exec.TempFail, "")
		r.daemon(cfg, func(e *engine.Engine) {
			time.Sleep(time.Minute)
			if n, err := e.Amend(t.Context(), engine.Skip, engine.Selection{}); n != 1 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			time.Sleep(30 * time.Hour)
		})
		r.wantState(cfg, journal.Skipped, journal.Cancelled)
		if r.want("INBOX", "a"); h.count() != 2 {
			t.Errorf("%d runs", h.count())
		}
	})
}

// TestExecOfAMessageThatLeft: the next attempt is not made once it is known.
func TestExecOfAMessageThatLeft(t *testing.T) {
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.says = exits(exec.TempFail, "")
		r.once(cfg)
		r.srv.Delete(t, "INBOX")
		r.srv.Create(t, "INBOX")
		h.says = nil
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Second) })
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
		if e := r.theEntry(cfg); e.State == journal.Open || e.State == journal.Done && e.Steps[1].State == journal.Recorded {
			t.Errorf("%+v", e)
		}
	})
}

// TestExecInDryRun: nothing is recorded to be run, and nothing is run that was.
func TestExecInDryRun(t *testing.T) {
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		r.once(cfg, dryRun)
		if e := r.theEntry(cfg); e.State != journal.DryRun || e.Plan.String() != "exec: /bin/say -- a, trash" || len(r.deliveries(cfg, journal.DeliveryQuery{})) > 0 {
			t.Errorf("%+v", e)
		}
		r.mail("INBOX", "b", "x@example.org")
		h.says = exits(exec.TempFail, "")
		r.once(cfg)
		runs := h.count()
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Hour) }, dryRun)
		if h.count() != runs || runs != 1 {
			t.Errorf("%d runs", h.count())
		}
	})
}

// TestExecSideBySide: a program that does not end holds up no other message, and no
// more than so many run at once.
func TestExecSideBySide(t *testing.T) {
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.hold = make(chan struct{})
		r.daemon(cfg, func(*engine.Engine) {
			time.Sleep(time.Minute)
			for i := range 10 {
				h.mu.Lock()
				if h.hold = nil; i > 5 {
					h.hold = make(chan struct{})
				}
				h.mu.Unlock()
				r.mail("INBOX", fmt.Sprint("m", i), "x@example.org")
				time.Sleep(2 * time.Minute)
			}
			r.want("Trash", "m0", "m1", "m2", "m3", "m4", "m5")
			waiting, err := r.journal.Deliveries(t.Context(), journal.DeliveryQuery{States: []journal.DeliveryState{journal.Pending}})
			begun := len(slices.DeleteFunc(waiting, func(d journal.Delivery) bool { return d.Attempts == 0 }))
			if h.count() != 10 || begun != 4 || err != nil { // a, six that ended, three that go on; one waits, and was not begun
				t.Errorf("%d runs, %d are begun, %v", h.count(), begun, err)
			}
		})
		if h.most != 4 {
			t.Errorf("%d ran at once", h.most)
		}
		h.hold = nil
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Hour) })
		if got := len(r.subjects("Trash")); got != 11 {
			t.Errorf("%d are in Trash", got)
		}
	})
}

// TestExecNoLongerAllowed: without allow: nothing is run, whatever was recorded.
func TestExecNoLongerAllowed(t *testing.T) {
	executing(t, execTrash, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.says = exits(exec.TempFail, "")
		r.once(cfg)
		off := r.config(rarely, strings.ReplaceAll(onlyTrash, "allow: [exec]\n", ""))
		r.daemon(off, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
		if h.count() != 1 {
			t.Errorf("%d runs", h.count())
		}
		r.wantState(cfg, journal.Withdrawn, journal.Cancelled)
	})
}

// TestExecForReal runs a program of the system, for one that succeeds and one that
// does not.
func TestExecForReal(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	program := filepath.Join(r.dir, "program")
	lines := "#!/bin/sh\ncat >doc-$IMAPILOT_UID.json\n[ \"$2\" = good ] || { echo \"not $2\" >&2; exit 1; }\n"
	if err := os.WriteFile(program, []byte(lines), 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := r.config("", strings.ReplaceAll(execTrash, "/bin/say", program))
	r.once(cfg)
	r.mail("INBOX", "good", "x@example.org")
	r.mail("INBOX", "bad", "x@example.org")
	r.once(cfg)
	r.want("Trash", "good")
	r.want("INBOX", "bad")
	if got := r.entries(cfg); got[journal.Done] != 1 || got[journal.Failed] != 1 {
		t.Errorf("%v", got)
	}
	for uid := 1; uid <= 2; uid++ {
		var doc struct{ UID int }
		raw, err := os.ReadFile(filepath.Join(r.dir, fmt.Sprintf("doc-%d.json", uid)))
		if err != nil || json.Unmarshal(raw, &doc) != nil || doc.UID != uid {
			t.Errorf("the document of %d is %q, %v", uid, raw, err)
		}
	}
	for _, d := range r.deliveries(cfg, journal.DeliveryQuery{States: []journal.DeliveryState{journal.Dead}}) {
		if d.LastError != "it ended with the code 1: not bad" {
			t.Errorf("%s", d.LastError)
		}
	}
}

const execRaw = "allow: [exec]\nrules:\n  - {name: say, if: true, then: [{exec: {run: [/bin/say], stdin: raw}}, trash]}\n"

// TestExecGetsTheMessage: with stdin: raw a program reads the message as it is, which
// was recorded with the decision: an attempt asks the server for nothing, and after the
// last one the journal has it no more.
func TestExecGetsTheMessage(t *testing.T) {
	executing(t, execRaw, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.says = exits(exec.TempFail, "")
		r.once(cfg)
		h.says = nil
		w := &wire{}
		time.Sleep(time.Hour)
		r.once(cfg, hooked(t, r, w.hook))
		r.want("Trash", "a")
		for _, c := range h.ran {
			if want := message("a", "x@example.org"); !bytes.Equal(c.Stdin, want) {
				t.Errorf("it reads %q, want %q", c.Stdin, want)
			}
		}
		if d := r.theDelivery(cfg); h.count() != 2 || w.asks(rawFetches) != 0 || d.State != journal.Delivered || d.RawKept {
			t.Errorf("%d runs, %d asked, %+v", h.count(), w.asks(rawFetches), d)
		}
	})
}

// TestExecOfARuleThatWantsTheMessage: a step that a reload gives another input is
// another step, with its message.
func TestExecOfARuleThatWantsTheMessage(t *testing.T) {
	plain := strings.Replace(execRaw, "stdin: raw", "stdin: document", 1)
	executing(t, plain, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		h.says = func(n int, c exec.Command) exec.Result {
			if bytes.HasPrefix(c.Stdin, []byte("{")) {
				return exits(exec.TempFail, "")(n, c)
			}
			return exec.Result{}
		}
		other := r.config(rarely, execRaw)
		r.daemon(cfg, func(e *engine.Engine) {
			time.Sleep(time.Minute)
			if err := e.Reload(other); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		})
		r.want("Trash", "a")
		if last := h.ran[h.count()-1]; h.count() != 3 || !bytes.Equal(last.Stdin, message("a", "x@example.org")) {
			t.Errorf("%d runs, the last reads %q", h.count(), last.Stdin)
		}
	})
}

// TestLargeMessageForAProgram: no program gets a part of a message.
func TestLargeMessageForAProgram(t *testing.T) {
	tooLargeForTheDetector(t)
	synctest.Test(t, func(t *testing.T) {
		r, h := newRig(t, pipes(t, imaptest.Options{NoIdle: true})), &host{}
		r.programs = h.run
		cfg := r.config(rarely, execRaw)
		r.once(cfg)
		r.deliver("INBOX", long("large", rules.MaxRaw))
		r.once(cfg)
		r.want("INBOX", "large")
		if d := r.theDelivery(cfg); h.count() != 0 || d.State != journal.Dead || !strings.Contains(d.LastError, "larger than 25 MB") {
			t.Errorf("%d runs, %s: %s", h.count(), d.State, d.LastError)
		}
	})
}

// TestReplayOfAStepWhoseMessageIsGone: what was done with its message is not made again,
// for the journal has that no more, and stays done.
func TestReplayOfAStepWhoseMessageIsGone(t *testing.T) {
	executing(t, execRaw, func(t *testing.T, r *rig, cfg *config.Config, h *host) {
		r.once(cfg)
		d := r.theDelivery(cfg)
		r.with(cfg, func(j journal.Journal) {
			n, err := engine.ReplayOffline(t.Context(), j, "test", engine.Replay{Account: "home", IDs: []string{d.ID}, Delivered: true})
			if n != 0 || err != nil || !engine.LacksMessage(d) {
				t.Errorf("%d replayed, %v", n, err)
			}
		})
		r.once(cfg)
		if r.wantState(cfg, journal.Done, journal.Delivered); h.count() != 1 {
			t.Errorf("%d runs", h.count())
		}
	})
}
