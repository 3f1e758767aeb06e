package rules

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"imapilot/actions"
	"imapilot/rules/facts"
)

// filing is a rule that saves attachments; its folder stands at 30, its pattern at 40
// and its condition at 50.
func filing(to, name, only string) RuleSource {
	a := ActionSource{Kind: Text{Value: "save_attachments", Pos: 20}, Args: []Text{{Value: to, Pos: 30}}}
	if name != "" {
		a.Name = Text{Value: name, Pos: 40}
	}
	if only != "" {
		a.Only = Text{Value: only, Pos: 50}
	}
	r := rule("file", "true", "save_attachments")
	r.Then = []ActionSource{a}
	return r
}

func savingOf(t *testing.T, r RuleSource, header string) actions.Action {
	t.Helper()
	in := sampleInput()
	in.Message = received([]byte(header + "\r\n"))
	d := mustCompile(t, allowed(r)).Evaluate(in)
	if len(d.Plan.Items) != 1 {
		t.Fatalf("%+v", d)
	}
	return *d.Plan.Items[0].Action
}

// TestSaving: what the message says is worked out with the decision, what the
// attachment says is left for it; and the whole message goes with it.
func TestSaving(t *testing.T) {
	a := savingOf(t, filing("/srv/x", "${year(received)}/${from.address}/$${a}-${lower(name)}", `type == "application/pdf"`), "From: Ann <ann@example.org>\r\n")
	want := []actions.NamePiece{{Text: "2026", Mail: true}, {Text: "/"}, {Text: "ann@example.org", Mail: true}, {Text: "/${a}-"}, {Each: "lower(name)"}}
	if !slices.Equal(a.Save.Name, want) || a.Save.To != "/srv/x" || a.Save.If != `type == "application/pdf"` {
		t.Errorf("%+v", a.Save)
	}
	if !slices.Equal(a.Include, []string{actions.IncludeRaw}) || a.RawLimit != MaxRaw {
		t.Errorf("it goes with %v, %d", a.Include, a.RawLimit)
	}
	if a := savingOf(t, filing("/srv/x", "", ""), ""); len(a.Save.Name) > 0 || a.Save.If != "" || a.String() != "save_attachments: /srv/x" {
		t.Errorf("%s: %+v", a, a.Save)
	}
}

// TestHostileNames: what a message says fills a part of one name.
func TestHostileNames(t *testing.T) {
	for subject, want := range map[string]string{
		"../../etc/passwd": ".._.._etc_passwd", `a\b`: "a_b", "=?utf-8?q?a=00b=0Ac=1B[31m?=": "ab c[31m", "${name}": "${name}",
	} {
		a := savingOf(t, filing("/srv/x", "${subject}", ""), "Subject: "+subject+"\r\n")
		if got := a.Save.Name[0]; got.Text != want || !got.Mail || got.Each != "" {
			t.Errorf("%q became %+v", subject, got)
		}
	}
	a := savingOf(t, filing("/srv/x", "${subject}", ""), "Subject: "+strings.Repeat("ü", 500)+"\r\n")
	if text := a.Save.Name[0].Text; len(text) != maxNameValue || !utf8.ValidString(text) {
		t.Errorf("%d octets", len(text))
	}
}

