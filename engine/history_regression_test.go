package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// A client without MOVE moves by COPY and then STORE \Deleted. The daemon looks
// in between, and must not take the copy, soon the user's only message, for a
// duplicate.
func TestMoveByCopyIsNoDuplicate(t *testing.T) {
	both(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("watch: [INBOX, Archive]", "rules:\n  - name: dup\n    if: duplicate\n    then: [trash]\n")
		r.mail("INBOX", "seed", "x@y.example")
		r.once(cfg)
		r.mail("Archive", "letter", "a@b.example")
		r.once(cfg)
		client(t, srv, "SELECT Archive", "COPY 1:* INBOX") // the first half of a move
		r.once(cfg)                                        // IDLE wakes the daemon within milliseconds
		client(t, srv, "SELECT Archive", `STORE 1:* +FLAGS (\Deleted)`, "EXPUNGE")
		r.once(cfg)
		r.want("INBOX", "letter", "seed")
		r.want("Trash")
	})
}

// An original is held, its redelivery was trashed as the duplicate, the mailbox is
// renumbered, and the user confirms: the original still counts as the first.
func TestARenumberedOriginalStaysTheFirst(t *testing.T) {
	both(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		srv.Create(t, "Work")
		srv.Create(t, "Lists")
		cfg := r.config("watch: [Work, Lists]", `
rules:
  - name: dup
    in: [Work, Lists]
    if: duplicate
    then: [trash]
    stop: true
  - name: file
    in: [Work]
    if: true
    then: [{move: Filed}]
    max_messages: 1
`)
		r.once(cfg)
		at := time.Now()
		put := func(mailbox, subject string, when time.Time) {
			srv.Append(t, mailbox, nil, when, message(subject, "a@b.example"))
		}
		put("Work", "first", at)
		put("Work", "held", at) // over max_messages
		r.once(cfg)
		r.want("Work", "held")
		put("Lists", "held", at.Add(time.Second)) // by the list, a moment later
		r.once(cfg)
		r.want("Trash", "held")
		srv.Delete(t, "Work") // the server renumbers Work
		srv.Create(t, "Work")
		put("Work", "held", at)
		r.once(cfg)
		r.with(cfg, func(j journal.Journal) {
			n, err := engine.AmendOffline(context.Background(), j, "t", []string{"home"}, engine.Confirm, engine.Selection{})
			t.Log("confirmed", n, err)
		})
		r.once(cfg)
		r.want("Filed", "first", "held")
		r.want("Trash", "held")
	})
}

// Mail that was held when a mailbox was renumbered leaves its fingerprint: when
// the mailbox is renumbered once more it is not held, and acted on, twice.
func TestMailHeldAtARenumberingIsRemembered(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	srv := r.srv
	srv.Create(t, "Work")
	cfg := r.config("watch: [Work]", "rules:\n  - name: copy\n    in: [Work]\n    if: true\n    then: [{copy: Copies}]\n")
	put := func() {
		var all []imaptest.Delivery
		at := time.Now().Truncate(time.Second)
		for i := range 150 {
			all = append(all, imaptest.Delivery{Date: at.Add(-time.Duration(i) * time.Second), Raw: message(fmt.Sprintf("n%03d", i), "a@example.org")})
		}
		srv.AppendAll(t, "Work", all)
	}
	r.mail("Work", "old", "a@example.org")
	r.once(cfg)
	srv.Delete(t, "Work")
	srv.Create(t, "Work")
	put()
	r.once(cfg)
	t.Log(r.entries(cfg))
	r.with(cfg, func(j journal.Journal) {
		n, err := engine.AmendOffline(context.Background(), j, "t", []string{"home"}, engine.Confirm, engine.Selection{})
		t.Log("confirmed", n, err)
	})
	r.once(cfg)
	if n := len(srv.Messages(t, "Copies")); n != 150 {
		t.Fatalf("%d copies", n)
	}
	// the same messages under a new UIDVALIDITY
	dates := map[string]time.Time{}
	_ = dates
	srv.Create(t, "Keep")
	srv.Move(t, "Work", "Keep")
	srv.Delete(t, "Work")
	srv.Create(t, "Work")
	srv.Move(t, "Keep", "Work")
	r.once(cfg)
	t.Log(r.entries(cfg))
	if n := r.entries(cfg)[journal.Held]; n != 0 {
		t.Errorf("%d messages that were confirmed and acted on are held again", n)
	}
	r.with(cfg, func(j journal.Journal) {
		n, err := engine.AmendOffline(context.Background(), j, "t", []string{"home"}, engine.Confirm, engine.Selection{})
		t.Log("confirmed", n, err)
	})
	r.once(cfg)
	if n := len(srv.Messages(t, "Copies")); n != 150 {
		t.Errorf("%d copies of 150 messages", n)
	}
}

