package rules

import (
	"strings"
	"testing"
)

// Each condition has one answer for every message: its place, in runes, and the
// words of the warning.
func TestConditionsWithOneAnswer(t *testing.T) {
	for _, tt := range []struct {
		condition      string
		offset, length int
		message, hint  string
	}{
		// A domain.
		{`from.domain == "ann@example.org"`, 15, 17, `a domain has no "@", so this is never true`, "did you mean from.address?"},
		{`from.domain == "@example.org"`, 15, 14, "never true", `write "example.org"`},
		{`"@example.org" != from.domain`, 0, 14, "always true", `write "example.org"`},
		{`from.domain in ["a.example", "@b.example"]`, 29, 12, "never found", `write "b.example"`},
		{`from.domain endsWith "@x"`, 21, 4, "never true", "did you mean from.address?"},
		{`from.domain startsWith "@x"`, 23, 4, "never true", "did you mean from.address?"},
		{`from.domain contains "@x"`, 21, 4, "never true", "did you mean from.address?"},
		{`has(from.domain, "x", "@y")`, 22, 4, "never true", "did you mean from.address?"},
		{`from.ascii == "ann@x"`, 14, 7, "a domain has no", "did you mean from.address?"},
		{`sender.domain == "ann@x"`, 17, 7, "a domain has no", "did you mean sender.address?"},
		{`any(to, .domain == "ann@x")`, 19, 7, "a domain has no", "did you mean .address?"},
		{`"@paypal.com" in auth.domains`, 0, 13, "never found", `write "paypal.com"`},
		{`site == "@x"`, 8, 4, "a domain has no", `write "x"`},
		// An address.
		{`from.address == "example.org"`, 16, 13, "is a domain, not an address", `did you mean from.domain, which is "example.org"?`},
		{`from.address in ["a@b.example", "@example.org"]`, 32, 14, "is a domain, not an address", `which is "example.org"`},
		{`any(cc, .address == "example.org")`, 20, 13, "is a domain, not an address", "did you mean .domain,"},
		// A few words.
		{`priority == "urgent"`, 12, 8, `"urgent" is no priority, so this is never true`, `priority is one of "high", "normal", "low"`},
		{`priority != ""`, 12, 2, "always true", ""},
		{`priority startsWith "x"`, 20, 3, "never true", ""},
		{`auth.dkim == "passed"`, 13, 8, `"passed" is no result that auth.dkim is known to have`, "did you mean pass?"},
		{`auth.dmarc != "bad"`, 14, 5, "is no result", ""},
		{`auth.spf in ["fail", "spam!"]`, 21, 7, "is no result that auth.spf", `the results are "pass", "fail"`},
		{`account == "hom"`, 11, 5, `there is no account "hom", so this is never true`, "did you mean home?"},
		{`account != "else"`, 11, 6, `always true`, `account is one of "home", "work"`},
		// A form.
		{`bounce.status == "5"`, 17, 3, "a status is three numbers", `write bounce.status startsWith "5."`},
		{`bounce.status == "4.2"`, 17, 5, "never true", `startsWith "4.2."`},
		{`bounce.status in ["5.1.1", "550"]`, 27, 5, "never found", `startsWith "5."`},
		{`bounce.status startsWith "55"`, 25, 4, "three numbers", `startsWith "5."`},
		{`list.id == "<go.example>"`, 11, 14, "list.id is without angle brackets, so this is never true", `write "go.example"`},
		{`list.id contains "Go <go.example>"`, 17, 17, "angle brackets", `write "go.example"`},
		{`list.id endsWith ".example>"`, 17, 11, "angle brackets", `write ".example"`},
		{`unsubscribe.mailto == "leave@l.example"`, 22, 17, "unsubscribe.mailto begins with mailto:, so this is never true", `write "mailto:leave@l.example"`},
		{`unsubscribe.mailto startsWith "leave"`, 30, 7, "never true", `"mailto:leave"`},
		// A flag.
		{`"Seen" in flags`, 0, 6, `"Seen" is a keyword of its own`, `did you mean the field seen, or "\\Seen"?`},
		{`"deleted" not in flags`, 0, 9, "a keyword of its own", "the field deleted"},
		{`"\\Sean" in flags`, 0, 8, "is not a system flag", `did you mean \\Seen?`},
		{`"two words" in flags`, 0, 11, "cannot be a keyword", ""},
		// A number.
		{`month(received) == 13`, 19, 2, "this is never true", "month() is 1 to 12"},
		{`13 != month(received)`, 0, 2, "this is always true", "month() is 1 to 12"},
		{`month(received) in [1, 0]`, 23, 1, "this is never found", "1 to 12"},
		{`day(received) == 0`, 17, 1, "never true", "day() is 1 to 31"},
		{`day(received) == 32`, 17, 2, "never true", "1 to 31"},
		{`hour(received) > 25`, 17, 2, "never true", "hour() is 0 to 23"},
		{`hour(received) > 23`, 17, 2, "never true", ""},
		{`hour(received) >= 24`, 18, 2, "never true", ""},
		{`hour(received) >= 0`, 18, 1, "always true", ""},
		{`24 > hour(received)`, 0, 2, "always true", ""},
		{`hour(received) <= 23`, 18, 2, "always true", ""},
		{`hour(received) < 0`, 17, 1, "never true", ""},
		{`hour(received) <= -1`, 18, 1, "never true", ""},
		{`size < 0`, 7, 1, "never true", "size is 0 or more"},
		{`size >= kb(0)`, 8, 2, "always true", ""},
		{`len(to) >= 0`, 11, 1, "always true", "len() is 0 or more"},
		{`count(to, .domain == "x") < 0`, 28, 1, "never true", ""},
		{`any(attachments, .size < 0)`, 25, 1, "never true", ".size is 0 or more"},
	} {
		p, ok := onlyWarning(t, tt.condition)
		if ok && (p.Offset != tt.offset || p.Length != tt.length || !strings.Contains(p.Message, tt.message) || !strings.Contains(p.Hint, tt.hint)) {
			t.Errorf("%s:\n got %d+%d %q (%q)\nwant %d+%d %q (%q)", tt.condition, p.Offset, p.Length, p.Message, p.Hint, tt.offset, tt.length, tt.message, tt.hint)
		}
	}
}

