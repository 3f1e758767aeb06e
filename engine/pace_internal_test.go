package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/actions/webhook"
	"imapilot/engine/config"
	"imapilot/engine/journal"
	"imapilot/engine/journal/sqlite"
	"imapilot/engine/pace"
	"imapilot/engine/schedule"
)

// week is what endpoints got in a simulated week: by message the IDs of the calls
// that spoke of it, and the times of the calls by endpoint and by what is limited.
type week struct {
	mu     sync.Mutex
	under  map[string][]string
	times  map[string][]time.Time
	perKey map[string][]time.Time
	random *rand.Rand
}

func (w *week) Send(_ context.Context, to webhook.Endpoint, id string, at time.Time, payload []byte) webhook.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.random.IntN(50) == 0 {
		return webhook.Result{Status: 503, Err: fmt.Errorf("busy"), Retry: true}
	}
	w.times[to.URL] = append(w.times[to.URL], at)
	var digest webhook.Digest
	if err := json.Unmarshal(payload, &digest); err != nil {
		return webhook.Result{Err: err}
	}
	docs := digest.Messages
	if docs == nil {
		docs = []json.RawMessage{payload}
	}
	for _, doc := range docs {
		var m webhook.Message
		if err := json.Unmarshal(doc, &m); err != nil {
			return webhook.Result{Err: err}
		}
		w.under[m.MessageID] = append(w.under[m.MessageID], id)
		for _, key := range []string{"rule " + m.Rule, "sender " + m.Subject} {
			w.perKey[to.URL+" "+key] = append(w.perKey[to.URL+" "+key], at)
		}
	}
	return webhook.Result{Status: 200}
}

// paces are the endpoints of some days with so many messages. The limits are just
// above what comes, so that the calls of a night do not come at once in the morning.
func paces(t *testing.T, messages, days int) []config.Webhook {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	quarter, err := schedule.Parse("@every 15m", berlin)
	if err != nil {
		t.Fatal(err)
	}
	morning, err := schedule.Parse("0 8 * * *", berlin)
	if err != nil {
		t.Fatal(err)
	}
	perRule := pace.Rate{N: 2 * messages / 5 / 3 / (24 * days), Per: time.Hour}
	perSender := pace.Rate{N: messages/5/97/days + 1, Per: 24 * time.Hour}
	night := pace.Quiet{{From: 22 * 60, To: 7 * 60}}
	out := []config.Webhook{
		{Name: "digest", Pace: config.Pace{Digest: quarter, Gathers: true, Quiet: night}},
		{Name: "morning", Pace: config.Pace{Digest: morning, Gathers: true}},
		{Name: "debounce", Pace: config.Pace{Debounce: 2 * time.Minute, Quiet: pace.Quiet{{From: 12 * 60, To: 13 * 60}}}},
		{Name: "quiet", Pace: config.Pace{Quiet: night}},
		{Name: "rate", Pace: config.Pace{Quiet: night, PerRule: perRule, PerSender: perSender}},
	}
	for i := range out {
		out[i].URL, out[i].Zone = "https://"+out[i].Name+".example.org/", berlin
	}
	return out
}

// paced is an account whose outbox alone is alive.
func pacedAccount(j journal.Journal, own journal.Ownership, sender Sender, hooks []config.Webhook) *account {
	e := New(&config.Config{}, Options{Journal: j, Webhooks: sender})
	a := &account{engine: e, journal: j, own: own, cfg: config.Account{Name: own.Account}, log: slog.New(slog.DiscardHandler), webhooks: hooks}
	a.outbox = newOutbox(a)
	return a
}

