package hostile

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal/sqlite"
	conditions "imapilot/rules"
)

// TestDeadlines: at every step a server may fall silent, or go on talking and
// never come to an end. The daemon leaves it in time and does its work on the
// next connection.
func TestDeadlines(t *testing.T) {
	steps := map[string]time.Duration{ // what silence may take at most
		"GREETING": 30 * time.Second, "AUTHENTICATE": time.Minute, "NAMESPACE": time.Minute, `LIST "" "*"`: time.Minute, "SELECT": time.Minute,
		"UID SEARCH": time.Minute, flags: time.Minute, structure: time.Minute, part: time.Minute,
		"STATUS": time.Minute, "CREATE": time.Minute, "UID STORE": time.Minute, "UID COPY": time.Minute, "UID MOVE": time.Minute, "IDLE": 6 * time.Minute,
	}
	for step, silence := range steps {
		busy := 10 * time.Minute // of one command, however busily it is answered
		if step == "GREETING" {
			busy = 30 * time.Second
		}
		for name, c := range map[string]struct {
			tell func(c *told)
			most time.Duration
		}{
			"silence":   {(*told).silence, silence},
			"a trickle": {func(c *told) { c.trickle("x") }, busy},
			"chatter":   {func(c *told) { c.trickle("* OK Still here\r\n") }, busy},
		} {
			if step == "GREETING" && name == "chatter" || step == "IDLE" && name != "silence" {
				continue // a greeting; and what an idling server is there for
			}
			t.Run(step+", "+name, func(t *testing.T) {
				a := at(step, instead, c.tell)
				if step == "STATUS" {
					a.account, a.names = swept, roles()
				}
				synctest.Test(t, func(t *testing.T) { endsWithin(t, a, c.most) })
			})
		}
	}
}

// trickle says a little every ten seconds.
func (c *told) trickle(s string) {
	for c.err == nil {
		c.raw(s)
		if err := c.w.Flush(); err != nil {
			c.err = err
		}
		time.Sleep(10 * time.Second)
	}
}

// endsWithin runs the engine until everything is done in spite of a lie.
func endsWithin(t *testing.T, a attack, most time.Duration) {
	srv := stock(t, imaptest.Options{PipeOnly: true})
	between := newLiar(srv, a.lie)
	cfg := loaded(t, a.account)
	db, err := sqlite.Open(t.Context(), cfg.State)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	began := time.Now()
	go func() {
		ended <- engine.New(cfg, engine.Options{Journal: db, Holder: "test", Existing: true, DialContext: between.dialPipe,
			Logger: slog.New(slog.NewTextHandler(testLog{t}, nil))}).Run(ctx)
	}()
	const slack = 30 * time.Second // for the liar to notice, to connect again, and to do what is left
	for !between.wasTold() || !done(t, srv) {
		if time.Since(began) > most+slack {
			t.Errorf("not done after %v (the lie is over: %v)", time.Since(began), between.wasTold())
			break
		}
		time.Sleep(time.Second)
	}
	t.Logf("done after %v", time.Since(began))
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	intact(t, srv)
	a.wire().judge(t, between.sent())
}

// testLog sends a log to the test, which shows it on failure only.
type testLog struct{ t *testing.T }

func (w testLog) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}

func loaded(t *testing.T, account string) *config.Config {
	t.Helper()
	cfg, diags := config.Load(configure(t, "127.0.0.1", 1, ", tls: none"+account, rules))
	for _, d := range diags {
		if d.Severity == conditions.Error {
			t.Fatal(d.Format(false))
		}
	}
	return cfg
}
