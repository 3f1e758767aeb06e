package rules

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"imapilot/actions"
	"imapilot/rules/facts"
)

// calling is a rule that calls a webhook with settings.
func calling(set func(a *ActionSource)) RuleSource {
	a := ActionSource{Kind: Text{Value: "webhook", Pos: 20}, Args: []Text{{Value: "ci", Pos: 30}}}
	set(&a)
	r := rule("call", "true", "webhook ci")
	r.Then = []ActionSource{a}
	return r
}

func words(value string) *Text { return &Text{Value: value, Pos: 40} }

func leaf(value string) Document { return Document{Text: words(value)} }

// callOf is what a rule plans for the sample message.
func callOf(t *testing.T, r RuleSource, in Input) actions.Action {
	t.Helper()
	d := mustCompile(t, baseSource(r)).Evaluate(in)
	if len(d.Plan.Items) != 1 {
		t.Fatalf("%+v", d)
	}
	return *d.Plan.Items[0].Action
}

func TestMessageOfAWebhook(t *testing.T) {
	in := sampleInput()
	a := callOf(t, calling(func(a *ActionSource) {
		a.When, a.Title, a.Body = *words("done"), *words("From ${from.address}: ${subject}"), *words("size ${size}\n${subject}")
	}), in)
	from, subject := in.Message.Header.Addresses("From")[0].Address, in.Message.Header.Subject()
	if a.When != actions.WhenDone || a.Title != "From "+from+": "+subject || !strings.HasPrefix(a.Body, "size ") || !strings.HasSuffix(a.Body, "\n"+subject) {
		t.Errorf("%+v", a)
	}
	if got := a.String(); got != "webhook: {to: ci, when: done}" {
		t.Errorf("it prints itself as %s", got)
	}
}

func TestDocumentKeepsTypesAndOrder(t *testing.T) {
	in := sampleInput()
	a := callOf(t, calling(func(a *ActionSource) {
		a.JSON = &Document{Members: []Member{
			{"z", leaf("${size}")}, {"text", leaf("size ${size}")}, {"flag", leaf("${seen}")}, {"at", leaf("${received}")},
			{"n", Document{Plain: json.RawMessage("5")}}, {"list", Document{Items: []Document{leaf("a"), {}}}}, {"empty", Document{Members: []Member{}}},
		}}
	}), in)
	var got struct {
		Z     int64
		Text  string
		Flag  bool
		At    string
		N     int
		List  []any
		Empty map[string]any
	}
	if err := json.Unmarshal(a.JSON, &got); err != nil {
		t.Fatal(err)
	}
	at := in.Message.Received.Format(time.RFC3339)
	if got.Z != in.Message.Size || got.Text == "" || got.At != at || got.N != 5 || len(got.List) != 2 || got.List[1] != nil || got.Empty == nil {
		t.Errorf("%s\nwant at %s", a.JSON, at)
	}
	if !strings.HasPrefix(string(a.JSON), `{"z":`) || !strings.HasSuffix(string(a.JSON), `"list":["a",null],"empty":{}}`) {
		t.Errorf("the order of %s", a.JSON)
	}
}

// One expression that gives a map is the same document.
func TestDocumentAsAMap(t *testing.T) {
	in := sampleInput()
	of := func(doc Document) func(*ActionSource) { return func(a *ActionSource) { a.JSON = &doc } }
	asMap := of(leaf(`{"z": size, kind: "mail", "list": [subject, 1, true, nil, {"at": received}], "cc": map(to, .address), "big": size > 5 ? "yes" : "no", "none": {}}`))
	a := callOf(t, calling(asMap), in)
	b := callOf(t, calling(of(Document{Members: []Member{
		{"z", leaf("${size}")}, {"kind", leaf("mail")},
		{"list", Document{Items: []Document{leaf("${subject}"), {Plain: 1}, {Plain: true}, {}, {Members: []Member{{"at", leaf("${received}")}}}}}},
		{"cc", leaf("${map(to, .address)}")}, {"big", leaf(`${size > 5 ? "yes" : "no"}`)}, {"none", Document{Members: []Member{}}},
	}})), in)
	if string(a.JSON) != string(b.JSON) || !strings.Contains(string(a.JSON), `"kind":"mail"`) {
		t.Errorf("%s\n%s", a.JSON, b.JSON)
	}
}

