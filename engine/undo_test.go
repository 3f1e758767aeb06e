package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// filed has one message of each rule of filing done.
func filed(r *rig) *config.Config {
	cfg := r.config("", filing)
	r.once(cfg) // baseline
	r.mail("INBOX", "letter", "b@news.example")
	r.mail("INBOX", "raise", "boss@example.org")
	r.once(cfg)
	return cfg
}

// flags are those of the only message of a mailbox with a subject.
func (r *rig) flags(mailbox, subject string) []string {
	r.t.Helper()
	for _, m := range r.srv.Messages(r.t, mailbox) {
		if m.MessageID == "<"+subject+"@test>" && !slices.Contains(m.Flags, imap.FlagDeleted) {
			return flagWords(m.Flags)
		}
	}
	r.t.Errorf("%s holds no %s", mailbox, subject)
	return nil
}

// What is undone stays undone: by the next scan, after a restart, and when the same
// rules are applied. A rule that says something else may act again, and so may one
// that is told to.
func TestUndoIsNotDoneAgain(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := filed(r)
		r.want("News", "letter")
		r.undo(cfg, r.acts(cfg)...)
		back := func(when string) {
			t.Helper()
			if got := r.subjects("INBOX"); !slices.Equal(got, []string{"letter", "raise"}) {
				t.Errorf("%s INBOX holds %q", when, got)
			}
			if got := r.flags("INBOX", "raise"); len(got) > 0 {
				t.Errorf("%s it has the flags %v", when, got)
			}
		}
		back("when it is undone")
		r.once(cfg)
		r.once(cfg)
		back("after two scans")
		r.apply(cfg, engine.Scope{})
		back("after an apply")
		r.want("News")
		if !srv.Options.NoUIDPlus {
			r.want("Boss/2026")
		}
		r.apply(cfg, engine.Scope{Again: true})
		r.want("News", "letter")
	})
}

// Undoing again says so, and history knows both: the act, and what put it back.
func TestUndoTwice(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := filed(r)
		acts := r.acts(cfg)
		r.undo(cfg, acts...)
		undone := everything(t, srv)
		for _, u := range r.undo(cfg, acts...) {
			if undoneText(u) != "not : undone already" {
				t.Errorf("once more: %s", undoneText(u))
			}
		}
		sameMail(t, everything(t, srv), undone)
		for _, e := range r.all(cfg) {
			switch {
			case slices.Contains(acts, e.Seq):
				if e.State != journal.Undone || len(e.UndoneBy) == 0 {
					t.Errorf("act %d is %s, undone by %v", e.Seq, e.State, e.UndoneBy)
				}
			case e.Trigger != journal.TriggerUndo || e.State != journal.Done || !slices.Contains(acts, e.Undoes) || e.Plan.Items[0].Rule == "":
				t.Errorf("entry %d: %s, %s, undoes %d", e.Seq, e.Trigger, e.State, e.Undoes)
			default:
				if u := r.undo(cfg, e.Seq); len(u) != 1 || len(u[0].Back) > 0 || len(u[0].Cannot) != 1 {
					t.Errorf("an undo was undone: %+v", u)
				}
			}
		}
	})
}

// What the user did since is his: his flags stay, what he moved on is not looked for
// elsewhere, and a copy that he read is not removed, nor one of which he deleted the
// original.
func TestUndoLeavesWhatTheUserChanged(t *testing.T) {
	const rules = `
rules:
  - {name: two, if: 'subject startsWith "two"', then: [{add_flags: ['\Seen', '\Flagged']}]}
  - {name: moved, if: 'subject startsWith "moved"', then: [{move: M}]}
  - {name: read, if: 'subject startsWith "read"', then: [{copy: R}]}
  - {name: last, if: 'subject startsWith "last"', then: [{copy: L}, {move: X}]}
`
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		for _, name := range []string{"R", "L", "X", "Elsewhere", "M"} {
			srv.Create(t, name)
		}
		r.mail("INBOX", "two", "a@x.example", imap.FlagAnswered)
		for _, subject := range []string{"moved", "read", "last"} {
			r.mail("INBOX", subject, "a@x.example")
		}
		cfg := r.config("", rules)
		r.apply(cfg, engine.Scope{})
		srv.Store(t, "INBOX", imap.StoreFlagsDel, imap.FlagFlagged, imap.FlagAnswered)
		srv.Store(t, "INBOX", imap.StoreFlagsAdd, "$User")
		srv.Store(t, "R", imap.StoreFlagsAdd, imap.FlagSeen)
		srv.Move(t, "M", "Elsewhere")
		srv.Empty(t, "X")
		undone := r.undo(cfg, r.acts(cfg)...)
		if got := r.flags("INBOX", "two"); !slices.Equal(got, []string{"$user"}) {
			t.Errorf("flags are %v", got)
		}
		for mailbox, subject := range map[string]string{"Elsewhere": "moved", "R": "read", "L": "last"} {
			r.want(mailbox, subject)
		}
		for _, u := range undone {
			if len(u.Cannot) == 0 {
				t.Errorf("act %d: nothing is said to stay: %s", u.Seq, undoneText(u))
			}
		}
	})
}

