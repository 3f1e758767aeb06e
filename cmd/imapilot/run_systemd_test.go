package main

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imapilot/engine"
)

// systemd is a socket to which the daemon says what it is doing.
func systemd(t *testing.T, watchdog string) func(want string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", watchdog)
	t.Setenv("WATCHDOG_PID", "")
	return func(want string) string {
		t.Helper()
		buf := make([]byte, 4096)
		for {
			if err := l.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, err := l.Read(buf)
			if err != nil {
				t.Fatalf("no %s: %v", want, err)
			}
			if text := string(buf[:n]); strings.HasPrefix(text, want) {
				return text
			}
		}
	}
}

// lively is an engine whose loops hang or not.
type lively struct {
	stuck    []engine.Stuck
	troubles []engine.Trouble
}

func (l *lively) Stuck() []engine.Stuck      { return l.stuck }
func (l *lively) Troubles() []engine.Trouble { return l.troubles }

func TestSystemdIsTold(t *testing.T) {
	awaits := systemd(t, "60000")
	e := &lively{troubles: []engine.Trouble{{Account: "home", Mailbox: "INBOX\x1b", Kind: engine.TroubleStale}}}
	s := supervisor{engine: e, log: slog.New(slog.DiscardHandler)}
	s.started()
	awaits("READY=1")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() { s.run(ctx); close(done) }()
	awaits("WATCHDOG=1")
	if text := awaits("STATUS="); text != "STATUS=not ready: home/INBOX<U+001B>: stale" {
		t.Errorf("%q", text)
	}
	awaits("WATCHDOG=1")
	s.reloading()
	if text := awaits("RELOADING=1"); !strings.Contains(text, "\nMONOTONIC_USEC=") {
		t.Errorf("%q", text)
	}
	cancel()
	awaits("STOPPING=1")
	<-done
}

// A loop that does not come round costs the daemon its watchdog, and then its life.
func TestAStuckLoopStopsTheWatchdog(t *testing.T) {
	awaits := systemd(t, "60000")
	e := &lively{stuck: []engine.Stuck{{Account: "home", Part: "account", Since: time.Now().Add(-6 * time.Minute)}}}
	var log strings.Builder
	s := supervisor{engine: e, log: slog.New(slog.NewTextHandler(&log, nil)), every: time.Minute}
	s.look()
	s.notify("STOPPING=1")
	if text := awaits(""); text != "STATUS=not working: home: the loop of its account has not come round for 6m" {
		t.Errorf("%q", text)
	}
	if text := awaits(""); text != "STOPPING=1" {
		t.Errorf("the watchdog was told that all is well: %q", text)
	}
	if s.look(); strings.Count(log.String(), "not working") != 1 {
		t.Errorf("%s", log.String())
	}
	e.stuck = nil
	s.look()
	awaits("WATCHDOG=1")
}

func TestWithoutSystemdNothingIsTold(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	var log strings.Builder
	s := supervisor{engine: &lively{}, log: slog.New(slog.NewTextHandler(&log, nil))}
	s.started()
	s.look()
	if log.Len() > 0 {
		t.Error(log.String())
	}
}
