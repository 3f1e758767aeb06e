package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
)

// mime is a message with a text, an HTML text and an attachment.
func mime(subject, text string, filler int) []byte {
	return fmt.Appendf(nil, "From: a@example.org\r\nTo: me@example.org\r\nSubject: %s\r\nMessage-ID: <%s@test>\r\nDate: Mon, 4 May 2026 12:00:00 +0000\r\n"+
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n"+
		"--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%s\r\n"+
		"--a\r\nContent-Type: text/html\r\n\r\n<p>%s</p>\r\n--a--\r\n"+
		"--m\r\nContent-Type: application/pdf; name=r.pdf\r\nContent-Disposition: attachment; filename=r.pdf\r\n\r\n%s\r\n--m--\r\n",
		subject, subject, text, text, strings.Repeat("x", filler))
}

func (r *rig) deliver(mailbox string, raw []byte) { r.srv.Append(r.t, mailbox, nil, time.Now(), raw) }

// With rules that need only flags and header fields, nothing of any body and
// no structure is fetched.
func TestHeaderRulesFetchNoBody(t *testing.T) {
	both(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", filing)
		r.once(cfg)
		r.deliver("INBOX", mime("one", "hello", 100))
		r.mail("INBOX", "letter", "b@news.example")
		rec, dial := recorded()
		r.once(cfg, dial)
		r.want("News", "letter")
		for _, c := range rec.Commands() {
			if strings.Contains(c, "BODYSTRUCTURE") || strings.Contains(c, "BODY") && !strings.Contains(c, "BODY.PEEK[HEADER.FIELDS") {
				t.Errorf("sent: %s", c)
			}
		}
	})
}

// A body is fetched only of messages whose outcome depends on it, by the
// number of its part and no more than the limit, and the attachment never.
func TestBodyIsFetchedOnlyWhereItMatters(t *testing.T) {
	both(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", "body: {limit: 2KiB}\nrules:\n  - name: large\n    if: size > kb(100) and body.text contains \"grüße\"\n    then: [{move: Large}]\n")
		r.once(cfg)
		r.deliver("INBOX", mime("small", "Gr=C3=BC=C3=9Fe", 100))
		r.deliver("INBOX", mime("match", "Gr=C3=BC=C3=9Fe", 200<<10))
		r.deliver("INBOX", mime("other", "hello", 200<<10))
		rec, dial := recorded()
		r.once(cfg, dial)
		r.want("Large", "match")
		r.want("INBOX", "small", "other")
		structures, bodies := rec.Sent("BODYSTRUCTURE"), rec.Sent("BODY.PEEK[1.1]<0.2048>")
		if len(structures) != 1 || !strings.Contains(structures[0], "FETCH 2:3 ") {
			t.Errorf("structures: %q, want one command for the two large ones", structures)
		}
		if len(bodies) != 1 || !strings.Contains(bodies[0], "FETCH 2:3 ") {
			t.Errorf("bodies: %q, want one command for the two large ones", bodies)
		}
		if got := rec.Received(); got > 20<<10 {
			t.Errorf("%d bytes came, of messages of 400 KiB", got)
		}
		for _, m := range srv.Messages(t, "INBOX") {
			if len(m.Flags) != 0 {
				t.Errorf("flags of %s: %v", m.MessageID, m.Flags)
			}
		}
	})
}

// Attachments and bounces come from the structure and one part.
func TestAttachmentsAndBounces(t *testing.T) {
	both(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("", `
rules:
  - name: receipts
    if: any(attachments, .type == "application/pdf")
    then: [{move: 'Receipts/${year(sent)}'}]
  - name: bounces
    if: is_bounce
    then: [{move: 'Bounces/${bounce.status}'}]
  - name: quoted
    if: body.html contains "<b>" and not has_attachment
    then: [{move: 'Html'}]
`)
		r.once(cfg)
		r.deliver("INBOX", mime("receipt", "hello", 10))
		r.deliver("INBOX", []byte("From: mailer-daemon@example.org\r\nSubject: b\r\nMessage-ID: <bounce@test>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"+
			"--b\r\n\r\nIt failed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"))
		r.deliver("INBOX", []byte("From: a@example.org\r\nSubject: h\r\nMessage-ID: <html@test>\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n"))
		r.mail("INBOX", "plain", "a@example.org")
		r.once(cfg)
		r.want("Receipts/2026", "receipt")
		r.want("Bounces/5_1_1", "bounce")
		r.want("Html", "html")
		r.want("INBOX", "plain")
	})
}

// What the journal knows decides: the second of two equal deliveries, and what
// the user moved by hand.
func TestHistoryDecides(t *testing.T) {
	both(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("watch: [INBOX, Junk]", `
rules:
  - name: duplicates
    if: duplicate
    then: [trash]
  - name: learn
    in: [Junk]
    if: by_user and moved_from == "INBOX"
    then: [{add_flags: [$Spam]}]
  - name: answered
    if: has_reply
    then: [{add_flags: [$HasReply]}]
`)
		r.once(cfg)
		r.mail("INBOX", "first", "a@example.org")
		r.mail("INBOX", "spam", "b@example.org")
		r.once(cfg)
		r.mail("INBOX", "first", "a@example.org")
		r.once(cfg)
		r.want("INBOX", "first", "spam")
		r.want("Trash", "first")
		srv.Move(t, "INBOX", "Junk") // both, by hand
		r.mail("Junk", "other", "c@example.org")
		r.once(cfg)
		flagged := 0
		for _, m := range srv.Messages(t, "Junk") {
			for _, f := range m.Flags {
				if f == "$Spam" || f == "$spam" {
					flagged++
					if m.MessageID == "<other@test>" {
						t.Errorf("%s was learned", m.MessageID)
					}
				}
			}
		}
		if flagged != 2 {
			t.Errorf("%d messages were learned, want 2", flagged)
		}
	})
}

// A rule that cannot be evaluated takes no action, and is counted.
func TestRuleErrorsAreCounted(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", "rules:\n  - name: files\n    if: len(attachments) > 5\n    then: [trash]\n  - name: names\n    if: true\n    then: [{copy: 'L/${list.name}'}]\n")
	r.once(cfg)
	r.deliver("INBOX", []byte("From: a@b.c\r\nMessage-ID: <many@test>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"+strings.Repeat("--b\r\n\r\nx\r\n", 600)+"--b--\r\n"))
	r.mail("INBOX", "plain", "a@b.c")
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("both rules are counted", func() bool {
			status, err := e.Status(t.Context())
			if err != nil || len(status.Accounts) == 0 {
				return false
			}
			got := fmt.Sprint(status.Accounts[0].RuleErrors)
			return strings.Contains(got, "{files 1 the message has more than 500 parts") && strings.Contains(got, "{names 2 ")
		})
	})
	r.want("INBOX", "many", "plain")
}
