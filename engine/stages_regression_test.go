package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
)

// One message whose structure, or part, the server refuses to tell holds up no
// other of its batch.
func TestOneBadMessageHoldsNothingUp(t *testing.T) {
	for item, condition := range map[string]string{"BODYSTRUCTURE": "not has_attachment", "BODY.PEEK[1]": `body.text contains "hello"`} {
		t.Run(item, func(t *testing.T) {
			r := newRig(t, imaptest.Dovecot(t, imaptest.Options{}))
			cfg := r.config("", "rules:\n  - name: a\n    if: "+condition+"\n    then: [{move: Plain}]\n")
			r.once(cfg)
			for i := range 4 {
				r.mail("INBOX", fmt.Sprintf("m%d", i), "a@b.example")
			}
			bad := r.srv.Messages(t, "INBOX")[1].UID
			o := refuser(func(c string) bool { return strings.Contains(c, item) && asksFor(c, bad) })
			for range 3 {
				r.once(cfg, o)
			}
			r.want("Plain", "m0", "m2", "m3")
			r.want("INBOX", "m1")
		})
	}
}

// A message that cannot be fetched, among those that the search excluded, does
// not stop the scan of the mailbox.
func TestOneBadMessageDoesNotStopNarrowing(t *testing.T) {
	r := newRig(t, imaptest.Dovecot(t, imaptest.Options{}))
	r.backlog(600)
	cfg := r.config("", "rules:\n  - name: starred\n    if: flagged\n    then: [{move: Starred}]\n")
	bad := imap.UID(2) // not flagged, in the sample: the first that is excluded
	r.once(cfg, existing, refuser(func(c string) bool { return asksFor(c, bad) }))
	if n := len(r.subjects("Starred")); n != 86 {
		t.Errorf("%d of 86 messages were moved", n)
	}
}

// With Message-ID behind 256 KiB of header, a rule that reads the whole header in
// one mailbox makes the same fingerprint of it as the fetch of named fields in
// the other one, so that our own arrival is recognised.
func TestTheIdentityDoesNotDependOnWhatWasFetched(t *testing.T) {
	var b strings.Builder
	b.WriteString("From: a@b.example\r\nSubject: x\r\n")
	for i := range 40 {
		fmt.Fprintf(&b, "X-Filler-%d: %s\r\n", i, strings.Repeat("x", 9000))
	}
	b.WriteString("Message-ID: <late@test>\r\n\r\nHello.\r\n")
	rulesText := `
rules:
  - name: there
    in: [INBOX]
    if: len(header_names) > 100
    then: [{add_flags: [x]}]
  - name: move
    in: [INBOX]
    if: true
    then: [{move: Work}]
  - name: back
    in: [Work]
    if: true
    then: [{copy: Copies}]
`
	t.Run("expected arrival, no UIDPLUS", func(t *testing.T) {
		srv := imaptest.Dovecot(t, imaptest.Options{NoUIDPlus: true})
		r := newRig(t, srv)
		srv.Create(t, "Work")
		cfg := r.config("watch: [INBOX, Work]", rulesText)
		r.once(cfg)
		r.deliver("INBOX", []byte(b.String()))
		r.once(cfg)
		r.once(cfg)
		if n := len(srv.Messages(t, "Copies")); n != 0 {
			t.Errorf("a rule acted on our own arrival %d times: %v", n, r.entries(cfg))
		}
	})
	t.Run("renumbered", func(t *testing.T) {
		srv := imaptest.Memory(t, imaptest.Options{})
		r := newRig(t, srv)
		srv.Create(t, "Work")
		cfg := r.config("watch: [Work]", strings.ReplaceAll(strings.ReplaceAll(rulesText, "[INBOX]", "[Work]"), "{move: Work}", "{add_flags: [y]}"))
		r.once(cfg)
		r.deliver("Work", []byte(b.String()))
		r.once(cfg)
		if n := len(srv.Messages(t, "Copies")); n != 1 {
			t.Fatalf("%d copies", n)
		}
		srv.Create(t, "Keep")
		srv.Move(t, "Work", "Keep")
		srv.Delete(t, "Work")
		srv.Create(t, "Work")
		srv.Move(t, "Keep", "Work")
		r.once(cfg)
		if n := len(srv.Messages(t, "Copies")); n != 1 {
			t.Errorf("%d copies of one message", n)
		}
	})
}

// 2,000 short fields in front of Message-ID do not hide it.
func TestTheIdentityIsFoundBehindManyFields(t *testing.T) {
	srv := imaptest.Memory(t, imaptest.Options{})
	r := newRig(t, srv)
	srv.Create(t, "Work")
	cfg := r.config("watch: [Work]", "rules:\n  - name: names\n    in: [Work]\n    if: len(header_names) > 100\n    then: [{add_flags: [x]}]\n  - name: copy\n    in: [Work]\n    if: true\n    then: [{copy: Copies}]\n")
	r.once(cfg)
	r.deliver("Work", []byte("From: a@b.example\r\n"+strings.Repeat("X:\r\n", 2000)+"Message-ID: <late@test>\r\n\r\nHello.\r\n"))
	r.once(cfg)
	srv.Create(t, "Keep")
	srv.Move(t, "Work", "Keep")
	srv.Delete(t, "Work")
	srv.Create(t, "Work")
	srv.Move(t, "Keep", "Work")
	r.once(cfg)
	if n := len(srv.Messages(t, "Copies")); n != 1 {
		t.Errorf("%d copies of one message", n)
	}
}

