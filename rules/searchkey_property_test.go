package rules

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/corpus"
	"imapilot/rules/facts"
)

// TestSearchKeyExcludesNoMessageThatARuleWouldActOn takes random rules and
// messages of the corpus with random flags, sizes and dates. A server that
// searches as RFC 9051 section 6.4.4 says must find every message for which the
// rules plan anything, however much or little is known of how it searches.
func TestSearchKeyExcludesNoMessageThatARuleWouldActOn(t *testing.T) {
	const rounds, each = 1000, 10
	messages := corpus.Messages(t)
	random := rand.New(rand.NewPCG(5, 6))
	acted, excluded := 0, map[bool]int{}
	for range rounds {
		c := newSearchCase(random, messages)
		rs, conditions := c.ruleset()
		if rs == nil {
			continue // one of the rules can never be reached
		}
		for range each {
			m, server := c.message(messages)
			d := rs.Evaluate(Input{Account: "home", Mailbox: Mailbox{Name: "INBOX"}, Message: m, Now: c.now})
			acts := len(d.Plan.Items) > 0
			if acts {
				acted++
			}
			for _, profile := range []SearchProfile{{}, {Text: true}} {
				key, ok := rs.SearchKey("home", Mailbox{Name: "INBOX"}, c.now, profile)
				if !ok || server.matches(key) {
					continue
				}
				if excluded[profile.Text]++; acts {
					t.Fatalf("%q act on %+v\n but %+v excludes it", conditions, server, key)
				}
			}
		}
	}
	if acted < rounds || excluded[false] < rounds || excluded[true] < excluded[false]+rounds/10 {
		t.Errorf("%d of %d cases act, %v are excluded: the test tells nothing", acted, rounds*each, excluded)
	}
}

// searchCase makes rules and messages that have to do with each other.
type searchCase struct {
	random *rand.Rand
	now    time.Time
	ago    int            // how many hours ago is the moment that they are about
	near   corpus.Message // the message that they are about
}

func newSearchCase(random *rand.Rand, messages []corpus.Message) searchCase {
	now := time.Date(2026, 2, 10, random.IntN(24), 0, 0, 0, time.UTC)
	return searchCase{random: random, now: now, ago: random.IntN(6 * 24), near: messages[random.IntN(len(messages))]}
}

func (c searchCase) pick(list ...string) string { return list[c.random.IntN(len(list))] }

func (c searchCase) ruleset() (*Ruleset, []string) {
	var list []RuleSource
	var conditions []string
	for i := range 1 + c.random.IntN(2) {
		conditions = append(conditions, c.condition(c.random.IntN(4)))
		list = append(list, rule(fmt.Sprint("r", i), conditions[i], fmt.Sprintf("add_flags: $r%d", i)))
	}
	rs, _ := Compile(baseSource(list...))
	return rs, conditions
}

func (c searchCase) condition(depth int) string {
	if depth > 0 && c.random.IntN(5) > 1 {
		a, b := c.condition(depth-1), c.condition(depth-1)
		return c.pick("("+a+" and "+b+")", "("+a+" and "+b+")", "("+a+" or "+b+")", "not ("+a+")")
	}
	switch c.random.IntN(4) {
	case 0:
		return c.pick("seen", "flagged", "answered", "draft", "deleted", `"$Invoice" in flags`, `"\\Seen" in flags`, `"$other" in flags`)
	case 1:
		return c.ofSizeAndTime()
	default:
		return c.ofText()
	}
}

func (c searchCase) ofSizeAndTime() string {
	op := c.pick("<", "<=", ">", ">=", "==")
	size := c.pick("kb(4)", "kb(1.5)", "4000", "0", "0.5", "1", "4096.5", "mb(4096)", "mb(5000)")
	day := c.moment().In(berlin()).Format("2006-01-02 15:04")
	return c.pick("size "+op+" "+size, size+" "+op+" size", fmt.Sprintf("received %s date(%q)", op, day), fmt.Sprintf("date(%q) %s received", day, op),
		fmt.Sprintf("age %s hours(%d)", op, c.ago), fmt.Sprintf("days(%d) %s age", c.random.IntN(6), op))
}

