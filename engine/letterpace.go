package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"imapilot/actions"
	"imapilot/actions/webhook"
	"imapilot/engine/journal"
)

const (
	// lettersPer is the time in which an account sends so many messages at most.
	lettersPer = 24 * time.Hour
	// firstLogin is how long an account sends nothing after a login that its mail
	// server refused, longestLogin how long at most after more of them.
	firstLogin   = 5 * time.Minute
	longestLogin = time.Hour
)

// letters are sent one after the other in each account: what is asked of the journal
// before one is sent, whether its sender was answered and how many there were today,
// holds until what came of it is recorded.
type letters struct {
	mu sync.Mutex
	// sending is the delivery that is under way, "" for none.
	sending string
	// until is when the next one may be sent, and why not before; logins counts the
	// refused ones in a row.
	until  time.Time
	why    string
	logins int
	// resumed is set when a pause has ended that letters may have been postponed for.
	resumed bool
}

// isLetter reports whether a delivery of an outlet is a message that is sent.
func isLetter(outlet string) bool { return actions.Kind(outlet).Letters() }

// claim takes the place of the one letter that is under way, if it is free. What is no
// letter needs no place.
func (l *letters) claim(d journal.Delivery) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !isLetter(d.Endpoint):
		return true
	case l.sending != "":
		return false
	}
	l.sending = d.ID
	return true
}

func (l *letters) release(d journal.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sending == d.ID {
		l.sending = ""
	}
}

// resting are the outlets of letters while nothing is sent.
func (l *letters) resting(outlets ...string) []Resting {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Resting
	for _, name := range outlets {
		if isLetter(name) && time.Until(l.until) > 0 {
			out = append(out, Resting{Endpoint: name, Until: l.until, Why: l.why})
		}
	}
	return out
}

// resume ends a pause: a message was sent, or the configuration was loaded anew.
func (l *letters) resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resumed = l.resumed || !l.until.IsZero()
	l.until, l.why, l.logins = time.Time{}, "", 0
}

// reload begins with a new configuration.
func (l *letters) reload() {
	l.resume()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resumed = true
}

// hasResumed reports, once, that a pause has ended, and which letter is under way.
func (l *letters) hasResumed() (resumed bool, sending string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	resumed, l.resumed = l.resumed, false
	return resumed, l.sending
}

// resumeLetters has the letters attempted that were postponed until later than now, once
// what they were postponed for is over.
func (o *outbox) resumeLetters(ctx context.Context) (err error) {
	resumed, sending := o.letters.hasResumed()
	if !resumed {
		return nil
	}
	defer func() {
		if err != nil {
			o.letters.reload() // they are looked for again
		}
	}()
	batch := journal.Batch{At: time.Now()}
	for _, kind := range []actions.Kind{actions.Forward, actions.Reply} {
		found, err := o.account.journal.Deliveries(ctx, journal.DeliveryQuery{
			Account: o.account.cfg.Name, Endpoint: string(kind), States: []journal.DeliveryState{journal.Pending}, NextFrom: batch.At, Bare: true,
		})
		if err != nil {
			return err
		}
		for _, d := range found {
			if d.Held != "" && d.ID != sending {
				d.Next, d.Held, d.Updated = batch.At, "", batch.At
				batch.Deliveries = append(batch.Deliveries, d)
			}
		}
	}
	if len(batch.Deliveries) == 0 {
		return nil
	}
	return o.write(ctx, batch)
}

// pause lets nothing be sent until some time.
func (l *letters) pause(until time.Time, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until, l.why = until, why
}

// refused is when to log in again after one more refusal.
func (l *letters) refused(now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logins++
	return now.Add(min(firstLogin<<min(l.logins-1, 10), longestLogin))
}

// postponed is why a letter was not sent now. That is no attempt: none is lost by it.
type postponed struct {
	error
	until time.Time
	held  string
}

// apply has a delivery attempted later.
func (p postponed) apply(d *journal.Delivery) {
	d.Next, d.Held, d.LastError = p.until, p.held, p.Error()
}

