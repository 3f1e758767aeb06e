// Package control is the local socket through which commands ask the running
// daemon to act: JSON over HTTP on a Unix socket that only the owner may open
// (mode 0600), beside the state file.
//
// It knows nothing of the engine: a server has handlers by name, a client
// calls them. Errors travel as text.
package control
