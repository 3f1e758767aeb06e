package imapsession_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// TestServers holds every server to the same behaviour, with every set of
// capabilities that matters. Each behaviour has a user of its own.
func TestServers(t *testing.T) {
	behaviours := map[string]func(t *testing.T, srv *imaptest.Server, s *imapsession.Session){
		"capabilities": capabilities, "mailboxes": mailboxes, "arguments": arguments, "fetch": fetch, "search": search,
		"changes": changes, "long sets": longSets, "append": appends, "idle": idle, "view": view,
		"whole headers": wholeHeaders, "whole messages": wholeMessages, "structures": structures, "parts": parts, "raw": raws, "criteria": criteria, "alike": alike,
	}
	bare := imaptest.Options{NoMove: true, NoUIDPlus: true}
	all := map[string]imaptest.Options{"full": {}, "no MOVE": {NoMove: true}, "no MOVE, no UIDPLUS": bare, "no IDLE": {NoIdle: true}}
	for _, kind := range []struct {
		name  string
		start func(testing.TB, imaptest.Options) *imaptest.Server
		caps  map[string]imaptest.Options
	}{
		{"memory", imaptest.Memory, all},
		{"dovecot", imaptest.Dovecot, all},
		{"cyrus", imaptest.Cyrus, map[string]imaptest.Options{"full": {}, "no MOVE, no UIDPLUS": bare, "no IDLE": {NoIdle: true}}},
	} {
		for name, o := range kind.caps {
			t.Run(kind.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				srv := kind.start(t, o)
				for behaviour, run := range behaviours {
					t.Run(behaviour, func(t *testing.T) {
						user := srv.As(t, strings.ReplaceAll(behaviour, " ", "-"))
						run(t, user, connect(t, user))
					})
				}
			})
		}
	}
}

// TestDottedNamespace is a server with another delimiter, and all mailboxes
// below INBOX (RFC 2342).
func TestDottedNamespace(t *testing.T) {
	srv := imaptest.Cyrus(t, imaptest.Options{Dots: true})
	srv.Create(t, "Lists/Go")
	s := connect(t, srv)
	if s.Delimiter() != '.' || s.Prefix() != "INBOX." {
		t.Errorf("delimiter %q, prefix %q", s.Delimiter(), s.Prefix())
	}
	var names []string
	for _, m := range must[[]imapsession.MailboxInfo](t)(s.List(t.Context())) {
		names = append(names, m.Name)
	}
	if !slices.Contains(names, "INBOX.Lists.Go") {
		t.Errorf("LIST: %q", names)
	}
}

func options(srv *imaptest.Server) imapsession.Options {
	host, port := srv.Addr()
	return imapsession.Options{Host: host, Port: port, TLS: imapsession.TLSNone, Username: srv.Username, Password: srv.Password}
}

