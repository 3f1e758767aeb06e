package mailtest

import (
	"net/smtp"
	"strings"
	"testing"
)

// TestServerKeepsWhatItTakes, of users that it lets in.
func TestServerKeepsWhatItTakes(t *testing.T) {
	s := Start(t, "hush")
	at := s.listener.Addr().String()
	send := func(password, to string) error {
		return smtp.SendMail(at, smtp.PlainAuth("", "ann", password, "127.0.0.1"), "me@example.org", []string{to}, []byte("Subject: x\r\n\r\nHello.\r\n"))
	}
	for _, refused := range [][2]string{{"wrong", "bob@example.net"}, {"hush", "nobody@example.net"}, {"hush", "busy@example.net"}} {
		if err := send(refused[0], refused[1]); err == nil {
			t.Errorf("%q is taken", refused)
		}
	}
	if err := send("hush", "bob@example.net"); err != nil {
		t.Fatal(err)
	}
	got := s.Messages("ann")
	if len(got) != 1 || got[0].From != "me@example.org" || got[0].To[0] != "bob@example.net" || !strings.Contains(got[0].Data, "Hello.") || len(s.Messages("bob")) > 0 {
		t.Errorf("%+v", got)
	}
}

// TestServerEndsAtOnce: a test may end before the server has begun.
func TestServerEndsAtOnce(t *testing.T) {
	for range 50 {
		t.Run("", func(t *testing.T) { Start(t, "x") })
	}
}
