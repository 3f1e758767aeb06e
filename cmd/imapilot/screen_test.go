package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/corpus"
	"imapilot/engine/journal"
	"imapilot/rules"
)

func TestScreenLine(t *testing.T) {
	for _, tt := range []struct{ prefix, text, want string }{
		{"a: ", "one two three", "a: one\n   two\n   three\n"},
		{"", "four five", "four five\n"},
		{"", "seventeenletters x", "seventeenletters\nx\n"},
		{"a: ", "", "a:\n"},
		{"\x1b", "\u202e\n", "<U+001B><U+202E><U+000A>\n"},
	} {
		s := &screen{width: 9}
		s.line(tt.prefix, bold, tt.text)
		if got := s.b.String(); got != tt.want {
			t.Errorf("%q %q: %q, want %q", tt.prefix, tt.text, got, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	s := &screen{width: 30}
	s.table([][]string{{"NAME", "DOES"}, {"a rule with words", "move: Lists/quite/deep/down\nstop"}, {"b", "\x1bx"}})
	want := `NAME            DOES
a rule with     move:
words           Lists/quite/
                deep/down
                stop
b               <U+001B>x
`
	if got := s.b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLineAt(t *testing.T) {
	for _, tt := range []struct {
		offset, line, column int
		source               string
	}{{0, 1, 1, "äb"}, {1, 1, 2, "äb"}, {3, 2, 1, "cd"}, {5, 2, 3, "cd"}, {99, 2, 3, "cd"}} {
		line, column, source := lineAt("äb\ncd", tt.offset)
		if line != tt.line || column != tt.column || source != tt.source {
			t.Errorf("%d: %d:%d %q", tt.offset, line, column, source)
		}
	}
}

func TestFlagsOf(t *testing.T) {
	got := fmt.Sprint(flagsOf([]string{"seen", `\FLAGGED`, " $Work", "", "Draft", "seen2"}))
	if want := `[\Seen \Flagged $Work \Draft seen2]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTimesOfAMessage(t *testing.T) {
	const now = "2026-02-03T10:00:00Z"
	for _, tt := range []struct{ date, received, want string }{
		{"Mon, 2 Feb 2026 09:00:00 +0100", "", "2026-02-02T08:00:00Z"},
		{"Wed, 2 Feb 2033 09:00:00 +0100", "", now}, // nothing was received in the future
		{"", "", now},
		{"Mon, 2 Feb 2026 09:00:00 +0100", "2026-02-01 07:00", "2026-02-01T07:00:00Z"},
		{"", "2026-03-01", "2026-03-01T00:00:00Z"}, // unless it is said
	} {
		g := given{mailbox: "INBOX", now: now, received: tt.received}
		in, err := g.input(&config.Config{Location: time.UTC}, []byte("Date: "+tt.date+"\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := in.Message.Received.UTC().Format(time.RFC3339); got != tt.want {
			t.Errorf("%q %q: received %s, want %s", tt.date, tt.received, got, tt.want)
		}
	}
}

// TestUndecidedPromisesNothing: what would happen is not told while it may
// still change.
func TestUndecidedPromisesNothing(t *testing.T) {
	cfg := loaded(t, `
rules:
  - {name: sure, if: true, then: [{add_flags: [$Sure]}, {move: A}]}
  - {name: too late, if: true, then: [{move: B}]}
  - {name: tried, if: true, then: [{add_flags: [$Tried]}], dry_run: true}
  - {name: open, if: duplicate, then: [{add_flags: [$Open]}]}
`)
	in, err := (&given{mailbox: "INBOX"}).input(cfg, []byte("Subject: x\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	in.Message.History = nil // as of a message of which something did not come
	e := explained{name: "m", in: in, x: cfg.Rules.Explain(in), cfg: cfg}
	s := &screen{width: screenWidth}
	s.outcome(e)
	if got := s.b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `it cannot be told: rule "open" depends on`) {
		t.Error(got)
	}
	if j := e.json(explainFlags{}); !j.Undecided || len(j.Actions)+len(j.NotDone)+len(j.DryRun) > 0 || len(j.Rules) != 4 {
		t.Errorf("%+v", j)
	}
}

func TestMessageLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.eml")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for size, says := range map[int64]string{maxMessage: "", maxMessage + 1: "larger than 64 MiB"} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		_, err := (&app{}).readMessage(path)
		if err != nil != (says != "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%d: %v", size, err)
		}
	}
}

// loaded is a configuration with these rules.
func loaded(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	head := "accounts:\n  home: {host: imap.example.org, username: me@example.org, password: {env: PASSWORD}}\n"
	if err := os.WriteFile(path, []byte(head+text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, diags := config.Load(path)
	if cfg == nil {
		t.Fatal(diags)
	}
	return cfg
}

const many = `
define: {ours: 'under(from.domain, "example.org") or to_me'}
rules:
  - {name: lists, if: 'list.id != "" and not ours', then: [{move: 'Lists/${list.name}'}]}
  - {name: subjects, if: 'subject matches "(?i)re:" or any(recipients, .name contains "a")', then: [{add_flags: [$Re]}, {move: 'Re/${subject}'}]}
  - {name: papers, if: 'any(attachments, .size > 100) and (body.html != "" or has(body.text, "the"))', then: [{copy: 'Papers/${from.name}'}]}
  - {name: twice, if: 'duplicate or header("X-Spam-Status") contains "yes"', then: [trash], stop: true}
  - {name: rest, if: 'len(references) > 2 or flagged', then: [{add_flags: [$Rest]}]}
`

// TestScreensOfRealMail: whatever is in a message, its screen keeps to the
// terminal, and with colours it says the same.
func TestScreensOfRealMail(t *testing.T) {
	cfg := loaded(t, many)
	g := given{mailbox: "INBOX"}
	codes := regexp.MustCompile("\x1b\\[[0-9]+m")
	for _, m := range corpus.Messages(t) {
		in, err := g.input(cfg, m.Raw)
		if err != nil {
			t.Fatal(err)
		}
		e := explained{name: m.Name, in: in, x: cfg.Rules.Explain(in), cfg: cfg}
		s, colored := &screen{width: screenWidth}, &screen{width: screenWidth, color: true}
		s.message(e, explainFlags{all: true})
		colored.message(e, explainFlags{all: true})
		got := s.b.String()
		if codes.ReplaceAllString(colored.b.String(), "") != got {
			t.Errorf("%s: with colours it says something else", m.Name)
		}
		for line := range strings.SplitSeq(got, "\n") {
			if strings.IndexFunc(line, hidden) >= 0 {
				t.Errorf("%s: %q", m.Name, line)
			}
			if utf8.RuneCountInString(line) > screenWidth && len(strings.Fields(line)) > 1 && !onlyWord(line) {
				t.Errorf("%s: %d columns: %s", m.Name, utf8.RuneCountInString(line), line)
			}
		}
	}
}

// onlyWord reports whether a line holds one word behind its label: a part that
// says what follows, such as "Message:", or the mark and truth of a part.
func onlyWord(line string) bool {
	label := regexp.MustCompile(`^( *(=> +)?(true|false|error|unknown)? +|[A-Za-z]+: +|(matched|no|error|undecided|not asked) +|     then    | +[0-9-]+\.? +)`)
	return !strings.Contains(label.ReplaceAllString(line, ""), " ")
}

// TestBriefWhereThereAreMany: a large set of rules fits on a screen.
func TestBriefWhereThereAreMany(t *testing.T) {
	var text strings.Builder
	text.WriteString("rules:\n")
	for i := range 500 {
		fmt.Fprintf(&text, "  - {name: r%d, if: 'subject == \"%d\"', then: [{add_flags: [$R]}]}\n", i, i)
	}
	cfg := loaded(t, text.String())
	in, err := (&given{mailbox: "INBOX"}).input(cfg, []byte("Subject: 250\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{width: screenWidth}
	s.message(explained{name: "m", in: in, x: cfg.Rules.Explain(in), cfg: cfg}, explainFlags{})
	if n := strings.Count(s.b.String(), "\n"); n > 24 {
		t.Errorf("%d lines:\n%s", n, s.b.String())
	}
}

// TestWhyHasLimits: a set of rules of which much fails is not explained whole.
func TestWhyHasLimits(t *testing.T) {
	var text strings.Builder
	text.WriteString("rules:\n")
	for i := range maxWhyRules + 2 {
		fmt.Fprintf(&text, "  - {name: r%d, if: seen, then: [{add_flags: [$R%d]}]}\n", i, i)
	}
	text.WriteString("tests:\n")
	for range maxWhy + 1 {
		text.WriteString("  - {message: \"Subject: x\\n\\n\", given: {flags: ['\\Seen']}, want: keep}\n")
	}
	report := runTests(loaded(t, text.String()))
	for i, r := range report.Results {
		if r.Pass || (r.Why == "") != (i >= maxWhy) {
			t.Errorf("test %d: pass %t, why %q", i, r.Pass, r.Why)
		}
	}
	if why := report.Results[0].Why; strings.Count(why, "matched:") != maxWhyRules || !strings.Contains(why, "and 2 more rules") {
		t.Error(why)
	}
}

// TestWhyOfARuleBehindOneThatStops: the rule that was judged is the one that
// is explained.
func TestWhyOfARuleBehindOneThatStops(t *testing.T) {
	cfg := loaded(t, `
rules:
  - {name: early, if: seen, then: [trash], stop: true}
  - name: late
    if: flagged or subject == "x"
    then: [{add_flags: [$Late]}]
    tests:
      - {message: "Subject: x\n\n", given: {flags: ['\Seen']}, want: keep}
`)
	why := runTests(cfg).Results[0].Why
	if strings.Contains(why, "early") || !strings.Contains(why, `rule "late" matched:`) || !strings.Contains(why, `=> true    subject == "x"`) {
		t.Error(why)
	}
}

func TestValueOf(t *testing.T) {
	address := map[string]string{"domain": "A.org", "domain~": "a.org"}
	for _, tt := range []struct {
		value any
		want  string
	}{
		{90 * time.Second, "90"},
		{[]map[string]string{address}, "[map[domain:A.org]]"},
		{[]map[string]any{{"name": "x", "name~": "x", "inline": true}}, "[map[inline:true name:x]]"},
		{[]any{address, 1}, "[map[domain:A.org] 1]"},
		{"text", "text"},
	} {
		if got := fmt.Sprint(valueOf(tt.value)); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.value, got, tt.want)
		}
	}
}

// TestEveryFieldCanBeWorkedOut: eval shows each fact, and finds a type for it.
func TestEveryFieldCanBeWorkedOut(t *testing.T) {
	cfg := &config.Config{Location: time.UTC}
	in, err := (&given{mailbox: "INBOX"}).input(cfg, []byte("Subject: x\r\n\r\ntext\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rules.Fields() {
		value, problems := rules.Eval(cfg.Source, rules.Text{Value: f.Name}, in)
		s := &screen{width: screenWidth}
		s.evaluated(evaluated{"m", in, value}, cfg)
		unknown := strings.Contains(s.b.String(), "not known")
		if len(problems) > 0 || value.Type == "" || unknown {
			t.Errorf("%s: %v\n%s", f.Name, problems, s.b.String())
		}
	}
}

// JSON keeps its meaning, and moves no cursor.
func TestEscapedJSON(t *testing.T) {
	var out strings.Builder
	a := &app{out: &out}
	const name = "a\x1b\u009b\u202e\u2028\x7fé😀\U000e0001 b"
	if err := a.printJSON(map[string]string{"name": name}); err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"name\": \"a\\u001b\\u009b\\u202e\\u2028\\u007fé😀\\udb40\\udc01 b\"\n}\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	var back map[string]string
	if err := json.Unmarshal([]byte(out.String()), &back); err != nil || back["name"] != name {
		t.Errorf("%q, %v", back, err)
	}
}

// Names of mailboxes, and what a server said, reach no terminal as they are.
func TestNothingMovesTheCursor(t *testing.T) {
	const odd = "\x1b[2J\u009b\u202e"
	var out, errs strings.Builder
	a := &app{out: &out, err: &errs}
	a.printStatus(answer{Status: engine.Status{Accounts: []engine.AccountStatus{{
		Name: "home", Error: odd, Mailboxes: []engine.MailboxStatus{{Name: odd, Error: odd}},
		RuleErrors: []engine.RuleErrors{{Rule: "r", Last: odd}}, Pauses: []journal.Pause{{Target: odd, Reason: odd}},
	}}}, Waiting: []waitingEntry{{Account: "home", Entry: journal.Entry{Mailbox: odd, Subject: odd, Reason: odd}}}}, time.UTC)
	a.printMailboxes([]engine.MailboxInfo{{Name: odd}})
	a.exitCode(errors.New("SELECT " + odd + "\nand more"))
	a.logger(true).Info(odd, "mailbox", odd)
	for _, text := range []string{out.String(), errs.String()} {
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && hidden(r) }); i >= 0 {
			t.Errorf("%q", text[max(0, i-40):i+10])
		}
	}
}

// TestErrorsAreFolded: on a terminal no word of an error is cut, and its own lines stay.
func TestErrorsAreFolded(t *testing.T) {
	long := "imapilot: " + strings.Repeat("word ", 20) + "end\nand what to do"
	for _, line := range strings.Split(folded(long), "\n") {
		if len(line) > screenWidth || line == "" {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
	if got := folded(long); !strings.HasSuffix(got, "end\nand what to do") || strings.ReplaceAll(got, "\n", " ") != strings.ReplaceAll(long, "\n", " ") {
		t.Errorf("%q", got)
	}
}

// TestTooManyArguments names the command whose help says what it takes.
func TestTooManyArguments(t *testing.T) {
	var out strings.Builder
	if code := run(t.Context(), []string{"doctor", "a", "b"}, strings.NewReader(""), &out, &out); code != exitUsage || !strings.Contains(out.String(), "'imapilot doctor --help'") {
		t.Errorf("exit code %d\n%s", code, &out)
	}
}

// Errors of several things are told one by one, and one that has several causes as it is.
func TestErrorsAreToldOneByOne(t *testing.T) {
	var out strings.Builder
	a := &app{err: &out}
	one, two := errors.New("the first"), errors.New("the second,\nwith advice")
	a.printError(errors.Join(errors.Join(one, two), fmt.Errorf("%w because of %w", one, two)))
	want := "imapilot: the first\nimapilot: the second,\nwith advice\nimapilot: the first because of the second,\nwith advice\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
}
