package engine_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// TestSnoozeCrashes crashes the run that puts messages away, and then the one that
// brings them back, at every third operation (at every one in the longer run), each time
// before and after the operation took effect. Each message comes back once, and none is
// left behind.
func TestSnoozeCrashes(t *testing.T) {
	step := 3
	if os.Getenv("IMAPILOT_SIM_ALL") != "" {
		step = 1
	}
	for _, caps := range []imaptest.Options{{}, {NoMove: true}, {NoUIDPlus: true}, {NoMove: true, NoUIDPlus: true}} {
		for _, goes := range []bool{true, false} {
			t.Run(fmt.Sprintf("move=%v,uidplus=%v,goes=%v", !caps.NoMove, !caps.NoUIDPlus, goes), func(t *testing.T) {
				operations := 0
				for _, late := range []bool{false, true} {
					for n := 0; !snoozeAndCrash(t, caps, goes, n, late); n += step {
						operations += step
					}
				}
				if operations < 20 {
					t.Errorf("only %d operations: the sweep did not sweep", operations)
				}
			})
		}
	}
}

// snoozeAndCrash crashes one run at operation n, that in which messages go or that in
// which they come back, and lets other runs recover.
func snoozeAndCrash(t *testing.T, caps imaptest.Options, goes bool, n int, late bool) (finished bool) {
	t.Helper()
	tell(t, caps, nil, "watch: [Snoozed, INBOX]", snoozing, func(s *tale) {
		s.run()
		at := time.Now()
		for range 2 { // twins
			s.put("INBOX", "letter", at, imap.FlagSeen)
		}
		s.put("INBOX", "foreign", at, imap.FlagDeleted)
		if goes {
			finished = s.runAndCrash(s.cfg, n, late)
		}
		s.run()
		s.run()
		s.want("INBOX")
		s.want("Snoozed", "letter", "letter")
		time.Sleep(4 * time.Hour)
		if !goes {
			finished = s.runAndCrash(s.cfg, n, late)
		}
		s.run()
		s.run()
		time.Sleep(24 * time.Hour)
		s.run()
		s.want("Snoozed")
		s.want("INBOX", "letter", "letter")
		s.wantForeign()
		s.wantEntries(map[journal.EntryState]int{journal.Done: 4})
		if t.Failed() {
			t.Logf("crashed at operation %d, late=%v", n, late)
		}
	})
	return finished || t.Failed()
}
