package engine_test

import (
	"context"
	"fmt"
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
			job, err := r.applyOnce(engine.Scope{}, applyConfig{config: cfg, journal: j, change: []func(*engine.Options){r.direct, a.dialer}})
			t.Logf("%v %q", err, job.Error)
		})
		for _, l := range a.sent {
			t.Log(l.line)
		}
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
	for _, l := range a.sent {
		if !strings.Contains(l.line, "STATUS") {
			t.Log(l.line)
		}
	}
	t.Logf("entries %v", r.entries(cfg))
}

type applyConfig = struct {
	config  *config.Config
	journal journal.Journal
	change  []func(*engine.Options)
}

// direct dials as the engine does by itself.
func (r *rig) direct(o *engine.Options) { o.DialContext = r.srv.DialContext }

var _ = imap.FlagDeleted
