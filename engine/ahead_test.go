package engine_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
)

// applyAhead applies the rules to all that is there, with logins that began already.
func (r *rig) applyAhead(cfg *config.Config, h *engine.Ahead, o engine.Options) (err error) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) {
		all := r.options(j)
		all.Apply, all.Ahead, all.DialContext = &engine.Scope{}, h, o.DialContext
		err = engine.New(cfg, all).Run(r.t.Context())
	})
	return err
}

// A login that began before there was an engine is the one that works: nobody connects
// again. It is good for one connection; the next run makes its own.
func TestLogInAhead(t *testing.T) {
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", filing)
	dialled := make(chan struct{}, 10)
	o := engine.Options{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled <- struct{}{}
		return r.srv.DialContext(ctx, network, address)
	}}
	h := engine.LogInAhead(t.Context(), cfg, "", o)
	defer h.Close()
	<-dialled // before there is an engine
	for run, mailbox := range []string{"one", "two"} {
		r.mail("INBOX", mailbox, "b@news.example")
		if err := r.applyAhead(cfg, h, o); err != nil {
			t.Fatal(err)
		}
		if len(dialled) != run {
			t.Errorf("run %d: connected %d times more", run, len(dialled))
		}
	}
	if got := len(r.srv.Messages(t, "News")); got != 2 {
		t.Errorf("%d messages were moved", got)
	}
}

// A login that was refused ahead is the run's: it is not tried again.
func TestLogInAheadRefused(t *testing.T) {
	srv := imaptest.Scripted(t, func(c *imaptest.Script) {
		c.Send("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready")
		c.Answer("AUTHENTICATE", "NO [AUTHENTICATIONFAILED] no")
	})
	r := newRig(t, imaptest.Memory(t, imaptest.Options{}))
	cfg := r.config("", filing)
	o := engine.Options{DialContext: srv.DialContext}
	h := engine.LogInAhead(t.Context(), cfg, "", o)
	defer h.Close()
	var e *imapsession.Error
	if err := r.applyAhead(cfg, h, o); !errors.As(err, &e) || e.Class != imapsession.Auth || srv.Connections() != 1 {
		t.Errorf("%v after %d connections", err, srv.Connections())
	}
}
