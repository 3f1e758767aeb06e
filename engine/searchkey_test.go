package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/corpus"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
	"imapilot/engine/provider"
	"imapilot/rules"
	"imapilot/rules/facts"
)

const (
	keyMessages = 150
	keyRules    = 150 // with each message a case: 22,500 on each server
)

// TestASearchFindsWhateverMatches: for random rules and messages, a rule that
// matches here implies that the server's search with its key finds the
// message. Every case is one rule on one message.
func TestASearchFindsWhateverMatches(t *testing.T) {
	both(t, func(t *testing.T, srv *imaptest.Server) {
		random := rand.New(rand.NewPCG(11, 12))
		now := time.Now()
		srv.AppendAll(t, "INBOX", randomMail(t, random, now))
		s := session(t, srv)
		messages := fetchAll(t, s)
		cases, excluded := 0, 0
		for i := range keyRules {
			condition := randomKeyCondition(random, 2, now)
			rs, problems := rules.Compile(rules.Source{Rules: []rules.RuleSource{{
				Name: rules.Text{Value: "r"}, If: rules.Text{Value: condition}, Then: []rules.ActionSource{{Kind: rules.Text{Value: "trash"}}},
			}}})
			if rs == nil {
				t.Fatalf("%s: %+v", condition, problems)
			}
			profile := rules.SearchProfile{}
			if i%2 == 0 {
				profile = engine.SearchProfileOf(provider.Of(provider.Facts{Name: "Dovecot"}))
			}
			c, e := checkKey(t, s, rs, condition, messages, now, profile)
			cases, excluded = cases+c, excluded+e
		}
		t.Logf("%d cases, the server excluded %d of them", cases, excluded)
		if cases < 10_000 || excluded < cases/10 {
			t.Errorf("only %d cases, %d excluded: the search was hardly tried", cases, excluded)
		}
	})
}

// checkKey searches with the key of one rule and looks for what it missed.
func checkKey(t *testing.T, s *imapsession.Session, rs *rules.Ruleset, condition string, messages []*facts.Message, now time.Time, profile rules.SearchProfile) (cases, excluded int) {
	t.Helper()
	box := rules.Mailbox{Name: "INBOX"}
	key, ok := rs.SearchKey("home", box, now, profile)
	if !ok {
		return len(messages), 0
	}
	key.UID = []imap.UIDSet{{{Start: 1, Stop: 100_000}}}
	found, err := s.Search(t.Context(), key)
	if err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
	for _, m := range messages {
		if found.Contains(m.UID) {
			continue
		}
		excluded++
		d := rs.Evaluate(rules.Input{Account: "home", Mailbox: box, Message: m, Now: now, Every: true})
		if len(d.Plan.Items) > 0 {
			t.Errorf("the search for %s\nmissed UID %d: from %q, subject %q, flags %v, received %v, %d octets\nkey %+v",
				condition, m.UID, m.Header.First("From"), m.Header.Subject(), m.Flags, m.Received, m.Size, key)
		}
	}
	return len(messages), excluded
}

