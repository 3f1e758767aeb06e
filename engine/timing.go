package engine

import "time"

// Timing holds the rhythms of the engine. Zero fields take the defaults.
type Timing struct {
	// Stale is the age after which a destructive step is decided again.
	Stale time.Duration // 5 minutes
	// Probe is how often a paused target is tried with one message.
	Probe time.Duration // 30 minutes
	// Reconcile is how often every watched mailbox is listed in full.
	Reconcile time.Duration // 1 hour
	// Control is how often the mailboxes are listed and all are looked at, also those
	// that the server announces.
	Control time.Duration // 5 minutes
	// Hearing is how long an announcement may take before the mail is looked for, Late how
	// long before it counts as missing: Dovecot looks itself each 30 seconds where it was
	// not told of a change.
	Hearing time.Duration // 10 seconds
	Late    time.Duration // 45 seconds
	// Reprobe is when a way to watch is tried again that proved deaf.
	Reprobe time.Duration // 6 hours
	// Proven is how long a connection must live before the backoff is reset.
	Proven time.Duration // 1 minute
	// Parked is the rhythm of logins after three refusals.
	Parked time.Duration // 6 hours
	// Grace is how long a step may take to finish after a stop.
	Grace time.Duration // 4 seconds
	// FirstRetry is the first delay after a lost connection; it grows fourfold
	// to MaxRetry.
	FirstRetry, MaxRetry time.Duration // 1 second, 5 minutes
	// Unfetched is when a message is asked for again that was listed and could
	// not be fetched.
	Unfetched time.Duration // 5 seconds
	// Again is the first delay after a temporary refusal.
	Again time.Duration // 1 minute
	// Notices is how often it is looked at whether something needs a person.
	Notices time.Duration // 30 seconds
}

func (t Timing) withDefaults() Timing {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&t.Stale, 5*time.Minute)
	set(&t.Probe, 30*time.Minute)
	set(&t.Reconcile, time.Hour)
	set(&t.Control, 5*time.Minute)
	set(&t.Hearing, 10*time.Second)
	set(&t.Late, 45*time.Second)
	set(&t.Reprobe, 6*time.Hour)
	set(&t.Proven, time.Minute)
	set(&t.Parked, 6*time.Hour)
	set(&t.Grace, 4*time.Second)
	set(&t.FirstRetry, time.Second)
	set(&t.MaxRetry, 5*time.Minute)
	set(&t.Unfetched, 5*time.Second)
	set(&t.Again, time.Minute)
	set(&t.Notices, 30*time.Second)
	return t
}

// The limits of the engine.
const (
	// batchSize is how many messages are fetched, recorded or acted on at once.
	batchSize = 500
	// applyFrom is how many entries may be open before a run has them done.
	applyFrom = 20 * batchSize
	// maxOpen is how many entries may wait before a run gives up.
	maxOpen = 10 * applyFrom
	// windowSize is how many messages of a backlog are searched at once, and looked at
	// before it is the turn of other work; jobWindow is how many where there is none.
	windowSize = 20 * batchSize
	jobWindow  = 5 * windowSize
	// importSize is how many old messages in one scan are an import.
	importSize = 100
	// maxTries is how often a message's own failure is tried.
	maxTries = 6
	// maxRefusals is how many refused logins park an account.
	maxRefusals = 3
	// createsPerDay is how many mailboxes one rule may create in 24 hours.
	createsPerDay = 20
	// maxWatched is how many mailboxes an account may watch.
	maxWatched = 5000
	// maxWarnings is of how many mailboxes one look at all of them warns by name.
	maxWarnings = 20
	// maxSnoozed is how many messages an account may have snoozed.
	maxSnoozed = 10_000
	// onceAttempts is how often --once tries to connect.
	onceAttempts = 4
)
