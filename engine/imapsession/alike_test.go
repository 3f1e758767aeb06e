package imapsession_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// alike compares messages, and looks at each as well: one kind is one text, and two texts
// are two kinds.
func alike(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	for i := range 40 {
		var flags []imap.Flag
		if i%3 == 0 {
			flags = []imap.Flag{imap.FlagFlagged}
		}
		srv.AppendAll(t, "Alike", []imaptest.Delivery{{Flags: flags, Raw: fmt.Appendf(nil, "From: a%d@example.org\r\nSubject: %d\r\n\r\nx\r\n", i%4, i)}})
	}
	must[imapsession.Selected](t)(s.Select(t.Context(), "Alike"))
	with, err := imapsession.NewAlike([]string{"From"})
	check(t, err)
	one, two := s.CompareAhead(t.Context(), imap.UIDSet{{Start: 1, Stop: 20}}, with), s.CompareAhead(t.Context(), imap.UIDSet{{Start: 21, Stop: 40}}, with)
	first := must[imapsession.Kinds](t)(one.Wait())
	second := must[imapsession.Kinds](t)(two.Wait())
	if len(first.Of) != 20 || len(second.Of) != 20 || len(first.Fresh)+len(second.Fresh) != 8 {
		t.Fatalf("%d and %d messages, %d and %d kinds", len(first.Of), len(second.Of), len(first.Fresh), len(second.Fresh))
	}
	kinds := slices.Concat(first.Fresh, second.Fresh)
	fetched := must[[]imapsession.Fetched](t)(s.FetchHeaders(t.Context(), imap.UIDSet{{Start: 1, Stop: 40}}, []string{"From"}))
	for _, m := range slices.Concat(first.Of, second.Of) {
		f, k := fetched[m.UID-1], kinds[m.Kind]
		if !bytes.Equal(f.Header, k.Header) || !slices.Equal(lasting(f.Flags), lasting(k.Flags)) {
			t.Errorf("%d is %q with %q, and of the kind %q with %q", m.UID, f.Header, f.Flags, k.Header, k.Flags)
		}
	}
}

// lasting are flags without \Recent, which is of one session only.
func lasting(flags []imap.Flag) []imap.Flag {
	return slices.DeleteFunc(slices.Clone(flags), func(f imap.Flag) bool { return f == "\\Recent" })
}

func TestAlikeTakesNoFieldThatIsNone(t *testing.T) {
	if _, err := imapsession.NewAlike([]string{"From", "X)\r\nT1 LOGOUT"}); err == nil {
		t.Error("it was taken")
	}
}
