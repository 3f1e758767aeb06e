package metrics

import (
	"context"
	"errors"
	"flag"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"imapilot/actions"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

var update = flag.Bool("update", false, "rewrite the reference")

func TestReferenceIsUpToDate(t *testing.T) {
	if *update {
		if err := os.WriteFile("REFERENCE.md", []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if file, err := os.ReadFile("REFERENCE.md"); err != nil || string(file) != Reference() {
		t.Errorf("REFERENCE.md is not what Reference gives (run with -update): %v", err)
	}
}

// filled is a page on which every metric has a value.
func filled(t *testing.T) (*Metrics, string) {
	t.Helper()
	path := t.TempDir() + "/state.db"
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	m := New("1.2.3")
	j := m.Journal(db)
	own, _, err := j.Acquire(t.Context(), "home", "test")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := j.Commit(t.Context(), own, journal.Batch{At: now, Entries: []journal.Entry{{Seq: 1, Mailbox: "INBOX", UID: 1, State: journal.Open}}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Commit(t.Context(), journal.Ownership{Account: "home", Epoch: own.Epoch + 1}, journal.Batch{At: now}); !errors.Is(err, journal.ErrFenced) {
		t.Fatalf("%v", err)
	}
	entry := journal.Entry{State: journal.Done, Trigger: journal.TriggerArrival, Print: journal.Fingerprint{Received: now.Add(-2500 * time.Millisecond)},
		From: "stranger@example.net", Subject: "A secret subject"}
	entry.Plan.Add(actions.Item{Rule: "lists", Action: &actions.Action{Kind: actions.Move}})
	entry.Plan.Add(actions.Item{Rule: "lists", Action: &actions.Action{Kind: actions.AddFlags}})
	entry.Steps = []journal.Step{{State: journal.StepLeft, Action: &actions.Action{Kind: actions.Move}}, {State: journal.Recorded, Action: &actions.Action{Kind: actions.AddFlags}}}
	m.Observe(engine.Observation{Account: "home", At: now, Entry: entry})
	m.Observe(engine.Observation{Account: "home", At: now})
	m.Observe(engine.Observation{Account: "home", At: now, Delivery: &journal.Delivery{Endpoint: "ci", State: journal.Dead, Attempts: 10}})
	file := t.TempDir() + "/imapilot.yaml"
	if err := os.WriteFile(file, []byte("accounts: {home: {host: h.example.org, username: u@example.org, password: {env: P}}}\nrules: [{name: r, if: seen, then: [trash]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, diags := config.Load(file)
	if cfg == nil {
		t.Fatal(diags)
	}
	m.Watch(engine.New(cfg, engine.Options{Journal: j}), j)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), "GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatal(w.Body.String())
	}
	return m, w.Body.String()
}

func TestPage(t *testing.T) {
	_, page := filled(t)
	for _, line := range []string{
		`imapilot_ready 0`, `imapilot_build_info{version="1.2.3"} 1`, `imapilot_account_state{account="home",state="connecting"} 1`, `imapilot_account_state{account="home",state="parked"} 0`,
		`imapilot_messages_total{account="home",outcome="done"} 1`, `imapilot_messages_total{account="home",outcome="no_rule"} 1`,
		`imapilot_rule_messages_total{account="home",outcome="done",rule="lists"} 1`,
		`imapilot_actions_total{account="home",action="move",outcome="left_flagged"} 1`,
		`imapilot_deliveries_total{account="home",endpoint="ci",outcome="dead"} 1`,
		`imapilot_message_latency_seconds_bucket{account="home",le="2"} 0`, `imapilot_message_latency_seconds_bucket{account="home",le="3"} 1`,
		`imapilot_journal_commits_total{outcome="ok"} 1`, `imapilot_journal_commits_total{outcome="failed"} 1`,
		`imapilot_journal_entries{account="home",state="open"} 1`, `imapilot_journal_deliveries{account="home",state="pending"} 0`,
		`imapilot_notices_active{kind="account_parked"} 0`, `imapilot_logins_total{account="home",outcome="ok"} 0`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	for _, no := range []string{"secret subject", "stranger", "add_flags"} {
		if strings.Contains(page, no) {
			t.Errorf("%q is on the page", no)
		}
	}
}

// Every name on the page is in the table, and promlint, which knows the conventions of
// Prometheus, finds nothing.
func TestNamesKeepToTheConventions(t *testing.T) {
	_, page := filled(t)
	problems, err := promlint.New(strings.NewReader(page)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	names := Names()
	for line := range strings.Lines(page) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "{")
		name, _, _ = strings.Cut(name, " ")
		if strings.HasPrefix(name, namespace) && !slices.Contains(names, name) {
			t.Errorf("%s is in no table", name)
		}
	}
}

func TestEachMetricOfTheTableExists(t *testing.T) {
	m, _ := filled(t)
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		got = append(got, f.GetName())
	}
	for _, s := range specs() {
		// What is of a mailbox or of an error has no value before there is one.
		if strings.HasPrefix(s.name, "mailbox_") || s.name == "rule_errors_total" {
			if !slices.Contains(own(), s.name) {
				t.Errorf("%s is shown by nothing", s.name)
			}
			continue
		}
		if !slices.Contains(got, namespace+s.name) {
			t.Errorf("%s is not there", s.name)
		}
	}
}

func TestMailboxes(t *testing.T) {
	got := map[string]float64{}
	showAccount(func(name string, value float64, labels ...string) { got[name+" "+strings.Join(labels, " ")] = value }, engine.AccountStatus{
		Name: "home", State: engine.Watching, RuleErrors: []engine.RuleErrors{{Rule: "r", Messages: 3}},
		Mailboxes: []engine.MailboxStatus{
			{Name: "INBOX", Stale: true, Silent: engine.Seconds(90 * time.Second), Bound: engine.Seconds(time.Minute), Lag: engine.Seconds(time.Second), Messages: 7, LastMessage: time.UnixMilli(1500)},
			{Name: "Twice\xff"}, {Name: "Twice\xfe"},
		},
	})
	for name, want := range map[string]float64{
		"mailbox_stale home INBOX": 1, "mailbox_silent_seconds home INBOX": 90, "mailbox_stale_after_seconds home INBOX": 60, "mailbox_lag_seconds home INBOX": 1,
		"mailbox_messages home INBOX": 7, "mailbox_last_message_timestamp_seconds home INBOX": 1.5, "rule_errors_total home r": 3, "mailbox_stale home Twice\uFFFD": 0, "account_state home watching": 1,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s: %v, %v", name, v, ok)
		}
	}
}

// An account is in one of the states that are shown, also while it waits for its turn to
// log in.
func TestEachStateIsShown(t *testing.T) {
	for _, state := range []engine.AccountState{
		engine.Connecting, engine.Queued, engine.Watching, engine.Waiting, engine.Parked, engine.Fenced, engine.Stopped,
	} {
		sum, its := 0.0, 0.0
		showAccount(func(name string, value float64, labels ...string) {
			if name == "account_state" {
				if sum += value; labels[1] == string(state) {
					its = value
				}
			}
		}, engine.AccountStatus{Name: "home", State: state})
		if sum != 1 || its != 1 {
			t.Errorf("%s: it is shown as %v, all together as %v", state, its, sum)
		}
	}
}
