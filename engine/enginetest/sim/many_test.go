package sim

import (
	"testing"

	"imapilot/engine/enginetest/model"
)

// TestApplyOfMany breaks a run that is written beside other work: with each kind of
// fault that a journal or a process meets, after some operations of that kind.
func TestApplyOfMany(t *testing.T) {
	var total tally
	t.Cleanup(func() { total.log(t) })
	s := applyOfMany().prepare(t)
	for _, c := range []struct {
		from, to, step int
		kinds          []Kind
	}{
		{0, 24, 1, []Kind{CommitFails, CommitUnknown}},
		{6, 30, 4, []Kind{KillBefore, KillAfter, PowerAfter, Kind(model.DropAfter), Kind(model.AnswerNo), Kind(model.Renumbered)}},
		{10, 200, 19, []Kind{DiskError, DiskFull, DiskKill, DiskPower}},
	} {
		for _, k := range c.kinds {
			t.Run(string(k), func(t *testing.T) {
				t.Parallel()
				struck := 0
				for n := c.from; n < c.to; n += c.step * (1 + stride/8) {
					r := Run(t, s, uint64(n), Fault{Kind: k, At: n})
					struck += r.Faults
					total.add(r)
					complain(t, s, uint64(n), []Fault{{Kind: k, At: n}}, r)
				}
				if struck == 0 {
					t.Error("nothing was struck")
				}
			})
		}
	}
}
