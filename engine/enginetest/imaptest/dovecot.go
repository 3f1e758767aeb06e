package imaptest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const dovecotConf = `
protocols = imap
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
ssl = no
disable_plaintext_auth = no
mail_location = sdbox:%[1]s/mail/%%u
mail_uid = %[3]d
mail_gid = %[4]d
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 200
default_internal_user = %[5]s
default_login_user = %[6]s
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=%[3]d gid=%[4]d home=%[1]s/mail/%%u
}
service imap-login {
  chroot =
  inet_listener imap {
    address = 127.0.0.1
    port = %[2]d
  }
  inet_listener imaps {
    port = 0
  }
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Trash {
    auto = create
    special_use = \Trash
  }
  mailbox Junk {
    auto = create
    special_use = \Junk
  }
  mailbox Archive {
    auto = create
    special_use = \Archive
  }
}
%[7]s
`

// Dovecot starts a real Dovecot in the foreground, with everything it writes
// below a folder of the test, and stops it by its process id. It fails the
// test when Dovecot is not installed: "make test" installs it.
func Dovecot(t testing.TB, o Options) *Server {
	t.Helper()
	binary := dovecotBinary(t)
	dir, err := os.MkdirTemp("", "imapilot-dovecot")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	port := freePort(t)
	conf := filepath.Join(dir, "dovecot.conf")
	if err := os.WriteFile(conf, []byte(dovecotConfig(t, dir, port, o)), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, exec.Command(binary, "-F", "-c", conf), dir)
	s := &Server{Username: "user", Password: "secret", Options: o, Dir: dir, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	s.await(t)
	return s
}

func dovecotBinary(t testing.TB) string {
	t.Helper()
	for _, path := range []string{"/usr/sbin/dovecot", "/usr/local/sbin/dovecot"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatal("Dovecot is not installed: run \"make test\" once, which installs it")
	return ""
}

// dovecotConfig writes the configuration for the user that runs the tests: as
// root, mail belongs to an unprivileged user, as Dovecot demands.
func dovecotConfig(t testing.TB, dir string, port int, o Options) string {
	t.Helper()
	uid, gid := os.Getuid(), os.Getgid()
	internal, login := "dovecot", "dovenull"
	if uid == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ = strconv.Atoi(nobody.Uid)
		gid, _ = strconv.Atoi(nobody.Gid)
	} else if me, err := user.Current(); err == nil {
		internal, login = me.Username, me.Username
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mail := filepath.Join(dir, "mail")
	if err := os.MkdirAll(mail, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(mail, uid, gid); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(dovecotConf, dir, port, uid, gid, internal, login, o.Config+capability(o))
}

// capability hides what the options take away. Dovecot then does not announce
// it; a client that reads the capabilities does not use it.
func capability(o Options) string {
	if !o.NoMove && !o.NoUIDPlus && !o.NoIdle {
		return ""
	}
	caps := []string{"IMAP4rev1", "SASL-IR", "LITERAL+", "ID", "ENABLE", "NAMESPACE", "UNSELECT", "CHILDREN", "ESEARCH", "LIST-EXTENDED", "SPECIAL-USE", "LIST-STATUS"}
	for name, off := range map[string]bool{"MOVE": o.NoMove, "UIDPLUS": o.NoUIDPlus, "IDLE": o.NoIdle} {
		if !off {
			caps = append(caps, name)
		}
	}
	return "\nprotocol imap {\n  imap_capability = " + strings.Join(caps, " ") + "\n}\n"
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs a server in the foreground and ends it, by its id, with the test.
func start(t testing.TB, cmd *exec.Cmd, dir string) {
	t.Helper()
	out, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer out.Close()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }() // its exit code says nothing new
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill() // it did not stop by itself
			<-ended
		}
	})
}

// await waits until the server takes connections.
func (s *Server) await(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", s.addr); err == nil {
			c.Close()
			return
		}
	}
	log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
	out, _ := os.ReadFile(filepath.Join(s.Dir, "output"))
	t.Fatalf("the server does not start:\n%s%s", log, out)
}
