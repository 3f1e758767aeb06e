package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"imapilot/engine/enginetest/loopback"
)

const dovecotConf = `
protocols = imap
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
ssl = no
disable_plaintext_auth = no
mail_location = {store}:{dir}/mail/%u
mail_uid = {uid}
mail_gid = {gid}
mail_fsync = never
first_valid_uid = 1
first_valid_gid = 1
default_vsz_limit = 4G
default_internal_user = {internal}
default_login_user = {login}
passdb {
  driver = static
  args = password={password}
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
    port = 0
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
}
`

// login is where an account is, and how to get in. The password is that of a
// server which lives as long as the benchmark, on loopback.
type login struct {
	host           string
	port           int
	user, password string
}

// dovecot is a running server, with all that it writes below its folder.
type dovecot struct {
	dir   string
	port  *loopback.Port
	owner *user.User // of the mail
	cmd   *exec.Cmd
	ended chan error
}

// startDovecot starts a Dovecot in the foreground. Its mail is kept as store
// says, in a folder below parent.
func startDovecot(ctx context.Context, parent, store string) (*dovecot, error) {
	port, err := loopback.Reserve()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, "imapilot-bench")
	if err != nil {
		return nil, errors.Join(err, port.Release())
	}
	d := &dovecot{dir: dir, port: port, ended: make(chan error, 1)}
	if err := d.configure(store); err != nil {
		return nil, errors.Join(err, port.Release(), os.RemoveAll(dir))
	}
	d.cmd = exec.Command("/usr/sbin/dovecot", "-F", "-c", filepath.Join(dir, "dovecot.conf"))
	if err := d.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting Dovecot, which .ci/setup installs: %w", err), port.Release(), os.RemoveAll(dir))
	}
	go func() { d.ended <- d.cmd.Wait() }()
	if err := d.await(ctx); err != nil {
		return nil, errors.Join(err, d.stop(), os.RemoveAll(dir))
	}
	return d, nil
}

// configure writes the configuration for the user that runs the benchmark: as
// root, mail belongs to an unprivileged user, as Dovecot demands.
func (d *dovecot) configure(store string) error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	internal, front := me.Username, me.Username
	if d.owner = me; me.Uid == "0" {
		internal, front = "dovecot", "dovenull"
		if d.owner, err = user.Lookup("nobody"); err != nil {
			return err
		}
	}
	mail := filepath.Join(d.dir, "mail")
	if err := errors.Join(os.Chmod(d.dir, 0o755), os.Mkdir(mail, 0o755), d.give(mail)); err != nil {
		return err
	}
	conf := strings.NewReplacer("{dir}", d.dir, "{store}", store, "{uid}", d.owner.Uid, "{gid}", d.owner.Gid, "{port}", strconv.Itoa(d.port.Number),
		"{internal}", internal, "{login}", front, "{password}", d.as("").password).Replace(dovecotConf)
	return os.WriteFile(filepath.Join(d.dir, "dovecot.conf"), []byte(conf), 0o644)
}

// give makes a file or folder the mail user's, if that is somebody else.
func (d *dovecot) give(path string) error {
	uid, err := strconv.Atoi(d.owner.Uid)
	if err != nil || uid == os.Getuid() {
		return err
	}
	gid, err := strconv.Atoi(d.owner.Gid)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, gid)
}

// as is the account of a user: every name is one.
func (d *dovecot) as(name string) login {
	return login{host: "127.0.0.1", port: d.port.Number, user: name, password: "secret"}
}

// mail is the folder of a user's mail.
func (d *dovecot) mail(user string) string { return filepath.Join(d.dir, "mail", user) }

// await waits until the server takes connections, 15 seconds at most.
func (d *dovecot) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := dial(d.as(""))
		if err == nil {
			return c.close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(d.dir, "log")) // shown as far as it exists
			return fmt.Errorf("dovecot does not start: %w\n%s", err, log)
		}
	}
}

// stop ends the server, and its folder stays. One that does not stop by itself
// is killed.
func (d *dovecot) stop() (err error) {
	defer func() { err = errors.Join(err, d.port.Release()) }()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping Dovecot: %w", err)
	}
	select {
	case <-d.ended: // its exit code says nothing new
		return nil
	case <-time.After(10 * time.Second):
	}
	err = d.cmd.Process.Kill()
	<-d.ended
	return err
}
