package imapsession_test

import (
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"imapilot/engine/enginetest/corpus"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// TestCorpusStructures reads the structure of every message of the corpus as
// Dovecot describes it, and finds what imapclient finds. (The memory server ends
// the connection over some of these messages.)
func TestCorpusStructures(t *testing.T) {
	srv := imaptest.Dovecot(t, imaptest.Options{})
	names := map[imap.UID]string{}
	var uids imap.UIDSet
	for _, m := range corpus.Messages(t) {
		uid := srv.Append(t, "INBOX", nil, time.Time{}, m.Raw)
		names[uid] = m.Name
		uids.AddNum(uid)
	}
	s := connect(t, srv)
	must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
	got := must[map[imap.UID]imapsession.FetchedStructure](t)(s.FetchStructures(t.Context(), uids))
	want := theirStructures(t, srv, uids)
	same := 0
	for uid, name := range names {
		st, ok := got[uid]
		theirs, known := want[uid]
		switch ours := plain(st.Root); {
		case !ok || st.Err != nil || st.Cut:
			t.Errorf("%s: present %v, cut %v, %v", name, ok, st.Cut, st.Err)
		case known && !reflect.DeepEqual(ours, plain(theirs)):
			t.Errorf("%s:\n%+v\n%+v", name, ours, plain(theirs))
		case known:
			same++
		}
	}
	if same < len(names)*9/10 {
		t.Errorf("only %d of %d could be compared", same, len(names))
	}
}

// theirStructures asks imapclient. It ends the connection at the first response
// that it cannot read, so each such message is left out and the rest asked for
// anew.
func theirStructures(t *testing.T, srv *imaptest.Server, uids imap.UIDSet) map[imap.UID]imap.BodyStructure {
	t.Helper()
	out := map[imap.UID]imap.BodyStructure{}
	list, _ := uids.Nums()
	for len(list) > 0 {
		n := theirs(t, srv, imap.UIDSetNum(list...), out)
		list = list[min(n+1, len(list)):]
	}
	return out
}

// theirs returns how many messages came before it ended.
func theirs(t *testing.T, srv *imaptest.Server, uids imap.UIDSet, out map[imap.UID]imap.BodyStructure) int {
	t.Helper()
	c := imapclient.New(must[net.Conn](t)(srv.DialContext(t.Context(), "tcp", "")), nil)
	defer c.Close()
	check(t, c.Login(srv.Username, srv.Password).Wait())
	_, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait()
	check(t, err)
	cmd := c.Fetch(uids, &imap.FetchOptions{UID: true, BodyStructure: &imap.FetchItemBodyStructure{Extended: true}})
	n := 0
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		if buf, err := m.Collect(); err == nil && buf.BodyStructure != nil {
			out[buf.UID] = buf.BodyStructure
			n++
		}
	}
	_ = cmd.Close() // it may have ended early
	return n
}

// plain lists the parts of a structure in a form that can be compared.
func plain(root imap.BodyStructure) (out []any) {
	if root == nil {
		return nil
	}
	root.Walk(func(path []int, part imap.BodyStructure) bool {
		out = append(out, slices.Clone(path))
		switch p := part.(type) {
		case *imap.BodyStructureMultiPart:
			out = append(out, p.Subtype)
			if p.Extended != nil {
				out = append(out, *p.Extended)
			}
		case *imap.BodyStructureSinglePart:
			flat := *p
			flat.Extended, flat.Text, flat.MessageRFC822 = nil, nil, nil
			out = append(out, flat)
			if p.Extended != nil {
				out = append(out, *p.Extended)
			}
			if p.Text != nil {
				out = append(out, *p.Text)
			}
			if m := p.MessageRFC822; m != nil {
				e := *m.Envelope
				e.Date = e.Date.UTC()
				if !strings.Contains(e.MessageID, "@") {
					e.MessageID = "" // imapclient knows none without
				}
				out = append(out, e, m.NumLines, plain(m.BodyStructure))
			}
		}
		return true
	})
	return out
}
