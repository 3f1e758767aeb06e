package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
)

const (
	manyMailboxes = 200
	moveEach      = "rules:\n  - name: file\n    in: ['Lists/*', INBOX]\n    if: true\n    then: [{move: Done}]\n"
)

// manyBoxes is a daemon on a real server with 200 mailboxes, which may open two connections.
func manyBoxes(t *testing.T, o imaptest.Options, account string, f func(r *rig, e *engine.Engine, rec *imaptest.Recorder)) {
	t.Helper()
	if underRace {
		t.Skip("a real server, which runs in processes of its own: .ci/unit tries this without the race detector")
	}
	t.Parallel()
	srv := imaptest.Dovecot(t, o)
	for i := range manyMailboxes - 1 {
		srv.Create(t, list(i))
	}
	srv.Create(t, "Done")
	r := newRig(t, srv)
	rec := imaptest.Record(srv.DialContext)
	r.daemon(r.config("watch: [INBOX, 'Lists/*']\nconnections: 2\n"+account, moveEach), func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		f(r, e, rec)
	}, func(o *engine.Options) { o.DialContext = rec.DialContext })
}

func list(i int) string { return fmt.Sprintf("Lists/%03d", i) }

// ways counts the mailboxes by how they are watched.
func ways(t *testing.T, e *engine.Engine) map[string]int {
	t.Helper()
	s, err := e.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, m := range s.Accounts[0].Mailboxes {
		way, _, _ := strings.Cut(m.Watch, " ")
		out[way]++
	}
	return out
}

// wantFiledWithin delivers into some of the mailboxes and waits for all of it.
func (r *rig) wantFiledWithin(d time.Duration, mailboxes ...string) {
	r.t.Helper()
	before := len(r.srv.Messages(r.t, "Done"))
	for _, name := range mailboxes {
		r.mail(name, fmt.Sprintf("%s at %d", strings.ReplaceAll(name, "/", "-"), before), "a@example.org")
	}
	delivered := time.Now()
	r.eventually("all is filed", func() bool { return len(r.srv.Messages(r.t, "Done")) == before+len(mailboxes) })
	took := time.Since(delivered)
	r.t.Logf("%d messages in as many mailboxes were filed %v after the last came", len(mailboxes), took.Round(10*time.Millisecond))
	if took > d {
		r.t.Errorf("filed after %v, want %v", took, d)
	}
}

// Mail in any of 200 mailboxes is filed within three seconds, by one connection more.
func TestManyMailboxesByNotify(t *testing.T) {
	manyBoxes(t, imaptest.Options{}, "poll: 1h", func(r *rig, e *engine.Engine, rec *imaptest.Recorder) {
		r.eventually("NOTIFY is in force", func() bool { return ways(t, e)["notify"] == manyMailboxes })
		r.wantFiledWithin(3*time.Second, "INBOX")
		for i := range 5 {
			r.wantFiledWithin(3*time.Second, list(i*41))
		}
		r.wantFiledWithin(3*time.Second, list(1), list(50), list(99), list(100), list(150), list(198), "INBOX")
		r.srv.Create(t, "Lists/new")
		r.eventually("the new mailbox is watched", func() bool { return ways(t, e)["notify"] == manyMailboxes+1 })
		r.wantFiledWithin(3*time.Second, "Lists/new")
		r.srv.Delete(t, "Lists/new")
		r.eventually("and let go", func() bool { return ways(t, e)["notify"] == manyMailboxes })
		if n := len(rec.Sent("NOTIFY SET")); n != 1 {
			t.Errorf("NOTIFY was sent %d times", n)
		}
	})
}

// Without NOTIFY the busiest has the connection, and the rest a sweep.
func TestManyMailboxesByIdleAndSweep(t *testing.T) {
	manyBoxes(t, imaptest.Options{NoNotify: true}, "poll: 5s", func(r *rig, e *engine.Engine, rec *imaptest.Recorder) {
		r.eventually("one idles", func() bool { w := ways(t, e); return w["idle"] == 1 && w["poll"] == manyMailboxes-1 })
		r.wantFiledWithin(3*time.Second, "INBOX")
		r.wantFiledWithin(8*time.Second, list(0), list(100), list(198))
	})
}

// Without IDLE, too, all have a sweep, which is one command for all of them.
func TestManyMailboxesBySweep(t *testing.T) {
	manyBoxes(t, imaptest.Options{NoIdle: true}, "poll: 5s", func(r *rig, e *engine.Engine, rec *imaptest.Recorder) {
		if w := ways(t, e); w["poll"] != manyMailboxes {
			t.Errorf("watched by %v", w)
		}
		r.wantFiledWithin(8*time.Second, "INBOX", list(0), list(100), list(198))
		rec.Reset()
		time.Sleep(11 * time.Second)
		lists, others := len(rec.Sent("RETURN (SUBSCRIBED")), len(rec.Commands())
		if lists < 1 || lists > 3 || others > 2*lists {
			t.Errorf("two sweeps of nothing took %d LIST and %d commands in all", lists, others)
		}
	})
}
