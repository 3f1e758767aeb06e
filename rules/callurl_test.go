package rules

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// withURL is a source in which the webhook ci has a URL.
func withURL(url string, rules ...RuleSource) Source {
	src := baseSource(rules...)
	src.URLs = []URLSource{{Endpoint: "ci", URL: Text{Value: url, Pos: 77}}}
	return src
}

func TestURLOfAWebhook(t *testing.T) {
	in := sampleInput()
	src := withURL("https://example.org/${subject}/${size}/${subject}/$${x}", calling(func(a *ActionSource) { a.Title = *words("${from.address}") }))
	d := mustCompile(t, src).Evaluate(in)
	if len(d.Plan.Items) != 1 {
		t.Fatalf("%+v", d)
	}
	a := d.Plan.Items[0].Action
	want := map[string]string{"subject": in.Message.Header.Subject(), "size": textOf(in.Message.Size)}
	if !maps.Equal(a.URL, want) || a.Title != in.Message.Header.Addresses("From")[0].Address {
		t.Errorf("%+v, want %v", a, want)
	}
}

// A value is cut, and is text whatever the message holds.
func TestHostileValueOfAURL(t *testing.T) {
	in := sampleInput()
	in.Message = received([]byte("From: a@example.org\r\nSubject: \xff" + strings.Repeat("ä", 2000) + "\r\n\r\nx"))
	d := mustCompile(t, withURL("https://example.org/${subject}", calling(func(*ActionSource) {}))).Evaluate(in)
	if got := d.Plan.Items[0].Action.URL["subject"]; len(got) > maxURLValue || len(got) < maxURLValue-2 || strings.ToValidUTF8(got, "") != got {
		t.Errorf("%d octets: %.40q", len(got), got)
	}
}

// What the URL reads is fetched as what a title reads.
func TestURLNeedsWhatItReads(t *testing.T) {
	in := sampleInput()
	in.Message.Text, in.Message.Structure = nil, nil
	rs := mustCompile(t, withURL("https://example.org/${body.text}", calling(func(*ActionSource) {})))
	if d := rs.Evaluate(in); d.Missing.IsZero() || len(d.Plan.Items) != 0 {
		t.Errorf("%+v", d)
	}
	rs = mustCompile(t, withURL("https://example.org/${header(\"X-Team\")}", calling(func(*ActionSource) {})))
	if got := rs.Needs("home", Mailbox{Name: "INBOX"}); !slices.Contains(got.HeaderFields, "X-Team") {
		t.Errorf("%+v", got)
	}
}

// A URL is wrong once, however many rules call it, and if none does.
func TestProblemsOfURLs(t *testing.T) {
	second := calling(func(*ActionSource) {})
	second.Name.Value, second.If.Value = "again", "size > 5"
	for url, want := range map[string]string{
		"https://example.org/${subjct}":                        `unknown field "subjct"`,
		"https://example.org/${received}":                      "${} takes a text or a number",
		"https://example.org/${subject":                        "this ${ is never closed",
		"https://example.org/" + strings.Repeat("${size}", 99): "",
		"https://example.org/" + manyExpressions(21):           "more than 20 expressions",
		"https://example.org/" + manyExpressions(20):           "",
	} {
		for n, rules := range [][]RuleSource{nil, {calling(func(*ActionSource) {})}, {calling(func(*ActionSource) {}), second}} {
			_, problems := Compile(withURL(url, rules...))
			problems = slices.DeleteFunc(problems, func(p Problem) bool { return p.Severity == Warning })
			if want == "" && len(problems) == 0 {
				continue
			}
			if len(problems) != 1 || want == "" || !strings.Contains(problems[0].Message, want) || problems[0].Pos != 77 {
				t.Errorf("%.60s, %d rules: %+v", url, n, problems)
			}
		}
	}
}

func manyExpressions(n int) string {
	var out strings.Builder
	for i := range n {
		out.WriteString("${size+" + textOf(i) + "}")
	}
	return out.String()
}

// The hash of a rule has the expressions of the URL that it calls, and nothing else
// of any URL.
func TestHashHasTheExpressionsOfItsURL(t *testing.T) {
	call, other := calling(func(*ActionSource) {}), rule("other", "size > 1", `add_flags: \Seen`)
	hashes := func(src Source) (string, string) {
		all := mustCompile(t, src).Rules()
		return all[0].Hash, all[1].Hash
	}
	plain, bystander := hashes(baseSource(call, other))
	one, bystander1 := hashes(withURL("https://example.org/${subject}", call, other))
	moved, _ := hashes(withURL("https://example.net/secret/${subject }", call, other))
	two, bystander2 := hashes(withURL("https://example.org/${size}", call, other))
	if plain == one || one == two || one != moved || bystander != bystander1 || bystander != bystander2 {
		t.Errorf("calls: %s %s %s %s; the other: %s %s %s", plain, one, moved, two, bystander, bystander1, bystander2)
	}
}

func TestPieces(t *testing.T) {
	got, err := Pieces(`https://example.org/$${x}/${capture(subject, "}")}?`)
	want := []Piece{{Text: "https://example.org/${x}/"}, {Text: `capture(subject, "}")`, IsExpression: true}, {Text: "?"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := Pieces("${subject"); err == nil {
		t.Errorf("%+v", got)
	}
}
