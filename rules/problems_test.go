package rules

import (
	"fmt"
	"strings"
	"testing"
)

// Each expression with the place, in runes, and the words of its problem.
func TestProblemsOfAnExpression(t *testing.T) {
	for _, tt := range []struct {
		condition      string
		offset, length int
		message, hint  string
	}{
		// The forbidden list.
		{`seen and $env == 1`, 9, 4, "$env is not part of the language", "name the field"},
		{`received.Year() == 2026`, 9, 4, "methods are not part", "year(received)"},
		{`sent < now()`, 7, 3, `unknown function "now"`, "use age"},
		{`reduce([1], #acc + #) == 1`, 0, 6, `unknown function "reduce"`, "not part of the language"},
		{`repeat("x", 9) == "x"`, 0, 6, `unknown function "repeat"`, "not part of the language"},
		{`subject matches from.name`, 21, 4, "must be written out", "when the rules are loaded"},
		{`subject matches "a" + "b"`, 20, 1, "must be written out", ""},
		{`size in 1..10`, 9, 2, "ranges are not part", ">="},
		{`cc[0].address == "x"`, 2, 1, "cannot be taken by their place", "any(cc"},
		{`subject[0:3] == "x"`, 7, 1, "cannot be taken by their place", "startsWith"},
		{`(list.id ?? "") == ""`, 9, 2, `"??" is not part`, `""`},
		{`from?.address == ""`, 6, 7, `"?." is not part`, "."},
		{`subject == nil`, 11, 3, "there is no nil", `""`},
		{`let x = subject; x == ""`, 4, 1, "no variables", "define"},
		{`{"a": 1} == size`, 0, 1, "braces mean nothing", "square brackets"},
		{`size ** 2 > 1`, 5, 2, `"**" is not part`, ""},
		{`size % 2 == 0`, 5, 1, `"%" is not part`, ""},
		{`any(to, #index == 0)`, 8, 1, "#index is not part", ""},
		{`count(to) > 1`, 0, 5, "a list and a condition", "count(to,"},
		{`capture(subject, "ticket") == "1"`, 17, 8, "the pattern has no group", "parentheses"},
		{`capture(subject, "(") == "1"`, 17, 3, "not a valid regular expression", "RE2"},
		{`within(received, "22", "23:00")`, 17, 4, `"22" is no time of day`, "22:00"},
		{`within(received, "22:00", "22:00")`, 26, 7, "the two times are the same", ""},
		{`under(from.domain, "@example.org")`, 19, 14, "is not a domain", "without @"},
		{`under(from.domain, "")`, 19, 2, "the domain is empty", "example.org"},
		{`"" in headers("a b")`, 14, 5, "is not the name of a header field", ""},
		{`age > days(365000)`, 11, 6, "more than 100 years", ""},
		{`age > weeks(-1)`, 12, 1, "less than nothing", "subtract"},
		{`size > mb(10000000)`, 10, 8, "more than 1 TiB", ""},
		{`size > 99999999999999999`, 7, 17, "the number is too large", ""},
		// Names.
		{`subjct contains "x"`, 0, 6, `unknown field "subjct"`, "did you mean subject?"},
		{`from.addrss == "x"`, 5, 6, `no field "addrss"`, "did you mean address?"},
		{`from.foo == "x"`, 5, 3, `no field "foo"`, "address, ascii, domain, local, name"},
		{`list.nam == "x"`, 5, 3, `no field "nam"`, "did you mean name?"},
		{`form.address == "x"`, 0, 4, `unknown field "form"`, "did you mean from?"},
		{`folder == "INBOX"`, 0, 6, `unknown field "folder"`, "mailbox"},
		{`body contains "x"`, 5, 8, "this is a group of fields", "as in body.text"},
		{`attachments contains "x"`, 12, 8, "not into a list", "any(attachments, .name contains"},
		{`attachments.name == "x"`, 12, 4, "list of attachments, not one attachment", "any(attachments, .name"},
		{`any(attachments, .sze > 1)`, 18, 3, `an attachment has no field "sze"`, "did you mean size?"},
		{`"x" in attachments`, 4, 2, "cannot look for a text among attachments", "any(attachments"},
		{`spf == "pass"`, 0, 3, `unknown field "spf"`, "auth.spf"},
		{`date < sent`, 0, 4, "date is a function", "call it"},
		{`any(to, domain == "x")`, 8, 6, `unknown field "domain"`, "put a dot before it"},
		{`any(to, .domian == "x")`, 9, 6, `no field "domian"`, "did you mean domain?"},
		{`hass(subject, "x")`, 0, 4, `unknown function "hass"`, "did you mean has?"},
		{`subject("x")`, 0, 7, "subject is a field", "without parentheses"},
		{`hasPrefix(subject, "x")`, 0, 9, `unknown function "hasPrefix"`, "startsWith"},
		{`first(cc).address == ""`, 0, 5, `unknown function "first"`, "any(cc"},
		{`in_list(subject, "vip")`, 17, 5, `there is no list "vip"`, "did you mean vips?"},
		{`in_list(subject, from.name)`, 22, 4, "must be written out", "as in in_list"},
		// Types.
		{`size > "10"`, 5, 1, `">" cannot compare a number with a text`, "without quotes"},
		{`age > 30`, 4, 1, `">" cannot compare a duration with a number`, "days(30)"},
		{`received > "2026-01-01"`, 9, 1, "cannot compare a time with a text", "date("},
		{`sent > days(3)`, 5, 1, "cannot compare a time with a duration", "age"},
		{`to == "a@b"`, 3, 2, "cannot compare a list of addresses", "any(to"},
		{`from == "a@b"`, 5, 2, "cannot compare a group of fields", "from.address"},
		{`to.address == "a@b"`, 3, 7, "list of addresses, not one address", "any(to, .address"},
		{`flags contains "x"`, 6, 8, "not into a list", "in flags"},
		{`to contains "x"`, 3, 8, "not into a list", "any(to"},
		{`subject contains ["a", "b"]`, 8, 8, "not for a list", "has(subject"},
		{`subject contains 1`, 8, 8, "looks for a text", ""},
		{`"a@b" in to`, 6, 2, "among addresses", "any(to"},
		{`"x" in subject`, 4, 2, `"in" looks into a list`, "contains"},
		{`1 in ["a"]`, 2, 2, "cannot find a number among texts", ""},
		{`size in [1, "a"]`, 12, 3, "a text among numbers", "one kind"},
		{`seen and subject`, 9, 7, `a condition was expected after "and"`, "subject contains"},
		{`not size`, 4, 4, `a condition was expected after "not"`, ""},
		{`-subject == ""`, 1, 7, "a number was expected", ""},
		{`size + subject == ""`, 5, 1, `"+" cannot combine a number with a text`, "${}"},
		{`size / 0 > 1`, 5, 1, "divides by zero", ""},
		{`seen ? 1 : "x"`, 13, 1, "the two sides", "one kind"},
		{`has(to, "x")`, 4, 2, "has takes a text here, and this is a list of addresses", "any()"},
		{`has(subject)`, 0, 3, "takes 2 arguments or more, not 1", `as in has(`},
		{`days() < age`, 0, 4, "takes one argument, not 0", "as in"},
		{`year("2026") == 1`, 5, 6, "takes a time here, and this is a text", "date("},
		{`any(subject, true)`, 4, 7, "takes a list here", "as in any("},
		{`len(size) > 1`, 0, 3, "len counts", ""},
		{`any(to, any(to, any(to, true)))`, 16, 3, "nested more than 2", ""},
		{`map(to, #) == 1`, 0, 3, "map cannot make", ""},
		{`bounce.status == 5`, 14, 2, "cannot compare a text with a number", `write it in quotes: "5"`},
		{`5 != bounce.status`, 2, 2, "cannot compare a number with a text", `write it in quotes: "5"`},
		{`bounce.status in [5, 4]`, 14, 2, "cannot find a text among numbers", `write it in quotes: "5"`},
		{`month(received) == "March"`, 16, 2, "cannot compare a number with a text", "month() is 1 to 12"},
		{`month(received) in ["3"]`, 16, 2, "cannot find a number among texts", "without quotes"},
		{`size > "10MB"`, 5, 1, "cannot compare a number with a text", "mb(10)"},
		{`size == subject`, 5, 2, "cannot compare a number with a text", ""},
		{`subject * 2 > 1`, 8, 1, `"*" cannot combine a text with a number`, "works with numbers"},
		{`size * "2" > 1`, 5, 1, `"*" cannot combine a number with a text`, "without quotes"},
		{`body == "x"`, 5, 2, "cannot compare a group of fields", "as in body.text"},
		{`body matches "x"`, 0, 4, "this is a group of fields", "as in body.text"},
		{`has(list, "x")`, 4, 4, "this is a group of fields", "as in list.id"},
		{`bounce in ["x"]`, 7, 2, "cannot look for a group of fields", "as in bounce.status"},
		{`not body`, 4, 4, "this is a group of fields", "as in body.text"},
		{`body`, 0, 0, "this is a group of fields", "as in body.text"},
		// What "not" takes.
		{`not subject contains "x"`, 0, 3, `"not" takes only subject, which is a text`, `write subject not contains "x", or not (subject contains "x")`},
		{`seen and ! subject startsWith "x"`, 9, 1, `"!" takes only subject`, `subject not startsWith "x"`},
		{`not subject matches "x"`, 0, 3, `"not" takes only subject`, `subject not matches "x"`},
		{`not "x" in flags`, 0, 3, `"not" takes only "x"`, `write "x" not in flags, or not ("x" in flags)`},
		{`not from.domain == "x"`, 0, 3, `"not" takes only from.domain`, `write from.domain != "x", or not (from.domain == "x")`},
		{`not size > 5`, 0, 3, `"not" takes only size, which is a number`, "write not (size > 5)"},
		{`not not subject == "x"`, 4, 3, `"not" takes only subject`, "write"},
		{`not subject contains "` + strings.Repeat("x", 60) + `"`, 0, 3, `"not" takes only what comes right after it, which is a text`, "parentheses: not (...)"},
		// Methods.
		{`subject.lower() == "x"`, 8, 5, "methods are not part", "write lower(subject)"},
		{`from.name.ToUpper() == "x"`, 10, 7, "methods are not part", "write upper(from.name)"},
		{`subject.contains("x")`, 8, 8, "methods are not part", `write subject contains "x"`},
		{`subject.hasPrefix("x")`, 8, 9, "methods are not part", `write subject startsWith "x"`},
		{`subject.reverse() == "x"`, 8, 7, "methods are not part", "call functions"},
		{`subject.has("` + strings.Repeat("x", 60) + `")`, 8, 3, "methods are not part", "call functions"},
		// Texts without quotes.
		{`True`, 0, 4, `unknown field "True"`, "write true"},
		{`seen and yes`, 9, 3, `unknown field "yes"`, "write true"},
		{`seen == off`, 8, 3, `unknown field "off"`, "write false"},
		{`nonsense`, 0, 8, `unknown field "nonsense"`, ""},
		{`priority == high`, 12, 4, `unknown field "high"`, `in quotes: "high"`},
		{`in_list(subject, vips)`, 17, 4, "the list of in_list must be written out", `write it in quotes: "vips"`},
		{`header(Foo) == "x"`, 7, 3, "the field of header must be written out", `write it in quotes: "Foo"`},
		{`header(X-Spam-Flag) == "x"`, 7, 1, "the field of header must be written out", `write it in quotes: "X-Spam-Flag"`},
		{`header(X-1) == "x"`, 7, 1, "the field of header must be written out", `as in header(`},
		// Constants.
		{`subject matches "(a"`, 16, 4, "not a valid regular expression: missing closing )", "RE2"},
		{`subject matches "a(?=b)"`, 16, 8, "not a valid regular expression", "look-around"},
		{`subject matches "*a"`, 16, 4, "not a valid regular expression", "glob"},
		{`date("yesterday") < sent`, 5, 11, "is not a date", "2026-01-31"},
		{`date("2026-02-30") < sent`, 5, 12, "is not a date", ""},
		{`format(sent, "yyyy") == ""`, 13, 6, "has no code in it", "%Y-%m"},
		{`format(sent, "%Q") == ""`, 13, 4, "no code %Q", ""},
		{`weekday(sent) == "sat"`, 17, 5, "is no day of the week", "Monday"},
		{`weekday(sent) in ["Sunday", "Sonntag"]`, 28, 9, "is no day of the week", ""},
		{`header("X Y") == ""`, 7, 5, "not the name of a header field", "X-Spam-Flag"},
		// The parser's own.
		{`from.address = "x"`, 13, 1, `"=" means nothing here`, "=="},
		{`subject contains "x`, 18, 1, "no closing quote", ""},
		{`"\Seen" in flags`, 2, 1, "backslash", `\\Seen`},
		{`size > 10KB`, 9, 1, "not a number", "kb(10)"},
		{`seen and`, 7, 1, "ends too early", ""},
		{`(seen`, 4, 1, "ends too early", ""},
		{`seen or or flagged`, 8, 2, `"or" was not expected`, "a condition is missing before it"},
		{`seen && && flagged`, 8, 2, `"&&" was not expected`, "a condition is missing before it"},
		{`subject contains contains "x"`, 17, 8, `"contains" was not expected`, "a value is missing before it"},
		{`subject startsWith startsWith "x"`, 19, 10, `"startsWith" was not expected`, "a value is missing before it"},
		{`subject startswith "x"`, 8, 10, `"startswith" was not expected`, "use startsWith"},
		{`list.id ?? "" == ""`, 8, 2, `"??" is not part`, `compare with ""`},
		{`has(subject, "??") and (list.id ?? "" == "")`, 32, 2, `"??" is not part`, ""},
		{`if seen`, 0, 2, `"if" is not part`, "leave it out"},
		{` if: seen`, 1, 2, `"if" is not part`, "leave it out"},
		{`iffy seen`, 5, 4, `"seen" was not expected`, ""},
		{`seen AND flagged`, 5, 3, `"AND" was not expected`, "lower case"},
		{`subject contains "ä" "x"`, 21, 3, "a text stands where an operator", "and, or"},
		{`.domain == "x"`, 0, 1, "only inside any", "any(to"},
		{`$Invoice in flags`, 0, 8, `unknown field "$Invoice"`, ""},
		{`seen; flagged`, 0, 4, "no variables", "define"},
		{`if seen { true } else { false }`, 0, 1, `"if" is not part`, "? one : other"},
		{``, 0, 0, "the expression is empty", "true"},
		{"seen\xff", 0, 0, "not valid UTF-8", ""},
		{strings.Repeat("(", 100) + "seen" + strings.Repeat(")", 100), 64, 1, "nested more than 64 deep", ""},
		{strings.Repeat("(", 9000), 0, 0, "octets, more than", "define"},
		{`"` + strings.Repeat("(", 100) + `" == subject and sen`, 118, 3, `unknown field "sen"`, "did you mean seen?"},
		// The whole condition.
		{`subject`, 0, 0, "the condition must be true or false, this is a text", "contains"},
		{`size`, 0, 0, "this is a number", "mb("},
		{`to`, 0, 0, "this is a list of addresses", "any("},
	} {
		rs, problems := Compile(baseSource(rule("r", tt.condition, "trash")))
		if rs != nil || len(problems) != 1 {
			t.Errorf("%.60q: %d problems: %+v", tt.condition, len(problems), problems)
			continue
		}
		p := problems[0]
		if p.Pos != 2 || p.Offset != tt.offset || p.Length != tt.length || !strings.Contains(p.Message, tt.message) || !strings.Contains(p.Hint, tt.hint) {
			t.Errorf("%.60q:\n got %d+%d %q (%q)\nwant %d+%d %q (%q)", tt.condition, p.Offset, p.Length, p.Message, p.Hint, tt.offset, tt.length, tt.message, tt.hint)
		}
		plainWords(t, p)
	}
}

