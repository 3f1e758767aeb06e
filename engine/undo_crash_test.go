package engine_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

const undoRules = `
rules:
  - {name: both, if: 'subject startsWith "both"', then: [{add_flags: ['\Seen']}, {copy: C}, {move: M}]}
  - {name: flag, if: 'subject startsWith "flag"', then: [{remove_flags: ['\Flagged']}]}
  - {name: away, if: 'subject startsWith "away"', then: [{snooze: 3h}]}
`

// undoable has some acts done that can be undone.
func undoable(t *testing.T, caps imaptest.Options) (*rig, *config.Config, []int64, map[string]int) {
	t.Helper()
	r := newRig(t, imaptest.Memory(t, caps))
	r.mail("INBOX", "both one", "a@x.example")
	r.mail("INBOX", "both two", "a@x.example")
	r.mail("INBOX", "flag", "a@x.example", imap.FlagFlagged)
	r.mail("INBOX", "away", "a@x.example")
	r.mail("INBOX", "foreign", "x@example.org", imap.FlagDeleted)
	before := everything(t, r.srv)
	cfg := r.config("", undoRules)
	r.apply(cfg, engine.Scope{})
	return r, cfg, r.acts(cfg), before
}

func undoing(acts []int64) func(*engine.Options) {
	return func(o *engine.Options) { o.Undo = &engine.Undo{Acts: map[string][]int64{"home": acts}} }
}

// TestUndoCrashedAtEveryStep kills an undo before and after each of its operations,
// kills it again in the middle of the next one, and undoes once more: nothing is lost,
// nothing doubled, and nothing is as the rules left it. In the longer run
// (IMAPILOT_SIM_ALL) it does so at every operation, otherwise at every seventh.
func TestUndoCrashedAtEveryStep(t *testing.T) {
	step := 7
	if os.Getenv("IMAPILOT_SIM_ALL") != "" {
		step = 1
	}
	for _, caps := range []imaptest.Options{{}, {NoMove: true}, {NoMove: true, NoUIDPlus: true}} {
		t.Run(fmt.Sprintf("move=%v,uidplus=%v", !caps.NoMove, !caps.NoUIDPlus), func(t *testing.T) {
			t.Parallel()
			operations := 0
			for _, late := range []bool{false, true} {
				for n := 0; ; n += step {
					r, cfg, acts, before := undoable(t, caps)
					finished := r.runAndCrash(cfg, n, late, undoing(acts))
					r.runAndCrash(cfg, n/2, !late, undoing(acts))
					r.once(cfg) // it finishes what was recorded
					r.undo(cfg, acts...)
					r.once(cfg)
					after := everything(t, r.srv)
					if caps.NoUIDPlus {
						for key := range after {
							if key[:2] == "C " {
								delete(after, key) // nobody named the copies
							}
						}
					}
					sameMail(t, after, before)
					r.wantForeign()
					if t.Failed() {
						t.Fatalf("crashed at operation %d, late %v: entries %v", n, late, r.entries(cfg))
					}
					if finished {
						break
					}
					operations += step
				}
			}
			t.Logf("crashed at every %d of %d operations", step, operations)
			if operations < 20 {
				t.Errorf("only %d operations", operations)
			}
		})
	}
}

// An undo that was cut off is looked at again before it removes a copy: one that the
// user read meanwhile stays, and so does one of which he deleted the original.
func TestUndoProvesACopyAgain(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(r *rig)
		want      []string
	}{
		"read":     {func(r *rig) { r.srv.Store(r.t, "C", imap.StoreFlagsAdd, imap.FlagAnswered) }, []string{"both.one", "both.two"}},
		"original": {func(r *rig) { r.srv.Empty(r.t, "M") }, []string{"both.one", "both.two"}},
		"nothing":  {func(*rig) {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 0; ; n++ {
				r, cfg, acts, _ := undoable(t, imaptest.Options{})
				if r.runAndCrash(cfg, n, true, undoing(acts)) {
					t.Fatal("no crash left it recorded and not done")
				}
				if len(r.subjects("M")) < 2 || !slices.ContainsFunc(r.all(cfg), func(e journal.Entry) bool { return e.OfCopy && e.State == journal.Open }) {
					continue
				}
				c.meanwhile(r)
				r.once(cfg)
				r.once(cfg)
				r.want("C", c.want...)
				return
			}
		})
	}
}

// The user takes a message away while it is put back: its copy is the last, and stays.
func TestUndoKeepsTheLastCopy(t *testing.T) {
	r, cfg, acts, _ := undoable(t, imaptest.Options{NoIdle: true})
	var once sync.Once
	a := &answers{to: func(line string) answer {
		if strings.HasPrefix(line, "UID MOVE") {
			once.Do(func() { r.srv.Empty(t, "M") })
		}
		return answer{}
	}}
	r.with(cfg, func(j journal.Journal) {
		o := r.options(j, undoing(acts), r.direct, a.dialer)
		if err := engine.New(cfg, o).Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
	r.want("C", "both.one", "both.two")
	r.want("M")
	if got := r.entries(cfg); got[journal.Gone] != 2 || got[journal.Withdrawn] != 2 {
		t.Errorf("entries %v", got)
	}
}

// A mailbox of copies that is renumbered while their removal is recorded keeps them.
func TestUndoOfCopiesThatAreRenumbered(t *testing.T) {
	for n := 0; ; n++ {
		r, cfg, acts, _ := undoable(t, imaptest.Options{})
		if r.runAndCrash(cfg, n, true, undoing(acts)) {
			t.Fatal("no crash left it recorded and not done")
		}
		if !slices.ContainsFunc(r.all(cfg), func(e journal.Entry) bool { return e.OfCopy && e.State == journal.Open }) {
			continue
		}
		r.srv.Rename(t, "C", "Away")
		r.srv.Create(t, "C")
		r.srv.Move(t, "Away", "C")
		r.once(cfg)
		r.once(cfg)
		r.want("C", "both.one", "both.two")
		if got := r.entries(cfg); got[journal.Withdrawn] != 2 || got[journal.Open] != 0 {
			t.Errorf("entries %v", got)
		}
		return
	}
}