// Where the old mailbox is gone it is made again.
func TestUndoIntoAMailboxThatIsGone(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		srv.Create(t, "Old")
		r.mail("Old", "letter", "a@news.example")
		cfg := r.config("", "rules:\n  - {name: n, in: [Old], if: 'true', then: [{move: New}]}\n")
		r.apply(cfg, engine.Scope{})
		r.want("New", "letter")
		srv.Delete(t, "Old")
		r.undo(cfg, r.acts(cfg)...)
		r.want("Old", "letter")
		r.want("New")
	})
}

// A copy in a mailbox that was made anew is not ours, whatever lies under its UID; a
// moved message is found there by what it is.
func TestUndoInARenumberedMailbox(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		srv.Create(t, "C")
		srv.Create(t, "M")
		at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
		for _, subject := range []string{"copied", "moved"} {
			srv.Append(t, "INBOX", nil, at, message(subject, "a@x.example"))
		}
		cfg := r.config("", "rules:\n  - {name: c, if: 'subject == \"copied\"', then: [{copy: C}]}\n  - {name: m, if: 'subject == \"moved\"', then: [{move: M}]}\n")
		r.apply(cfg, engine.Scope{})
		for mailbox, subject := range map[string]string{"C": "copied", "M": "moved"} {
			srv.Delete(t, mailbox)
			srv.Create(t, mailbox)
			srv.Append(t, mailbox, nil, at, message(subject, "a@x.example"))
		}
		r.undo(cfg, r.acts(cfg)...)
		r.want("C", "copied")
		r.want("M")
		r.want("INBOX", "copied", "moved")
	})
}

// An act on which a later one built is undone after it, in whatever order they are
// named, and not without it.
func TestUndoOfAChain(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		r.mail("INBOX", "letter", "a@x.example")
		first := r.config("", "rules:\n  - {name: one, if: 'true', then: [{add_flags: [\\Seen]}, {move: A}]}\n")
		r.apply(first, engine.Scope{})
		second := r.config("", "rules:\n  - {name: two, in: [A], if: 'true', then: [{remove_flags: [\\Seen]}, {move: B}]}\n")
		r.apply(second, engine.Scope{})
		r.want("B", "letter")
		acts := r.acts(second)
		if !srv.Options.NoUIDPlus { // else nobody can follow it
			want := fmt.Sprintf("a later act moved it on; undo %d first", acts[1])
			if u := r.undo(second, acts[0]); len(u[0].Back) > 0 || u[0].Cannot[0].Why != want {
				t.Errorf("%s", undoneText(u[0]))
			}
		}
		r.want("B", "letter")
		r.undo(second, acts...)
		r.want("INBOX", "letter")
		if got := r.flags("INBOX", "letter"); len(got) > 0 {
			t.Errorf("flags %v", got)
		}
	})
}

// A daemon undoes beside its other work, and does none of it again.
func TestUndoByADaemon(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := filed(r)
		acts := r.acts(cfg)
		r.daemon(cfg, func(e *engine.Engine) {
			var id int64
			r.eventually("the undo begins", func() (ok bool) {
				var err error
				id, err = e.StartUndo(context.Background(), engine.Undo{Acts: map[string][]int64{"home": acts}})
				return err == nil
			})
			var job engine.Job
			r.eventually("the undo ends", func() bool {
				var err error
				job, err = e.Job(id)
				return err == nil && !job.Running
			})
			if job.Error != "" || len(job.Undone) != 2 || job.Undone[0].State != journal.Done {
				t.Errorf("%+v", job)
			}
			r.want("INBOX", "letter", "raise")
			r.mail("INBOX", "second", "b@news.example")
			// Without MOVE the copy is there before the original is gone.
			r.eventually("new mail is filed", func() bool { return len(r.subjects("News")) == 1 && len(r.subjects("INBOX")) == 2 })
			r.want("INBOX", "letter", "raise")
		})
	})
}

// In dry run nothing is undone.
func TestUndoInDryRun(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := filed(r)
	acts := r.acts(cfg)
	r.with(cfg, func(j journal.Journal) {
		o := r.options(j, dryRun)
		o.Undo = &engine.Undo{Acts: map[string][]int64{"home": acts}}
		e := engine.New(cfg, o)
		if err := e.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if job, err := e.Job(engine.ApplyJob); err != nil || job.Error == "" {
			t.Errorf("%+v, %v", job, err)
		}
	})
	r.want("News", "letter")
	if got := r.acts(cfg); !slices.Equal(got, acts) {
		t.Errorf("left to undo are %v", got)
	}
}

// After an undo nobody asks the server where each message is that it put back: what took
// it away from there was ours.
func TestUndoneMailCostsNothing(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		if srv.Options.NoUIDPlus {
			t.Skip("without UIDPLUS nobody knows where a message went, and it is looked for")
		}
		r := newRig(t, srv)
		cfg := r.config("", filing)
		for i := range 20 {
			r.mail("INBOX", fmt.Sprint("letter ", i), "b@news.example")
		}
		before, _, _ := r.plan(cfg, engine.Scope{})
		r.apply(cfg, engine.Scope{})
		r.undo(cfg, r.acts(cfg)...)
		after, _, _ := r.plan(cfg, engine.Scope{})
		if before.Acted != 20 || after.Acted != 0 || after.Rules[0].Before != 20 {
			t.Errorf("before %+v, after %+v", before, after)
		}
		if after.Cost.RoundTrips > before.Cost.RoundTrips {
			t.Errorf("%d round trips, %d before", after.Cost.RoundTrips, before.Cost.RoundTrips)
		}
	})
}
