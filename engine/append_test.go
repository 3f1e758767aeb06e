package engine_test

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

const appendRules = `
rules:
  - name: add
    if: not deleted
    then:
      - append: {to: Notes, subject: 'About ${subject}', body: "It came from ${from.address}.\nGrüße"}
      - append: {to: X, header: {X-Label: 'by ${rule}', Keywords: 'größer'}}
      - copy: X
      - move: M
  - name: again
    in: [Notes, X]
    if: 'true'
    then: [{add_flags: [$Wrong]}, {append: {to: Wrong, subject: again}}]
`

// wantAppended checks what appendRules make of some messages: a note, a changed copy and
// a copy each, once, of which no rule took notice.
func (r *rig) wantAppended(subjects ...string) {
	r.t.Helper()
	r.want("M", subjects...)
	r.want("INBOX")
	r.want("X", slices.Concat(subjects, subjects)...)
	r.want("Wrong")
	labels, notes, ids := map[string]int{}, map[string]int{}, map[string]int{}
	for _, text := range slices.Concat(r.srv.Texts(r.t, "X"), r.srv.Texts(r.t, "Notes")) {
		m, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			r.t.Fatal(err)
		}
		notes[m.Header.Get("Subject")]++
		labels[m.Header.Get("X-Label")]++
		ids[m.Header.Get("X-Imapilot-Id")]++
	}
	if n := len(subjects); labels["by add"] != n || labels[""] != 2*n || len(labels) != 2 || len(ids) != 2*n+1 {
		r.t.Errorf("labels %v, ids %v", labels, ids)
	}
	for _, s := range subjects {
		if notes["About "+s] != 1 || notes[s] != 2 {
			r.t.Errorf("subjects %v", notes)
		}
	}
	for _, m := range slices.Concat(r.srv.Messages(r.t, "X"), r.srv.Messages(r.t, "Notes")) {
		if slices.Contains(m.Flags, "$Wrong") {
			r.t.Errorf("a rule acted on %s", m.MessageID)
		}
	}
}

// What is appended is what was asked for: a note of our own, and the message itself with
// fields before it, its flags and its date.
func TestAppend(t *testing.T) {
	servers(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		cfg := r.config("watch: [INBOX, Notes, X]\naddresses: [me@example.org]", appendRules)
		r.once(cfg)
		raw := message("letter", "ann@example.org")
		r.srv.Append(t, "INBOX", []imap.Flag{imap.FlagFlagged, "$kept"}, accountDate, raw)
		r.once(cfg)
		r.once(cfg)
		r.wantAppended("letter")
		if got := r.entries(cfg); got[journal.Done] != 1 || len(got) != 1 {
			t.Errorf("entries %v", got)
		}
		for _, m := range r.srv.Messages(t, "X") {
			if !m.Received.Equal(accountDate) || !slices.Contains(m.Flags, "$kept") || !slices.Contains(m.Flags, imap.FlagFlagged) {
				t.Errorf("%+v", m)
			}
		}
		changed := slices.DeleteFunc(r.srv.Texts(t, "X"), func(s string) bool { return s == string(raw) })
		if len(changed) != 1 || !strings.HasPrefix(changed[0], "X-Imapilot: add\r\nX-Imapilot-Id: msg_") ||
			!strings.HasSuffix(changed[0], "\r\nX-Label: by add\r\nKeywords: =?utf-8?B?Z3LDtsOfZXI=?=\r\n"+string(raw)) {
			t.Errorf("%q", changed)
		}
		notes := r.srv.Texts(t, "Notes")
		if len(notes) != 1 || !strings.Contains(notes[0], "\r\nFrom: imapilot <me@example.org>\r\n") ||
			!strings.HasSuffix(notes[0], "\r\n\r\nIt came from ann@example.org.\r\nGr=C3=BC=C3=9Fe\r\n") {
			t.Errorf("%q", notes)
		}
		if got := r.srv.Messages(t, "Notes")[0]; len(got.Flags) != 0 || !strings.HasPrefix(got.MessageID, "<imapilot.note.msg_") {
			t.Errorf("%+v", got)
		}
	})
}

