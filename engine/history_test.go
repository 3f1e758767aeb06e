package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
	"imapilot/rules/facts"
)

// desk is the work connection of one account, driven by hand.
type desk struct {
	*testing.T
	srv *imaptest.Server
	c   *connection
}

// desks runs a test on both servers, where it hangs on how one moves, copies or
// numbers mail.
func desks(t *testing.T, run func(d *desk)) {
	t.Helper()
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{
		"memory": imaptest.Memory, "dovecot": imaptest.Dovecot,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := start(t, imaptest.Options{})
			run(newDesk(t, srv))
		})
	}
}

// newDesk connects. INBOX, Junk and Lists are watched and empty, Old is not
// watched.
func newDesk(t *testing.T, srv *imaptest.Server, change ...func(*Options)) *desk {
	t.Helper()
	for _, name := range []string{"Junk", "Lists", "Old"} {
		if !slices.Contains(srv.Mailboxes(t), name) {
			srv.Create(t, name)
		}
	}
	host, port := srv.Addr()
	path := filepath.Join(t.TempDir(), "imapilot.yaml")
	text := fmt.Sprintf("state: j.db\naccounts:\n  home: {host: %s, port: %d, tls: none, username: %s, password: '%s', watch: [INBOX, Junk, Lists]}\n",
		host, port, srv.Username, srv.Password)
	if err := os.WriteFile(path, []byte(text+"rules: [{name: all, if: true, then: [{add_flags: [x]}]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, diags := config.Load(path)
	if cfg == nil {
		t.Fatal(diags)
	}
	j, err := sqlite.Open(t.Context(), cfg.State)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	o := Options{Journal: j, Holder: "test"}
	for _, f := range change {
		f(&o)
	}
	a := newAccount(New(cfg, o), cfg.Accounts[0], cfg)
	if err := a.acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, _, err := a.login(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	d := &desk{T: t, srv: srv, c: &connection{account: a, session: s,
		swept: byMailbox[imapsession.Status]{}, repeats: map[string]repeat{}, recreated: map[string]time.Time{},
		unheard: map[string]unheard{}, doubted: map[string]unheard{}}}
	_, err = d.c.list(t.Context(), false)
	d.check(err)
	for _, name := range []string{"INBOX", "Junk", "Lists"} {
		d.take(name) // a baseline of nothing
	}
	return d
}

func (d *desk) check(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// deliver appends a message with a Message-ID and more header lines.
func (d *desk) deliver(mailbox, id string, received time.Time, more ...string) imap.UID {
	d.Helper()
	text := "From: ann@example.org\r\nMessage-ID: <" + id + "@x>\r\n" + strings.Join(more, "\r\n")
	if len(more) > 0 {
		text += "\r\n"
	}
	return d.srv.Append(d, mailbox, nil, received, []byte(text+"\r\nHello.\r\n"))
}

// fetch takes messages of a mailbox as a scan or a later decision does.
func (d *desk) fetch(mailbox string, uids ...imap.UID) (journal.Cursor, []*candidate) {
	d.Helper()
	sel, err := d.c.sel(d.Context(), mailbox)
	d.check(err)
	cursor, err := d.c.cursorFor(d.Context(), mailbox, sel)
	d.check(err)
	if uids == nil {
		listed, err := d.c.session.SearchAbove(d.Context(), cursor.Floor+1)
		d.check(err)
		uids = pending(cursor, uidsOf(listed))
	}
	if len(uids) == 0 {
		return cursor, nil
	}
	fetched, err := d.c.session.FetchHeaders(d.Context(), setOf(uids), []string{"Message-Id", "In-Reply-To", "References"})
	d.check(err)
	return cursor, d.c.candidates(cursor, fetched, false)
}

// take handles what is new in a mailbox and returns what was told of it.
func (d *desk) take(mailbox string) map[imap.UID]facts.History {
	d.Helper()
	cursor, all := d.fetch(mailbox)
	out := d.told(cursor, all)
	slices.Reverse(all) // servers answer in any order
	d.check(d.c.record(d.Context(), cursor, all, 0))
	return out
}

// again decides messages that were handled before.
func (d *desk) again(mailbox string, uids ...imap.UID) map[imap.UID]facts.History {
	d.Helper()
	cursor, all := d.fetch(mailbox, uids...)
	for _, m := range all {
		m.again = true
	}
	return d.told(cursor, all)
}

func (d *desk) told(cursor journal.Cursor, all []*candidate) map[imap.UID]facts.History {
	d.Helper()
	d.check(d.c.histories(d.Context(), cursor, all))
	if d.c.selected != cursor.Mailbox {
		d.Errorf("%q is selected afterwards, not %q", d.c.selected, cursor.Mailbox)
	}
	out := map[imap.UID]facts.History{}
	for _, m := range all {
		if m.message.History != nil {
			out[m.fetched.UID] = *m.message.History
		}
	}
	return out
}

func (d *desk) want(what string, got map[imap.UID]facts.History, uid imap.UID, want facts.History) {
	d.Helper()
	h, ok := got[uid]
	if !ok || h != want {
		d.Errorf("%s: %+v (asked: %v), want %+v", what, h, ok, want)
	}
}

func moved(from string) facts.History { return facts.History{ByUser: true, MovedFrom: from} }

func duplicate() facts.History { return facts.History{Duplicate: true} }

func TestHistoryDuplicates(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("INBOX", "a", noon)
	d.deliver("INBOX", "a", noon) // identical
	d.srv.Append(d, "INBOX", nil, noon, []byte("Subject: no id\r\n\r\nHello.\r\n"))
	d.srv.Append(d, "INBOX", nil, noon, []byte("Subject: no id\r\n\r\nHello.\r\n"))
	d.deliver("Lists", "a", noon.Add(time.Hour))
	got := d.take("INBOX")
	d.want("the first", got, 1, facts.History{})
	d.want("the second", got, 2, duplicate())
	d.want("without Message-ID", got, 4, facts.History{})
	d.want("another mailbox", d.take("Lists"), 1, duplicate())

	got = d.again("INBOX", 1, 2)
	d.want("the first, decided again", got, 1, facts.History{})
	d.want("the second, decided again", got, 2, duplicate())
	d.want("the second, decided alone", d.again("INBOX", 2), 2, duplicate())

	d.srv.Empty(d, "INBOX")
	d.srv.Empty(d, "Lists")
	uid := d.deliver("INBOX", "a", noon.Add(48*time.Hour), "X: again")
	d.want("sent again after it was deleted", d.take("INBOX"), uid, duplicate())
}

func TestHistoryMovedByTheUser(t *testing.T) {
	desks(t, func(d *desk) {
		d.deliver("INBOX", "a", noon)
		d.deliver("INBOX", "b", noon)
		d.take("INBOX")
		d.srv.Move(d, "INBOX", "Junk")
		got := d.take("Junk")
		d.want("moved", got, 1, moved("INBOX"))
		d.want("moved too", got, 2, moved("INBOX"))
		d.want("decided again", d.again("Junk", 1), 1, moved("INBOX"))
		d.srv.Move(d, "Junk", "INBOX")
		d.want("moved back", d.take("INBOX"), 3, moved("Junk"))
		d.srv.Move(d, "INBOX", "Old")
		d.srv.Move(d, "Old", "Lists")
		d.want("through one that is not watched", d.take("Lists"), 1, moved("INBOX"))
	})
}

func TestHistoryCopies(t *testing.T) {
	desks(t, func(d *desk) {
		d.deliver("INBOX", "a", noon)
		d.take("INBOX")
		d.deliver("Junk", "a", noon)
		d.want("a copy, or half of a move", d.take("Junk"), 1, facts.History{})
		d.srv.Store(d, "INBOX", imap.StoreFlagsAdd, imap.FlagDeleted)
		d.want("the original flagged since", d.again("Junk", 1), 1, moved("INBOX"))
	})
}

func TestHistoryOfAMailboxThatIsGone(t *testing.T) {
	desks(t, func(d *desk) {
		d.deliver("Lists", "a", noon)
		d.take("Lists")
		d.srv.Delete(d, "Lists")
		d.deliver("INBOX", "a", noon)
		d.want("moved before it was deleted", d.take("INBOX"), 1, moved("Lists"))
	})
}

// acts records that a rule took a message of INBOX to Old, which no one watches.
func (d *desk) acts(uid imap.UID, step journal.Step) {
	d.Helper()
	_, all := d.fetch("INBOX", uid)
	step.State, step.Rule = journal.StepDone, "old"
	d.check(d.c.commit(d.Context(), journal.Batch{Entries: []journal.Entry{{
		Seq: d.c.seq(), Mailbox: "INBOX", UIDValidity: d.srv.UIDValidity(d, "INBOX"), UID: uid,
		Print: all[0].print, State: journal.Done, Steps: []journal.Step{step},
	}}}))
}

func (d *desk) movesToOld(id string) {
	d.Helper()
	uid := d.deliver("INBOX", id, noon)
	d.take("INBOX")
	d.acts(uid, journal.Step{Action: &actions.Action{Kind: actions.Move, Mailbox: "Old"}, Target: "Old",
		TargetValidity: d.srv.UIDValidity(d, "Old"), TargetUID: 1})
	d.srv.Move(d, "INBOX", "Old")
}

func TestHistoryFollowsOurOwnMoves(t *testing.T) {
	desks(t, func(d *desk) {
		d.movesToOld("a")
		d.deliver("INBOX", "a", noon)
		d.want("a twin of what a rule moved, perhaps a copy of it", d.take("INBOX"), 2, facts.History{})
	})
}

func TestHistoryMovedOutOfWhereARulePutIt(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.movesToOld("a")
	d.srv.Move(d, "Old", "INBOX")
	d.want("moved back", d.take("INBOX"), 2, moved("Old"))
}

func TestHistoryOfWhatARuleExpunged(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("INBOX", "a", noon)
	d.take("INBOX")
	d.acts(1, journal.Step{Action: &actions.Action{Kind: actions.Expunge}})
	d.srv.Empty(d, "INBOX")
	d.deliver("Junk", "a", noon)
	d.want("it was not moved, and perhaps copied before", d.take("Junk"), 1, facts.History{})
	d.deliver("INBOX", "a", noon)
	d.want("it was beside the other", d.take("INBOX"), 2, duplicate())
}

func TestHistoryNotBehindAnotherUIDValidity(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("INBOX", "a", noon)
	_, all := d.fetch("INBOX")
	d.check(d.c.commit(d.Context(), journal.Batch{Known: []journal.KnownBatch{
		{Mailbox: "INBOX", UIDValidity: 1, Messages: []journal.Known{{UID: 99, Print: all[0].print}}},
		{Mailbox: "Lists", UIDValidity: 1, Messages: []journal.Known{{UID: 99, Print: fp("<a@x>", noon, 1)}}},
	}}))
	d.want("seen under an old UIDVALIDITY", d.take("INBOX"), 1, facts.History{})
}

// A mailbox that was renumbered since its last scan: whether it still holds the
// message cannot be told.
func TestHistoryOfARenumberedMailbox(t *testing.T) {
	desks(t, func(d *desk) {
		d.deliver("Lists", "a", noon)
		d.take("Lists")
		d.srv.Delete(d, "Lists")
		d.srv.Create(d, "Lists")
		d.deliver("INBOX", "a", noon)
		d.want("neither moved nor a duplicate", d.take("INBOX"), 1, facts.History{})
	})
}

func TestHistoryReplies(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("INBOX", "a", noon)
	d.deliver("INBOX", "b", noon, "In-Reply-To: <a@x>", "References: <b@x>")
	got := d.take("INBOX")
	d.want("answered in its own batch", got, 1, facts.History{HasReply: true})
	d.want("what names itself", got, 2, facts.History{})
	d.deliver("Lists", "c", noon, "References: <a@x> <b@x>")
	d.take("Lists")
	d.want("answered elsewhere", d.again("INBOX", 2), 2, facts.History{HasReply: true})
}

func TestHistoryOfExpectedArrivals(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("INBOX", "a", noon)
	_, all := d.fetch("INBOX")
	put(&d.c.expected, "1.0", journal.Expected{ID: "1.0", Mailbox: "INBOX", UIDNext: 1, Print: all[0].print})
	d.deliver("INBOX", "a", noon.Add(time.Minute))
	got := d.take("INBOX")
	if h, asked := got[1]; asked {
		t.Errorf("an expected arrival has a history: %+v", h)
	}
	d.want("what came after it", got, 2, duplicate())
}

// refusing makes the connection answer SELECT of a mailbox itself, with what
// answer holds then, unless that is "".
func refusing(mailbox string, answer *string) func(*Options) {
	return func(o *Options) {
		o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			server, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			near, far := net.Pipe()
			go func() {
				io.Copy(far, server)
				far.Close()
			}()
			go func() {
				defer server.Close()
				for lines := bufio.NewReader(far); ; {
					line, err := lines.ReadString('\n')
					if err != nil {
						return
					}
					tag, command, _ := strings.Cut(strings.TrimSpace(line), " ")
					if *answer == "" || strings.ReplaceAll(command, `"`, "") != "SELECT "+mailbox {
						io.WriteString(server, line)
						continue
					}
					io.WriteString(far, tag+" "+*answer+"\r\n")
				}
			}()
			return near, nil
		}
	}
}

// TestHistoryWaits: an answer that may change is waited for, one that will not
// is not, for it would hold up all other mail.
func TestHistoryWaits(t *testing.T) {
	for answer, waits := range map[string]bool{
		"NO [INUSE] locked": true, "NO [SERVERBUG] oops": true, "NO [UNAVAILABLE] later": true,
		"NO [NOPERM] not yours": false, "NO [CANNOT] never": false, "BAD no such thing": false,
	} {
		now := ""
		d := newDesk(t, imaptest.Memory(t, imaptest.Options{}), refusing("Lists", &now))
		d.deliver("Lists", "a", noon)
		d.take("Lists")
		d.deliver("INBOX", "a", noon)
		cursor, all := d.fetch("INBOX")
		now = answer
		for range maxTries {
			all[0].message.History = nil
			err := d.c.histories(t.Context(), cursor, all)
			if err != nil || waits == (all[0].message.History != nil) {
				t.Errorf("%s: %v, told %v", answer, err, all[0].message.History)
			}
		}
		d.want("after so many tries nothing is known", d.told(cursor, all), 1, facts.History{})
		now = ""
		d.srv.Move(t, "Lists", "Junk")
		d.want("afterwards", d.told(cursor, all), 1, moved("Lists"))
	}
}

// TestHistoryLooksOnlyWhereItMust: without one elsewhere that may be the same
// message nothing is selected.
func TestHistoryLooksOnlyWhereItMust(t *testing.T) {
	now := ""
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}), refusing("Lists", &now))
	d.deliver("Lists", "a", noon)
	d.take("Lists")
	d.deliver("INBOX", "a", noon.Add(time.Hour), "X: another size")
	d.deliver("INBOX", "b", noon)
	cursor, all := d.fetch("INBOX")
	now = "NO [INUSE] locked"
	d.want("another delivery", d.told(cursor, all), 1, duplicate())
}