func session(t *testing.T, srv *imaptest.Server) *imapsession.Session {
	t.Helper()
	host, port := srv.Addr()
	s, err := imapsession.Dial(t.Context(), imapsession.Options{Host: host, Port: port, TLS: imapsession.TLSNone, Username: srv.Username, Password: srv.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Select(t.Context(), "INBOX"); err != nil {
		t.Fatal(err)
	}
	return s
}

// fetchAll reads the messages as the daemon does.
func fetchAll(t *testing.T, s *imapsession.Session) []*facts.Message {
	t.Helper()
	all, err := s.SearchAbove(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := s.FetchWholeHeaders(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	var out []*facts.Message
	for _, f := range fetched {
		out = append(out, &facts.Message{UID: f.UID, Flags: f.Flags, Received: f.Received, Size: f.Size, Header: facts.ParseHeader(f.Header), WholeHeader: true})
	}
	return out
}

// randomMail is mail with senders and subjects in the spellings that occur,
// and messages of the corpus.
func randomMail(t *testing.T, random *rand.Rand, now time.Time) []imaptest.Delivery {
	real := corpus.Messages(t)
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	var out []imaptest.Delivery
	for i := range keyMessages {
		at := now.Add(-time.Duration(random.Int64N(int64(60 * 24 * time.Hour)))).In(time.FixedZone("", 3600*(random.IntN(25)-12)))
		raw := fmt.Appendf(nil, "From: %s\r\nTo: %s\r\nCc: %s\r\nSubject: %s\r\nMessage-ID: <%d@x>\r\n\r\n%s\r\n",
			pick("ann@shop.example", "Ann <ann@shop.example>", "\"Ann (x)\" <Ann@SHOP.example>", "ann (Ann Smith) @ shop . example", "=?utf-8?q?Ann=40x?= <bob@mail.shop.example>",
				"Doe, John <john@other.example>", "\"john doe\"@other.example", "<@relay.example:ann@shop.example>", "Group: ann@shop.example, bob@x.example;", "Ann\r\n <ann@shop.example>", ""),
			pick("me@example.org", "me+tag@example.org, you@shop.example", "undisclosed-recipients:;", "ME@Example.ORG"), pick("", "list@shop.example", "a@b.example, c@d.example"),
			pick("Your invoice 42", "=?utf-8?q?Your_inv?= =?utf-8?q?oice?=", "=?iso-8859-1?b?UmVjaG51bmc=?= paid", "Re: INVOICE\r\n overdue", "=?utf-8?b?UmVjaG51bmc=?=", "", "invo=ice", "kiss of the task"),
			i, strings.Repeat("x", random.IntN(6000)))
		if i%3 == 0 {
			raw = real[random.IntN(len(real))].Raw
		}
		var flags []imap.Flag
		for _, f := range []imap.Flag{imap.FlagSeen, imap.FlagFlagged, imap.FlagAnswered, "$Invoice", "Work"} {
			if random.IntN(3) == 0 {
				flags = append(flags, f)
			}
		}
		out = append(out, imaptest.Delivery{Flags: flags, Date: at, Raw: raw})
	}
	return out
}

// randomKeyCondition is made of parts that can be pushed to a server, and some
// that cannot.
func randomKeyCondition(random *rand.Rand, depth int, now time.Time) string {
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	if depth > 0 && random.IntN(4) > 0 {
		a, b := randomKeyCondition(random, depth-1, now), randomKeyCondition(random, depth-1, now)
		return pick("("+a+" and "+b+")", "("+a+" or "+b+")", "not ("+a+")")
	}
	op := pick("<", "<=", ">", ">=", "==")
	order := pick("<", "<=", ">", ">=")
	day := now.Add(-time.Duration(random.IntN(60)) * 24 * time.Hour).Format("2006-01-02")
	word := pick("invoice", "inv", "ice", "rechnung", "paid", "overdue", "Re", "task", "42", "linux", "spam", "a")
	domain := pick("shop.example", "mail.shop.example", "other.example", "yahoo.com", "hotmail.com", "example", "op.ex")
	return pick(
		pick("seen", "flagged", "answered", "draft"), fmt.Sprintf("%q in flags", pick("$Invoice", "work", "\\Seen", "$none")),
		fmt.Sprintf("size %s %d", op, random.IntN(8000)), fmt.Sprintf("size %s kb(%d)", op, random.IntN(8)),
		fmt.Sprintf("received %s date(%q)", order, day), fmt.Sprintf("age %s days(%d)", order, random.IntN(60)), fmt.Sprintf("age %s hours(%d)", order, random.IntN(200)),
		fmt.Sprintf("from.domain == %q", domain), fmt.Sprintf("from.address == %q", "ann@"+domain), fmt.Sprintf("from.domain endsWith %q", domain),
		fmt.Sprintf("has(from.address, %q, %q)", "ann", domain), fmt.Sprintf("from.address in [%q, %q]", "john@"+domain, "bob@mail.shop.example"), `from.local == "john doe"`,
		fmt.Sprintf("any(to, .domain == %q)", pick("example.org", domain)), fmt.Sprintf("any(cc, .address contains %q)", pick("list", domain)),
		fmt.Sprintf("subject contains %q", word), fmt.Sprintf("has(subject, %q, %q)", word, "overdue"), fmt.Sprintf("subject startsWith %q", word), fmt.Sprintf("subject == %q", "your invoice 42"),
		`list.id != ""`, `mailbox == "INBOX"`, fmt.Sprintf("header(\"X-Mailer\") contains %q", word), "hour(received) < 12",
	)
}

// What people and programs write for an address, and the rules read all the
// same. Of two addresses in brackets, <a@x> <b@y>, the rules read the last and
// Dovecot the first: such a message a search by sender leaves out.
func TestAddressKeysFindEverySpelling(t *testing.T) {
	srv := imaptest.Dovecot(t, imaptest.Options{})
	type c struct{ header, condition string }
	dom := `from.domain == "example.org"`
	for _, x := range []c{
		{"From: <ann@exam ple.org>", dom},
		{"From: <ann@exam(c)ple.org>", dom},
		{"From: ann@exam(c)ple.org", dom},
		{"From: Ann <ann@exam\r\n ple.org>", dom},
		{"From: Ann <ann@exam\x00ple.org>", dom},
		{"From: Ann <ann@EXAMPLE.ORG", dom},
		{"From: Ann ann@example.org>", dom},
		{"From: mailto:ann@example.org", dom},
		{"From: <mailto:ann@example.org>", dom},
		{"From: \"ann@example.org\"", dom},
		{"From: Ann <\"ann@example.org\">", dom},
		{"From: Doe, John <\"a,b\"@example.org>", dom},
		{"From: <@relay.test,@b.test:ann@example.org>", dom},
		{"From: Ann (x <ann@example.org>", dom},
		{"From: Ann \"x <ann@example.org>", dom},
		{"From: Re: Ann <ann@example.org>", dom},
		{"From: Ann <ann@example.org>>", dom},
		{"From: Ann <<ann@example.org>>", dom},
		{"From: Ann <ann @ example . org>", dom},
		{"From: Ann [ann@example.org]", dom},
		{"From: Ann <ann@example.org.>", dom},
		{"From: Ann; <ann@example.org>", dom},
		{"From: Ann <ann@b@example.org>", dom},
		{"From: =?utf-8?q?Ann_=3Cann=40example.org=3E?=", dom},
		{"From: x:;, ann@example.org", dom},
		{"From : ann@example.org", dom},
		{"From:ann@example.org", dom},
		{"From: <\"i\\nv\\oice\"@x.test>", `from.local == "invoice"`},
		{"From: inv(c)oice@x.test", `from.local contains "invoice"`},
		{"From: a@xn--mnchen-3ya.de", `from.domain == "münchen.de"`},
		{"From: a@münchen.de", `from.domain == "xn--mnchen-3ya.de"`},
		{"From: a@m\xfcnchen.de", `from.domain == "münchen.de"`},
		{"From: a@example。org", dom},
		{"From: a@ｅｘａｍｐｌｅ.org", dom},
		{"From: a@EXAMPLE．org", dom},
		{"From: a@ex\u00adample.org", `from.domain contains "ample.org"`},
		{"From: a@xn--example-.org", dom},
		{"From: a@faß.de", `from.domain == "faß.de"`},
		{"From: a@é" + "xample.org", `from.domain endsWith "xample.org"`},
		{"From: a@e\u0301xample.org", `from.domain contains "xample"`},
	} {
		raw := x.header + "\r\nMessage-ID: <a@b>\r\n\r\nx\r\n"
		if !strings.HasPrefix(x.header, "From") {
			raw = "From: a@b.c\r\n" + raw
		}
		srv.Empty(t, "INBOX")
		srv.Append(t, "INBOX", nil, time.Now(), []byte(raw))
		s := session(t, srv)
		rs, problems := rules.Compile(rules.Source{Rules: []rules.RuleSource{{
			Name: rules.Text{Value: "r"}, If: rules.Text{Value: x.condition}, Then: []rules.ActionSource{{Kind: rules.Text{Value: "trash"}}},
		}}})
		if rs == nil {
			t.Fatalf("%+v", problems)
		}
		m := fetchAll(t, s)
		d := rs.Evaluate(rules.Input{Account: "home", Mailbox: rules.Mailbox{Name: "INBOX"}, Message: m[0], Now: time.Now(), Every: true})
		if len(d.Plan.Items) == 0 {
			t.Logf("no match here: %.80q %s (from %+v subject %.60q)", x.header, x.condition, m[0].Header.Addresses("From"), m[0].Header.Subject())
		}
		checkKey(t, s, rs, x.condition, m, time.Now(), engine.SearchProfileOf(provider.Of(provider.Facts{Name: "Dovecot"})))
	}
}
