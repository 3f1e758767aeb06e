package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/rules/facts"
)

// sampleHeader is a newsletter-like message that the tables ask about.
const sampleHeader = "From: =?utf-8?q?Ann_Gr=C3=BCn?= <Ann@Mail.Example.ORG>\r\n" +
	"To: Me <me@example.net>, \"You\" <you@Example.com>\r\n" +
	"Cc: list@example.org\r\n" +
	"Subject: Your INVOICE for =?iso-8859-1?q?=C4pfel?=\r\n" +
	"List-Id: Go Nuts <Golang-Nuts.googlegroups.com>\r\n" +
	"Date: Sat, 03 Jan 2026 23:30:00 +0000\r\n" +
	"X-Spam-Flag: YES\r\n" +
	"Delivered-To: me+shop@example.net\r\n" +
	"Message-ID: <1@example.org>\r\n"

// sampleBody has a text, an HTML text and an attachment.
const sampleBody = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n" +
	"--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n" +
	"--a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe, your tracking number is 42\r\n" +
	"--a\r\nContent-Type: text/html\r\n\r\n<p>Gr&uuml;&szlig;e</p>\r\n--a--\r\n" +
	"--m\r\nContent-Type: application/pdf; name=\"Rechnung.PDF\"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--m--\r\n"

func sampleMessage() *facts.Message {
	return received([]byte(sampleHeader + sampleBody))
}

// received is a message with everything that can be known of it.
func received(raw []byte) *facts.Message {
	m := facts.ParseMessage(raw, 0)
	m.UID, m.Flags, m.Size, m.History, m.Gmail = 7, []imap.Flag{`\Seen`, "$Invoice"}, 2<<20, &facts.History{}, &facts.Gmail{}
	m.Received = time.Date(2026, 1, 3, 23, 30, 0, 0, time.UTC)
	return m
}

func sampleInput() Input {
	return Input{
		Account: "home", Mailbox: Mailbox{Name: "INBOX"}, Message: sampleMessage(), Every: true,
		Now: time.Date(2026, 2, 10, 12, 0, 0, 0, time.UTC),
	}
}

// berlin is a zone in which the sample message came on another day.
func berlin() *time.Location { return time.FixedZone("Berlin", 3600) }

// baseSource has what rules can refer to.
func baseSource(rules ...RuleSource) Source {
	for i := range rules {
		rules[i].Name.Pos = 100*i + 1
		rules[i].If.Pos = 100*i + 2
		for j := range rules[i].In {
			rules[i].In[j].Pos = 100*i + 10 + j
		}
		for j := range rules[i].Then {
			rules[i].Then[j].Kind.Pos = 100*i + 20 + j
			for k := range rules[i].Then[j].Args {
				rules[i].Then[j].Args[k].Pos = 100*i + 30 + j
			}
		}
	}
	return Source{
		Location:  berlin(),
		Accounts:  []AccountSource{{Name: "home", Addresses: []string{"me@example.net"}, TrustedAuthserv: []string{"mx.example.net"}}, {Name: "work"}},
		Endpoints: []Text{{Value: "ci"}},
		Allowed:   []string{"exec", "forward", "reply", "save_attachments"},
		Lists:     []ListSource{{Name: Text{Value: "vips"}, Values: []string{"ANN@mail.example.org", "bob@example.net"}}},
		Rules:     rules,
	}
}

// rule makes a rule from its condition and actions as a user writes them:
// "move: X", "add_flags: \Seen, $A", "trash".
func rule(name, condition string, then ...string) RuleSource {
	r := RuleSource{Name: Text{Value: name}, If: Text{Value: condition}}
	for _, a := range then {
		kind, arg, has := strings.Cut(a, ": ")
		src := ActionSource{Kind: Text{Value: kind}}
		if has {
			if src.Until = untilOf(kind, arg); src.Until != nil {
				r.Then = append(r.Then, src)
				continue
			}
			for one := range strings.SplitSeq(arg, ", ") {
				src.Args = append(src.Args, Text{Value: one})
			}
		}
		r.Then = append(r.Then, src)
	}
	return r
}

// untilOf is the time of a snooze, which is an hour later however it is written.
func untilOf(kind, arg string) *Until {
	if kind != "snooze" {
		return nil
	}
	text, calendar := strings.CutPrefix(strings.TrimSuffix(arg, "}"), "{until: ")
	return &Until{Text: Text{Value: text}, Calendar: calendar, At: func(now time.Time) time.Time { return now.Add(time.Hour) }}
}

func (r RuleSource) inside(mailboxes ...string) RuleSource {
	for _, m := range mailboxes {
		r.In = append(r.In, Text{Value: m})
	}
	return r
}

func (r RuleSource) stopping() RuleSource { r.Stop = true; return r }
func (r RuleSource) dry() RuleSource      { r.DryRun = true; return r }
func (r RuleSource) by(accounts ...string) RuleSource {
	for _, a := range accounts {
		r.Accounts = append(r.Accounts, Text{Value: a})
	}
	return r
}

// mustCompile compiles rules that have no error.
func mustCompile(t testing.TB, src Source) *Ruleset {
	t.Helper()
	rs, problems := Compile(src)
	if rs == nil {
		t.Fatalf("problems: %+v", problems)
	}
	return rs
}

// truthOf evaluates one condition on the sample message.
func truthOf(t testing.TB, condition string) Verdict {
	t.Helper()
	rs := mustCompile(t, baseSource(rule("r", condition, "trash")))
	return rs.Evaluate(sampleInput()).Verdicts[0]
}
