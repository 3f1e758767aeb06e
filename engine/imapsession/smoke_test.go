package imapsession_test

import (
	"context"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

func TestSmoke(t *testing.T) {
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{"memory": imaptest.Memory, "dovecot": imaptest.Dovecot} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, imaptest.Options{})
			host, port := srv.Addr()
			ctx := context.Background()
			s, err := imapsession.Dial(ctx, imapsession.Options{Host: host, Port: port, TLS: "none", Username: srv.Username, Password: srv.Password})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			t.Logf("%+v %q %q", s.Capabilities(), s.Delimiter(), s.Prefix())
			list, err := s.List(ctx)
			t.Logf("%+v %v", list, err)
			srv.Append(t, "INBOX", nil, time.Now(), []byte("Subject: a\r\nMessage-ID: <x>\r\n\r\nhi\r\n"))
			sel, err := s.Select(ctx, "INBOX")
			t.Logf("%+v %v", sel, err)
			set, err := s.SearchAbove(ctx, 1)
			t.Logf("%v %v", set, err)
			f, err := s.FetchHeaders(ctx, set, []string{"Message-Id", "Subject"})
			t.Logf("%+v %v", f, err)
			if len(f) != 1 {
				t.Fatal("no message")
			}
			go func() {
				time.Sleep(100 * time.Millisecond)
				srv.Append(t, "INBOX", nil, time.Now(), []byte("Subject: b\r\n\r\nhi\r\n"))
			}()
			news, err := s.Idle(ctx, 10*time.Second)
			t.Log(news, err)
			m, err := s.Copy(ctx, set, "Archive")
			t.Log(m, err)
			m, err = s.Copy(ctx, set, "Nowhere")
			t.Log(m, err)
			m, err = s.Move(ctx, set, "Archive")
			t.Log(m, err)
			t.Log(s.Store(ctx, imap.UIDSetNum(2), imap.StoreFlagsAdd, []imap.Flag{imap.FlagDeleted}))
			t.Log(s.Expunge(ctx, imap.UIDSetNum(2)))
			st, err := s.Status(ctx, "Archive")
			t.Log(st, err)
			st, err = s.Status(ctx, "Nowhere")
			t.Log(st, err)
			t.Log(s.Create(ctx, "A/Bü"))
			t.Log(s.Logout(ctx))
		})
	}
}