func (c searchCase) moment() time.Time { return c.now.Add(-time.Duration(c.ago) * time.Hour) }

func (c searchCase) ofText() string {
	h := facts.ParseHeader(c.near.Raw)
	field, name := c.pick("from", "to", "cc"), c.pick("address", "domain", "local")
	value := c.part(h, field, name)
	op, piece := c.operator(value)
	subject, word := c.operator(h.Subject())
	if field == "from" {
		return c.pick(fmt.Sprintf("from.%s %s %q", name, op, piece), fmt.Sprintf("from.%s in [%q, %q]", name, value, "a@b.example"),
			fmt.Sprintf("subject %s %q", subject, word), fmt.Sprintf("has(subject, %q, %q)", cmpOr(word, "x"), "invoice"), `list.id != ""`)
	}
	return fmt.Sprintf("any(%s, .%s %s %q)", field, name, op, piece)
}

// part is a part of the first address of a field.
func (c searchCase) part(h *facts.Header, field, name string) string {
	list := h.Addresses(field)
	if len(list) == 0 {
		return "nobody"
	}
	return map[string]string{"address": list[0].Address, "domain": list[0].Domain, "local": list[0].Local}[name]
}

// operator is one that is true of a text, and what it asks for.
func (c searchCase) operator(text string) (op, piece string) {
	runes := []rune(text)
	a := c.random.IntN(len(runes) + 1)
	b := a + c.random.IntN(len(runes)-a+1)
	switch op = c.pick("==", "contains", "startsWith", "endsWith"); op {
	case "contains":
		text = string(runes[a:b])
	case "startsWith":
		text = string(runes[:b])
	case "endsWith":
		text = string(runes[a:])
	}
	return op, c.pick(text, strings.ToUpper(text))
}

// message is a message as we know it, and as a server does.
func (c searchCase) message(all []corpus.Message) (*facts.Message, serverMessage) {
	from := c.near
	if c.random.IntN(2) == 0 {
		from = all[c.random.IntN(len(all))]
	}
	raw := c.disguised(from.Raw)
	m := &facts.Message{UID: 1, Header: facts.ParseHeader(raw), WholeHeader: true, History: &facts.History{}, Gmail: &facts.Gmail{}}
	for _, flag := range []imap.Flag{`\Seen`, `\Flagged`, `\Answered`, `\Draft`, `\Deleted`, "$Invoice", "$OTHER"} {
		if c.random.IntN(4) == 0 {
			m.Flags = append(m.Flags, flag)
		}
	}
	m.Size = []int64{0, 0, 1, 2, 1536, 3999, 4000, 4001, 4096, 4097, 1<<32 - 1, 1 << 32, 6 << 30}[c.random.IntN(13)]
	m.Received = c.received()
	return m, serverMessage{name: from.Name, flags: m.Flags, size: m.Size, received: m.Received, header: m.Header, raw: raw}
}

// received is a time around the moment, mostly within hours of it, in some zone
// of the world, mostly one of the outermost.
func (c searchCase) received() time.Time {
	hours := []int{3, 3, 3 * 24}[c.random.IntN(3)]
	zone := []int{-12, 14, c.random.IntN(27) - 12}[c.random.IntN(3)]
	at := c.moment().Add(time.Duration(c.random.IntN(2*60*hours)-60*hours) * time.Minute)
	return at.In(time.FixedZone("", zone*3600))
}

