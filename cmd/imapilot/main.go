package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"imapilot/engine/memory"
)

// version is set by the linker: -X main.version=1.2.3.
var version = "dev" //nolint:gochecknoglobals // the linker can set nothing else

func main() {
	memory.Hurry()
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// app is what every command works with.
type app struct {
	in       io.Reader
	out, err io.Writer
	config   string // -c
	json     bool   // --json
	ran      string // the command that was run, as in "imapilot doctor"
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	a := &app{in: in, out: out, err: errOut}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	cmd, err := root.ExecuteContextC(ctx)
	a.ran = cmd.CommandPath()
	return a.exitCode(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "imapilot",
		Short: "Rules for your mail, on any IMAP server",
		Long: `imapilot watches mailboxes on any IMAP server and acts on new mail by your
rules: flags, copies, moves, webhooks. It records what it is about to do before
it does it, so that nothing is lost or done twice.

Start with 'imapilot demo' to see it work, or 'imapilot init' to set up an
account. The configuration is -c FILE, $IMAPILOT_CONFIG, ./imapilot.yaml,
~/.config/imapilot/imapilot.yaml or /etc/imapilot/imapilot.yaml.

Exit codes: 0 all is well, 1 problems were found (check, test, demo,
login --status), 2 the command line is wrong, 3 something failed.`,
		SilenceUsage: true, SilenceErrors: true,
		Args:    a.knownCommand,
		Version: version, SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate(versionLine())
	root.PersistentFlags().StringVarP(&a.config, "config", "c", "", "configuration file; 'imapilot help' tells the default")
	root.SetFlagErrorFunc(flagError)
	for _, cmd := range []*cobra.Command{
		a.demoCommand(), a.initCommand(), a.loginCommand(), a.logoutCommand(), a.checkCommand(), a.testCommand(),
		a.explainCommand(), a.evalCommand(), a.rulesCommand(), a.planCommand(), a.applyCommand(), a.runCommand(), a.reloadCommand(),
		a.statusCommand(), a.historyCommand(), a.undoCommand(), a.webhooksCommand(), a.mailboxesCommand(), a.doctorCommand(), a.confirmCommand(), a.retryCommand(), a.skipCommand(), a.schemaCommand(), a.versionCommand(),
	} {
		root.AddCommand(cmd)
	}
	return root
}

// knownCommand refuses what is no command, and says which one may be meant.
func (a *app) knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean 'imapilot %s'?", near[0])
	}
	return usageError{fmt.Errorf("unknown command %q%s", args[0], hint), commandsHint}
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// color reports whether a stream takes colours: a terminal, unless NO_COLOR
// (https://no-color.org) is set.
func color(stream io.Writer) bool {
	return isTerminal(stream) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
