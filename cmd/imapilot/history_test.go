package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

func said(t *testing.T, line string) (string, int) {
	t.Helper()
	var out strings.Builder
	code := run(t.Context(), words(line), strings.NewReader(""), &out, &out)
	return out.String(), code
}

// TestHistoryGolden holds what the history looks like, at 80 and 120 columns,
// in a pipe, and of one message.
func TestHistoryGolden(t *testing.T) {
	for _, tt := range []struct {
		name, line, columns string
	}{
		{"80", "history", "80"}, {"120", "history", "120"}, {"pipe", "history", ""},
		{"whole", "history home/1 home/3 home/4 home/5 home/7 home/8 home/10", "80"},
		{"json", "history home/3 home/7 home/10 --json", ""},
		{"events", "history --events", "80"},
		{"rule", "-c imapilot.yaml history --account home --rule newsletters --failed --since 5d", "80"},
		{"none", "history --rule newsleters --mailbox INBOX --since 1h", "80"},
		{"retry", "retry --failed --dry-run", "80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, err := filepath.Abs("testdata/history/" + tt.name + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				historyFolder(t)
				t.Setenv("COLUMNS", tt.columns)
				out, code := said(t, tt.line)
				got := fmt.Sprintf("$ imapilot %s\n%s[exit code %d]\n", tt.line, out, code)
				golden(t, path, got)
				if tt.name != "json" { // whose keys are those of explain
					understood(t, got)
				}
				if tt.columns == "80" {
					fitsCells(t, got, 80)
				}
			})
		})
	}
}

func fitsCells(t *testing.T, screen string, columns int) {
	t.Helper()
	for i, line := range strings.Split(screen, "\n") {
		if i > 0 && cellsOf(line) > columns && !strings.HasPrefix(line, "    imapilot ") {
			t.Errorf("line %d takes %d columns: %s", i+1, cellsOf(line), line)
		}
	}
}

