package engine_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// unsifted is a rule with which nothing is sifted, and that says nothing.
const unsifted = "  - {name: unsifted, if: 'duplicate and subject == \"no message has this\"', then: [{add_flags: [$never]}]}\n"

// TestASieveChangesNoDecision plans random rules over random mailboxes with a sieve and
// without: what would be done to each message, and what is told of it, is the same.
func TestASieveChangesNoDecision(t *testing.T) {
	for _, kind := range []struct {
		name  string
		start func(testing.TB, imaptest.Options) *imaptest.Server
		runs  int
	}{{"memory", imaptest.Memory, 10}, {"dovecot", imaptest.Dovecot, 2}, {"cyrus", imaptest.Cyrus, 1}} {
		for seed := range kind.runs {
			t.Run(fmt.Sprintf("%s/%d", kind.name, seed), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, kind.start(t, imaptest.Options{}))
				random := rand.New(rand.NewPCG(uint64(seed), 9))
				r.srv.AppendAll(t, "INBOX", randomDeliveries(random, 1600))
				rules := randomRules(random) + "  - {name: young, if: 'from.domain == \"d1.example\" and age < days(2)', then: [{copy: Young}]}\n"
				rec, dial := recorded()
				sifted, _, got := r.plan(r.config("", rules), engine.Scope{}, dial)
				if len(rec.Sent("(UID FLAGS BODY.PEEK[HEADER.FIELDS")) == 0 {
					t.Errorf("nothing was sifted: %q", rec.Sent("FETCH"))
				}
				rec.Reset()
				whole, _, want := r.plan(r.config("", rules+unsifted), engine.Scope{}, dial)
				if len(rec.Sent("(UID FLAGS BODY.PEEK[HEADER.FIELDS")) > 0 {
					t.Error("there is nothing to compare with")
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("with a sieve %d messages are acted on, without %d", len(got), len(want))
				}
				sifted.Cost, whole.Cost = engine.Cost{}, engine.Cost{}
				if fmt.Sprint(sifted) != fmt.Sprint(whole) {
					t.Errorf("with a sieve\n%+v\nwithout\n%+v", sifted, whole)
				}
			})
		}
	}
}

func randomDeliveries(random *rand.Rand, n int) []imaptest.Delivery {
	var out []imaptest.Delivery
	for i := range n {
		d := imaptest.Delivery{Date: time.Now().Add(-time.Duration(random.IntN(100)) * time.Hour)}
		for _, f := range []imap.Flag{`\Seen`, `\Flagged`, "$k0", "$k1"} {
			if random.IntN(3) == 0 {
				d.Flags = append(d.Flags, f)
			}
		}
		d.Raw = message(fmt.Sprintf("m%d s%d", i, random.IntN(9)), fmt.Sprintf("x@d%d.example", random.IntN(9)))
		out = append(out, d)
	}
	return out
}

// Of the messages that no rule is about, only what the rules read is fetched.
func TestASieveFetchesLess(t *testing.T) {
	both(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		want := r.backlog(1300)
		rec, dial := recorded()
		// No search tells what has a From like this.
		cfg := r.config("", "rules:\n  - {name: n, if: 'from.domain matches \"^ne.s[.]example$\"', then: [{move: News}]}\n")
		job := r.apply(cfg, engine.Scope{}, dial)
		r.want("News", want...)
		if job.Report.Messages != 1300 || job.Report.Acted != len(want) || job.Report.Excluded != 0 {
			t.Errorf("report %+v", job.Report)
		}
		if dated := membersIn(rec.Sent("INTERNALDATE")); dated > len(want)+sampled {
			t.Errorf("the dates of %d messages were fetched, of 1300 with %d to act on", dated, len(want))
		}
	})
}

// sampled is how many messages are looked at to try the server's search.
const sampled = 50

// Where most messages remain, they are not looked at twice to the end.
func TestASieveThatKeepsMostIsNotUsed(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	r.backlog(12_000)
	rec, dial := recorded()
	cfg := r.config("", "rules:\n  - {name: n, if: 'from.domain == \"elsewhere.example\"', then: [{add_flags: [$Seen]}]}\n")
	r.daemon(cfg, func(e *engine.Engine) { // its windows are of 10,000 messages
		r.eventually("watching", func() bool { return watching(e) })
		id, err := e.StartApply(t.Context(), engine.Scope{Max: 12_000})
		if err != nil {
			t.Fatal(err)
		}
		r.eventually("applied", func() bool { j, err := e.Job(id); return err == nil && !j.Running })
		if job, err := e.Job(id); err != nil || job.Report.Messages != 12_000 || job.Report.Acted != 10_800 {
			t.Errorf("report %+v, %v", job.Report, err)
		}
	}, dial)
	if twice := membersIn(rec.Sent("(UID FLAGS BODY.PEEK[HEADER.FIELDS")); twice == 0 || twice > 4000 {
		t.Errorf("%d messages were looked at twice, of 12,000 with 10,800 to act on", twice)
	}
}

