package engine

import (
	"testing"
	"time"

	"imapilot/engine/journal"
)

// stepOf is a step that is due.
func stepOf(id string) journal.Delivery {
	now := time.Now()
	return journal.Delivery{ID: id, Account: "home", Endpoint: "exec", Rule: "r", Seq: 1, Payload: []byte("{}"), Created: now, Next: now, State: journal.Pending}
}

// A step that is cancelled between any two moments of its attempt is not begun, and not
// brought back by what comes of it.
func TestACancelledStepStaysCancelled(t *testing.T) {
	cancel := journal.Batch{Release: []journal.Release{{Seq: 1, ID: "a", State: journal.Cancelled, From: undelivered()}}}
	for name, at := range map[string]int{"before it is claimed": 0, "before it is begun": 1, "while it is under way": 2} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T, j journal.Journal) {
				a := owner(t, j, nil)
				o, ctx := a.outbox, t.Context()
				take := func(now int) {
					if now == at {
						if err := a.commitNow(ctx, a.own, cancel); err != nil {
							t.Fatal(err)
						}
					}
				}
				d := stepOf("a")
				if err := j.Commit(ctx, a.own, journal.Batch{At: time.Now(), Deliveries: []journal.Delivery{d}}); err != nil {
					t.Fatal(err)
				}
				take(0)
				claimed, err := o.claimProgram(ctx, d)
				if err != nil || claimed != (at > 0) {
					t.Fatalf("claimed: %t, %v", claimed, err)
				}
				if !claimed {
					return
				}
				take(1)
				calls, err := o.begin(ctx, []journal.Delivery{d})
				if err != nil || len(calls) != min(1, at-1) {
					t.Fatalf("begun: %d, %v", len(calls), err)
				}
				take(2)
				if len(calls) > 0 {
					failed := calls[0].delivery
					failed.Next = time.Now().Add(time.Hour)
					if err := o.write(ctx, journal.Batch{At: time.Now(), Deliveries: []journal.Delivery{failed}}); err != nil {
						t.Fatal(err)
					}
				}
				o.releaseProgram(d)
				found, err := j.Deliveries(ctx, journal.DeliveryQuery{ID: "a"})
				if err != nil || len(found) != 1 || found[0].State != journal.Cancelled {
					t.Errorf("%+v, %v", found, err)
				}
				if len(o.running)+len(o.restarts.off) > 0 {
					t.Errorf("it is remembered: %v, %v", o.running, o.restarts.off)
				}
			})
		})
	}
}

// An attempt that another has under way is not made beside it, and no more are claimed
// than may run.
func TestClaimsOfPrograms(t *testing.T) {
	alone(t, func(t *testing.T, j journal.Journal) {
		a := owner(t, j, nil)
		var all []journal.Delivery
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			all = append(all, stepOf(id))
		}
		if err := j.Commit(t.Context(), a.own, journal.Batch{At: time.Now(), Deliveries: all}); err != nil {
			t.Fatal(err)
		}
		claim := func(d journal.Delivery) bool {
			ok, err := a.outbox.claimProgram(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		if !claim(all[0]) || claim(all[0]) {
			t.Error("it is claimed twice, or not at all")
		}
		for i, want := range []bool{true, true, true, false} {
			if claim(all[i+1]) != want {
				t.Errorf("claim %d is not %t", i+1, want)
			}
		}
		a.outbox.releaseProgram(all[0])
		if !claim(all[4]) {
			t.Error("its place was not given to another")
		}
	})
}
