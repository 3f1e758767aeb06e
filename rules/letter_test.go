package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"imapilot/actions"
)

// sending is a rule with one forward or reply, whose arguments stand at 30, 31 and so
// on, and its note at 50.
func sending(kind string, l LetterSource, args ...string) RuleSource {
	a := ActionSource{Kind: Text{Value: kind, Pos: 20}, Letter: l}
	if a.Letter.Note.Value != "" {
		a.Letter.Note.Pos = 50
	}
	for i, arg := range args {
		a.Args = append(a.Args, Text{Value: arg, Pos: 30 + i})
	}
	r := rule("send", "true", kind)
	r.Then = []ActionSource{a}
	return r
}

// letterOf is what a rule sends for a message with a subject.
func letterOf(t *testing.T, r RuleSource, subject string) actions.Action {
	t.Helper()
	in := sampleInput()
	in.Message = received([]byte("From: Ann <ann@mail.example.org>\r\nSubject: " + subject + "\r\n\r\n"))
	d := mustCompile(t, allowed(r)).Evaluate(in)
	if len(d.Plan.Items) != 1 {
		t.Fatalf("%+v", d)
	}
	return *d.Plan.Items[0].Action
}

func TestForward(t *testing.T) {
	a := letterOf(t, sending("forward", LetterSource{Note: Text{Value: "It says ${subject}, ${from.name}."}, Inline: true, Anyway: true}, "a@x.example", "b@x.example"), "lunch")
	if l := a.Letter; !slices.Equal(l.To, []string{"a@x.example", "b@x.example"}) || l.Text != "It says lunch, Ann." || !l.Inline || !l.Anyway {
		t.Errorf("%+v", l)
	}
	if a.RawLimit != MaxRaw || !slices.Equal(a.Include, []string{actions.IncludeRaw}) || a.Endpoint != "" {
		t.Errorf("%+v", a)
	}
	if a = letterOf(t, sending("forward", LetterSource{}, "a@x.example"), "x"); len(a.Letter.To) != 1 || a.Letter.Text != "" {
		t.Errorf("%+v", a.Letter)
	}
}

func TestReply(t *testing.T) {
	a := letterOf(t, sending("reply", LetterSource{}, "Thank you, ${from.name}.\n\nMe\n"), "x")
	if l := a.Letter; l.Text != "Thank you, Ann.\n\nMe\n" || l.Every != DefaultEvery || l.Anyway || len(l.To) != 0 {
		t.Errorf("%+v", l)
	}
	// Of the message no more is recorded than its header.
	if a.RawLimit != answeredHeader || !slices.Equal(a.Include, []string{actions.IncludeRaw}) {
		t.Errorf("%+v", a)
	}
	if a = letterOf(t, sending("reply", LetterSource{Every: MaxEvery, Anyway: true}, "x"), "x"); a.Letter.Every != MaxEvery || !a.Letter.Anyway {
		t.Errorf("%+v", a.Letter)
	}
}

// What a hostile message says stays within one line and within the limits.
func TestHostileTextsInALetter(t *testing.T) {
	for _, r := range []RuleSource{
		sending("reply", LetterSource{}, "a\n${subject}\nb"), sending("forward", LetterSource{Note: Text{Value: "a\n${subject}\nb"}}, "a@x.example"),
	} {
		if got := letterOf(t, r, "=?utf-8?q?a=00b=0A.=0D=1B[31md=7F=C2=9B?=").Letter.Text; strings.Count(got, "\n") != 2 || strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
			t.Errorf("%q", got)
		}
		got := letterOf(t, r, strings.Repeat("ü", 5000)).Letter.Text
		if len(got) > maxLetterValue+4 || len(got) < maxLetterValue || !utf8.ValidString(got) || !strings.HasSuffix(got, "\nb") {
			t.Errorf("%d octets", len(got))
		}
	}
	got := letterOf(t, sending("reply", LetterSource{}, strings.Repeat("${subject}", 100)), strings.Repeat("x", 2000)).Letter.Text
	if len(got) != maxLetterText {
		t.Errorf("%d octets", len(got))
	}
}

