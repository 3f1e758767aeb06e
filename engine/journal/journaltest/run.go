package journaltest

import (
	"testing"
	"testing/synctest"

	"imapilot/engine/journal"
)

// Open opens the journal of one store. It is called again after Close.
type Open func() (journal.Journal, error)

// Run runs the suite. fresh makes a new and empty store that goes away with
// the test.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	t.Helper()
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.test(newStore(t, fresh(t))) })
		})
	}
}

type testCase struct {
	name string
	test func(*store)
}

func cases() []testCase {
	return []testCase{
		{"a new account is fresh until a cursor or a listing is committed", testFresh},
		{"an owner finds everything again after a restart", testSnapshot},
		{"finished work is not in the snapshot", testSnapshotOpenOnly},
		{"the next sequence never goes back", testNextSeq},
		{"created mailboxes count for a day", testCreatedWindow},
		{"an older epoch is fenced and changes nothing", testFenced},
		{"an account without a lease is fenced", testNoLease},
		{"leases of accounts are independent", testAccountsApart},
		{"a cursor moves only from the version before", testConflict},
		{"a batch that fails in its last part changes nothing", testAtomic},
		{"a cancelled commit changes nothing", testCancelled},
		{"a forgotten mailbox starts again", testForget},
		{"known fingerprints are kept by UIDVALIDITY", testKnown},
		{"a mailbox keeps the newest window of fingerprints", testKnownWindow},
		{"a Message-ID leads to where it was handled", testSeen},
		{"sightings are in the order of handling", testSeenOrder},
		{"what was renumbered keeps its place in the order", testSeenRenumbered},
		{"sightings that share an order are all there", testSeenShared},
		{"a Message-ID yields its oldest and newest sightings", testSeenEnds},
		{"what the window left behind was not seen", testSeenWindow},
		{"references are found by what they refer to", testReferences},
		{"an account keeps the newest window of references", testReferenceWindow},
		{"an entry that exists is replaced", testReplaceEntry},
		{"bytes that are no text survive", testHostileBytes},
		{"extreme dates survive", testExtremeDates},
		{"queries select entries", testQuery},
		{"an entry is found by the state that it is in", testEveryState},
		{"outcomes of a run are counted", testOutcomes},
		{"queries know how users spell mailboxes", testSpelled},
		{"acts are found by fingerprint", testActed},
		{"acts are limited, newest first", testActedLimit},
		{"an EMAILID is kept, and finds acts by itself", testEmailID},
		{"acts by EMAILID are limited too", testEmailIDLimit},
		{"only acts are acts", testActedStates},
		{"expectations and pauses come and go", testExpectPause},
		{"deliveries come in order of their next attempt", testDeliveriesOrder},
		{"a delivery is replaced by its ID", testDeliveryReplaced},
		{"deliveries are found by the begin of their ID", testDeliveriesByPrefix},
		{"the calls about one message are due one after the other", testDeliveriesOfAMessage},
		{"attempts are kept with what came of them", testAttempts},
		{"an attempt that was cut off is no step of the schedule", testCutAttempts},
		{"what waits is released or cancelled", testRelease},
		{"a raw message is kept with its delivery", testRaw},
		{"a raw message goes when nothing sends it any more", testRawDropped},
		{"only what is in the named states is released or cancelled", testReleaseFrom},
		{"an endpoint is disabled until it is enabled", testDisabled},
		{"events are tailed in order and by account", testTail},
		{"the last run of a rule is kept", testRuns},
		{"a flag's messages are kept by mailbox", testFlagged},
		{"a snoozed message is kept until it comes back", testSnoozed},
		{"the entry of a snoozed message is kept as long", testSnoozedEntry},
		{"entries are found by place", testPlaces},
		{"what a rule on a clock did is kept for longer", testKeep},
		{"a summary counts without taking a lease", testSummary},
		{"many goroutines may commit", testConcurrent},
	}
}
