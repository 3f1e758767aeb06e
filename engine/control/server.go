package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Handler answers one call. What it returns is sent as JSON.
type Handler func(ctx context.Context, in json.RawMessage) (any, error)

const (
	// maxRequest is how large the input of a call may be.
	maxRequest = 1 << 20
	// maxAnswer is how large its result may be.
	maxAnswer = 16 << 20
	// callTimeout is how long one call may take.
	callTimeout = time.Minute
)

// Serve answers calls until ctx is done, then removes the socket.
func Serve(ctx context.Context, l net.Listener, handlers map[string]Handler) error {
	srv := &http.Server{
		Handler:           mux(handlers),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: callTimeout, WriteTimeout: callTimeout + 5*time.Second,
		IdleTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
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
	Error  *Error          `json:"error,omitempty"`
}

// Error is an error of a handler as it travels: a text for people, and a code
// for programs where the handler gave one by returning an *Error.
type Error struct {
	Code string `json:"code,omitempty"`
	Text string `json:"text"`
}

func (e *Error) Error() string { return e.Text }

func serve(w http.ResponseWriter, r *http.Request, h Handler) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	var out reply
	in, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err == nil {
		var v any
		if v, err = h(ctx, in); err == nil {
			out.Result, err = json.Marshal(v)
		}
	}
	if err == nil && len(out.Result) > maxAnswer {
		err = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	if err != nil {
		out = reply{Error: travelling(err)}
	}
	w.Header().Set("Content-Type", "application/json")
	// A client that went away does not want the answer.
	_ = json.NewEncoder(w).Encode(out)
}

// travelling keeps the code of an error, and its whole text.
func travelling(err error) *Error {
	out := &Error{Text: strings.ToValidUTF8(err.Error(), "?")}
	var coded *Error
	if errors.As(err, &coded) {
		out.Code = coded.Code
	}
	return out
}
