package actions

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Command is a program with its arguments, each of which is one element whatever it
// holds: no shell reads them.
type Command struct {
	// Argv is the absolute path of the program and its arguments.
	Argv []string `json:"argv"`
	// Env are variables that it gets besides, as "NAME=value".
	Env []string `json:"env,omitempty"`
	// Stdin is [StdinRaw], or "" for the document about the message.
	Stdin string `json:"stdin,omitempty"`
	// Timeout is how long it may run, 0 for the default of package actions/exec.
	Timeout time.Duration `json:"timeout,omitempty"`
}

// StdinRaw gives a program the message as the server has it.
const StdinRaw = "raw"

// maxShown is how many octets of an argument are printed.
const maxShown = 200

// String prints the command on one line that is safe on a terminal. What a shell
// would not take as one plain word is quoted as Go does it, and a long argument
// ends in an ellipsis: the line is to be read, and not to be run.
func (c *Command) String() string {
	if c == nil {
		return ""
	}
	parts := make([]string, len(c.Argv))
	for i, arg := range c.Argv {
		parts[i] = word(arg)
	}
	return strings.Join(parts, " ")
}

func word(s string) string {
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !isPlain(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// isPlain reports whether a character means nothing to any shell.
func isPlain(r rune) bool {
	return r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("@%+=:,./_-", r))
}

func (c *Command) equal(o *Command) bool {
	if c == nil || o == nil {
		return c == o
	}
	return c.Stdin == o.Stdin && slices.Equal(c.Argv, o.Argv)
}
