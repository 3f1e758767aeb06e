package imapsession

import (
	"time"
)

// completion is the tagged end of a command (RFC 9051 section 7.1).
type completion struct {
	status, code, text string
	// args are the code's arguments, at most as long as a text.
	args string
}

// operation is a command under way, and what its answers are for. The guard
// fills it in on imapclient's reading goroutine, under its own mutex.
type operation struct {
	// command is what may be sent, "UID COPY": nothing else leaves the guard.
	command string
	subject string
	// take is given each data and status response. It reports whether the
	// response is a part of the answer; one that is not may be news.
	take func(r response) bool
	// continuations is how many continuation requests may still be passed on.
	continuations int
	// showCaps makes the guard hand imapclient a capability list with the OK: it
	// would ask for one behind our back after a login.
	showCaps bool
	// fresh makes news from before the end of the command void, since the
	// answer shows all there is.
	fresh bool

	// own is set for what imapclient knows nothing of: it is not shown the end.
	own bool
	// tag is that on the wire, clientTag what imapclient calls it.
	tag, clientTag string
	sent           bool
	lineEnded      bool // what was sent so far ends with a line break
	idling         bool // the server waits for DONE, no reply is due
	// limit is when the command must have ended, whatever comes meanwhile.
	limit time.Time
	// done is closed by the tagged completion.
	done       chan struct{}
	completed  bool
	completion completion
	// failed is why a part of the answer could not be kept.
	failed error
}

// underWay reports whether it was sent and not yet answered.
func (op *operation) underWay() bool { return op.sent && !op.completed }

// task is an operation and how it is sent through imapclient: send writes the
// command and returns what waits for its completion.
type task struct {
	op   *operation
	send func() (wait func() error)
}

func newOperation(command, subject string, take func(r response) bool) *operation {
	return &operation{command: command, subject: subject, take: take, done: make(chan struct{})}
}
