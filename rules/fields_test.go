package rules

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"imapilot/engine/enginetest/corpus"
	"imapilot/rules/facts"
)

// TestFieldsReadNoMoreThanTheyAskFor: a fact is the same on a header that has
// only the fields that it asks the server for.
func TestFieldsReadNoMoreThanTheyAskFor(t *testing.T) {
	fields := Fields()
	for _, m := range corpus.Messages(t) {
		whole := &snapshot{message: headerOnly(m.Raw), account: ownAccount()}
		for _, f := range fields {
			if f.needs.Stage() != StageHeader || f.needs.WholeHeader {
				continue
			}
			part := &snapshot{message: headerOnly(reduced(m.Raw, f.needs.HeaderFields)), account: ownAccount()}
			if got, want := f.value(part), f.value(whole); !reflect.DeepEqual(got, want) {
				t.Errorf("%s of %s is %v with its own fields and %v with all", f.Name, m.Name, got, want)
			}
		}
	}
}

func headerOnly(raw []byte) *facts.Message {
	return &facts.Message{Header: facts.ParseHeader(raw)}
}

func ownAccount() AccountSource {
	return AccountSource{Name: "home", Addresses: []string{"zzzz@example.com", "yyyy@localhost.netnoteinc.com"}, TrustedAuthserv: []string{"mx.example.org"}}
}

// reduced keeps the named fields of a header.
func reduced(raw []byte, names []string) []byte {
	var out strings.Builder
	keep := false
	for line := range strings.Lines(string(raw)) {
		if strings.TrimRight(line, "\r\n") == "" {
			break
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, ok := strings.Cut(line, ":")
			keep = ok && slices.Contains(names, canonicalHeader(strings.TrimRight(name, " \t")))
		}
		if keep {
			out.WriteString(line)
		}
	}
	return []byte(out.String() + "\r\n")
}

func TestForgedResultsCountForNothing(t *testing.T) {
	const message = "Authentication-Results: mx.example.net; dkim=pass header.d=example.org\r\n" +
		"Authentication-Results: mx.example.com; dmarc=pass header.from=paypal.com; spf=pass smtp.mailfrom=paypal.com\r\nFrom: x@paypal.com\r\n\r\n"
	for account, want := range map[string]string{"home": "pass none none [example.org]", "work": "none none none []"} {
		rs := mustCompile(t, baseSource())
		s := newSnapshot(Input{Message: received([]byte(message))}, rs.account(account), &facts.Header{})
		if got := fmt.Sprint(s.auth().DKIM, " ", s.auth().SPF, " ", s.auth().DMARC, " ", s.auth().Domains); got != want {
			t.Errorf("%s: %s, want %s", account, got, want)
		}
	}
}

func TestDomainsInBothForms(t *testing.T) {
	src := baseSource(rule("r", "true", "trash"))
	src.Lists = append(src.Lists, ListSource{Name: Text{Value: "idn"}, Values: []string{"ann@xn--bcher-kva.example"}})
	for _, raw := range []string{"From: ann@xn--bcher-kva.example\r\n\r\n", "From: ann@bücher.example\r\n\r\n"} {
		for _, condition := range []string{
			`from.domain == "bücher.example"`, `from.domain == "xn--bcher-kva.example"`, `from.domain in ["XN--bcher-kva.example"]`,
			`from.ascii == "xn--bcher-kva.example"`, `from.address endsWith "@xn--bcher-kva.example"`, `in_list(from.address, "idn")`,
			`under(from.domain, "xn--bcher-kva.example")`, `has(from.address, "@xn--bcher-kva.example")`,
		} {
			src.Rules[0].If.Value = condition
			in := sampleInput()
			in.Message = received([]byte(raw))
			if v := mustCompile(t, src).Evaluate(in).Verdicts[0]; v.Truth != True {
				t.Errorf("%s of %q is %v", condition, raw, v.Truth)
			}
		}
	}
}

// TestBeyondTheCapsNothingIsGuessed: where a structure has more parts than are
// looked at, what attachments there are is an error of the rule.
func TestBeyondTheCapsNothingIsGuessed(t *testing.T) {
	raw := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 2000) + "--b--\r\n"
	rs := mustCompile(t, baseSource(rule("r", `any(attachments, .name == "x")`, "trash")))
	in := sampleInput()
	in.Message = facts.ParseMessage([]byte(raw), 0)
	if v := rs.Evaluate(in).Verdicts[0]; v.Truth != ErrorTruth || v.Err == nil {
		t.Errorf("%+v", v)
	}
}