// Over some days (IMAPILOT_WEEK=1: a week with 50,000 messages) each message is under exactly one webhook-id, no call is
// made at a forbidden time, and no limit is passed, across restarts and failures.
func TestAWeekOfWebhooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		messages, days := 1500, 2
		if os.Getenv("IMAPILOT_WEEK") != "" {
			messages, days = 50_000, 7
		}
		j, err := sqlite.Open(t.Context(), t.TempDir()+"/j.db")
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		hooks := paces(t, messages, days)
		w := &week{under: map[string][]string{}, times: map[string][]time.Time{}, perKey: map[string][]time.Time{}, random: rand.New(rand.NewPCG(1, 1))}
		time.Sleep(time.Until(time.Date(2026, 3, 26, 0, 0, 0, 0, time.UTC))) // the clocks change in this week
		made, began := 0, time.Now()
		for day := range days + 3 {
			own, snap, err := j.Acquire(t.Context(), "home", fmt.Sprint("day ", day))
			if err != nil {
				t.Fatal(err)
			}
			a := pacedAccount(j, own, w, hooks)
			a.outbox.load(snap)
			ctx, cancel := context.WithCancel(t.Context())
			wait := a.outbox.start(ctx, t.Context())
			for time.Since(began) < time.Duration(day+1)*24*time.Hour {
				time.Sleep(5 * time.Minute)
				if n := messages * int(time.Since(began)/time.Minute) / (days * 24 * 60); day < days && n > made {
					recordCalls(t, a, hooks, made, min(n, messages))
					made = min(n, messages)
					a.outbox.rouse()
				}
			}
			cancel()
			wait()
		}
		if made != messages {
			t.Fatalf("%d messages were made", made)
		}
		w.check(t, hooks, messages)
	})
}

// recordCalls records what messages from one number to another owe.
func recordCalls(t *testing.T, a *account, hooks []config.Webhook, from, to int) {
	t.Helper()
	b := journal.Batch{At: time.Now()}
	for i := from; i < to; i++ {
		hook := hooks[i%len(hooks)]
		sender := fmt.Sprint("sender", i%97, "@example.org")
		doc := webhook.Message{ID: fmt.Sprint("msg_", i), Rule: fmt.Sprint("rule", i%3), MessageID: fmt.Sprint(i), Subject: sender}
		b.Deliveries = append(b.Deliveries, journal.Delivery{
			ID: doc.ID, Account: "home", Endpoint: hook.Name, Rule: doc.Rule, Seq: int64(i + 1), About: doc.MessageID, Sender: sender,
			Payload: webhook.Payload(doc), Created: b.At, Next: b.At, State: journal.Pending,
		})
	}
	if err := a.journal.Commit(t.Context(), a.own, b); err != nil {
		t.Fatal(err)
	}
}

func (w *week) check(t *testing.T, hooks []config.Webhook, messages int) {
	t.Helper()
	wrong := 0
	for i := range messages {
		if ids := w.under[fmt.Sprint(i)]; len(ids) != 1 && wrong < 10 {
			wrong++
			t.Errorf("message %d (%s) is under %d webhook-ids", i, hooks[i%len(hooks)].Name, len(ids))
		}
	}
	for _, hook := range hooks {
		t.Logf("%s: %d calls", hook.Name, len(w.times[hook.URL]))
		for _, at := range w.times[hook.URL] {
			if hook.Quiet.Until(at, hook.Zone).After(at) {
				t.Fatalf("%s was called at %v", hook.Name, at.In(hook.Zone))
			}
		}
	}
	const late = 10 * time.Minute // a call that failed is made again outside of its time
	rate := hooks[slices.IndexFunc(hooks, func(h config.Webhook) bool { return h.Name == "rate" })]
	most := 0
	for key, all := range w.perKey {
		limit := rate.PerSender
		if slices.Contains([]string{rate.URL + " rule rule0", rate.URL + " rule rule1", rate.URL + " rule rule2"}, key) {
			limit = rate.PerRule
		}
		if !strings.HasPrefix(key, rate.URL) {
			continue
		}
		slices.SortFunc(all, time.Time.Compare)
		for i := limit.N; i < len(all); i++ {
			most++
			if all[i].Sub(all[i-limit.N]) < limit.Per-late {
				t.Fatalf("%s: %d calls from %v to %v", key, limit.N+1, all[i-limit.N], all[i])
			}
		}
	}
	if most == 0 {
		t.Error("no limit was ever near")
	}
}
