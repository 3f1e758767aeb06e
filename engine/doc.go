// Package engine owns the accounts and the life of the daemon: watch, scan,
// evaluate, record, apply, recover, report.
//
// # The way of one message
//
//   - watch (ladder.go, watch.go, notify.go, sweep.go): NOTIFY, IDLE or a sweep says
//     "look again", and a look at everything now and then finds what they miss. It carries
//     no data, so a lost or doubled announcement does no harm.
//   - scan (scan.go, cursor.go): list the UIDs that the cursor has not
//     handled, fetch their headers.
//   - evaluate (evaluate.go, room.go): rules.Evaluate gives a plan for each message.
//   - history (history.go, sightings.go, references.go): where else a message
//     was seen, for the rules that ask for duplicates, replies or moves.
//   - record (record.go): one commit writes the entries with their steps, the
//     expected arrivals, the webhooks and the cursor.
//   - apply (apply.go, order.go, flight.go): send the steps, each message's in its fixed
//     order and those of many messages together, and record what became of them.
//     Steps that leave the mailbox are the outbox's.
//   - recover (look.go): after a restart or a lost connection, look at the
//     server before a recorded step is sent again.
//
// # Mail that is there
//
// Rules are asked about mail that arrived long ago, too: by a plan (plan.go), an
// apply (jobs.go, scope.go), or a clock (clock.go, with package schedule). All
// three are a pass (pass.go) over mailboxes, a window at a time (window.go), by the same
// evaluation, limits and journal; a sieve (sift.go) leaves out beforehand what no rule
// can be about, by flags and a few header fields alone; acts.go says on which messages a rule acted
// before, report.go what comes of it. Rules on flags (flagwatch.go) are asked
// where a flag was added. Which rules one look asks is a walk (walk.go).
//
// # Undo
//
// An undo (undo.go) is a run, too (undo_run.go): it finds where messages and copies lie
// now (undo_find.go), decides what can be put back (undo_back.go), and records that as
// entries of its own (undo_record.go), which are applied like any other. What is old is
// proven again first (undo_again.go).
//
// # Mail that comes back
//
// A snoozed message lies in the snooze mailbox, and a row of the journal, written with the
// outcome of its move there, says until when (snooze.go, snooze_find.go, snooze_back.go). When it is due one commit puts
// an entry in the row's place, whose steps bring it back; no rule is asked. Undo ends a
// snooze that lasts (undo_snooze.go).
//
// # Webhooks
//
// What is owed to an endpoint is in the journal, and the outbox (outbox.go) makes the
// calls beside everything else: next says what is due now, after quiet hours and
// rates (hold.go, with package pace) and digests (gather.go); serve (calls.go) makes
// the calls, some at a time, and records what came of them; endpoint.go makes a call
// of a document, release.go lets those go that waited for the other actions.
// Commands that change what is owed come in through webhooks.go.
//
// # Programs
//
// A step that leaves the mailbox (outside.go) is in the chain of its message and done
// by the outbox, as a delivery whose endpoint is the word of the action. One
// transaction records both. programs.go makes its attempts, attachments.go and leave.go
// those of save_attachments and unsubscribe; what came of the last one is written into
// the entry by the owner of the account, whom the outbox wakes.
// letters.go makes those of forwards and replies, and letterpace.go says when one may be
// sent.
//
// # Other accounts
//
// A copy or move may lead to another account (carry.go). The owner of the message's
// account opens a connection there beside those of that account (guest.go), which
// counts among the connections that its server allows, and closes it after five
// minutes without use. A message is sent in this order: the target is looked at, and
// made if need be; its UIDVALIDITY and UIDNEXT are recorded in the step; the other
// account is told (foretell.go); FETCH, APPEND; a move then removes the original, once
// APPENDUID or a look proved the copy; the outcome is recorded. Whatever ends in
// between, the look at the recorded step finds the copy at or above that UIDNEXT by
// Message-ID, INTERNALDATE and size. An APPEND that was answered with NO added nothing.
//
// What the other account or its server refuses pauses that target and nothing else; a
// login that hangs keeps this account waiting for ten seconds, a command for a minute.
// A copy whose date or size the other server rewrote proves nothing where APPENDUID is
// missing or lost: the original of a move stays then, and its outcome is unsure.
//
// There is no commit over two accounts. The expected arrival is in the journal of the
// other account before the APPEND, so that no crash lets an arrival rule of this
// process act on it; where the message is never sent after all, the expectation stays
// for as long as the journal keeps them, and would pass over that same message should
// somebody else put it there. Another process, with a journal of its own, that watches
// the other account knows nothing of it: its rules see new mail.
//
// # Appends
//
// What an append adds (append.go) is recorded in its step, all that makes the message
// what it is included: its id, which is made of what the message is that it is about, and
// the fingerprint with which it will arrive. The look at a step that may have been sent
// reads the ids in its target, at or above the recorded UIDNEXT, or in all of it where it
// was renumbered. A message with an id of ours is never taken for a copy of another one.
//
// # Alive, or not
//
// What is proven of a mailbox outlives the connection (state.go); how old that may be, and
// what else makes an account not ready, is worked out when somebody asks (ready.go).
// Loops beat (heartbeat.go), so that one that hangs is told from one that waits. What
// needs a person (conditions.go) is told once (notices.go), by the log and a call that is
// recorded with the event.
//
// # Many accounts
//
// Logins take turns (logins.go), and connections that an account can do without share
// what the configuration leaves on their host (hosts.go). An account that waits has one
// goroutine (wait.go): its connection is parked or listens (package imapsession), and its outbox
// does rounds only when something is due (rounds.go).
//
// One goroutine owns an account and all its state (account.go); watch
// connections only wake it. Everything that the owner decides from data alone
// is a pure function in a file of its own: backoff.go, conditions.go, cursor.go, limits.go,
// settle.go, sightings.go, undo_back.go.
package engine
