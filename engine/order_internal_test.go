package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// wanting is an entry of a message with steps: "flag", "copy", "move", or "expunge", with
// what they are about.
func wanting(seq int64, uid imap.UID, steps ...string) *task {
	w := &task{Entry: journal.Entry{Seq: seq, UID: uid}}
	for _, step := range steps {
		verb, what, _ := strings.Cut(step, " ")
		s := journal.Step{Target: what, State: journal.Recorded, Action: &actions.Action{Kind: actions.Move, Mailbox: what}}
		switch verb {
		case "flag":
			s.Target, s.Action = "", &actions.Action{Kind: actions.AddFlags, Flags: []imap.Flag{imap.Flag(what)}}
		case "copy":
			s.Action.Kind = actions.Copy
		case "expunge":
			s.Target, s.Action = "", &actions.Action{Kind: actions.Expunge}
		}
		w.Steps = append(w.Steps, s)
	}
	return w
}

func TestGroups(t *testing.T) {
	for name, c := range map[string]struct {
		ready []*task
		want  []string
	}{
		"what is independent goes together, in its order": {
			[]*task{wanting(1, 1, "move A"), wanting(2, 2, "flag x"), wanting(3, 3, "move A"), wanting(4, 4, "move B"), wanting(5, 5, "flag x")},
			[]string{"move A 1 3", "flag x 2 5", "move B 4"},
		},
		"a move waits for all copies": {
			[]*task{wanting(1, 1, "move A"), wanting(2, 2, "flag x"), wanting(3, 3, "copy B")},
			[]string{"flag x 2", "copy B 3"},
		},
		"a command waits for whom it will serve": {
			[]*task{wanting(1, 1, "move A"), wanting(2, 2, "flag x", "move A"), wanting(3, 3, "move B")},
			[]string{"flag x 2", "move B 3"},
		},
		"the flags of a message come before it leaves": {
			[]*task{wanting(1, 1, "move A"), wanting(2, 1, "flag x"), wanting(3, 2, "move A"), wanting(4, 3, "move B")},
			[]string{"flag x 1", "move B 3"},
		},
		"a message is in one command": {
			[]*task{wanting(1, 1, "move A"), wanting(2, 1, "move B"), wanting(3, 1, "move A"), wanting(4, 2, "move B")},
			[]string{"move A 1 1", "move B 2"},
		},
		"an EXPUNGE waits for all": {
			[]*task{wanting(1, 1, "expunge"), wanting(2, 2, "move A")},
			[]string{"move A 2"},
		},
		"an EXPUNGE waits for flags": {
			[]*task{wanting(1, 1, "expunge"), wanting(2, 2, "flag x")},
			[]string{"flag x 2"},
		},
		"an EXPUNGE alone does not wait": {
			[]*task{wanting(1, 1, "expunge")},
			[]string{"expunge 1"},
		},
	} {
		var got []string
		for _, g := range groups(c.ready) {
			var uids []imap.UID
			for _, w := range g {
				uids = append(uids, w.UID)
			}
			step := g[0].step()
			got = append(got, strings.Join(slices.DeleteFunc([]string{verbOf(step), what(step), strings.Trim(fmt.Sprint(uids), "[]")}, func(s string) bool { return s == "" }), " "))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func verbOf(s *journal.Step) string {
	return map[actions.Kind]string{actions.Move: "move", actions.Copy: "copy", actions.AddFlags: "flag", actions.Expunge: "expunge"}[s.Action.Kind]
}

func what(s *journal.Step) string {
	if len(s.Action.Flags) > 0 {
		return string(s.Action.Flags[0])
	}
	return s.Target
}

// A probe is one of those that may be sent: what waits for another step of its message is
// no probe, whoever was one last.
func TestAProbeKeepsTheOrder(t *testing.T) {
	before := wanting(1, 1, "copy T")
	before.probed = time.Now().Add(-time.Hour)
	ready := []*task{before, wanting(2, 2, "move T"), wanting(3, 2, "flag x")}
	c := &connection{account: &account{pauses: map[string]journal.Pause{"T": {Target: "T"}}}}
	for range 3 {
		for _, f := range c.flights(ready) {
			for _, g := range f {
				if step := g[0].step(); verbOf(step) == "move" {
					t.Errorf("message %d is moved before its flags are set", g[0].UID)
				}
			}
		}
	}
}

// The last flights are small, so that little is left to record when the server is done.
func TestFlightsOf(t *testing.T) {
	for _, c := range []struct {
		commands, messages int
		want               []int
	}{
		{1, 1, []int{1}}, {fewCommands, 1, []int{fewCommands}}, {20, 1, []int{10, 8, 2}},
		{250, 1, []int{64, 64, 61, 30, 15, 8, 8}},
		{100, batchSize / 10, []int{10, 10, 10, 10, 10, 10, 10, 10, 10, 8, 2}},
		{3, 10 * batchSize, []int{1, 1, 1}},
	} {
		var got []int
		for _, f := range flightsOf(slices.Repeat([]group{make(group, c.messages)}, c.commands)) {
			got = append(got, len(f))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d: %v, want %v", c.commands, got, c.want)
		}
	}
}
