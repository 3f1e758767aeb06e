//go:build !linux

package main

import "testing"

// onTerminal needs a pseudo-terminal, which other systems open in other ways.
func onTerminal(t *testing.T, typed string, arguments ...string) (string, int) {
	t.Helper()
	return onTerminalEarly(t, "", typed, arguments...)
}

func onTerminalEarly(t *testing.T, _, _ string, _ ...string) (string, int) {
	t.Helper()
	t.Skip("pseudo-terminals are opened as Linux does it: run this there")
	return "", 0
}
