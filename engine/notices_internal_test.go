package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"imapilot/engine/journal"
)

// What the journal keeps of a notice brings it back.
func TestNoticesSurviveAsEvents(t *testing.T) {
	var events []journal.Event
	want := []Notice{
		{Kind: NoticeParked, Account: "home", Text: "account home is parked"},
		{Kind: NoticeStale, Account: "home", Mailbox: "Lists/a", Text: "home/Lists/a is not alive"},
		{Kind: NoticeRuleHeld, Account: "home", Rule: "lists", Text: "held"},
		{Kind: NoticeEndpoint, Account: "home", Endpoint: `a "quoted": \name`, Text: "it takes no calls: HTTP 500"},
	}
	for _, n := range want {
		events = append(events, n.event(false), n.event(true), n.event(false))
	}
	over := Notice{Kind: NoticeRuleError, Account: "home", Rule: "x", Text: "an error"}
	events = append(events, over.event(false), journal.Event{Kind: "baseline", Text: "endpoint \"x\": y"}, over.event(true), journal.Event{Kind: "endpoint_dead", Text: `endpoint "cut`})
	for i := range events {
		events[i].Account = "home"
	}
	got := activeOf(events)
	if len(got) != len(want) {
		t.Fatalf("%d stand, want %d", len(got), len(want))
	}
	for _, n := range want {
		if st := got[n.key()]; st == nil || st.Notice != n {
			t.Errorf("%+v: %+v", n, st)
		}
	}
}

// A condition is told once for as long as it lasts, and as over once it has been away
// for a while; one of which nothing is known stays.
func TestOneNoticeForEachCondition(t *testing.T) {
	now := time.Now()
	parked := Notice{Kind: NoticeParked, Account: "home", Text: "parked"}
	active := map[noticeKey]*standing{}
	steps := []struct {
		after time.Duration
		wrong bool
		clear bool
		want  string
	}{
		{0, false, true, ""},
		{0, true, false, "told"},
		{time.Hour, true, false, ""},
		{time.Minute, false, false, ""}, // it tries to log in
		{time.Hour, false, false, ""},
		{time.Minute, false, true, ""},
		{settled - 1, false, true, ""},
		{0, true, false, ""}, // it came back in time
		{time.Minute, false, true, ""},
		{settled, false, true, "over"},
		{time.Hour, false, true, ""},
		{0, true, false, "told"},
	}
	for i, st := range steps {
		now = now.Add(st.after)
		s := sight{clear: func(Notice) bool { return st.clear }}
		if st.wrong {
			s.wrong = []Notice{parked}
		}
		got := ""
		for _, c := range compare(active, s, now) {
			if got = "told"; c.over {
				got = "over"
				delete(active, c.key())
				continue
			}
			active[c.key()] = &standing{Notice: c.Notice}
		}
		if got != st.want {
			t.Errorf("step %d: %q, want %q", i, got, st.want)
		}
	}
}

func TestSeenConditions(t *testing.T) {
	now := time.Now()
	watching := AccountStatus{Name: "home", State: Watching, CaughtUp: now, began: now.Add(-2 * time.Hour)}
	with := func(change func(*evidence)) evidence {
		x := evidence{status: watching, hasRule: onlyRule("lists"), endpoints: map[string]outletState{"ci": {}}}
		change(&x)
		return x
	}
	stale := []Trouble{{Account: "home", Mailbox: "INBOX", Kind: TroubleStale, For: 1, Text: "silent"}, {Account: "home", Mailbox: "Lists/a", Kind: TroubleFailing, For: 2, Text: "NO"}}
	for name, tc := range map[string]struct {
		x    evidence
		want string
	}{
		"fine":     {with(func(*evidence) {}), ""},
		"parked":   {with(func(x *evidence) { x.status.Troubles = []Trouble{{Account: "home", Kind: TroubleParked, Text: "NO"}} }), "account_parked"},
		"fenced":   {with(func(x *evidence) { x.status.Troubles = []Trouble{{Account: "home", Kind: TroubleFenced}} }), "account_fenced"},
		"starting": {with(func(x *evidence) { x.status.Troubles = []Trouble{{Account: "home", Kind: TroubleStarting}} }), ""},
		// However many mailboxes, it is one notice.
		"stale": {with(func(x *evidence) { x.status.Troubles = stale }), "mailbox_stale Lists/a: home/Lists/a is not alive: NO (and 1 more mailboxes)"},
		"error": {with(func(x *evidence) {
			x.status.RuleErrors = []RuleErrors{{Rule: "lists", At: now, Last: "e"}, {Rule: "gone", At: now}}
		}), "rule_error lists"},
		"old":      {with(func(x *evidence) { x.status.RuleErrors = []RuleErrors{{Rule: "lists", At: now.Add(-errorsLast)}} }), ""},
		"held":     {with(func(x *evidence) { x.held = map[string]heldOf{"lists": {3, "limit reached"}} }), "rule_held lists"},
		"dead":     {with(func(x *evidence) { x.endpoints["ci"] = outletState{deadSince: now.Add(-deadAfter), why: "HTTP 500"} }), "endpoint_dead ci"},
		"fails":    {with(func(x *evidence) { x.endpoints["ci"] = outletState{deadSince: now.Add(1 - deadAfter)} }), ""},
		"disabled": {with(func(x *evidence) { x.endpoints["ci"] = outletState{deadSince: time.Unix(0, 0)} }), "endpoint_dead ci"},
	} {
		var got []string
		for _, n := range see(tc.x, now).wrong {
			text := strings.TrimSpace(string(n.Kind) + " " + n.Rule + n.Endpoint + n.Mailbox)
			if n.Kind == NoticeStale {
				text += ": " + n.Text
			}
			got = append(got, text)
			if n.Account != "home" || n.Text == "" || n.Since.IsZero() {
				t.Errorf("%s: %+v", name, n)
			}
		}
		if text := strings.Join(got, ", "); text != tc.want {
			t.Errorf("%s: %q, want %q", name, text, tc.want)
		}
	}
}

// What is over is only what is known to be: a restart ends nothing.
func TestWhatIsOver(t *testing.T) {
	now := time.Now()
	fine := evidence{status: AccountStatus{State: Watching, CaughtUp: now, began: now.Add(-2 * time.Hour)}, hasRule: onlyRule("r"), endpoints: map[string]outletState{"ci": {took: true}}}
	begins := evidence{status: AccountStatus{State: Connecting, began: now}, hasRule: onlyRule("r"), endpoints: map[string]outletState{"ci": {}}}
	for _, n := range []Notice{{Kind: NoticeParked}, {Kind: NoticeFenced}, {Kind: NoticeStale}, {Kind: NoticeRuleError, Rule: "r"}, {Kind: NoticeEndpoint, Endpoint: "ci"}} {
		if !fine.isClear(n, now) {
			t.Errorf("%s is not over", n.Kind)
		}
		if begins.isClear(n, now) {
			t.Errorf("%s is over at the start", n.Kind)
		}
	}
	if !begins.isClear(Notice{Kind: NoticeRuleError, Rule: "gone"}, now) || !begins.isClear(Notice{Kind: NoticeEndpoint, Endpoint: "gone"}, now) {
		t.Error("a rule and an endpoint that are not configured any more")
	}
	if !slices.Contains(NoticeKinds(), NoticeEndpoint) {
		t.Error("a kind is not listed")
	}
}

// onlyRule is a configuration with one rule.
func onlyRule(rule string) func(string) bool { return func(name string) bool { return name == rule } }
