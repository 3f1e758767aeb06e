package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"imapilot/rules/facts"
)

// errorLeaf fails on the sample message once its subject is 60 KiB long.
var errorLeaf = "(" + strings.Repeat("subject + ", 20) + `"x") == "y"`

// fourValued are leaves of each truth, given errorInput.
func fourValued() map[Truth]string {
	return map[Truth]string{True: "seen", False: "flagged", ErrorTruth: errorLeaf}
}

func errorInput() Input {
	in := sampleInput()
	in.Message.Header = facts.ParseHeader([]byte("Subject: " + strings.Repeat("x", 60<<10) + "\r\n"))
	return in
}

func TestFourValuedLogicInEveryOrder(t *testing.T) {
	leaves := fourValued()
	or := map[[2]Truth]Truth{
		{True, ErrorTruth}: True, {ErrorTruth, True}: True, {False, ErrorTruth}: ErrorTruth, {ErrorTruth, False}: ErrorTruth,
		{True, True}: True, {True, False}: True, {False, True}: True, {False, False}: False, {ErrorTruth, ErrorTruth}: ErrorTruth,
	}
	and := map[[2]Truth]Truth{
		{True, ErrorTruth}: ErrorTruth, {ErrorTruth, True}: ErrorTruth, {False, ErrorTruth}: False, {ErrorTruth, False}: False,
		{True, True}: True, {True, False}: False, {False, True}: False, {False, False}: False, {ErrorTruth, ErrorTruth}: ErrorTruth,
	}
	eval := func(condition string) Verdict {
		return mustCompile(t, baseSource(rule("r", condition, "trash"))).Evaluate(errorInput()).Verdicts[0]
	}
	for pair, want := range or {
		if got := eval(fmt.Sprintf("%s or %s", leaves[pair[0]], leaves[pair[1]])); got.Truth != want || (got.Err != nil) != (want == ErrorTruth) {
			t.Errorf("%v or %v = %v (%v), want %v", pair[0], pair[1], got.Truth, got.Err, want)
		}
		negated := fmt.Sprintf("not (not (%s) and not (%s))", leaves[pair[0]], leaves[pair[1]])
		if got := eval(negated); got.Truth != want {
			t.Errorf("by De Morgan: %v or %v = %v, want %v", pair[0], pair[1], got.Truth, want)
		}
	}
	for pair, want := range and {
		if got := eval(fmt.Sprintf("%s and %s", leaves[pair[0]], leaves[pair[1]])); got.Truth != want {
			t.Errorf("%v and %v = %v, want %v", pair[0], pair[1], got.Truth, want)
		}
	}
	if v := eval(errorLeaf); v.Err == nil || v.Err.Error() != errTextTooLong.Error() {
		t.Errorf("error %v, want %v", v.Err, errTextTooLong)
	}
}

func TestTruthTables(t *testing.T) {
	all := []Truth{False, True, Unknown, ErrorTruth}
	for _, a := range all {
		for _, b := range all {
			got := conjunction(a, b)
			if got != conjunction(b, a) {
				t.Errorf("%v and %v depends on the order", a, b)
			}
			for _, c := range all {
				if conjunction(got, c) != conjunction(a, conjunction(b, c)) {
					t.Errorf("%v and %v and %v depends on the grouping", a, b, c)
				}
			}
		}
		if a.not().not() != a {
			t.Errorf("not not %v is another", a)
		}
	}
	if conjunction(Unknown, ErrorTruth) != Unknown || conjunction(Unknown, False) != False || conjunction(Unknown, True) != Unknown {
		t.Error("unknown: what is still to come may decide")
	}
}

func TestWithoutHeaderIsUnknown(t *testing.T) {
	rs := mustCompile(t, baseSource(
		rule("needs it", `subject contains "x"`, "add_flags: $a"),
		rule("does not", `seen or subject contains "x"`, "add_flags: $b"),
		rule("never", `flagged and subject contains "x"`, "add_flags: $c"),
		rule("argument", `seen`, "move: L/${list.name}"),
	))
	in := sampleInput()
	in.Message.Header = nil
	d := rs.Evaluate(in)
	for i, want := range []Truth{Unknown, True, False, Unknown} {
		if d.Verdicts[i].Truth != want {
			t.Errorf("%s: %v, want %v", d.Verdicts[i].Rule, d.Verdicts[i].Truth, want)
		}
	}
	if got := d.Plan.String(); got != "add_flags: [$b]" {
		t.Errorf("plan %q", got)
	}
	if got := d.Missing.HeaderFields; !slices.Equal(got, []string{"List-Id", "Subject"}) {
		t.Errorf("missing %q", got)
	}
}
