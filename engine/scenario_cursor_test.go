package engine_test

import (
	"context"
	"regexp"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

const day = 24 * time.Hour

const copying = `
rules:
  - name: copy
    in: [INBOX, Work, Lists/*]
    if: true
    then: [{copy: Copies}, {webhook: ci}]
webhooks:
  ci: {url: "http://127.0.0.1:1/"}
`

// Really new mail is no import, however much there is of it, and the limit of
// moves grows with the hours of absence.
func TestScenarioThreeWeeksOffline(t *testing.T) {
	tell(t, imaptest.Options{}, nil, "", filing, func(s *tale) {
		s.run()
		letters := many("n", 3000)
		s.putAll("INBOX", letters, time.Now(), 21*day/3000)
		s.pass(21 * day)
		s.run()
		s.want("News", letters...)
		s.want("INBOX")
		s.wantEntries(map[journal.EntryState]int{journal.Done: 3000})
		s.wantEvents("baseline", "created")
	})
}

// A migration: other UIDs, another UIDVALIDITY, every INTERNALDATE and size
// rewritten, another order. What was handled is known, what was under way goes
// on, and what is new is new.
func TestScenarioMigration(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Work", "Copies"}, "watch: [Work]", copying, func(s *tale) {
		old := many("old", 300)
		s.putAll("Work", old, time.Now().Add(-90*day), time.Hour)
		s.run()
		s.putAll("Work", many("done", 5), time.Now(), time.Second)
		s.run()
		s.srv.Mem.Refuse("Copies", "NOPERM")
		s.put("Work", "under.way", time.Now())
		s.run()
		held := deliveries(append(append(slices.Clone(old), many("done", 5)...), "under.way"), time.Now())
		slices.Reverse(held)
		s.pass(time.Hour)
		s.renumber("Work", func(d *imaptest.Delivery) { d.Raw = append(d.Raw, "migrated\r\n"...) }, held)
		s.put("Work", "new", time.Now())
		s.srv.Mem.Allow("Copies")
		s.run()
		s.pass(time.Hour)
		s.run()
		s.want("Copies", append(many("done", 5), "under.way", "new")...)
		s.wantCalls(7, 7)
		s.wantEvents("baseline", "paused", "uidvalidity", "resumed")
	})
}

// A backup of the mailbox is restored: old mail comes again under new UIDs. It
// is held whole, with one notice and nothing sent, until the user says what to
// do.
func TestScenarioRestoredMailbox(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Copies"}, "", copying, func(s *tale) {
		old := many("old", 150)
		s.putAll("INBOX", old, time.Now().Add(-90*day), time.Hour)
		s.run()
		s.srv.Empty(t, "INBOX")
		s.pass(day)
		s.run()
		s.putAll("INBOX", old, time.Now().Add(-91*day), time.Hour)
		s.run()
		s.run()
		s.wantEntries(map[journal.EntryState]int{journal.Held: 150})
		s.want("Copies")
		s.wantCalls(0, 0)
		s.wantEvents("baseline", "import")
		s.put("INBOX", "new", time.Now())
		s.run()
		s.want("Copies", "new")
	})
}

// The journal is restored from a backup that is a week old. The mail of that
// week is processed again: with the webhook ids of the first time, and what was
// copied then is found in the target.
func TestScenarioRestoredJournal(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Copies"}, "", copying, func(s *tale) {
		s.putAll("INBOX", many("old", 10), time.Now().Add(-9*day), time.Hour)
		s.run()
		restore := s.backup()
		week := many("week", 20)
		for _, letter := range week {
			s.put("INBOX", letter, time.Now())
			s.pass(8 * time.Hour)
			s.run()
		}
		twins := []string{"twin", "twin"}
		s.putAll("INBOX", twins, time.Now(), 0)
		s.run()
		restore()
		s.put("INBOX", "new", time.Now())
		s.run()
		s.run()
		s.want("Copies", append(week, "twin", "twin", "new")...)
		s.wantCalls(45, 23)
	})
}

