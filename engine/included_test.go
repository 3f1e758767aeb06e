package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions/webhook"
	"imapilot/engine"
	"imapilot/engine/journal"
)

// reader is a receiver that keeps the documents that it is sent.
type reader struct {
	mu   sync.Mutex
	docs []webhook.Message
	says webhook.Result
}

func (r *reader) Send(_ context.Context, _ webhook.Endpoint, _ string, _ time.Time, payload []byte) webhook.Result {
	var doc webhook.Message
	if err := json.Unmarshal(payload, &doc); err != nil {
		return webhook.Result{Err: err}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.docs = append(r.docs, doc)
	return r.says
}

// about are the documents about a message, by its Message-ID's left part.
func (r *reader) about(subject string) []webhook.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.docs), func(m webhook.Message) bool { return m.MessageID != "<"+subject+"@test>" })
}

// rawFetches is what asks for a message as it is.
const rawFetches = "BODY.PEEK[]<"

// asks counts the commands that hold a text.
func (w *wire) asks(text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(w.sent), func(line string) bool { return !strings.Contains(line, text) }))
}

const withRaw = "  - {name: file, if: true, then: [{webhook: {to: first, include: [raw]}}, {move: A}]}\n"

// long is a message of so many octets and some.
func long(subject string, octets int) []byte {
	return append(message(subject, "x@example.org"), bytes.Repeat([]byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n"), octets/64)...)
}

// A call has the whole message, also of one that was moved away in the meantime. Once
// it is delivered the journal has it no more, and a replay says so.
func TestRawOfAMessageThatWasMoved(t *testing.T) {
	for name, rules := range map[string]string{"planned": withRaw, "done": strings.Replace(withRaw, "include", "when: done, include", 1)} {
		t.Run(name, func(t *testing.T) {
			safeguard(t, patient(), func(t *testing.T, r *rig) {
				hook := &reader{}
				r.sender = hook
				cfg := hooking(r, rules)
				r.once(cfg)
				text := long("a", 3<<20)[:3<<20-1]
				cfg = hooking(r, strings.Replace(rules, "[raw]", "[raw], raw_limit: 5mb", 1))
				r.srv.Append(t, "INBOX", nil, time.Now(), text)
				r.once(cfg)
				r.want("A", "a")
				docs := hook.about("a")
				if len(docs) != 1 || !bytes.Equal(docs[0].Raw, text) || docs[0].RawTruncated || docs[0].RawDropped || (docs[0].Result != nil) != (name == "done") {
					t.Fatalf("%d documents; %d octets of %d", len(docs), len(docs[0].Raw), len(text))
				}
				d := r.deliveries(cfg, journal.DeliveryQuery{})
				if len(d) != 1 || d[0].State != journal.Delivered || d[0].RawSize != int64(len(text)) || d[0].RawKept || len(d[0].Payload) > webhook.MaxPayload {
					t.Fatalf("%+v", d)
				}
				r.with(cfg, func(j journal.Journal) {
					if raw, kept, err := j.Raw(context.Background(), "home", d[0].ID); kept || err != nil {
						t.Errorf("%d octets are left, %v", len(raw.Data), err)
					}
					if n, err := engine.ReplayOffline(context.Background(), j, "test", engine.Replay{Account: "home", IDs: []string{d[0].ID}, Delivered: true}); n != 1 || err != nil {
						t.Fatal(n, err)
					}
				})
				r.once(cfg)
				if docs := hook.about("a"); len(docs) != 2 || !docs[1].RawDropped || docs[1].Raw != nil {
					t.Errorf("%d documents", len(docs))
				}
			})
		})
	}
}

// A message that cannot be fetched as it is stays where it is, undecided, until it can.
func TestRawThatIsRefusedHoldsTheMove(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		hook := &reader{}
		r.sender = hook
		cfg := hooking(r, strings.Replace(withRaw, "if: true", "max_messages: 2, if: true", 1))
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		w := &wire{answer: func(line string) string {
			if strings.Contains(line, rawFetches) {
				return "NO [UNKNOWN-CTE] it is broken"
			}
			return ""
		}}
		for range 5 { // more often than the limit of the rule
			r.once(cfg, hooked(t, r, w.hook))
		}
		r.want("INBOX", "a")
		if w.asks(rawFetches) < 5 || len(r.entries(cfg)) != 0 || len(r.deliveries(cfg, journal.DeliveryQuery{})) != 0 {
			t.Errorf("%d asked, %v, %v", w.asks(rawFetches), r.entries(cfg), r.deliveries(cfg, journal.DeliveryQuery{}))
		}
		r.once(cfg)
		r.want("A", "a")
		if docs := hook.about("a"); len(docs) != 1 || len(docs[0].Raw) == 0 {
			t.Errorf("%d documents", len(docs))
		}
	})
}

