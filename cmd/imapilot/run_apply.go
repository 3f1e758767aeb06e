package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/control"
)

// The calls of the daemon by which apply works.
const (
	methodApply     = "apply"      // applyRequest; its result is the number of the job
	methodJob       = "job"        // jobRequest; its result is an engine.Job
	methodStopApply = "stop_apply" // jobRequest
)

// applyRequest asks for an apply. Accounts are those of the caller's configuration.
type applyRequest struct {
	engine.Scope
	Accounts []string `json:"accounts"`
}

// jobRequest names an apply.
type jobRequest struct {
	ID int64 `json:"id"`
}

// inForce is the configuration by which the daemon works.
type inForce struct{ atomic.Pointer[config.Config] }

// applyHandlers answer apply.
func (f *inForce) applyHandlers(e *engine.Engine) map[string]control.Handler {
	return map[string]control.Handler{
		methodApply: func(ctx context.Context, in json.RawMessage) (any, error) {
			var req applyRequest
			if err := strictly(in, &req); err != nil {
				return nil, err
			}
			if err := f.agrees(req); err != nil {
				return nil, err
			}
			id, err := e.StartApply(ctx, req.Scope)
			if err == nil && ctx.Err() != nil { // nobody waits for it any more
				err = cmp.Or(e.StopApply(id), ctx.Err())
			}
			return id, err
		},
		methodJob: func(_ context.Context, in json.RawMessage) (any, error) {
			var req jobRequest
			if err := strictly(in, &req); err != nil {
				return nil, err
			}
			return e.Job(req.ID)
		},
		methodStopApply: func(_ context.Context, in json.RawMessage) (any, error) {
			var req jobRequest
			if err := strictly(in, &req); err != nil {
				return nil, err
			}
			return nil, e.StopApply(req.ID)
		},
	}
}

// agrees refuses an apply of rules or accounts that are not those of the daemon:
// the file was changed and not reloaded.
func (f *inForce) agrees(req applyRequest) error {
	cfg := f.Load()
	same := slices.Equal(accountNames(cfg), req.Accounts)
	if same && req.Check(cfg) == nil && engine.ContentOf(cfg, req.Scope) == req.Content {
		return nil
	}
	return fmt.Errorf("the configuration was changed since the daemon read it; run 'imapilot reload' first")
}

// strictly refuses what it does not know: a restriction of a newer version,
// passed over, would widen what is asked for.
func strictly(in json.RawMessage, out any) error {
	dec := json.NewDecoder(bytes.NewReader(in))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("this cannot be understood; is the command of another version? %w", err)
	}
	return nil
}
