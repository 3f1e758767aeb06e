package imaptest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every password is right: what is tested is not the log-in. Nothing is synced
// to the disk, for the folder goes away with the test.
const cyrusConf = `
configdirectory: {dir}/conf
defaultpartition: default
partition-default: {dir}/mail
proc_path: {dir}/proc
mboxname_lockpath: {dir}/lock
idlesocket: {dir}/idle
cyrus_user: {user}
admins: cyrus
servername: localhost
allowplaintext: yes
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN
virtdomains: off
skiplist_unsafe: yes
autocreate_post: yes
autocreate_quota: {quota}
autocreate_inbox_folders: Trash | Junk | Archive | Sent | Drafts
xlist-trash: Trash
xlist-junk: Junk
xlist-archive: Archive
xlist-sent: Sent
xlist-drafts: Drafts
unixhierarchysep: {slashes}
altnamespace: {slashes}
{hidden}`

// A connection has a process of its own (-U 1), as KillConnections wants it.
const cyrusServices = `
START {
}
SERVICES {
  imap cmd="{bin}/imapd -C {dir}/imapd.conf -U 1" listen="{addr}" prefork=1
{tls}}
DAEMON {
  idled cmd="{bin}/idled -C {dir}/imapd.conf"
}
EVENTS {
}
`

// Cyrus starts a real Cyrus IMAP server in the foreground, with everything it
// writes below a folder of the test, and stops it and its children by their
// process group. It fails the test when there is none: "make test" unpacks it
// into the checkout, since its Debian package excludes Dovecot's.
func Cyrus(t testing.TB, o Options) *Server {
	t.Helper()
	dir := folder(t, "imapilot-cyrus")
	s := &Server{Username: "user", Password: "secret", Options: o, Software: CyrusServer, Dir: dir, addr: freeAddr(t)}
	if o.TLS {
		s.TLSAddr = freeAddr(t)
	}
	owner := cyrusOwner(t)
	root := reachable(t, cyrusRoot(t), owner, dir)
	s.writeCyrus(t, filepath.Join(root, "usr/lib/cyrus/bin"), owner)
	s.pid = start(t, cyrusMaster(root, dir), dir)
	s.await(t)
	s.watch(t)
	s.Mailboxes(t) // the first log-in makes the INBOX
	return s
}

// cyrusRoot finds the folder that .ci/setup unpacked Cyrus into: it walks up
// from the package under test to the repository's root.
func cyrusRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		root := filepath.Join(dir, ".cache", "cyrus")
		if _, err := os.Stat(filepath.Join(root, "usr/lib/cyrus/bin/master")); err == nil {
			return root
		}
	}
	t.Fatal(`Cyrus IMAP is not there: run ".ci/setup" once in the folder of the repository, which unpacks it`)
	return ""
}

// cyrusOwner is who Cyrus runs as: whoever runs the tests, but root, which it
// refuses.
func cyrusOwner(t testing.TB) *user.User {
	t.Helper()
	owner, err := user.Current()
	if err == nil && owner.Uid == "0" {
		owner, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	return owner
}

// reachable returns the folder that Cyrus was unpacked into, or a copy of it
// below dir where root's own folders would keep its owner out.
func reachable(t testing.TB, root string, owner *user.User, dir string) string {
	t.Helper()
	if strconv.Itoa(os.Getuid()) == owner.Uid {
		return root
	}
	for up := root; up != filepath.Dir(up); up = filepath.Dir(up) {
		info, err := os.Stat(up)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode()&1 == 0 { // others may not enter
			must(t, os.CopyFS(filepath.Join(dir, "cyrus"), os.DirFS(root)))
			return filepath.Join(dir, "cyrus")
		}
	}
	return root
}

// cyrusMaster is the command that starts all of Cyrus. Its libraries lie where
// it was unpacked, as far as the system has not got them.
func cyrusMaster(root, dir string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(root, "usr/lib/cyrus/bin/master"), "-D",
		"-C", filepath.Join(dir, "imapd.conf"), "-M", filepath.Join(dir, "cyrus.conf"), "-p", filepath.Join(dir, "pid"))
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(folders(root, "usr/lib/*-linux-*", "lib/*-linux-*"), ":"))
	if sasl := folders(root, "usr/lib/*-linux-*/sasl2"); len(sasl) > 0 {
		cmd.Env = append(cmd.Env, "SASL_PATH="+sasl[0])
	}
	return cmd
}

