package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

func (a *app) webhooksShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one call: its message, each attempt, the document",
		Long: `show tells everything that the journal holds of one call: the message and the
rule that it is about, each attempt with what the receiver answered (the first
512 bytes), and the document that is sent. Of the URL it shows no more than the
host, for the rest may be secret.

The ID is the webhook-id that the receiver sees, or its begin, as
'imapilot webhooks list' shows it. An attempt is recorded before it is made: one
of which nothing else is known is one during which the process ended.

--json prints the keys of 'imapilot webhooks list --json', and
  receiver  scheme and host of the endpoint
  about     {mailbox, uidvalidity, uid, message_id, from, subject}
  url       the values of the expressions in the URL
  raw       {size, kept}: the octets of the message that were recorded
  made      {n, time, took, status, error, answer, note}; took: seconds
  payload   the document, or its text where it is not JSON

Exit codes: 0 all is well, 2 the command line is wrong or there is no such ID,
3 the journal cannot be read.`,
		Example: "  imapilot webhooks show a06b54a5\n  imapilot webhooks show a06b54a5 --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one call, as 'imapilot webhooks list' shows it")
			}
			return a.showCall(cmd.Context(), args[0])
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.completeCalls()(cmd, args, typed)
		},
	}
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

// wholeCall is a call with what belongs to it.
type wholeCall struct {
	journal.Delivery
	receiver string         // "" where the configuration has no such endpoint
	refused  bool           // the endpoint wants no more calls
	queued   bool           // an earlier one about the same message is still pending
	gathers  bool           // one call will say it, with what else comes
	entry    *journal.Entry // nil where there is none, or it is forgotten
	attempts []knownAttempt
}

// knownAttempt is an attempt, or a note where there is no record of it.
type knownAttempt struct {
	journal.Attempt
	note string
}

func (a *app) showCall(ctx context.Context, id string) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	r, err := openArchive(ctx, cfg)
	if err != nil {
		return err
	}
	defer r.close()
	d, err := r.named(ctx, cfg, id)
	if err != nil {
		return err
	}
	w, err := r.wholeCall(ctx, cfg, d)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(w.json())
	}
	s := a.wideScreen()
	s.wholeCall(w, cfg.Location, a.command)
	_, err = fmt.Fprint(a.out, s.b.String())
	return err
}

func (r *archive) wholeCall(ctx context.Context, cfg *config.Config, d journal.Delivery) (wholeCall, error) {
	w := wholeCall{Delivery: d}
	if hook, ok := endpointNamed(cfg, d.Endpoint); ok {
		w.receiver = receiverOf(hook)
	}
	disabled, err := r.disabled(ctx, cfg, &callSelection{account: d.Account, endpoint: d.Endpoint})
	if err != nil {
		return w, err
	}
	w.refused = len(disabled) > 0
	before, err := r.queued(ctx, []journal.Delivery{d})
	if err != nil {
		return w, err
	}
	w.queued, w.gathers = len(before) > 0, len(gathering(cfg, []journal.Delivery{d})) > 0
	if d.Seq > 0 {
		entries, err := r.Entries(ctx, journal.Query{Account: d.Account, Seqs: []int64{d.Seq}})
		if err != nil {
			return w, err
		}
		if len(entries) > 0 {
			w.entry = &entries[0]
		}
	}
	recorded, err := r.db.Attempts(ctx, d.Account, d.ID)
	w.attempts = attemptsOf(d, recorded)
	return w, err
}

// underWay is for how long after its begin the last attempt may still be made.
const underWay = time.Minute

// attemptsOf puts a note for each attempt that left no record.
func attemptsOf(d journal.Delivery, recorded []journal.Attempt) []knownAttempt {
	var out []knownAttempt
	earlier := len(recorded) == 0 && (d.LastError != "" || d.LastStatus != 0)
	for n := 1; n <= d.Attempts; n++ {
		t := knownAttempt{Attempt: journal.Attempt{N: n}, note: "the process ended during it"}
		switch {
		case len(recorded) > 0 && recorded[0].N == n:
			t, recorded = knownAttempt{Attempt: recorded[0]}, recorded[1:]
		case earlier:
			t.note = "made by an earlier version, which kept no more of it"
		case n == d.Attempts && d.State == journal.Pending && time.Since(d.Updated) < underWay:
			t.note = "it is under way, or the process ended during it"
		}
		out = append(out, t)
	}
	return out
}

