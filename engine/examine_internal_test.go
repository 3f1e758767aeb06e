package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
)

// A certificate for another name is no question of trust: to pin it would hide that the
// host is wrong.
func TestACertificateForAnotherName(t *testing.T) {
	srv := httptest.NewUnstartedServer(nil)
	srv.StartTLS() // its certificate is for example.com
	defer srv.Close()
	conn, err := tls.Dial("tcp", srv.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // only to read it
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	_, failure := imapsession.Dial(t.Context(), imapsession.Options{
		Host: "imap.example.net", Port: 993, TLS: imapsession.TLSImplicit, Username: "ann", Password: "secret", Roots: roots,
		DialContext: (&redirect{srv.Listener.Addr().String()}).dial,
	})
	x := Examination{Account: config.Account{Host: "imap.example.net", TLS: config.TLSImplicit}, Failure: failure}
	x.Trace.Certificates = conn.ConnectionState().PeerCertificates
	var lines []string
	for _, s := range x.Suggestions() {
		lines = append(lines, s.Lines...)
	}
	if got := strings.Join(lines, "\n"); !x.OtherName() || !strings.Contains(got, "host: example.com") || strings.Contains(got, "pin:") {
		t.Errorf("%v: suggested %q", failure, got)
	}
}

// With one connection NOTIFY is not used, whoever offers it.
func TestWhyNotAllMailboxesAreAnnounced(t *testing.T) {
	for notify, want := range map[bool]string{true: "with one more, NOTIFY", false: "the server offers no NOTIFY"} {
		x := Examination{Account: config.Account{Connections: 1, Poll: time.Minute}, Watched: 4}
		x.Capabilities.Idle, x.Capabilities.Notify = true, notify
		if got := x.Strategies()[0]; !strings.Contains(got.Why, want) {
			t.Errorf("NOTIFY %v: %s because %s", notify, got.How, got.Why)
		}
	}
}

// Without a connection nothing polls.
func TestNothingPollsWithoutAConnection(t *testing.T) {
	var b stateBox
	b.begin(config.Account{Name: "home"})
	for state, want := range map[AccountState]string{Watching: "poll 1m0s", Waiting: "", Parked: "", Connecting: ""} {
		b.set(func(s *AccountStatus) {
			s.State, s.Mailboxes = state, []MailboxStatus{{Name: "INBOX", Watch: "poll 1m0s"}}
		})
		if got := b.get().Mailboxes[0].Watch; got != want {
			t.Errorf("%s: watched by %q", state, got)
		}
	}
}

// redirect dials one address, whatever is asked for.
type redirect struct{ to string }

func (r *redirect) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, r.to)
}
