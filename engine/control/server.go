package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// Handler answers one call. What it returns is sent as JSON.
type Handler func(ctx context.Context, in json.RawMessage) (any, error)

const (
	// maxBody is how large a request or an answer may be.
	maxBody = 1 << 20
	// maxPath is how long a socket's path may be: the kernel's sun_path.
	maxPath = 104
	// callTimeout is how long one call may take.
	callTimeout = time.Minute
)

// Listen opens the socket. A socket that a dead daemon left is replaced; one
// that answers is not.
func Listen(path string) (net.Listener, error) {
	if len(path) >= maxPath {
		return nil, fmt.Errorf("the path of the control socket is longer than %d bytes: %s; choose a shorter state path", maxPath, path)
	}
	if _, err := os.Lstat(path); err == nil {
		if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
			conn.Close()
			return nil, fmt.Errorf("another daemon answers on %s", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("a stale control socket cannot be removed: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Serve answers calls until ctx is done, then removes the socket.
func Serve(ctx context.Context, l net.Listener, handlers map[string]Handler) error {
	srv := &http.Server{
		Handler:           mux(handlers),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: callTimeout, WriteTimeout: callTimeout + 5*time.Second,
		MaxHeaderBytes: 16 << 10,
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func mux(handlers map[string]Handler) http.Handler {
	m := http.NewServeMux()
	for name, h := range handlers {
		m.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) { serve(w, r, h) })
	}
	return m
}

// reply is the envelope of an answer.
type reply struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

func serve(w http.ResponseWriter, r *http.Request, h Handler) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	var out reply
	in, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		var v any
		if v, err = h(ctx, in); err == nil {
			out.Result, err = json.Marshal(v)
		}
	}
	if err != nil {
		out = reply{Error: strings.ToValidUTF8(err.Error(), "?")}
	}
	w.Header().Set("Content-Type", "application/json")
	// A client that went away does not want the answer.
	_ = json.NewEncoder(w).Encode(out)
}