// What was refused within one process does not count against the limit of its rule.
func TestRawThatIsRefusedDoesNotCount(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		r.sender = &reader{}
		cfg := hooking(r, strings.Replace(withRaw, "if: true", "max_messages: 2, if: true", 1))
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		left := 5
		w := &wire{answer: func(line string) string {
			if strings.Contains(line, rawFetches) && left > 0 {
				left--
				return "NO [UNKNOWN-CTE] it is broken"
			}
			return ""
		}}
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(12 * time.Hour) }, hooked(t, r, w.hook))
		r.want("A", "a")
		if left > 0 || r.entries(cfg)[journal.Held] > 0 {
			t.Errorf("%d refusals are left, %v", left, r.entries(cfg))
		}
	})
}

// A process that ends between the record and the call leaves the message in the
// journal, and the next one sends it, whatever became of it on the server.
func TestRawSurvivesARestart(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		cfg := hooking(r, withRaw)
		r.once(cfg)
		text := message("a", "x@example.org")
		r.srv.Append(t, "INBOX", nil, time.Now(), text)
		r.once(cfg) // which makes no calls
		if d := r.deliveries(cfg, journal.DeliveryQuery{}); len(d) != 1 || d[0].State != journal.Pending || !d[0].RawKept || d[0].Attempts != 0 {
			t.Fatalf("%+v", d)
		}
		r.srv.Delete(t, "A")
		hook := &reader{}
		r.sender = hook
		r.once(cfg)
		if docs := hook.about("a"); len(docs) != 1 || !bytes.Equal(docs[0].Raw, text) {
			t.Errorf("%+v", docs)
		}
	})
}

// A call that was given up keeps its message for a replay.
func TestRawOfACallThatWasGivenUp(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		hook := &reader{says: never()}
		r.sender = hook
		cfg := hooking(r, withRaw)
		r.once(cfg)
		r.mail("INBOX", "a", "x@example.org")
		r.once(cfg)
		d := r.deliveries(cfg, journal.DeliveryQuery{})
		if len(d) != 1 || d[0].State != journal.Dead || !d[0].RawKept {
			t.Fatalf("%+v", d)
		}
		r.with(cfg, func(j journal.Journal) {
			if n, err := engine.ReplayOffline(context.Background(), j, "test", engine.Replay{Account: "home", IDs: []string{d[0].ID}}); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		})
		hook.says = webhook.Result{Status: 200}
		r.once(cfg)
		if docs := hook.about("a"); len(docs) != 2 || len(docs[1].Raw) == 0 || docs[1].RawDropped {
			t.Errorf("%+v", docs)
		}
	})
}

// Only what a rule includes is fetched, and only of the messages that it acts on. A
// large message is cut at the limit and says so.
func TestRawOnlyForTheRuleThatIncludesIt(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		hook := &reader{}
		r.sender = hook
		cfg := hooking(r, `  - {name: whole, if: subject == "large", then: [{webhook: {to: first, include: raw, raw_limit: 1mb}}]}
  - {name: more, if: subject == "large", then: [{webhook: {to: first, include: raw, raw_limit: 2mb}}]}
  - {name: all, if: true, then: [{webhook: second}]}
`)
		r.once(cfg)
		text := long("large", 3<<20)
		r.srv.Append(t, "INBOX", nil, time.Now(), text)
		r.mail("INBOX", "small", "x@example.org")
		w := &wire{}
		r.once(cfg, hooked(t, r, w.hook))
		small := w.asks("UID FETCH 2 (UID BODY.PEEK[]<") + w.asks("UID FETCH 1:2 (UID BODY.PEEK[]<")
		if w.asks(rawFetches) != 3 || small != 0 {
			t.Errorf("%d commands for raw messages, %d of them for the small one", w.asks(rawFetches), small)
		}
		got := map[string]int{}
		for _, m := range hook.about("large") {
			got[m.Rule] = len(m.Raw)
			if m.RawTruncated != (len(m.Raw) > 0) || !bytes.HasPrefix(text, m.Raw) {
				t.Errorf("%s: %d octets, truncated %v", m.Rule, len(m.Raw), m.RawTruncated)
			}
		}
		if fmt.Sprint(got) != "map[all:0 more:2097152 whole:1048576]" {
			t.Errorf("%v", got)
		}
		if docs := hook.about("small"); len(docs) != 1 || docs[0].Raw != nil {
			t.Errorf("%+v", docs)
		}
	})
}

