package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"imapilot/engine"
)

// superviseEvery is how often the loops are looked at.
const superviseEvery = 10 * time.Second

// supervisor tells systemd (sd_notify(3)) what the daemon is doing, and the watchdog that
// it works: only while every loop comes round. Without systemd it still logs a loop that
// does not. A daemon whose mail server is away is ready for systemd: that unit must not
// fail.
type supervisor struct {
	engine liveness
	log    *slog.Logger

	every time.Duration // of the watchdog, 0: there is none
	said  string        // the last STATUS
	stuck bool
}

// liveness is what *engine.Engine tells of itself.
type liveness interface {
	Stuck() []engine.Stuck
	Troubles() []engine.Trouble
}

func (s *supervisor) notify(state string) {
	if _, err := sdnotify.SdNotify(false, state); err != nil {
		s.log.Error("systemd cannot be told", "state", state, "error", err)
	}
}

// started is called once the configuration is loaded and every socket is open.
func (s *supervisor) started() {
	every, err := sdnotify.SdWatchdogEnabled(false)
	if err != nil {
		s.log.Error("the watchdog of systemd cannot be used", "error", err)
	}
	s.every = every
	s.ready()
}

func (s *supervisor) ready() { s.notify(sdnotify.SdNotifyReady) }

// reloading needs the time: systemd awaits a READY=1 that comes later.
func (s *supervisor) reloading() {
	s.notify(sdnotify.SdNotifyReloading + "\n" + sdnotify.SdNotifyMonotonicUsec())
}

// run tells the watchdog until ctx is done.
func (s *supervisor) run(ctx context.Context) {
	every := superviseEvery
	if s.every > 0 {
		every = min(every, s.every/3)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		s.look()
		select {
		case <-ctx.Done():
			s.notify(sdnotify.SdNotifyStopping)
			return
		case <-tick.C:
		}
	}
}

// look says how it is.
func (s *supervisor) look() {
	stuck := s.engine.Stuck()
	if len(stuck) > 0 != s.stuck {
		s.stuck = len(stuck) > 0
		for _, line := range stuckLines(stuck) {
			s.log.Error("not working: " + line)
		}
	}
	if len(stuck) == 0 && s.every > 0 {
		s.notify(sdnotify.SdNotifyWatchdog)
	}
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return // nobody listens, and of thousands of accounts it is much to ask
	}
	text := "ready"
	switch troubles := s.engine.Troubles(); {
	case len(stuck) > 0:
		text = "not working: " + stuckLines(stuck)[0]
	case len(troubles) > 0:
		text = "not ready: " + troubles[0].Where() + ": " + string(troubles[0].Kind)
	}
	if text != s.said {
		s.said = text
		s.notify("STATUS=" + visible(text))
	}
}