func connect(t *testing.T, srv *imaptest.Server) *imapsession.Session {
	t.Helper()
	s, err := imapsession.Dial(t.Context(), options(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func letter(id string) []byte {
	return fmt.Appendf(nil, "From: Ann <ann@example.org>\r\nSubject: %s\r\nMessage-ID: <%s@test>\r\nX-Other: no\r\n\r\nHello.\r\n", id, id)
}

func must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError demands an error of a class, and with it that it is an *Error.
func wantError(t *testing.T, err error, class imapsession.Class) *imapsession.Error {
	t.Helper()
	var e *imapsession.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want one of class %v", err, class)
	}
	if e.Class != class {
		t.Errorf("error %v is of class %v, want %v", err, e.Class, class)
	}
	return e
}

func ids(srv *imaptest.Server, t *testing.T, mailbox string) (out []string) {
	t.Helper()
	for _, m := range srv.Messages(t, mailbox) {
		id := strings.TrimSuffix(strings.TrimPrefix(m.MessageID, "<"), "@test>")
		if slices.Contains(m.Flags, imap.FlagDeleted) {
			id += "!"
		}
		out = append(out, id)
	}
	return out
}

func capabilities(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	c, o := s.Capabilities(), srv.Options
	if c.Move == o.NoMove || c.UIDPlus == o.NoUIDPlus || c.Idle == o.NoIdle || !c.Has("imap4REV1") || !c.SpecialUse {
		t.Errorf("%+v on a server with %+v", c, o)
	}
	if tells := srv.Mem == nil; c.ID != tells || tells && s.Server().Name != string(srv.Software) {
		t.Errorf("ID is %v, and the server is %+v", c.ID, s.Server())
	}
	if s.Delimiter() != '/' || s.Prefix() != "" {
		t.Errorf("delimiter %q, prefix %q", s.Delimiter(), s.Prefix())
	}
}

func mailboxes(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx := t.Context()
	names := []string{"Entwürfe & Ideen", "日本語/メール", "a&b"}
	for _, odd := range []string{`Say "hello"\now`, "100% *new*"} {
		if srv.Software != imaptest.CyrusServer {
			names = append(names, odd)
		} else if e := wantError(t, s.Create(ctx, odd), imapsession.Target); e.Status != "NO" || e.Unknown { // it refuses such names
			t.Errorf("CREATE %q: %+v", odd, e)
		}
	}
	for _, name := range names {
		check(t, s.Create(ctx, name))
		check(t, s.Subscribe(ctx, name))
		srv.Append(t, name, nil, time.Time{}, letter("x"))
		if st := must[imapsession.Status](t)(s.Status(ctx, name)); st.Messages != 1 || st.UIDNext != 2 || st.UIDValidity == 0 {
			t.Errorf("STATUS of %q: %+v", name, st)
		}
		if sel := must[imapsession.Selected](t)(s.Select(ctx, name)); sel.Messages != 1 || sel.UIDNext != 2 || sel.UIDValidity == 0 || sel.ReadOnly {
			t.Errorf("SELECT of %q: %+v", name, sel)
		}
		check(t, s.Unselect(ctx))
	}
	list := must[[]imapsession.MailboxInfo](t)(s.List(ctx))
	roles := map[string]string{}
	for _, m := range list {
		roles[m.Name] = m.Role
		if slices.Contains(names, m.Name) && (!m.Subscribed || m.NoSelect) {
			t.Errorf("LIST: %+v", m)
		}
	}
	for _, name := range append(names, "INBOX") {
		if role, ok := roles[name]; !ok || role != "" {
			t.Errorf("LIST: %q is %q, %v", name, role, ok)
		}
	}
	for _, role := range []string{"Trash", "Junk", "Sent", "Archive", "Drafts"} {
		if roles[role] != strings.ToLower(role) {
			t.Errorf("LIST: %s has the role %q", role, roles[role])
		}
	}
	e := wantError(t, s.Create(ctx, names[0]), imapsession.Target)
	if code := e.Code == "ALREADYEXISTS"; code == (srv.Software == imaptest.CyrusServer) || e.Status != "NO" || e.Unknown {
		t.Errorf("CREATE again: %+v", e)
	}
	_, err := s.Status(ctx, "Nowhere")
	wantError(t, err, imapsession.Target)
	_, err = s.Select(ctx, "Nowhere")
	wantError(t, err, imapsession.Target)
}

// A name or flag with a line break in it is refused, and nothing is sent.
func arguments(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx := t.Context()
	srv.Append(t, "INBOX", nil, time.Time{}, letter("a"))
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	one := imap.UIDSetNum(1)
	for _, evil := range []string{"x\r\na DELETE Trash", "x\na", "x\ry", "x\x00y", "", "\xff", strings.Repeat("x", 1001)} {
		wantError(t, s.Create(ctx, evil), imapsession.Target)
		wantError(t, s.Subscribe(ctx, evil), imapsession.Target)
		_, err := s.Status(ctx, evil)
		wantError(t, err, imapsession.Target)
		_, err = s.Select(ctx, evil)
		wantError(t, err, imapsession.Target)
		_, err = s.Copy(ctx, one, evil)
		wantError(t, err, imapsession.Target)
		_, err = s.Append(ctx, evil, nil, time.Time{}, letter("b"))
		wantError(t, err, imapsession.Target)
		wantError(t, s.Store(ctx, one, imap.StoreFlagsAdd, []imap.Flag{imap.Flag(evil)}), imapsession.Bad)
		_, err = s.FetchHeaders(ctx, one, []string{evil})
		wantError(t, err, imapsession.Bad)
		if evil != "" && len(evil) < 1000 {
			_, err = s.Search(ctx, &imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Subject", Value: evil}}})
			wantError(t, err, imapsession.Bad)
		}
	}
	if got := ids(srv, t, "INBOX"); !slices.Equal(got, []string{"a"}) || !slices.Contains(srv.Mailboxes(t), "Trash") {
		t.Errorf("INBOX holds %v", got)
	}
	check(t, s.Noop(ctx))
}

func fetch(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx, at := t.Context(), time.Date(2026, 5, 4, 3, 2, 1, 0, time.FixedZone("", 7200))
	srv.Append(t, "INBOX", []imap.Flag{imap.FlagFlagged, "$Work"}, at, letter("a"))
	srv.Append(t, "INBOX", nil, at, letter("b"))
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	got := must[[]imapsession.Fetched](t)(s.FetchHeaders(ctx, imap.UIDSet{{Start: 1, Stop: 99}}, []string{"Message-ID", "Subject"}))
	if len(got) != 2 {
		t.Fatalf("%d messages", len(got))
	}
	a := got[0]
	if a.UID != 1 || !slices.Contains(a.Flags, imap.FlagFlagged) || !a.Received.Equal(at) || a.Size != int64(len(letter("a"))) {
		t.Errorf("%+v", a)
	}
	header := strings.ToLower(string(a.Header))
	if !strings.Contains(header, "message-id: <a@test>\r\n") || !strings.Contains(header, "subject: a\r\n") || strings.Contains(header, "x-other") {
		t.Errorf("header %q", a.Header)
	}
	flags := must[map[imap.UID][]imap.Flag](t)(s.FetchFlags(ctx, imap.UIDSetNum(1, 2, 3)))
	if len(flags) != 2 || slices.Contains(flags[2], imap.FlagSeen) {
		t.Errorf("flags %v", flags)
	}
	for _, empty := range []imap.UIDSet{nil, {}} {
		if got := must[[]imapsession.Fetched](t)(s.FetchHeaders(ctx, empty, []string{"Subject"})); len(got) != 0 {
			t.Errorf("of no UIDs: %v", got)
		}
	}
	_, err := s.FetchFlags(ctx, imap.UIDSet{{Start: 1, Stop: 0}})
	wantError(t, err, imapsession.Bad)
}

func search(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx := t.Context()
	for i := range 5 {
		var flags []imap.Flag
		if i%2 == 0 {
			flags = []imap.Flag{imap.FlagFlagged}
		}
		srv.Append(t, "INBOX", flags, time.Time{}, letter(fmt.Sprint("m", i)))
	}
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	for from, want := range map[imap.UID]string{0: "1:5", 1: "1:5", 4: "4:5", 5: "5", 6: "", 4294967295: ""} {
		if got := must[imap.UIDSet](t)(s.SearchAbove(ctx, from)); got.String() != want {
			t.Errorf("SearchAbove(%d) = %v, want %v", from, got, want)
		}
	}
	flagged := must[imap.UIDSet](t)(s.Search(ctx, &imap.SearchCriteria{Flag: []imap.Flag{imap.FlagFlagged}}))
	if flagged.String() != "1,3,5" {
		t.Errorf("flagged: %v", flagged)
	}
	// A set that is too long for one command is searched in parts.
	var scattered imap.UIDSet
	for uid := imap.UID(1); uid < 9000; uid += 2 {
		scattered.AddNum(uid)
	}
	got := must[imap.UIDSet](t)(s.Search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{scattered}, Flag: []imap.Flag{imap.FlagFlagged}}))
	if got.String() != "1,3,5" {
		t.Errorf("scattered: %v", got)
	}
}

func changes(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx, o := t.Context(), srv.Options
	for _, id := range []string{"a", "b", "c", "d"} {
		srv.Append(t, "INBOX", nil, time.Time{}, letter(id))
	}
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	pairs := must[map[imap.UID]imap.UID](t)(s.Copy(ctx, imap.UIDSetNum(1, 3), "Archive"))
	tells := srv.Mem == nil // hiding UIDPLUS there hides only the announcement
	if want := (map[imap.UID]imap.UID{1: 1, 3: 2}); (!o.NoUIDPlus || tells) && !maps.Equal(pairs, want) || o.NoUIDPlus && !tells && pairs != nil {
		t.Errorf("COPYUID %v", pairs)
	}
	pairs, err := s.Move(ctx, imap.UIDSetNum(1, 2), "Archive")
	if o.NoMove {
		wantError(t, err, imapsession.Bad)
	} else if err != nil || !maps.Equal(pairs, map[imap.UID]imap.UID{1: 3, 2: 4}) {
		t.Errorf("MOVE: %v, %v", pairs, err)
	}
	check(t, s.Store(ctx, imap.UIDSetNum(3, 4), imap.StoreFlagsAdd, []imap.Flag{imap.FlagDeleted, "$Gone"}))
	check(t, s.Store(ctx, imap.UIDSetNum(3, 4), imap.StoreFlagsDel, []imap.Flag{"$Gone"}))
	err = s.Expunge(ctx, imap.UIDSetNum(3))
	if o.NoUIDPlus {
		wantError(t, err, imapsession.Bad)
	} else {
		check(t, err)
	}
	want := map[[2]bool][]string{
		{false, false}: {"d!"}, {true, false}: {"a", "b", "d!"}, {true, true}: {"a", "b", "c!", "d!"},
	}[[2]bool{o.NoMove, o.NoUIDPlus}]
	if got := ids(srv, t, "INBOX"); !slices.Equal(got, want) {
		t.Errorf("INBOX holds %v, want %v", got, want)
	}
	for name, do := range map[string]func() error{
		"COPY": func() error { _, err := s.Copy(ctx, imap.UIDSetNum(4), "Nowhere"); return err },
		"MOVE": func() error {
			if o.NoMove {
				return &imapsession.Error{Class: imapsession.Target, Code: "TRYCREATE"}
			}
			_, err := s.Move(ctx, imap.UIDSetNum(4), "Nowhere")
			return err
		},
	} {
		if e := wantError(t, do(), imapsession.Target); e.Code != "TRYCREATE" || e.Unknown {
			t.Errorf("%s to nowhere: %+v", name, e)
		}
	}
	if got := ids(srv, t, "INBOX"); !slices.Equal(got, want) {
		t.Errorf("after the refusals INBOX holds %v, want %v", got, want)
	}
	// UIDs that do not exist are no error.
	_, err = s.Copy(ctx, imap.UIDSetNum(900), "Archive")
	check(t, err)
}

// Thousands of scattered UIDs go out in several commands.
func longSets(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx := t.Context()
	for i := range 3 {
		srv.Append(t, "INBOX", nil, time.Time{}, letter(fmt.Sprint("m", i)))
	}
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	set := imap.UIDSetNum(1, 3)
	for uid := imap.UID(1001); uid < 8000; uid += 2 {
		set.AddNum(uid)
	}
	set.AddNum(2)
	pairs := must[map[imap.UID]imap.UID](t)(s.Copy(ctx, set, "Archive"))
	if got := ids(srv, t, "Archive"); len(got) != 3 {
		t.Errorf("Archive holds %v", got)
	}
	// The later commands name nothing that exists, and so no COPYUID: what
	// cannot be told for all is not told.
	if pairs != nil {
		t.Errorf("COPYUID %v", pairs)
	}
	check(t, s.Store(ctx, set, imap.StoreFlagsAdd, []imap.Flag{imap.FlagSeen}))
	if flags := must[map[imap.UID][]imap.Flag](t)(s.FetchFlags(ctx, set)); len(flags) != 3 || !slices.Contains(flags[3], imap.FlagSeen) {
		t.Errorf("flags %v", flags)
	}
}

func appends(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx, at := t.Context(), time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	big := append(letter("big"), strings.Repeat("x", 100_000)...)
	for i, raw := range [][]byte{letter("a"), big} {
		uid := must[imap.UID](t)(s.Append(ctx, "Archive", []imap.Flag{imap.FlagSeen}, at, raw))
		if want := imap.UID(i + 1); uid != want && (!srv.Options.NoUIDPlus || uid != 0) {
			t.Errorf("UID %d, want %d", uid, want)
		}
		if m := srv.Messages(t, "Archive")[i]; m.Size != int64(len(raw)) || !m.Received.Equal(at) || !slices.Contains(m.Flags, imap.FlagSeen) {
			t.Errorf("%+v", m)
		}
	}
	_, err := s.Append(ctx, "Nowhere", nil, at, letter("a"))
	if e := wantError(t, err, imapsession.Target); e.Code != "TRYCREATE" {
		t.Errorf("%+v", e)
	}
}

func idle(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx := t.Context()
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	if srv.Options.NoIdle {
		_, err := idleNews(ctx, s, time.Second)
		wantError(t, err, imapsession.Bad)
		return
	}
	if news := must[bool](t)(idleNews(ctx, s, 10*time.Millisecond)); news {
		t.Error("news of nothing")
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if news := must[bool](t)(idleNews(stopped, s, time.Minute)); news {
		t.Error("news of nothing")
	}
	go srv.Append(t, "INBOX", nil, time.Time{}, letter("a"))
	if news := must[bool](t)(idleNews(ctx, s, time.Minute)); !news {
		t.Error("a minute without the news")
	}
	// What comes between two calls counts, and SELECT makes it void.
	srv.Append(t, "INBOX", nil, time.Time{}, letter("b"))
	for len(must[imap.UIDSet](t)(s.SearchAbove(ctx, 2))) == 0 {
		check(t, s.Noop(ctx)) // until the server has told
	}
	if news := must[bool](t)(idleNews(ctx, s, time.Minute)); !news {
		t.Error("a minute without the news from before")
	}
	srv.Append(t, "INBOX", nil, time.Time{}, letter("c"))
	for len(must[imap.UIDSet](t)(s.SearchAbove(ctx, 3))) == 0 {
		check(t, s.Noop(ctx))
	}
	must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
	if news := must[bool](t)(idleNews(ctx, s, 10*time.Millisecond)); news {
		t.Error("SELECT left old news standing")
	}
	check(t, s.Logout(ctx))
}

// What is announced behind the session's back is seen after SELECT.
func view(t *testing.T, srv *imaptest.Server, s *imapsession.Session) {
	ctx := t.Context()
	for i := range 5 {
		sel := must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
		if sel.Messages != uint32(i) {
			t.Errorf("%d messages, want %d", sel.Messages, i)
		}
		srv.Append(t, "INBOX", nil, time.Time{}, letter(fmt.Sprint("m", i)))
		must[imapsession.Selected](t)(s.Select(ctx, "INBOX"))
		if found := must[imap.UIDSet](t)(s.SearchAbove(ctx, 1)); len(found) != 1 || found[0].Stop != imap.UID(i+1) {
			t.Errorf("found %v after %d deliveries", found, i+1)
		}
	}
}

// Unselect expunges nothing, also where there is no UNSELECT.
func TestUnselectExpungesNothing(t *testing.T) {
	bare := imaptest.Dovecot(t, imaptest.Options{Config: "protocol imap {\n  imap_capability = IMAP4rev1\n}\n"})
	for _, srv := range []*imaptest.Server{imaptest.Memory(t, imaptest.Options{}), imaptest.Dovecot(t, imaptest.Options{}), bare, imaptest.Cyrus(t, imaptest.Options{})} {
		s := connect(t, srv)
		srv.Append(t, "INBOX", []imap.Flag{imap.FlagDeleted}, time.Time{}, letter("a"))
		check(t, s.Unselect(t.Context()))
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		check(t, s.Unselect(t.Context()))
		check(t, s.Unselect(t.Context()))
		if got := ids(srv, t, "INBOX"); !slices.Equal(got, []string{"a!"}) {
			t.Errorf("INBOX holds %v", got)
		}
	}
}

func TestRefusedTargetsAreTargets(t *testing.T) {
	for name, tc := range map[string]struct {
		code    string
		opts    imaptest.Options
		size    int
		prepare func(srv *imaptest.Server)
		cure    func(srv *imaptest.Server)
	}{
		"over quota": {"OVERQUOTA", imaptest.Options{Quota: 3000}, 700,
			func(srv *imaptest.Server) {
				srv.Append(t, "Big", nil, time.Time{}, append(letter("big"), strings.Repeat("x", 1900)...))
			},
			func(srv *imaptest.Server) { srv.Empty(t, "Big") }},
		"no right": {"NOPERM", imaptest.Options{ACL: true}, 1,
			func(srv *imaptest.Server) { srv.SetRights(t, "Archive", "lr") },
			func(srv *imaptest.Server) { srv.SetRights(t, "Archive", "lrwstipekxa") }},
	} {
		for kind, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{"dovecot": imaptest.Dovecot, "cyrus": imaptest.Cyrus} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				srv := start(t, tc.opts)
				srv.Append(t, "INBOX", nil, time.Time{}, append(letter("a"), strings.Repeat("x", tc.size)...))
				srv.Append(t, "Archive", nil, time.Time{}, letter("b"))
				tc.prepare(srv)
				code := tc.code
				if srv.Software == imaptest.CyrusServer {
					code = "" // it says it in words alone
				}
				refusedTarget(t, srv, code, func() { tc.cure(srv) })
			})
		}
	}
}

func refusedTarget(t *testing.T, srv *imaptest.Server, code string, cure func()) {
	s := connect(t, srv)
	must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
	_, err := s.Copy(t.Context(), imap.UIDSetNum(1), "Archive")
	if e := wantError(t, err, imapsession.Target); e.Code != code || e.Unknown || e.Text == "" {
		t.Errorf("COPY: %+v", e)
	}
	cure()
	if got := must[map[imap.UID]imap.UID](t)(s.Copy(t.Context(), imap.UIDSetNum(1), "Archive")); len(got) != 1 {
		t.Errorf("COPYUID %v", got)
	}
}
