package rules

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"imapilot/engine/enginetest/corpus"
	"imapilot/rules/facts"
)

// sketch prints a part with its truth, values, and a star where it decided.
func sketch(p *Part) string {
	star := ""
	if p.Decisive {
		star = "*"
	}
	var inner []string
	for _, side := range p.Parts {
		inner = append(inner, sketch(side))
	}
	for _, v := range p.Values {
		inner = append(inner, v.Text+"="+v.Value)
	}
	op := p.Operator
	if op == "" {
		op = p.Text
	}
	return fmt.Sprintf("%s%s:%v(%s)", star, op, p.Truth, strings.Join(inner, ", "))
}

func TestExplainParts(t *testing.T) {
	for _, tt := range []struct{ condition, want string }{
		{`seen`, `*seen:true()`},
		{`not seen`, `*not:false(*seen:true())`},
		{`from.domain == "x.org" and seen and subject contains "y"`,
			`*and:false(*from.domain == "x.org":false(from.domain="mail.example.org"), seen:true(), subject contains "y":true(subject="Your INVOICE for Äpfel"))`},
		{`flagged or size > mb(1)`, `*or:true(flagged:false(), *size > mb(1):true(size=2097152))`},
		{`flagged or draft`, `*or:false(*flagged:false(), *draft:false())`},
		{`hour(received) < 7`, `*hour(received) < 7:true(hour(received)=0, received=2026-01-04 00:30:00 +0100)`},
		{`any(to, .domain == "example.com")`, `*any(to, .domain == "example.com"):true(to=["me@example.net", "you@example.com"])`},
		{`age > days(30)`, `*age > days(30):true(age=37 days 12 hours)`},
		{`header("X-Spam-Flag") == "yes" and vip`, `*and:true(*header("X-Spam-Flag") == "yes":true(header("X-Spam-Flag")="YES"), *define:true(*in_list(from.address, "vips"):true(from.address="Ann@mail.example.org")))`},
		{`trim(subject) == ""`, `*trim(subject) == "":false(trim(subject)="Your INVOICE for Äpfel", subject="Your INVOICE for Äpfel")`},
	} {
		src := baseSource(rule("r", tt.condition, "trash"))
		src.Define = []DefineSource{{Name: Text{Value: "vip"}, Expr: Text{Value: `in_list(from.address, "vips")`}}}
		x := mustCompile(t, src).Explain(sampleInput())
		if got := sketch(x.Rules[0].Condition); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.condition, got, tt.want)
		}
	}
}

func TestExplainSaysWhyARuleWasNotAsked(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("elsewhere", "true", "trash").inside("Junk"), rule("first", "seen", "move: X").stopping(), rule("second", "flagged", "trash")))
	x := rs.Explain(sampleInput())
	for i, want := range []string{"it does not look at this mailbox", "", `"first" before it stopped the walk`} {
		if got := x.Rules[i].NotAsked; got != want {
			t.Errorf("%s: %q, want %q", x.Rules[i].Rule.Name, got, want)
		}
	}
	if x.Rules[0].Condition != nil || x.Rules[2].Condition == nil || x.Rules[2].Condition.Truth != False {
		t.Error("a rule after a stop tells by itself what it would say; one for another mailbox does not")
	}
	if len(x.Rules[1].Items) != 1 || x.Decision.StoppedBy != "first" {
		t.Errorf("%+v", x.Rules[1])
	}
}

func TestExplainOfWhatIsNotFetched(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("r", `subject == "x" and seen`, "trash")))
	in := sampleInput()
	in.Message.Header = nil
	p := rs.Explain(in).Rules[0].Condition
	if got, want := sketch(p), `*and:unknown(*subject == "x":unknown(subject=not fetched: header), seen:true())`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestExplainAgreesWithTheWalk: what is shown is what happened.
func TestExplainAgreesWithTheWalk(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	messages := corpus.Messages(t)
	for range 30 {
		var list []RuleSource
		for i := range 5 {
			list = append(list, rule(fmt.Sprint("r", i), randomCondition(random, 3), fmt.Sprintf("add_flags: $r%d", i)))
		}
		rs, _ := Compile(baseSource(list...))
		if rs == nil {
			continue
		}
		in := sampleInput()
		in.Message.Header = facts.ParseHeader(messages[random.IntN(len(messages))].Raw)
		for _, r := range rs.Explain(in).Rules {
			if r.NotAsked == "" && r.Condition.Truth != r.Verdict.Truth {
				t.Errorf("%s: shown as %v, was %v", r.Rule.If, r.Condition.Truth, r.Verdict.Truth)
			}
		}
	}
}

func TestEval(t *testing.T) {
	for _, tt := range []struct{ expr, typ, shown string }{
		{`subject`, "a text", `"Your INVOICE for Äpfel"`},
		{`size > 5 and not flagged`, "a condition", "true"},
		{`flagged and subject contains "x"`, "a condition", "false"},
		{`to`, "a list of addresses", `["me@example.net", "you@example.com"]`},
		{`map(to, .domain)`, "a list of texts", `["example.net", "example.com"]`},
		{`age`, "a duration", "37 days 12 hours"},
		{`year(received) + 1`, "a number", "2027"},
		{`vip`, "a condition", "true"},
	} {
		src := baseSource(rule("broken", "nonsense(", "trash"))
		src.Define = []DefineSource{{Name: Text{Value: "vip"}, Expr: Text{Value: `in_list(from.address, "vips")`}}}
		got, problems := Eval(src, Text{Value: tt.expr}, sampleInput())
		if len(problems) > 0 || got.Type != tt.typ || got.Shown != tt.shown || got.Err != nil {
			t.Errorf("%s: %+v %v", tt.expr, got, problems)
		}
	}
	if _, problems := Eval(baseSource(), Text{Value: "subjct"}, sampleInput()); len(problems) != 1 || problems[0].Hint != "did you mean subject?" {
		t.Errorf("%+v", problems)
	}
}

func TestEvalOfAGroup(t *testing.T) {
	for _, group := range []string{"from", "list", "seen ? from : list"} {
		if got, problems := Eval(baseSource(), Text{Value: group}, sampleInput()); len(problems) != 1 || !strings.Contains(problems[0].Message, "a group of fields") {
			t.Errorf("%s: %+v, %+v", group, got, problems)
		}
	}
}

func TestShowOfExtremes(t *testing.T) {
	for _, d := range []time.Duration{math.MinInt64, math.MaxInt64, 0, -1} {
		if got := Show(d, time.UTC); got == "" {
			t.Errorf("%d shows nothing", d)
		}
	}
}

func TestShowIsHarmless(t *testing.T) {
	got := Show("a\x1b[2J\u202eb\n", nil)
	if strings.ContainsAny(got, "\x1b\n\u202e") {
		t.Errorf("%q", got)
	}
}
