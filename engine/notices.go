package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine/journal"
	"imapilot/rules"
)

const (
	// lookedBack is how many events of an account are read for the notices that stand.
	lookedBack = 2000
	// heldLooked is how many held messages are looked at, the newest.
	heldLooked = 500
)

// notices tells of conditions that need a person: once each, until it is over. What was
// told is in the journal, so that a restart tells nothing again. One goroutine has to do
// with it but for the counts.
type notices struct {
	books map[string]*book // by account
	kept  *[]string        // the accounts of the configuration for which books are kept
	room  []MailboxStatus  // for those of one account after the other

	mu     sync.Mutex
	active []Notice
	totals map[NoticeKind]int
}

// book is what was told of one account.
type book struct {
	epoch  int64 // the lease under which it was read, 0 before
	active map[noticeKey]*standing
}

// NoticeCount counts the notices of a kind.
type NoticeCount struct {
	Active int // now
	Total  int // told since the start
}

// NoticeCounts counts the notices by kind.
func (e *Engine) NoticeCounts() map[NoticeKind]NoticeCount {
	e.notices.mu.Lock()
	defer e.notices.mu.Unlock()
	out := map[NoticeKind]NoticeCount{}
	for _, kind := range NoticeKinds() {
		out[kind] = NoticeCount{Total: e.notices.totals[kind]}
	}
	for _, n := range e.notices.active {
		c := out[n.Kind]
		c.Active++
		out[n.Kind] = c
	}
	return out
}

// Notices are the conditions that need a person now.
func (e *Engine) Notices() []Notice {
	e.notices.mu.Lock()
	defer e.notices.mu.Unlock()
	return slices.Clone(e.notices.active)
}

// notify looks now and then whether something is to be told, until ctx is done.
func (e *Engine) notify(ctx context.Context) {
	e.notices.books, e.notices.room = map[string]*book{}, make([]MailboxStatus, 0, 16)
	tick := time.NewTicker(e.timing.Notices)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var active []Notice
		names := e.accountNames.Load()
		e.notices.keepOnly(names)
		for _, name := range *names {
			if a := e.owners.of(name); a != nil && ctx.Err() == nil {
				active = append(active, e.review(ctx, a)...)
			}
		}
		e.notices.mu.Lock()
		e.notices.active = active
		e.notices.mu.Unlock()
	}
}

// keepOnly forgets what was told of accounts that are not there any more.
func (n *notices) keepOnly(names *[]string) {
	if n.kept == names {
		return
	}
	n.kept = names
	there := make(map[string]bool, len(*names))
	for _, name := range *names {
		there[name] = true
	}
	maps.DeleteFunc(n.books, func(name string, _ *book) bool { return !there[name] })
}

// review tells what is new of one account and returns what stands. Where the journal
// cannot be read or written, it is told at the next look.
func (e *Engine) review(ctx context.Context, a *account) []Notice {
	b := e.notices.books[a.cfg.Name]
	if b == nil {
		b = &book{active: map[noticeKey]*standing{}}
		e.notices.books[a.cfg.Name] = b
	}
	if err := b.load(ctx, a); err != nil {
		a.log.Debug("the notices of the account cannot be read", "error", err)
		return b.list()
	}
	now := time.Now()
	x, err := a.evidence(ctx)
	if err != nil {
		a.log.Debug("what is held cannot be read", "error", err)
		return b.list()
	}
	for _, c := range compare(b.active, see(x, now), now) {
		if !c.over && c.Kind == NoticeEndpoint && e.toldElsewhere(a.cfg.Name, c.key()) {
			continue // one endpoint is dead once, for however many accounts
		}
		if err := e.tell(ctx, a, c, now); err != nil {
			a.log.Debug("a notice cannot be recorded", "notice", c.Kind, "error", err)
			continue
		}
		b.take(c)
	}
	return b.list()
}

// load reads what was told before this process, once the account has its lease.
func (b *book) load(ctx context.Context, a *account) error {
	epoch := a.ownership().Epoch
	if epoch == 0 || b.epoch != 0 {
		return nil
	}
	events, err := a.journal.Tail(ctx, a.cfg.Name, -1, lookedBack)
	if err != nil {
		return err
	}
	b.epoch, b.active = epoch, activeOf(events)
	return nil
}

func (b *book) take(c change) {
	if c.over {
		delete(b.active, c.key())
		return
	}
	b.active[c.key()] = &standing{Notice: c.Notice}
}

func (b *book) list() []Notice {
	var out []Notice
	for _, st := range b.active {
		out = append(out, st.Notice)
	}
	slices.SortFunc(out, func(x, y Notice) int {
		return cmp.Or(strings.Compare(string(x.Kind), string(y.Kind)), strings.Compare(x.Rule, y.Rule), strings.Compare(x.Endpoint, y.Endpoint))
	})
	return out
}

func (e *Engine) toldElsewhere(account string, key noticeKey) bool {
	for name, b := range e.notices.books {
		if _, told := b.active[key]; told && name != account {
			return true
		}
	}
	return false
}