func TestLettersThatAreRefused(t *testing.T) {
	var many []string
	for i := range maxRecipients + 1 {
		many = append(many, fmt.Sprintf("a%d@x.example", i))
	}
	for name, tt := range map[string]struct {
		rule    RuleSource
		pos     int
		message string
	}{
		"no recipient":        {sending("forward", LetterSource{}), 20, "forward takes 1 to 10 addresses, not 0"},
		"too many recipients": {sending("forward", LetterSource{}, many...), 20, "forward takes 1 to 10 addresses, not 11"},
		"chosen by mail":      {sending("forward", LetterSource{}, "${from.address}"), 30, "a recipient cannot hold ${}"},
		"partly chosen":       {sending("forward", LetterSource{}, "me+${from.domain}@x.example"), 30, "a recipient cannot hold ${}"},
		"no address":          {sending("forward", LetterSource{}, "ann"), 30, `"ann" is no mail address`},
		"a name":              {sending("forward", LetterSource{}, "Ann <ann@x.example>"), 30, `"Ann <ann@x.example>" is no mail address`},
		"two in one":          {sending("forward", LetterSource{}, "a@x.example,b@x.example"), 30, "is no mail address"},
		"twice":               {sending("forward", LetterSource{}, "a@x.example", "A@x.example"), 31, "is a recipient twice"},
		"long note":           {sending("forward", LetterSource{Note: Text{Value: strings.Repeat("x", maxLetter+1)}}, "a@x.example"), 50, "the text is longer than 20000 octets"},
		"bad note":            {sending("forward", LetterSource{Note: Text{Value: "${nobody}"}}, "a@x.example"), 50, "unknown field"},
		"no text":             {sending("reply", LetterSource{}, " \n"), 30, "the answer is empty"},
		"two texts":           {sending("reply", LetterSource{}, "a", "b"), 20, "reply takes one text, not 2"},
		"control characters":  {sending("reply", LetterSource{}, "a\x1b[31m"), 30, "the text holds a control character"},
		"too often":           {sending("reply", LetterSource{Every: time.Hour}, "a"), 20, "every: is not from 1d to 90d"},
		"too rarely":          {sending("reply", LetterSource{Every: MaxEvery + 1}, "a"), 20, "every: is not from 1d to 90d"},
	} {
		_, problems := Compile(allowed(tt.rule))
		if !slices.ContainsFunc(problems, func(p Problem) bool {
			return p.Pos == tt.pos && p.Severity == Error && strings.Contains(p.Message, tt.message)
		}) {
			t.Errorf("%s: %+v", name, problems)
		}
	}
	for _, kind := range []string{"forward", "reply"} {
		src := allowed(sending(kind, LetterSource{}, "a@x.example"))
		src.Allowed = []string{"exec"}
		if _, problems := Compile(src); len(problems) != 1 || problems[0].Message != kind+" is off" || !strings.Contains(problems[0].Hint, "allow: ["+kind+"]") {
			t.Errorf("%+v", problems)
		}
	}
}

// TestHashOfALetter: whatever changes what is sent, or to whom, changes the hash.
func TestHashOfALetter(t *testing.T) {
	seen := map[string]string{}
	for name, r := range map[string]RuleSource{
		"forward": sending("forward", LetterSource{}, "a@x.example", "b@x.example"), "other recipients": sending("forward", LetterSource{}, "a@x.example"),
		"note": sending("forward", LetterSource{Note: Text{Value: "b@x.example"}}, "a@x.example"), "inline": sending("forward", LetterSource{Inline: true}, "a@x.example"),
		"anyway": sending("forward", LetterSource{Anyway: true}, "a@x.example"), "reply": sending("reply", LetterSource{}, "a@x.example"),
		"every": sending("reply", LetterSource{Every: MinEvery}, "a@x.example"), "reply anyway": sending("reply", LetterSource{Anyway: true}, "a@x.example"),
	} {
		hash := mustCompile(t, allowed(r)).Rules()[0].Hash
		if other, twice := seen[hash]; twice {
			t.Errorf("%s has the hash of %s", name, other)
		}
		seen[hash] = name
	}
}

func TestLettersAsTheyAreWritten(t *testing.T) {
	for want, r := range map[string]RuleSource{
		"forward: {to: [a@x.example, b@x.example], anyway: true}": sending("forward", LetterSource{Anyway: true}, "a@x.example", "b@x.example"),
		`reply: "Hi ${from.name}"`:                                sending("reply", LetterSource{}, "Hi ${from.name}"),
	} {
		if got := mustCompile(t, allowed(r)).Rules()[0].Then; !slices.Equal(got, []string{want}) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
