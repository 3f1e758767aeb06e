package engine

import (
	"testing"
	"time"

	"imapilot/engine/journal"
)

// TestSnoozeIsMissedTwice: one look that does not find a message ends nothing, and of two
// the second comes some time after the first.
func TestSnoozeIsMissedTwice(t *testing.T) {
	c := &connection{account: &account{timing: new(Timing{}.withDefaults())}}
	s := &sleeper{Snoozed: journal.Snoozed{Seq: 7, Mailbox: "Snoozed", Back: "INBOX"}}
	here := map[int64]journal.Snoozed{7: {}}
	began := time.Now()
	for _, look := range []struct {
		after time.Duration
		found map[int64]journal.Snoozed
		over  bool
	}{
		{0, nil, false}, {time.Second, nil, false}, {2 * time.Minute, here, false},
		{3 * time.Minute, nil, false}, {4 * time.Minute, nil, true},
	} {
		batch := journal.Batch{At: began.Add(look.after)}
		found := c.missing(&batch, []*sleeper{s}, look.found)
		if over := len(batch.Woken) == 1; over != look.over || len(batch.Events) != len(batch.Woken) || len(found) != len(look.found) {
			t.Errorf("after %s: %+v, found %v", look.after, batch, found)
		}
	}
}
