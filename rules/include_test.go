package rules

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"imapilot/actions"
	"imapilot/rules/facts"
)

// including is a rule whose call includes these.
func including(limit int, what ...string) RuleSource {
	return calling(func(a *ActionSource) {
		a.RawLimit = limit
		for i, word := range what {
			a.Include = append(a.Include, Text{Value: word, Pos: 50 + i})
		}
	})
}

// What a call includes is in its action, is no need of the rule itself, and is needed
// by those that make the call.
func TestIncludeOfAWebhook(t *testing.T) {
	in := sampleInput()
	in.Message.Structure, in.Message.Text, in.Message.WholeHeader = nil, nil, false
	rs := mustCompile(t, baseSource(including(0, "raw", "headers", "text", "attachments")))
	d := rs.Evaluate(in)
	if !d.Missing.IsZero() || len(d.Plan.Items) != 1 {
		t.Fatalf("%+v", d)
	}
	a := d.Plan.Items[0].Action
	if !slices.Equal(a.Include, []string{"raw", "headers", "text", "attachments"}) || a.RawLimit != DefaultRaw {
		t.Errorf("%+v", a)
	}
	want := Needs{WholeHeader: true, Structure: true, Contents: []facts.Content{facts.TextContent}, Raw: DefaultRaw}
	if got := CallNeeds(d.Plan.Items); !reflect.DeepEqual(withoutFields(got), want) {
		t.Errorf("%+v", got)
	}
	if needs := rs.Needs("home", Mailbox{Name: "INBOX"}); needs.WholeHeader || needs.Structure || needs.Raw > 0 || len(needs.Contents) > 0 {
		t.Errorf("of every message: %+v", needs)
	}
	if r := rs.Report(in.Now, SearchProfile{})[0]; !reflect.DeepEqual(withoutFields(r.Includes), want) || slices.Contains(r.Stages, StageRaw) {
		t.Errorf("%+v", r)
	}
	if got := callOf(t, including(99<<20, "raw"), sampleInput()).RawLimit; got != MaxRaw {
		t.Errorf("%d octets", got)
	}
	if got := callOf(t, including(0, "text"), sampleInput()).RawLimit; got != 0 {
		t.Errorf("%d octets of what is not included", got)
	}
}

func withoutFields(n Needs) Needs {
	n.HeaderFields = nil
	return n
}

// What is missing comes in stages, the raw message last, and a part of it does for
// those who need no more.
func TestMissingOfWhatIsIncluded(t *testing.T) {
	needs := Needs{WholeHeader: true, Structure: true, Contents: []facts.Content{facts.TextContent}, Raw: 10}
	m := &facts.Message{Header: &facts.Header{}}
	for _, step := range []struct {
		want Needs
		get  func()
	}{
		{Needs{WholeHeader: true, Structure: true}, func() { m.WholeHeader, m.Structure = true, sampleMessage().Structure }},
		{Needs{Contents: needs.Contents}, func() { m.SetContent(facts.TextContent, []byte("x"), false) }},
		{Needs{Raw: 10}, func() { m.Raw = &facts.Raw{Data: []byte("123456789"), Truncated: true} }},
		{Needs{Raw: 10}, func() { m.Raw = &facts.Raw{Data: []byte("1234567890"), Truncated: true} }},
		{Needs{}, func() { m.Raw = &facts.Raw{Data: []byte("12")} }},
		{Needs{}, func() {}},
	} {
		got := needs.Missing(m)
		if !reflect.DeepEqual(got, step.want) || got.Raw > 0 && (got.Stage() != StageRaw || got.IsZero()) {
			t.Errorf("%+v, want %+v", got, step.want)
		}
		step.get()
	}
	if got := (Needs{Raw: 5}).and(Needs{Raw: 7}); got.Raw != 7 {
		t.Errorf("%+v", got)
	}
}

func TestProblemsOfIncludes(t *testing.T) {
	with := func(r RuleSource, set func(*ActionSource)) RuleSource {
		set(&r.Then[0])
		return r
	}
	for name, c := range map[string]struct {
		rule RuleSource
		src  func(*Source)
		want string
	}{
		"unknown": {including(0, "atachments"), nil, `there is nothing "atachments" to include`},
		"twice":   {including(0, "raw", "text", "raw"), nil, `"raw" is included twice`},
		"json":    {with(including(0, "text"), func(a *ActionSource) { a.JSON = &Document{Members: []Member{}} }), nil, "beside json:"},
		"preset":  {including(0, "text"), func(s *Source) { s.Presets = []string{"ci"} }, "has a preset"},
		"digest":  {including(0, "text"), func(s *Source) { s.Gathering = []string{"ci"} }, "many messages in one call"},
	} {
		src := baseSource(c.rule)
		if c.src != nil {
			c.src(&src)
		}
		_, problems := Compile(src)
		if len(problems) != 1 || !strings.Contains(problems[0].Message, c.want) || problems[0].Pos < 50 || problems[0].Hint == "" {
			t.Errorf("%s: %+v", name, problems)
		}
	}
}

// The hash has what is included, whatever its order.
func TestHashHasWhatIsIncluded(t *testing.T) {
	hash := func(r RuleSource) string { return mustCompile(t, baseSource(r)).Rules()[0].Hash }
	seen := map[string]bool{}
	for _, r := range []RuleSource{calling(func(*ActionSource) {}), including(0, "text"), including(0, "raw"), including(5<<20, "raw"), including(0, "raw", "text")} {
		seen[hash(r)] = true
	}
	if len(seen) != 5 || hash(including(0, "raw", "text")) != hash(including(0, "text", "raw")) {
		t.Errorf("%v", seen)
	}
	if a := (actions.Action{Kind: actions.Webhook, Endpoint: "ci", Include: []string{"raw"}}); !a.Equal(actions.Action{Kind: actions.Webhook, Endpoint: "ci"}) {
		t.Error("two calls of a webhook are the same whatever they say")
	}
}