// disguised writes letters of some subjects with their relatives outside of
// ASCII, which we fold onto them and a server need not.
func (c searchCase) disguised(raw []byte) []byte {
	before, subject, ok := bytes.Cut(raw, []byte("\nSubject:"))
	if !ok || c.random.IntN(4) > 0 {
		return raw
	}
	line, after, _ := bytes.Cut(subject, []byte("\n"))
	line = []byte(strings.NewReplacer("s", "\u017F", "k", "\u212A").Replace(string(line)))
	return slices.Concat(before, []byte("\nSubject:"), line, []byte("\n"), after)
}

// serverMessage is what a server searches in. The date is that of the zone in
// which it noted the time.
type serverMessage struct {
	name     string
	flags    []imap.Flag
	size     int64
	received time.Time
	header   *facts.Header
	raw      []byte
}

func (m serverMessage) matches(c *imap.SearchCriteria) bool {
	has := func(f imap.Flag) bool { return hasFlag(m.flags, string(f)) }
	day := dayOf(m.received)
	switch {
	case slices.ContainsFunc(c.Flag, func(f imap.Flag) bool { return !has(f) }), slices.ContainsFunc(c.NotFlag, has),
		max(c.Larger, c.Smaller) > math.MaxUint32, // it refuses numbers of more than 32 bits
		c.Larger > 0 && m.size <= c.Larger, c.Smaller > 0 && m.size >= c.Smaller,
		!c.Since.IsZero() && day.Before(dayOf(c.Since)), !c.Before.IsZero() && !day.Before(dayOf(c.Before)):
		return false
	}
	for _, h := range c.Header {
		if !strings.Contains(strings.ToLower(strings.Join(m.header.Values(h.Key), "\n")), strings.ToLower(h.Value)) {
			return false
		}
	}
	for _, not := range c.Not {
		if m.matches(&not) {
			return false
		}
	}
	for _, or := range c.Or {
		if !m.matches(&or[0]) && !m.matches(&or[1]) {
			return false
		}
	}
	return true
}

// dayOf is the date without time and zone (RFC 9051 section 6.4.4).
func dayOf(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// The matcher of the test is no better than its own test.
func TestServerMessageMatches(t *testing.T) {
	late := time.Date(2026, 2, 10, 23, 30, 0, 0, time.FixedZone("", -5*3600)) // the 11th in UTC
	m := serverMessage{flags: []imap.Flag{`\Seen`}, size: 10, received: late, header: facts.ParseHeader([]byte("Subject: =?utf-8?q?Ab?=\n"))}
	day := func(n int) time.Time { return time.Date(2026, 2, n, 0, 0, 0, 0, time.UTC) }
	subject := func(s string) []imap.SearchCriteriaHeaderField {
		return []imap.SearchCriteriaHeaderField{{Key: "SUBJECT", Value: s}}
	}
	for _, tt := range []struct {
		key  imap.SearchCriteria
		want bool
	}{
		{imap.SearchCriteria{}, true}, {imap.SearchCriteria{Flag: []imap.Flag{`\seen`}}, true}, {imap.SearchCriteria{NotFlag: []imap.Flag{`\Seen`}}, false},
		{imap.SearchCriteria{Larger: 9}, true}, {imap.SearchCriteria{Larger: 10}, false}, {imap.SearchCriteria{Smaller: 11}, true}, {imap.SearchCriteria{Smaller: 10}, false},
		{imap.SearchCriteria{Since: day(10)}, true}, {imap.SearchCriteria{Since: day(11)}, false}, {imap.SearchCriteria{Before: day(11)}, true}, {imap.SearchCriteria{Before: day(10)}, false},
		{imap.SearchCriteria{Header: subject("aB")}, true}, {imap.SearchCriteria{Header: subject("x")}, false}, {imap.SearchCriteria{Not: []imap.SearchCriteria{{}}}, false},
		{imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{{Larger: 10}, {Smaller: 11}}}}, true}, {imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{{Larger: 10}, {Smaller: 10}}}}, false},
	} {
		if got := m.matches(&tt.key); got != tt.want {
			t.Errorf("%+v: %v", tt.key, got)
		}
	}
}
