package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/actions/smtp"
	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
	"imapilot/rules"
)

// post is a mail server in the process: it notes what it was handed, and says what came
// of it.
type post struct {
	mu   sync.Mutex
	got  []posted
	says func(n int, p posted) smtp.Result // n from 1; nil takes it
	now  int
	most int // that were handed in at once
}

type posted struct {
	server   smtp.Server
	envelope smtp.Envelope
	message  string
	at       time.Time
}

func (p *post) send(ctx context.Context, s smtp.Server, e smtp.Envelope, message []byte) smtp.Result {
	p.mu.Lock()
	p.got = append(p.got, posted{s, e, string(message), time.Now()})
	n, says, last := len(p.got), p.says, p.got[len(p.got)-1]
	p.now++
	p.most = max(p.most, p.now)
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.now--
		p.mu.Unlock()
	}()
	select {
	case <-time.After(time.Second): // a server takes its time
	case <-ctx.Done():
		return smtp.Result{Err: ctx.Err(), Retry: true}
	}
	if says == nil {
		return smtp.Result{Code: 250}
	}
	return says(n, last)
}

func (p *post) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.got)
}

// header is a field of a message.
func (p posted) header(name string) string {
	for line := range strings.Lines(p.message) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// says has a server say the same to all.
func says(r smtp.Result) func(int, posted) smtp.Result {
	return func(int, posted) smtp.Result { return r }
}

var (
	notNow  = smtp.Result{Code: 451, Err: errors.New("RCPT: the server answered 451 not now"), Retry: true}
	noUser  = smtp.Result{Code: 550, Err: errors.New("RCPT: the server answered 550 no such user")}
	noLogin = smtp.Result{Code: 535, Err: fmt.Errorf("%w: the server answered 535 no", smtp.ErrLogin)}
	lost    = smtp.Result{Err: errors.New("the answer to the message: EOF"), Retry: true, Unknown: true}
)

const (
	mailServer   = "smtp: {host: smtp.example.org, username: me@example.org, password: hush, from: me@example.org, name: Me}\nallow: [forward, reply]\n"
	forwardTrash = mailServer + "rules:\n  - {name: on, if: true, then: [{forward: {to: [ann@example.net, bob@example.net], note: 'About ${subject}'}}, trash]}\n"
	replyTrash   = mailServer + "rules:\n  - {name: away, if: true, then: [{reply: 'Thank you, ${from.address}.'}, trash]}\n"
)

// posting is an account with a mail server, in a bubble. One message came after the
// first look.
func posting(t *testing.T, rules string, test func(t *testing.T, r *rig, cfg *config.Config, p *post)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, p := newRig(t, pipes(t, imaptest.Options{NoIdle: true})), &post{}
		r.mailer = p.send
		cfg := r.config(rarely, rules)
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		test(t, r, cfg, p)
	})
}

// letter delivers a message with more header lines.
func (r *rig) letter(subject, from string, lines ...string) {
	r.deliver("INBOX", append([]byte(strings.Join(append(lines, ""), "\r\n")), message(subject, from)...))
}

// TestForwardThenTrash: one --once sends the message first and then trashes it.
func TestForwardThenTrash(t *testing.T) {
	posting(t, forwardTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		p.says = func(int, posted) smtp.Result {
			r.want("INBOX", "a") // it is still there
			return smtp.Result{Code: 250}
		}
		r.once(cfg)
		r.want("Trash", "a")
		r.wantState(cfg, journal.Done, journal.Delivered)
		d := r.theDelivery(cfg)
		if p.count() != 1 || d.Endpoint != "forward" || d.Attempts != 1 || d.LastStatus != 250 || d.RawKept {
			t.Fatalf("%d sent, %+v", p.count(), d)
		}
		got := p.got[0]
		if s := got.server; s.Host != "smtp.example.org" || s.Username != "me@example.org" || s.Password != "hush" || s.From != "me@example.org" {
			t.Errorf("%+v", s)
		}
		if e := got.envelope; e.From != "me@example.org" || !slices.Equal(e.To, []string{"ann@example.net", "bob@example.net"}) {
			t.Errorf("%+v", e)
		}
		if got.header("From") != "Me <me@example.org>" || got.header("To") != "ann@example.net, bob@example.net" || got.header("Subject") != "Fwd: a" ||
			!strings.Contains(got.message, "About a\r\n\r\n----------") || !strings.Contains(got.message, string(message("a", "x@example.org"))) {
			t.Errorf("%s", got.message)
		}
		if strings.Contains(string(d.Payload), "hush") || strings.Contains(string(d.Payload), "smtp.example.org") {
			t.Errorf("the journal holds the mail server: %s", d.Payload)
		}
	})
}

