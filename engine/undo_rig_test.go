package engine_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// all are the entries of the journal, in their order.
func (r *rig) all(cfg *config.Config) []journal.Entry {
	r.t.Helper()
	var out []journal.Entry
	r.with(cfg, func(j journal.Journal) {
		var err error
		if out, err = j.Entries(context.Background(), journal.Query{}); err != nil {
			r.t.Fatal(err)
		}
	})
	return out
}

// acts are the sequences of what was done by rules, and is not undone.
func (r *rig) acts(cfg *config.Config) []int64 {
	var out []int64
	for _, e := range r.all(cfg) {
		if e.Trigger != journal.TriggerUndo && e.State == journal.Done {
			out = append(out, e.Seq)
		}
	}
	return out
}

// undo undoes acts without a daemon.
func (r *rig) undo(cfg *config.Config, seqs ...int64) []engine.Undone {
	r.t.Helper()
	var job engine.Job
	r.with(cfg, func(j journal.Journal) {
		o := r.options(j)
		o.Undo = &engine.Undo{Acts: map[string][]int64{"home": seqs}}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		e := engine.New(cfg, o)
		if err := e.Run(ctx); err != nil {
			r.t.Fatalf("undo: %v", err)
		}
		var err error
		if job, err = e.Job(engine.ApplyJob); err != nil || job.Error != "" || job.Running {
			r.t.Fatalf("job %+v, %v", job, err)
		}
	})
	return job.Undone
}

// planUndo says what undo would do.
func (r *rig) planUndo(cfg *config.Config, seqs ...int64) (out []engine.Undone) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) {
		var err error
		out, err = engine.PlanUndo(r.t.Context(), cfg, r.options(nil), j, engine.Undo{Acts: map[string][]int64{"home": seqs}}, nil)
		if err != nil {
			r.t.Fatal(err)
		}
	})
	return out
}

// undoneText is what is said of one act: "12: move: INBOX; not add_flags: [\Seen]: why".
func undoneText(u engine.Undone) string {
	text := strings.Join(u.Back, ", ")
	for _, c := range u.Cannot {
		text += "; not " + c.What + ": " + c.Why
	}
	return strings.TrimPrefix(text, "; ")
}

// everything is what an account holds, without what is flagged \Deleted: for each
// mailbox, Message-ID and flags how many.
func everything(t testing.TB, srv *imaptest.Server) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, box := range srv.Mailboxes(t) {
		for _, m := range srv.Messages(t, box) {
			if slices.Contains(m.Flags, imap.FlagDeleted) {
				continue
			}
			out[fmt.Sprintf("%s %s %s", box, m.MessageID, flagWords(m.Flags))]++
		}
	}
	return out
}

func flagWords(flags []imap.Flag) []string {
	words := []string{}
	for _, f := range flags {
		if f != `\Recent` {
			words = append(words, strings.ToLower(string(f)))
		}
	}
	slices.Sort(words)
	return words
}

// sameMail complains of what differs.
func sameMail(t *testing.T, got, want map[string]int) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] != want[key] {
			t.Errorf("%s: %d, and %d before", key, got[key], want[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if want[key] == 0 {
			t.Errorf("%s: %d, and none before", key, got[key])
		}
	}
}