// TestProblemsOfSaving: each with its place and its words.
func TestProblemsOfSaving(t *testing.T) {
	for name, tt := range map[string]struct {
		to, name, only string
		pos            int
		says           string
	}{
		"chosen by mail":    {to: "/srv/${subject}", pos: 30, says: "the folder cannot hold ${}"},
		"relative":          {to: "invoices", pos: 30, says: "no absolute path"},
		"empty":             {to: "", pos: 30, says: "no absolute path"},
		"control":           {to: "/srv/\x1b[31m", pos: 30, says: "control characters"},
		"long":              {to: "/" + strings.Repeat("x", maxFolder), pos: 30, says: "control characters"},
		"long name":         {to: "/a", name: strings.Repeat("x", maxFolder+1), pos: 40, says: "more than 1000 octets"},
		"many values":       {to: "/a", name: strings.Repeat("${name}", maxNameParts+1), pos: 40, says: "more than 20 values"},
		"up":                {to: "/a", name: "../${name}", pos: 40, says: "empty, or only dots"},
		"from the root":     {to: "/a", name: "/${name}", pos: 40, says: "empty, or only dots"},
		"an empty level":    {to: "/a", name: "x//${name}", pos: 40, says: "empty, or only dots"},
		"dots at the end":   {to: "/a", name: "x/..", pos: 40, says: "empty, or only dots"},
		"deep":              {to: "/a", name: "1/2/3/4/5/6/7/8/9/x", pos: 40, says: "more than 8 folders"},
		"open":              {to: "/a", name: "${name", pos: 40, says: "never closed"},
		"unknown":           {to: "/a", name: "${subjct}", pos: 40, says: `unknown field "subjct"`},
		"no text":           {to: "/a", name: "${to}", pos: 40, says: "takes a text or a number"},
		"no text of it":     {to: "/a", name: "${inline}", pos: 40, says: "takes a text or a number"},
		"both":              {to: "/a", name: `${subject + name}`, pos: 40, says: `unknown field "subject"`},
		"no condition":      {to: "/a", only: "name", pos: 50, says: "must be true or false, this is a text"},
		"about the message": {to: "/a", only: `from.domain == "example.org"`, pos: 50, says: `unknown field "from"`},
		"a header":          {to: "/a", only: `header("X") == ""`, pos: 50, says: `unknown function "header"`},
		"a list":            {to: "/a", only: `in_list(type, "vips")`, pos: 50, says: `unknown function "in_list"`},
		"a dot":             {to: "/a", only: `.type == "x"`, pos: 50, says: "without a dot"},
		"a size":            {to: "/a", only: `size < 5mb`, pos: 50, says: "not a number"},
	} {
		rs, problems := Compile(allowed(filing(tt.to, tt.name, tt.only)))
		if rs != nil || len(problems) == 0 || problems[0].Pos != tt.pos || !strings.Contains(problems[0].Message, tt.says) {
			t.Errorf("%s: %+v", name, problems)
		}
	}
	for _, p := range problemsOf(allowed(filing("/a", "x${subject + name}", `from.domain == "x" or in_list(type, "vips")`))) {
		if p.Hint == "" || p.Pos == 40 && p.Offset != 3 {
			t.Errorf("%+v", p)
		}
	}
}

func problemsOf(src Source) []Problem {
	_, problems := Compile(src)
	return problems
}

// TestSavingIsOff unless the configuration as a whole allows it; leaving a list is not.
func TestSavingIsOff(t *testing.T) {
	src := allowed(filing("/srv/x", "", ""))
	src.Allowed = []string{"exec"}
	problems := problemsOf(src)
	if len(problems) != 1 || problems[0].Pos != 20 || problems[0].Message != "save_attachments is off" || !strings.Contains(problems[0].Hint, "allow: [save_attachments]") {
		t.Errorf("%+v", problems)
	}
	src = allowed(rule("leave", "is_bulk", "unsubscribe"))
	src.Allowed = nil
	if problems := problemsOf(src); len(problems) > 0 {
		t.Errorf("%+v", problems)
	}
}

// TestSavingInARule: it is printed as it is written, tells its folder, and is a part of
// what the rule does.
func TestSavingInARule(t *testing.T) {
	of := func(r RuleSource) Rule { return mustCompile(t, allowed(r)).Rules()[0] }
	a := of(filing("/srv/x", "${subject}/", "not inline"))
	if !slices.Equal(a.Then, []string{`save_attachments: {to: /srv/x, name: "${subject}/", if: "not inline"}`}) || !slices.Equal(a.Folders, []string{"/srv/x"}) {
		t.Errorf("%q %q", a.Then, a.Folders)
	}
	sized := filing("/srv/x", "${subject}/", "not inline")
	sized.Then[0].MaxFile = 5
	seen := map[string]bool{a.Hash: true}
	for _, r := range []Rule{
		of(filing("/srv/y", "${subject}/", "not inline")), of(filing("/srv/x", "${from.name}/", "not inline")), of(filing("/srv/x", "${name}/", "not inline")),
		of(filing("/srv/x", "x/", "not inline")), of(filing("/srv/x", "", "not inline")), of(filing("/srv/x", "${subject}/", "inline")), of(filing("/srv/x", "${subject}/", "")), of(sized),
	} {
		if seen[r.Hash] {
			t.Errorf("%q has the hash of another", r.Then)
		}
		seen[r.Hash] = true
	}
}

