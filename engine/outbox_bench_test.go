package engine

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

// BenchmarkDeliveries empties an outbox of 100,000 calls to one receiver on
// loopback: how many a second, and how much memory of the process is in use at most.
// Run it with -benchtime 1x.
func BenchmarkDeliveries(b *testing.B) {
	const calls = 100_000
	for b.Loop() {
		b.StopTimer()
		j, own := owing(b, calls)
		var got atomic.Int64
		done := make(chan struct{})
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if got.Add(1) == calls {
				close(done)
			}
		}))
		client := webhook.NewClient("bench")
		a := pacedAccount(j, own, client, []config.Webhook{{Name: "ci", URL: srv.URL, Secrets: []config.Secret{config.LiteralSecret("whsec_QUJDREVGR0g=")}, Pace: config.Pace{Zone: time.UTC}}})
		ctx, cancel := context.WithCancel(b.Context())
		b.StartTimer()
		wait := a.outbox.start(ctx, b.Context())
		most := watch(done)
		b.StopTimer()
		cancel()
		wait()
		srv.Close()
		client.Close()
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(most)/1e6, "MB")
		b.StartTimer()
	}
	b.ReportMetric(float64(calls*b.N)/b.Elapsed().Seconds(), "calls/s")
}

// watch waits, and returns the most memory that the runtime had from the system.
func watch(done <-chan struct{}) (most uint64) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.Sys-m.HeapReleased)
		select {
		case <-done:
			return most
		case <-tick.C:
		}
	}
}

func owing(b *testing.B, calls int) (journal.Journal, journal.Ownership) {
	b.Helper()
	j, err := sqlite.Open(b.Context(), b.TempDir()+"/j.db")
	if err != nil {
		b.Fatal(err)
	}
	own, _, err := j.Acquire(b.Context(), "home", "bench")
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	for first := 0; first < calls; first += 1000 {
		batch := journal.Batch{At: now}
		for i := first; i < first+1000; i++ {
			doc := webhook.Message{ID: "msg_" + time.Duration(i).String(), Rule: "r", Subject: "A subject of the usual length", Planned: []string{"webhook: ci"}}
			batch.Deliveries = append(batch.Deliveries, journal.Delivery{
				ID: doc.ID, Account: "home", Endpoint: "ci", Rule: "r", Seq: int64(i + 1), About: doc.ID, Payload: webhook.Payload(doc),
				Created: now, Next: now, State: journal.Pending,
			})
		}
		if err := j.Commit(b.Context(), own, batch); err != nil {
			b.Fatal(err)
		}
	}
	return j, own
}
