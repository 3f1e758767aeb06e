package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/lmittmann/tint"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/control"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
)

const (
	// pollEvery is how often an apply is asked how far it is.
	pollEvery = 300 * time.Millisecond
	// stopWithin is how long an interrupted apply has to finish what it recorded.
	stopWithin = 30 * time.Second
)

// underway is an apply that was begun.
type underway interface {
	// job tells how far it is.
	job(ctx context.Context) (engine.Job, error)
	// stop ends it after what was recorded.
	stop(ctx context.Context) error
	// ended is closed when it ended, nil where nobody tells.
	ended() <-chan struct{}
}

// worker does an apply: the daemon, or this process.
type worker interface {
	underway
	// end gives up what is still under way.
	end()
	// Outcomes counts what was done; see [journal.Journal].
	Outcomes(ctx context.Context, account, trigger string, since time.Time) (map[journal.EntryState]int, error)
	// Summary counts what the journal holds; see [journal.Journal].
	Summary(ctx context.Context) ([]journal.AccountSummary, error)
	// goesOn says who delivers the webhooks that are left at its end.
	goesOn() string
	// close releases what it holds, after its end.
	close() error
}

// applyScope has a scope applied and shows what became of it. ahead may be nil.
func (a *app) applyScope(ctx context.Context, cfg *config.Config, scope engine.Scope, f *applyFlags, bar *progressBar, ahead *engine.Ahead) error {
	interrupted, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer release()
	context.AfterFunc(interrupted, release) // a second signal ends the process at once
	began := time.Now()
	w, err := a.startApply(ctx, interrupted, cfg, scope, bar, ahead)
	if interrupted.Err() != nil && err != nil {
		return errors.New("interrupted before it began; nothing was changed")
	}
	if err != nil {
		return err
	}
	job, err := follow(ctx, interrupted, releasing{w, release}, bar)
	bar.end()
	w.end()
	done := applied{cfg: cfg, scope: scope, job: job, goesOn: w.goesOn()}
	readErr := done.read(ctx, w, began)
	err = errors.Join(err, w.close())
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	if err == nil && job.Error == "" && !job.Stopped {
		if done.nowhere, err = lookedNowhere(ctx, cfg, scope, job.Report); err != nil {
			return err
		}
	}
	return errors.Join(a.printApplied(done, f), err)
}

// releasing lets the next signal end the process before it says that it will.
type releasing struct {
	underway
	release func()
}

func (r releasing) stop(ctx context.Context) error {
	r.release()
	return r.underway.stop(ctx)
}

// logInUnlessDaemon is [engine.LogInAhead], but where the socket of a daemon is: it would do
// the work, and needs no login of ours.
func logInUnlessDaemon(ctx context.Context, cfg *config.Config, account string, o engine.Options) *engine.Ahead {
	if !control.Nobody(socketPath(cfg)) {
		return nil
	}
	return engine.LogInAhead(ctx, cfg, account, o)
}

// startApply begins in the running daemon, or in this process where none runs. A
// daemon takes it between two steps of its own, which may take a while.
func (a *app) startApply(ctx, interrupted context.Context, cfg *config.Config, scope engine.Scope, bar *progressBar, ahead *engine.Ahead) (worker, error) {
	request := applyRequest{Scope: scope, Accounts: accountNames(cfg)}
	o := engine.Options{Apply: &scope, Ahead: ahead}
	return a.startWorker(ctx, interrupted, &daemonWorker{cfg: cfg, command: "apply"}, methodApply, request, o, bar)
}

// startWorker asks the daemon for something that takes a while, and where none runs
// begins it in this process, with what the options say of it.
func (a *app) startWorker(ctx, interrupted context.Context, d *daemonWorker, method string, request any, o engine.Options, bar *progressBar) (worker, error) {
	err := call(interrupted, d.cfg, method, request, &d.id)
	if !errors.Is(err, control.ErrNoDaemon) {
		return d, err
	}
	db, err := open(ctx, d.cfg)
	if err != nil {
		return nil, err
	}
	o.Journal, o.Holder, o.Webhooks, o.Logger, o.Version = db, holder(), webhook.NewClient(version), a.applyLogger(bar), version
	return newLocalWorker(ctx, d.cfg, db, o), nil
}

func accountNames(cfg *config.Config) []string {
	var out []string
	for _, acc := range cfg.Accounts {
		out = append(out, acc.Name)
	}
	return out
}

