package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"imapilot/engine"
	"imapilot/engine/journal"
)

// The words of outcomes that the journal has no word for.
const (
	noRule = "no_rule"
	ok     = "ok"
	failed = "failed"
)

// Metrics counts what is observed. Make one with New; it shows nothing of an engine
// until Watch.
type Metrics struct {
	registry *prometheus.Registry

	messages, rules, actions, deliveries, commits *prometheus.CounterVec
	latency, attempts                             *prometheus.HistogramVec
	writing                                       prometheus.Histogram
}

// New makes the counters, in a registry of their own.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		messages: counterVec("messages_total"), rules: counterVec("rule_messages_total"), actions: counterVec("actions_total"),
		deliveries: counterVec("deliveries_total"), commits: counterVec("journal_commits_total"),
		latency:  histogramVec("message_latency_seconds", latencies()...),
		attempts: histogramVec("delivery_attempts", 1, 2, 3, 4, 6, 8, 10, 20),
		writing: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: namespace + "journal_commit_duration_seconds", Help: specOf("journal_commit_duration_seconds").help, Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: namespace + "build_info", Help: specOf("build_info").help}, specOf("build_info").labels)
	build.WithLabelValues(version).Set(1)
	m.registry.MustRegister(m.messages, m.rules, m.actions, m.deliveries, m.commits, m.latency, m.attempts, m.writing, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// latencies are from half a second, for INTERNALDATE has whole ones, to a day.
func latencies() []float64 {
	return []float64{0.5, 1, 2, 3, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600}
}

func counterVec(name string) *prometheus.CounterVec {
	s := specOf(name)
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: namespace + s.name, Help: s.help}, s.labels)
}

func histogramVec(name string, buckets ...float64) *prometheus.HistogramVec {
	s := specOf(name)
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: namespace + s.name, Help: s.help, Buckets: buckets}, s.labels)
}

// Handler is the page.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 20 * time.Second})
}

// Watch shows an engine from now on. It is called once.
func (m *Metrics) Watch(e *engine.Engine, j journal.Journal) {
	m.registry.MustRegister(newSource(e, j))
}

// Observe counts an observation; see engine.Options.
func (m *Metrics) Observe(o engine.Observation) {
	if d := o.Delivery; d != nil {
		m.deliveries.WithLabelValues(o.Account, d.Endpoint, string(d.State)).Inc()
		m.attempts.WithLabelValues(o.Account).Observe(float64(d.Attempts))
		return
	}
	e := o.Entry
	outcome := string(e.State)
	if outcome == "" {
		m.messages.WithLabelValues(o.Account, noRule).Inc()
		return
	}
	m.messages.WithLabelValues(o.Account, outcome).Inc()
	seen := map[string]bool{}
	for _, item := range e.Plan.Items {
		if !seen[item.Rule] {
			m.rules.WithLabelValues(o.Account, item.Rule, outcome).Inc()
		}
		seen[item.Rule] = true
	}
	for _, s := range e.Steps {
		if s.State != journal.Recorded {
			m.actions.WithLabelValues(o.Account, string(s.Action.Kind), stepOutcome(s.State)).Inc()
		}
	}
	if e.State == journal.Done && e.Trigger == journal.TriggerArrival && !e.Print.Received.IsZero() {
		m.latency.WithLabelValues(o.Account).Observe(max(0, o.At.Sub(e.Print.Received).Seconds()))
	}
}

// stepOutcome is the state of a step in one word.
func stepOutcome(s journal.StepState) string {
	if s == journal.StepLeft {
		return "left_flagged"
	}
	return string(s)
}

func stepOutcomes() []string {
	var out []string
	for _, s := range []journal.StepState{journal.StepDone, journal.StepLeft, journal.StepFailed, journal.StepUnsure, journal.StepReplaced} {
		out = append(out, stepOutcome(s))
	}
	return out
}
