package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
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

// plan returns the report of a plan and, by the UID that they have in their
// mailbox, what would be done to each message.
func (r *rig) plan(cfg *config.Config, s engine.Scope, change ...func(*engine.Options)) (engine.Report, []engine.Bound, map[string]string) {
	r.t.Helper()
	found := map[string]string{}
	var report engine.Report
	var bounds []engine.Bound
	r.with(cfg, func(j journal.Journal) {
		var err error
		report, bounds, err = engine.Plan(context.Background(), cfg, r.options(nil, change...), j, s, engine.Planning{
			Each: func(p engine.Planned) error {
				found[fmt.Sprintf("%s/%d", p.Entry.Mailbox, p.Entry.UID)] = string(p.Entry.State) + " " + p.Entry.Plan.String()
				return nil
			}})
		if err != nil {
			r.t.Fatalf("plan: %v", err)
		}
	})
	return report, bounds, found
}

// apply applies the rules without a daemon.
func (r *rig) apply(cfg *config.Config, s engine.Scope, change ...func(*engine.Options)) engine.Job {
	r.t.Helper()
	var job engine.Job
	r.with(cfg, func(j journal.Journal) {
		o := r.options(j, change...)
		o.Apply = &s
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		e := engine.New(cfg, o)
		if err := e.Run(ctx); err != nil {
			r.t.Fatalf("apply: %v", err)
		}
		var err error
		if job, err = e.Job(engine.ApplyJob); err != nil || job.Error != "" || job.Running {
			r.t.Fatalf("job %+v, %v", job, err)
		}
	})
	return job
}

func TestApplyFilesTheMailThatIsThere(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", filing)
		r.mail("INBOX", "letter", "b@news.example")
		r.mail("INBOX", "raise", "boss@example.org")
		r.mail("INBOX", "other", "c@example.org")
		report, bounds, _ := r.plan(cfg, engine.Scope{})
		if report.Messages != 3 || report.Acted != 2 || len(report.Rules) != 2 || report.Rules[0].Rule != "newsletters" {
			t.Errorf("report %+v", report)
		}
		r.want("INBOX", "letter", "raise", "other")
		for _, m := range srv.Messages(t, "INBOX") {
			if len(m.Flags) > 0 && !slices.Equal(m.Flags, []imap.Flag{"\\Recent"}) {
				t.Errorf("the plan changed flags: %v", m.Flags)
			}
		}
		r.mail("INBOX", "later", "b@news.example") // no part of the plan
		job := r.apply(cfg, engine.Scope{Content: engine.ContentOf(cfg, engine.Scope{}), Bounds: bounds})
		if job.Report.Acted != 2 || job.Report.Cost.RoundTrips == 0 {
			t.Errorf("report %+v", job.Report)
		}
		r.want("INBOX", "raise", "other", "later")
		r.want("News", "letter")
		r.want("Boss/2026", "raise")
		again := r.apply(cfg, engine.Scope{})
		if again.Report.Acted != 1 || again.Report.Rules[1].Before != 1 {
			t.Errorf("the second run: %+v", again.Report)
		}
		r.want("News", "letter", "later")
		r.want("Boss/2026", "raise")
		third := r.apply(cfg, engine.Scope{Again: true, Rules: []string{"boss"}})
		if third.Report.Acted != 1 {
			t.Errorf("again: %+v", third.Report)
		}
		r.want("Boss/2026", "raise", "raise")
	})
}

// TestPlanOverNoMailbox: an apply of it has none to do either, also when it was
// handed over as JSON.
func TestPlanOverNoMailbox(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", "rules:\n  - {name: n, in: [Later], if: 'true', then: [{move: T}]}\n")
	scope := engine.Scope{}
	report, bounds, _ := r.plan(cfg, scope)
	if report.Mailboxes != 0 || report.Acted != 0 {
		t.Errorf("plan %+v", report)
	}
	scope.Bounds = bounds
	text, err := json.Marshal(scope)
	if err != nil {
		t.Fatal(err)
	}
	var agreed engine.Scope
	if err := json.Unmarshal(text, &agreed); err != nil {
		t.Fatal(err)
	}
	r.mail("Later", "came since", "a@example.org")
	if job := r.apply(cfg, agreed); job.Report.Acted != 0 || len(job.Report.Left) != 1 {
		t.Errorf("apply %+v", job.Report)
	}
	r.want("Later", "came.since")
	r.apply(cfg, engine.Scope{})
	r.want("Later")
}