// What a hostile message says stays inside the strings, and within the limits.
func TestHostileTextsInAMessage(t *testing.T) {
	hostile := `","admin":true,"x":"</script>` + "\x1b[31m${subject}" + strings.Repeat("ä\x01", 20_000)
	in := sampleInput()
	in.Message = received([]byte("From: a@example.org\r\nSubject: " + strings.ReplaceAll(hostile, "\r\n", " ") + "\r\n\r\nx"))
	a := callOf(t, calling(func(a *ActionSource) {
		a.JSON = &Document{Members: []Member{{"s", leaf("${subject}")}, {"t", leaf("<${subject}>")}, {"u", leaf("${subject}")}}}
	}), in)
	var got map[string]string
	if err := json.Unmarshal(a.JSON, &got); err != nil || len(got) != 3 || len(a.JSON) > maxJSON {
		t.Errorf("%v, %d members, %d octets", err, len(got), len(a.JSON))
	}
	if strings.ContainsAny(got["s"], "\x1b\x01") || !strings.Contains(got["s"], "${subject}") {
		t.Errorf("%.60q", got["s"])
	}
	b := callOf(t, calling(func(a *ActionSource) { a.Title, a.Body = *words("${subject}"), *words("${subject}") }), in)
	if len(b.Title) > maxTitle || len(b.Body) > maxBody || strings.ContainsAny(b.Title+b.Body, "\x1b\x01") {
		t.Errorf("%d and %d octets: %.80q", len(b.Title), len(b.Body), b.Title)
	}
}

func TestProblemsOfMessages(t *testing.T) {
	deep := leaf("x")
	for range 30 {
		deep = Document{Items: []Document{deep}}
	}
	wide := Document{Items: make([]Document, 2000)}
	mapped := func(text string) func(*ActionSource) {
		return func(a *ActionSource) { d := leaf(text); a.JSON = &d }
	}
	for _, c := range []struct {
		set  func(a *ActionSource)
		want string
	}{
		{mapped(`{"a": "${subject}"}`), "would be sent as a text"},
		{mapped("subject"), "an expression that gives no map"},
		{mapped(`{"a": subjct}`), `unknown field "subjct"`},
		{mapped(`{"a": to}`), "this is a list of addresses"},
		{mapped(`{"a": from}`), "this is a group of fields"},
		{mapped(`{(subject): 1}`), "the name of a member is no text"},
		{mapped(`{"a": 1, a: 2}`), `"a" is set twice`},
		{mapped(`{"a": `), "the expression ends too early"},
		{mapped(`{"a": ` + strings.Repeat("[", 30) + strings.Repeat("]", 30) + "}"), "more than 20 levels"},
		{mapped(`{"a": [` + strings.Repeat("1,", 1100) + "]}"), "more than 1000 values"},
		{func(a *ActionSource) { a.When = *words("later") }, `when: is "later"`},
		{func(a *ActionSource) { a.Title, a.JSON = *words("x"), &Document{} }, "json: stands beside title:"},
		{func(a *ActionSource) { a.Title = *words("${subjct}") }, `unknown field "subjct"`},
		{func(a *ActionSource) { a.Body = *words("${received}") }, "${} takes a text or a number"},
		{func(a *ActionSource) { a.JSON = &Document{Items: []Document{leaf("${to}")}} }, "this is a list of addresses"},
		{func(a *ActionSource) { a.JSON = &Document{Items: []Document{leaf("${from}")}} }, "this is a group of fields"},
		{func(a *ActionSource) { a.JSON = &Document{Items: []Document{leaf("at ${received}")}} }, "this is a time"},
		{func(a *ActionSource) { a.JSON = &deep }, "more than 20 levels"},
		{func(a *ActionSource) { a.JSON = &wide }, "more than 1000 values"},
	} {
		_, problems := Compile(baseSource(calling(c.set)))
		if len(problems) != 1 || !strings.Contains(problems[0].Message, c.want) || problems[0].Severity != Error {
			t.Errorf("want %q, got %+v", c.want, problems)
		}
	}
}

// Another text is another rule: what was agreed to is not what would be sent.
func TestMessageIsInTheHash(t *testing.T) {
	seen := map[string]string{}
	for name, set := range map[string]func(a *ActionSource){
		"plain": func(*ActionSource) {}, "done": func(a *ActionSource) { a.When = *words("done") },
		"title": func(a *ActionSource) { a.Title = *words("x") }, "body": func(a *ActionSource) { a.Body = *words("x") },
		"json": func(a *ActionSource) { d := leaf("${subject}"); a.JSON = &d }, "map": func(a *ActionSource) { d := leaf(`{"a": size}`); a.JSON = &d }, "list": func(a *ActionSource) { a.JSON = &Document{Items: []Document{leaf("x")}} },
		"key":   func(a *ActionSource) { a.JSON = &Document{Members: []Member{{"a", leaf("x")}}} },
		"key b": func(a *ActionSource) { a.JSON = &Document{Members: []Member{{"b", leaf("x")}}} },
	} {
		hash := mustCompile(t, baseSource(calling(set))).Hash()
		if other, twice := seen[hash]; twice {
			t.Errorf("%s and %s are one", name, other)
		}
		seen[hash] = name
	}
}

// A body that is not fetched yet is asked for.
func TestMessageNeedsWhatItSays(t *testing.T) {
	rs := mustCompile(t, baseSource(calling(func(a *ActionSource) { a.Body = *words("${body.text}") })))
	in := sampleInput()
	in.Message = &facts.Message{UID: 7, Header: in.Message.Header, Received: in.Message.Received}
	if needs := rs.Evaluate(in).Missing; needs.IsZero() {
		t.Error("nothing is missing")
	}
}
