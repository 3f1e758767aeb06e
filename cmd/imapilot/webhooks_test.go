package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"imapilot/engine"
	"imapilot/engine/journal"
)

const exampleURL = "https://hooks.example.org"

// TestWebhooksGolden holds what the screens look like.
func TestWebhooksGolden(t *testing.T) {
	for _, tt := range []struct {
		name, line, columns string
	}{
		{"list", "webhooks list", "80"}, {"all", "webhooks list --all", "80"}, {"wide", "webhooks list --all", "140"}, {"pipe", "webhooks list", ""},
		{"json", "webhooks list --all --json", ""}, {"none", "webhooks list --account work", "80"},
		{"dead", "-c imapilot.yaml webhooks list --endpoint ci --state dead --since 5h", "80"},
		{"show-dead", "webhooks show a4af98e9", "80"}, {"show-old", "webhooks show msg_a5c0a9fa", "80"}, {"show-pending", "webhooks show a17c65b6", "80"}, {"show-queued", "webhooks show a28d", "80"},
		{"show-waiting", "webhooks show a39e87d8", "80"}, {"show-delivered", "webhooks show a6d1bb0b", "80"}, {"show-json", "webhooks show a4af98e9 --json", ""}, {"show-text-json", "webhooks show a5c0a9fa --json", ""},
		{"replay", "webhooks replay --state dead", "80"},
		{"show-disabled", "webhooks show a17c65b6", "80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, err := filepath.Abs("testdata/webhooks/" + tt.name + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				webhooksFolder(t, exampleURL)
				if tt.name == "list" || tt.name == "json" || tt.name == "replay" || tt.name == "show-disabled" {
					refusing(t, exampleURL)
				}
				t.Setenv("COLUMNS", tt.columns)
				out, code := said(t, tt.line)
				got := fmt.Sprintf("$ imapilot %s\n%s[exit code %d]\n", tt.line, out, code)
				golden(t, path, got)
				understood(t, got)
				if tt.columns == "80" {
					fitsCells(t, got, 80)
				}
				if strings.Contains(got, "hush") || strings.ContainsAny(got, "\x1b\u202e") {
					t.Errorf("it shows what it must not:\n%s", got)
				}
			})
		})
	}
}

// TestWebhooksMistakes: a mistake on the command line says what is right, and
// changes nothing.
func TestWebhooksMistakes(t *testing.T) { synctest.Test(t, webhooksMistakes) }

func webhooksMistakes(t *testing.T) {
	webhooksFolder(t, exampleURL)
	for line, want := range map[string]string{
		"webhooks lst":                                     `unknown command "webhooks lst"; did you mean "list"?`,
		"webhooks list a4af98e9":                           "list takes no arguments",
		"webhooks list --state dad":                        `there is no state "dad"; did you mean "dead"?; they are pending, waiting, dead, delivered, gathered, cancelled`,
		"webhooks list --endpoint cy":                      `there is no endpoint "cy" in imapilot.yaml; did you mean "ci"?`,
		"webhooks list --endpoint nowhere":                 "there is ci, chat-of-the-team",
		"webhooks list --endpoint ''":                      "it is empty",
		"webhooks list --account hom":                      `did you mean "home"?`,
		"webhooks list --since soon":                       `--since "soon" is no time`,
		"webhooks list --limit 0":                          "--limit is a number from 1 to 10000",
		"webhooks list --all --state dead":                 "say either --all or --state",
		"webhooks show":                                    "name one call",
		"webhooks show a4af98e8":                           `the journal knows no webhook call "a4af98e8"; did you mean "a4af98e9"?`,
		"webhooks show 0123456789":                         "'imapilot webhooks list --all' shows them",
		"webhooks show a4a":                                "type at least 4 characters",
		"webhooks show msg_":                               "type at least 4 characters",
		"webhooks show home/3":                             "'imapilot history home/3' shows those of a message",
		"webhooks replay":                                  "select what to make again",
		"webhooks replay a4af98e9 --endpoint ci":           "say either IDs or --endpoint",
		"webhooks replay --state delivered":                "only when their IDs are named",
		"webhooks replay --state waiting":                  "it is made when the other actions on its message are done",
		"webhooks replay a39e87d8":                         "a39e87d8 is waiting",
		"webhooks replay a4af98e9 a7e2cc1c":                "a7e2cc1c is cancelled",
		"webhooks replay " + strings.Repeat("a4af ", 1001): "at most 1000 calls",
		"webhooks test":                                    "name one endpoint",
		"webhooks test cj":                                 `did you mean "ci"?`,
		"webhooks enable old":                              `there is no endpoint "old"`,
	} {
		out, code := said(t, line)
		if code != exitUsage || !strings.Contains(out, want) {
			t.Errorf("%.60s: exit code %d, %s; want %s", line, code, out, want)
		}
	}
	if out, _ := said(t, "webhooks list --state dead"); !strings.Contains(out, "a4af98e9") {
		t.Errorf("something was changed: %s", out)
	}
}

