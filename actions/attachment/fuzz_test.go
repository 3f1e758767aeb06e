package attachment

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"imapilot/engine/enginetest/corpus"
	"imapilot/rules/facts"
)

// agrees holds that the attachments of a message are those that a rule sees,
// and that each has a name.
func agrees(t *testing.T, raw []byte) (found int) {
	t.Helper()
	var c contents
	err := walk(t.Context(), bytes.NewReader(raw), &c)
	want, seen := facts.ParseMessage(raw, 1).Structure.Attachments()
	if err != nil || seen != nil {
		if !errors.Is(err, facts.ErrTooManyParts) || !errors.Is(seen, facts.ErrTooManyParts) {
			t.Errorf("%v, a rule sees %v", err, seen)
		}
		return 0
	}
	for i := range want {
		want[i].Size = 0
	}
	if !slices.EqualFunc(c.parts, want, func(p Part, a facts.Attachment) bool { return p == Part(a) }) {
		t.Errorf("%+v, a rule sees %+v", c.parts, want)
	}
	for _, p := range c.parts {
		folders, name, err := path([]Piece{{p.Name, true}, {"x/", false}, {p.Name, true}}, p)
		if err != nil || len(folders) != 1 {
			t.Fatalf("%q: %v", folders, err)
		}
		checkName(t, folders[0])
		checkName(t, name)
		checkName(t, numbered(name, maxNames))
	}
	return len(c.parts)
}

func TestAgreesWithRulesOverTheCorpus(t *testing.T) {
	found := 0
	for _, m := range corpus.Messages(t) {
		n := agrees(t, m.Raw)
		if found += n; t.Failed() {
			t.Fatal(m.Name)
		}
	}
	if found < 100 {
		t.Errorf("only %d attachments", found)
	}
	t.Logf("%d attachments", found)
}

// FuzzWalk holds the same over anything, and that nothing panics.
func FuzzWalk(f *testing.F) {
	f.Add([]byte(two()))
	f.Add([]byte("Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a\r\nContent-Type: multipart/related; boundary=\"b \"\n\n--b\n--b\nContent-ID: <x>\nContent-Type: image/png\n\nx\n--a--"))
	for i, m := range corpus.Seeds(f) {
		if i%20 == 0 && len(m.Raw) < 8<<10 {
			f.Add(m.Raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if bytes.HasPrefix(raw, []byte("From ")) {
			return // a line of an mbox file, which no server hands out
		}
		agrees(t, raw)
	})
}
