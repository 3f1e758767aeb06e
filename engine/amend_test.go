package engine

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"imapilot/engine/journal"
)

// readerOf answers with what a query asks for, and remembers it.
type readerOf struct {
	asked []journal.Query
}

func (r *readerOf) Entries(_ context.Context, q journal.Query) ([]journal.Entry, error) {
	r.asked = append(r.asked, q)
	return nil, nil
}

// TestAmendableStates: a verb changes what it is for, and of that what was
// selected. A selection of none of it must not become one of all.
func TestAmendableStates(t *testing.T) {
	for _, tt := range []struct {
		verb     Verb
		outcomes []journal.EntryState
		want     []journal.EntryState
	}{
		{Confirm, nil, []journal.EntryState{journal.Held}},
		{Retry, nil, []journal.EntryState{journal.Failed, journal.Unsure, journal.Open}},
		{Retry, []journal.EntryState{journal.Unsure, journal.Held}, []journal.EntryState{journal.Unsure}},
		{Skip, []journal.EntryState{journal.Failed, journal.Unsure}, []journal.EntryState{journal.Failed, journal.Unsure}},
		{Confirm, []journal.EntryState{journal.Failed}, nil},
		{Skip, []journal.EntryState{journal.Done}, nil},
		{Verb("else"), nil, nil},
	} {
		r := &readerOf{}
		if _, err := Amendable(t.Context(), r, "home", tt.verb, Selection{Outcomes: tt.outcomes, Seqs: []int64{3}}); err != nil {
			t.Fatal(err)
		}
		switch {
		case tt.want == nil && len(r.asked) > 0:
			t.Errorf("%s %v: asked for %+v", tt.verb, tt.outcomes, r.asked)
		case tt.want != nil && (len(r.asked) != 1 || !slices.Equal(r.asked[0].States, tt.want) || !slices.Equal(r.asked[0].Seqs, []int64{3})):
			t.Errorf("%s %v: asked for %+v, want %v", tt.verb, tt.outcomes, r.asked, tt.want)
		}
	}
	if _, err := Amendable(t.Context(), &readerOf{}, "home", Skip, Selection{Seqs: make([]int64, journal.MaxSeqs+1)}); err == nil {
		t.Error("too many were taken")
	}
}

// TestProbeNow: a retry probes what was selected, and for single messages what
// is in their way.
func TestProbeNow(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	pauses := []journal.Pause{{Target: "Lists.go"}, {Target: "Archive"}, {Target: "INBOX"}}
	toLists := journal.Entry{Mailbox: "Junk", Steps: []journal.Step{{}, {Target: "Lists.go"}}}
	fromInbox := journal.Entry{Mailbox: "inbox"}
	for _, tt := range []struct {
		name    string
		sel     Selection
		entries []journal.Entry
		want    string
	}{
		{"all", Selection{}, nil, "Lists.go Archive INBOX"},
		{"account", Selection{Account: "home"}, nil, "Lists.go Archive INBOX"},
		{"mailbox", Selection{Mailbox: "Lists/go"}, nil, "Lists.go"},
		{"mailbox, and what its messages need", Selection{Mailbox: "Junk"}, []journal.Entry{toLists}, "Lists.go"},
		{"one message", Selection{Seqs: []int64{1}}, []journal.Entry{toLists}, "Lists.go"},
		{"a message in a paused mailbox", Selection{UID: 1}, []journal.Entry{fromInbox}, "INBOX"},
		{"no message", Selection{Rule: "x"}, nil, ""},
		{"outcome", Selection{Outcomes: []journal.EntryState{journal.Failed}}, nil, ""},
	} {
		var got []string
		for _, p := range probeNow(pauses, tt.sel, tt.entries, now) {
			got = append(got, p.Target)
			if !p.Probe.Equal(now) {
				t.Errorf("%s: %s is probed at %s", tt.name, p.Target, p.Probe)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
	if got := probeNow([]journal.Pause{{Target: ""}}, Selection{Seqs: []int64{1}}, []journal.Entry{toLists}, now); len(got) != 1 {
		t.Error("the whole account is in the way of each of its messages")
	}
}
