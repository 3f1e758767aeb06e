package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/pace"
)

// outbox delivers the webhooks of an account from the journal. Endpoints are
// served side by side, so that a dead one delays neither another nor any
// mailbox. An endpoint gets several calls at once, but of those about one message
// each only when the one before is done with.
type outbox struct {
	account *account
	rounds  rounds

	mu   sync.Mutex
	busy map[string]bool // by endpoint
	// rests are the endpoints that took none of the last calls.
	rests map[string]rest
	// took are the endpoints that took a call since they took none.
	took map[string]bool
	// disabled are those that want no more calls.
	disabled map[string]journal.Disabled

	// slots are the times that were given out, limits those under which they were,
	// by endpoint. Only dispatch has to do with them.
	slots  map[string]*pace.Slots
	limits map[string]limits

	letters  letters
	heart    heartbeat
	running  map[string]bool // the programs under way, by the ID of their delivery
	restarts restarts
}

const (
	// outboxBatch is how many deliveries are loaded at once.
	outboxBatch = 200
	// callsAtOnce is how many calls one endpoint gets at once.
	callsAtOnce = 8
	// firstRest is how long an endpoint is left alone that took none of the last
	// calls, longestRest how long at most: new ones wait no longer for their first
	// attempt.
	firstRest   = 5 * time.Second
	longestRest = 5 * time.Minute
)

// rest leaves an endpoint alone that took none of the last calls. When it is over
// one call tries whether it takes some again.
type rest struct {
	times int       // in a row
	since time.Time // the first of them
	until time.Time
	why   string // the last error, "" where it is not the endpoint's
}

func newOutbox(a *account) *outbox { return &outbox{account: a} }

// load takes over what the journal knows.
func (o *outbox) load(snap journal.Snapshot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.disabled)
	for _, x := range snap.Disabled {
		put(&o.disabled, x.Endpoint, x)
	}
}

// start delivers until ctx is done. The function it returns waits for the end;
// with --once it first lets everything that is due be tried.
func (o *outbox) start(ctx, work context.Context) (wait func()) {
	if o.account.engine.opts.Once {
		return func() { o.drain(ctx, work, o.outlets()) }
	}
	o.rounds.begin(func() time.Duration {
		o.heart.beat(0)
		outlets := o.outlets()
		if ctx.Err() != nil || len(outlets) == 0 {
			o.heart.beat(never)
			return never
		}
		_, next := o.dispatch(ctx, work, outlets, &o.rounds.group)
		o.heart.beat(next)
		return next
	})
	return func() {
		<-ctx.Done()
		o.rounds.end()
		o.heart.end()
	}
}

// rouse has the outbox look for what is due.
func (o *outbox) rouse() { o.rounds.rouse() }

// again is a time to wait that is none: what was looked at has changed.
const again time.Duration = -1

// drain tries everything once that is due now at some outlets. It returns how often it
// began something.
func (o *outbox) drain(ctx, work context.Context, outlets []config.Webhook) (tried int) {
	for more := true; more; {
		var group sync.WaitGroup
		begun, next := o.dispatch(ctx, work, outlets, &group)
		group.Wait()
		tried += begun
		more = begun > 0 || next == again
	}
	return tried
}

// outlets are where deliveries go: the webhooks of the configuration, and the actions
// that leave the mailbox, under their own words.
func (o *outbox) outlets() []config.Webhook {
	if o.account.engine.opts.Webhooks == nil {
		return o.programs()
	}
	return slices.Concat(o.endpoints(), o.programs())
}

// dispatch starts the outlets that have something due. It returns how much it began,
// and how long to wait for the next. In dry run nothing is: what is owed from before
// waits, and the reload that ends it wakes the outbox.
func (o *outbox) dispatch(ctx, work context.Context, outlets []config.Webhook, group *sync.WaitGroup) (begun int, wait time.Duration) {
	wait = time.Hour
	if o.account.isDryRun() {
		return 0, wait
	}
	for _, outlet := range outlets {
		begin := o.beginCalls
		if isOutside(outlet.Name) {
			begin = o.beginPrograms
		}
		n, next, err := begin(ctx, work, outlet, group)
		begun, wait = begun+n, min(wait, next)
		if err != nil {
			o.account.log.Error("the outbox cannot be read", "error", err)
			return begun, time.Minute
		}
	}
	return begun, wait
}

// beginCalls starts an endpoint that has something due, which counts as one.
func (o *outbox) beginCalls(ctx, work context.Context, hook config.Webhook, group *sync.WaitGroup) (begun int, wait time.Duration, err error) {
	due, next, err := o.next(work, hook)
	if err != nil || len(due) == 0 || !o.claim(hook.Name) {
		return 0, next, err
	}
	group.Go(func() {
		defer o.release(hook.Name)
		err := o.serve(ctx, work, hook, due)
		if err == nil {
			return
		}
		o.tire(hook.Name, "")
		if ctx.Err() == nil {
			o.account.log.Error("the attempts of a webhook cannot be recorded", "webhook", hook.Name, "error", err)
		}
	})
	return 1, next, nil
}