// wholeCall shows everything that is recorded of one call.
func (s *screen) wholeCall(w wholeCall, zone *time.Location, command func(words ...string) string) {
	s.b.WriteString(s.paint(bold, visible(w.ID)) + "\n")
	s.line("  "+string(w.State)+": ", callColor(w.State), meaningOfCall(w.State))
	unknown := "which is not in the configuration any more"
	if isStep(w.Delivery) {
		unknown = "which is no webhook but an action; the document says what is done"
	}
	s.field("endpoint", w.Endpoint+", "+cmp.Or(w.receiver, unknown))
	s.field("rule", w.Rule)
	s.aboutMessage(w)
	s.field("recorded", stamp(w.Created, zone))
	switch {
	case w.State == journal.Pending && w.refused:
		s.field("next try", "when the endpoint, which wants no more calls, is enabled: '"+command("webhooks", "enable", w.Endpoint)+"'")
	case w.State == journal.Pending && w.queued:
		s.field("next try", "when the one before it, about the same message, is done with")
	case w.State == journal.Pending && w.gathers:
		s.field("next try", "in one call with others, as digest: or debounce: of the endpoint has it")
	case heldBack(w.Delivery) != "":
		s.field("next try", when(w.Next, zone)+": held back by "+heldBack(w.Delivery))
	case w.State == journal.Pending:
		s.field("next try", when(w.Next, zone))
	case w.State == journal.Gathered:
		s.field("said by", "'"+command("webhooks", "show", shortID(w.Digest, leastShown))+"'")
	}
	s.field("changed", stamp(w.Updated, zone))
	s.urlValues(w.URL)
	s.field("raw", rawText(w.Delivery))
	s.attempts(w, zone)
	if (engine.Replay{Delivered: true}).Wants(w.State) && !w.kept() {
		s.field("again", "'"+command("webhooks", "replay", shortID(w.ID, leastShown))+"' makes it now")
	}
	s.payload(w.Payload)
}

// rawText says what is kept of the message as it is.
func rawText(d journal.Delivery) string {
	switch {
	case d.RawSize == 0:
		return ""
	case d.RawKept:
		return "raw message: " + sizeOf(d.RawSize) + " kept"
	}
	return "raw message: " + sizeOf(d.RawSize) + " dropped; a replay sends the document without it"
}

// urlValues shows what goes into the URL, which itself may be secret.
func (s *screen) urlValues(values map[string]string) {
	label := "in the URL"
	for _, text := range slices.Sorted(maps.Keys(values)) {
		s.field(label, fmt.Sprintf("${%s} is %q", text, values[text]))
		label = ""
	}
}

// kept reports whether the call would wait all the same if it were replayed.
func (w wholeCall) kept() bool {
	quiet := heldBack(w.Delivery) != "" && w.Held == journal.HeldByQuietHours
	return w.queued || w.refused || w.gathers || quiet
}

func (s *screen) aboutMessage(w wholeCall) {
	switch e := w.entry; {
	case e != nil:
		s.field("message", fmt.Sprintf("%s, in %s, UID %d (UIDVALIDITY %d)", idOf(w.Account, w.Seq, false), e.Mailbox, e.UID, e.UIDValidity))
		s.field("from", e.From)
		s.field("subject", e.Subject)
	case w.Seq > 0:
		s.field("message", idOf(w.Account, w.Seq, false)+", which the journal has forgotten")
	default:
		s.field("message", "none, of the account "+w.Account)
	}
}

func (s *screen) attempts(w wholeCall, zone *time.Location) {
	if len(w.attempts) == 0 {
		s.field("attempts", "none yet")
	}
	replayed := w.Restarted - w.cutOff()
	for i, t := range w.attempts {
		label := ""
		if i == 0 {
			label = "attempts"
		}
		if replayed > 0 && t.N == replayed+1 {
			s.line(fmt.Sprintf("  %-*s", labelWidth, label), plain, "-- replayed --")
			label = ""
		}
		s.line(fmt.Sprintf("  %-*s%d. ", labelWidth, label, t.N), plain, attemptText(t, zone))
		if t.Answer != "" {
			s.line(strings.Repeat(" ", labelWidth+5), plain, "the answer: "+t.Answer)
		}
	}
}

// cutOff counts the attempts that the end of a process cut off: they do not count
// towards the schedule, like those before a replay.
func (w wholeCall) cutOff() (n int) {
	for _, t := range w.attempts {
		if t.Error == journal.CutOff {
			n++
		}
	}
	return n
}

func attemptText(t knownAttempt, zone *time.Location) string {
	if t.note != "" || t.Error == journal.CutOff {
		return cmp.Or(t.note, t.Error)
	}
	text := stamp(t.At, zone) + ", " + tookText(t.Took) + ": "
	switch {
	case t.Status == 0:
		return text + t.Error
	case t.Error == "":
		return text + statusText(t.Status)
	case strings.Contains(t.Error, fmt.Sprint(t.Status)):
		return text + t.Error
	}
	return text + statusText(t.Status) + ", " + t.Error
}

// statusText is an HTTP status with its name.
func statusText(status int) string {
	return strings.TrimRight(fmt.Sprintf("%d %s", status, http.StatusText(status)), " ")
}

// payload shows the document, over several lines where it is JSON. Nothing in it
// can move the cursor.
func (s *screen) payload(raw []byte) {
	s.gap()
	raw = bytes.ToValidUTF8(raw, []byte("\uFFFD")) // JSON may hold what is none
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") == nil {
		s.b.Write(escaped(out.Bytes()))
		s.b.WriteString("\n")
		return
	}
	s.b.WriteString(visibleLines(string(raw)) + "\n")
}
