package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
)

// ladder is how the watched mailboxes are watched within the connections that the
// account may open: one connection for many of them by NOTIFY, others for one each by
// IDLE. What neither covers is swept.
type ladder struct {
	notify *imapsession.Notify
	covers []string // by NOTIFY
	idle   []string
	itself string // what the work connection idles on, where it is the only one
}

// ladder decides how to watch, by what the server offers and what of it is in use still.
func (c *connection) ladder() ladder {
	var l ladder
	spare, rest := c.connections()-1, c.watched
	idles, notifies := c.may("IDLE"), c.may("NOTIFY")
	if spare == 0 {
		if idles {
			l.itself = first(c.busiest(rest, map[string]bool{c.itself: true}, 1))
		}
		return l
	}
	if notifies && len(rest) > 0 && (len(rest) > spare || !idles) {
		l.notify, l.covers, rest = c.asked()
		spare--
	}
	if idles {
		l.idle = c.busiest(rest, c.idling(), spare)
	}
	return l
}

// may reports whether a feature is announced and was not given up.
func (c *connection) may(feature string) bool {
	return c.session.Capabilities().Has(feature) && !c.fallbacks.has(feature)
}

// asked is what NOTIFY is to tell of, the mailboxes that this covers, and the others. All
// of the user's own are asked for at once, unless few of many are watched: then, as those
// of other users, they are named, as many as one line holds.
func (c *connection) asked() (*imapsession.Notify, []string, []string) {
	n := &imapsession.Notify{
		Flags: c.wantsModSeq(), Names: true, Subscriptions: slices.Contains(c.cfg.Watch, config.Subscribed),
	}
	if few := 4*len(c.watched) < len(c.dir.entries); few && imapsession.NotifyFits(c.watched) == len(c.watched) {
		n.Mailboxes = c.watched
		return n, c.watched, nil
	}
	n.Personal = true
	var own, foreign []string
	for _, name := range c.watched {
		if c.session.Personal(name) {
			own = append(own, name)
			continue
		}
		foreign = append(foreign, name)
	}
	fits := imapsession.NotifyFits(foreign)
	n.Mailboxes = foreign[:fits]
	return n, append(own, foreign[:fits]...), foreign[fits:]
}

// wantsModSeq reports whether changes of flags matter, and the server can tell of them.
func (c *connection) wantsModSeq() bool {
	return c.session.Capabilities().CondStore && slices.ContainsFunc(c.watched, func(name string) bool { return len(c.flagRules(name)) > 0 })
}

// halfLife is the time after which mail counts half for how busy a mailbox is.
const halfLife = 24 * time.Hour

// rate is how busy a mailbox is: the messages that came, the older the less.
type rate struct {
	messages float64
	at       time.Time
}

func (r rate) now(t time.Time) float64 {
	if r.at.IsZero() {
		return 0
	}
	return r.messages * math.Exp2(-float64(t.Sub(r.at))/float64(halfLife))
}

// maxBusy is how many messages of one scan count: an import says nothing of tomorrow.
const maxBusy = 100

// noteBusy is told how many messages came into a mailbox.
func (a *account) noteBusy(name string, messages int) {
	if messages == 0 {
		return
	}
	if a.busy == nil {
		a.busy = map[string]rate{}
	}
	now := time.Now()
	a.busy[name] = rate{a.busy[name].now(now) + float64(min(messages, maxBusy)), now}
}

// busiest are the n of some mailboxes into which most mail comes; at equal INBOX, and
// then the order of watch decides. One that has a place leaves it only to one that is
// twice as busy, so that connections do not change places for ever.
func (a *account) busiest(names []string, has map[string]bool, n int) []string {
	now := time.Now()
	score := map[string]float64{}
	for _, name := range names {
		score[name] = a.busy[name].now(now)
		if has[name] {
			score[name] = 2*score[name] + 1
		}
	}
	ranked := slices.Clone(names)
	slices.SortStableFunc(ranked, func(x, y string) int {
		return cmp.Or(cmp.Compare(score[y], score[x]), cmp.Compare(isInbox(y), isInbox(x)))
	})
	return ranked[:min(len(ranked), max(n, 0))]
}