// pauseLetters has nothing sent for a while, because nothing would be taken: the mail
// server lets nobody in, or there is no password to tell it.
func (o *outbox) pauseLetters(err error) webhook.Result {
	until := o.letters.refused(time.Now())
	o.letters.pause(until, err.Error())
	o.account.log.Error("the mail server cannot be used; nothing is sent until it can", "error", err, "again", until.Format(time.RFC3339),
		"next", "correct smtp: in the configuration and run 'imapilot reload'")
	return webhook.Result{Err: postponed{err, until, journal.HeldByServer}, Retry: true}
}

// mayNotSend is why a letter that is written is not sent now, nil where it may be.
func (o *outbox) mayNotSend(ctx context.Context, d journal.Delivery, l actions.Letter) error {
	if actions.Kind(d.Endpoint) == actions.Reply {
		if answered, err := o.isAnswered(ctx, d, l.Every); err != nil {
			return unsent{err}
		} else if answered {
			return omitted{notDone("answered", "the sender got an answer less than "+inDays(l.Every)+" ago")}
		}
	}
	most := o.account.cfg.SMTP.PerDay
	until, err := o.fullUntil(ctx, most)
	switch {
	case err != nil:
		return unsent{err}
	case until.IsZero():
		return nil
	}
	why := fmt.Errorf("%d messages were sent in 24 hours, which is the limit (per_day: in smtp:)", most)
	o.letters.pause(until, why.Error())
	o.account.log.Warn("the account sends no more for now", "error", why, "again", until.Format(time.RFC3339))
	return postponed{why, until, journal.HeldByRate}
}

func inDays(d time.Duration) string {
	if d%lettersPer != 0 || d == lettersPer {
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", d/lettersPer)
}

// isAnswered reports whether the sender of a message got another answer within a time,
// or may have got one. An answer that is on its way counts, too.
func (o *outbox) isAnswered(ctx context.Context, d journal.Delivery, within time.Duration) (bool, error) {
	if d.Sender == "" {
		return false, nil
	}
	found, err := o.account.journal.Deliveries(ctx, journal.DeliveryQuery{
		Account: d.Account, Endpoint: d.Endpoint, Sender: d.Sender, NextFrom: time.Now().Add(-within), Bare: true,
		States: []journal.DeliveryState{journal.Delivered, journal.Pending, journal.Dead, journal.Cancelled},
	})
	for _, other := range found {
		if other.ID == d.ID || other.Attempts == 0 {
			continue
		}
		switch other.State {
		case journal.Delivered:
			if other.LastError == "" {
				return true, nil
			}
		case journal.Pending:
			return true, nil
		default:
			if sent, err := o.mayBeSent(ctx, other); sent || err != nil {
				return sent, err
			}
		}
	}
	return false, err
}

// mayBeSent reports whether one of the attempts of a letter that was given up may have
// succeeded.
func (o *outbox) mayBeSent(ctx context.Context, d journal.Delivery) (bool, error) {
	attempts, err := o.account.journal.Attempts(ctx, d.Account, d.ID)
	return slices.ContainsFunc(attempts, func(a journal.Attempt) bool {
		return a.Error == journal.CutOff || a.Error == "" || strings.HasPrefix(a.Error, maybeSent)
	}), err
}

// fullUntil is when an account that may send so many messages a day may send another
// one, zero for now.
func (o *outbox) fullUntil(ctx context.Context, most int) (time.Time, error) {
	now := time.Now()
	var sent []time.Time
	for _, kind := range []actions.Kind{actions.Forward, actions.Reply} {
		found, err := o.account.journal.Deliveries(ctx, journal.DeliveryQuery{
			Account: o.account.cfg.Name, Endpoint: string(kind), States: []journal.DeliveryState{journal.Delivered}, NextFrom: now.Add(-lettersPer), Bare: true,
		})
		if err != nil {
			return time.Time{}, err
		}
		for _, d := range found {
			if d.LastError == "" && now.Sub(d.Updated) < lettersPer {
				sent = append(sent, d.Updated)
			}
		}
	}
	if len(sent) < most {
		return time.Time{}, nil
	}
	slices.SortFunc(sent, time.Time.Compare)
	return sent[len(sent)-most].Add(lettersPer), nil
}