// applyLogger logs what goes wrong, above the bar where there is one.
func (a *app) applyLogger(bar *progressBar) *slog.Logger {
	if a.json {
		return slog.New(slog.NewJSONHandler(escaping{a.err}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return slog.New(tint.NewTextHandler(bar, &tint.Options{Level: slog.LevelWarn, TimeFormat: time.TimeOnly, NoColor: !color(a.err)}))
}

// follow shows how far an apply is until it ended. Once it is interrupted it is
// stopped, and given up when that takes too long.
func follow(ctx, interrupted context.Context, w underway, bar *progressBar) (job engine.Job, err error) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	var late <-chan time.Time
	asked := interrupted.Done()
	for {
		now, err := w.job(ctx)
		if err != nil {
			return job, err // as it was last seen
		}
		if job = now; !job.Running {
			return job, nil
		}
		bar.show(job.Progress, job.Waiting)
		select {
		case <-ticker.C:
		case <-w.ended():
		case <-asked:
			asked = nil
			if err := w.stop(ctx); err != nil {
				return job, err
			}
			fmt.Fprintln(bar, "Interrupted: it ends when what was recorded is done. Once more ends it at once.")
			timer := time.NewTimer(stopWithin)
			defer timer.Stop()
			late = timer.C
		case <-late:
			job.Stopped = true
			return job, fmt.Errorf("it did not come to an end within %v", stopWithin)
		}
	}
}

// daemonWorker is the running daemon.
type daemonWorker struct {
	cfg *config.Config
	id  int64
	// command is what it was asked for.
	command string
}

func (d *daemonWorker) job(ctx context.Context) (job engine.Job, err error) {
	err = call(ctx, d.cfg, methodJob, jobRequest{d.id}, &job)
	if errors.Is(err, control.ErrNoDaemon) {
		err = fmt.Errorf("the daemon ended; it finishes what it recorded when it runs again, and the next 'imapilot %s' does the rest", d.command)
	}
	return job, err
}

func (d *daemonWorker) stop(ctx context.Context) error {
	return call(ctx, d.cfg, methodStopApply, jobRequest{d.id}, nil)
}

func (d *daemonWorker) ended() <-chan struct{} { return nil }

func (d *daemonWorker) end() {}

// Outcomes reads the journal beside the daemon.
func (d *daemonWorker) Outcomes(ctx context.Context, account, trigger string, since time.Time) (map[journal.EntryState]int, error) {
	archive, err := openArchive(ctx, d.cfg)
	if err != nil {
		return nil, err
	}
	defer archive.close()
	return archive.Outcomes(ctx, account, trigger, since)
}

// Summary reads the journal beside the daemon.
func (d *daemonWorker) Summary(ctx context.Context) ([]journal.AccountSummary, error) {
	archive, err := openArchive(ctx, d.cfg)
	if err != nil || archive.db == nil {
		return nil, err
	}
	defer archive.close()
	return archive.db.Summary(ctx)
}

func (d *daemonWorker) goesOn() string { return "the daemon goes on with that" }

func (d *daemonWorker) close() error { return nil }

// localWorker is an engine in this process.
type localWorker struct {
	engine *engine.Engine
	db     *sqlite.DB
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of the run, once done is closed
}

func newLocalWorker(parent context.Context, cfg *config.Config, db *sqlite.DB, o engine.Options) *localWorker {
	ctx, cancel := context.WithCancel(parent)
	l := &localWorker{db: db, cancel: cancel, done: make(chan struct{})}
	l.engine = engine.New(cfg, o)
	go func() {
		defer close(l.done)
		l.err = l.engine.Run(ctx)
	}()
	return l
}

func (l *localWorker) ended() <-chan struct{} { return l.done }

// job tells how far the engine is: it runs until webhooks that are due were
// called, too.
func (l *localWorker) job(context.Context) (engine.Job, error) {
	select {
	case <-l.done:
		job, err := l.engine.Job(engine.ApplyJob)
		job.Running = false
		if stopped := job.Stopped && errors.Is(l.err, context.Canceled); l.err != nil && !stopped {
			job.Error = cmp.Or(job.Error, l.err.Error())
		}
		return job, err
	default:
	}
	job, err := l.engine.Job(engine.ApplyJob)
	if err != nil {
		return engine.Job{Running: true}, nil //nolint:nilerr // it has not begun yet
	}
	job.Running = true
	return job, nil
}

func (l *localWorker) stop(context.Context) error {
	if l.engine.StopApply(engine.ApplyJob) != nil {
		l.cancel() // it has not begun yet
	}
	return nil
}

// end ends the engine, within its grace of 5 s.
func (l *localWorker) end() {
	l.cancel()
	<-l.done
}

func (l *localWorker) Outcomes(ctx context.Context, account, trigger string, since time.Time) (map[journal.EntryState]int, error) {
	return l.db.Outcomes(ctx, account, trigger, since)
}

func (l *localWorker) Summary(ctx context.Context) ([]journal.AccountSummary, error) {
	return l.db.Summary(ctx)
}

// goesOn says it of a process that ends: it tried once each call that was due.
func (l *localWorker) goesOn() string { return "'imapilot run' does that, or the next apply" }

func (l *localWorker) close() error { return l.db.Close() }