// TestPlanIsWhatApplyDoes compares the plan with what apply then does, message by
// message, over random rules and mailboxes.
func TestPlanIsWhatApplyDoes(t *testing.T) {
	for _, kind := range []struct {
		name  string
		start func(testing.TB, imaptest.Options) *imaptest.Server
		runs  int
	}{{"memory", imaptest.Memory, 12}, {"dovecot", imaptest.Dovecot, 4}} {
		for seed := range kind.runs {
			t.Run(fmt.Sprintf("%s/%d", kind.name, seed), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, kind.start(t, imaptest.Options{}))
				random := rand.New(rand.NewPCG(uint64(seed), 5))
				cfg := r.config("", randomRules(random))
				r.randomMail(random, 60)
				for range 2 { // the second time some of it was done before
					planned, bounds, want := r.plan(cfg, engine.Scope{})
					before := r.lastSeq(cfg)
					job := r.apply(cfg, engine.Scope{Bounds: bounds, Content: engine.ContentOf(cfg, engine.Scope{})})
					got := r.done(cfg, before)
					for place, plan := range want {
						if got[place] != plan {
							t.Errorf("%s: planned %q, done %q", place, plan, got[place])
						}
					}
					if len(got) != len(want) || planned.Acted != job.Report.Acted || planned.Held != job.Report.Held {
						t.Errorf("planned %d (%d, %d held), done %d (%d, %d held)", len(want), planned.Acted, planned.Held, len(got), job.Report.Acted, job.Report.Held)
					}
				}
			})
		}
	}
}

func (r *rig) lastSeq(cfg *config.Config) (seq int64) {
	r.with(cfg, func(j journal.Journal) {
		all, err := j.Entries(context.Background(), journal.Query{})
		if err != nil {
			r.t.Fatal(err)
		}
		for _, e := range all {
			seq = max(seq, e.Seq)
		}
	})
	return seq
}

// done is what the journal says of the entries after one, in the form of plan.
func (r *rig) done(cfg *config.Config, after int64) map[string]string {
	out := map[string]string{}
	r.with(cfg, func(j journal.Journal) {
		all, err := j.Entries(context.Background(), journal.Query{})
		if err != nil {
			r.t.Fatal(err)
		}
		for _, e := range all {
			if e.Seq <= after && e.State != journal.Held { // what is held stays so
				continue
			}
			state := e.State
			if state == journal.Done {
				state = journal.Open // as it was decided
			}
			out[fmt.Sprintf("%s/%d", strings.ReplaceAll(e.Mailbox, ".", "/"), e.UID)] = string(state) + " " + e.Plan.String()
		}
	})
	return out
}

func randomRules(random *rand.Rand) string {
	conditions := []string{
		`from.domain == "d%d.example"`, `subject contains "s%d"`, `"$k%d" in flags`, `not seen and from.domain == "d%d.example"`,
		`size > 2%d0`, `age > days(%d)`, `flagged and subject contains "s%d"`,
	}
	actions := []string{"move: T%d", "copy: C%d", `add_flags: ['$k%d']`, `remove_flags: ['$k%d']`, "trash", `add_flags: ['\Seen']`}
	text := "rules:\n"
	for i, which := range random.Perm(len(conditions))[:2+random.IntN(5)] {
		condition := fill(random, conditions[which])
		text += fmt.Sprintf("  - name: r%d\n    in: [INBOX, A]\n    if: '%s'\n    max_messages: %d\n    then:\n", i, condition, 3+random.IntN(20))
		for range 1 + random.IntN(2) {
			text += "      - " + fill(random, actions[random.IntN(len(actions))]) + "\n"
		}
		if random.IntN(4) == 0 {
			text += "    stop: true\n"
		}
	}
	return text
}

func fill(random *rand.Rand, pattern string) string {
	if strings.Contains(pattern, "%d") {
		return fmt.Sprintf(pattern, random.IntN(3))
	}
	return pattern
}

func (r *rig) randomMail(random *rand.Rand, n int) {
	r.srv.Create(r.t, "A")
	for i := range n {
		var flags []imap.Flag
		for _, f := range []imap.Flag{`\Seen`, `\Flagged`, "$k0", "$k1"} {
			if random.IntN(3) == 0 {
				flags = append(flags, f)
			}
		}
		mailbox := []string{"INBOX", "A"}[random.IntN(2)]
		subject := fmt.Sprintf("m%d s%d", i, random.IntN(3))
		at := time.Now().Add(-time.Duration(random.IntN(100)) * time.Hour)
		r.srv.Append(r.t, mailbox, flags, at, message(subject, fmt.Sprintf("x@d%d.example", random.IntN(3))))
	}
}

// TestLimitOfOneRun: what goes beyond a rule's limit is held, and --max raises it.
func TestLimitOfOneRun(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", "rules:\n  - {name: n, if: 'true', then: [{move: T}], max_messages: 3}\n")
	for i := range 8 {
		r.mail("INBOX", fmt.Sprint("m", i), "a@example.org")
	}
	planned, _, _ := r.plan(cfg, engine.Scope{})
	if planned.Acted != 3 || planned.Held != 5 || !strings.Contains(planned.Rules[0].HeldBecause, "3 messages in one run") {
		t.Errorf("plan %+v", planned)
	}
	if job := r.apply(cfg, engine.Scope{}); job.Report.Held != 5 {
		t.Errorf("apply %+v", job.Report)
	}
	if got := r.entries(cfg); got[journal.Held] != 5 || got[journal.Done] != 3 {
		t.Errorf("entries %v", got)
	}
	// Held messages are decided again, and held once.
	r.apply(cfg, engine.Scope{})
	if got := r.entries(cfg); got[journal.Held] != 2 || got[journal.Done] != 6 || got[journal.Withdrawn] != 3 {
		t.Errorf("entries after the second run %v", got)
	}
	r.apply(cfg, engine.Scope{Max: 100})
	if got := r.entries(cfg); got[journal.Held] != 0 || got[journal.Done] != 8 {
		t.Errorf("entries after the third run %v", got)
	}
}