// TestSince reads the times that --since takes.
func TestSince(t *testing.T) {
	now := atHistory(0)
	zone := time.FixedZone("", 3600)
	for _, tt := range []struct {
		text string
		ago  time.Duration
	}{
		{"2h", 2 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"1w1d1h30m5s", 8*24*time.Hour + 90*time.Minute + 5*time.Second},
		{"1999-12-31", 25 * time.Hour}, {"1999-12-31 14:00", 11 * time.Hour}, {"1999-12-31T14:00:00Z", 10 * time.Hour},
		{"0s", 0}, {"999999w", 100 * 365 * 24 * time.Hour}, {strings.Repeat("999999w", 50), 100 * 365 * 24 * time.Hour},
	} {
		got, err := sinceWhen(tt.text, &config.Config{Location: zone}, now)
		if err != nil || now.Sub(got) != tt.ago {
			t.Errorf("%q: %s, %v", tt.text, now.Sub(got), err)
		}
	}
	for _, text := range []string{"yesterday", "2", "-2h", "2h ", "h", "1.5h", "2000-01-02", "9999999w"} {
		if got, err := sinceWhen(text, &config.Config{Location: zone}, now); err == nil {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// TestHistoryMistakes: a mistake on the command line says what is right, and
// selects nothing.
func TestHistoryMistakes(t *testing.T) { synctest.Test(t, historyMistakes) }

func historyMistakes(t *testing.T) {
	historyFolder(t)
	for line, want := range map[string]string{
		"history --outcome helt":                  `there is no outcome "helt"; did you mean "held"?; they are open, held`,
		"history --account hom":                   `there is no account "hom" in imapilot.yaml; did you mean "home"?`,
		"history 12":                              "12 may be of any account; name it, as in home/12",
		"history home/twelve":                     `"home/twelve" names no entry`,
		"history home/0":                          `"home/0" names no entry`,
		"history office/1":                        `there is no account "office"`,
		"history --account work home/1":           `home/1 is not of the account "work"`,
		"history home/99":                         "the journal knows no home/99",
		"history home/1 home/99":                  "the journal knows no home/99",
		"history --since never":                   `--since "never" is no time`,
		"history --uid abc":                       `a UID is a number from 1 to 4294967295`,
		"history --limit 0":                       "--limit is a number from 1 to 10000",
		"history --all --follow":                  "say either --all or --follow",
		"history --events home/1":                 "--events shows no single message",
		"confirm --failed":                        "confirm is for messages that are held",
		"retry --outcome done":                    "retry is for messages that are failed, unsure, open",
		"skip":                                    "or say --all",
		"histroy":                                 `unknown command "histroy"; did you mean 'imapilot history'?`,
		"explian letter.eml":                      `did you mean 'imapilot explain'?`,
		"skip " + strings.Repeat("home/1 ", 1001): "at most 1000 entries",
	} {
		out, code := said(t, line)
		if code != exitUsage || !strings.Contains(out, want) || strings.Contains(out, "strconv") {
			t.Errorf("%.60s: exit code %d, %s; want %s", line, code, out, want)
		}
	}
}

// TestHistorySelects asks by each flag.
func TestHistorySelects(t *testing.T) { synctest.Test(t, historySelects) }

func historySelects(t *testing.T) {
	historyFolder(t)
	for line, want := range map[string]string{
		"history --json --held":                            "home/4",
		"history --json --failed":                          "home/5 home/6",
		"history --json --outcome failed,dry-run --held":   "home/4 home/5 home/11",
		"history --json --account work":                    "work/1",
		"history --json --rule builds":                     "home/3 home/10",
		"history --json --rule builds --since 2000-01-01":  "",
		"history --json --mailbox Lists/日本":                "home/2",
		"history --json --uid 4705":                        "home/5",
		"history --json --message-id 5@example.net":        "home/5",
		"history --json --message-id '<1@example.net>'":    "home/1 work/1",
		"history --json -n 2":                              "home/13 home/14",
		"history --json home/2 work/1":                     "home/2 work/1",
		"history --json --account home 2":                  "home/2",
		"history --json --failed home/2 home/5":            "home/5",
		"history --json --all --outcome done":              "home/1 home/2 home/3 work/1",
		"history --json --mailbox INBOX --outcome skipped": "home/14",
	} {
		out, code := said(t, line)
		var ids []string
		for l := range strings.Lines(out) {
			var o struct{ Type, ID string }
			if err := json.Unmarshal([]byte(l), &o); err != nil || o.Type != "message" {
				t.Errorf("%s: %v: %s", line, err, l)
			}
			ids = append(ids, o.ID)
		}
		if got := strings.Join(ids, " "); got != want || code != exitOK {
			t.Errorf("%s: got %s, want %s (exit code %d)", line, got, want, code)
		}
	}
}

// TestHistoryAllIsWhole: pages of two accounts come as one list, in which none
// is missing or comes twice, also where many bear one time.
func TestHistoryAllIsWhole(t *testing.T) { synctest.Test(t, historyAllIsWhole) }

func historyAllIsWhole(t *testing.T) {
	historyFolder(t)
	for i, account := range []string{"home", "work"} {
		var list []journal.Entry
		for n := range 2*pageSize + 7 {
			e := moved(int64(100+n), journal.Done, "x")
			e.Updated = atHistory(time.Duration(i+1-n/900) * time.Minute)
			list = append(list, e)
		}
		recordIn(t, account, journal.Batch{Entries: list})
	}
	out, _ := said(t, "history --json --all --since 1999-12-31T23:00:00Z")
	ids, last := map[string]bool{}, time.Time{}
	for l := range strings.Lines(out) {
		var o historyJSON
		if err := json.Unmarshal([]byte(l), &o); err != nil || ids[o.ID] || o.Time.Before(last) {
			t.Fatalf("%v: %s", err, l)
		}
		ids[o.ID], last = true, o.Time
	}
	if want := 2 * (2*pageSize + 7); len(ids) != want {
		t.Errorf("%d of %d", len(ids), want)
	}
}

// screenBuffer is what a command that goes on writes to.
type screenBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *screenBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screenBuffer) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.b.Reset()
	return s.b.String()
}

// TestHistoryFollows shows what is new, what changes, what becomes of webhooks,
// and events, each once; also in a journal that took the place of the old one.
func TestHistoryFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		historyFolder(t)
		ctx, cancel := context.WithCancel(t.Context())
		out := &screenBuffer{}
		done := make(chan error, 1)
		go func() {
			a := &app{out: out, err: out, in: strings.NewReader("")}
			f := &historyFlags{limit: 1, follow: true}
			f.Account = "home"
			done <- a.history(ctx, nil, f)
		}()
		next := func(what, want string, lines int) {
			t.Helper()
			time.Sleep(2 * followEvery)
			synctest.Wait()
			got := out.take()
			if strings.Count(got, "\n") != lines || !strings.Contains(got, want) {
				t.Errorf("%s: want %d lines with %q, got\n%s", what, lines, want, got)
			}
		}
		next("begin", "home/14", 2)
		next("nothing", "", 0)
		e := moved(15, journal.Open, "New")
		e.Updated = time.Now()
		recordIn(t, "home", journal.Batch{Entries: []journal.Entry{e}})
		next("new", "home/15", 1)
		next("still nothing", "", 0)
		e.State, e.Updated = journal.Done, time.Now()
		recordIn(t, "home", journal.Batch{Entries: []journal.Entry{e}, Events: []journal.Event{{At: time.Now(), Kind: "resumed", Text: "Full: accepted again"}}})
		next("changed, and an event", "resumed", 2)
		hook := historyHooks()[0]
		hook.State, hook.Updated = journal.Delivered, time.Now()
		recordIn(t, "home", journal.Batch{Deliveries: []journal.Delivery{hook}})
		next("a webhook that was pending", "home/3", 1)
		recordIn(t, "work", journal.Batch{Entries: []journal.Entry{e}, Events: []journal.Event{{At: time.Now(), Kind: "paused", Text: "no"}}})
		next("another account", "", 0)
		if err := os.Rename("state.db", "old.db"); err != nil {
			t.Fatal(err)
		}
		next("no journal", "", 0)
		e.Seq = 1
		recordIn(t, "home", journal.Batch{Entries: []journal.Entry{e}})
		next("another journal", "home/1 ", 1)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestAmendChangesOnlyWhatWasThere: what is written after the look is not
// changed with the rest.
func TestAmendChangesOnlyWhatWasThere(t *testing.T) { synctest.Test(t, amendChangesOnlyWhatWasThere) }

func amendChangesOnlyWhatWasThere(t *testing.T) {
	historyFolder(t)
	out, code := said(t, "retry --failed home/5 home/6 home/4")
	if code != exitOK || out != "2 messages are tried again by the next 'imapilot run'; no daemon runs now\n" {
		t.Errorf("%d, %s", code, out)
	}
	if out, _ := said(t, "history --json --failed"); out != "" {
		t.Errorf("still failed: %s", out)
	}
	if out, _ := said(t, "skip home/4"); out != "1 message is left alone\n" {
		t.Error(out)
	}
	if out, _ := said(t, "confirm --all"); out != "0 messages are decided again and acted on\n" {
		t.Error(out)
	}
	a := &app{out: io.Discard, in: strings.NewReader(""), config: "imapilot.yaml"}
	cfg, err := a.load(false)
	if err != nil {
		t.Fatal(err)
	}
	scope := engine.Selection{Account: "home", Until: time.Now()}
	late := moved(20, journal.Held, "Later")
	late.Updated = time.Now().Add(time.Second)
	recordIn(t, "home", journal.Batch{Entries: []journal.Entry{late}})
	under := moved(22, journal.Held, "Stamped before the look, committed after it")
	under.Updated = atHistory(time.Minute)
	recordIn(t, "home", journal.Batch{Entries: []journal.Entry{under}})
	early := moved(21, journal.Held, "Before")
	early.Updated = atHistory(time.Hour)
	recordIn(t, "home", journal.Batch{Entries: []journal.Entry{early}})
	found := []record{{account: "home", Entry: early}}
	if err := a.change(t.Context(), cfg, amendment{verb: engine.Skip}, []engine.Selection{scope}, found); err != nil {
		t.Fatal(err)
	}
	if out, _ := said(t, "history --json --held"); strings.Count(out, "\n") != 2 || strings.Contains(out, "home/21") {
		t.Errorf("held: %s", out)
	}
}

// TestDaemonRefusesUnknownRestrictions: passed over, one would widen the
// selection.
func TestDaemonRefusesUnknownRestrictions(t *testing.T) {
	if sel, err := readSelection([]byte(`{"account":"home","seqs":[1]}`)); err != nil || len(sel.Seqs) != 1 {
		t.Errorf("%+v, %v", sel, err)
	}
	if _, err := readSelection([]byte(`{"account":"home","colour":"red"}`)); err == nil {
		t.Error("it was passed over")
	}
}

func TestCutCells(t *testing.T) {
	for _, tt := range []struct {
		text string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"}, {"", 0, ""}} {
		if got := cutCells(tt.text, tt.n); got != tt.want || cellsOf(got) > tt.n {
			t.Errorf("%q to %d: %q", tt.text, tt.n, got)
		}
	}
}

// TestQuoted holds command lines to what a shell makes of them.
func TestQuoted(t *testing.T) {
	for _, text := range []string{"", "plain", "two words", "it's", "$HOME", "`x`", "a;b", "日本", "*", "~", "-x", "a\nb"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+quoted("<"+text+">", text)).Output()
		if err != nil || string(out) != "<"+text+">"+text {
			t.Errorf("%q: %q, %v", text, out, err)
		}
	}
}

// FuzzJSONLine: a line is JSON that says the same, and nothing that a terminal
// obeys.
func FuzzJSONLine(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[2J", "\u202e\u009b\x7f", "\U000e0041\U0001f600", "<&>", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line, err := jsonLine(text)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if err := json.Unmarshal([]byte(line), &got); err != nil || got != strings.ToValidUTF8(text, "\ufffd") && utf8.ValidString(text) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if strings.IndexFunc(strings.TrimSuffix(line, "\n"), hidden) >= 0 {
			t.Errorf("%q", line)
		}
	})
}

// FuzzReadAgo: any text is a length of time from nothing to a hundred years, or
// none.
func FuzzReadAgo(f *testing.F) {
	for _, s := range []string{"2h", "7d", "999999w999999w", "1d1d", "", "0s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if ago, ok := readAgo(text); ok && (ago < 0 || ago > 100*365*24*time.Hour) {
			t.Errorf("%q: %s", text, ago)
		}
	})
}
