package imapsession

import (
	"bytes"
	"slices"
	"testing"

	"github.com/emersion/go-imap/v2"
)

// FuzzAlike lets a server say anything of some messages: a message has the kind of what the
// server said of it, flag for flag and octet for octet, or none.
func FuzzAlike(f *testing.F) {
	const header = "BODY[HEADER.FIELDS (From)] "
	for _, seed := range [][2]string{
		{`(UID 5 FLAGS (\Seen) ` + header + `"From: a")`, `(UID 7 FLAGS (\Seen) ` + header + `"From: a")`},
		{`(FLAGS (\Seen) UID 5 ` + header + `{3}` + "\r\nF:a)", `(FLAGS (\Seen) UID 7 ` + header + `{3}` + "\r\nF:a)"},
		{`(UID 5 FLAGS () UID 5 ` + header + `"a")`, `(UID 7 FLAGS () UID 5 ` + header + `"a")`},
		{`(FLAGS (UID 5) ` + header + `"a" UID 7)`, `(FLAGS (UID 7) ` + header + `"a" UID 5)`},
		{`(UID 5 FLAGS (\Seen))`, `(` + header + `"a" FLAGS () UID 5)`}, {`(FLAGS () UID 5`, `(UID 5 FLAGS (`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		with, err := NewAlike([]string{"From"})
		if err != nil {
			t.Fatal(err)
		}
		c := &Comparing{with: with, asked: imap.UIDSetNum(5, 7), room: 5000}
		for _, data := range [][]byte{first, second, first, second} {
			before := len(c.kinds.Of)
			took := c.take(response{kind: "FETCH", data: bytes.Clone(data)})
			m, ok := parseFetch(&scanner{b: data}, itemsAlike)
			said := len(c.kinds.Of) > before
			if want := ok && c.asked.Contains(m.UID); took != want || said && !took || took && !said && c.room >= 0 {
				t.Fatalf("taken: %v, of %q", took, data)
			}
			if said {
				checkKind(t, c.kinds, m)
			}
		}
	})
}

// checkKind compares the last message with what was said of it.
func checkKind(t *testing.T, kinds Kinds, m message) {
	t.Helper()
	last := kinds.Of[len(kinds.Of)-1]
	if last.UID != m.UID {
		t.Fatalf("%d has the kind of %d", last.UID, m.UID)
	}
	if last.Kind == NoKind {
		return
	}
	k := kinds.Fresh[last.Kind]
	if k.Number != last.Kind || m.has&itemsAlike != itemsAlike || !slices.Equal(k.Flags, m.Flags) || !bytes.Equal(k.Header, wholeLines(m.Header, m.headerCut)) {
		t.Fatalf("%+v is taken for %+v", m, k)
	}
}

// A server that tells the same of a message for ever takes no memory, and is not believed.
func TestAlikeHasALimit(t *testing.T) {
	with, err := NewAlike([]string{"From"})
	if err != nil {
		t.Fatal(err)
	}
	c := &Comparing{with: with, asked: imap.UIDSetNum(5), room: 5000}
	for range 1000 {
		if !c.take(response{kind: "FETCH", data: []byte(`(UID 5 FLAGS () BODY[HEADER.FIELDS (From)] "From: a")`)}) {
			t.Fatal("it was asked for")
		}
	}
	if len(c.kinds.Of) > 0 || cap(c.kinds.Of) > 0 {
		t.Errorf("room for %d messages", cap(c.kinds.Of))
	}
}