// TestLettersInOneApply: so does an apply over mail that is there.
func TestLettersInOneApply(t *testing.T) {
	posting(t, forwardTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		r.apply(cfg, engine.Scope{})
		r.want("Trash", "a")
		if p.count() != 1 {
			t.Errorf("%d sent", p.count())
		}
	})
}

// TestForwardThatIsRefused: a message that must not be forwarded stays, its step has
// failed for good, and says why.
func TestForwardThatIsRefused(t *testing.T) {
	posting(t, forwardTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		r.once(cfg)
		r.want("Trash", "a")
		first := p.got[0].message
		r.letter("bulk", "x@example.org", "Precedence: bulk")
		r.letter("bounce", "x@example.org", "Return-Path: <>")
		r.deliver("INBOX", []byte(first)) // it came round
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
		why := map[string]string{}
		for _, e := range r.all(cfg) {
			if e.State == journal.Failed {
				_, reason, _ := strings.Cut(e.Reason, "not forwarded: ")
				why[e.Subject] = reason
			}
		}
		if p.count() != 1 || len(why) != 3 || why["bulk"] != "it went to many (Precedence)" || !strings.HasPrefix(why["bounce"], "its sender wants nothing returned") ||
			why["Fwd: a"] != "this message was sent by imapilot for this account and came back" {
			t.Errorf("%d sent, %q", p.count(), why)
		}
		if got := r.subjects("INBOX"); len(got) != 3 {
			t.Errorf("INBOX holds %q", got)
		}
	})
}

// TestForwardAnyway: bulk mail goes on where the rule says so, with the null path where
// it must cause no notice, and what is a loop does not.
func TestForwardAnyway(t *testing.T) {
	posting(t, strings.ReplaceAll(forwardTrash, "note: 'About ${subject}'", "anyway: true"), func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		r.once(cfg)
		r.letter("bulk", "x@example.org", "Precedence: bulk")
		r.letter("bounce", "x@example.org", "Return-Path: <>")
		r.deliver("INBOX", []byte(p.got[0].message))
		r.once(cfg)
		r.want("Trash", "a", "bulk", "bounce")
		if p.count() != 3 || p.got[1].envelope.From+p.got[2].envelope.From != "me@example.org" {
			t.Errorf("%d sent: %+v", p.count(), p.got)
		}
	})
}

// TestLargeMessageIsNotForwarded: nobody gets a part of a message.
func TestLargeMessageIsNotForwarded(t *testing.T) {
	tooLargeForTheDetector(t)
	synctest.Test(t, func(t *testing.T) {
		r, p := newRig(t, pipes(t, imaptest.Options{NoIdle: true})), &post{}
		r.mailer = p.send
		cfg := r.config(rarely, forwardTrash)
		r.once(cfg)
		r.deliver("INBOX", long("large", rules.MaxRaw))
		r.once(cfg)
		r.want("INBOX", "large")
		if d := r.theDelivery(cfg); p.count() != 0 || d.State != journal.Dead || !strings.Contains(d.LastError, "larger than 25 MB") {
			t.Errorf("%d sent, %s: %s", p.count(), d.State, d.LastError)
		}
	})
}