// A note to oneself, which lies in Sent as well, is no duplicate; neither is what
// a client keeps saving among the drafts under one Message-ID.
func TestDraftsAndSentAreNoOriginals(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	srv := r.srv
	for _, n := range []string{"Sent", "Drafts"} {
		if !strings.Contains(strings.Join(srv.Mailboxes(t), " "), n) {
			srv.Create(t, n)
		}
	}
	cfg := r.config("watch: [INBOX, Sent, Drafts]", "rules:\n  - name: dup\n    if: duplicate\n    then: [trash]\n")
	r.once(cfg)
	r.mail("Sent", "note.to.self", "me@example.org")
	r.once(cfg)
	r.mail("INBOX", "note.to.self", "me@example.org")
	r.once(cfg)
	r.want("INBOX", "note.to.self")
}

// A server that changes the size of what is moved, as Exchange does: what was
// moved away and back is not another delivery.
func TestMovedBackByARewritingServer(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	srv := r.srv
	srv.Create(t, "Work")
	cfg := r.config("watch: [INBOX, Work]", "rules:\n  - name: dup\n    if: duplicate\n    then: [trash]\n")
	r.once(cfg)
	at := time.Now()
	srv.Append(t, "INBOX", nil, at, message("letter", "a@b.example"))
	r.once(cfg)
	srv.Empty(t, "INBOX") // moved to Work by the user
	srv.Append(t, "Work", nil, at, append([]byte("X-Moved: 1\r\n"), message("letter", "a@b.example")...))
	r.once(cfg)
	srv.Empty(t, "Work") // and back
	srv.Append(t, "INBOX", nil, at, message("letter", "a@b.example"))
	r.once(cfg)
	r.want("INBOX", "letter")
	r.want("Trash")
}

// saying answers some commands itself.
func saying(answer func(command string) string) func(*engine.Options) {
	return between(func(tag, command string, _, client io.Writer) bool {
		a := answer(command)
		if a != "" {
			fmt.Fprintf(client, "%s %s\r\n", tag, a)
		}
		return a != ""
	})
}

// A mailbox that is broken on the server ("Internal error occurred", which is
// what Dovecot says of one with a corrupt index, and says for ever) holds up only
// the mail of INBOX that was seen in it.
func TestABrokenMailboxHoldsUpNoOther(t *testing.T) {
	for _, code := range []string{"[SERVERBUG]", "[UNAVAILABLE]", "[NOPERM]"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, imaptest.Dovecot(t, imaptest.Options{}))
			r.srv.Create(t, "Work")
			cfg := r.config("watch: [INBOX, Work]", "rules:\n  - name: dup\n    if: duplicate\n    then: [trash]\n  - name: news\n    if: from.domain == \"news.example\"\n    then: [{move: News}]\n")
			r.once(cfg)
			r.mail("Work", "moved", "a@b.example")
			r.once(cfg)
			r.srv.Move(t, "Work", "INBOX")
			r.mail("INBOX", "letter", "n@news.example")
			o := saying(func(c string) string {
				if strings.HasPrefix(c, "SELECT") && strings.Contains(c, "Work") {
					return "NO " + code + " Internal error occurred. Refer to server log for more information."
				}
				return ""
			})
			for range 3 {
				r.once(cfg, o)
			}
			r.want("News", "letter")
		})
	}
}

// The same with the whole daemon: the copy that stays is not taken for a
// duplicate of the one that the client which moved it will expunge.
func TestDeletedInTheSameBatchIsNoOriginal(t *testing.T) {
	r := newRig(t, imaptest.Dovecot(t, imaptest.Options{}))
	cfg := r.config("", "rules:\n  - name: dup\n    if: duplicate\n    then: [trash]\n")
	r.once(cfg)
	r.mail("INBOX", "letter", "a@b.example") // while the daemon is down
	client(t, r.srv, "SELECT INBOX", "COPY 1 Archive", `STORE 1 +FLAGS (\Deleted)`, "SELECT Archive", "COPY 1 INBOX", `STORE 1 +FLAGS (\Deleted)`, "EXPUNGE")
	r.once(cfg)
	client(t, r.srv, "SELECT INBOX", "EXPUNGE")
	r.want("INBOX", "letter")
	r.want("Trash")
}

// client is a second mail client with raw commands.
func client(t *testing.T, srv *imaptest.Server, commands ...string) {
	t.Helper()
	host, port := srv.Addr()
	c, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rd := bufio.NewReader(c)
	rd.ReadString('\n')
	for i, cmd := range append([]string{fmt.Sprintf("LOGIN %s %s", srv.Username, srv.Password)}, commands...) {
		fmt.Fprintf(c, "a%d %s\r\n", i, cmd)
		for {
			line, err := rd.ReadString('\n')
			if err != nil {
				t.Fatal(cmd, err)
			}
			if strings.HasPrefix(line, fmt.Sprintf("a%d ", i)) {
				if !strings.Contains(line, " OK ") {
					t.Fatal(cmd, line)
				}
				break
			}
		}
	}
}
