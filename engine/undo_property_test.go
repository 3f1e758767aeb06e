package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// randomUndo is a random mailbox with random rules.
type randomUndo struct {
	*rig
	rand *rand.Rand
}

func (u *randomUndo) pick(words ...string) string { return words[u.rand.IntN(len(words))] }

// fill delivers messages of a few kinds with random flags.
func (u *randomUndo) fill(n int) {
	for _, name := range []string{"A", "B"} {
		u.srv.Create(u.t, name)
	}
	flags := []imap.Flag{imap.FlagSeen, imap.FlagFlagged, imap.FlagAnswered, "$One"}
	for i := range n {
		var have []imap.Flag
		for _, f := range flags {
			if u.rand.IntN(3) == 0 {
				have = append(have, f)
			}
		}
		box := u.pick("INBOX", "INBOX", "A", "B")
		u.mail(box, fmt.Sprintf("kind%d message %d", u.rand.IntN(4), i), "a@example.org", have...)
	}
}

// rules are some random ones. Where they lead to the mailbox of a message they do
// nothing.
func (u *randomUndo) rules(round int) string {
	text := "rules:\n"
	for kind := range 4 {
		var then []string
		for range 1 + u.rand.IntN(3) {
			then = append(then, u.action())
		}
		text += fmt.Sprintf("  - name: r%d.%d\n    in: [INBOX, A, B]\n    if: subject startsWith \"kind%d\"\n    then:\n      - %s\n",
			round, kind, kind, strings.Join(then, "\n      - "))
	}
	return text
}

func (u *randomUndo) action() string {
	switch u.rand.IntN(9) {
	case 0, 1:
		return "add_flags: ['" + u.pick(`\Seen`, `\Flagged`, `\Answered`, "$One", "$Two") + "']"
	case 2:
		return "remove_flags: ['" + u.pick(`\Seen`, `\Flagged`, "$One") + "']"
	case 3:
		return "copy: " + u.pick("C1", "C2", "Made/new")
	case 4:
		return u.pick("trash", "archive", "junk")
	case 5:
		return "set_flags: ['" + u.pick(`\Seen`, `\Flagged`, "$Two") + "']"
	case 6:
		return "snooze: 3h"
	}
	return "move: " + u.pick("D1", "D2", "Made/moved")
}

// undoAll undoes everything that was done, and returns what cannot be.
func (u *randomUndo) undoAll(cfg *config.Config) (cannot int) {
	seqs := u.acts(cfg)
	planned := map[int64]string{}
	for _, p := range u.planUndo(cfg, seqs...) {
		planned[p.Seq] = undoneText(p)
	}
	for _, d := range u.undo(cfg, seqs...) {
		for _, what := range d.Cannot {
			if what.What != "" { // else there was nothing to put back
				u.t.Logf("act %d: %s", d.Seq, undoneText(d))
				cannot++
			}
		}
		if d.State != journal.Done && len(d.Back) > 0 {
			u.t.Errorf("act %d: %s, which is %s: %s", d.Seq, undoneText(d), d.State, d.Reason)
		}
		if u.srv.Options.NoUIDPlus {
			continue // a plan cannot follow a message of which nobody told the UID
		}
		if planned[d.Seq] != undoneText(d) {
			u.t.Errorf("act %d: planned %q, done %q", d.Seq, planned[d.Seq], undoneText(d))
		}
	}
	return cannot
}

// run applies random rules once or twice, undoes all of it, and compares.
func (u *randomUndo) run() (acts, cannot int) {
	u.fill(12)
	before := everything(u.t, u.srv)
	var cfg *config.Config
	for round := range 1 + u.rand.IntN(2) {
		cfg = u.config("", u.rules(round))
		u.apply(cfg, engine.Scope{})
	}
	acts = len(u.acts(cfg))
	cannot = u.undoAll(cfg)
	after := everything(u.t, u.srv)
	if u.srv.Options.NoUIDPlus {
		after = withoutCopies(after) // they are announced
	}
	sameMail(u.t.(*testing.T), after, before)
	return acts, cannot
}

// withoutCopies leaves out what lies where only copies are.
func withoutCopies(all map[string]int) map[string]int {
	out := map[string]int{}
	for key, n := range all {
		if !strings.HasPrefix(key, "C1 ") && !strings.HasPrefix(key, "C2 ") && !strings.HasPrefix(key, "Made/new ") {
			out[key] = n
		}
	}
	return out
}

// Whatever rules did is as before once it is undone, but for what was announced: all
// of it where the server names copies.
func TestUndoPutsEverythingBack(t *testing.T) {
	for name, o := range map[string]imaptest.Options{"full": {}, "no MOVE": {NoMove: true}, "no MOVE, no UIDPLUS": {NoMove: true, NoUIDPlus: true}} {
		memory, dovecot := 6, 1
		if os.Getenv("IMAPILOT_SIM_ALL") != "" {
			memory, dovecot = 100, 10 // make random
		}
		t.Run("memory/"+name, func(t *testing.T) { undoRandomly(t, imaptest.Memory, o, memory) })
		t.Run("dovecot/"+name, func(t *testing.T) { undoRandomly(t, imaptest.Dovecot, o, dovecot) })
	}
}

func undoRandomly(t *testing.T, start func(testing.TB, imaptest.Options) *imaptest.Server, o imaptest.Options, seeds int) {
	total := 0
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			u := &randomUndo{newRig(t, start(t, o)), rand.New(rand.NewPCG(uint64(seed), 7))}
			acts, cannot := u.run()
			total += acts
			if cannot > 0 && !o.NoUIDPlus {
				t.Errorf("%d things cannot be undone", cannot)
			}
		})
	}
	if total == 0 {
		t.Error("nothing was done")
	}
}