// TestReplyToALargeMessage: an answer needs the header alone.
func TestReplyToALargeMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p := newRig(t, pipes(t, imaptest.Options{NoIdle: true})), &post{}
		r.mailer = p.send
		cfg := r.config(rarely, replyTrash)
		r.once(cfg)
		r.deliver("INBOX", long("large", 1<<20))
		r.once(cfg)
		r.want("Trash", "large")
		if d := r.theDelivery(cfg); p.count() > 1 || d.State != journal.Delivered || d.RawSize > 256<<10 {
			t.Errorf("%d sent, %+v", p.count(), d)
		}
	})
}

// TestLetterThatFails: what the server never takes has failed, and is sent anew when a
// user says so.
func TestLetterThatFails(t *testing.T) {
	posting(t, forwardTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		p.says = says(noUser)
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
		r.want("INBOX", "a")
		r.wantState(cfg, journal.Failed, journal.Dead)
		if e := r.theEntry(cfg); p.count() != 1 || !strings.HasSuffix(e.Reason, "550 no such user") || e.Tries != 0 {
			t.Errorf("%d sent: %+v", p.count(), e)
		}
		p.says = nil
		(&tale{rig: r, cfg: cfg}).amend(engine.Retry)
		r.once(cfg)
		r.want("Trash", "a")
		if p.count() != 2 || p.got[0].header("Message-ID") != p.got[1].header("Message-ID") {
			t.Errorf("%d sent", p.count())
		}
	})
}

// TestLetterTriedAgain: what fails for now, or may have been sent, is sent again by the
// schedule, as the same message; the trash waits.
func TestLetterTriedAgain(t *testing.T) {
	for _, text := range []string{forwardTrash, replyTrash} {
		posting(t, text, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
			p.says = func(n int, _ posted) smtp.Result { return []smtp.Result{notNow, lost, notNow, {Code: 250}}[n-1] }
			r.daemon(cfg, func(*engine.Engine) {
				time.Sleep(10 * time.Minute)
				r.want("INBOX", "a")
				time.Sleep(24 * time.Hour)
				r.want("Trash", "a")
			})
			r.wantState(cfg, journal.Done, journal.Delivered)
			if p.count() != 4 {
				t.Fatalf("%d sent", p.count())
			}
			for _, again := range p.got[1:] {
				if again.message != p.got[0].message {
					t.Errorf("%s\nis not\n%s", again.message, p.got[0].message)
				}
			}
		})
	}
}

// TestForwardToASevenBitServer is built anew for it, as the same message.
func TestForwardToASevenBitServer(t *testing.T) {
	posting(t, forwardTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		p.says = func(_ int, m posted) smtp.Result {
			if strings.Contains(m.message, "é") {
				return smtp.Result{Err: smtp.ErrEightBit}
			}
			return smtp.Result{Code: 250}
		}
		r.deliver("INBOX", append(message("eight", "x@example.org"), "café\r\n"...))
		r.once(cfg)
		r.want("Trash", "a", "eight")
		if p.count() != 3 || p.got[1].header("Message-ID") != p.got[2].header("Message-ID") {
			t.Errorf("%d sent", p.count())
		}
	})
}

