package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"imapilot/actions"
	"imapilot/actions/attachment"
	"imapilot/engine/journal"
)

// TestNothingIsSavedOfNoMessage: a document that asks for no message is no message
// without attachments, nor one without an offer.
func TestNothingIsSavedOfNoMessage(t *testing.T) {
	o := &outbox{account: &account{engine: &Engine{}}}
	for _, r := range []error{
		o.saveAttachments(t.Context(), &actions.Saving{To: "/"}, nil).Err,
		o.saveAttachments(t.Context(), nil, []byte("x")).Err,
		o.unsubscribe(t.Context(), journal.Delivery{}, nil).Err,
	} {
		if !errors.Is(r, errNoRaw) {
			t.Errorf("%v", r)
		}
	}
}

// TestSavedTextIsShort: it names what there is room for.
func TestSavedTextIsShort(t *testing.T) {
	var files []attachment.File
	for i := range 100 {
		files = append(files, attachment.File{Name: fmt.Sprintf("a/%d.pdf", i), Existed: i == 1})
	}
	got := savedText("/srv", files)
	if len(got) > maxTold || !strings.HasPrefix(got, "saved /srv/a/0.pdf, /srv/a/1.pdf (it was there), /srv/a/2.pdf, ") || !strings.HasSuffix(got, " more") {
		t.Errorf("%d octets: %s", len(got), got)
	}
	if n := strings.Count(got, ".pdf"); !strings.HasSuffix(got, fmt.Sprintf(", and %d more", 100-n)) {
		t.Errorf("%d are named: %s", n, got)
	}
	if got := savedText("/"+strings.Repeat("x", maxTold), files[:1]); got != "saved, 1 in all" {
		t.Errorf("%s", got)
	}
}

// TestErrorsOfManyAttachments are said on one line, the first of them.
func TestErrorsOfManyAttachments(t *testing.T) {
	var all []error
	for i := range 5 {
		all = append(all, fmt.Errorf("e%d", i))
	}
	if got := oneLine(errors.Join(all...)); got.Error() != "e0; e1; e2; and 2 more" {
		t.Error(got)
	}
	if oneLine(nil) != nil {
		t.Error("no error is one")
	}
}

// TestWhatIsOutsideIsNotUndone: it is said why.
func TestWhatIsOutsideIsNotUndone(t *testing.T) {
	e := journal.Entry{State: journal.Done, Steps: []journal.Step{
		{Action: &actions.Action{Kind: actions.SaveAttachments, Save: &actions.Saving{To: "/srv/x"}}, State: journal.StepDone},
		{Action: &actions.Action{Kind: actions.Unsubscribe}, State: journal.StepDone},
	}}
	r := reverse(undoable{Entry: e}, func(s string) string { return s }, true)
	want := []Unable{{"save_attachments: /srv/x", "the files stay where they were saved"}, {"unsubscribe", "a list that was left is not joined again"}}
	if len(r.steps)+len(r.removed) > 0 || len(r.cannot) != 2 || r.cannot[0] != want[0] || r.cannot[1] != want[1] {
		t.Errorf("%+v", r)
	}
}
