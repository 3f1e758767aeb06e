package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

const byRole = `
rules:
  - name: done
    if: has(subject, "done")
    then: [{set_flags: ['\Seen', $Done]}, archive]
  - name: spam
    if: has(subject, "spam")
    then: [junk]
  - name: paper
    if: has(subject, "paper")
    then: [{copy: 'role:archive'}, {move: 'role:trash'}]
`

// TestMailIsFiledByRole: a role is the mailbox that the server gives it, and
// set_flags leaves no flag that it does not name.
func TestMailIsFiledByRole(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", byRole)
		r.mail("INBOX", "done", "a@example.org", imap.FlagFlagged, "$Todo")
		r.mail("INBOX", "spam", "a@example.org")
		r.mail("INBOX", "paper", "a@example.org")
		r.once(cfg, existing)
		r.want("INBOX")
		r.want("Archive", "done", "paper")
		r.want("Junk", "spam")
		r.want("Trash", "paper")
		for _, m := range srv.Messages(t, "Archive") {
			if m.MessageID == "<done@test>" && flagsOf(m) != `$done \seen` {
				t.Errorf("done has the flags %v", m.Flags)
			}
		}
		r.once(cfg)
		r.want("Archive", "done", "paper")
	})
}

// flagsOf are the flags of a message but \Recent, sorted and without case.
func flagsOf(m imaptest.Message) string {
	var out []string
	for _, f := range m.Flags {
		if flag := strings.ToLower(string(f)); flag != `\recent` {
			out = append(out, flag)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestNothingIsFiledInAView: mail cannot be filed where the server shows what is
// elsewhere, whatever the name of such a mailbox.
func TestNothingIsFiledInAView(t *testing.T) {
	roles := map[string]imap.MailboxAttr{"Everything": imap.MailboxAttrAll, "Stars": imap.MailboxAttrFlagged}
	for name := range roles {
		tell(t, imaptest.Options{Roles: roles}, nil, "", "rules:\n  - {name: r, if: 'true', then: [{move: "+name+"}]}\n", func(s *tale) {
			s.run()
			s.put("INBOX", "letter", time.Now())
			s.run()
			s.want("INBOX", "letter")
			s.wantEntries(map[journal.EntryState]int{journal.Failed: 1})
		})
	}
}

// TestARoleThatNoMailboxHas fails the action, and the message stays.
func TestARoleThatNoMailboxHas(t *testing.T) {
	tell(t, imaptest.Options{Roles: map[string]imap.MailboxAttr{"Other": imap.MailboxAttrSent}}, nil, "", "rules:\n  - {name: r, if: 'true', then: [archive]}\n", func(s *tale) {
		s.run()
		s.put("INBOX", "letter", time.Now())
		s.run()
		s.want("INBOX", "letter")
		s.with(s.cfg, func(j journal.Journal) {
			all, err := j.Entries(context.Background(), journal.Query{})
			if err != nil || len(all) != 1 || !strings.Contains(all[0].Reason, `no mailbox has the \Archive role`) {
				s.t.Errorf("%v, %v", all, err)
			}
		})
	})
}

// TestExpungeOnGmail: outside of trash and spam a setting of the user turns it into
// archiving, so that it is refused there.
func TestExpungeOnGmail(t *testing.T) {
	const all = `
rules:
  - {name: here, if: 'true', then: [expunge]}
  - {name: bin, in: [Trash], if: 'true', then: [expunge]}
`
	tell(t, imaptest.Options{}, nil, "watch: [INBOX, Trash]", all, func(s *tale) {
		s.through(asIs, func(line string) string {
			return strings.Replace(line, "CAPABILITY IMAP4rev1", "CAPABILITY IMAP4rev1 X-GM-EXT-1", 1)
		})
		s.run()
		s.put("INBOX", "letter", time.Now())
		s.put("Trash", "rubbish", time.Now())
		s.run()
		s.want("INBOX", "letter")
		s.want("Trash")
		s.wantEntries(map[journal.EntryState]int{journal.Failed: 1, journal.Done: 1})
	})
}

// TestNoMailboxIsMade: with create: false an action waits for its target, and goes
// on once somebody has made it.
func TestNoMailboxIsMade(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		r.timing = engine.Timing{Probe: 20 * time.Millisecond, Again: 20 * time.Millisecond}
		cfg := r.config("create: false", filing)
		r.mail("INBOX", "letter", "a@news.example")
		r.once(cfg, existing)
		r.want("INBOX", "letter")
		if slices.Contains(srv.Mailboxes(t), "News") {
			t.Error("News was made")
		}
		srv.Create(t, "News")
		r.eventually("the letter is filed", func() bool {
			r.once(cfg)
			return slices.Equal(r.subjects("News"), []string{"letter"})
		})
	})
}