// TestConfirmedActsOnce: what was confirmed and is not decided again yet is left
// to that decision by an apply that comes first, but not what other rules want.
func TestConfirmedActsOnce(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", `
rules:
  - {name: n, if: 'true', then: [{copy: C}, {move: T}], max_messages: 3}
  - {name: nightly, if: 'true', on: {cron: '0 3 * * *'}, then: [{copy: N}]}
`)
		for i := range 8 {
			r.mail("INBOX", fmt.Sprint("m", i), "a@example.org")
		}
		r.apply(cfg, engine.Scope{})
		r.with(cfg, func(j journal.Journal) {
			n, err := engine.AmendOffline(context.Background(), j, "test", []string{"home"}, engine.Confirm, engine.Selection{})
			if n != 5 || err != nil {
				t.Fatalf("confirm: %d, %v", n, err)
			}
		})
		if planned, _, _ := r.plan(cfg, engine.Scope{Rules: []string{"nightly"}}); planned.Acted != 5 {
			t.Errorf("the plan of another rule %+v", planned)
		}
		if planned, _, _ := r.plan(cfg, engine.Scope{Max: 100, Again: true}); planned.Acted != 0 || planned.Rules[0].Before != 5 {
			t.Errorf("plan %+v", planned)
		}
		r.apply(cfg, engine.Scope{Max: 100})
		if got := r.entries(cfg); got[journal.Done] != 8 || len(got) != 1 {
			t.Errorf("entries %v", got)
		}
		if got := r.subjects("C"); len(got) != 8 {
			t.Errorf("copies %v", got)
		}
		r.want("T", "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7")
	})
}

// A rule that was changed acts again, and what it says now is called under an ID of
// its own: the receiver had the other.
func TestApplyOfAChangedRuleIsAnotherCall(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		p := newParty()
		r.sender = p
		rule := func(title string) *config.Config {
			return hooking(r, "  - {name: one, if: true, then: [{webhook: {to: first, title: "+title+"}}]}\n")
		}
		r.mail("INBOX", "a", "x@example.org")
		for _, title := range []string{"before", "before", "after", "after"} {
			r.apply(rule(title), engine.Scope{})
		}
		calls := p.of(firstURL)
		if len(calls) != 2 || calls[0].id == calls[1].id || calls[1].doc.Title != "after" {
			t.Errorf("%+v", calls)
		}
	})
}

// What leads to more mailboxes than a rule may make in a day waits, and a plan says of
// how many messages that is.
func TestPlanTellsWhatWaitsForAMailbox(t *testing.T) {
	for name, c := range map[string]struct {
		account       string
		waiting, done int
	}{"a day's mailboxes": {"", 4, 27}, "create: false": {"create: false", 30, 1}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
			cfg := r.config(c.account, "rules:\n  - {name: file, if: 'true', then: [{add_flags: [$Seen]}, {move: 'By/${from.domain}'}]}\n")
			r.srv.Create(t, "By/d0_example")
			for i := range 25 {
				r.mail("INBOX", fmt.Sprint("letter ", i), fmt.Sprintf("a@d%d.example", i))
			}
			for i := range 6 {
				r.mail("INBOX", fmt.Sprint("more ", i), "a@d1.example")
			}
			report, _, _ := r.plan(cfg, engine.Scope{})
			if report.Acted != 31 || report.Waiting != c.waiting || report.Rules[0].Waiting != c.waiting || (report.Rules[0].WaitingBecause == "") != (c.waiting == 0) {
				t.Errorf("%+v", report)
			}
			r.apply(cfg, engine.Scope{})
			if stayed := len(r.srv.Messages(t, "INBOX")); stayed != c.waiting || 31-stayed != c.done {
				t.Errorf("%d stayed in INBOX", stayed)
			}
		})
	}
}

// A run that is stopped while the server cannot be reached ends at once: nobody waits for
// a connection to be told so.
func TestApplyStoppedWithoutAServer(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	r.dial = "127.0.0.1:1" // nobody listens there
	r.timing.FirstRetry, r.timing.MaxRetry = time.Hour, time.Hour
	r.daemon(r.config("", filing), func(e *engine.Engine) {
		r.eventually("it waits for the server", func() bool {
			s, err := e.Status(t.Context())
			return err == nil && len(s.Accounts) == 1 && s.Accounts[0].State == engine.Waiting
		})
		id, err := e.StartApply(t.Context(), engine.Scope{})
		if err == nil {
			err = e.StopApply(id)
		}
		if err != nil {
			t.Fatal(err)
		}
		var job engine.Job
		r.eventually("the run has ended", func() bool {
			job, err = e.Job(id)
			return err == nil && !job.Running
		})
		if !job.Stopped || job.Error != "" {
			t.Errorf("%+v", job)
		}
	})
}
