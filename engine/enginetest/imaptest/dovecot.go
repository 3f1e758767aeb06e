package imaptest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const dovecotConf = `
protocols = imap
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
disable_plaintext_auth = no
mail_location = {store}:{dir}/mail/%u
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 200
default_internal_user = {internal}
default_login_user = {login}
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%u
}
service imap-login {
  chroot =
  inet_listener imap {
    address = 127.0.0.1
    port = {port}
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = {tlsport}
    ssl = yes
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
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
  mailbox Sent {
    auto = create
    special_use = \Sent
  }
  mailbox Drafts {
    auto = create
    special_use = \Drafts
  }
}
`

// Dovecot starts a real Dovecot in the foreground, with everything it writes
// below a folder of the test, and stops it by its process id. It fails the
// test when Dovecot is not installed: "make test" installs it.
func Dovecot(t testing.TB, o Options) *Server {
	t.Helper()
	binary := dovecotBinary(t)
	dir := folder(t, "imapilot-dovecot")
	s := &Server{Username: "user", Password: "secret", Options: o, Software: DovecotServer, Dir: dir, addr: freeAddr(t)}
	if o.TLS {
		s.TLSAddr = freeAddr(t)
	}
	conf := filepath.Join(dir, "dovecot.conf")
	write(t, conf, dovecotConfig(t, s)+secured(t, s)+plugins(o)+capability(o)+o.Config)
	s.pid = start(t, exec.Command(binary, "-F", "-c", conf), dir)
	s.await(t)
	s.watch(t)
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

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// dovecotConfig writes the configuration for the user that runs the tests: as
// root, mail belongs to an unprivileged user, as Dovecot demands.
func dovecotConfig(t testing.TB, s *Server) string {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	internal, login, owner := me.Username, me.Username, me
	if me.Uid == "0" {
		internal, login = "dovecot", "dovenull"
		if owner, err = user.Lookup("nobody"); err != nil {
			t.Fatal(err)
		}
	}
	ownMail(t, s.Dir, owner)
	_, port := s.Addr()
	_, tlsPort := split(s.TLSAddr)
	store := "sdbox"
	if s.Options.ACL {
		store = "maildir" // a mailbox's rights lie beside its messages
	}
	return strings.NewReplacer("{dir}", s.Dir, "{port}", strconv.Itoa(port), "{tlsport}", strconv.Itoa(tlsPort),
		"{uid}", owner.Uid, "{gid}", owner.Gid, "{internal}", internal, "{login}", login, "{store}", store).Replace(dovecotConf)
}

// ownMail makes the mail folder for its owner below a folder he can enter.
func ownMail(t testing.TB, dir string, owner *user.User) {
	t.Helper()
	mail := filepath.Join(dir, "mail")
	for _, err := range []error{os.Chmod(dir, 0o755), os.Mkdir(mail, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	own(t, mail, owner)
}

// secured switches TLS on or off.
func secured(t testing.TB, s *Server) string {
	t.Helper()
	if !s.Options.TLS {
		return "ssl = no\n"
	}
	var cert certificate
	cert, s.Roots = newCertificate(t)
	write(t, filepath.Join(s.Dir, "cert.pem"), string(cert.cert))
	write(t, filepath.Join(s.Dir, "key.pem"), string(cert.key))
	return fmt.Sprintf("ssl = yes\nssl_cert = <%[1]s/cert.pem\nssl_key = <%[1]s/key.pem\n", s.Dir)
}

func plugins(o Options) string {
	var out strings.Builder
	if o.Quota > 0 {
		fmt.Fprintf(&out, "mail_plugins = $mail_plugins quota\nplugin {\n  quota = count:User quota\n  quota_vsizes = yes\n  quota_grace = 0\n  quota_rule = *:bytes=%d\n}\n", o.Quota)
	}
	if o.ACL {
		out.WriteString("mail_plugins = $mail_plugins acl\nplugin {\n  acl = vfile::cache_secs=0\n}\n")
	}
	return out.String()
}

// SetRights gives the user these rights in a mailbox, of a Dovecot with
// Options.ACL or of a Cyrus ("lrwstipekxa" are all, without "i" nothing can be
// put into it).
func (s *Server) SetRights(t testing.TB, mailbox, rights string) {
	t.Helper()
	if s.Software == CyrusServer {
		s.setACL(t, mailbox, rights)
		return
	}
	dir := filepath.Join(s.Dir, "mail", s.Username, "."+strings.ReplaceAll(mailbox, "/", "."))
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("SetRights: %v", err)
	}
	write(t, filepath.Join(dir, "dovecot-acl"), "owner "+rights+"\n")
}

// capability hides what the options take away. Dovecot then does not announce
// it; a client that reads the capabilities does not use it.
func capability(o Options) string {
	if !o.NoMove && !o.NoUIDPlus && !o.NoIdle && !o.NoNotify {
		return ""
	}
	caps := []string{"IMAP4rev1", "SASL-IR", "LITERAL+", "ID", "ENABLE", "NAMESPACE", "UNSELECT", "CHILDREN", "ESEARCH", "LIST-EXTENDED", "SPECIAL-USE", "LIST-STATUS"}
	for name, off := range map[string]bool{"MOVE": o.NoMove, "UIDPLUS": o.NoUIDPlus, "IDLE": o.NoIdle} {
		if !off {
			caps = append(caps, name)
		}
	}
	return "protocol imap {\n  imap_capability = " + strings.Join(caps, " ") + "\n}\n"
}
