package main

import (
	"cmp"
	"context"
	"encoding/json"

	"imapilot/engine"
	"imapilot/engine/control"
)

// methodUndo is the call of the daemon by which undo works: an engine.Undo; its result
// is the number of a job.
const methodUndo = "undo"

// undoHandlers answer undo.
func undoHandlers(e *engine.Engine) map[string]control.Handler {
	return map[string]control.Handler{
		methodUndo: func(ctx context.Context, in json.RawMessage) (any, error) {
			var u engine.Undo
			if err := strictly(in, &u); err != nil {
				return nil, err
			}
			id, err := e.StartUndo(ctx, u)
			if err == nil && ctx.Err() != nil { // nobody waits for it any more
				err = cmp.Or(e.StopApply(id), ctx.Err())
			}
			return id, err
		},
	}
}
