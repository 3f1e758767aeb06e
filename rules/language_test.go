package rules

import (
	"strings"
	"testing"

	"imapilot/actions"
	"imapilot/rules/facts"
)

func TestLanguage(t *testing.T) {
	for _, tt := range []struct {
		condition string
		want      Truth
	}{
		{`true`, True},
		{`false`, False},
		// Addresses.
		{`from.address == "ann@mail.example.org"`, True},
		{`from.address == "ANN@MAIL.EXAMPLE.ORG"`, True},
		{`"ann@mail.example.org" == from.address`, True},
		{`from.address != "ann@mail.example.org"`, False},
		{`from["address"] == "ann@mail.example.org"`, True},
		{`from.domain == "mail.example.org"`, True},
		{`from.domain == "example.org"`, False},
		{`from.domain endsWith ".EXAMPLE.org"`, True},
		{`from.local == "ann"`, True},
		{`from.local startsWith "AN"`, True},
		{`from.name == "ANN GRÜN"`, True},
		{`any(to, .address == "YOU@example.com")`, True},
		{`any(to, #.domain == "example.net")`, True},
		{`any(to, {.domain == "example.net"})`, True},
		{`to | any(.domain == "example.net")`, True},
		{`all(to, .domain startsWith "EXAMPLE.")`, True},
		{`none(to, .local == "bob")`, True},
		{`one(to, .name == "me")`, True},
		{`count(to, .domain contains "example") == 2`, True},
		{`len(filter(to, .name == "ME")) == 1`, True},
		{`"EXAMPLE.com" in map(to, .domain)`, True},
		{`len(to) == 2 and len(cc) == 1`, True},
		{`any(to, any(cc, .domain == "example.org"))`, True},
		// Texts.
		{`subject == "your invoice for äpfel"`, True},
		{`subject contains "invoice"`, True},
		{`subject contains "ÄPFEL"`, True},
		{`subject not contains "receipt"`, True},
		{`subject startsWith "your"`, True},
		{`subject endsWith "äpfel"`, True},
		{`has(subject, "receipt", "Invoice")`, True},
		{`has(subject, "receipt")`, False},
		{`has(lower(subject), "INVOICE")`, True},
		{`has(subject, from.local + "x")`, False},
		{`subject matches "invoice"`, False},
		{`subject matches "(?i)invoice"`, True},
		{`not (subject matches "^Your")`, False},
		{`glob(from.address, "*@*.example.ORG")`, True},
		{`glob(subject, "your ??voice*")`, True},
		{`glob(subject, "invoice")`, False},
		{`in_list(from.address, "vips")`, True},
		{`in_list(subject, "vips")`, False},
		{`lower(subject) == subject`, True},
		{`upper(from.local) == "ann" and trim(" x ") == "X"`, True},
		{`subject + "!" endsWith "ÄPFEL!"`, True},
		{`(seen ? subject : from.name) contains "invoice"`, True},
		{`len("äöü") == 3`, True},
		{`header("x-spam-flag") == "yes"`, True},
		{`header("X-Spam-Flag") matches "^YES$"`, True},
		{`header("X-None") == ""`, True},
		{`list.id == "golang-nuts.googlegroups.com" and list.name == "GOLANG-NUTS" and list.title == "go nuts"`, True},
		{`from.domain in ["a.org", "MAIL.example.org"]`, True},
		{`from.domain not in ["a.org", "b.org"]`, True},
		{`subject < "z" and subject > "a"`, True},
		{`format(received, "%H:%M") < "01:00"`, True},
		// Flags.
		{`seen`, True},
		{`not flagged and not answered and not draft and not deleted`, True},
		{`"$INVOICE" in flags`, True},
		{`"\\seen" in flags`, True},
		{"`\\Seen` in flags", True},
		{`"x" in flags`, False},
		{`any(flags, # startsWith "$inv")`, True},
		// Numbers and sizes.
		{`size == mb(2)`, True},
		{`size > mb(1.5) and size < mb(3)`, True},
		{`size == kb(2048)`, True},
		{`size + 1 > mb(2) and size / 2 == mb(1)`, True},
		{`1 < len(to) < 3`, True},
		{`len(subject) * 900000000000000 * 900000000000000 > 0 and size * 2 == mb(4) and size * 0.5 == mb(1)`, True},
		{`days(len(subject) * 1000000) > days(36499) and mb(len(subject) * 10000000) > mb(1000)`, True},
		{`days(1 - len(subject) * 1000000) < days(1) and age > days(1 - len(subject) * 1000000)`, True},
		// Times: in Berlin it came on Sunday the 4th at 00:30.
		{`year(received) == 2026 and month(received) == 1 and day(received) == 4 and hour(received) == 0`, True},
		{`weekday(received) == "sunday"`, True},
		{`weekday(received) in ["Saturday", "SUNDAY"]`, True},
		{`received >= date("2026-01-04") and received < date("2026-01-05")`, True},
		{`received < date("2026-01-04 00:31")`, True},
		{`sent == date("2026-01-03T23:30:00Z")`, True},
		{`sent == received`, True},
		{`received - sent < minutes(1)`, True},
		{`received + days(1) > date("2026-01-05")`, True},
		{`age > days(37) and age < days(38)`, True},
		{`age > weeks(5) and age > hours(100)`, True},
		{`age > days(36.5)`, True},
		{`within(received, "22:00", "06:00") and within(received, "00:30", "00:31")`, True},
		{`within(received, "00:31", "22:00") or within(received, "06:00", "00:30")`, False},
		// What mail people ask for.
		{`under(from.domain, "example.org") and under(from.domain, "mail.EXAMPLE.org")`, True},
		{`under(from.domain, "ample.org") or under(from.domain, "x.mail.example.org")`, False},
		{`capture(subject, "^(\\w+) INV") == "your" and capture(subject, "(?i)(invoice) (for)") == "INVOICE"`, True},
		{`capture(subject, "#(\\d+)") == "" and capture(subject, "Your( x)?") == ""`, True},
		{`len(headers("X-None")) == 0 and any(headers("Subject"), # contains "invoice")`, True},
		{`"yes" in headers("X-Spam-Flag")`, True},
		// The rest of the message.
		{`body.text contains "grüße" and body.text contains "TRACKING number is 42" and not body.truncated`, True},
		{`body.html contains "&uuml;"`, True},
		{`has_attachment and len(attachments) == 1 and any(attachments, .name == "rechnung.pdf" and .type == "application/PDF" and .size < 10 and not .inline)`, True},
		{`capture(body.text, "(?i)number is ([0-9]+)") == "42"`, True},
		{`to_me and my_tag == "SHOP" and not only_to_me`, True},
		{`any(recipients, .local == "me+shop") and len(recipients) == 4 and len(reply_to) == 0`, True},
		{`sender.address == "" and return_path == "" and message_id == "<1@example.org>" and in_reply_to == "" and len(references) == 0`, True},
		{`is_bulk and not is_auto and not is_reply and not is_bounce and bounce.status == "" and bounce.recipient == ""`, True},
		{`priority == "normal" and unsubscribe.url == "" and unsubscribe.mailto == "" and not unsubscribe.one_click`, True},
		{`auth.spf == "none" and auth.dkim == "none" and auth.dmarc == "none" and len(auth.domains) == 0`, True},
		{`"LIST-ID" in header_names and "X-None" not in header_names`, True},
		{`duplicate or has_reply or by_user or moved_from != ""`, False},
		// Places.
		{`mailbox == "inbox" and account == "HOME"`, True},
		{`account == "work"`, False},
		// Logic.
		{`seen && !flagged || deleted`, True},
		{`seen ? not flagged : deleted`, True},
		{`// a comment
		  seen /* and another */`, True},
	} {
		if v := truthOf(t, tt.condition); v.Truth != tt.want {
			t.Errorf("%s\n is %v (%v), want %v", tt.condition, v.Truth, v.Err, tt.want)
		}
	}
}

