package engine_test

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
)

// both runs a test on the memory server and on Dovecot.
func both(t *testing.T, run func(t *testing.T, srv *imaptest.Server)) {
	t.Helper()
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{"memory": imaptest.Memory, "dovecot": imaptest.Dovecot} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, start(t, imaptest.Options{}))
		})
	}
}

// recorded makes the engine dial through a recorder.
func recorded() (*imaptest.Recorder, func(*engine.Options)) {
	rec := imaptest.Record((&net.Dialer{}).DialContext)
	return rec, func(o *engine.Options) { o.DialContext = rec.DialContext }
}

// backlog fills INBOX with n messages, of which every tenth is from the domain
// that the rules ask for, and every seventh is flagged.
func (r *rig) backlog(n int) (wanted []string) {
	var all []imaptest.Delivery
	for i := range n {
		from, subject, flags := fmt.Sprintf("a%d@elsewhere.example", i), fmt.Sprintf("m%d", i), []imap.Flag(nil)
		if i%10 == 3 {
			from = "n@news.example"
			wanted = append(wanted, subject)
		}
		if i%7 == 0 {
			flags = []imap.Flag{imap.FlagFlagged}
		}
		all = append(all, imaptest.Delivery{Flags: flags, Date: time.Now(), Raw: message(subject, from)})
	}
	r.srv.AppendAll(r.t, "INBOX", all)
	return wanted
}

// fetchedHeaders counts the messages whose From was fetched.
func fetchedHeaders(rec *imaptest.Recorder) int { return membersIn(rec.Sent("FROM")) }

// membersIn counts the messages that commands fetch something of.
func membersIn(commands []string) int {
	n := 0
	for _, c := range commands {
		if m := regexp.MustCompile(`UID FETCH ([0-9:,]+) `).FindStringSubmatch(c); m != nil {
			for part := range strings.SplitSeq(m[1], ",") {
				first, last := 0, 0
				if k, _ := fmt.Sscanf(part, "%d:%d", &first, &last); k < 2 {
					last = first
				}
				n += last - first + 1
			}
		}
	}
	return n
}

// A backlog is searched, and only what a rule could act on is fetched.
func TestBacklogIsSearched(t *testing.T) {
	both(t, func(t *testing.T, srv *imaptest.Server) {
		r := newRig(t, srv)
		r.backlog(600)
		cfg := r.config("", "rules:\n  - name: starred\n    if: flagged and from.domain == \"news.example\"\n    then: [{move: News}]\n")
		rec, dial := recorded()
		r.once(cfg, existing, dial)
		if got := fetchedHeaders(rec); got > 200 {
			t.Errorf("the headers of %d messages were fetched, of 600 with 86 flagged ones", got)
		}
		var want []string
		for i := range 600 {
			if i%10 == 3 && i%7 == 0 {
				want = append(want, fmt.Sprintf("m%d", i))
			}
		}
		r.want("News", want...)
		rec.Reset()
		r.once(cfg, dial)
		if got := fetchedHeaders(rec); got != 0 {
			t.Errorf("%d messages are looked at again", got)
		}
	})
}

// Dovecot finds any part of a text, which is tried before it is relied on.
func TestTextsAreSearchedWhereTheServerFindsThem(t *testing.T) {
	r := newRig(t, imaptest.Dovecot(t, imaptest.Options{}))
	want := r.backlog(600)
	rec, dial := recorded()
	r.once(r.config("", filing), existing, dial)
	r.want("News", want...)
	if len(rec.Sent("OR (FROM")) == 0 && len(rec.Sent("FROM new")) == 0 && len(rec.Sent(`FROM "new"`)) == 0 {
		t.Errorf("no search by sender was sent: %q", rec.Sent("SEARCH"))
	}
	if got := fetchedHeaders(rec); got > 200 {
		t.Errorf("the headers of %d messages were fetched, of 600 with 60 from the domain", got)
	}
}

// A server of which it is not known is not asked for texts.
func TestTextsAreNotSearchedElsewhere(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	want := r.backlog(600)
	rec, dial := recorded()
	r.once(r.config("", filing), existing, dial)
	r.want("News", want...)
	if sent := rec.Sent("SEARCH"); strings.Contains(strings.ToUpper(strings.Join(sent, "\n")), "FROM ") {
		t.Errorf("it was: %q", sent)
	}
}

// A search that leaves out what a rule would act on is found out by the sample,
// and the whole backlog is fetched.
func TestALyingSearchIsFoundOut(t *testing.T) {
	srv := imaptest.Memory(t, imaptest.Options{})
	r := newRig(t, srv)
	r.backlog(600)
	srv.Mem.HideFromSearch(func(uid imap.UID) bool { return uid > 300 })
	cfg := r.config("", "rules:\n  - name: starred\n    if: flagged\n    then: [{move: Starred}]\n")
	r.once(cfg, existing)
	var want []string
	for i := 0; i < 600; i += 7 {
		want = append(want, fmt.Sprintf("m%d", i))
	}
	r.want("Starred", want...)
	r.with(cfg, func(j journal.Journal) {
		events, err := j.Tail(context.Background(), "home", 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == "search" && strings.Contains(e.Text, "not asked any more") {
				return
			}
		}
		t.Error("no event tells that the search cannot be relied on")
	})
}

// What the server excluded is remembered like all mail: moved to another
// UIDVALIDITY it is not new.
func TestExcludedMailIsRemembered(t *testing.T) {
	srv := imaptest.Memory(t, imaptest.Options{})
	r := newRig(t, srv)
	r.backlog(520)
	cfg := r.config("", "rules:\n  - name: starred\n    if: flagged\n    then: [{add_flags: [$Starred]}]\n")
	r.once(cfg, existing)
	r.with(cfg, func(j journal.Journal) {
		known, err := j.Known(context.Background(), "home", "INBOX", srv.UIDValidity(t, "INBOX"))
		if err != nil || len(known) != 520 {
			t.Errorf("%d fingerprints, %v, want 520", len(known), err)
		}
	})
}