func isInbox(name string) int {
	if strings.EqualFold(name, "INBOX") {
		return 1
	}
	return 0
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// watchSet are the watch connections of an account. Its owner begins and ends them.
type watchSet struct {
	ctx      context.Context
	group    sync.WaitGroup
	running  map[string]*watching // by what they watch, and how
	notifier *notifier
	// askAnew is when NOTIFY is next asked for with other names, zero if it is not.
	askAnew time.Time
}

// watching is one watch connection.
type watching struct {
	mailbox string // that it idles on, "" for NOTIFY
	cancel  context.CancelFunc
	ended   chan struct{}
	stale   bool // it is to be begun again
}

func (r *watching) hasEnded() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// startWatchers opens the watch connections that the budget allows. They end with ctx.
func (c *connection) startWatchers(ctx context.Context) *sync.WaitGroup {
	c.watches = &watchSet{ctx: ctx, running: map[string]*watching{}}
	c.rewatch()
	return &c.watches.group
}

// idling are the mailboxes that have a connection of their own.
func (c *connection) idling() map[string]bool {
	out := map[string]bool{}
	if c.watches == nil {
		return out
	}
	for _, r := range c.watches.running {
		out[r.mailbox] = true
	}
	return out
}

// watchAfresh has the connection that idles on a mailbox begun again: a server announces
// nothing of the mailbox that took the place of the one which was selected there.
func (c *connection) watchAfresh(name string) {
	if c.watches == nil {
		return
	}
	if r := c.watches.running[byIdle+" "+name]; r != nil {
		r.stale = true
		c.wake.rethink()
	}
}

// rewatch makes the watch connections those that are wanted now.
func (c *connection) rewatch() {
	if c.watches == nil {
		return
	}
	c.watches.prune()
	l := c.ladder()
	c.idleItself(l.itself)
	wanted := map[string]*watching{}
	begin := map[string]func(context.Context){}
	for _, name := range l.idle {
		key := byIdle + " " + name
		wanted[key] = &watching{mailbox: name}
		begin[key] = watcher{account: c.account, mailbox: name, label: c.dir.config(name)}.run
	}
	if l.notify != nil {
		ask, covers := c.askedStill(*l.notify, l.covers)
		key := notifyKey(ask)
		labels := c.labels(covers)
		wanted[key] = &watching{}
		if r := c.watches.running[key]; r == nil || r.stale {
			n := &notifier{account: c.account, ask: ask, labels: labels, begun: time.Now()}
			c.watches.notifier, begin[key] = n, n.run
		} else {
			c.watches.notifier.follow(labels)
		}
	}
	c.watches.become(wanted, begin)
}

func notifyKey(ask imapsession.Notify) string { return fmt.Sprintf("%s %+v", byNotify, ask) }

// askedStill is what NOTIFY tells of while that is to change by nothing but names: each
// change is a login, so that there is one in a minute, and what is new is swept until then.
// A mailbox that was gone meanwhile is new, though it has its name again.
func (c *connection) askedStill(ask imapsession.Notify, covers []string) (imapsession.Notify, []string) {
	n, now := c.watches.notifier, time.Now()
	if n == nil || ask.Personal || !n.asksLike(ask) || c.watches.running[notifyKey(n.ask)] == nil {
		return ask, covers
	}
	n.lose(ask.Mailboxes)
	if n.lost == nil && notifyKey(ask) == notifyKey(n.ask) {
		return ask, covers
	}
	anew := n.begun.Add(c.timing.Again)
	if !now.Before(anew) {
		c.watches.running[notifyKey(n.ask)].stale = true
		return ask, covers
	}
	if c.watches.askAnew != anew {
		c.watches.askAnew = anew
		time.AfterFunc(anew.Sub(now), c.wake.rethink)
	}
	return n.ask, slices.DeleteFunc(slices.Clone(covers), func(name string) bool {
		return n.lost[name] || !slices.Contains(n.ask.Mailboxes, name)
	})
}

func (c *connection) labels(names []string) map[string]string {
	out := make(map[string]string, len(names))
	for _, name := range names {
		out[name] = c.dir.config(name)
	}
	return out
}

// prune forgets the connections that ended by themselves. What is wanted is worked out
// after that: one that ends meanwhile asks for it again.
func (s *watchSet) prune() {
	maps.DeleteFunc(s.running, func(_ string, r *watching) bool { return r.hasEnded() })
}

// become ends the connections that are not wanted, and begins those that are missing
// once these have ended: never are there more than the budget allows.
func (s *watchSet) become(wanted map[string]*watching, begin map[string]func(context.Context)) {
	var leaving []*watching
	for key, r := range s.running {
		if wanted[key] == nil || r.stale {
			r.cancel()
			leaving = append(leaving, r)
			delete(s.running, key)
		}
	}
	for key, r := range wanted {
		if s.running[key] != nil {
			continue
		}
		ctx, cancel := context.WithCancel(s.ctx)
		r.cancel, r.ended = cancel, make(chan struct{})
		s.running[key] = r
		s.group.Go(func() {
			defer close(r.ended)
			for _, before := range leaving {
				<-before.ended
			}
			begin[key](ctx)
		})
	}
}

// idleItself makes the work connection idle on a mailbox, "" for none.
func (c *connection) idleItself(name string) {
	if c.itself == name {
		return
	}
	if c.itself != "" {
		c.uncover(byIdle, c.labels([]string{c.itself}))
	}
	if c.itself = name; name != "" {
		c.cover(byIdle, c.labels([]string{name}))
	}
}