// TestLoginThatIsRefused: nothing is sent until the mail server lets the account in, and
// no attempt of any message is lost by it.
func TestLoginThatIsRefused(t *testing.T) {
	posting(t, forwardTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		p.says = says(noLogin)
		r.daemon(cfg, func(e *engine.Engine) {
			time.Sleep(time.Minute)
			for i := range 5 {
				r.mail("INBOX", fmt.Sprint("m", i), "x@example.org")
			}
			time.Sleep(10 * 24 * time.Hour)
			r.want("INBOX", "a", "m0", "m1", "m2", "m3", "m4")
			if n := p.count(); n < 200 || n > 250 { // once an hour in the end
				t.Errorf("%d logins in ten days", n)
			}
			for _, d := range r.pending() {
				if d.Attempts != 0 {
					t.Errorf("%+v lost %d attempts", d.ID, d.Attempts)
				}
			}
			st, err := e.Status(t.Context())
			if err != nil || len(st.Accounts[0].Resting) != 2 || !strings.Contains(st.Accounts[0].Resting[0].Why, "535 no") {
				t.Errorf("%+v, %v", st.Accounts, err)
			}
			// A reload tries at once.
			p.mu.Lock()
			p.says = nil
			p.mu.Unlock()
			if err := e.Reload(cfg); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Minute)
			r.want("Trash", "a", "m0", "m1", "m2", "m3", "m4")
		})
	})
}

// pending are the deliveries that are owed now.
func (r *rig) pending() []journal.Delivery {
	r.t.Helper()
	out, err := r.journal.Deliveries(r.t.Context(), journal.DeliveryQuery{States: []journal.DeliveryState{journal.Pending}})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// TestPasswordThatCannotBeRead is like a login that is refused.
func TestPasswordThatCannotBeRead(t *testing.T) {
	posting(t, strings.ReplaceAll(forwardTrash, "password: hush", "password: {env: IMAPILOT_NO_SUCH_SECRET}"), func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		r.once(cfg)
		if d := r.theDelivery(cfg); p.count() != 0 || d.State != journal.Pending || d.Attempts != 0 || !strings.Contains(d.LastError, "IMAPILOT_NO_SUCH_SECRET") || d.Held != journal.HeldByServer {
			t.Errorf("%d sent, %+v", p.count(), d)
		}
		t.Setenv("IMAPILOT_NO_SUCH_SECRET", "hush")
		time.Sleep(time.Hour)
		r.once(cfg)
		r.want("Trash", "a")
	})
}

// TestReplyOnce: one sender gets one answer in seven days, whichever name he shows, in
// whichever process; what comes after the reply is done all the same.
func TestReplyOnce(t *testing.T) {
	posting(t, replyTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Minute) })
		r.want("Trash", "a")
		if got := p.got[0]; p.count() != 1 || got.envelope.From != "" || !slices.Equal(got.envelope.To, []string{"x@example.org"}) || !strings.Contains(got.message, "Thank you, x@example.org.") {
			t.Fatalf("%+v", p.got)
		}
		r.mail("INBOX", "b", "X+tag@example.org")
		r.letter("c", "other@example.com", "Return-Path: <x@example.org>")
		r.mail("INBOX", "d", "y@example.org")
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(6*24*time.Hour + 23*time.Hour) })
		r.want("Trash", "a", "b", "c", "d")
		if p.count() != 2 || p.got[1].envelope.To[0] != "y@example.org" {
			t.Errorf("%+v", p.got)
		}
		for _, e := range r.all(cfg) {
			if want := e.Subject == "b" || e.Subject == "c"; e.State != journal.Done || (e.Steps[0].Error == "not answered: the sender got an answer less than 7 days ago") != want {
				t.Errorf("%s: %+v", e.Subject, e.Steps)
			}
		}
		r.mail("INBOX", "e", "x@example.org")
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Minute) })
		if p.count() != 2 {
			t.Error("answered again within seven days")
		}
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(2 * time.Hour) })
		r.mail("INBOX", "f", "x@example.org")
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Minute) })
		if p.count() != 3 {
			t.Errorf("%d answers after seven days", p.count())
		}
	})
}

// TestReplyEvery: every: is the time, up to all that the journal remembers.
func TestReplyEvery(t *testing.T) {
	posting(t, strings.ReplaceAll(replyTrash, "reply: 'Thank you, ${from.address}.'", "reply: {text: Thank you., every: 90d}"), func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		for i := range 9 {
			r.once(cfg)
			time.Sleep(10*24*time.Hour - time.Hour)
			r.mail("INBOX", fmt.Sprint("m", i), "x@example.org")
		}
		r.once(cfg)
		if p.count() != 1 {
			t.Errorf("%d answers in 90 days", p.count())
		}
		time.Sleep(25 * time.Hour)
		r.mail("INBOX", "last", "x@example.org")
		r.once(cfg)
		if p.count() != 2 {
			t.Errorf("%d answers after 90 days", p.count())
		}
	})
}

