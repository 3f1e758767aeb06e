package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Job is what is known of an apply: it goes on in the process that has the
// accounts, and whoever asked for it looks now and then.
type Job struct {
	ID int64 `json:"id"`
	// Running is set until every account has come to its end.
	Running  bool     `json:"running"`
	Progress Progress `json:"progress"`
	Report   Report   `json:"report"`
	// Stopped says that it was asked to stop before its end; Error is why an
	// account could not be done.
	Stopped bool   `json:"stopped,omitempty"`
	Error   string `json:"error,omitempty"`
	// Waiting is why nothing goes on now: a connection is down.
	Waiting string `json:"waiting,omitempty"`
	// Undone is what came of each act of an undo, once it has ended.
	Undone []Undone `json:"undone,omitempty"`
}

// job is an apply over one or more accounts.
type job struct {
	parts []jobPart
}

type jobPart struct {
	account *account
	pass    *pass
}

// maxJobs is how many ended jobs are remembered.
const maxJobs = 20

// StartApply begins to apply rules to the mail of a scope and returns the number
// by which Job finds it. The rules must be those of the plan when the scope has
// its Content.
func (e *Engine) StartApply(ctx context.Context, s Scope) (int64, error) {
	e.mu.Lock()
	if err := s.Check(e.cfg); err != nil {
		e.mu.Unlock()
		return 0, err
	}
	var chosen []*running
	for _, acc := range e.cfg.Accounts {
		if r, ok := e.accounts[acc.Name]; ok && (s.Account == "" || s.Account == acc.Name) {
			chosen = append(chosen, r)
		}
	}
	e.mu.Unlock()
	j := &job{}
	w := s.walk()
	for _, r := range chosen {
		p := newPass(w, s)
		if err := r.account.take(ctx, r.done, p); err != nil {
			j.stop()
			return 0, err
		}
		j.parts = append(j.parts, jobPart{r.account, p})
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.remember(j), nil
}

// ApplyJob is the number of the run of an engine with Options.Apply.
const ApplyJob = 1

// startApplying starts the accounts of a scope, each with its run to do; the
// caller holds the mutex.
func (e *Engine) startApplying(s Scope) {
	j, w := &job{}, s.walk()
	for _, cfg := range e.cfg.Accounts {
		if s.Account != "" && s.Account != cfg.Name {
			continue
		}
		a, p := newAccount(e, cfg, e.cfg), newPass(w, s)
		a.passes = []*pass{p}
		j.parts = append(j.parts, jobPart{a, p})
	}
	e.startAll(j)
}

// startAll starts the accounts of a job, all of which are known before one of them
// sends anything to another; the caller holds the mutex.
func (e *Engine) startAll(j *job) {
	for _, part := range j.parts {
		e.owners.add(part.account)
	}
	for _, part := range j.parts {
		e.start(part.account.cfg, part.account)
	}
	e.remember(j)
}

// remember numbers a job; the caller holds the mutex.
func (e *Engine) remember(j *job) int64 {
	e.lastJob++
	if e.jobs == nil {
		e.jobs = map[int64]*job{}
	}
	e.jobs[e.lastJob] = j
	delete(e.jobs, e.lastJob-maxJobs)
	return e.lastJob
}

// Job returns what is known of an apply.
func (e *Engine) Job(id int64) (Job, error) {
	e.mu.Lock()
	j, ok := e.jobs[id]
	e.mu.Unlock()
	if !ok {
		return Job{}, fmt.Errorf("no run %d is known", id)
	}
	return j.report(id), nil
}

// StopApply ends an apply after the batch under way. What was recorded is done.
func (e *Engine) StopApply(id int64) error {
	e.mu.Lock()
	j, ok := e.jobs[id]
	e.mu.Unlock()
	if !ok {
		return fmt.Errorf("no run %d is known", id)
	}
	j.stop()
	return nil
}

func (j *job) stop() {
	for _, part := range j.parts {
		part.pass.stop()
		part.account.wake.work()
	}
}

func (j *job) report(id int64) Job {
	out := Job{ID: id}
	var reports []Report
	var failed, waiting []string
	for _, part := range j.parts {
		ended := part.pass.ended()
		r, progress := part.pass.soFar()
		reports = append(reports, r)
		out.Progress = out.Progress.plus(progress)
		switch status := part.account.report(); {
		case !ended:
			out.Running = true
			if status.State != Watching {
				waiting = append(waiting, strings.TrimSuffix(fmt.Sprintf("%s is %s: %s", status.Name, status.State, status.Error), ": "))
			}
		case errors.Is(part.pass.err, errStopped):
			out.Stopped = true
		case part.pass.err != nil:
			failed = append(failed, status.Name+": "+part.pass.err.Error())
		}
	}
	if !out.Running {
		out.Undone = j.undone()
	}
	out.Report, out.Error, out.Waiting = merged(reports), strings.Join(failed, "; "), strings.Join(waiting, "; ")
	return out
}

func (p Progress) plus(o Progress) Progress {
	if p.Began.IsZero() || o.Began.Before(p.Began) {
		p.Began = o.Began
	}
	if p.Mailbox == "" {
		p.Mailbox = o.Mailbox
	}
	p.Looked, p.Total, p.Acted, p.Held = p.Looked+o.Looked, p.Total+o.Total, p.Acted+o.Acted, p.Held+o.Held
	return p
}

// take hands a pass to the owner of the account.
func (a *account) take(ctx context.Context, ended <-chan struct{}, p *pass) error {
	result := make(chan amended, 1)
	if err := a.request(ctx, ended, request{pass: p, result: result}); err != nil {
		return err
	}
	select {
	case r := <-result:
		return r.err
	case <-ended:
		_, err := a.lastWord(result)
		return err
	}
}

// maxPasses is how many runs may wait for one account.
const maxPasses = 100

// accept queues a pass; it runs on the owner's goroutine.
func (a *account) accept(p *pass) error {
	if len(a.passes) >= maxPasses {
		return fmt.Errorf("account %q has %d runs to do already", a.cfg.Name, maxPasses)
	}
	a.passes = append(a.passes, p)
	a.wake.work()
	return nil
}

// runPasses brings the first of the runs that wait a step further.
func (c *connection) runPasses(ctx, work context.Context) error {
	if len(c.passes) == 0 {
		return nil
	}
	p := c.passes[0]
	before := c.cost()
	ended, err := c.step(ctx, work, p)
	p.note(func(r *Report) { r.Cost = r.Cost.plus(c.cost().minus(before)) })
	if err != nil {
		return err
	}
	if ended {
		c.passes = c.passes[1:]
	}
	return nil
}

// cost is what passed over the work connection so far.
func (c *connection) cost() Cost {
	t := c.session.Traffic()
	return Cost{RoundTrips: t.RoundTrips.Load(), Commands: t.Commands.Load(), Received: t.Received.Load(), Sent: t.Sent.Load()}
}

func (c Cost) minus(o Cost) Cost {
	return Cost{RoundTrips: c.RoundTrips - o.RoundTrips, Commands: c.Commands - o.Commands, Received: c.Received - o.Received, Sent: c.Sent - o.Sent}
}

// abandon ends the runs that can never be done: the account is stopped.
func (a *account) abandon(err error) {
	for _, p := range a.passes {
		p.end(err)
	}
	a.passes = nil
}

// endStopped ends the runs that somebody stopped while there is no connection.
func (a *account) endStopped() {
	a.passes = slices.DeleteFunc(a.passes, func(p *pass) bool {
		stopped := p.stopped.Load()
		if stopped {
			p.end(errStopped)
		}
		return stopped
	})
}

// applyOnly does the runs that were handed over, and nothing else, for a process
// that is no daemon.
func (c *connection) applyOnly(ctx, work context.Context) error {
	for ctx.Err() == nil {
		if len(c.passes) == 0 {
			if err := c.apply(ctx, work); err != nil {
				return err
			}
			return c.finishOutside(ctx, work)
		}
		if err := c.runPasses(ctx, work); err != nil {
			return err
		}
	}
	return nil
}
