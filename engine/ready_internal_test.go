package engine

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
)

func TestBoundsFollowFromTheRhythms(t *testing.T) {
	for _, tc := range []struct {
		idle, poll, after, want time.Duration
	}{
		{5 * time.Minute, time.Minute, 0, 6 * time.Minute}, // the defaults: half-open within six minutes
		{time.Minute, 5 * time.Second, 0, 6 * time.Minute},
		{29 * time.Minute, time.Minute, 0, 26 * time.Minute}, // no IDLE lasts longer than 25
		{5 * time.Minute, time.Hour, 0, 61 * time.Minute},
		{5 * time.Minute, time.Hour, 20 * time.Second, 20 * time.Second},
	} {
		if got := staleBound(config.Account{Idle: tc.idle, Poll: tc.poll, StaleAfter: tc.after}); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}

func TestStalenessOfAMailbox(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	cfg := config.Account{StaleAfter: 5 * time.Minute}
	for name, tc := range map[string]struct {
		m         MailboxStatus
		announced time.Time
		stale     bool
		lag       time.Duration
	}{
		"proved":           {m: MailboxStatus{LastProof: ago(5 * time.Minute), known: ago(time.Hour)}},
		"silent":           {m: MailboxStatus{LastProof: ago(5*time.Minute + 1), known: ago(time.Hour)}, stale: true},
		"never proved":     {m: MailboxStatus{known: ago(6 * time.Minute)}, stale: true},
		"just begun":       {m: MailboxStatus{known: ago(time.Minute)}},
		"announced":        {m: MailboxStatus{LastProof: now}, announced: ago(time.Minute), lag: time.Minute},
		"fails":            {m: MailboxStatus{LastProof: now, Error: "NO", Since: ago(2 * time.Minute)}, announced: ago(time.Minute), lag: 2 * time.Minute},
		"clock turned on":  {m: MailboxStatus{LastProof: ago(time.Minute), known: ago(time.Hour)}},
		"clock turned off": {m: MailboxStatus{LastProof: now.Add(time.Hour), known: ago(time.Hour)}},
	} {
		tc.m.judge(now, staleBound(cfg), tc.announced)
		if tc.m.Stale != tc.stale || time.Duration(tc.m.Lag) != tc.lag || tc.m.Silent < 0 {
			t.Errorf("%s: %+v", name, tc.m)
		}
	}
}

// Times that are compared carry the monotonic clock: whoever sets the clock forward by
// a day makes nothing stale.
func TestProofsCarryTheMonotonicClock(t *testing.T) {
	var b stateBox
	b.begin(config.Account{Name: "home"})
	b.set(func(s *AccountStatus) { s.Mailboxes = []MailboxStatus{{Name: "INBOX"}} })
	b.proof("INBOX", time.Now())
	m := b.get().Mailboxes[0]
	for what, at := range map[string]time.Time{"proof": m.LastProof, "known": m.known} {
		if !strings.Contains(at.String(), "m=") {
			t.Errorf("%s: %v", what, at)
		}
	}
}

// What was proven of mailboxes outlives the connection that proved it, and a mailbox
// that appears later counts from then on.
func TestProofsOutliveTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b stateBox
		b.begin(config.Account{Name: "home"})
		list := func(names ...string) {
			b.set(func(s *AccountStatus) {
				s.Mailboxes = nil
				for _, name := range names {
					s.Mailboxes = append(s.Mailboxes, MailboxStatus{Name: name, Watch: "idle"})
				}
			})
		}
		list("INBOX", "Old")
		began := time.Now()
		b.proof("INBOX", time.Now())
		time.Sleep(time.Minute)
		b.set(func(s *AccountStatus) { s.Mailboxes = nil })
		if got := b.get().Mailboxes; len(got) != 2 || !got[0].LastProof.Equal(began) || got[0].Watch != "" {
			t.Errorf("without a connection: %+v", got)
		}
		list("INBOX", "New")
		got := b.get().Mailboxes
		if !got[0].LastProof.Equal(began) || !got[0].known.Equal(began) || !got[1].LastProof.IsZero() || !got[1].known.Equal(time.Now()) {
			t.Errorf("on the next one: %+v", got)
		}
		time.Sleep(time.Minute)
		list("INBOX", "New", "Newer")
		if got := b.get().Mailboxes; got[1].known.Equal(time.Now()) || !got[2].known.Equal(time.Now()) || !got[0].LastProof.Equal(began) {
			t.Errorf("after another listing: %+v", got)
		}
	})
}

