package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"imapilot/engine/enginetest/corpus"
	"imapilot/rules/facts"
)

// TestIndexAsksWhoeverCouldMatch compares the walk over the rules that the
// index finds with the walk over all of them, for random conditions over the
// corpus.
func TestIndexAsksWhoeverCouldMatch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		var list []RuleSource
		for i := range 40 {
			r := rule(fmt.Sprint("r", i), randomCondition(random, 3), fmt.Sprintf("add_flags: $r%d", i))
			r.Stop = random.IntN(8) == 0
			list = append(list, r)
		}
		rs, _ := Compile(baseSource(list...))
		if rs == nil {
			continue // a rule of the round can never be reached
		}
		for _, m := range corpus.Messages(t)[:200] {
			in := sampleInput()
			in.Message.Header = facts.ParseHeader(m.Raw)
			all := rs.Evaluate(in)
			in.Every = false
			if some := rs.Evaluate(in); some.Plan.String() != all.Plan.String() || some.StoppedBy != all.StoppedBy {
				t.Fatalf("round %d, %s:\n indexed %s\n all     %s", round, m.Name, some.Plan, all.Plan)
			}
		}
	}
}

// randomCondition is a condition of the kinds that the index knows, and others.
func randomCondition(random *rand.Rand, depth int) string {
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	if depth > 0 && random.IntN(3) > 0 {
		a, b := randomCondition(random, depth-1), randomCondition(random, depth-1)
		return pick("("+a+" and "+b+")", "("+a+" or "+b+")", "not ("+a+")")
	}
	word := pick("a", "re", "The", "com", "org", "linux", "spam", "free", "you")
	domain := pick("example.com", "yahoo.com", "hotmail.com", "freshrpms.net", "lists.sourceforge.net", "")
	return pick(
		fmt.Sprintf("from.domain == %q", domain), fmt.Sprintf("%q == from.domain", domain), fmt.Sprintf("from.domain in [%q, %q]", domain, word),
		fmt.Sprintf("subject contains %q", word), fmt.Sprintf("has(subject, %q, %q)", word, domain), fmt.Sprintf("subject startsWith %q", word),
		fmt.Sprintf("from.domain endsWith %q", word), `in_list(from.address, "vips")`, `"$Invoice" in flags`, `"$Other" in flags`,
		"seen", "flagged", "size > kb(1)", fmt.Sprintf("list.id contains %q", word),
		fmt.Sprintf("any(to, .domain == %q)", domain), fmt.Sprintf("one(recipients, .address contains %q and .name == %q)", word, domain), fmt.Sprintf("none(to, .domain == %q)", domain),
		fmt.Sprintf("any(cc, .local in [%q, %q] or .domain == %q)", word, domain, domain), fmt.Sprintf("any(to, any(cc, .domain == %q))", domain),
		fmt.Sprintf("any(to, from.domain == %q)", domain), fmt.Sprintf("any(attachments, .name endsWith %q)", pick(".pdf", ".doc")), fmt.Sprintf("all(to, .domain == %q)", domain), fmt.Sprintf("header(%q) == %q", pick("X-Mailer", "Precedence"), pick("bulk", "list", "")),
	)
}

// TestIndexAsksFew holds that of a thousand rules of one kind only those are
// asked that the message concerns.
func TestIndexAsksFew(t *testing.T) {
	for _, kind := range kinds() {
		for _, matching := range []int{0, 1} {
			rs := mustCompile(t, kind.rules(1000, matching == 1))
			r := newRun(rs)
			r.begin(sampleInput())
			rs.index.find(r, r.candidates)
			if asked := len(slices.Collect(r.candidates.all())); asked != matching {
				t.Errorf("%s: %d rules are asked, want %d", kind.name, asked, matching)
			}
		}
	}
}

// TestEvaluationLeavesNothingBehind: what is reused has nothing of the message
// before in it.
func TestEvaluationLeavesNothingBehind(t *testing.T) {
	rs := mustCompile(t, everything())
	decide := func(m corpus.Message) string {
		in := sampleInput()
		in.Message = received(m.Raw)
		d := rs.Evaluate(in)
		return fmt.Sprintf("%+v", d)
	}
	all := corpus.Messages(t)[:200]
	var forth []string
	for _, m := range all {
		forth = append(forth, decide(m))
	}
	for i, m := range slices.Backward(all) {
		if back := decide(m); back != forth[i] {
			t.Fatalf("%s after the next one:\n%s\nafter the one before:\n%s", m.Name, back, forth[i])
		}
	}
}

func TestPlainNoHasNoVerdict(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("other", `from.domain == "x.org"`, "trash"), rule("asked", "not flagged and draft", "trash"), rule("yes", "seen", "add_flags: $y")))
	in := sampleInput()
	in.Every = false
	if d := rs.Evaluate(in); len(d.Verdicts) != 1 || d.Verdicts[0].Rule != "yes" {
		t.Errorf("%+v", d.Verdicts)
	}
}

// Two rules about two parts of the same list do not get into each other's way.
func TestIndexTellsPartsApart(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("local", `any(to, .local == "me")`, "add_flags: $a"), rule("domain", `any(to, .domain == "example.com")`, "add_flags: $b"),
		rule("type", `any(attachments, .type == "application/pdf")`, "add_flags: $c"), rule("name", `any(attachments, .name == "rechnung.pdf")`, "add_flags: $d")))
	in := sampleInput()
	in.Every = false
	if got, want := rs.Evaluate(in).Plan.String(), "add_flags: [$a], add_flags: [$b], add_flags: [$c], add_flags: [$d]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestIndexAsksAllWhereTheFactIsMissing(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("a", `from.domain == "x.org"`, "trash")))
	in := sampleInput()
	in.Message.Header, in.Every = nil, false
	if d := rs.Evaluate(in); d.Missing.Stage() != StageHeader {
		t.Errorf("%+v", d)
	}
}

func TestMatcher(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	word := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("ab"[random.IntN(2)])
		}
		return b.String()
	}
	for range 2000 {
		var texts []string
		for range 1 + random.IntN(6) {
			texts = append(texts, word(1+random.IntN(4)))
		}
		s := word(random.IntN(12))
		var got, want []int
		newMatcher(texts).find(s, func(i int) { got = append(got, i) })
		for i, text := range texts {
			if strings.Contains(s, text) {
				want = append(want, i)
			}
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Fatalf("%q in %q: %v, want %v", texts, s, got, want)
		}
	}
}
