package imapsession_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// beginNewLog has Dovecot begin a new log of its list of mailboxes, as it does by itself
// when the log is long and older than five minutes: the date in its header is set back.
func beginNewLog(t *testing.T, srv *imaptest.Server) {
	t.Helper()
	path := filepath.Join(srv.Dir, "mail", srv.Username, "dovecot.list.index.log")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	created := make([]byte, 4) // create_stamp of mail_transaction_log_header
	if _, err = f.ReadAt(created, 20); err == nil {
		binary.NativeEndian.PutUint32(created, binary.NativeEndian.Uint32(created)-3600)
		_, err = f.WriteAt(created, 20)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		srv.Create(t, fmt.Sprintf("New/%03d", i))
		if _, err := os.Stat(path + ".2"); err == nil {
			return
		}
		if i == 300 {
			t.Fatal("no new log was begun")
		}
	}
}

// heldBack reports whether the server tells of mail in a mailbox only because it is asked,
// within some time.
func heldBack(t *testing.T, s *imapsession.Session, mailbox string, within time.Duration) bool {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		n, err := s.Await(t.Context(), within)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := n.Status[mailbox]; ok {
			return n.Held
		}
	}
	t.Fatalf("%s was never told of", mailbox)
	return false
}

// Where Dovecot began a new log it goes on watching the old one. That is noticed by what
// it tells when it is asked, and another connection hears of everything again.
func TestNotifyAfterANewLog(t *testing.T) {
	t.Parallel()
	srv := imaptest.Dovecot(t, imaptest.Options{})
	for i := range 60 {
		srv.Create(t, fmt.Sprintf("L/%03d", i))
	}
	listens := func() *imapsession.Session {
		s := connect(t, srv)
		if err := s.Notify(t.Context(), imapsession.Notify{Personal: true}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	news := func(mailbox string) {
		srv.Append(t, mailbox, nil, time.Now(), []byte("Subject: x\r\n\r\nx\r\n"))
	}
	s := listens()
	if _, err := s.Await(t.Context(), time.Minute); err != nil { // the STATUS of each
		t.Fatal(err)
	}
	beginNewLog(t, srv)
	noop(t, s)
	if _, err := s.Await(t.Context(), time.Millisecond); err != nil { // what was told until then
		t.Fatal(err)
	}
	news("L/003")
	if !heldBack(t, s, "L/003", 600*time.Millisecond) {
		t.Log("this Dovecot watches the new log")
	}
	again := listens()
	if _, err := again.Await(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	news("L/004")
	if heldBack(t, again, "L/004", 5*time.Second) {
		t.Error("the connection that was made anew had to be asked, too")
	}
}
