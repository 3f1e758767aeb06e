package engine_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/enginetest/model"
	"imapilot/engine/journal"
)

// gmailRig is a rig on a server that has Gmail's labels.
func gmailRig(t *testing.T, o model.Options) *rig {
	t.Helper()
	r := newRig(t, &imaptest.Server{Username: "me@example.org", Password: "secret", Options: imaptest.Options{}})
	o.Gmail, r.dial = true, "127.0.0.1:1"
	r.gmail = model.New(o, nil, nil)
	t.Cleanup(r.gmail.Cut)
	return r
}

// gmailMail delivers a message with labels, and returns its origin.
func (r *rig) gmailMail(subject string, labels ...string) int {
	origin := r.gmail.Deliver("INBOX", model.Letter{Subject: subject, From: "ann@example.org", MessageID: subject + "@test", Body: "Hello."})
	for _, label := range labels {
		r.gmail.Label(origin, label, true)
	}
	return origin
}

func (r *rig) wantLabels(origin int, labels ...string) {
	r.t.Helper()
	slices.Sort(labels)
	if got := r.gmail.Labels(origin); !slices.Equal(got, labels) {
		r.t.Errorf("message %d has the labels %q, want %q", origin, got, labels)
	}
}

// wantUnflagged demands that no rule fired on what a label made appear.
func (r *rig) wantUnflagged() {
	r.t.Helper()
	for _, p := range r.gmail.All() {
		if p.Has(imap.FlagFlagged) {
			r.t.Errorf("%s in %s: a rule fired on what imapilot itself labelled", p.Subject, p.Mailbox)
		}
	}
}

// sorting labels what is not labelled yet and then moves it: decided again, its own
// label must not count. Its last rule fires on what arrives in Work by itself.
const sorting = `
rules:
  - name: sort
    if: 'not ("Work" in gmail.labels) and has(subject, "sort")'
    then: [{add_labels: [Work, \Important, 'Lists/${subject}']}, {remove_labels: [Unsorted]}, {move: Done}]
  - name: arrived
    in: [Work]
    if: true
    then: [{add_flags: [\Flagged]}]
`

func TestLabels(t *testing.T) {
	r := gmailRig(t, model.Options{})
	r.gmail.Create("Work")
	cfg := r.config("watch: [Work, INBOX]", sorting)
	r.once(cfg) // baseline
	sorted, worked, other := r.gmailMail("sort", "Unsorted", "Keep"), r.gmailMail("sorted.long.ago", "Work"), r.gmailMail("other", "Unsorted")
	r.once(cfg)
	r.once(cfg)
	r.wantLabels(sorted, `\Important`, "Done", "Keep", "Lists/sort", "Work")
	r.wantLabels(worked, `\Inbox`, "Work")
	r.wantLabels(other, `\Inbox`, "Unsorted")
	for _, p := range r.gmail.All() {
		if want := p.Mailbox == "Work" && p.Origin == worked; p.Has(imap.FlagFlagged) != want {
			t.Errorf("%s in %s: flagged is %v", p.Subject, p.Mailbox, !want)
		}
	}
	if got := r.entries(cfg); got[journal.Done] != 2 || len(got) != 1 {
		t.Errorf("entries %v", got)
	}
}

// labelOnce labels with a crash at operation n, and lets a second run recover.
func labelOnce(t *testing.T, n int, late bool) (finished bool) {
	t.Run(fmt.Sprintf("%d,late=%v", n, late), func(t *testing.T) {
		r := gmailRig(t, model.Options{})
		r.gmail.Create("Work")
		cfg := r.config("watch: [Work, INBOX]", sorting)
		r.once(cfg) // baseline
		sorted, twice := r.gmailMail("sort", "Unsorted", "Keep"), r.gmailMail("sort2", "Unsorted", "Lists/sort2")
		finished = r.runAndCrash(cfg, n, late)
		r.once(cfg)
		r.once(cfg)
		r.wantLabels(sorted, `\Important`, "Done", "Keep", "Lists/sort", "Work")
		r.wantLabels(twice, `\Important`, "Done", "Lists/sort2", "Work")
		r.wantUnflagged()
		r.wantRecordedLabels(cfg, []string{"Keep", "Unsorted"}, []string{"Lists/sort2", "Unsorted"})
	})
	return finished
}

// wantRecordedLabels demands what entries say that their messages had before, whatever
// was done and decided again since: that is what an undo puts back. The label of the
// mailbox is not among it.
func (r *rig) wantRecordedLabels(cfg *config.Config, want ...[]string) {
	r.t.Helper()
	for i, e := range r.all(cfg) {
		slices.Sort(e.Labels)
		if e.State != journal.Done || !slices.Equal(e.Labels, want[i]) {
			r.t.Errorf("entry %d is %s, with the labels %q before it, want %q", e.Seq, e.State, e.Labels, want[i])
		}
	}
}

