package metrics

import (
	"context"
	"time"

	"imapilot/engine/journal"
)

// Journal is a journal whose commits are counted.
func (m *Metrics) Journal(j journal.Journal) journal.Journal { return countedJournal{j, m} }

type countedJournal struct {
	journal.Journal
	metrics *Metrics
}

// Commit counts, and commits.
func (j countedJournal) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	began := time.Now()
	err := j.Journal.Commit(ctx, own, b)
	outcome := ok
	if err != nil {
		outcome = failed
	}
	j.metrics.commits.WithLabelValues(outcome).Inc()
	j.metrics.writing.Observe(time.Since(began).Seconds())
	return err
}
