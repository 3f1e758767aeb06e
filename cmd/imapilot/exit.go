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

// usageError is a mistake on the command line.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode prints an error once and maps it to its exit code.
func (a *app) exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errProblems):
		return exitProblems
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"), strings.Contains(err.Error(), "arg(s)"):
		fmt.Fprintf(a.err, "imapilot: %s\nRun 'imapilot --help' for the commands.\n", visibleLines(err.Error()))
		return exitUsage
	default:
		fmt.Fprintf(a.err, "imapilot: %s\n", visibleLines(err.Error()))
		return exitFailure
	}
}

// noArgs refuses arguments: the most likely one is the configuration's name.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usagef("%s takes no arguments; a configuration is named with -c %s", cmd.Name(), args[0])
}
