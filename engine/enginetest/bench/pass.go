package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"regexp"
	"sync/atomic"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
	"imapilot/engine/memory"
)

// tookWord is before how long a part of the program took, from SELECT on, where it
// says so itself.
const tookWord = "took"

var tookLine = regexp.MustCompile(`(?m)^` + tookWord + ` (\S+)$`)

// tookInside is what a program said that it took.
func tookInside(output string) (time.Duration, error) {
	text, err := os.ReadFile(output)
	if err != nil {
		return 0, err
	}
	said := tookLine.FindSubmatch(text)
	if said == nil {
		return 0, errors.New("it does not say how long it took")
	}
	return time.ParseDuration(string(said[1]))
}

// onePassOf runs the engine in this process, as imapilot does, and says how long it
// took from SELECT to LOGOUT.
func onePassOf(ctx context.Context, path string, stdout io.Writer) error {
	memory.Hurry() // as imapilot does
	var from, to atomic.Pointer[time.Time]
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return &stamped{Conn: conn, from: &from, to: &to}, err
	}
	if err := engineOnce(ctx, path, dial, nil); err != nil {
		return err
	}
	if from.Load() == nil || to.Load() == nil {
		return errors.New("no mailbox was selected")
	}
	_, err := fmt.Fprintln(stdout, tookWord, to.Load().Sub(*from.Load()))
	return err
}

// stamped notes when SELECT and LOGOUT are sent.
type stamped struct {
	net.Conn
	from, to *atomic.Pointer[time.Time]
}

func (c *stamped) Write(p []byte) (int, error) {
	now := time.Now()
	if bytes.Contains(p, []byte(" SELECT ")) {
		c.from.CompareAndSwap(nil, &now)
	}
	if bytes.Contains(p, []byte(" LOGOUT")) {
		c.to.Store(&now)
	}
	return c.Conn.Write(p)
}

// engineOnce is one pass of the engine over the mail that is there. written, if not
// nil, is put before the journal.
func engineOnce(ctx context.Context, path string, dial func(context.Context, string, string) (net.Conn, error), written *commits) error {
	cfg, diags := config.Load(path)
	if cfg == nil {
		return errors.New(config.Summary(diags))
	}
	db, err := sqlite.Open(ctx, cfg.State)
	if err != nil {
		return err
	}
	var j journal.Journal = db
	if written != nil {
		written.Journal, j = db, written
	}
	e := engine.New(cfg, engine.Options{
		Journal: j, Holder: "bench", Webhooks: webhook.NewClient("bench"), Version: "bench", DialContext: dial,
		Logger: slog.New(slog.DiscardHandler), Apply: &engine.Scope{Max: million},
	})
	return errors.Join(e.Run(ctx), db.Close())
}
