package exec

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// The limits of a program.
const (
	// DefaultTimeout is how long a program may run that does not say it, MaxTimeout how
	// long any may.
	DefaultTimeout = time.Minute
	MaxTimeout     = time.Hour
	// KillAfter is how long a program that is asked to end has for that.
	KillAfter = 5 * time.Second
	// MaxOutput is how many octets a program may print.
	MaxOutput = 64 << 10
	// TempFail is the exit code that asks for another attempt (EX_TEMPFAIL).
	TempFail = 75
)

// lastWords is how long the output of a program is waited for that has ended: another
// process may hold it open.
const lastWords = 500 * time.Millisecond

// Command is a program and what it is given.
type Command struct {
	// Argv is the path of the program and its arguments.
	Argv []string
	// Env is its whole environment, as "NAME=value".
	Env []string
	// Dir is where it runs, "" for the directory of this process.
	Dir string
	// Stdin is what it can read on its standard input; it need not.
	Stdin []byte
	// Timeout is how long it may run; 0 is DefaultTimeout.
	Timeout time.Duration

	killAfter time.Duration // 0 is KillAfter
}

// Result is what came of a run.
type Result struct {
	// Code is the exit code, -1 where there is none: it was ended by a signal, or could
	// not be started.
	Code int
	// Answer is the begin of what it printed, on either output: at most 512 octets,
	// printable.
	Answer string
	// Err is nil where it ended with 0.
	Err error
	// Retry is set when another attempt may succeed.
	Retry bool
}

// running is a program that was started.
type running struct {
	cmd       *exec.Cmd
	output    *output
	killAfter time.Duration
	ended     chan struct{} // closed when the program has ended
	err       error         // of the wait for it, once ended is closed
}

// Run runs the program to its end. Its standard input and its output are pipes that
// are closed when it returns.
func (c Command) Run(ctx context.Context) Result {
	if len(c.Argv) == 0 {
		return Result{Code: -1, Err: errors.New("there is no program")}
	}
	if ctx.Err() != nil {
		return Result{Code: -1, Err: errStopped, Retry: true}
	}
	r, closeAll, err := c.start()
	defer closeAll()
	if err != nil {
		return Result{Code: -1, Err: fmt.Errorf("it cannot be started: %w", err), Retry: true}
	}
	why := r.wait(ctx, c.timeout())
	endGroup(r.cmd, true)
	r.output.settle(lastWords)
	return r.result(why)
}

func (c Command) timeout() time.Duration {
	if c.Timeout <= 0 {
		return DefaultTimeout
	}
	return min(c.Timeout, MaxTimeout)
}

// start starts the program. closeAll closes what is left of its pipes.
func (c Command) start() (r *running, closeAll func(), err error) {
	var files []*os.File
	closeAll = func() {
		for _, f := range files {
			f.Close()
		}
	}
	in, feed, err := os.Pipe()
	if err != nil {
		return nil, closeAll, err
	}
	files = append(files, in, feed)
	from, out, err := os.Pipe()
	if err != nil {
		return nil, closeAll, err
	}
	files = append(files, from, out)
	cmd := &exec.Cmd{Path: c.Argv[0], Args: c.Argv, Env: c.Env, Dir: c.Dir, Stdin: in, Stdout: out, Stderr: out}
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would be that of this process
	}
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, closeAll, err
	}
	in.Close() // they are the program's now
	out.Close()
	r = &running{cmd: cmd, output: readOutput(from), killAfter: cmp.Or(c.killAfter, KillAfter), ended: make(chan struct{})}
	go func() {
		io.Copy(feed, bytes.NewReader(c.Stdin)) //nolint:errcheck // it need not read it
		feed.Close()
	}()
	go func() {
		r.err = cmd.Wait()
		close(r.ended)
	}()
	return r, closeAll, nil
}

var (
	errStopped = errors.New("it was ended because imapilot stops")
	errFlood   = fmt.Errorf("it was ended because it printed more than %d octets", MaxOutput)
)

// wait waits for the end of the program, and brings it about where it is time. It
// returns why it did, nil where the program ended by itself.
func (r *running) wait(ctx context.Context, timeout time.Duration) (why error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-r.ended:
		return nil
	case <-ctx.Done():
		why = errStopped
	case <-timer.C:
		why = fmt.Errorf("it was ended because it ran for %v", timeout)
	case <-r.output.flood:
		why = errFlood
	}
	r.end()
	return why
}

// end asks the group of the program to end, and ends it. Whoever of it still writes
// to the output has as much time as the program itself.
func (r *running) end() {
	endGroup(r.cmd, false)
	timer := time.NewTimer(r.killAfter)
	defer timer.Stop()
	ended, closed := r.ended, r.output.closed
	for ended != nil || closed != nil {
		select {
		case <-ended:
			ended = nil
		case <-closed:
			closed = nil
		case <-timer.C:
			endGroup(r.cmd, true)
			<-r.ended
			return
		}
	}
}

func (r *running) result(why error) Result {
	out := Result{Code: r.cmd.ProcessState.ExitCode(), Answer: r.output.begin(), Err: why}
	select {
	case <-r.output.flood:
		out.Err = errFlood
	default:
	}
	switch {
	case errors.Is(out.Err, errFlood):
	case out.Err != nil:
		out.Retry = true
	case out.Code < 0:
		out.Err, out.Retry = fmt.Errorf("it ended by a %v", r.cmd.ProcessState), true
	case out.Code > 0:
		out.Err, out.Retry = fmt.Errorf("it ended with the code %d", out.Code), out.Code == TempFail
	case r.err != nil:
		out.Err, out.Retry = r.err, true
	}
	return out
}
