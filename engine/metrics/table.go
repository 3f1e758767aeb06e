package metrics

import (
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"imapilot/engine"
	"imapilot/engine/journal"
)

// spec describes one metric. The name lacks "imapilot_".
type spec struct {
	name, kind, help string
	labels           []string
}

const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

const namespace = "imapilot_"

// specs is every metric of ours, in the order of the page.
func specs() []spec {
	return []spec{
		{"ready", gauge, "1 when every watched mailbox is alive, 0 otherwise.", nil},
		{"build_info", gauge, "Always 1; the version is a label.", []string{"version"}},
		{"loops_stuck", gauge, "Loops of accounts that should have come round and did not.", nil},
		{"account_state", gauge, "1 for the state that the account is in, 0 for the others.", []string{"account", "state"}},
		{"account_connections", gauge, "Connections that are open.", []string{"account"}},
		{"logins_total", counter, "Logins, by whether they worked.", []string{"account", "outcome"}},
		{"mailbox_stale", gauge, "1 when the server proved nothing of the mailbox for longer than its bound.", []string{"account", "mailbox"}},
		{"mailbox_silent_seconds", gauge, "For how long the server has proved nothing of the mailbox.", []string{"account", "mailbox"}},
		{"mailbox_stale_after_seconds", gauge, "For how long it may prove nothing.", []string{"account", "mailbox"}},
		{"mailbox_lag_seconds", gauge, "For how long something has been known to wait in the mailbox.", []string{"account", "mailbox"}},
		{"mailbox_failing", gauge, "1 when the last look at the mailbox failed.", []string{"account", "mailbox"}},
		{"mailbox_messages", gauge, "Messages in the mailbox when it was selected last.", []string{"account", "mailbox"}},
		{"mailbox_last_message_timestamp_seconds", gauge, "When a new message was last seen, since the start; left out before the first.", []string{"account", "mailbox"}},
		{"messages_total", counter, "Messages that were decided, by outcome: a state of the history, or no_rule.", []string{"account", "outcome"}},
		{"rule_messages_total", counter, "Messages that a rule matched, by outcome.", []string{"account", "rule", "outcome"}},
		{"rule_errors_total", counter, "Messages for which a rule could not be worked out.", []string{"account", "rule"}},
		{"actions_total", counter, "Steps that were finished, by action and outcome.", []string{"account", "action", "outcome"}},
		{"message_latency_seconds", histogram, "From the arrival of a message, by the server's clock, to its last action; done on arrival only.", []string{"account"}},
		{"deliveries_total", counter, "Calls of webhooks, and steps that leave the mailbox, that reached their end.", []string{"account", "endpoint", "outcome"}},
		{"delivery_attempts", histogram, "Attempts that a delivery took.", []string{"account"}},
		{"journal_entries", gauge, "What the journal holds, by state; open is what is still to be done.", []string{"account", "state"}},
		{"journal_deliveries", gauge, "Calls and steps in the journal, by state; pending is what is owed.", []string{"account", "state"}},
		{"paused_targets", gauge, "Mailboxes into which nothing goes for now.", []string{"account"}},
		{"resting_endpoints", gauge, "Endpoints that get nothing for now.", []string{"account"}},
		{"snoozed_messages", gauge, "Messages that are snoozed.", []string{"account"}},
		{"notices_active", gauge, "Conditions that need a person now, by kind.", []string{"kind"}},
		{"notices_total", counter, "Conditions that came up since the start, by kind.", []string{"kind"}},
		{"journal_commits_total", counter, "Commits of the journal, by whether they were written.", []string{"outcome"}},
		{"journal_commit_duration_seconds", histogram, "How long a commit took.", nil},
	}
}

// described makes the descriptions by name.
func described() map[string]*prometheus.Desc {
	out := map[string]*prometheus.Desc{}
	for _, s := range specs() {
		out[s.name] = prometheus.NewDesc(namespace+s.name, s.help, s.labels, nil)
	}
	return out
}

// specOf returns the row of a metric.
func specOf(name string) spec {
	for _, s := range specs() {
		if s.name == name {
			return s
		}
	}
	panic("there is no metric " + name) // each name is a constant of this package
}

// Names are the metrics that there may be, with their namespace; of a histogram also
// what Prometheus makes of it.
func Names() []string {
	var out []string
	for _, s := range specs() {
		out = append(out, namespace+s.name)
		if s.kind == histogram {
			out = append(out, namespace+s.name+"_bucket", namespace+s.name+"_sum", namespace+s.name+"_count")
		}
	}
	return out
}

// Reference is the page that explains them.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Metrics\n\nWhat `/metrics` of the [admin address](../../README.md#is-it-alive) shows, beside `go_*` and `process_*` of the Prometheus client.\n" +
		"Labels are names of the configuration and of watched mailboxes, and these words. A counter begins at 0 with the process; `journal_entries` and\n" +
		"`journal_deliveries` are counted at most every 15 s.\n\n| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n")
	for _, s := range specs() {
		labels := "-"
		if len(s.labels) > 0 {
			labels = "`" + strings.Join(s.labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s%s` | %s | %s | %s |\n", namespace, s.name, s.kind, labels, s.help)
	}
	fmt.Fprintf(&b, "\n| label | values |\n| --- | --- |\n")
	fmt.Fprintf(&b, "| `state` of an account | %s |\n", words(states()))
	fmt.Fprintf(&b, "| `outcome` of a message or a rule, `state` of an entry | %s; of a message also `%s` |\n", words(journal.States()), noRule)
	fmt.Fprintf(&b, "| `outcome` of an action | %s |\n", words(stepOutcomes()))
	fmt.Fprintf(&b, "| `outcome` of a delivery, `state` of it | %s |\n", words(journal.DeliveryStates()))
	fmt.Fprintf(&b, "| `outcome` of logins and commits | `%s`, `%s` |\n", ok, failed)
	fmt.Fprintf(&b, "| `kind` of a notice | %s |\n", words(engine.NoticeKinds()))
	return b.String()
}

func words[T ~string](all []T) string {
	var out []string
	for _, w := range all {
		out = append(out, "`"+string(w)+"`")
	}
	return strings.Join(out, " ")
}