// A sender cannot make a rule about auth fail for his message by a long
// Authentication-Results of his own far below the trusted one.
func TestALongForgedFieldDoesNotBlindARule(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("trusted_authserv: [mx.example.org]", "rules:\n  - name: phish\n    if: auth.dmarc != \"pass\"\n    then: [{move: Phish}]\n  - name: second\n    if: subject contains \"viagra\"\n    then: [{add_flags: [$Spam]}]\n")
	r.once(cfg)
	head := "Authentication-Results: mx.example.org; dmarc=fail header.from=bank.example\r\nFrom: a@bank.example\r\nSubject: viagra\r\nMessage-ID: <p1@test>\r\n"
	r.deliver("INBOX", []byte(head+"Authentication-Results: x.example; dmarc=pass"+strings.Repeat(" (x)\r\n", 12000)+"\r\n\r\nx\r\n"))
	long := "Authentication-Results: x.example;"
	for range 1100 {
		long += "\r\n " + strings.Repeat("x", 60)
	}
	r.deliver("INBOX", []byte(strings.Replace(head, "p1", "p2", 1)+long+"\r\n\r\nx\r\n"))
	long = "Subject: "
	for range 1100 {
		long += "\r\n " + strings.Repeat("x", 60)
	}
	r.deliver("INBOX", []byte(strings.Replace(strings.Replace(head, "p1", "p3", 1), "dmarc=fail", "dmarc=pass", 1)+long+"\r\n\r\nx\r\n"))
	r.once(cfg)
	r.want("Phish", "p1", "p2")
	for _, m := range r.srv.Messages(t, "INBOX") {
		t.Log(m.MessageID, m.Flags)
		if m.MessageID == "<p3@test>" && len(m.Flags) == 0 {
			t.Error("a second, long Subject keeps the rule about the first from matching")
		}
	}
}

// A rule with stop that cannot be evaluated might have protected the message, so
// the next rule does not take it away.
func TestAFailedStopRuleProtects(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", "rules:\n  - name: keep contracts\n    if: any(attachments, .name contains \"contract\")\n    then: [{add_flags: [$Keep]}]\n    stop: true\n  - name: clear\n    if: from.domain == \"shop.example\"\n    then: [trash]\n")
	r.once(cfg)
	r.deliver("INBOX", []byte("From: a@shop.example\r\nMessage-ID: <many@test>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"+strings.Repeat("--b\r\n\r\nx\r\n", 600)+"--b\r\nContent-Type: application/pdf; name=contract.pdf\r\nContent-Disposition: attachment; filename=contract.pdf\r\n\r\nx\r\n--b--\r\n"))
	r.once(cfg)
	r.want("Trash")
}

// The search of a backlog must not change what a rule does. The original is
// read, the second delivery is not; "duplicate and not seen" is about the
// second. The search excludes the original, so that nobody knows of it.
func TestNarrowingDoesNotHideTheOriginalOfADuplicate(t *testing.T) {
	both(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		var all []imaptest.Delivery
		at := time.Now().Add(-time.Hour)
		all = append(all, imaptest.Delivery{Flags: []imap.Flag{imap.FlagSeen}, Date: at, Raw: message("twice", "a@b.example")})
		for i := range 520 {
			all = append(all, imaptest.Delivery{Flags: []imap.Flag{imap.FlagSeen}, Date: at, Raw: message(fmt.Sprintf("m%d", i), "a@b.example")})
		}
		all = append(all, imaptest.Delivery{Date: at.Add(time.Minute), Raw: message("twice", "a@b.example")})
		srv.AppendAll(t, "INBOX", all)
		cfg := r.config("", "rules:\n  - name: dup\n    if: duplicate and not seen\n    then: [{move: Dups}]\n")
		r.once(cfg, existing)
		r.want("Dups", "twice")
	})
}

// refuser makes the server itself refuse commands that match, as servers do
// that cannot convert one message: it is sent one that it does not know instead.
func refuser(refuse func(command string) bool) func(*engine.Options) {
	return between(func(tag, command string, server, _ io.Writer) bool {
		if refuse(command) {
			fmt.Fprintf(server, "%s UID FETCH 4294967290:4294967290 (BOGUS)\r\n", tag)
			return true
		}
		return false
	})
}

// between is a line proxy. handle is given each command and where to write
// instead of passing it on; it reports whether it did.
func between(handle func(tag, command string, server, client io.Writer) bool) func(*engine.Options) {
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		up, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		mine, theirs := net.Pipe()
		go func() { io.Copy(theirs, up); theirs.Close() }()
		go func() {
			defer up.Close()
			rd := bufio.NewReader(theirs)
			for {
				line, err := rd.ReadString('\n')
				if err != nil {
					return
				}
				tag, command, _ := strings.Cut(strings.TrimSpace(line), " ")
				if !handle(tag, command, up, theirs) {
					io.WriteString(up, line)
				}
			}
		}()
		return mine, nil
	}
	return func(o *engine.Options) { o.DialContext = dial }
}

func asksFor(command string, uid imap.UID) bool {
	m := regexp.MustCompile(`UID FETCH ([0-9:,]+) `).FindStringSubmatch(command)
	if m == nil {
		return false
	}
	for part := range strings.SplitSeq(m[1], ",") {
		first, last := 0, 0
		if k, _ := fmt.Sscanf(part, "%d:%d", &first, &last); k < 2 {
			last = first
		}
		if int(uid) >= first && int(uid) <= last {
			return true
		}
	}
	return false
}
