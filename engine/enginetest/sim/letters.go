package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions/smtp"
	"imapilot/engine/enginetest/model"
)

// handIn is the mail server. One that fails at an odd operation has taken the message,
// and its answer is lost.
func (w *World) handIn(_ context.Context, _ smtp.Server, e smtp.Envelope, message []byte) smtp.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return smtp.Result{Err: errors.New("the process is dead"), Retry: true}
	}
	result := smtp.Result{Code: 250}
	for _, f := range w.faults {
		if f.Kind.area() == hooks && f.strikes() {
			result = smtp.Result{Code: 451, Err: errors.New("the server answered 451 not now"), Retry: true}
			if f.At%2 == 1 {
				result = smtp.Result{Err: errors.New("no answer"), Retry: true, Unknown: true}
			}
		}
	}
	if result.Err != nil && !result.Unknown {
		return result
	}
	subject, isForward := strings.CutPrefix(headerOf(message, "Subject"), "Fwd: ")
	if isForward {
		w.forwards = append(w.forwards, call{headerOf(message, "Message-ID"), fmt.Sprintf("%q", subject)})
	} else {
		w.answers = append(w.answers, call{headerOf(message, "Message-ID"), fmt.Sprintf("%q", strings.Join(e.To, " "))})
	}
	return result
}

func headerOf(message []byte, name string) string {
	for line := range strings.Lines(string(message)) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// correspondent is who writes all mail.
const correspondent = "ann@example.org"

// notSentFor says which forwards of a group were not sent, or as more than one message,
// and whether its sender was not answered.
func (w *World) notSentFor(group []*letter) []string {
	want := 0
	for _, l := range group {
		if l.wants("forward") {
			want++
		}
	}
	var out []string
	if got := len(w.ids(group[0].Subject, &w.forwards)); got != want && (got < want || !w.renumberedAndRestored()) {
		out = append(out, fmt.Sprintf("%q: %d forwards with ids of their own, want %d", group[0].Subject, got, want))
	}
	if group[0].wants("answer") && len(w.ids(correspondent, &w.answers)) == 0 {
		out = append(out, fmt.Sprintf("%q: nobody was answered", group[0].Subject))
	}
	return out
}

// moreAnswers: nobody gets two, unless the journal that knew of the first is lost.
func (w *World) moreAnswers() []string {
	w.mu.Lock()
	lost := w.backup != nil || w.forgot
	w.mu.Unlock()
	if n := len(w.ids(correspondent, &w.answers)); n > 1 && !lost {
		return []string{fmt.Sprintf("%d answers to one sender", n)}
	}
	return nil
}

// unsentAndMoved: no rule of ours moves a message that was not forwarded.
func (w *World) unsentAndMoved(group []*letter, all []model.Place) []string {
	l := group[0]
	if !l.wants("forward") || !l.wants("move") || slices.ContainsFunc(group, func(l *letter) bool { return l.touched }) {
		return nil
	}
	moved := 0
	for _, p := range all {
		if p.Subject == l.Subject && p.Mailbox == "Moved" && !p.Has(imap.FlagDeleted) {
			moved++
		}
	}
	if sent := len(w.ids(l.Subject, &w.forwards)); moved > sent {
		return []string{fmt.Sprintf("%q: %d were moved, and %d forwarded", l.Subject, moved, sent)}
	}
	return nil
}

// writing is mail that is forwarded or answered before it is moved.
func writing() []Scenario {
	return []Scenario{{
		Name: "letters", Sparse: 5,
		Acts: []Act{then(bystanders), then(mail("1 forward copy move", "2 answer")), then(mail("3 forward answer flag move", "4 answer move"))},
	}, {
		Name: "apply with letters", Sparse: 5, Apply: wholeInbox, Server: model.Options{NoMove: true},
		Before: func(w *World) { old("1 forward answer move", "2 forward flag")(w) },
	}}
}