// tell records a notice and, with it, the call that it owes, then logs and counts it.
// For an account that another process has nothing can be recorded: it is logged alone.
func (e *Engine) tell(ctx context.Context, a *account, c change, now time.Time) error {
	batch := journal.Batch{At: now, Events: []journal.Event{c.event(c.over)}}
	if d, owed := a.noticeCall(c, now); owed {
		batch.Deliveries = []journal.Delivery{d}
	}
	if c.Kind != NoticeFenced && a.ownership().Epoch != 0 {
		if err := a.outbox.write(ctx, batch); err != nil {
			return err
		}
		a.outbox.rouse()
	}
	attrs := []any{"notice", c.Kind, "mailbox", c.Mailbox, "rule", c.Rule, "endpoint", c.Endpoint}
	if c.over {
		a.log.Info("over: "+c.line(), attrs...)
		return nil
	}
	a.log.Warn(c.line(), attrs...)
	e.notices.mu.Lock()
	defer e.notices.mu.Unlock()
	if e.notices.totals == nil {
		e.notices.totals = map[NoticeKind]int{}
	}
	e.notices.totals[c.Kind]++
	return nil
}

// noticeCall is the call that a notice owes: none in dry run, and none to an endpoint
// about itself.
func (a *account) noticeCall(c change, now time.Time) (journal.Delivery, bool) {
	a.reloading.Lock()
	to, dry := a.config.Notices.Webhook, a.dryRun
	a.reloading.Unlock()
	if to == "" || dry || a.engine.opts.Webhooks == nil || c.Endpoint == to {
		return journal.Delivery{}, false
	}
	state := webhook.NoticeRaised
	title, body := "imapilot: "+c.heading(), c.line()
	if c.over {
		state, title, body = webhook.NoticeOver, "imapilot: over: "+c.heading(), "this is over: "+body
	}
	about := fmt.Sprintf("notice %s %q %q", c.Kind, c.Rule, c.Endpoint)
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %s %s %d", a.cfg.Name, about, state, now.UnixNano()))
	n := webhook.Notice{
		ID: "msg_" + hex.EncodeToString(sum[:16]), Notice: string(c.Kind), State: state, Account: a.cfg.Name,
		Mailbox: c.Mailbox, Rule: c.Rule, Endpoint: c.Endpoint, Since: c.Since, Title: title, Body: body,
	}
	return journal.Delivery{
		ID: n.ID, Account: a.cfg.Name, Endpoint: to, Rule: c.Rule, About: about, Payload: n.JSON(),
		Created: now, Next: now, State: journal.Pending, Updated: now,
	}, true
}

// heading is a notice in a few words.
func (n Notice) heading() string {
	switch n.Kind {
	case NoticeParked:
		return "account " + n.Account + " is parked"
	case NoticeFenced:
		return "account " + n.Account + " was taken over"
	case NoticeStale:
		return n.Account + " is not alive"
	case NoticeRuleError:
		return fmt.Sprintf("rule %q has errors", n.Rule)
	case NoticeRuleHeld:
		return fmt.Sprintf("messages of rule %q are held", n.Rule)
	case NoticeEndpoint:
		return fmt.Sprintf("endpoint %q takes no calls", n.Endpoint)
	}
	return string(n.Kind)
}

// evidence gathers what an account knows of itself, until the next one does: its
// mailboxes are in the room that all share. Only notify calls it.
func (a *account) evidence(ctx context.Context) (evidence, error) {
	held, err := a.heldByRule(ctx)
	x := evidence{status: a.reportInto(a.engine.notices.room), held: held, endpoints: a.outbox.states()}
	a.engine.notices.room = x.status.Mailboxes
	x.hasRule = func(name string) bool {
		ruleset, _ := a.current()
		return slices.ContainsFunc(ruleset.Rules(), func(r rules.Rule) bool { return r.Name == name })
	}
	return x, err
}

// heldByRule counts what is held by the first rule of each message.
func (a *account) heldByRule(ctx context.Context) (map[string]heldOf, error) {
	if !a.mayHold.Swap(false) {
		return nil, nil
	}
	entries, err := a.journal.Entries(ctx, journal.Query{Account: a.cfg.Name, States: []journal.EntryState{journal.Held}, Limit: heldLooked, Newest: true})
	out := map[string]heldOf{}
	for _, e := range entries {
		rule := ""
		for _, item := range e.Plan.Items {
			rule = item.Rule
			break
		}
		h := out[rule]
		out[rule] = heldOf{h.messages + 1, e.Reason}
	}
	if err != nil || len(entries) > 0 {
		a.mayHold.Store(true)
	}
	return out, err
}

// states are what is known of the endpoints of the configuration.
func (o *outbox) states() map[string]outletState {
	out := map[string]outletState{}
	for _, hook := range o.endpoints() {
		out[hook.Name] = o.stateOf(hook)
	}
	return out
}