// TestRepliesDoNotRace: of many messages that one sender sends at once one is answered,
// whatever the order in which the server takes the answers.
func TestRepliesDoNotRace(t *testing.T) {
	posting(t, replyTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		p.says = func(n int, _ posted) smtp.Result {
			if n < 3 {
				return notNow
			}
			return smtp.Result{Code: 250}
		}
		subjects := []string{"a"}
		for i := range 20 {
			subjects = append(subjects, fmt.Sprint("m", i))
			r.mail("INBOX", subjects[i+1], "x@example.org")
		}
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(24 * time.Hour) })
		r.want("Trash", subjects...)
		ids := map[string]bool{}
		for _, m := range p.got {
			ids[m.header("Message-ID")] = true
		}
		if p.count() != 3 || len(ids) != 1 || p.most != 1 || p.got[0].header("In-Reply-To") != "<a@test>" {
			t.Errorf("%d attempts of %d answers, %d at once", p.count(), len(ids), p.most)
		}
	})
}

// TestReplyThatMayBeSent: where the answer to an answer got lost for good, its sender
// gets no other one.
func TestReplyThatMayBeSent(t *testing.T) {
	for name, tt := range map[string]struct {
		says []smtp.Result
		want int
	}{"may be sent": {[]smtp.Result{lost, noUser}, 2}, "was not sent": {[]smtp.Result{notNow, noUser}, 3}} {
		t.Run(name, func(t *testing.T) {
			posting(t, replyTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
				p.says = func(n int, _ posted) smtp.Result {
					if n <= len(tt.says) {
						return tt.says[n-1]
					}
					return smtp.Result{Code: 250}
				}
				r.daemon(cfg, func(*engine.Engine) { time.Sleep(24 * time.Hour) })
				r.mail("INBOX", "b", "x@example.org")
				r.daemon(cfg, func(*engine.Engine) { time.Sleep(24 * time.Hour) })
				r.want("INBOX", "a")
				if r.want("Trash", "b"); p.count() != tt.want {
					t.Errorf("%d attempts", p.count())
				}
			})
		})
	}
}

// TestReplyThatIsNotDue: what RFC 3834 would not answer is not answered, and the rule
// goes on.
func TestReplyThatIsNotDue(t *testing.T) {
	posting(t, replyTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		r.letter("list", "l@example.org", "List-Id: <l.example.org>")
		r.letter("null", "n@example.org", "Return-Path: <>")
		r.mail("INBOX", "own", "me@example.org")
		r.mail("INBOX", "robot", "noreply@example.org")
		r.deliver("INBOX", bytes.Replace(message("other", "o@example.org"), []byte("To: me@example.org"), []byte("To: you@example.org"), 1))
		r.once(cfg)
		r.want("Trash", "a", "list", "null", "own", "robot", "other")
		why := map[string]string{}
		for _, e := range r.all(cfg) {
			why[e.Subject] = e.Steps[0].Error
		}
		if p.count() != 1 || why["a"] != "" || why["list"] != "not answered: it came through a mailing list or is a newsletter" ||
			!strings.HasPrefix(why["null"], "not answered: the sender wants no answer") || !strings.HasPrefix(why["own"], "not answered: this message is from the account itself") ||
			why["robot"] == "" || why["other"] == "" {
			t.Errorf("%d sent, %q", p.count(), why)
		}
	})
}

