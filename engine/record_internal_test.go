package engine

import (
	"slices"
	"testing"
	"time"

	"imapilot/engine/imapsession"
)

// Targets are asked for together with messages before they are too old to record those:
// one that is just fresh then would cost a round trip of its own.
func TestStaleTargets(t *testing.T) {
	c := &connection{account: &account{}, recent: []string{"New", "Soon", "Old", "Gone", "Here"}, selected: "Here"}
	c.dir = newDirectory('/', "", []imapsession.MailboxInfo{{Name: "New"}, {Name: "Soon"}, {Name: "Old"}, {Name: "Here"}})
	c.targets = map[string]knownStatus{
		"New":  {at: time.Now()},
		"Soon": {at: time.Now().Add(time.Second - targetFresh)},
		"Old":  {at: time.Now().Add(-targetFresh)},
	}
	if got := c.staleTargets(); !slices.Equal(got, []string{"Soon", "Old"}) {
		t.Errorf("%q", got)
	}
}