// Wherever a connection ends, on a real server too, everything is appended once.
func TestAppendOverALineThatBreaksAnywhere(t *testing.T) {
	pairs(t, func(t *testing.T, slow int, next func() pair) {
		run := func(n int) int {
			r := next().rig
			cfg := r.config("watch: [INBOX, Notes, X]", appendRules)
			r.once(cfg)
			r.mail("INBOX", "letter", "ann@example.org")
			c := &cutter{n: n}
			for range 3 {
				r.once(cfg, c.dialer)
			}
			r.wantAppended("letter")
			if got := r.entries(cfg); got[journal.Done] != 1 || len(got) != 1 {
				t.Errorf("entries %v", got)
			}
			if t.Failed() {
				t.Logf("cut at line %d of %d", n, c.count)
			}
			return c.count
		}
		for n, all := 1, run(0); n <= all && !t.Failed(); n += stride(23 * slow) {
			run(n)
		}
	})
}

// A note that was made, and of which the reply was lost, is found by its id in a mailbox
// that was renumbered meanwhile.
func TestAppendIntoAMailboxThatIsRenumbered(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", "rules: [{name: n, if: 'true', then: [{append: {to: Notes, subject: Hello}}, {move: M}]}]\n")
	r.once(cfg)
	for n := 0; ; n++ {
		subject := fmt.Sprint("m", n)
		r.mail("INBOX", subject, "a@example.org")
		finished := r.runAndCrash(cfg, n, true)
		renumber(t, r.srv, "Notes")
		r.once(cfg)
		r.once(cfg)
		if got := len(r.srv.Messages(t, "Notes")); got != n+1 {
			t.Fatalf("dead at operation %d: %d notes", n, got)
		}
		if finished {
			return
		}
	}
}

// renumber gives a mailbox another UIDVALIDITY, with all that is in it.
func renumber(t *testing.T, srv *imaptest.Server, mailbox string) {
	t.Helper()
	if len(srv.Messages(t, mailbox)) == 0 {
		return
	}
	texts, all := srv.Texts(t, mailbox), srv.Messages(t, mailbox)
	srv.Delete(t, mailbox)
	for i, text := range texts {
		srv.Append(t, mailbox, all[i].Flags, all[i].Received, []byte(text))
	}
}

// A target that is full waits, and one that takes no message of that size fails the
// action; nothing comes after it.
func TestAppendThatIsNotTaken(t *testing.T) {
	limited := func(line string) (out answer) {
		if strings.HasPrefix(line, "AUTHENTICATE") || strings.HasPrefix(line, "LOGIN") {
			out.reply = "OK [CAPABILITY IMAP4rev1 UIDPLUS APPENDLIMIT=500] in"
		}
		return out
	}
	answering(t, imaptest.Options{}, "", "rules: [{name: n, if: 'has(subject, \"note\")', then: [{append: {to: Notes, subject: '${subject}'}}, {move: M}]}, "+
		"{name: c, if: 'has(subject, \"copy\")', then: [{append: {to: Copies, header: {X-A: b}}}, {move: M}]}]\n", limited, func(b answered) {
		r := b.rig
		r.srv.Create(t, "Notes")
		r.srv.Mem.Refuse("Notes", "OVERQUOTA")
		b.put("note one", "copy "+strings.Repeat("x", 400))
		b.pass(3 * time.Hour)
		r.want("M")
		if pauses := b.state().Pauses; len(pauses) != 1 || pauses[0].Target != "Notes" || b.tries() != 0 {
			t.Errorf("%+v, %d tries", pauses, b.tries())
		}
		failed := slices.ContainsFunc(b.list(), func(e journal.Entry) bool {
			return e.State == journal.Failed && strings.Contains(e.Reason, "takes at most 500")
		})
		if !failed {
			t.Errorf("nothing failed: %+v", b.list())
		}
		r.srv.Mem.Allow("Notes")
		b.pass(time.Hour)
		r.want("M", "note.one")
		if n := len(r.srv.Messages(t, "Notes")); n != 1 {
			t.Errorf("%d notes", n)
		}
	})
}