// TestLettersADay: what is beyond the limit waits, and nothing is dropped; forwards and
// replies count together, and what is not sent does not.
func TestLettersADay(t *testing.T) {
	text := strings.ReplaceAll(mailServer, "name: Me", "per_day: 3") + "rules:\n  - {name: away, if: true, then: [{reply: Thank you.}]}\n" +
		"  - {name: on, if: true, then: [{forward: ann@example.net}, trash]}\n"
	posting(t, text, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		began := time.Now()
		for i := range 3 {
			r.mail("INBOX", fmt.Sprint("m", i), "x@example.org")
		}
		r.daemon(cfg, func(e *engine.Engine) {
			time.Sleep(23 * time.Hour)
			if p.count() != 3 {
				t.Errorf("%d sent on the first day", p.count())
			}
			st, err := e.Status(t.Context())
			if err != nil || len(st.Accounts[0].Resting) != 2 || !strings.HasPrefix(st.Accounts[0].Resting[0].Why, "3 messages were sent in 24 hours") {
				t.Errorf("%+v, %v", st.Accounts[0].Resting, err)
			}
			if held := slices.DeleteFunc(r.pending(), func(d journal.Delivery) bool { return d.Held != journal.HeldByRate || d.Attempts != 0 }); len(held) == 0 {
				t.Error("nothing is held")
			}
		})
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(48 * time.Hour) }) // a restart does not begin anew
		r.want("Trash", "a", "m0", "m1", "m2")
		if p.count() != 5 { // four forwards and one reply
			t.Errorf("%d sent", p.count())
		}
		for i := 3; i < p.count(); i++ {
			if apart := p.got[i].at.Sub(p.got[i-3].at); apart < 24*time.Hour {
				t.Errorf("the messages %d and %d are sent within %v", i-3, i, apart)
			}
		}
		if last := p.got[4].at.Sub(began); last > 26*time.Hour {
			t.Errorf("the last one waited for %v", last)
		}
	})
}

// TestLettersAcrossACrash: between any two records of the chain the process may end. A
// message may be sent twice, with the same Message-ID, and is trashed once.
func TestLettersAcrossACrash(t *testing.T) {
	for _, text := range []string{forwardTrash, replyTrash} {
		for name, tt := range map[string]struct {
			when func(b journal.Batch) bool
			sent int
		}{
			"before the attempt is recorded": {func(b journal.Batch) bool { return len(b.Deliveries) > 0 && b.Deliveries[0].Attempts > 0 }, 1},
			"before what came of it is":      {func(b journal.Batch) bool { return len(b.Attempts) > 0 }, 2},
			"before the step is": {func(b journal.Batch) bool {
				return len(b.Entries) > 0 && b.Entries[0].Steps[0].State == journal.StepDone
			}, 1},
			"before the entry is decided":  {func(b journal.Batch) bool { return len(b.Entries) > 0 }, 1},
			"before the trash is recorded": {func(b journal.Batch) bool { return len(b.Entries) > 0 && b.Entries[0].State == journal.Done }, 1},
		} {
			t.Run(name, func(t *testing.T) {
				posting(t, text, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
					r.with(cfg, func(j journal.Journal) {
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						defer cancel()
						j = &crashing{Journal: j, when: tt.when}
						if err := engine.New(cfg, r.options(j)).Run(ctx); err != nil && !errors.Is(err, journal.ErrFenced) || !j.(*crashing).dead {
							t.Fatalf("it did not crash: %v", err)
						}
					})
					// Another message of the sender: an answer that may have been sent counts.
					r.mail("INBOX", "b", "x@example.org")
					r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Hour) })
					r.want("Trash", "a", "b")
					ids := map[string]bool{}
					for _, m := range p.got {
						ids[m.header("Message-ID")] = true
					}
					letters := 1
					if text == forwardTrash {
						letters = 2 // b, too
					}
					if p.count() != tt.sent+letters-1 || len(ids) != letters {
						t.Errorf("%d sent with %d IDs, want %d", p.count(), len(ids), tt.sent)
					}
				})
			})
		}
	}
}