func TestHistoryDoesNotLookAtTheBatch(t *testing.T) {
	now := ""
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}), refusing("INBOX", &now))
	d.deliver("INBOX", "a", noon)
	d.deliver("INBOX", "a", noon)
	cursor, all := d.fetch("INBOX")
	now = "NO [INUSE] locked"
	d.want("its twin was just fetched", d.told(cursor, all), 2, duplicate())
}

func TestHistoryDoesNotLookForExpectedArrivals(t *testing.T) {
	now := ""
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}), refusing("Lists", &now))
	d.deliver("Lists", "a", noon)
	d.take("Lists")
	d.deliver("INBOX", "a", noon)
	_, all := d.fetch("INBOX")
	put(&d.c.expected, "1.0", journal.Expected{ID: "1.0", Mailbox: "INBOX", UIDNext: 1, Print: all[0].print})
	cursor, all := d.fetch("INBOX")
	now = "NO [INUSE] locked"
	if got := d.told(cursor, all); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

// A mailbox that became a mere name of others below it.
func TestHistoryOfAMailboxThatHoldsNone(t *testing.T) {
	now := ""
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}), refusing("Lists", &now))
	d.deliver("Lists", "a", noon)
	d.take("Lists")
	d.deliver("INBOX", "a", noon)
	cursor, all := d.fetch("INBOX")
	for i := range d.c.dir.entries {
		d.c.dir.entries[i].NoSelect = d.c.dir.entries[i].Name == "Lists"
	}
	now = "NO this cannot be selected"
	d.want("its messages went elsewhere", d.told(cursor, all), 1, moved("Lists"))
}

// What was fetched before the mailbox was renumbered is of other messages now.
func TestHistoryNoticesThatItsMailboxWasRenumbered(t *testing.T) {
	d := newDesk(t, imaptest.Memory(t, imaptest.Options{}))
	d.deliver("Lists", "a", noon)
	d.take("Lists")
	d.deliver("INBOX", "a", noon)
	cursor, all := d.fetch("INBOX")
	cursor.UIDValidity++
	if err := d.c.histories(t.Context(), cursor, all); !mailboxOnly(err) {
		t.Errorf("got %v", err)
	}
}
