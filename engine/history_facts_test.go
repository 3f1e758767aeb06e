package engine

import (
	"testing"
	"time"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/rules/facts"
)

// TestHistoryKeepsTheOrderOfTwins: identical deliveries keep their own places
// over a renumbering, and so does one whose date the server rewrote.
func TestHistoryKeepsTheOrderOfTwins(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("Junk", "a", noon)
	d.deliver("Junk", "a", noon)
	d.deliver("Junk", "b", noon)
	d.take("Junk")
	d.deliver("Lists", "b", noon.Add(time.Hour), "X: redelivery")
	d.want("redelivery", d.take("Lists"), 1, duplicate())
	d.srv.Delete(d, "Junk")
	d.srv.Create(d, "Junk")
	d.deliver("Junk", "a", noon)
	d.deliver("Junk", "a", noon)
	d.deliver("Junk", "b", noon.Add(time.Minute))
	d.take("Junk")
	got := d.again("Junk", 1, 2, 3)
	d.want("the first", got, 1, facts.History{})
	d.want("the second", got, 2, duplicate())
	d.want("with another date than before", got, 3, facts.History{})
}
