// Package engine owns the accounts and the life of the daemon: watch, scan,
// evaluate, record, apply, recover, report.
//
// # The way of one message
//
//   - watch (watch.go): an IDLE or a poll timer says "look again". It carries
//     no data, so a lost or doubled announcement does no harm.
//   - scan (scan.go, cursor.go): list the UIDs that the cursor has not
//     handled, fetch their headers.
//   - evaluate (evaluate.go): rules.Evaluate gives a plan for each message.
//   - history (history.go, sightings.go, references.go): where else a message
//     was seen, for the rules that ask for duplicates, replies or moves.
//   - record (record.go): one commit writes the entries with their steps, the
//     expected arrivals, the webhooks and the cursor.
//   - apply (apply.go): send the steps, each message's in its fixed order, and
//     record what became of them.
//   - recover (look.go): after a restart or a lost connection, look at the
//     server before a recorded step is sent again.
//
// One goroutine owns an account and all its state (account.go); watch
// connections only wake it. Everything that the owner decides from data alone
// is a pure function in a file of its own: backoff.go, cursor.go, limits.go,
// settle.go, sightings.go.
package engine
