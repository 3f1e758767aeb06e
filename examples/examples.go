// Package examples holds configurations to start from, one folder a use, each
// with the tests of its rules. The demo runs one of them.
package examples

import "embed"

// Demo is the configuration and the mail of 'imapilot demo'.
//
//go:embed demo
var Demo embed.FS //nolint:gochecknoglobals // what go:embed can fill
