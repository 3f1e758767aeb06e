package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes, as --help lists them.
const (
	exitOK       = 0
	exitProblems = 1
	exitUsage    = 2
	exitFailure  = 3
)

// errProblems ends a command that has already printed what it found.
var errProblems = errors.New("problems were found")

// usageError is a mistake on the command line. hint is where more is said of it, ""
// where the error says what is right.
type usageError struct {
	err  error
	hint string
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{err: fmt.Errorf(format, args...)} }

// flagError is a mistake in the flags of a command. A value that cannot be used is
// told with those that can.
func flagError(cmd *cobra.Command, err error) error {
	out := usageError{err: err}
	if !strings.HasPrefix(err.Error(), "invalid argument") { // pflag's own
		out.hint = fmt.Sprintf("'%s --help' lists its flags.", cmd.CommandPath())
	}
	return out
}

const commandsHint = "Run 'imapilot --help' for the commands."

// exitCode prints an error once and maps it to its exit code.
func (a *app) exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errProblems):
		return exitProblems
	case errors.As(err, &usage):
		a.printError(err)
		if usage.hint != "" {
			fmt.Fprintln(a.err, usage.hint)
		}
		return exitUsage
	case strings.HasPrefix(err.Error(), "unknown command"): // cobra's own
		a.printError(err)
		fmt.Fprintln(a.err, commandsHint)
		return exitUsage
	case strings.Contains(err.Error(), "arg(s)"): // cobra's own
		a.printError(err)
		fmt.Fprintf(a.err, "'%s --help' says what it takes.\n", a.ran)
		return exitUsage
	default:
		a.printError(err)
		return exitFailure
	}
}

// printError prints an error, and on a terminal breaks its lines between words. Elsewhere
// each stays one line.
func (a *app) printError(err error) {
	for _, err := range joined(err) {
		text := visibleLines("imapilot: " + err.Error())
		if isTerminal(a.err) {
			text = folded(text)
		}
		fmt.Fprintln(a.err, text)
	}
}

// joined are the errors that errors.Join made one of.
func joined(err error) (out []error) {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	if all := errors.Join(several.Unwrap()...); all == nil || all.Error() != err.Error() {
		return []error{err} // its causes are part of a text of its own
	}
	for _, one := range several.Unwrap() {
		out = append(out, joined(one)...)
	}
	return out
}

// folded breaks the lines of a text that are longer than a screen is wide.
func folded(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, breakLines(line, screenWidth)...)
	}
	return strings.Join(out, "\n")
}

// noArgs refuses arguments: the most likely one is the configuration's name.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usagef("%s takes no arguments; a configuration is named with -c %s", cmd.Name(), args[0])
}
