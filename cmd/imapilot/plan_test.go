package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/config"
	"imapilot/engine/enginetest/memserver"
)

const plannedRules = `
rules:
  - {name: newsletters, in: [INBOX, "Archive"], if: 'list.id != ""', then: [{add_flags: ['\Seen']}, {move: 'Lists/${list.name}'}]}
  - {name: offers, if: 'has(subject, "offer")', max_messages: 3, then: [trash]}
  - {name: tickets, if: 'capture(subject, "#([0-9]+)") != ""', then: [{copy: 'Tickets/${capture(subject, "#([0-9]+)")}'}], dry_run: true}
  - {name: quiet, if: 'subject == "never"', then: [{move: Never}]}
  - {name: starred, on: {flags: ['\Flagged', $Todo]}, if: 'has(subject, "letter")', then: [{copy: Starred}]}
`

// planFolder makes the working folder one with a configuration whose accounts are
// on memory servers, which it returns by name.
func planFolder(t *testing.T, text string, accounts ...string) map[string]*memserver.MemoryServer {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("IMAPILOT_CONFIG", "")
	t.Setenv("NO_COLOR", "1")
	t.Setenv("COLUMNS", "80")
	out := map[string]*memserver.MemoryServer{}
	config := "accounts:\n"
	for _, name := range accounts {
		srv, err := memserver.NewMemory(memserver.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = srv.Close() }) // a test may have closed it
		out[name] = srv
		host, port := srv.Addr()
		config += fmt.Sprintf("  %s: {host: %s, port: %d, tls: none, username: user, password: secret, watch: [INBOX, Archive]}\n", name, host, port)
	}
	writeFile(t, "imapilot.yaml", config+text)
	writeFile(t, "other.yaml", config+strings.ReplaceAll(text, "[trash]", "[{move: Offers}]"))
	return out
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// put delivers a message; list is the name of its list, "" for none.
func put(t *testing.T, srv *memserver.MemoryServer, mailbox string, n int, subject, list string) {
	t.Helper()
	raw := fmt.Sprintf("From: Ann Example <ann%d@example.net>\r\nSubject: %s\r\nMessage-ID: <%s%d@example.net>\r\n", n, subject, mailbox, n)
	if list != "" {
		raw += fmt.Sprintf("List-Id: <%s.example.org>\r\n", list)
	}
	at := time.Date(2026, 5, 1, 9, n, 0, 0, time.UTC)
	if _, err := srv.Append(mailbox, []imap.Flag{}, at, []byte(raw+"\r\nHello.\r\n")); err != nil {
		t.Fatal(err)
	}
}

// fill delivers mail for every outcome.
func fill(t *testing.T, srv *memserver.MemoryServer) {
	t.Helper()
	n := 0
	add := func(mailbox, subject, list string) {
		n++
		put(t, srv, mailbox, n, subject, list)
	}
	for i := range 12 {
		add("INBOX", fmt.Sprintf("日本語のニュースレターと、とても長い件名がここにあります %d", i), fmt.Sprintf("list%d", i/2%10))
	}
	for i := range 5 {
		add("INBOX", fmt.Sprintf("An offer that nobody can refuse, whoever reads it to its very end (%d)", i), "")
	}
	for range 4 {
		add("INBOX", "Ticket #12", "")
		add("INBOX", "A letter", "")
	}
	for i := range 8 {
		add("Archive", "Old news", fmt.Sprintf("archived%d", i))
	}
}