// next returns the calls that an endpoint may get now, and how long until the next
// one.
func (o *outbox) next(ctx context.Context, hook config.Webhook) ([]journal.Delivery, time.Duration, error) {
	if rest := o.resting(hook); rest > 0 {
		return nil, rest, nil
	}
	if o.isBusy(hook.Name) {
		return nil, time.Hour, nil // it looks again when it is done
	}
	if quiet, err := o.hush(ctx, hook); quiet != 0 || err != nil {
		return nil, quiet, err
	}
	if err := o.replan(ctx, hook); err != nil {
		return nil, time.Minute, err
	}
	later := time.Hour
	if hook.Gathers || hook.Debounce > 0 {
		var err error
		if later, err = o.gather(ctx, hook); err != nil {
			return nil, later, err
		}
	}
	due, next, err := o.due(ctx, hook)
	if err != nil {
		return nil, next, err
	}
	found := len(due)
	due, err = o.paced(ctx, hook, due)
	if len(due) < found {
		next = again // behind those that are held back others may be due
	}
	return due, min(later, next), err
}

func (o *outbox) isBusy(endpoint string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.busy[endpoint]
}

// due returns what an endpoint is owed now, and how long until the next one.
func (o *outbox) due(ctx context.Context, hook config.Webhook) ([]journal.Delivery, time.Duration, error) {
	rows, err := o.account.journal.Deliveries(ctx, journal.DeliveryQuery{
		Account: o.account.cfg.Name, Endpoint: hook.Name, First: true, Ready: hook.Gathers || hook.Debounce > 0,
		States: []journal.DeliveryState{journal.Pending}, Limit: o.most(hook.Name),
	})
	now := time.Now()
	for i, d := range rows {
		if d.Next.After(now) {
			return rows[:i], d.Next.Sub(now), err
		}
	}
	return rows, time.Hour, err
}

func (o *outbox) endpoints() []config.Webhook {
	o.account.reloading.Lock()
	defer o.account.reloading.Unlock()
	return o.account.webhooks
}

func (o *outbox) claim(endpoint string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy[endpoint] {
		return false
	}
	put(&o.busy, endpoint, true)
	return true
}

// release lets the endpoint be served again, and looks for more at once.
func (o *outbox) release(endpoint string) {
	o.mu.Lock()
	delete(o.busy, endpoint)
	o.mu.Unlock()
	o.rouse()
}

// tire leaves an endpoint alone for a while, longer each time in a row.
func (o *outbox) tire(endpoint, why string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.rests[endpoint]
	now := time.Now()
	if r.since.IsZero() {
		r.since = now
	}
	put(&o.rests, endpoint, rest{r.times + 1, r.since, now.Add(min(firstRest<<min(r.times, 10), longestRest)), why})
	delete(o.took, endpoint)
}

// refresh ends the rest of an endpoint.
func (o *outbox) refresh(endpoint string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.rests, endpoint)
	put(&o.took, endpoint, true)
}

// stateOf is what is known of an endpoint. One that wants no more calls is dead at once,
// as far as deadAfter goes.
func (o *outbox) stateOf(hook config.Webhook) outletState {
	o.mu.Lock()
	defer o.mu.Unlock()
	if x := o.disabled[hook.Name]; Refuses(x, hook) {
		return outletState{deadSince: time.Unix(0, 0), why: "it wants no more (" + x.Reason + "); 'imapilot webhooks enable " + hook.Name + "' gives it calls again"}
	}
	if r := o.rests[hook.Name]; r.times > 0 && r.why != "" {
		return outletState{deadSince: r.since, why: r.why}
	}
	return outletState{took: o.took[hook.Name]}
}

// most is how many calls an endpoint gets next.
func (o *outbox) most(endpoint string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.rests[endpoint].times > 0 {
		return 1
	}
	return outboxBatch
}

// resting is for how long an endpoint gets no calls. One that wants none may be
// enabled by a command at any time.
func (o *outbox) resting(hook config.Webhook) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if Refuses(o.disabled[hook.Name], hook) {
		return time.Hour
	}
	for _, r := range o.letters.resting(hook.Name) {
		return time.Until(r.Until)
	}
	return time.Until(o.rests[hook.Name].until)
}

// refuses reports whether it is known that an endpoint wants no more calls.
func (o *outbox) refuses(hook config.Webhook) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return Refuses(o.disabled[hook.Name], hook)
}

// restingNow are the endpoints that are left alone now, by name.
func (o *outbox) restingNow() []Resting {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []Resting
	for name, r := range o.rests {
		if time.Until(r.until) > 0 {
			out = append(out, Resting{Endpoint: name, Until: r.until, Why: r.why})
		}
	}
	out = append(out, o.letters.resting(o.account.allowed()...)...)
	slices.SortFunc(out, func(a, b Resting) int { return strings.Compare(a.Endpoint, b.Endpoint) })
	return out
}

// fingerprintOf recognises a URL, which may hold a token.
func fingerprintOf(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:8])
}