// Header, text and attachments are what the rules see of them, also where no rule
// reads them.
func TestDocumentsInclude(t *testing.T) {
	const parts = "From: =?utf-8?q?J=C3=B6rg?= <x@example.org>\r\nReceived: one\r\nReceived: two\r\n three\r\nSubject: parts\r\nMessage-ID: <parts@test>\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n" +
		"--m\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--m--\r\n"
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		hook := &reader{}
		r.sender = hook
		cfg := hooking(r, "  - {name: tell, if: subject == \"parts\", then: [{webhook: {to: first, include: [headers, text, attachments]}}, {move: A}]}\n")
		r.once(cfg)
		r.srv.Append(t, "INBOX", nil, time.Now(), []byte(parts))
		r.mail("INBOX", "other", "x@example.org")
		w := &wire{}
		r.once(cfg, hooked(t, r, w.hook))
		docs := hook.about("parts")
		if len(docs) != 1 {
			t.Fatalf("%d documents", len(docs))
		}
		in := docs[0].Included
		want := []webhook.HeaderField{{Name: "From", Value: "Jörg <x@example.org>"}, {Name: "Received", Value: "one"}, {Name: "Received", Value: "two three"}}
		if len(in.Headers) != 7 || !slices.Equal(in.Headers[:3], want) || in.Text == nil || strings.TrimSpace(*in.Text) != "Grüße" || in.Truncated != nil || in.Raw != nil {
			t.Errorf("%+v", in)
		}
		if len(in.Attachments) != 1 || in.Attachments[0].Name != "a.pdf" || in.Attachments[0].Type != "application/pdf" || in.Attachments[0].Size == 0 {
			t.Errorf("%+v", in.Attachments)
		}
		for _, line := range w.sent {
			if strings.Contains(line, "BODY.PEEK[HEADER]") && line[:len("UID FETCH 1 ")] != "UID FETCH 1 " || strings.Contains(line, "BODYSTRUCTURE") && line[:len("UID FETCH 1 ")] != "UID FETCH 1 " {
				t.Errorf("of others: %s", line)
			}
		}
		r.want("A", "parts")
	})
}

// A plan sends nothing, and so fetches no raw message. What a rule did before, it does
// not fetch again.
func TestRawIsFetchedForCallsAlone(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		hook := &reader{}
		r.sender = hook
		cfg := hooking(r, "  - {name: tell, if: true, then: [{webhook: {to: first, include: [raw, text]}}]}\n")
		r.mail("INBOX", "a", "x@example.org")
		w := &wire{}
		dial := hooked(t, r, w.hook)
		r.with(cfg, func(j journal.Journal) {
			report, _, err := engine.Plan(context.Background(), cfg, r.options(nil, dial), j, engine.Scope{}, engine.Planning{})
			if err != nil || report.Messages != 1 || w.asks("UID FETCH") == 0 || w.asks(rawFetches) != 0 {
				t.Errorf("%+v, %v, %q", report, err, w.sent)
			}
		})
		r.apply(cfg, engine.Scope{}, dial)
		r.apply(cfg, engine.Scope{}, dial)
		if docs := hook.about("a"); len(docs) != 1 || len(docs[0].Raw) == 0 || w.asks(rawFetches) != 1 {
			t.Errorf("%d documents, %d fetched", len(docs), w.asks(rawFetches))
		}
		r.once(cfg, existing, dryRun, dial)
		if w.asks(rawFetches) != 1 {
			t.Error("it was fetched in dry run")
		}
	})
}

