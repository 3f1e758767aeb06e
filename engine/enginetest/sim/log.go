package sim

import (
	"log/slog"
	"strings"
	"testing"
)

// logger shows the daemon's log with the test.
func logger(t testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(lines{t}, nil)) }

type lines struct{ t testing.TB }

func (l lines) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}