func TestTroubles(t *testing.T) {
	now := time.Now()
	cfg := config.Account{Name: "home", Idle: 5 * time.Minute, Poll: time.Minute}
	fresh := MailboxStatus{Name: "INBOX", Bound: Seconds(6 * time.Minute)}
	failing := fresh
	failing.Name, failing.Error, failing.Since = "Bad", "NO [UNAVAILABLE]", now.Add(-7*time.Minute)
	silent := fresh
	silent.Name, silent.Stale, silent.Silent = "Lists/a", true, Seconds(450*time.Second)
	for name, tc := range map[string]struct {
		s    AccountStatus
		want string
	}{
		"ready":     {AccountStatus{State: Watching, CaughtUp: now, Mailboxes: []MailboxStatus{fresh}}, ""},
		"between":   {AccountStatus{State: Waiting, Error: "cut", CaughtUp: now, Mailboxes: []MailboxStatus{fresh}}, ""},
		"parked":    {AccountStatus{State: Parked, Error: "NO", CaughtUp: now, Mailboxes: []MailboxStatus{silent}}, "parked home"},
		"fenced":    {AccountStatus{State: Fenced}, "fenced home"},
		"stopped":   {AccountStatus{State: Stopped}, "stopped home"},
		"stale":     {AccountStatus{State: Waiting, CaughtUp: now, Mailboxes: []MailboxStatus{fresh, silent}}, "stale home/Lists/a"},
		"failing":   {AccountStatus{State: Watching, CaughtUp: now, Mailboxes: []MailboxStatus{failing}}, "failing home/Bad"},
		"starting":  {AccountStatus{State: Connecting, began: now.Add(-time.Minute)}, "starting home"},
		"never":     {AccountStatus{State: Waiting, began: now.Add(-7 * time.Minute)}, "stale home"},
		"first":     {AccountStatus{State: Watching, began: now, Mailboxes: []MailboxStatus{fresh}}, "starting home"},
		"two reds":  {AccountStatus{State: Watching, CaughtUp: now, Mailboxes: []MailboxStatus{failing, silent}}, "stale home/Lists/a, failing home/Bad"},
		"never, no": {AccountStatus{State: Waiting, began: now.Add(-7 * time.Minute), Mailboxes: []MailboxStatus{silent}}, "stale home/Lists/a"},
	} {
		tc.s.Name = "home"
		tc.s.Troubles = troubles(tc.s, cfg, now)
		var got []string
		for _, x := range worstFirst(tc.s.Troubles) {
			got = append(got, string(x.Kind)+" "+x.Where())
			if x.Text == "" {
				t.Errorf("%s: no text", name)
			}
		}
		if text := strings.Join(got, ", "); text != tc.want {
			t.Errorf("%s: %q, want %q", name, text, tc.want)
		}
	}
}

// What ends the parking of an account depends on how it logs in: a stored token is
// noticed without a reload.
func TestParkedSaysTheWayOut(t *testing.T) {
	s := AccountStatus{Name: "home", State: Parked, Error: "NO"}
	for want, cfg := range map[string]config.Account{
		"correct the credentials and run 'imapilot reload'":      {Name: "home"},
		"it goes on within a minute after 'imapilot login home'": {Name: "home", OAuth2: &config.OAuth2{}},
	} {
		if got := troubles(s, cfg, time.Now())[0].Text; got != "the server refuses the login; last error: NO; "+want {
			t.Errorf("%q", got)
		}
	}
}

func TestSecondsInJSON(t *testing.T) {
	text, err := json.Marshal(MailboxStatus{Silent: Seconds(90*time.Second + 1234567), Lag: Seconds(1469 * time.Millisecond)})
	var back MailboxStatus
	if err != nil || !strings.Contains(string(text), `"silent_seconds":90.001,`) || !strings.Contains(string(text), `"lag_seconds":1.469,`) || json.Unmarshal(text, &back) != nil || back.Silent != Seconds(90*time.Second+time.Millisecond) {
		t.Errorf("%s, %v, %v", text, err, back.Silent)
	}
	for d, want := range map[time.Duration]string{90 * time.Second: "1m30s", 6 * time.Minute: "6m", 2 * time.Hour: "2h", 0: "0s", 100 * time.Second: "1m40s", 10 * time.Minute: "10m", 20 * time.Hour: "20h"} {
		if got := shortly(Seconds(d)); got != want {
			t.Errorf("%v: %q", d, got)
		}
	}
}

// An announcement that comes during a scan is waiting after it.
func TestLagLastsUntilAScanThatBeganLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaker()
		w.mailbox("INBOX")
		first := w.since("INBOX")
		time.Sleep(time.Second)
		began := time.Now()
		w.mailbox("INBOX")
		w.scanned("INBOX", began)
		if !w.since("INBOX").IsZero() {
			t.Error("what was announced before the scan still waits")
		}
		time.Sleep(time.Second)
		w.mailbox("INBOX")
		w.scanned("INBOX", began)
		if at := w.since("INBOX"); at.IsZero() || at.Equal(first) {
			t.Errorf("announced during the scan: %v", at)
		}
	})
}

func TestAHeartbeatThatStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h heartbeat
		traffic := &imapsession.Traffic{}
		isStuck := func() bool { _, yes := h.stuck(); return yes }
		if isStuck() {
			t.Error("stuck before it began")
		}
		h.hear(traffic)
		h.beat(time.Hour)
		time.Sleep(time.Hour + stuckAfter)
		if isStuck() {
			t.Error("stuck while it waits as it said")
		}
		time.Sleep(time.Second)
		if !isStuck() {
			t.Error("not stuck though it did not come round")
		}
		traffic.Received.Add(1)
		if isStuck() {
			t.Error("stuck while the server answers")
		}
		time.Sleep(stuckAfter + time.Second)
		if !isStuck() {
			t.Error("traffic of long ago counts")
		}
		h.beat(0)
		if isStuck() {
			t.Error("stuck though it goes on")
		}
		time.Sleep(stuckAfter + time.Second)
		h.end()
		if isStuck() {
			t.Error("stuck though it has ended")
		}
	})
}
