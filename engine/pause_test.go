package engine_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine"
	"imapilot/engine/enginetest/imaptest"
)

// A copy that is refused holds the later move of another rule: the message
// stays, the target is shown as paused, and when the cause is gone both happen
// without help.
func TestRefusedCopyHoldsTheMove(t *testing.T) {
	memory := imaptest.Memory(t, imaptest.Options{})
	noMove := imaptest.Memory(t, imaptest.Options{NoMove: true})
	acl := imaptest.Dovecot(t, imaptest.Options{ACL: true})
	cyrus := imaptest.Cyrus(t, imaptest.Options{}) // it says so in words alone, without a code
	for name, c := range map[string]struct {
		srv           *imaptest.Server
		refuse, allow func()
	}{
		"memory, over quota":         {memory, func() { memory.Mem.Refuse("A", imap.ResponseCodeOverQuota) }, func() { memory.Mem.Allow("A") }},
		"memory, no MOVE, no rights": {noMove, func() { noMove.Mem.Refuse("A", imap.ResponseCodeNoPerm) }, func() { noMove.Mem.Allow("A") }},
		"dovecot, no rights":         {acl, func() { acl.SetRights(t, "A", "lr") }, func() { acl.SetRights(t, "A", "lrwstipekxa") }},
		"cyrus, no rights":           {cyrus, func() { cyrus.SetRights(t, "A", "lr") }, func() { cyrus.SetRights(t, "A", "lrwstipekxa") }},
	} {
		t.Run(name, func(t *testing.T) { refusedCopy(t, c.srv, c.refuse, c.allow) })
	}
}

func refusedCopy(t *testing.T, srv *imaptest.Server, refuse, allow func()) {
	r := newRig(t, srv)
	r.timing.Probe = 100 * time.Millisecond
	srv.Create(t, "A")
	cfg := r.config("", "rules:\n  - name: copy\n    if: true\n    then: [{copy: A}]\n  - name: move\n    if: true\n    then: [{move: B}]\n")
	refuse()
	r.daemon(cfg, func(e *engine.Engine) {
		r.eventually("watching", func() bool { return watching(e) })
		r.mail("INBOX", "one", "x@example.org")
		r.mail("INBOX", "two", "x@example.org")
		r.eventually("the target is paused", func() bool {
			s, err := e.Status(context.Background())
			return err == nil && len(s.Accounts[0].Pauses) == 1 && s.Accounts[0].Pauses[0].Target == "A"
		})
		var last time.Time
		probes := 0
		r.eventually("three probes are refused as well", func() bool {
			s, err := e.Status(context.Background())
			if err == nil && len(s.Accounts[0].Pauses) == 1 && s.Accounts[0].Pauses[0].Probe.After(last) {
				last = s.Accounts[0].Pauses[0].Probe
				probes++
			}
			return probes > 3
		})
		r.want("INBOX", "one", "two")
		r.want("B")
		allow()
		r.eventually("both happened", func() bool {
			return slices.Equal(r.subjects("A"), []string{"one", "two"}) && slices.Equal(r.subjects("B"), []string{"one", "two"})
		})
		r.want("INBOX")
		s, err := e.Status(context.Background())
		if err != nil || len(s.Accounts[0].Pauses) != 0 {
			t.Errorf("pauses = %+v, %v", s.Accounts[0].Pauses, err)
		}
	})
}