// TestUnsubscribeTakesTheMessage: the signature is over all of it.
func TestUnsubscribeTakesTheMessage(t *testing.T) {
	a := savingOf(t, rule("leave", "true", "unsubscribe"), "")
	if !slices.Equal(a.Include, []string{actions.IncludeRaw}) || a.RawLimit != MaxRaw || a.String() != "unsubscribe" {
		t.Errorf("%s: %+v", a, a)
	}
}

var invoice = facts.Attachment{Name: "Rechnung 7.PDF", Type: "application/pdf", Size: 3 << 20}

// TestEach asks about one attachment: as any() does, without regard to case.
func TestEach(t *testing.T) {
	for text, want := range map[string]bool{
		`type == "Application/PDF" and size < mb(5)`: true, `size < mb(3)`: false, `name endsWith ".pdf"`: true, `has(name, "rechnung")`: true,
		`inline`: false, `not inline and type in ["application/pdf", "image/png"]`: true, `glob(name, "rechnung *.pdf")`: true, `name matches "^[a-z]"`: false,
		`len(name) == 14 ? true : false`: true, `upper(name) == "X"`: false,
	} {
		e, err := CompileEach(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for range 2 { // nothing of the one is left for the other
			if got, err := e.True(invoice); got != want || err != nil {
				t.Errorf("%s: %v, %v", text, got, err)
			}
			if _, err := e.True(facts.Attachment{Name: "rechnung x.pdf", Inline: true}); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	for text, want := range map[string]string{"name": "Rechnung 7.PDF", "lower(name)": "rechnung 7.pdf", "size / kb(1)": "3072", `capture(name, "([0-9]+)")`: "7"} {
		e, err := CompileEach(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.Text(invoice); got != want || err != nil {
			t.Errorf("%s: %q, %v", text, got, err)
		}
		if _, err := e.True(invoice); err == nil {
			t.Errorf("%s is a condition", text)
		}
	}
	for _, text := range []string{"", "subject == 'x'", "size <", `type == 5`, "vip", `in_list(name, "vips")`, "now"} {
		if e, err := CompileEach(text); err == nil || err.Error() == "" {
			t.Errorf("%s compiles to %+v", text, e)
		}
	}
}

// FuzzSaving holds that whatever a configuration and a message say, a value stays one
// part of one name, what a decision records compiles again, and the action is printed
// safely.
func FuzzSaving(f *testing.F) {
	f.Add("${year(received)}/${subject}/${name}", `type == "application/pdf" and size < mb(5)`, "x/../y")
	f.Add("$${${lower(name)}", "not (inline or has(name, `a`))", "-\x1b\x00\n\\")
	f.Fuzz(func(t *testing.T, name, only, subject string) {
		rs, problems := Compile(allowed(filing("/srv/x", name, only)))
		for _, p := range problems {
			text := name
			if p.Pos == 50 {
				text = only
			}
			if n := utf8.RuneCountInString(text); p.Message == "" || p.Pos < 40 || p.Offset < 0 || p.Offset+p.Length > max(n, 1) {
				t.Errorf("%+v of %q", p, text)
			}
		}
		if rs == nil {
			return
		}
		in := sampleInput()
		in.Message = received([]byte("Subject: " + subject + "\r\n\r\n"))
		for _, item := range rs.Evaluate(in).Plan.Items {
			checkSaved(t, *item.Action)
		}
	})
}

func checkSaved(t *testing.T, a actions.Action) {
	t.Helper()
	for _, p := range a.Save.Name {
		if p.Mail && (strings.ContainsAny(p.Text, `/\`) || strings.ContainsFunc(p.Text, unicode.IsControl) || len(p.Text) > maxNameValue) {
			t.Errorf("%+v", p)
		}
		if p.Each == "" {
			continue
		}
		if e, err := CompileEach(p.Each); err != nil {
			t.Errorf("%q: %v", p.Each, err)
		} else if _, err := e.Text(invoice); err != nil {
			t.Logf("%q: %v", p.Each, err)
		}
	}
	if a.Save.If != "" {
		if e, err := CompileEach(a.Save.If); err != nil {
			t.Errorf("%q: %v", a.Save.If, err)
		} else if _, err := e.True(invoice); err != nil {
			t.Logf("%q: %v", a.Save.If, err)
		}
	}
	if line := a.String(); strings.ContainsFunc(line, unicode.IsControl) {
		t.Errorf("%q", line)
	}
}
