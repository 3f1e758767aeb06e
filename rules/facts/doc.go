// Package facts turns what a server tells of a message into the facts that a
// rule can name.
//
// It never loses a message over a bad line: what cannot be read is skipped or
// shown raw, and everything else is kept. It shows what mail clients show:
// encoded words decoded (RFC 2047), folds undone, raw 8-bit text read as
// UTF-8 or else as Windows-1252, sloppy addresses and dates understood.
//
// Every text that leaves this package is valid UTF-8 without NUL and CR, and
// without LF unless it is the text of a body. Every input has a limit, and none
// costs more than in proportion to its size. All values but Message are
// immutable and safe for concurrent use.
//
// This package is the only user of go-message.
package facts
