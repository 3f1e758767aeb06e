package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/control"
)

// The calls of the daemon by which webhooks works.
const (
	methodReplay = "replay_webhooks" // engine.Replay; its result is how many calls
	methodEnable = "enable_webhook"  // enableRequest; its result is whether it was disabled
)

// enableRequest names an endpoint.
type enableRequest struct {
	Endpoint string `json:"endpoint"`
}

// webhookHandlers answer webhooks.
func webhookHandlers(e *engine.Engine) map[string]control.Handler {
	return map[string]control.Handler{
		methodReplay: func(ctx context.Context, in json.RawMessage) (any, error) {
			var req engine.Replay
			if err := strictly(in, &req); err != nil {
				return nil, err
			}
			return e.Replay(ctx, req)
		},
		methodEnable: func(ctx context.Context, in json.RawMessage) (any, error) {
			var req enableRequest
			if err := strictly(in, &req); err != nil {
				return nil, err
			}
			return e.Enable(ctx, req.Endpoint)
		},
	}
}

func (a *app) webhooksEnableCommand() *cobra.Command {
	return &cobra.Command{
		Use: "enable ENDPOINT", Short: "Give an endpoint calls again that wanted no more",
		Long: `enable ends what an endpoint brought about when it answered a call with HTTP 410
(Gone): it got no more calls, and those that were owed waited. They are made now
where a daemon runs, else by the next 'imapilot run'.

Another URL in the configuration ends it too: it is another receiver.

Exit codes: 0 also when it was not disabled, 2 the command line is wrong or there
is no such endpoint, 3 something failed.`,
		Example: "  imapilot webhooks enable ci",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, hook, err := a.oneEndpoint(args)
			if err != nil {
				return err
			}
			was, err := a.enable(cmd.Context(), cfg, hook.Name)
			if err != nil {
				return err
			}
			text := "gets calls already"
			if was {
				text = "gets calls again"
			}
			fmt.Fprintf(a.out, "%s %s.\n", visible(hook.Name), text)
			return nil
		},
		ValidArgsFunction: a.completeOneEndpoint,
	}
}

// oneEndpoint is the endpoint that was named.
func (a *app) oneEndpoint(args []string) (*config.Config, config.Webhook, error) {
	if len(args) != 1 {
		return nil, config.Webhook{}, usagef("name one endpoint of the configuration")
	}
	cfg, err := a.load(false)
	if err != nil {
		return nil, config.Webhook{}, err
	}
	hook, ok := endpointNamed(cfg, args[0])
	if !ok {
		return nil, hook, noEndpoint(cfg, args[0])
	}
	return cfg, hook, nil
}

// enable goes through the running daemon, or takes the leases itself. It returns
// whether the endpoint was disabled.
func (a *app) enable(ctx context.Context, cfg *config.Config, endpoint string) (was bool, err error) {
	err = call(ctx, cfg, methodEnable, enableRequest{endpoint}, &was)
	if !errors.Is(err, control.ErrNoDaemon) {
		return was, err
	}
	if _, err := os.Stat(cfg.State); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	db, err := open(ctx, cfg)
	if err != nil {
		return false, err
	}
	defer db.Close()
	return engine.EnableOffline(ctx, db, holder(), endpoint)
}