func onlyWarning(t *testing.T, condition string) (Problem, bool) {
	t.Helper()
	src := baseSource(rule("r", condition, "trash"))
	src.Define = []DefineSource{{Text{Value: "site"}, Text{Value: "from.domain"}}}
	rs, problems := Compile(src)
	if rs == nil || len(problems) != 1 || problems[0].Severity != Warning {
		t.Errorf("%s: not one warning: %+v", condition, problems)
		return Problem{}, false
	}
	return problems[0], true
}

// What can be, and what is looked up in a list of the configuration, is not
// spoken of.
func TestConditionsWithTwoAnswers(t *testing.T) {
	for _, condition := range []string{
		`from.domain == "example.org"`, `from.domain == ""`, `in_list(from.domain, "vips")`, `from.name == "ann@example.org"`, `from.local contains "@"`,
		`from.address == "ann@example.org"`, `from.address == "MAILER-DAEMON"`, `from.address == ""`, `from.address endsWith "@example.org"`,
		`from.address contains "example.org"`, `from.address startsWith "john.doe"`, `any(attachments, .name == "example.org")`,
		`priority == "High"`, `priority startsWith "h"`, `auth.dkim in ["none", "temperror"]`, `auth.dmarc == "bestguesspass"`, `auth.spf endsWith "fail"`, `account == "HOME"`,
		`bounce.status == "5.1.1"`, `bounce.status == ""`, `bounce.status >= "5"`, `bounce.status startsWith "5"`, `bounce.status startsWith "5.1."`, `bounce.status endsWith ".1"`,
		`list.id contains "go.example"`, `list.title contains "<"`, `"\\Seen" in flags`, `"$Invoice" in flags`, `"Seen" in headers("X-Status")`,
		`unsubscribe.mailto == ""`, `unsubscribe.mailto == "MAILTO:leave@l.example"`, `unsubscribe.mailto startsWith "mailto"`, `unsubscribe.mailto contains "leave@l.example"`,
		`month(received) == 12`, `month(received) < 12`, `month(received) <= 1`, `month(received) > 1`, `month(received) >= 12`, `hour(received) > 0`, `hour(received) < 23`,
		`size > 0`, `len(to) > 0`, `len(to) == 0`, `year(received) == 13`, `month(received) + 1 == 13`, `weekday(received) startsWith "S"`,
	} {
		if rs, problems := Compile(baseSource(rule("r", condition, "trash"))); rs == nil || len(problems) != 0 {
			t.Errorf("%s: %+v", condition, problems)
		}
	}
	src := baseSource(rule("r", `account == "hom"`, "trash"))
	src.Accounts = nil
	if _, problems := Compile(src); len(problems) != 0 {
		t.Errorf("without accounts: %+v", problems)
	}
}
