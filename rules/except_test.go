package rules

import (
	"testing"

	"github.com/emersion/go-imap/v2"
)

func (r RuleSource) unless(condition string) RuleSource {
	r.Unless = Text{Value: condition, Pos: 3}
	return r
}

func TestUnless(t *testing.T) {
	for _, tt := range []struct {
		condition, unless, written string
		flags                      []imap.Flag
		want                       Truth
	}{
		{"age > days(30)", "flagged", "age > days(30) and not (flagged)", nil, True},
		{"age > days(30)", "flagged", "age > days(30) and not (flagged)", []imap.Flag{`\Flagged`}, False},
		{"age > days(60)", "flagged", "age > days(60) and not (flagged)", nil, False},
		{"age > days(30)", "seen or flagged", "age > days(30) and not (seen or flagged)", []imap.Flag{`\Seen`}, False},
		{"flagged or age > days(30)", "seen", "(flagged or age > days(30)) and not (seen)", []imap.Flag{`\Seen`, `\Flagged`}, False},
		{"age > days(30)", "flagged // keep", "age > days(30) and not flagged", nil, True},
		{"age > days(30)", " flagged\n", "age > days(30) and not (flagged)", nil, True},
	} {
		rs := mustCompile(t, baseSource(rule("r", tt.condition, "trash").unless(tt.unless)))
		if got := rs.Rules()[0].If; got != tt.written {
			t.Errorf("%s unless %s: it is shown as %q, want %q", tt.condition, tt.unless, got, tt.written)
		}
		in := sampleInput()
		in.Message.Flags = tt.flags
		if got := rs.Evaluate(in).Verdicts[0].Truth; got != tt.want {
			t.Errorf("%s unless %s, flags %v: %v", tt.condition, tt.unless, tt.flags, got)
		}
		again := mustCompile(t, baseSource(rule("r", tt.written, "trash")))
		if rs.Hash() != again.Hash() {
			t.Errorf("%s is another rule than what is shown of it", tt.written)
		}
		if x := rs.Explain(in).Rules[0]; x.Condition.Truth != tt.want || len(x.Condition.Parts) < 2 {
			t.Errorf("%s: explained as %v", tt.written, x.Condition.Truth)
		}
	}
}

// What is wrong in one of the two is told at its place in that one, and neither
// can reach into the other.
func TestUnlessIsCheckedByItself(t *testing.T) {
	for unless, offset := range map[string]int{
		"flaged": 0, "seen and flaged": 9, "flagged) or (true": 7, "size": 0, "": 0, "flagged and (seen": 16, `subject == "x`: 12,
	} {
		rs, problems := Compile(baseSource(rule("r", "age > days(30)", "trash").unless(unless)))
		if rs != nil || len(problems) != 1 || problems[0].Pos != 3 || problems[0].Offset != offset {
			t.Errorf("%q: %+v, want an error at %d", unless, problems, offset)
		}
	}
}