// listed returns "ID state" of each call that a list shows, in its order.
func listed(t *testing.T, line string) string {
	t.Helper()
	out, code := said(t, "webhooks list --json "+line)
	if code != exitOK {
		t.Errorf("%s: exit code %d: %s", line, code, out)
	}
	var all []string
	for l := range strings.Lines(out) {
		var c callJSON
		if err := json.Unmarshal([]byte(l), &c); err != nil {
			t.Errorf("%v: %s", err, l)
		}
		if c.Type == "call" {
			all = append(all, shortID(c.ID, 2)+" "+string(c.State))
		}
	}
	return strings.Join(all, ", ")
}

// TestWebhooksSelects asks by each flag.
func TestWebhooksSelects(t *testing.T) { synctest.Test(t, webhooksSelects) }

func webhooksSelects(t *testing.T) {
	webhooksFolder(t, exampleURL)
	for line, want := range map[string]string{
		"":                                 "a1 pending, a2 pending, a3 waiting, a4 dead, a5 dead",
		"--endpoint old":                   "a5 dead",
		"--since 2h":                       "a1 pending, a2 pending",
		"--state dead,waiting -n 2":        "a3 waiting, a4 dead",
		"--all --account work":             "fe delivered",
		"--all --endpoint ci --since 6h":   "a1 pending, a2 pending, a4 dead, a6 delivered, fe delivered",
		"--state delivered --account home": "a6 delivered",
	} {
		if got := listed(t, line); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

// TestWebhooksReplay: without a daemon it changes the journal itself, and what was
// delivered only when it is named.
func TestWebhooksReplay(t *testing.T) {
	for _, tt := range []struct{ words, says, after string }{
		{"--account home", "4 calls are made again.", "a1 pending, a2 pending, a3 waiting, a4 pending, a5 pending, a6 delivered, a7 cancelled"},
		{"--endpoint ci --state dead", "1 call is made again.", "a1 pending, a2 pending, a3 waiting, a4 pending, a5 dead, a6 delivered, a7 cancelled"},
		{"a6d1 msg_a6d1bb0b a4af98e9 --yes", "2 calls are made again.", "a1 pending, a2 pending, a3 waiting, a4 pending, a5 dead, a6 pending, a7 cancelled"},
		{"--since 1m", "No such call was given up", "a1 pending, a2 pending, a3 waiting, a4 dead, a5 dead, a6 delivered, a7 cancelled"},
	} {
		synctest.Test(t, func(t *testing.T) {
			webhooksFolder(t, exampleURL)
			out, code := said(t, "webhooks replay "+tt.words)
			offline := strings.Contains(out, "No daemon runs now: the daemon, or 'imapilot run --once', delivers them.")
			if code != exitOK || !strings.HasPrefix(out, tt.says) || offline != strings.Contains(tt.says, "made") {
				t.Errorf("%s: exit code %d, %s", tt.words, code, out)
			}
			if got := listed(t, "--all --account home"); got != tt.after {
				t.Errorf("%s: then %s", tt.words, got)
			}
		})
	}
}

// TestWebhooksReplayAsks on a terminal, unless it is told not to.
func TestWebhooksReplayAsks(t *testing.T) {
	for _, tt := range []struct {
		typed, words string
		asks         bool
		after        string
	}{
		{"n\n", "", true, "a4 dead"}, {"\n", "", true, "a4 dead"}, {"y\n", "", true, "a4 pending"}, {"", " --yes", false, "a4 pending"},
	} {
		webhooksFolder(t, exampleURL)
		shown, code := onTerminal(t, tt.typed, words("webhooks replay --state dead"+tt.words)...)
		asked := strings.Contains(shown, "Make these 2 calls again? [y/N]") && strings.Contains(shown, "a4af98e9")
		if code != exitOK || asked != tt.asks {
			t.Errorf("%q%s: exit code %d:\n%s", tt.typed, tt.words, code, shown)
		}
		if got := listed(t, "--all --account home"); !strings.Contains(got, tt.after) {
			t.Errorf("%q%s: then %s", tt.typed, tt.words, got)
		}
	}
}

// TestWebhooksCompletes endpoints, states and calls.
func TestWebhooksCompletes(t *testing.T) {
	webhooksFolder(t, exampleURL)
	for line, want := range map[string]string{
		"webhooks test ''":             "ci\thttps://hooks.example.org\nchat-of-the-team\thttps://chat.example.org\n",
		"webhooks enable ''":           "ci\t",
		"webhooks list --endpoint ''":  "ci\t",
		"webhooks list --state dead,p": "dead,pending\t",
		"webhooks replay ''":           "a4af98e9\tdead, ci, builds\n",
		"webhooks show ''":             "a6d1bb0b\tdelivered, ci, E<U+001B>[2J<U+202E>\n",
	} {
		if out, _ := said(t, "__complete "+line); !strings.Contains(out, want) || strings.Contains(out, "hush") {
			t.Errorf("%s: %q", line, out)
		}
	}
}

// FuzzWholeCall: whatever a receiver answers, nothing of it can move the cursor.
func FuzzWholeCall(f *testing.F) {
	f.Add("<h1>\x1b[2J", "\u202e", `{"a":"\u009b"}`, "msg_1")
	f.Add("\xfc", "\r\n", "\xff\x00", "\x07")
	f.Add("", "\x9b", "{\"\xfc\": \"\"}", "")
	f.Fuzz(func(t *testing.T, answer, problem, payload, name string) {
		d := journal.Delivery{ID: name, Endpoint: name, Rule: name, State: journal.Dead, Attempts: 1, LastError: problem, Payload: []byte(payload)}
		w := wholeCall{Delivery: d, attempts: attemptsOf(d, []journal.Attempt{{N: 1, Error: problem, Answer: answer}})}
		s := &screen{width: screenWidth}
		s.wholeCall(w, time.UTC, (&app{}).command)
		callTable{width: screenWidth}.print(s, []journal.Delivery{d})
		text := s.b.String()
		line, err := jsonLine(w.json())
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range []string{text, line} {
			if strings.IndexFunc(out, func(r rune) bool { return r != '\n' && hidden(r) }) >= 0 || !utf8.ValidString(out) {
				t.Errorf("%q", out)
			}
		}
	})
}

// FuzzShortID: what is shown of IDs tells them apart.
func FuzzShortID(f *testing.F) {
	f.Add("msg_0123456789abcdef0", "msg_0123456789abcdef1", "msg_0")
	f.Add("msg_a", "a", "msg_msg_a")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		calls := []journal.Delivery{{ID: "msg_" + a}, {ID: "msg_" + b}, {ID: "msg_" + c}, {ID: "msg_" + a}}
		n := shortLength(calls)
		for _, x := range calls {
			for _, y := range calls {
				if x.ID != y.ID && shortID(x.ID, n) == shortID(y.ID, n) {
					t.Errorf("%q and %q are both %q", x.ID, y.ID, shortID(x.ID, n))
				}
			}
		}
	})
}

// TestReplaysOf: only what was delivered when it was named may be made again though
// it was; the oldest comes first, and no request is too large.
func TestReplaysOf(t *testing.T) {
	var found []journal.Delivery
	for n := range engine.MaxReplay + 2 {
		found = append(found, journal.Delivery{ID: fmt.Sprint(n), Account: "home", State: journal.Dead})
	}
	found[0].State, found[1].Account = journal.Delivered, "work"
	got := replaysOf(found)
	if len(got) != 3 || len(got[0].IDs) != engine.MaxReplay || got[0].IDs[0] != fmt.Sprint(engine.MaxReplay+1) || got[0].Delivered || got[0].Account != "home" ||
		got[1].Account != "work" || got[1].Delivered || len(got[1].IDs) != 1 || !got[2].Delivered || got[2].IDs[0] != "0" {
		t.Errorf("%d requests: %+v", len(got), got[1:])
	}
}