func TestAbsentFactsAreEmpty(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("r", `from.address == "" and from.name == "" and subject == "" and list.id == "" and list.name == "" and len(to) == 0
		and none(to, true) and all(cc, false) and header("X") == "" and len(flags) == 0 and sent == received`, "trash")))
	in := sampleInput()
	in.Message = &facts.Message{Header: facts.ParseHeader(nil)}
	if v := rs.Evaluate(in).Verdicts[0]; v.Truth != True {
		t.Errorf("got %v (%v), want true", v.Truth, v.Err)
	}
}

// Every example in the tables that describe the language is part of it.
func TestExamplesCompile(t *testing.T) {
	for _, f := range Fields() {
		tryExample(t, f.Name, f.Example)
		if f.Doc == "" || f.Type == "" || f.Type == "unknown" {
			t.Errorf("the field %s is not described", f.Name)
		}
	}
	for _, f := range Functions() {
		tryExample(t, f.Name, f.Example)
		if f.Doc == "" || f.Signature == "" {
			t.Errorf("the function %s is not described", f.Name)
		}
	}
}

// tryExample compiles an example, which is a condition or an action, and asks it
// of the sample message.
func tryExample(t *testing.T, name, example string) {
	t.Helper()
	rs, problems := Compile(baseSource(exampleRule(name, example)))
	if len(problems) > 0 {
		t.Errorf("the example of %s: %s\n%+v", name, example, problems)
		return
	}
	if v := rs.Evaluate(sampleInput()).Verdicts[0]; v.Truth != True && v.Truth != False || v.Err != nil {
		t.Errorf("the example of %s: %s\nis %v: %v", name, example, v.Truth, v.Err)
	}
}