// A crash before or after any command or commit leaves labels as they should be, once a
// second run has ended, fires no rule on what they make appear, and forgets nothing of
// what was before.
func TestLabelsCrashAtEveryStep(t *testing.T) {
	step := 3
	if os.Getenv("IMAPILOT_SIM_ALL") != "" {
		step = 1
	}
	for _, late := range []bool{false, true} {
		n := 0
		for ; !labelOnce(t, n, late); n += step {
		}
		if n < 20 {
			t.Errorf("only %d operations", n)
		}
	}
}

func TestLabelsUndone(t *testing.T) {
	r := gmailRig(t, model.Options{})
	cfg := r.config("", sorting)
	r.once(cfg)
	sorted, changed := r.gmailMail("sort", "Unsorted", "Lists/sort"), r.gmailMail("sort2", "Unsorted")
	r.once(cfg)
	r.gmail.Label(changed, "Work", false)
	r.gmail.Label(changed, "Unsorted", true)
	acts := r.acts(cfg)
	var would []string
	for _, u := range r.planUndo(cfg, acts...) {
		would = append(would, undoneText(u))
	}
	if want := []string{
		`remove_labels: [Lists/sort2], remove_labels: [\Important], move: INBOX; not remove_labels: [Unsorted]: the label was changed since; not add_labels: [Work]: the label was changed since`,
		`add_labels: [Unsorted], remove_labels: [\Important], remove_labels: [Work], move: INBOX`,
	}; !slices.Equal(would, want) {
		t.Errorf("it would\n%s\nwant\n%s", strings.Join(would, "\n"), strings.Join(want, "\n"))
	}
	r.undo(cfg, acts...)
	r.wantLabels(sorted, `\Inbox`, "Lists/sort", "Unsorted")
	r.wantLabels(changed, `\Inbox`, "Unsorted")
	r.once(cfg)
	r.wantLabels(sorted, `\Inbox`, "Lists/sort", "Unsorted")
}

// What a label that is put back makes appear is no new mail either.
func TestLabelsUndoneIntoAWatchedMailbox(t *testing.T) {
	r := gmailRig(t, model.Options{})
	r.gmail.Create("Work")
	cfg := r.config("watch: [INBOX, Work]", `
rules:
  - {name: strip, if: 'true', then: [{remove_labels: [Work]}]}
  - {name: arrived, in: [Work], if: 'not has(subject, "first")', then: [{add_flags: [\Flagged]}]}
`)
	r.once(cfg)
	first := r.gmailMail("first", "Work")
	r.once(cfg)
	r.wantLabels(first, `\Inbox`)
	r.undo(cfg, r.acts(cfg)...)
	r.once(cfg)
	r.wantLabels(first, `\Inbox`, "Work")
	if got := len(r.all(cfg)); got != 2 {
		t.Errorf("%d entries, want the act and its undo", got)
	}
}

// Elsewhere, and where it would take the message away, it fails, and the message stays.
func TestLabelsThatCannotBe(t *testing.T) {
	for _, tc := range []struct{ name, rule, why string }{
		{"its own mailbox", "{name: r, in: ['W*'], if: 'true', then: [{remove_labels: [Work]}, {move: Done}]}", "take the message out of the mailbox"},
		{"no Gmail", "{name: r, if: 'true', then: [{add_labels: [A]}, {move: Done}]}", "this server has no labels"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := gmailRig(t, model.Options{})
			if tc.name == "no Gmail" {
				r.gmail = model.New(model.Options{}, nil, nil)
			}
			r.gmail.Create("Work")
			cfg := r.config("watch: [INBOX, Work]", "rules:\n  - "+tc.rule+"\n")
			r.once(cfg)
			box := map[bool]string{true: "Work", false: "INBOX"}[tc.name == "its own mailbox"]
			r.gmail.Deliver(box, model.Letter{Subject: "a", From: "x@example.org", MessageID: "a@test"})
			r.once(cfg)
			all := r.all(cfg)
			if len(all) != 1 || all[0].State != journal.Failed || !strings.Contains(all[0].Reason, tc.why) {
				t.Errorf("entries %+v", all)
			}
			if left := r.gmail.All(); len(left) != 1 || left[0].Mailbox != box {
				t.Errorf("it lies in %+v", left)
			}
		})
	}
}

// Mail cannot make more labels than mailboxes, and none at all where nothing is made.
func TestLabelsFromMailAreFew(t *testing.T) {
	for _, tc := range []struct {
		account string
		made    int
	}{{"watch: [INBOX]", 20}, {"create: false", 0}} {
		r := gmailRig(t, model.Options{})
		cfg := r.config(tc.account, "rules:\n  - {name: r, if: 'true', then: [{add_labels: ['From/${subject}']}]}\n")
		r.once(cfg)
		for i := range 25 {
			r.gmailMail(fmt.Sprintf("n%d", i))
		}
		r.once(cfg)
		made := 0
		for _, p := range r.gmail.All() {
			if strings.HasPrefix(p.Mailbox, "From/") {
				made++
			}
		}
		if got := r.entries(cfg); made != tc.made || got[journal.Open] != 25-tc.made {
			t.Errorf("%s: %d labels made, entries %v", tc.account, made, got)
		}
	}
}

