package control

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func serveOn(t *testing.T, path string) {
	t.Helper()
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- Serve(ctx, l, map[string]Handler{
			"echo": func(_ context.Context, in json.RawMessage) (any, error) { return in, nil },
			"fail": func(context.Context, json.RawMessage) (any, error) { return nil, errors.New("no such mailbox") },
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestCalls(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	serveOn(t, path)
	c := NewClient(path)
	var out []string
	if err := c.Call(context.Background(), "echo", []string{"a", "b"}, &out); err != nil || strings.Join(out, "") != "ab" {
		t.Errorf("echo: %q, %v", out, err)
	}
	if err := c.Call(context.Background(), "fail", nil, nil); err == nil || err.Error() != "no such mailbox" {
		t.Errorf("fail: %v", err)
	}
	if err := c.Call(context.Background(), "other", nil, nil); !errors.Is(err, ErrNoMethod) {
		t.Errorf("other: %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("a second daemon took the socket over")
	}
}

func TestNoDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	if err := NewClient(path).Call(context.Background(), "echo", nil, nil); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("no socket: %v", err)
	}
	// A daemon that was killed leaves its socket behind.
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	l.(interface{ SetUnlinkOnClose(bool) }).SetUnlinkOnClose(false)
	l.Close()
	if err := NewClient(path).Call(context.Background(), "echo", nil, nil); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("stale socket: %v", err)
	}
	serveOn(t, path)
}

func TestPathTooLong(t *testing.T) {
	if _, err := Listen("/" + strings.Repeat("x", 200)); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("%v", err)
	}
}
