package engine

import (
	"slices"
	"testing"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/pace"
)

// limited is an endpoint that gets so many calls of a rule in an hour.
func limited(n int) config.Webhook {
	return config.Webhook{Name: "ci", URL: "https://ci.example.org/", Pace: config.Pace{Zone: time.UTC, PerRule: pace.Rate{N: n, Per: time.Hour}}}
}

// most is the highest number of calls in an hour.
func (l *line) most() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(l.times, time.Time.Compare)
	out := 0
	for i, at := range l.times {
		n := 1
		for _, later := range l.times[i+1:] {
			if later.Sub(at) < time.Hour {
				n++
			}
		}
		out = max(out, n)
	}
	return out
}

// Calls whose times went by while nobody could make them keep to the limit: none is
// lost, and people do not get all of them at once.
func TestMissedTimesAreGivenOutAnew(t *testing.T) {
	night := pace.Quiet{{From: 22 * 60, To: 7 * 60}}
	for name, between := range map[string]func(*account){
		"stopped": nil,
		"quiet hours": func(a *account) { // as a reload does: in a new list
			a.webhooks = slices.Clone(a.webhooks)
			a.webhooks[0].Quiet = night
		},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T, j journal.Journal) {
				hook := limited(5)
				l := &line{}
				time.Sleep(20 * time.Hour) // 20:00
				a := owner(t, j, l, hook)
				recordCalls(t, a, []config.Webhook{hook}, 0, 90) // of 3 rules
				delivering(t, a, func() {
					time.Sleep(time.Minute)
					if between != nil {
						a.reloading.Lock()
						between(a)
						a.reloading.Unlock()
						time.Sleep(48 * time.Hour)
					}
				})
				time.Sleep(12 * time.Hour)
				delivering(t, owner(t, j, l, a.webhooks...), func() { time.Sleep(48 * time.Hour) })
				if len(l.ids) != 90 || l.most() != 15 {
					t.Errorf("%d calls, %d in one hour", len(l.ids), l.most())
				}
				if first := slices.Clone(l.ids); slices.Index(first, "msg_87") < slices.Index(first, "msg_45") {
					t.Error("the last go before the first")
				}
			})
		})
	}
}

// A call waits for no time that another limit gave out.
func TestAnotherLimitGivesOutOtherTimes(t *testing.T) {
	for name, restart := range map[string]bool{"reload": false, "restart": true} {
		for more, want := range map[int]int{0: 30, 8: 24, 1: 3} {
			t.Run(name, func(t *testing.T) {
				alone(t, func(t *testing.T, j journal.Journal) {
					l := &line{}
					a := owner(t, j, l, limited(1))
					recordCalls(t, a, a.webhooks, 0, 30)
					half := 90 * time.Minute
					delivering(t, a, func() {
						time.Sleep(time.Minute)
						if l.count() != 3 {
							t.Fatalf("%d calls under the first limit", l.count())
						}
						if !restart {
							a.reloading.Lock()
							a.webhooks = []config.Webhook{limited(more)}
							a.reloading.Unlock()
							a.outbox.rouse()
							time.Sleep(time.Minute)
						}
					})
					if restart {
						a = owner(t, j, l, limited(more))
						delivering(t, a, func() { time.Sleep(time.Minute) })
					}
					if l.count() != want {
						t.Errorf("%d calls, want %d", l.count(), want)
					}
					delivering(t, a, func() { time.Sleep(20 * half) })
					if l.count() != 30 {
						t.Errorf("%d calls in the end", l.count())
					}
				})
			})
		}
	}
}

// A call that a user replays while it is held back is made at once, by the next
// process, too.
func TestAReplayedCallIsNotHeldBackAgain(t *testing.T) {
	alone(t, func(t *testing.T, j journal.Journal) {
		l := &line{}
		a := owner(t, j, l, limited(1))
		recordCalls(t, a, a.webhooks, 0, 30)
		delivering(t, a, func() { time.Sleep(time.Minute) })
		if n, err := ReplayOffline(t.Context(), j, "test", Replay{Account: "home", IDs: []string{"msg_29"}}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		time.Sleep(5 * time.Minute)
		delivering(t, owner(t, j, l, a.webhooks...), func() { time.Sleep(time.Minute) })
		if l.count() != 4 || l.ids[3] != "msg_29" {
			t.Errorf("called for %q", l.ids)
		}
	})
}

// A call waits for no quiet hours that are not in force any more.
func TestQuietHoursThatWereRemoved(t *testing.T) {
	for name, restart := range map[string]bool{"reload": false, "restart": true} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T, j journal.Journal) {
				l := &line{}
				quiet, loud := limited(0), limited(0)
				quiet.Quiet = pace.Quiet{{From: 22 * 60, To: 7 * 60}}
				time.Sleep(23 * time.Hour)
				a := owner(t, j, l, quiet)
				recordCalls(t, a, a.webhooks, 0, 3)
				delivering(t, a, func() {
					time.Sleep(time.Minute)
					if l.count() != 0 {
						t.Fatal("called in quiet hours")
					}
					if !restart {
						a.reloading.Lock()
						a.webhooks = []config.Webhook{loud}
						a.reloading.Unlock()
						a.outbox.rouse()
						time.Sleep(time.Minute)
					}
				})
				if restart {
					delivering(t, owner(t, j, l, loud), func() { time.Sleep(time.Minute) })
				}
				if l.count() != 3 {
					t.Errorf("%d calls", l.count())
				}
			})
		})
	}
}
