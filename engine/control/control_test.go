package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
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
			"coded": func(context.Context, json.RawMessage) (any, error) {
				return nil, fmt.Errorf("account home: %w", &Error{Code: "parked", Text: "it is parked"})
			},
			"hang": func(ctx context.Context, _ json.RawMessage) (any, error) { <-ctx.Done(); return nil, ctx.Err() },
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

// A daemon that is busy says nothing, and a user is told of it in words.
func TestBusyDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	serveOn(t, path)
	c := NewClient(path)
	c.http.Timeout = time.Millisecond
	if err := c.Call(t.Context(), "hang", nil, nil); err == nil || !strings.HasPrefix(err.Error(), "the daemon did not answer within 1ms: ") {
		t.Error(err)
	}
}

func TestNoDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	if err := NewClient(path).Call(context.Background(), "echo", nil, nil); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("no socket: %v", err)
	}
	// A daemon that was killed leaves its socket behind.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if err := NewClient(path).Call(context.Background(), "echo", nil, nil); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("stale socket: %v", err)
	}
	serveOn(t, path)
	if err := NewClient(path).Call(context.Background(), "echo", nil, nil); err != nil {
		t.Error(err)
	}
}

func TestSocketGoesWithTheDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Serve(ctx, l, nil); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestOnlySocketsAreReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("a file was taken for a stale socket")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestLongPath(t *testing.T) {
	folder := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "s.sock")
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "shorter") {
			t.Errorf("%v", err)
		}
		return
	}
	serveOn(t, path)
	if st, err := os.Lstat(path); err != nil || st.Mode() != os.ModeSocket|0o600 {
		t.Fatalf("%v, %v", st, err)
	}
	var out string
	if err := NewClient(path).Call(context.Background(), "echo", "a", &out); err != nil || out != "a" {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("a second daemon took the socket over")
	}
	if _, err := Listen(filepath.Join(folder, strings.Repeat("y", 120))); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("a name that fits nowhere: %v", err)
	}
}

func TestErrorsKeepTheirCode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	serveOn(t, path)
	err := NewClient(path).Call(context.Background(), "coded", nil, nil)
	var coded *Error
	if !errors.As(err, &coded) || coded.Code != "parked" || err.Error() != "account home: it is parked" {
		t.Errorf("%#v", err)
	}
}

func TestLargeRequestIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	serveOn(t, path)
	err := NewClient(path).Call(context.Background(), "echo", strings.Repeat("x", maxRequest), nil)
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%.80v", err)
	}
}

// TestConnectionsAreBounded fills every slot: the next caller waits, and is
// served when one is free.
func TestConnectionsAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	entered, leave := make(chan bool, 100), make(chan bool)
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		err := Serve(ctx, l, map[string]Handler{"wait": func(context.Context, json.RawMessage) (any, error) {
			entered <- true
			<-leave
			return nil, nil
		}})
		if err != nil {
			t.Error(err)
		}
	})
	var calls sync.WaitGroup
	for range maxConnections + 1 {
		calls.Go(func() {
			if err := NewClient(path).Call(context.Background(), "wait", nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
	for range maxConnections {
		<-entered
	}
	if n := len(l.(*listener).slots); n != maxConnections || len(entered) != 0 {
		t.Errorf("%d slots taken, %d calls too many", n, len(entered))
	}
	leave <- true
	<-entered
	for range maxConnections {
		leave <- true
	}
	calls.Wait()
	cancel()
	served.Wait()
}
