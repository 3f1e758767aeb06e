// Package control is the local socket through which commands ask the running
// daemon to act: JSON over HTTP on a Unix socket beside the state file.
//
// Only the user who runs the daemon can open the socket (mode 0600 from its
// first moment), and nobody else is asked for a password: who may read the
// state file may steer the daemon. A socket is taken over only when the kernel
// says that nobody listens on it. A request is at most 1 MiB, an answer 16 MiB,
// a call a minute, and 32 clients are served at once; more wait.
//
// It knows nothing of the engine: a server has handlers by name, a client
// calls them. Errors travel as a text and, where a handler gives one, a code.
package control
