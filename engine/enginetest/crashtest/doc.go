// Package crashtest kills the real binary while it works on a real server, and
// counts afterwards: every message exists exactly once, and nobody else's
// flags changed. It holds only tests.
package crashtest
