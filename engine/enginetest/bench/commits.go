package main

import (
	"context"
	"sync"
	"time"

	"imapilot/engine/journal"
)

// commits is a journal that counts what is committed, and for how long.
type commits struct {
	journal.Journal

	mu    sync.Mutex
	count int
	took  time.Duration
}

// Commit is the journal's, timed.
func (c *commits) Commit(ctx context.Context, own journal.Ownership, batch journal.Batch) error {
	began := time.Now()
	err := c.Journal.Commit(ctx, own, batch)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	c.took += time.Since(began)
	return err
}
