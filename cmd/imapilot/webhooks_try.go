package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/config"
)

func (a *app) webhooksTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test ENDPOINT", Short: "Make one signed call with a sample document, and show the answer",
		Long: `test makes one call now, from this process and signed as any other, with a document
about no message: its rule is "` + engine.SampleRule + `". Nothing of it is recorded, and it is not tried
again. Where the endpoint had said that it wants no more calls, a success enables
it.

--json prints {endpoint, receiver, id, ok, status, took, answer, error, hint,
enabled}; took: seconds.

Exit codes: 0 the receiver took it (2xx), 2 the command line is wrong or there is
no such endpoint, 3 it did not, or could not be asked.`,
		Example: "  imapilot webhooks test ci",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, hook, err := a.oneEndpoint(args)
			if err != nil {
				return err
			}
			return a.testEndpoint(cmd.Context(), cfg, hook)
		},
		ValidArgsFunction: a.completeOneEndpoint,
	}
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

// testedJSON is what webhooks test prints as JSON.
type testedJSON struct {
	Endpoint string  `json:"endpoint"`
	Receiver string  `json:"receiver"`
	ID       string  `json:"id"`
	OK       bool    `json:"ok"`
	Status   int     `json:"status,omitempty"`
	Took     float64 `json:"took"`
	Answer   string  `json:"answer,omitempty"`
	Error    string  `json:"error,omitempty"`
	Hint     string  `json:"hint,omitempty"`
	// Enabled is set when it had wanted no more calls, and gets them again.
	Enabled bool `json:"enabled"`
}

func (a *app) testEndpoint(ctx context.Context, cfg *config.Config, hook config.Webhook) error {
	client := webhook.NewClient(version)
	account := ""
	if len(cfg.Accounts) > 0 {
		account = cfg.Accounts[0].Name
	}
	s := engine.CallSample(ctx, client, hook, account)
	out := testedJSON{
		Endpoint: hook.Name, Receiver: receiverOf(hook), ID: s.ID, OK: s.Result.Err == nil,
		Status: s.Result.Status, Took: s.Took.Seconds(), Answer: s.Result.Body, Hint: hintOf(hook, s.Result),
	}
	var enabling error
	if out.OK {
		out.Enabled, enabling = a.enableTested(ctx, cfg, hook)
	} else {
		out.Error = s.Result.Err.Error()
	}
	if a.json {
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else {
		a.printTested(out, s)
	}
	switch {
	case enabling != nil:
		return fmt.Errorf("the receiver took the call, but the endpoint could not be enabled: %w", enabling)
	case !out.OK:
		return fmt.Errorf("%s did not take the call", hook.Name)
	}
	return nil
}

func (a *app) printTested(out testedJSON, s engine.Sample) {
	scr := a.wideScreen()
	word, code := "delivered", green
	if !out.OK {
		word, code = "failed", red
	}
	scr.b.WriteString(scr.paint(bold, visible(out.Endpoint)) + "  " + scr.paint(code, word) + "\n")
	scr.field("receiver", out.Receiver)
	scr.field("id", out.ID)
	if out.Status != 0 {
		scr.field("status", statusText(out.Status))
	}
	scr.field("time", tookText(s.Took))
	scr.field("answer", out.Answer)
	scr.field("error", out.Error)
	scr.field("hint", out.Hint)
	if out.Enabled {
		scr.field("enabled", "it had wanted no more calls, and gets them again")
	}
	fmt.Fprint(a.out, scr.b.String())
}

// enableTested enables an endpoint that took a call though it had wanted no more.
func (a *app) enableTested(ctx context.Context, cfg *config.Config, hook config.Webhook) (bool, error) {
	r, err := openArchive(ctx, cfg)
	if err != nil {
		return false, err
	}
	all, err := r.disabled(ctx, cfg, new(callSelection))
	r.close()
	if err != nil || !slices.ContainsFunc(all, func(x disabledEndpoint) bool { return x.Endpoint == hook.Name }) {
		return false, err
	}
	return a.enable(ctx, cfg, hook.Name)
}