// weighing notes how many octets of raw messages one commit has.
type weighing struct {
	journal.Journal
	mu    sync.Mutex
	most  int
	count int
}

func (w *weighing) Commit(ctx context.Context, own journal.Ownership, b journal.Batch) error {
	w.mu.Lock()
	size := 0
	for _, r := range b.Raws {
		size += len(r.Data)
	}
	w.most, w.count = max(w.most, size), w.count+len(b.Raws)
	w.mu.Unlock()
	return w.Journal.Commit(ctx, own, b)
}

// The raw messages of one batch are within their budget, on arrival, in a run and for
// a flag; all of them are sent, once.
func TestLargeRawsStayWithinTheirBudget(t *testing.T) {
	tooLargeForTheDetector(t)
	const messages, each = 9, 4 << 20
	tell := "then: [{webhook: {to: first, include: [raw], raw_limit: 5mb}}]}\n"
	for name, c := range map[string]struct {
		rule string
		run  func(r *rig, change func(*engine.Options), rules string)
	}{
		"arrival": {"  - {name: tell, if: true, " + tell, func(r *rig, change func(*engine.Options), rules string) { r.once(hooking(r, rules), change, existing) }},
		"run": {"  - {name: tell, if: true, " + tell, func(r *rig, change func(*engine.Options), rules string) {
			r.apply(hooking(r, rules), engine.Scope{}, change)
		}},
		"flag": {"  - {name: tell, on: {flags: ['\\Flagged']}, if: true, " + tell, func(r *rig, change func(*engine.Options), rules string) {
			r.once(hooking(r, rules))
			r.srv.Store(r.t, "INBOX", imap.StoreFlagsAdd, imap.FlagFlagged)
			r.once(hooking(r, rules), change)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			safeguard(t, patient(), func(t *testing.T, r *rig) {
				hook := &reader{}
				r.sender = hook
				for i := range messages {
					r.srv.Append(t, "INBOX", nil, time.Now(), long(fmt.Sprintf("m%02d", i), each))
				}
				var w *weighing
				c.run(r, func(o *engine.Options) { w = &weighing{Journal: o.Journal}; o.Journal = w }, c.rule)
				if w.most > 32_000_000 || w.most < each || w.count != messages {
					t.Errorf("%d octets at once, %d messages", w.most, w.count)
				}
				for i := range messages {
					if docs := hook.about(fmt.Sprintf("m%02d", i)); len(docs) != 1 || len(docs[0].Raw) < each || docs[0].RawTruncated {
						t.Errorf("m%02d: %d documents", i, len(docs))
					}
				}
			})
		})
	}
}

// A message that is decided again is fetched as it is for a call that it did not owe
// before, and waits where it does not come.
func TestRawOfAMessageDecidedAgain(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		hook := &reader{}
		r.sender = hook
		cfg := hooking(r, callsNobody)
		r.once(cfg)
		text := message("a", "x@example.org")
		r.srv.Append(t, "INBOX", nil, time.Now(), text)
		full := refusing("UID MOVE", "NO [OVERQUOTA] full")
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Hour) }, hooked(t, r, full.hook))
		broken := &wire{answer: func(line string) string {
			if strings.Contains(line, rawFetches) {
				return "NO [UNKNOWN-CTE] it is broken"
			}
			return ""
		}}
		r.daemon(hooking(r, withRaw), func(*engine.Engine) { time.Sleep(6 * time.Hour) }, hooked(t, r, broken.hook))
		r.want("INBOX", "a")
		if broken.asks(rawFetches) == 0 || len(hook.docs) != 0 {
			t.Errorf("%d asked, %d documents", broken.asks(rawFetches), len(hook.docs))
		}
		r.daemon(hooking(r, withRaw), func(*engine.Engine) { time.Sleep(24 * time.Hour) })
		r.want("A", "a")
		if docs := hook.about("a"); len(docs) != 1 || !bytes.Equal(docs[0].Raw, text) {
			t.Errorf("%+v", docs)
		}
	})
}