func folders(root string, patterns ...string) (out []string) {
	for _, p := range patterns {
		found, _ := filepath.Glob(filepath.Join(root, p)) // it fails only for a malformed pattern
		out = append(out, found...)
	}
	return out
}

// writeCyrus writes the two configuration files, and makes the folders that
// Cyrus does not make itself.
func (s *Server) writeCyrus(t testing.TB, bin string, owner *user.User) {
	t.Helper()
	for _, name := range []string{"conf", "conf/socket", "conf/db", "mail", "proc", "lock"} {
		must(t, os.Mkdir(filepath.Join(s.Dir, name), 0o755))
		own(t, filepath.Join(s.Dir, name), owner)
	}
	own(t, s.Dir, owner)
	slashes := "yes"
	if s.Options.Dots {
		slashes = "no"
	}
	tls, tlsConf := s.cyrusTLS(t, bin)
	replace := strings.NewReplacer("{dir}", s.Dir, "{bin}", bin, "{addr}", s.addr, "{user}", owner.Username, "{tls}", tls,
		"{slashes}", slashes, "{hidden}", hidden(s.Options), "{quota}", fmt.Sprint((s.Options.Quota+1023)/1024))
	write(t, filepath.Join(s.Dir, "imapd.conf"), replace.Replace(cyrusConf)+tlsConf+s.Options.Config)
	write(t, filepath.Join(s.Dir, "cyrus.conf"), replace.Replace(cyrusServices))
}

// cyrusTLS returns the service of implicit TLS and what goes with it.
func (s *Server) cyrusTLS(t testing.TB, bin string) (service, conf string) {
	t.Helper()
	if !s.Options.TLS {
		return "", ""
	}
	var cert certificate
	cert, s.Roots = newCertificate(t)
	write(t, filepath.Join(s.Dir, "cert.pem"), string(cert.cert))
	write(t, filepath.Join(s.Dir, "key.pem"), string(cert.key))
	service = fmt.Sprintf("  imaps cmd=\"%s/imapd -C %s/imapd.conf -U 1 -s\" listen=%q prefork=0\n", bin, s.Dir, s.TLSAddr)
	return service, fmt.Sprintf("tls_server_cert: %[1]s/cert.pem\ntls_server_key: %[1]s/key.pem\n", s.Dir)
}

// hidden tells Cyrus what not to announce. It still does it, except IDLE, which
// only a setting of its own takes away. One without a value is an error there.
func hidden(o Options) string {
	var out []string
	idle := ""
	if o.NoIdle {
		idle = "imapidlepoll: 0\n"
	}
	for _, c := range []struct {
		name string
		off  bool
	}{{"MOVE", o.NoMove}, {"XMOVE", o.NoMove}, {"UIDPLUS", o.NoUIDPlus}} {
		if c.off {
			out = append(out, c.name)
		}
	}
	if len(out) == 0 {
		return idle
	}
	return idle + "suppress_capabilities: " + strings.Join(out, " ") + "\n"
}

// spell returns the server's name of a mailbox.
func (s *Server) spell(mailbox string) string {
	if !s.Options.Dots || mailbox == "INBOX" {
		return mailbox
	}
	return "INBOX." + strings.ReplaceAll(mailbox, "/", ".")
}

// read returns what spell was given.
func (s *Server) read(name string) string {
	if !s.Options.Dots {
		return name
	}
	return strings.ReplaceAll(strings.TrimPrefix(name, "INBOX."), ".", "/")
}

// setACL changes rights by command (RFC 4314 section 3.1), as Cyrus's
// administrator, who sees the mailbox under another name.
func (s *Server) setACL(t testing.TB, mailbox, rights string) {
	t.Helper()
	conn, err := s.DialContext(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	name := "user/" + s.Username + "/" + mailbox
	if s.Options.Dots {
		name = strings.ReplaceAll(name, "/", ".")
	}
	fmt.Fprintf(conn, "a LOGIN cyrus %s\r\nb SETACL %q %s %s\r\nc LOGOUT\r\n", s.Password, name, s.Username, rights)
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if answer, ok := strings.CutPrefix(lines.Text(), "b "); ok {
			if !strings.HasPrefix(answer, "OK") {
				t.Fatalf("SETACL %s %s: %s", mailbox, rights, answer)
			}
			return
		}
	}
	t.Fatalf("SETACL %s %s: no answer", mailbox, rights)
}