// An append may lead to another account, where it fires no rule, and undo leaves it.
func TestAppendToAnotherAccount(t *testing.T) {
	p := newPair(t, imaptest.Memory(t, imaptest.Options{}), imaptest.Memory(t, imaptest.Options{NoUIDPlus: true}))
	cfg := p.load("watch: [INBOX, Notes]", `
rules:
  - name: there
    accounts: [home]
    if: 'true'
    then: [{append: {account: work, to: Notes, subject: Hello}}, {append: {account: work, to: INBOX, header: {X-A: b}}}, {move: M}]
  - {name: any, accounts: [work], in: [INBOX, Notes], if: 'true', then: [trash]}
`)
	p.once(cfg)
	p.mail("INBOX", "letter", "a@example.org")
	p.once(cfg)
	p.once(cfg)
	p.want("M", "letter")
	p.to.want("INBOX", "letter")
	p.to.want("Trash")
	if notes := p.work.Texts(t, "Notes"); len(notes) != 1 || !strings.Contains(notes[0], "Subject: Hello\r\n") {
		t.Errorf("%q", notes)
	}
	for _, u := range p.undo(cfg, p.acts(cfg)...) {
		if got := undoneText(u); strings.Count(got, "a copy in another account is not removed") != 2 || !strings.HasPrefix(got, "move: INBOX") {
			t.Error(got)
		}
	}
}

// What was appended is taken away again where it is proven ours and nobody touched it.
func TestUndoOfAppends(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", appendRules)
	r.once(cfg)
	for _, subject := range []string{"one", "two"} {
		r.mail("INBOX", subject, "a@example.org", imap.FlagFlagged)
	}
	before := everything(t, r.srv)
	r.once(cfg)
	r.wantAppended("one", "two")
	acts := r.acts(cfg)
	for _, u := range r.undo(cfg, acts[0]) {
		if got := undoneText(u); got != "move: INBOX, remove the note in Notes, remove the copy in X, remove the copy in X" {
			t.Error(got)
		}
	}
	r.once(cfg)
	r.want("INBOX", "one")
	r.want("X", "two", "two")
	if n := len(r.srv.Messages(t, "Notes")); n != 1 {
		t.Errorf("%d notes", n)
	}
	r.srv.Store(t, "Notes", imap.StoreFlagsAdd, imap.FlagSeen)
	for _, u := range r.undo(cfg, acts[1]) {
		if got := undoneText(u); !strings.Contains(got, `not append: {to: Notes, subject: About two}: somebody gave the copy the flag \Seen`) {
			t.Error(got)
		}
	}
	r.once(cfg)
	after := everything(t, r.srv)
	for key := range after {
		if strings.HasPrefix(key, "Notes <imapilot.note.") && strings.HasSuffix(key, `[\seen]`) {
			delete(after, key)
		}
	}
	sameMail(t, after, before)
}

// What was appended is not taken for a copy of the same message, though only its size
// tells them apart, and the server names neither.
func TestWhatWasAppendedIsNoCopy(t *testing.T) {
	cut := false
	once := func(line string) (out answer) {
		out.cut = !cut && strings.HasPrefix(line, "UID COPY")
		cut = cut || out.cut
		return out
	}
	answering(t, imaptest.Options{NoMove: true, NoUIDPlus: true}, "", "rules: [{name: n, if: 'true', then: [{append: {to: News, header: {X-A: b}}}, {copy: News}]}]\n", once, func(b answered) {
		b.put("one")
		b.pass(time.Minute)
		texts := b.srv.Texts(t, "News")
		if len(texts) != 2 || !cut || !strings.Contains(texts[0], "X-A: b") || strings.Contains(texts[1], "X-A: b") {
			t.Errorf("%q, cut: %v", texts, cut)
		}
	})
}

// Of two identical messages each has what is appended for it.
func TestAppendsForIdenticalMessages(t *testing.T) {
	for _, caps := range []imaptest.Options{{}, {NoMove: true, NoUIDPlus: true}} {
		r := newRig(t, imaptest.Memory(t, caps))
		cfg := r.config("watch: [INBOX, Notes]", appendRules)
		r.once(cfg)
		raw := message("twin", "a@example.org")
		for n, notes := 0, 0; ; n++ {
			for range 2 {
				r.srv.Append(t, "INBOX", nil, accountDate.Add(time.Duration(n)*time.Hour), raw)
			}
			finished := r.runAndCrash(cfg, 3*n, n%2 == 0)
			r.once(cfg)
			r.once(cfg)
			if got := len(r.srv.Messages(t, "Notes")); got != notes+2 {
				t.Fatalf("dead at operation %d, %+v: %d notes of %d", 3*n, caps, got, notes+2)
			}
			if notes += 2; finished {
				break
			}
		}
	}
}
