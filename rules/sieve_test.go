package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"imapilot/engine/enginetest/corpus"
	"imapilot/rules/facts"
)

// TestASieveLosesNoMessage takes random rules and messages of the corpus: what a sieve
// says no to, by flags and some header fields alone, has no verdict when all is known. When
// all is known, it says no to just those.
func TestASieveLosesNoMessage(t *testing.T) {
	const rounds, each = 1000, 10
	messages := corpus.Messages(t)
	random := rand.New(rand.NewPCG(7, 8))
	no, undated := 0, 0
	for range rounds {
		c := newSearchCase(random, messages)
		rs, conditions := c.ruleset()
		if rs == nil {
			continue // one of the rules can never be reached
		}
		for range each {
			m, server := c.message(messages)
			in := Input{Account: "home", Mailbox: Mailbox{Name: "INBOX"}, Message: m, Now: c.now}
			d := rs.Evaluate(in)
			plain := len(d.Verdicts) == 0 && d.Missing.IsZero()
			if got := rs.SaysNo(in); got != plain {
				t.Fatalf("%q: SaysNo is %v of a message with the verdicts %+v", conditions, got, d.Verdicts)
			}
			fields, ok := rs.Sieve("home", Mailbox{Name: "INBOX"})
			if !ok {
				continue
			}
			in.Message = sifted(m, server.raw, fields)
			switch says := rs.SaysNo(in); {
			case says && !plain:
				t.Fatalf("%q: the sieve of %v says no to a message with the verdicts %+v", conditions, fields, d.Verdicts)
			case says:
				no++
			case plain:
				undated++ // only its date or size says no
			}
		}
	}
	if no < rounds || undated < rounds/10 {
		t.Errorf("the sieve says no %d times, and %d times only a date could: the test tells nothing", no, undated)
	}
}

// sifted is what a sieve is told of a message.
func sifted(m *facts.Message, raw []byte, fields []string) *facts.Message {
	var header []byte
	for _, f := range fields {
		header = append(header, facts.OnlyField(raw, f)...)
	}
	return &facts.Message{UID: m.UID, Flags: m.Flags, Undated: true, Header: facts.ParseHeader(header)}
}

func TestSieve(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rules  []RuleSource
		fields string
		ok     bool
	}{
		{"the fields that rules read", []RuleSource{rule("a", `subject == "x" or size > 1`, "trash"), rule("b", `from.address == "a@b.example"`, "trash")}, "[From Subject]", true},
		{"of this mailbox", []RuleSource{rule("a", `subject == "x"`, "trash"), rule("b", `from.address == "a@b.example"`, "trash").inside("Junk")}, "[Subject]", true},
		{"no field at all", []RuleSource{rule("a", "flagged", "trash")}, "[]", false},
		{"a whole header", []RuleSource{rule("a", `"X-A" in header_names and subject == "x"`, "trash")}, "[Subject]", false},
		{"messages that are decided together", []RuleSource{rule("a", `duplicate and subject == "x"`, "trash")}, "[Subject]", false},
	} {
		rs := mustCompile(t, baseSource(tt.rules...))
		fields, ok := rs.Sieve("home", Mailbox{Name: "INBOX"})
		if ok != tt.ok || ok && fmt.Sprint(fields) != tt.fields {
			t.Errorf("%s: %v, %v", tt.name, fields, ok)
		}
	}
}

// What is said of a rule besides its condition keeps a message as well.
func TestSaysNoLooksAtMoreThanTheCondition(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("a", `subject == "nothing has it"`, "trash"), rule("b", `from.address == "nobody@b.example"`, "trash")))
	in := sampleInput()
	if !rs.SaysNo(in) {
		t.Fatal("the rules have something to say")
	}
	in.Message.Undated = true
	if !rs.SaysNo(in) {
		t.Error("flags and fields are enough")
	}
	if in.Message.Header = nil; rs.SaysNo(in) {
		t.Error("nothing is known of the header")
	}
	rs = mustCompile(t, baseSource(rule("a", "age > days(30) and not seen", "trash")))
	if in = sampleInput(); !slices.Contains(in.Message.Flags, `\Seen`) || !rs.SaysNo(in) {
		t.Fatal("it was seen")
	}
	in.Message.Undated, in.Message.Flags = true, nil
	if rs.SaysNo(in) {
		t.Error("nobody knows its age")
	}
	if d := rs.Evaluate(in); !d.Missing.Dated {
		t.Error("the date is missing, and nobody says so")
	}
}
