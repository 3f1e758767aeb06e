package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// ep is fp with an EMAILID.
func ep(email, id string, at time.Time, size int64) journal.Fingerprint {
	p := fp(id, at, size)
	p.EmailID = email
	return p
}

func TestKinship(t *testing.T) {
	one := ep("M1", "<a>", noon, 10)
	for _, tc := range []struct {
		name                        string
		other                       journal.Fingerprint
		identical, likely, identity bool
	}{
		{"the same", one, true, true, true},
		{"another EMAILID, the same otherwise", ep("M2", "<a>", noon, 10), false, false, false},
		{"the same EMAILID, another date and size", ep("M1", "<a>", noon.Add(time.Hour), 11), false, true, true},
		{"no EMAILID, the same otherwise", fp("<a>", noon, 10), true, true, true},
		{"no EMAILID, another date", fp("<a>", noon.Add(time.Hour), 10), false, true, false},
		{"no EMAILID, another date and size", fp("<a>", noon.Add(time.Hour), 11), false, false, false},
	} {
		if got := identical(one, tc.other); got != tc.identical {
			t.Errorf("%s: identical = %v", tc.name, got)
		}
		if got := likely(one, tc.other); got != tc.likely {
			t.Errorf("%s: likely = %v", tc.name, got)
		}
		if got := sameIdentity(one, tc.other); got != tc.identity {
			t.Errorf("%s: sameIdentity = %v", tc.name, got)
		}
	}
	if bare := fp("", noon, 10); sameIdentity(bare, bare) {
		t.Error("a message without any identity has one")
	}
}

func TestMatchKnownByEmailID(t *testing.T) {
	old := noon.AddDate(0, -1, 0)
	before := []journal.Known{
		{UID: 1, Print: ep("M1", "<a>", old, 10), Order: 5},
		{UID: 2, Print: ep("M2", "", old, 10), Order: 7},
		{UID: 3, Print: ep("M3", "<c>", noon, 10), Order: 9},
		{UID: 4, Print: ep("M4", "<t>", old, 10), Order: 11},
		{UID: 5, Print: ep("M4", "<t>", noon, 10), Order: 13},
	}
	now := []journal.Known{
		{UID: 11, Print: ep("M1", "<a>", noon, 12)},  // the server rewrote date and size
		{UID: 12, Print: ep("M2", "", noon, 10)},     // known without a Message-ID
		{UID: 13, Print: ep("M9", "<c>", noon, 10)},  // another message, however alike
		{UID: 14, Print: ep("M4", "<t>", noon, 10)},  // twins share an EMAILID: the exact one
		{UID: 15, Print: ep("M4", "<t>", noon, 99)},  // then the other
		{UID: 16, Print: ep("M4", "<t>", noon, 100)}, // and no third
	}
	ordered, _, fresh := matchKnown(before, now, noon)
	if want := []imap.UID{13, 16}; !slices.Equal(fresh, want) {
		t.Errorf("fresh = %v, want %v", fresh, want)
	}
	for i, want := range []int64{5, 7, 0, 13, 11, 0} {
		if ordered[i].Order != want {
			t.Errorf("UID %d has order %d, want %d", ordered[i].UID, ordered[i].Order, want)
		}
	}
	// The server that the mail was moved to gave every message another EMAILID.
	for i := range now {
		now[i].Print.EmailID = "X" + now[i].Print.EmailID
	}
	if _, _, fresh = matchKnown(before, now, noon); slices.Contains(fresh, 11) || slices.Contains(fresh, 13) {
		t.Errorf("after a migration fresh = %v: what is known became new", fresh)
	}
}

func TestAssignByEmailID(t *testing.T) {
	s := step(actions.Move, "r", "T", journal.Recorded)
	s.TargetNext = 5
	make := func(uid imap.UID, p journal.Fingerprint) *task {
		e := entryWith(s)
		e.UID, e.Print = uid, p
		return &task{Entry: e}
	}
	group := []*task{make(1, ep("M1", "<a>", noon, 10)), make(2, ep("M2", "<a>", noon, 10)), make(3, ep("M1", "<a>", noon, 10))}
	there := []journal.Known{
		{UID: 5, Print: ep("M9", "<a>", noon, 10)},                // as alike as can be, and another message
		{UID: 6, Print: ep("M1", "<a>", noon.Add(time.Hour), 10)}, // the copy of one of the twins, its date rewritten
	}
	got, weak := assign(group, there, map[imap.UID]bool{})
	if len(got) != 1 || got[1] != 6 || weak[1] {
		t.Errorf("assign = %v, weak %v: there is one copy, and an EMAILID proves it", got, weak)
	}
}

func TestTooManyHops(t *testing.T) {
	e := entryWith(step(actions.Copy, "r", "A", journal.StepDone), step(actions.Move, "r", "B", journal.StepDone))
	e.Steps[0].At, e.Steps[1].At = noon, noon
	for _, tc := range []struct {
		name string
		at   time.Time
		want int
	}{{"a day ago", noon.Add(hopWindow), 0}, {"less than a day ago", noon.Add(hopWindow - 1), 1}} {
		if got := movesOf(e, tc.at.Add(-hopWindow)); got != tc.want {
			t.Errorf("%s: %d moves, want %d", tc.name, got, tc.want)
		}
	}
	if tooManyHops(hopLimit-1) != "" || !strings.Contains(tooManyHops(hopLimit), "imapilot confirm") {
		t.Error("the limit is not where it is said to be, or does not say what to do")
	}
}