// plainWords fails on words that only the code's authors know.
func plainWords(t *testing.T, p Problem) {
	t.Helper()
	for _, word := range []string{"interface", "[]", "map[", "nil pointer", "token", "EOF", "Operator(", "string", "float64", "int ", "*", "reflect"} {
		text := strings.NewReplacer(`"**"`, "", `"*"`, "").Replace(p.Message)
		if strings.Contains(text, word) && !strings.Contains(text, "`") && !strings.Contains(text, "expression: missing argument") {
			t.Errorf("the message speaks in code: %q", p.Message)
		}
	}
}

func TestSeveralProblemsOfOneExpression(t *testing.T) {
	_, problems := Compile(baseSource(
		rule("a", `subjct == "x" and size > "1" and nowhere(1)`, "trash"),
		rule("b", `flagd`, "trash"),
	))
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%d:%d", p.Pos, p.Offset))
	}
	if want := "2:0 2:23 2:33 102:0"; strings.Join(got, " ") != want {
		t.Errorf("problems at %v, want %s", got, want)
	}
}

func TestEmptyTextWarns(t *testing.T) {
	for _, condition := range []string{`has(subject, "")`, `subject contains ""`, `subject startsWith ""`, `has(subject, "a", "")`} {
		rs, problems := Compile(baseSource(rule("r", condition, "trash")))
		if rs == nil || len(problems) != 1 || problems[0].Severity != Warning || !strings.Contains(problems[0].Message, "always true") {
			t.Errorf("%s: %+v", condition, problems)
		}
	}
}