// TestLettersInDryRun: nothing is recorded to be sent, and nothing is sent that was.
func TestLettersInDryRun(t *testing.T) {
	posting(t, forwardTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		r.once(cfg, dryRun)
		if e := r.theEntry(cfg); e.State != journal.DryRun || e.Plan.String() != "forward: [ann@example.net, bob@example.net], trash" || len(r.deliveries(cfg, journal.DeliveryQuery{})) > 0 {
			t.Errorf("%+v", e)
		}
		r.mail("INBOX", "b", "x@example.org")
		p.says = says(notNow)
		r.once(cfg)
		sent := p.count()
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Hour) }, dryRun)
		if p.count() != sent || sent != 1 {
			t.Errorf("%d sent", p.count())
		}
	})
}

// TestLettersNoLongerAllowed: without allow: nothing is sent, whatever was recorded.
func TestLettersNoLongerAllowed(t *testing.T) {
	posting(t, forwardTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		p.says = says(notNow)
		r.once(cfg)
		off := r.config(rarely, strings.ReplaceAll(onlyTrash, "allow: [exec]\n", ""))
		r.daemon(off, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
		if p.count() != 1 {
			t.Errorf("%d sent", p.count())
		}
		r.wantState(cfg, journal.Withdrawn, journal.Cancelled)
	})
}

// TestForwardOfARuleThatChanged: other recipients are another step, and so is one that
// a user lets bulk mail be forwarded with.
func TestForwardOfARuleThatChanged(t *testing.T) {
	posting(t, forwardTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		p.says = func(_ int, m posted) smtp.Result {
			if len(m.envelope.To) == 2 {
				return notNow
			}
			return smtp.Result{Code: 250}
		}
		other := r.config(rarely, strings.ReplaceAll(forwardTrash, ", bob@example.net", ""))
		r.daemon(cfg, func(e *engine.Engine) {
			time.Sleep(time.Minute)
			if err := e.Reload(other); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		})
		r.want("Trash", "a")
		if last := p.got[p.count()-1]; len(last.envelope.To) != 1 {
			t.Errorf("%+v", last)
		}
		r.letter("bulk", "x@example.org", "Precedence: bulk")
		r.once(other)
		r.want("INBOX", "bulk")
		anyway := r.config(rarely, strings.ReplaceAll(forwardTrash, ", bob@example.net]", "], anyway: true"))
		(&tale{rig: r, cfg: anyway}).amend(engine.Retry)
		r.once(anyway)
		r.want("Trash", "a", "bulk")
	})
}

// TestLetterOfAMessageThatLeft: an attempt needs nothing of the server, and none is made
// once it is known that the message is gone.
func TestLetterOfAMessageThatLeft(t *testing.T) {
	posting(t, forwardTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		p.says = says(notNow)
		r.once(cfg)
		r.srv.Delete(t, "INBOX")
		r.srv.Create(t, "INBOX")
		p.says = nil
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Second) })
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
		if e := r.theEntry(cfg); e.State == journal.Open || e.State == journal.Done && e.Steps[1].State == journal.Recorded {
			t.Errorf("%+v", e)
		}
	})
}

// TestUndoOfLetters: what was sent cannot be called back, and what was not needs not.
func TestUndoOfLetters(t *testing.T) {
	posting(t, replyTrash, func(t *testing.T, r *rig, cfg *config.Config, p *post) {
		r.once(cfg)
		r.mail("INBOX", "b", "x@example.org")
		r.once(cfg)
		for _, u := range r.undo(cfg, r.acts(cfg)...) {
			want := 0
			if u.Subject == "a" {
				want = 1
			}
			if len(u.Cannot) != want || want == 1 && u.Cannot[0].Why != "what was sent cannot be called back" {
				t.Errorf("%s: %+v", u.Subject, u.Cannot)
			}
		}
		r.want("INBOX", "a", "b")
	})
}