// exampleRule is a rule that an example is part of. What an example is shows
// the word that it begins with.
func exampleRule(name, example string) RuleSource {
	kind, arg, _ := strings.Cut(example, ": ")
	if !actions.Kind(kind).Known() {
		return rule(name, example, "trash")
	}
	if kind == string(actions.Snooze) {
		return rule(name, "true", example)
	}
	r := rule(name, "true", kind)
	if list, isList := strings.CutPrefix(arg, "["); isList {
		return rule(name, "true", kind+": "+strings.TrimSuffix(list, "]"))
	}
	if settings, has := strings.CutPrefix(arg, "{to: "); has {
		parts := strings.Split(strings.TrimSuffix(settings, "}"), ", ")
		text := func(i int, name string) Text {
			return Text{Value: strings.Trim(strings.TrimPrefix(parts[i], name), "'")}
		}
		r.Then[0].Args, r.Then[0].Subject, r.Then[0].Body = []Text{text(0, "")}, text(1, "subject: "), text(2, "body: ")
		return r
	}
	if arg != "" {
		r.Then[0].Args = []Text{{Value: arg}}
	}
	return r
}

func TestDefines(t *testing.T) {
	src := baseSource(rule("r", `not bulk and vip and any(to, mine)`, `move: X/${who}`))
	src.Define = []DefineSource{
		{Text{Value: "vip"}, Text{Value: `known and not (flagged)`}},
		{Text{Value: "known"}, Text{Value: `in_list(from.address, "vips")`}},
		{Text{Value: "bulk"}, Text{Value: `header("Precedence") == "bulk" or flagged`}},
		{Text{Value: "who"}, Text{Value: `lower(from.local)`}},
		{Text{Value: "mine"}, Text{Value: `any(cc, .domain == "example.org")`}},
	}
	rs := mustCompile(t, src)
	d := rs.Evaluate(sampleInput())
	if got := d.Plan.String(); got != "move: X/ann" {
		t.Errorf("plan %q, verdicts %+v", got, d.Verdicts)
	}
}

func TestFold(t *testing.T) {
	for _, tt := range []struct {
		a, b string
	}{
		{"straße", "STRAßE"}, {"ΣΊΣΥΦΟΣ", "σίσυφος"}, {"K", "\u212A"}, {"s", "\u017F"}, {"i", "I"}, {"é", "É"}, {"x", "y"}, {"ss", "ß"}, {"\u0130", "i"}, {"", "a"},
	} {
		if got, want := fold(tt.a) == fold(tt.b), strings.EqualFold(tt.a, tt.b); got != want {
			t.Errorf("fold(%q) == fold(%q) is %v, EqualFold says %v", tt.a, tt.b, got, want)
		}
	}
}

func TestFoldIsEqualFoldForEveryRune(t *testing.T) {
	for r := rune(0); r < 0x1F000; r++ {
		s := string(r)
		for _, other := range []string{strings.ToUpper(s), strings.ToLower(s), strings.ToTitle(s)} {
			if (fold(s) == fold(other)) != strings.EqualFold(s, other) {
				t.Fatalf("%q and %q", s, other)
			}
		}
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true}, {"", "", true}, {"?", "", false}, {"a*", "abc", true}, {"*c", "abc", true}, {"a*c", "abbbc", true},
		{"a*b*c", "aXbYc", true}, {"a*b*c", "aXcYb", false}, {"?b?", "abc", true}, {"Lists/*", "Lists/a/b", true}, {"Lists/*", "Lists", false},
		{"a?c*", "abcd", true}, {"*a?c", "xxabc", true}, {"*a?c*?", "xxabc", false}, {"*?", "", false}, {"x*x", "x", false}, {"*b?d*f", "abcdef", true},
		{"[a]", "a", false}, {"ä?ü", "äöü", true}, {"**", "x", true},
		{strings.Repeat("*a", 400) + "b", strings.Repeat("a", 20000), false},
	} {
		if got := globMatch(tt.pattern, tt.text); got != tt.want {
			t.Errorf("globMatch(%.20q, %.20q) = %v", tt.pattern, tt.text, got)
		}
	}
}

func TestCanonicalText(t *testing.T) {
	b := newBuilder(baseSource())
	text := func(s string) string {
		e := b.expression(s, 0, 0)
		if e.node == nil {
			t.Fatalf("%s: %+v", s, b.problems)
		}
		return canonical(e.node)
	}
	for _, same := range [][2]string{
		{"seen and flagged", "(seen)&&( flagged )"}, {"not seen", "!seen"}, {`subject == "a"`, `subject=='a'`}, {`any(to, .domain == "x")`, `to | any(#.domain == "x")`},
	} {
		if text(same[0]) != text(same[1]) {
			t.Errorf("%s and %s print differently: %s, %s", same[0], same[1], text(same[0]), text(same[1]))
		}
	}
	seen := map[string]string{}
	for _, other := range []string{
		"size - (1 - 2) > 0", "size - 1 - 2 > 0", "(seen ? flagged : draft) == draft", "seen ? flagged : draft == draft", "not (seen and flagged)", "not seen and flagged",
		`subject == "a"`, `subject == "A"`, `subject == "a\" == \"a"`, "size == 1", "size == 1.0", "size == -1", "any(to, true)", "all(to, true)", `"a" in flags`, `"a" in ["a"]`,
	} {
		if before, ok := seen[text(other)]; ok {
			t.Errorf("%s and %s print alike", before, other)
		}
		seen[text(other)] = other
	}
}
