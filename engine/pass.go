package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules"
)

// pass is one run of some rules over the mail that is there: a plan, an apply, or
// a firing of a scheduled rule. It goes through its mailboxes a window at a time,
// so that its memory does not grow with them, and so that mail which arrives
// meanwhile waits for one window at most. It survives the connection.
type pass struct {
	walk  walk
	scope Scope
	quota *quota
	// run is the record of a scheduled rule, nil for others.
	run *journal.Run
	// repeat is after how long the rule may act on a message again, 0 never.
	repeat time.Duration
	// each is told of every entry of a plan; it may be nil.
	each func(journal.Entry) error
	// creates are the mailboxes that a plan would make.
	creates creations
	// recalls is set where the journal knows of acts before this run.
	recalls bool
	// doubts is set where an earlier run may have acted of which the journal knows
	// nothing, since it was restored from a backup.
	doubts bool
	// undo is set where the run puts back what was done; nothing of a scope is used.
	undo *undoing

	begun bool
	// left are the mailboxes that are to be looked at; of the first, uids are the
	// messages to come. Those that are under way are unsifted first, and then, as far as
	// a rule may act on them, in the window.
	left     []Bound
	listed   bool
	uids     []imap.UID
	unsifted []imap.UID
	window   []imap.UID
	// sifted is how many messages of this mailbox were, remained how many of these
	// remained.
	sifted, remained int
	// rooms are those of batches of the window that are done with.
	rooms []room
	// found is what the searches of rules found in the window, by rule.
	found map[string]imap.UIDSet
	// sure is what the quota had counted when the last batch was written.
	sure map[string][]time.Time
	// recounts is set where the journal could not tell whether it wrote a batch.
	recounts bool

	stopped atomic.Bool
	done    chan struct{}
	err     error // why it ended early, once done is closed

	mu     sync.Mutex
	report Report
	order  []string // the names of its rules
	total  int
	began  time.Time
	at     string // the mailbox under way, configuration spelling
	bounds []Bound
}

func newPass(w walk, s Scope) *pass {
	return &pass{walk: w, scope: s, quota: runQuota(s.Max, nil), done: make(chan struct{}), began: time.Now()}
}

// stop ends the pass after the batch under way.
func (p *pass) stop() { p.stopped.Store(true) }

// end says that nothing more is done.
func (p *pass) end(err error) {
	p.mu.Lock()
	p.err, p.report.Cost.Took = err, time.Since(p.began)
	p.mu.Unlock()
	close(p.done)
}

func (p *pass) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// note changes what others may read of the pass.
func (p *pass) note(change func(r *Report)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.report)
}

// soFar is what is known of the pass now.
func (p *pass) soFar() (Report, Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.report.finished(p.order)
	return r, Progress{Mailbox: p.at, Looked: r.Messages, Total: p.total, Acted: r.Acted, Held: r.Held, Began: p.began}
}

// errStopped is why a pass ended that was asked to.
var errStopped = errors.New("stopped")

// step brings a pass one window further. It returns true when it has ended.
func (c *connection) step(ctx, work context.Context, p *pass) (ended bool, err error) {
	if p.undo != nil {
		return c.stepUndo(ctx, work, p)
	}
	if !p.begun {
		if err := c.beginPass(work, p); err != nil {
			return false, err
		}
	}
	if p.complete() {
		return true, c.endPass(work, p, nil)
	}
	if cause := c.cannotGoOn(p); cause != nil {
		return true, c.endPass(work, p, cause)
	}
	err = c.stepMailbox(ctx, work, p, p.left[0])
	if err != nil && mailboxOnly(err) {
		p.leave(c.dir.config(p.left[0].Mailbox), c.cfg.Name, err.Error())
		err = nil
	}
	return false, err
}

// complete reports whether a pass has nothing left to look at. One that is asked to
// stop then has come to its end all the same.
func (p *pass) complete() bool {
	return len(p.left) == 0 || len(p.left) == 1 && p.listed && p.toCome() == 0
}

// toCome is how many messages of the mailbox under way are not done with.
func (p *pass) toCome() int { return len(p.uids) + len(p.unsifted) + len(p.window) }