// TestEveryRuleSpendsNoMore: to ask the rules that plainly say no, too, gives no
// other outcome.
func TestEveryRuleSpendsNoMore(t *testing.T) {
	var list []RuleSource
	for i := range 2000 {
		list = append(list, rule(fmt.Sprint("r", i), fmt.Sprintf(`body.text contains "x%dx"`, i), fmt.Sprintf("add_flags: $r%d", i)))
	}
	rs := mustCompile(t, baseSource(list...))
	in := sampleInput()
	in.Message.Text = &facts.Body{Text: strings.Repeat("y", 64<<10) + "x1999x"}
	every := rs.Evaluate(in)
	in.Every = false
	some := rs.Evaluate(in)
	if every.Plan.String() != "add_flags: [$r1999]" || some.Plan.String() != every.Plan.String() || every.Verdicts[1999].Err != nil {
		t.Errorf("every %s (%v), some %s", every.Plan, every.Verdicts[1999].Err, some.Plan)
	}
	if last := rs.Explain(in).Rules[1999].Condition; last.Truth != True {
		t.Errorf("explained as %v, %v", last.Truth, last.Err)
	}
}

func TestWorkIsBounded(t *testing.T) {
	var list []RuleSource
	for i := range 2000 {
		list = append(list, rule(fmt.Sprint("r", i), fmt.Sprintf(`body.text matches "x%d$"`, i), "trash"))
	}
	in := sampleInput()
	in.Message.Text = &facts.Body{Text: strings.Repeat("y", 64<<10)}
	verdicts := mustCompile(t, baseSource(list...)).Evaluate(in).Verdicts
	if verdicts[0].Truth != False || !errors.Is(verdicts[1999].Err, errTooMuchWork) {
		t.Errorf("first %+v, last %+v", verdicts[0], verdicts[1999])
	}
}

// TestBeyondTheHeaderNothingIsGuessed: a header that is longer than what is
// looked at makes a condition about it an error, and no other.
func TestBeyondTheHeaderNothingIsGuessed(t *testing.T) {
	many := "To: me@example.net, " + strings.Repeat("a@b.c, ", 2000) + "z@b.c\r\n"
	for _, tt := range []struct {
		name, raw, condition string
		want                 Truth
	}{
		{"many fields", strings.Repeat("X-A: b\r\n", 3000) + "Subject: x\r\n", `subject == ""`, ErrorTruth},
		{"many octets", strings.Repeat("X-A: "+strings.Repeat("b", 60<<10)+"\r\n", 6) + "Subject: x\r\n", `subject == ""`, ErrorTruth},
		{"one long field", "X-A: " + strings.Repeat("b", 70<<10) + "\r\nSubject: x\r\n", `header("X-A") endsWith "c"`, ErrorTruth},
		{"a long one behind", "Subject: x\r\nSubject: " + strings.Repeat("b", 70<<10) + "\r\n", `subject == "x"`, True},
		{"all of a name", "X-A: x\r\nX-A: " + strings.Repeat("b", 70<<10) + "\r\n", `"x" in headers("X-A")`, ErrorTruth},
		{"many fields behind", "Subject: x\r\n" + strings.Repeat("Subject: b\r\n", 3000), `subject == "x"`, True},
		{"forged results behind", "Authentication-Results: mx.example.net; dmarc=fail\r\nAuthentication-Results: x; " + strings.Repeat("b", 70<<10) + "\r\n", `auth.dmarc == "fail"`, True},
		{"beside a long field", "X-A: " + strings.Repeat("b", 70<<10) + "\r\nSubject: x\r\n", `subject == "x"`, True},
		{"a long body", "Subject: x\r\n\r\n" + strings.Repeat("b", 300<<10), `subject == "x"`, True},
		{"no body at all", "Subject: x", `subject == "x" and header("X") == ""`, True},
		{"many addresses", many, `any(to, .address == "z@b.c")`, ErrorTruth},
		{"many addresses, not mine", strings.Replace(many, "me@example.net, ", "", 1), `to_me`, ErrorTruth},
		{"many addresses, mine", many, `to_me`, True},
		{"many addresses, flags", many, `seen`, True},
	} {
		in := sampleInput()
		in.Message = received([]byte(tt.raw))
		if v := mustCompile(t, baseSource(rule("r", tt.condition, "trash"))).Evaluate(in).Verdicts[0]; v.Truth != tt.want {
			t.Errorf("%s: %v (%v), want %v", tt.name, v.Truth, v.Err, tt.want)
		}
	}
}