const searching = `
rules:
  - name: promotions
    on: {cron: "0 3 * * *"}
    if: 'not has(subject, "keep")'
    search: {gmail: 'label:Promotions older_than:30d'}
    then: [{remove_labels: [Promotions]}, trash]
  - name: all
    on: {cron: "0 4 1 7 *"}
    if: 'has(subject, "old")'
    then: [{add_flags: [\Seen]}]
`

// A rule on a clock looks at what its search finds and at nothing else, in a plan, an
// apply and a run.
func TestSearchingInGmailsWords(t *testing.T) {
	prepare := func(t *testing.T) (r *rig, cfg *config.Config) {
		r = gmailRig(t, model.Options{})
		for i, subject := range []string{"old.1", "keep.2", "new.3", "old.4"} {
			received := time.Now().Add(-40 * 24 * time.Hour)
			if subject == "new.3" {
				received = time.Now()
			}
			origin := r.gmail.Deliver("INBOX", model.Letter{Subject: subject, From: "shop@example.org", MessageID: subject + "@test", Received: received})
			if i < 3 {
				r.gmail.Label(origin, "Promotions", true)
			}
		}
		return r, r.config("", searching)
	}
	where := func(r *rig) (out []string) {
		for _, p := range r.gmail.All() {
			text := p.Mailbox + " " + p.Subject
			if p.Has(imap.FlagSeen) {
				text += " seen"
			}
			out = append(out, text)
		}
		return out
	}
	filed := []string{"INBOX keep.2", "INBOX new.3", "INBOX old.4", "Promotions keep.2", "Promotions new.3", "Trash old.1"}
	t.Run("a plan and an apply", func(t *testing.T) {
		r, cfg := prepare(t)
		report, _, found := r.plan(cfg, engine.Scope{Rules: []string{"promotions"}})
		if want := "open remove_labels: [Promotions], trash"; len(found) != 1 || found["INBOX/1"] != want || report.Excluded != 2 {
			t.Errorf("the plan: %v, %d excluded", found, report.Excluded)
		}
		r.apply(cfg, engine.Scope{Rules: []string{"promotions"}})
		if got := where(r); !slices.Equal(got, filed) {
			t.Errorf("%q", got)
		}
	})
	t.Run("beside a rule that does not search", func(t *testing.T) {
		r, cfg := prepare(t)
		r.apply(cfg, engine.Scope{Rules: []string{"promotions", "all"}})
		want := []string{"INBOX keep.2", "INBOX new.3", "INBOX old.4 seen", "Promotions keep.2", "Promotions new.3", "Trash old.1 seen"}
		got := where(r)
		got = slices.DeleteFunc(got, func(s string) bool { return s == "Promotions old.1" })
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
	t.Run("a run", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, cfg := prepare(t)
			r.days(cfg, 25*time.Hour)
			if got := where(r); !slices.Equal(got, filed) {
				t.Errorf("%q", got)
			}
			r.gmail.Cut()
			time.Sleep(time.Second)
		})
	})
	t.Run("elsewhere", func(t *testing.T) {
		r, cfg := prepare(t)
		r.gmail = model.New(model.Options{}, nil, nil)
		r.with(cfg, func(j journal.Journal) {
			_, _, err := engine.Plan(t.Context(), cfg, r.options(nil), j, engine.Scope{Rules: []string{"promotions"}}, engine.Planning{})
			if err == nil || !strings.Contains(err.Error(), "no X-GM-EXT-1") {
				t.Errorf("error %v", err)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			r, cfg := prepare(t)
			r.gmail = model.New(model.Options{}, nil, nil)
			r.days(cfg, 25*time.Hour)
			if run := r.lastRun(cfg, "promotions"); !strings.Contains(run.Error, "no X-GM-EXT-1") {
				t.Errorf("run %+v", run)
			}
			r.gmail.Cut()
			time.Sleep(time.Second)
		})
	})
}

// Labels are asked for where a rule names them, and of those messages alone whose
// outcome depends on them.
func TestLabelsAreAskedForWhereTheyMatter(t *testing.T) {
	var asked []string
	r := gmailRig(t, model.Options{})
	r.gmail = model.New(model.Options{Gmail: true}, func(op model.Operation) model.Fault {
		if strings.Contains(op.Args, "X-GM-") {
			asked = append(asked, op.Command+" "+op.Args)
		}
		return model.None
	}, nil)
	cfg := r.config("", "rules:\n  - {name: r, if: 'has(subject, \"b\") and \"Work\" in gmail.labels', then: [trash]}\n")
	r.once(cfg)
	for _, subject := range []string{"a", "b", "c"} {
		r.gmailMail(subject)
	}
	r.once(cfg)
	if want := []string{"UID FETCH 2 (UID X-GM-LABELS X-GM-THRID X-GM-MSGID)"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}
}