// cannotGoOn is why a pass ends before its end, nil if it does not.
func (c *connection) cannotGoOn(p *pass) error {
	switch ruleset, _ := c.rulesOf(p.walk); {
	case p.stopped.Load():
		return errStopped
	case p.scope.Content != "" && ruleset.Hash() != p.scope.Content:
		return errors.New("the rules are not those of the plan any more; make a new one")
	case c.cannotSearch(ruleset) != nil:
		return c.cannotSearch(ruleset)
	case len(c.open) >= maxOpen:
		return fmt.Errorf("%d messages wait for mailboxes that do not take them now; 'imapilot status' shows which", len(c.open))
	}
	return nil
}

// leave gives the mailbox under way up.
func (p *pass) leave(mailbox, account, why string) {
	p.note(func(r *Report) {
		r.Left = append(r.Left, LeftMailbox{Account: account, Mailbox: mailbox, Why: why})
	})
	p.next()
}

// next goes on to the next mailbox.
func (p *pass) next() {
	p.left, p.listed, p.uids, p.unsifted, p.window = p.left[1:], false, nil, nil, nil
	p.sifted, p.remained = 0, 0
}

// beginPass finds the mailboxes of a pass and their ends: what arrives later, the
// copies that it makes itself included, is no part of it.
func (c *connection) beginPass(ctx context.Context, p *pass) error {
	recalls, err := c.journal.Any(ctx, journal.Query{Account: c.cfg.Name, Acted: true})
	if err != nil {
		return err
	}
	ruleset, _ := c.rulesOf(p.walk)
	var bounds []Bound
	total := 0
	for _, name := range c.mailboxesOf(ruleset, p.scope) {
		b, n, err := c.boundOf(ctx, p.scope, name)
		switch {
		case mailboxOnly(err):
			p.note(func(r *Report) {
				r.Left = append(r.Left, LeftMailbox{Account: c.cfg.Name, Mailbox: c.dir.config(name), Why: reasonOf(err)})
			})
			continue
		case err != nil:
			return err
		}
		bounds, total = append(bounds, b), total+n
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recalls, p.doubts = recalls, c.doubts(p)
	p.begun, p.left, p.bounds, p.total = true, bounds, slices.Clone(bounds), total
	p.report.Mailboxes = len(bounds)
	for _, r := range ruleset.Rules() {
		p.order = append(p.order, r.Name)
	}
	return nil
}

// doubts reports whether the journal may lack a run like this one. No server says
// when a message came into a mailbox, nor who brought it there, so that a journal
// from a backup cannot be told from one that nobody used for a while: only of what
// this process did itself it is known that the journal has it. A run that is to act
// again does so whatever was done.
func (a *account) doubts(p *pass) bool {
	return !p.scope.Again && (p.run == nil || !a.ran[p.run.Rule])
}

// mailboxesOf lists the mailboxes at which some rule looks.
func (c *connection) mailboxesOf(ruleset *rules.Ruleset, s Scope) []string {
	var out []string
	for _, e := range c.dir.entries {
		name := e.Name
		wanted := s.wants(name) || s.Mailbox == c.dir.config(name)
		if !e.NoSelect && !e.NonExistent && wanted && !slices.Contains(out, name) && ruleset.Applies(c.cfg.Name, c.ruleMailbox(name)) {
			out = append(out, name)
		}
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out
}

// boundOf is the end of a mailbox: that of the plan, or what it holds now. n is
// how many messages it holds.
func (c *connection) boundOf(ctx context.Context, s Scope, name string) (b Bound, n int, err error) {
	st, err := c.status(ctx, name)
	if err != nil {
		return b, 0, err
	}
	b = Bound{Account: c.cfg.Name, Mailbox: name, UIDValidity: st.UIDValidity, UIDNext: st.UIDNext}
	if planned, ok := s.bound(c.cfg.Name, name); ok {
		if planned.UIDValidity != st.UIDValidity {
			return b, 0, &imapsession.Error{Op: "STATUS", Subject: name, Class: imapsession.Target, Text: "the server renumbered the mailbox since the plan was made"}
		}
		return planned, int(st.Messages), nil
	}
	if s.Bounds != nil {
		return b, 0, &imapsession.Error{Op: "STATUS", Subject: name, Class: imapsession.Target, Text: "the mailbox was no part of the plan"}
	}
	return b, int(st.Messages), nil
}

// stepMailbox decides the next window of a mailbox and has done what it asks for.
func (c *connection) stepMailbox(ctx, work context.Context, p *pass, b Bound) error {
	p.mu.Lock()
	p.at = c.dir.config(b.Mailbox) // to open it may take a while
	p.mu.Unlock()
	if err := c.back(work, b.Mailbox, b.UIDValidity); err != nil {
		return err
	}
	if b.UIDValidity == 0 {
		p.leave(c.dir.config(b.Mailbox), c.cfg.Name, "the server gives this mailbox no UIDVALIDITY, so nothing is done in it")
		return nil
	}
	if err := c.renumbered(work, b.Mailbox); err != nil {
		return err
	}
	if err := c.listPass(work, p, b); err != nil {
		return err
	}
	if p.toCome() == 0 {
		p.next()
		return nil
	}
	if err := c.decideWindow(ctx, work, p, b); err != nil {
		return err
	}
	if c.planning || len(c.open) < applyFrom && p.toCome() > 0 {
		return nil
	}
	return c.apply(ctx, work)
}

// listPass lists the messages of a mailbox once.
func (c *connection) listPass(ctx context.Context, p *pass, b Bound) error {
	if p.listed {
		return nil
	}
	criteria := &imap.SearchCriteria{}
	if b.UIDNext > 0 {
		criteria.UID = []imap.UIDSet{{imap.UIDRange{Start: 1, Stop: max(1, b.UIDNext-1)}}}
	}
	if !p.scope.Since.IsZero() {
		criteria.Since = p.scope.Since.AddDate(0, 0, -1) // in whatever zone the server counts its days
	}
	found, err := c.session.Search(ctx, criteria)
	if err != nil {
		return err
	}
	p.uids, p.listed = slices.DeleteFunc(uidsOf(found), func(uid imap.UID) bool { return b.UIDNext > 0 && uid >= b.UIDNext }), true
	return nil
}

// endPass writes how a run ended, and ends it.
func (c *connection) endPass(ctx context.Context, p *pass, cause error) error {
	p.left = nil
	if p.run != nil {
		run := *p.run
		r, _ := p.soFar()
		run.Ended, run.Looked, run.Acted, run.Held = time.Now(), r.Messages, r.Acted, r.Held
		run.Error = runError(r, cause)
		batch := journal.Batch{Runs: []journal.Run{run}}
		if run.Error != "" || run.Acted > 0 || run.Held > 0 {
			batch.Events = []journal.Event{{Kind: "run", Rule: run.Rule, Text: runText(run)}}
		}
		if err := c.commit(ctx, batch); err != nil {
			return err
		}
		put(&c.ran, run.Rule, c.ran[run.Rule] || run.Error == "")
	}
	p.begun = true
	p.end(cause)
	return nil
}

// runError is what kept a run from looking at everything.
func runError(r Report, cause error) string {
	switch {
	case cause != nil:
		return cause.Error()
	case len(r.Left) > 0:
		return fmt.Sprintf("%s: %s", r.Left[0].Mailbox, r.Left[0].Why)
	}
	return ""
}

func runText(run journal.Run) string {
	text := fmt.Sprintf("rule %s ran: %d messages looked at, %d to act on", run.Rule, run.Looked, run.Acted)
	if run.Held > 0 {
		text += fmt.Sprintf(", %d held by its limit", run.Held)
	}
	if run.Error != "" {
		text += "; " + run.Error
	}
	return text
}

// Progress is how far a run came.
type Progress struct {
	Mailbox string    `json:"mailbox"` // configuration spelling
	Looked  int       `json:"looked"`
	Total   int       `json:"total"`
	Acted   int       `json:"acted"`
	Held    int       `json:"held"`
	Began   time.Time `json:"began"`
}