func TestProblemsOfDefines(t *testing.T) {
	for _, tt := range []struct {
		name    string
		defines []DefineSource
		want    []string
	}{
		{"hides a field", []DefineSource{{Text{"subject", 50}, Text{"seen", 51}}}, []string{`50: the define "subject" would hide the field of that name`}},
		{"hides a record", []DefineSource{{Text{"from", 50}, Text{"seen", 51}}}, []string{`50: the define "from" would hide the field of that name`}},
		{"hides a function", []DefineSource{{Text{"has", 50}, Text{"seen", 51}}}, []string{`50: the define "has" would hide the function of that name`}},
		{"hides a builtin", []DefineSource{{Text{"duration", 50}, Text{"seen", 51}}}, []string{`50: the define "duration" would hide the function of that name`}},
		{"is a word", []DefineSource{{Text{"true", 50}, Text{"seen", 51}}}, []string{`50: "true" is a word of the language`}},
		{"is no name", []DefineSource{{Text{"my vip", 50}, Text{"seen", 51}}}, []string{`50: "my vip" cannot be a name`}},
		{"twice", []DefineSource{{Text{"a", 50}, Text{"seen", 51}}, {Text{"a", 52}, Text{"flagged", 53}}}, []string{`52: "a" is defined twice`}},
		{"itself", []DefineSource{{Text{"a", 50}, Text{"not a", 51}}}, []string{"50: the define uses itself: a -> a"}},
		{"circle", []DefineSource{{Text{"a", 50}, Text{"b", 51}}, {Text{"b", 52}, Text{"c and seen", 53}}, {Text{"c", 54}, Text{"a", 55}}},
			[]string{"50: the define uses itself: a -> b -> c -> a"}},
		{"a group", []DefineSource{{Text{"f", 50}, Text{" body", 51}}, {Text{"b", 52}, Text{`f.text == "x"`, 53}}}, []string{"51: the define is a group of fields"}},
		{"wrong inside", []DefineSource{{Text{"a", 50}, Text{"subjct == 1", 51}}, {Text{"b", 52}, Text{"a and seen", 53}}}, []string{`51: unknown field "subjct"`}},
	} {
		src := baseSource(rule("r", "seen", "trash"))
		src.Define = tt.defines
		rs, problems := Compile(src)
		var got []string
		for _, p := range problems {
			got = append(got, fmt.Sprintf("%d: %s", p.Pos, p.Message))
		}
		if rs != nil || strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A define cannot name a group of fields: nothing could be asked of it.
func TestDefineOfAGroup(t *testing.T) {
	src := baseSource(rule("r", `f.address == "x"`, "trash"))
	src.Define = []DefineSource{{Text{"f", 50}, Text{" sender", 51}}}
	rs, problems := Compile(src)
	if rs != nil || len(problems) != 1 || problems[0].Pos != 51 || problems[0].Offset != 1 || problems[0].Length != 6 ||
		problems[0].Hint != "use one of its fields, as in sender.address" {
		t.Errorf("problems %+v", problems)
	}
}

// A define that uses another twice, twenty deep, has a million parts.
func TestDefinesThatGrow(t *testing.T) {
	src := baseSource(rule("r", "d20", "trash"))
	src.Define = []DefineSource{{Text{Value: "d0"}, Text{Value: "seen"}}}
	for i := range 20 {
		src.Define = append(src.Define, DefineSource{Text{Value: fmt.Sprint("d", i+1)}, Text{Value: fmt.Sprintf(`(d%d ? "a" : "b") == (d%d ? "a" : "b")`, i, i)}})
	}
	rs, problems := Compile(src)
	if rs != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, "more than 10000 parts") {
		t.Errorf("problems %+v", problems)
	}
	for i := range src.Define[1:] {
		src.Define[i+1].Expr.Value = fmt.Sprintf(`d%d and d%d`, i, i)
	}
	if rs, problems = Compile(src); rs != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, "more than 10000 parts") {
		t.Errorf("problems %+v", problems)
	}
	src = baseSource(rule("r", "any(to, loops)", "trash"))
	src.Define = []DefineSource{{Text{Value: "loops"}, Text{Value: "any(to, any(cc, true))"}}}
	if rs, problems = Compile(src); rs != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, "nested more than 2 deep") {
		t.Errorf("problems %+v", problems)
	}
}
