// Package admin is the listener that tells whether the daemon is alive: /healthz,
// /readyz, /metrics and /status over HTTP, to read and nothing else.
//
// It is asked by monitoring and by nobody else. Where a token is set, every page needs
// it, compared in constant time. A request whose Host is none of the names that the
// listener was given is refused: a page in somebody's browser could otherwise read it
// through a name that it points at this machine (DNS rebinding). Only GET and HEAD are
// answered. A request's head is at most 16 KiB and has 5 s, an answer 30 s, and 32
// connections are served at once; more wait.
//
// It knows nothing of the engine: what it shows is handed in.
package admin