// steady takes out of a screen what differs from run to run.
func steady(screen string) string {
	screen = regexp.MustCompile(`It took [^,]*,`).ReplaceAllString(screen, "It took 12 ms,")
	screen = regexp.MustCompile(`and [0-9.]+ (KiB|bytes) received`).ReplaceAllString(screen, "and 12.0 KiB received")
	screen = regexp.MustCompile(`(?s)dial tcp.*?refused`).ReplaceAllString(screen, "connection refused")
	screen = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`).ReplaceAllString(screen, "127.0.0.1:143")
	screen = regexp.MustCompile(`"hash": ?"[0-9a-f]+"`).ReplaceAllString(screen, `"hash":"0123"`)
	return regexp.MustCompile(`"(took_ns|received_bytes|sent_bytes)": ?[0-9]+`).ReplaceAllString(screen, `"$1": 12`)
}

// TestPlanGolden holds what plans look like at 80 columns.
func TestPlanGolden(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		accounts   []string
	}{
		{"plan", "plan", []string{"home"}},
		{"accounts", "plan --mailbox INBOX", []string{"home", "work"}},
		{"all", "plan --all --rule offers --rule tickets --max 4", []string{"home"}},
		{"json", "plan --json --rule offers", []string{"home"}},
		{"all-json", "plan --json --all --rule offers --since 2026-05-01", []string{"home"}},
		{"against", "plan --against other.yaml", []string{"home"}},
		{"against-json", "plan --against other.yaml --json", []string{"home"}},
		{"flags", "plan --rule starred --rule offers", []string{"home"}},
		{"nowhere", "plan --mailbox Archive --rule offers", []string{"home"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, err := filepath.Abs("testdata/plan/" + tt.name + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			for _, srv := range planFolder(t, plannedRules, tt.accounts...) {
				fill(t, srv)
			}
			out, code := said(t, tt.line)
			got := fmt.Sprintf("$ imapilot %s\n%s[exit code %d]\n", tt.line, steady(out), code)
			golden(t, path, got)
			if !strings.Contains(tt.line, "--json") {
				understood(t, got)
				fitsCells(t, got, screenWidth)
			}
			if _, err := os.Stat("imapilot.db"); err == nil {
				t.Error("a plan made a state file")
			}
		})
	}
}

// TestPlanListInAPipe: other programs get whole cells between tabs, and a tab in a
// subject is none of them.
func TestPlanListInAPipe(t *testing.T) {
	servers := planFolder(t, plannedRules, "home", "work")
	subject := "An offer that nobody can refuse, whoever reads it to its very end, and that is longer than any line"
	put(t, servers["home"], "INBOX", 1, subject, "")
	put(t, servers["work"], "INBOX", 2, "Ticket\t#12", "")
	for columns, want := range map[string]string{
		"":   "ACCOUNT\tMESSAGE\tFROM\tSUBJECT\tOUTCOME\nhome\tINBOX/1\tann1@example.net\t" + subject + "\ttrash\nwork\tINBOX/1\tann2@example.net\tTicket #12\tdry run: copy: Tickets/12\n\n",
		"80": "ACCOUNT   MESSAGE           FROM            SUBJECT           OUTCOME\nhome      INBOX/1           ann1@example.…  An offer that n…  trash\n",
	} {
		t.Setenv("COLUMNS", columns)
		if out, code := said(t, "plan --all"); code != exitOK || !strings.HasPrefix(out, want) {
			t.Errorf("exit code %d\n%s\nwant\n%s", code, out, want)
		}
	}
}

// TestPlanSaysHowManyChange counts what differs, and shows as many as it is told.
func TestPlanSaysHowManyChange(t *testing.T) {
	srv := planFolder(t, strings.ReplaceAll(plannedRules, "max_messages: 3, ", ""), "home")["home"]
	for i := range maxChanges + 3 {
		put(t, srv, "INBOX", i, "An offer", "")
	}
	for line, want := range map[string]int{"plan --against other.yaml": maxChanges, "plan --against other.yaml --all": maxChanges + 3, "plan --against imapilot.yaml": 0} {
		out, code := said(t, line)
		if code != exitOK || strings.Count(out, "\n  + ") != want || strings.Contains(out, "and 3 more") != (want == maxChanges) {
			t.Errorf("%s: exit code %d\n%s", line, code, out)
		}
	}
}

// TestPlanMistakes: a mistake on the command line says what is right.
func TestPlanMistakes(t *testing.T) {
	planFolder(t, plannedRules, "home", "work")
	writeFile(t, "lacks.yaml", "accounts:\n  home: {host: 127.0.0.1, username: user, password: {env: NONE}}\nrules:\n  - {name: x, if: seen, then: [trash]}\n")
	for line, want := range map[string]string{
		"plan --account hom":                         `there is no account "hom" in imapilot.yaml; did you mean "home"?`,
		"plan --rule newsleters":                     `there is no rule "newsleters" in imapilot.yaml; did you mean "newsletters"?`,
		"apply --yes --rule ''":                      "it is empty",
		"plan --mailbox Inbux":                       `there is no mailbox "Inbux"; did you mean "INBOX"?`,
		"plan --json --mailbox Nope":                 `there is no mailbox "Nope"; it may be "Archive", "Drafts", "INBOX"`,
		"plan --against other.yaml --mailbox Nope":   `there is no mailbox "Nope"`,
		"apply --yes --account home --mailbox Nope":  `there is no mailbox "Nope" in the account "home"`,
		"plan --max 0":                               "a limit is a number from 1 to",
		"plan --max many":                            "a limit is a number from 1 to",
		"plan --account nope":                        `there is no account "nope" in imapilot.yaml; did you mean "home"? It may be "home", "work"`,
		"plan --rule something":                      `there is no rule "something" in imapilot.yaml; it may be "newsletters", "offers", "quiet", "starred", "tickets"`,
		"plan --since 90x":                           `--since "90x" is no time; write how long ago in s, m, h, d or w`,
		"plan --until 90d":                           "'imapilot plan --help' lists its flags.",
		"plan --since tomorrow":                      `--since "tomorrow" is no time`,
		"plan --against lacks.yaml":                  `there is no account "work" in lacks.yaml`,
		"plan --against other.yaml --rule newsleter": `did you mean "newsletters"?`,
		"apply":                    "say --yes",
		"apply --json":             "say --yes",
		"plan INBOX":               "plan takes no arguments",
		"rules --schedule --graph": "--schedule goes with --rule and --json only",
	} {
		out, code := said(t, line)
		if code != exitUsage || !strings.Contains(out, want) || strings.Contains(out, "strconv") || strings.Contains(out, commandsHint) {
			t.Errorf("%s: exit code %d, %s; want %s", line, code, out, want)
		}
	}
}

// TestPlanAgainstNothing: what is said of the other file is for who named it so.
func TestPlanAgainstNothing(t *testing.T) {
	planFolder(t, plannedRules, "home")
	out, code := said(t, "plan --against nope.yaml")
	if code != exitFailure || !strings.Contains(out, "hint: name another file with --against\n") || strings.Contains(out, "-c") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if out, _ := said(t, "-c nope.yaml plan --against other.yaml"); !strings.Contains(out, "hint: name another file with -c,") {
		t.Error(out)
	}
}

// TestChoice: a few values are listed, of many the likely one or where they are.
func TestChoice(t *testing.T) {
	many := strings.Fields("one two three four five six seven eight nine")
	for _, tt := range []struct {
		typed  string
		values []string
		want   string
	}{
		{"hom", []string{"home"}, `; did you mean "home"?`},
		{"thing", []string{"b", "a", "b"}, `; it may be "a", "b"`},
		{"sevn", many, `; did you mean "seven"?`},
		{"something", many, "; they are listed"},
		{"x", nil, ", and there is none"},
	} {
		if got := choice(tt.typed, tt.values, "they are listed"); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.typed, got, tt.want)
		}
	}
}

// TestPlanOfOneDeadAccount: the others are looked at all the same.
func TestPlanOfOneDeadAccount(t *testing.T) {
	servers := planFolder(t, plannedRules, "home", "work")
	fill(t, servers["work"])
	if err := servers["home"].Close(); err != nil {
		t.Fatal(err)
	}
	out, code := said(t, "plan --json")
	var got struct {
		Acted    int
		Accounts []accountPlan
	}
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if code != exitFailure || len(got.Accounts) != 2 || got.Accounts[0].Error == "" || got.Accounts[1].Acted != got.Acted || got.Acted == 0 {
		t.Errorf("exit code %d, %+v", code, got)
	}
	out, code = said(t, "plan --account home")
	if code != exitFailure || strings.Contains(out, "None of these rules") || strings.Contains(out, "would do nothing") {
		t.Errorf("of mail that was not seen it says what would be done: exit code %d\n%s", code, out)
	}
	out, code = said(t, "plan --against other.yaml")
	if code != exitFailure || !strings.Contains(out, "not everything could be compared") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestOnlyNewMailboxesAreSaid: where only the other rules look nothing can be
// compared, and that is said.
func TestOnlyNewMailboxesAreSaid(t *testing.T) {
	fill(t, planFolder(t, plannedRules, "home")["home"])
	config, err := os.ReadFile("imapilot.yaml")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, "less.yaml", strings.ReplaceAll(string(config), `in: [INBOX, "Archive"], `, ""))
	out, code := said(t, "-c less.yaml plan --against imapilot.yaml")
	if code != exitOK || !strings.Contains(out, "Archive: only the other rules look there") || !strings.Contains(out, "0 of 25 messages change") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	// A rule that only one of the files has does nothing by the other.
	writeFile(t, "none.yaml", strings.Split(string(config), "rules:")[0]+"rules:\n  - {name: x, if: 'false', then: [trash]}\n")
	out, code = said(t, "plan --against none.yaml --rule offers")
	if code != exitOK || strings.Count(out, "+ left as it is") != 5 {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestCompletionOfPlan: the shell completes names.
func TestCompletionOfPlan(t *testing.T) {
	planFolder(t, plannedRules, "home", "work")
	for line, want := range map[string]string{
		"__complete plan --rule n":     "newsletters",
		"__complete apply --rule o":    "offers",
		"__complete apply --account w": "work",
		"__complete plan --against ''": "yaml",
		"__complete apply --since ''":  "90d",
	} {
		if out, code := said(t, line); code != exitOK || !slices.Contains(strings.Split(out, "\n"), want) {
			t.Errorf("%s: exit code %d\n%s", line, code, out)
		}
	}
}

// TestMeantIsAWholeName: a name with spaces is suggested whole, and found by its
// beginning or a slip in any of its words.
func TestMeantIsAWholeName(t *testing.T) {
	names := []string{"newsletters", "retention of Lists/*"}
	for typed, want := range map[string]string{
		"retention": `; did you mean "retention of Lists/*"?`, "retention of List/*": `; did you mean "retention of Lists/*"?`,
		"newsleters": `; did you mean "newsletters"?`, "of": "", "": "",
	} {
		if got := meant(typed, names); got != want {
			t.Errorf("%q: %s, want %s", typed, got, want)
		}
	}
}

// TestMailboxOfOneAccount: a mailbox that one account has, however it is spelled, is
// no mistake for the other.
func TestMailboxOfOneAccount(t *testing.T) {
	servers := planFolder(t, plannedRules, "home", "work")
	put(t, servers["work"], "Lists.go", 1, "A letter", "")
	for _, line := range []string{"plan --mailbox Lists/go", "apply --yes --mailbox Lists.go"} {
		if out, code := said(t, line); code != exitOK || !strings.Contains(out, "None of these rules looks at the mailbox") {
			t.Errorf("%s: exit code %d\n%s", line, code, out)
		}
	}
	if out, code := said(t, "plan --account home --mailbox Lists/go"); code != exitUsage {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// A plan of rules whose own tests fail says that an apply would refuse them.
func TestPlanTellsOfFailingTests(t *testing.T) {
	planFolder(t, "rules:\n  - {name: all, if: 'seen', then: [{move: Moved}], tests: [{message: 'Subject: x', want: [{move: Moved}]}]}\n", "home")
	var out, errOut strings.Builder
	code := run(t.Context(), []string{"plan"}, strings.NewReader(""), &out, &errOut)
	if code != exitOK || !strings.Contains(out.String(), "An apply refuses this: ") || !strings.Contains(out.String(), "imapilot test  shows what is wrong") {
		t.Errorf("exit code %d:\n%s%s", code, out.String(), errOut.String())
	}
}

// A state file whose folder is not there is told with what to do.
func TestNoFolderForTheState(t *testing.T) {
	_, err := open(t.Context(), &config.Config{State: t.TempDir() + "/none/imapilot.db"})
	if err == nil || !strings.Contains(err.Error(), "there is no folder ") {
		t.Error(err)
	}
}
