package actions_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
)

func item(rule string, a actions.Action) actions.Item { return actions.Item{Rule: rule, Action: &a} }

func flags(kind actions.Kind, list ...imap.Flag) actions.Action {
	return actions.Action{Kind: kind, Flags: list}
}

func to(kind actions.Kind, mailbox string) actions.Action {
	return actions.Action{Kind: kind, Mailbox: mailbox}
}

var (
	trash   = actions.Action{Kind: actions.Trash}
	expunge = actions.Action{Kind: actions.Expunge}
	monday  = time.Date(2026, 5, 11, 8, 0, 0, 0, time.FixedZone("", 7200))
	hook    = actions.Action{Kind: actions.Webhook, Endpoint: "ci"}
)

// TestResolve prints each plan, and what is left to apply in its order.
func TestResolve(t *testing.T) {
	for _, c := range []struct {
		name            string
		items           []actions.Item
		plan, effective string
	}{
		{"nothing", nil, "keep", ""},
		{"the order of apply",
			[]actions.Item{item("a", to(actions.Move, "B")), item("a", to(actions.Copy, "C")), item("b", flags(actions.RemoveFlags, `\Flagged`)), item("b", hook), item("b", flags(actions.AddFlags, `\Seen`))},
			`move: B, copy: C, remove_flags: [\Flagged], webhook: ci, add_flags: [\Seen]`,
			`webhook: ci, remove_flags: [\Flagged], add_flags: [\Seen], copy: C, move: B`},
		{"the first destination wins",
			[]actions.Item{item("a", to(actions.Move, "A")), item("b", to(actions.Move, "B")), item("c", trash), item("d", expunge), item("d", to(actions.Copy, "D"))},
			`move: A, move: B (superseded by a), trash (superseded by a), expunge (superseded by a), copy: D`,
			`copy: D, move: A`},
		{"snooze is a destination",
			[]actions.Item{item("a", flags(actions.AddFlags, `$x`)), item("b", actions.Action{Kind: actions.Snooze, Until: monday}), item("c", trash)},
			`add_flags: [$x], snooze: {until: 2026-05-11T08:00:00+02:00}, trash (superseded by b)`,
			`add_flags: [$x], snooze: {until: 2026-05-11T08:00:00+02:00}`},
		{"expunge first",
			[]actions.Item{item("a", expunge), item("b", to(actions.Move, "B"))},
			`expunge, move: B (superseded by a)`, `expunge`},
		{"all flags win over those before",
			[]actions.Item{item("a", flags(actions.AddFlags, `\Seen`)), item("b", flags(actions.SetFlags, `$x`)), item("c", flags(actions.RemoveFlags, `\Flagged`)), item("c", flags(actions.AddFlags, `$y`))},
			`add_flags: [\Seen] (superseded by b), set_flags: [$x], remove_flags: [\Flagged], add_flags: [$y]`,
			`set_flags: [$x], remove_flags: [\Flagged], add_flags: [$y]`},
		{"the last change of a flag wins",
			[]actions.Item{item("a", flags(actions.AddFlags, `\Seen`)), item("b", flags(actions.RemoveFlags, `\SEEN`))},
			`add_flags: [\Seen] (superseded by b), remove_flags: [\SEEN]`, `remove_flags: [\SEEN]`},
		{"a part of the flags",
			[]actions.Item{item("a", flags(actions.AddFlags, `\Seen`, "$A")), item("b", flags(actions.RemoveFlags, `\Seen`, "$B"))},
			`add_flags: [$A], remove_flags: [\Seen, $B]`, `add_flags: [$A], remove_flags: [\Seen, $B]`},
		{"back and forth",
			[]actions.Item{item("a", flags(actions.AddFlags, "$A")), item("b", flags(actions.RemoveFlags, "$A")), item("c", flags(actions.AddFlags, "$A"))},
			`add_flags: [$A] (superseded by b), remove_flags: [$A] (superseded by c), add_flags: [$A]`, `add_flags: [$A]`},
		{"lost in two parts",
			[]actions.Item{item("a", flags(actions.RemoveFlags, "$A", "$B")), item("b", flags(actions.AddFlags, "$A")), item("c", flags(actions.AddFlags, "$B"))},
			`remove_flags: [$B] (superseded by c), add_flags: [$A], add_flags: [$B]`, `add_flags: [$A], add_flags: [$B]`},
		{"the same twice",
			[]actions.Item{item("a", flags(actions.AddFlags, "$A")), item("b", flags(actions.AddFlags, "$A"))},
			`add_flags: [$A], add_flags: [$A]`, `add_flags: [$A], add_flags: [$A]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p actions.Plan
			for _, i := range c.items {
				p.Add(i)
			}
			p.Resolve()
			if got := p.String(); got != c.plan {
				t.Errorf("plan:\n got %s\nwant %s", got, c.plan)
			}
			var effective []string
			for _, i := range p.Effective() {
				effective = append(effective, i.Action.String())
			}
			if got := strings.Join(effective, ", "); got != c.effective {
				t.Errorf("effective:\n got %s\nwant %s", got, c.effective)
			}
		})
	}
}

func TestResolveLeavesTheRulesAlone(t *testing.T) {
	of := []imap.Flag{imap.FlagSeen, "$A"}
	p := actions.Plan{Items: []actions.Item{item("a", flags(actions.AddFlags, of...)), item("b", flags(actions.RemoveFlags, imap.FlagSeen))}}
	p.Resolve()
	if !reflect.DeepEqual(of, []imap.Flag{imap.FlagSeen, "$A"}) {
		t.Errorf("the rule's own flags became %v", of)
	}
	if got := p.Items[0].Action.Flags; !reflect.DeepEqual(got, []imap.Flag{"$A"}) {
		t.Errorf("the plan's became %v", got)
	}
}

// One action is a part of the plans of many messages.
func TestResolveChangesNoSharedAction(t *testing.T) {
	add := &actions.Action{Kind: actions.AddFlags, Flags: []imap.Flag{imap.FlagSeen, "$A"}}
	label := &actions.Action{Kind: actions.AddLabels, Labels: []string{"A", "B"}}
	for range 2 {
		p := actions.Plan{Items: []actions.Item{
			{Action: add, Rule: "a"}, {Action: label, Rule: "a"}, item("b", flags(actions.RemoveFlags, imap.FlagSeen)),
			item("b", actions.Action{Kind: actions.RemoveLabels, Labels: []string{"A"}}),
		}}
		p.Resolve()
		const want = `add_flags: [$A], add_labels: [B], remove_flags: [\Seen], remove_labels: [A]`
		if p.String() != want || len(add.Flags) != 2 || len(label.Labels) != 2 {
			t.Errorf("%s: %v, %v", p, add, label)
		}
	}
}

func TestDestination(t *testing.T) {
	p := actions.Plan{Items: []actions.Item{item("a", to(actions.Copy, "C")), item("b", trash), item("c", to(actions.Move, "D"))}}
	p.Resolve()
	if got, ok := p.Destination(); !ok || got.Rule != "b" {
		t.Errorf("%+v, %v", got, ok)
	}
	if got, ok := (actions.Plan{Items: p.Items[:1]}).Destination(); ok {
		t.Errorf("%+v", got)
	}
}

func TestEqual(t *testing.T) {
	a := flags(actions.AddFlags, `\Seen`, "$A")
	for _, c := range []struct {
		b    actions.Action
		want bool
	}{
		{flags(actions.AddFlags, "$a", `\seen`, "$A"), true},
		{flags(actions.AddFlags, `\Seen`), false},
		{flags(actions.RemoveFlags, `\Seen`, "$A"), false},
		{to(actions.Move, "B"), false},
	} {
		if a.Equal(c.b) != c.want || c.b.Equal(a) != c.want {
			t.Errorf("%v and %v: want %v", a, c.b, c.want)
		}
	}
	if to(actions.Move, "B").Equal(to(actions.Move, "b")) || hook.Equal(actions.Action{Kind: actions.Webhook, Endpoint: "x"}) {
		t.Error("different targets are equal")
	}
}

// The journal holds plans as JSON.
func TestPlanSurvivesJSON(t *testing.T) {
	p := actions.Plan{Items: []actions.Item{
		{Rule: "a", Hash: "h", Index: 2, Action: new(flags(actions.AddFlags, `\Seen`))},
		{Rule: "b", SupersededBy: "a", Action: new(to(actions.Move, `Ünïcode/"quoted"`))},
		{Rule: "c", Action: &hook},
	}}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back actions.Plan
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("%s became %+v (%v)", text, back, err)
	}
}
