package metrics

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"imapilot/engine"
	"imapilot/engine/journal"
)

const (
	// counted is for how long the counts of the journal are shown again: it counts its
	// rows, which are many.
	counted = 15 * time.Second
	// countTimeout is how long the journal may take for them.
	countTimeout = 10 * time.Second
)

// source reads the engine when it is asked.
type source struct {
	engine  *engine.Engine
	journal journal.Journal
	descs   map[string]*prometheus.Desc

	mu   sync.Mutex
	at   time.Time
	sums []journal.AccountSummary
}

func newSource(e *engine.Engine, j journal.Journal) *source {
	return &source{engine: e, journal: j, descs: described()}
}

// own are the metrics that a source shows.
func own() []string {
	return []string{
		"ready", "loops_stuck", "account_state", "account_connections", "logins_total", "mailbox_stale", "mailbox_silent_seconds",
		"mailbox_stale_after_seconds", "mailbox_lag_seconds", "mailbox_failing", "mailbox_messages", "mailbox_last_message_timestamp_seconds",
		"rule_errors_total", "journal_entries", "journal_deliveries", "paused_targets", "resting_endpoints", "snoozed_messages", "notices_active", "notices_total",
	}
}

// Describe is for the registry.
func (s *source) Describe(out chan<- *prometheus.Desc) {
	for _, name := range own() {
		out <- s.descs[name]
	}
}

// Collect is for the registry.
func (s *source) Collect(out chan<- prometheus.Metric) {
	show := func(name string, value float64, labels ...string) {
		kind := prometheus.GaugeValue
		if specOf(name).kind == counter {
			kind = prometheus.CounterValue
		}
		out <- prometheus.MustNewConstMetric(s.descs[name], kind, value, labels...)
	}
	live := s.engine.Live()
	ready := true
	for _, a := range live {
		ready = ready && len(a.Troubles) == 0
		showAccount(show, a)
	}
	show("ready", number(ready))
	show("loops_stuck", float64(len(s.engine.Stuck())))
	for kind, n := range s.engine.NoticeCounts() {
		show("notices_active", float64(n.Active), string(kind))
		show("notices_total", float64(n.Total), string(kind))
	}
	s.showJournal(show, live)
}

// shows shows one value of a metric.
type shows func(name string, value float64, labels ...string)

func states() []engine.AccountState {
	return []engine.AccountState{engine.Connecting, engine.Queued, engine.Watching, engine.Waiting, engine.Parked, engine.Fenced, engine.Stopped}
}

func showAccount(show shows, a engine.AccountStatus) {
	for _, state := range states() {
		show("account_state", number(a.State == state), a.Name, string(state))
	}
	show("account_connections", float64(a.Connections), a.Name)
	show("logins_total", float64(a.Logins), a.Name, ok)
	show("logins_total", float64(a.LoginFailures), a.Name, failed)
	show("resting_endpoints", float64(len(a.Resting)), a.Name)
	for _, e := range a.RuleErrors {
		show("rule_errors_total", float64(e.Messages), a.Name, e.Rule)
	}
	seen := map[string]bool{}
	for _, m := range a.Mailboxes {
		m.Name = strings.ToValidUTF8(m.Name, "\uFFFD") // it is from a server, and a label is UTF-8
		if seen[m.Name] {
			continue // two names of a server that the configuration spells alike
		}
		seen[m.Name] = true
		show("mailbox_stale", number(m.Stale), a.Name, m.Name)
		show("mailbox_silent_seconds", time.Duration(m.Silent).Seconds(), a.Name, m.Name)
		show("mailbox_stale_after_seconds", time.Duration(m.Bound).Seconds(), a.Name, m.Name)
		show("mailbox_lag_seconds", time.Duration(m.Lag).Seconds(), a.Name, m.Name)
		show("mailbox_failing", number(m.Error != ""), a.Name, m.Name)
		show("mailbox_messages", float64(m.Messages), a.Name, m.Name)
		if !m.LastMessage.IsZero() {
			show("mailbox_last_message_timestamp_seconds", float64(m.LastMessage.UnixMilli())/1000, a.Name, m.Name)
		}
	}
}

func (s *source) showJournal(show shows, live []engine.AccountStatus) {
	running := map[string]bool{}
	for _, a := range live {
		running[a.Name] = true
	}
	for _, sum := range s.summary() {
		if !running[sum.Account] {
			continue
		}
		for _, state := range journal.States() {
			show("journal_entries", float64(sum.Entries[state]), sum.Account, string(state))
		}
		for _, state := range journal.DeliveryStates() {
			show("journal_deliveries", float64(sum.Deliveries[state]), sum.Account, string(state))
		}
		show("paused_targets", float64(len(sum.Pauses)), sum.Account)
		show("snoozed_messages", float64(sum.Snoozed.Messages), sum.Account)
	}
}

// summary counts the journal, now and then. Where it cannot be read, nothing is shown:
// an old count would look like a queue that stands still.
func (s *source) summary() []journal.AccountSummary {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() && time.Since(s.at) < counted {
		return s.sums
	}
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	sums, err := s.journal.Summary(ctx)
	if err != nil {
		sums = nil
	}
	s.at, s.sums = time.Now(), sums
	return sums
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