// No more are sifted at a time than the server answers for (RFC 9738).
func TestASieveAsksForNoMoreThanTheServerTakes(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	want := r.backlog(1500)
	rec, dial := recorded()
	a := &answers{offers: "MESSAGELIMIT=700"}
	cfg := r.config("", "rules:\n  - {name: n, if: 'from.domain matches \"^ne.s[.]example$\"', then: [{move: News}]}\n")
	r.apply(cfg, engine.Scope{}, dial, a.dialer)
	r.want("News", want...)
	sieves := rec.Sent("(UID FLAGS BODY.PEEK[HEADER.FIELDS")
	for _, c := range sieves {
		if n := membersIn([]string{c}); n > 700 {
			t.Errorf("%d messages at once", n)
		}
	}
	if len(sieves) != 3 {
		t.Errorf("%d sieves", len(sieves))
	}
}

// A message of which the sieve hears nothing remains in it.
func TestASieveKeepsWhatItDoesNotSee(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	want := r.backlog(700)
	dropped := 0
	a := &answers{drops: func(line string) bool {
		mute := strings.Contains(line, "FETCH (UID 14 ") && !strings.Contains(line, "INTERNALDATE")
		if mute {
			dropped++
		}
		return mute
	}}
	cfg := r.config("", "rules:\n  - {name: n, if: 'from.domain matches \"^ne.s[.]example$\"', then: [{move: News}]}\n")
	r.apply(cfg, engine.Scope{}, r.direct, a.dialer)
	r.want("News", want...) // m13 is UID 14
	if dropped == 0 {
		t.Error("the sieve heard of everything")
	}
}

// A line that breaks while messages are sifted: they are sifted on, and each counts once.
func TestASieveOverALineThatBreaks(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	want := r.backlog(6000)
	var mu sync.Mutex
	sieves := 0
	a := &answers{to: func(line string) answer {
		mu.Lock()
		defer mu.Unlock()
		if !strings.Contains(line, "(UID FLAGS BODY.PEEK[") {
			return answer{}
		}
		sieves++
		return answer{cut: sieves == 3}
	}}
	cfg := r.config("", "rules:\n  - {name: n, if: 'from.domain matches \"^ne.s[.]example$\"', then: [{move: News}]}\n")
	job := r.apply(cfg, engine.Scope{}, r.direct, a.dialer)
	r.want("News", want...)
	if job.Report.Messages != 6000 || job.Report.Acted != len(want) || sieves < 5 {
		t.Errorf("report %+v, %d sieves", job.Report, sieves)
	}
}

// The rules change while messages are sifted: what the old ones said no to is decided by
// the new ones.
func TestRulesChangeInASieve(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	r.backlog(6000)
	rule := "rules:\n  - {name: n, if: '%s', then: [{add_flags: [$N]}]}\n"
	before := r.config("", fmt.Sprintf(rule, `from.domain matches "^nobody[.]example$"`))
	after := r.config("", fmt.Sprintf(rule, `subject matches "^m[0-9]*3$"`))
	var e *engine.Engine
	var once sync.Once
	a := &answers{}
	a.to = func(line string) answer {
		if strings.Contains(line, "(UID FLAGS BODY.PEEK[") {
			once.Do(func() {
				if err := e.Reload(after); err != nil {
					t.Error(err)
				}
			})
		}
		return answer{}
	}
	r.daemon(before, func(started *engine.Engine) {
		e = started
		r.eventually("watching", func() bool { return watching(e) })
		id, err := e.StartApply(t.Context(), engine.Scope{})
		if err != nil {
			t.Fatal(err)
		}
		r.eventually("applied", func() bool { j, err := e.Job(id); return err == nil && !j.Running })
	}, r.direct, a.dialer)
	if got := r.entries(after)[journal.Done]; got != 600 {
		t.Errorf("%d messages of 600 have the flag", got)
	}
}