// The state file is gone: a new start, one visible event, no action on old mail.
func TestScenarioLostState(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Copies", "Lists/a", "Lists/b"}, "watch: [INBOX, Lists/*]", copying, func(s *tale) {
		s.putAll("INBOX", many("a", 20), time.Now(), time.Second)
		s.putAll("Lists/a", many("b", 20), time.Now(), time.Second)
		s.run()
		s.put("INBOX", "one", time.Now())
		s.run()
		s.loseState()
		s.put("INBOX", "unscanned", time.Now())
		s.run()
		s.wantEvents("baseline")
		s.put("INBOX", "new", time.Now())
		s.run()
		s.want("Copies", "one", "new")
		s.wantCalls(2, 2)
	})
}

// A folder is renamed while it holds mail that was never scanned: that is acted
// on under the new name, what was handled is not, and what had begun goes on.
func TestScenarioRenamedFolder(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Copies", "Lists/a"}, "watch: [Lists/*]", copying, func(s *tale) {
		s.putAll("Lists/a", many("old", 30), time.Now().Add(-30*day), time.Hour)
		s.run()
		s.putAll("Lists/a", many("done", 10), time.Now(), time.Second)
		s.run()
		s.srv.Mem.Refuse("Copies", "NOPERM")
		s.put("Lists/a", "under.way", time.Now())
		s.run()
		s.srv.Mem.Allow("Copies")
		s.put("Lists/a", "unscanned", time.Now())
		s.put("Lists/a", "unscanned.old", time.Now().Add(-3*day))
		s.srv.Rename(t, "Lists/a", "Lists/b")
		s.pass(time.Hour)
		s.run()
		s.pass(time.Hour)
		s.run()
		s.want("Copies", append(many("done", 10), "under.way", "unscanned", "unscanned.old")...)
		s.wantCalls(13, 13)
		s.wantEvents("baseline", "paused", "renamed", "resumed")
	})
}

// The same, and a new folder takes the old name at once.
func TestScenarioRenamedAndReplacedFolder(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Copies", "Lists/a"}, "watch: [Lists/*]", copying, func(s *tale) {
		s.run()
		s.putAll("Lists/a", many("done", 10), time.Now(), time.Second)
		s.run()
		s.srv.Mem.Refuse("Copies", "NOPERM")
		s.put("Lists/a", "under.way", time.Now())
		s.run()
		s.srv.Mem.Allow("Copies")
		s.srv.Rename(t, "Lists/a", "Lists/b")
		s.srv.Create(t, "Lists/a")
		s.put("Lists/a", "new.a", time.Now())
		s.put("Lists/b", "new.b", time.Now())
		s.pass(time.Hour)
		s.run()
		s.pass(time.Hour)
		s.run()
		s.want("Copies", append(many("done", 10), "under.way", "new.a", "new.b")...)
		s.wantCalls(13, 13)
		s.wantEntries(map[journal.EntryState]int{journal.Done: 13})
	})
}

// A folder that is copied as a whole is not renamed, though the server numbers
// both alike and gives every mailbox the same UIDVALIDITY.
func TestScenarioCopiedFolderIsNotRenamed(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Copies", "Lists/a"}, "watch: [Lists/*]", copying, func(s *tale) {
		validity := regexp.MustCompile(`UIDVALIDITY \d+`)
		s.through(asIs, func(line string) string { return validity.ReplaceAllString(line, "UIDVALIDITY 1") })
		s.run()
		at := time.Now().Add(-30 * day)
		s.putAll("Lists/a", many("old", 10), at, time.Second)
		s.run()
		s.pass(time.Hour)
		s.putAll("Lists/b", many("old", 10), at, time.Second)
		s.run()
		s.wantCalls(10, 10)
		s.wantEvents("baseline", "appeared")
	})
}

// A server renumbers a folder as it renames it: what was handled is known by
// its fingerprints.
func TestScenarioRenamedAndRenumberedFolder(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Copies", "Lists/a"}, "watch: [Lists/*]", copying, func(s *tale) {
		s.run()
		at := time.Now()
		s.putAll("Lists/a", many("done", 10), at, time.Second)
		s.run()
		s.srv.Delete(t, "Lists/a")
		s.put("Lists/b", "unscanned", time.Now())
		s.putAll("Lists/b", many("done", 10), at, time.Second)
		s.run()
		s.want("Copies", append(many("done", 10), "unscanned")...)
		s.wantCalls(11, 11)
		s.wantEntries(map[journal.EntryState]int{journal.Done: 11})
	})
}

// The server's own filter makes a folder for the first message that it files
// there. The folder is watched from then on, and the message acted on.
func TestScenarioFolderOfTheServersFilter(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Copies"}, "watch: [INBOX, Lists/*]", copying, func(s *tale) {
		s.run()
		s.live(func() {
			s.pass(day)
			s.put("Lists/new", "first", time.Now())
			s.pass(time.Hour + time.Minute)
			s.put("Lists/new", "second", time.Now())
			s.pass(time.Minute)
			s.want("Copies", "first", "second")
		})
		s.wantCalls(2, 2)
	})
}

// A mailbox without a UIDVALIDITY: nothing is done in it, and it stops nothing
// else; when the server has one again, no mail was missed.
func TestScenarioUIDValidityZero(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Lists/a"}, "watch: [INBOX, Lists/*]", filing, func(s *tale) {
		s.run()
		var zero, inbox atomic.Bool
		zero.Store(true)
		selects, validity := regexp.MustCompile(`(?i)(SELECT|EXAMINE) "?(INBOX)?`), regexp.MustCompile(`\[UIDVALIDITY \d+\]`)
		s.through(func(line string) string {
			if m := selects.FindStringSubmatch(line); m != nil {
				inbox.Store(m[2] != "")
			}
			return line
		}, func(line string) string {
			if zero.Load() && inbox.Load() {
				return validity.ReplaceAllString(line, "[UIDVALIDITY 0]")
			}
			return line
		})
		s.put("INBOX", "letter", time.Now())
		foreign := s.put("INBOX", "foreign", time.Now(), imap.FlagDeleted)
		s.run()
		s.want("INBOX", "letter")
		s.want("News")
		if foreign == 0 || len(s.srv.Messages(t, "INBOX")) != 2 {
			t.Error("something was removed")
		}
		zero.Store(false)
		s.run()
		s.want("News", "letter")
	})
}

// Two of three messages become visible late, one of them below a UID that was
// handled already. No gap is taken for handled; the reconcile finds them
// without any announcement, and so does each new connection.
func TestScenarioGapsBecomeVisibleLate(t *testing.T) {
	for _, reconnect := range []bool{false, true} {
		tell(t, imaptest.Options{}, []string{"News"}, "", filing, func(s *tale) {
			s.live(func() {
				s.srv.Mem.ShowLate(func(uid imap.UID) bool { return uid != 2 })
				s.putAll("INBOX", many("n", 3), time.Now(), time.Second)
				s.pass(2 * time.Hour)
				s.want("News", "n0001")
				s.srv.Mem.ShowLate(nil)
				if reconnect {
					s.srv.Mem.KillConnections()
					s.pass(time.Minute)
				} else {
					s.pass(time.Hour + time.Minute)
				}
				s.want("News", many("n", 3)...)
			})
		})
	}
}

// A listing shows mail that cannot be fetched yet, for longer than anybody waits
// in one scan.
func TestScenarioListedBeforeItCanBeFetched(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"News"}, "", filing, func(s *tale) {
		var ready atomic.Bool
		fetch := regexp.MustCompile(`UID FETCH 2 `)
		s.through(func(line string) string {
			if ready.Load() {
				return line
			}
			return fetch.ReplaceAllString(line, "UID FETCH 4294967290 ")
		}, asIs)
		s.live(func() {
			s.put("INBOX", "first", time.Now())
			s.pass(time.Minute)
			s.put("INBOX", "late", time.Now())
			s.pass(10 * time.Minute)
			s.want("News", "first")
			ready.Store(true)
			s.pass(time.Hour)
			s.want("News", "first", "late")
		})
	})
}

// "UID SEARCH UID n:*" names the last message for ever: it is not decided again.
func TestScenarioTheLastMessageIsListedForEver(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Copies"}, "", copying, func(s *tale) {
		s.live(func() {
			s.put("INBOX", "only", time.Now())
			s.pass(6 * time.Hour)
		})
		s.run()
		s.want("Copies", "only")
		s.wantCalls(1, 1)
		s.wantEntries(map[journal.EntryState]int{journal.Done: 1})
	})
}

// An expected arrival is its account's own: the same message that is delivered
// to another account, in a mailbox of the same name, is new mail there.
func TestScenarioExpectedArrivalsOfOtherAccounts(t *testing.T) {
	tell(t, imaptest.Options{}, []string{"Lists"}, "watch: [INBOX, Lists]", chain, func(s *tale) {
		s.run()
		s.with(s.cfg, func(j journal.Journal) { expect(t, j, "work", "Lists", "letter") })
		s.put("Lists", "letter", time.Now())
		s.run()
		s.want("Done", "letter")
	})
}

const chain = `
rules:
  - name: first
    in: [INBOX]
    if: true
    then: [{move: Lists}]
  - name: second
    in: [Lists]
    if: true
    then: [{move: Done}]
`

// expect records an expected arrival for an account.
func expect(t *testing.T, j journal.Journal, account, mailbox, subject string) {
	t.Helper()
	own, _, err := j.Acquire(context.Background(), account, "test")
	if err != nil {
		t.Fatal(err)
	}
	x := journal.Expected{ID: "1.0", Mailbox: mailbox, UIDNext: 1, Recorded: time.Now(), Print: journal.Fingerprint{
		MessageID: "<" + subject + "@test>", Received: time.Now().UTC().Truncate(time.Second), Size: int64(len(message(subject, "a@news.example")))}}
	if err := j.Commit(context.Background(), own, journal.Batch{Expect: []journal.Expected{x}}); err != nil {
		t.Fatal(err)
	}
}
