package imaptest

import (
	"bufio"
	"errors"
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

	"imapilot/engine/enginetest/loopback"
)

// folder makes a server's folder, in memory where there is room: what is synced
// at each delivery would cost most of the time of a test. It is not t.TempDir,
// below which the name of a socket would grow too long.
func folder(t testing.TB, name string) string {
	t.Helper()
	const room = 512 << 20
	parent := "/dev/shm"
	var fs syscall.Statfs_t
	if err := syscall.Statfs(parent, &fs); err != nil || uint64(fs.Bsize)*fs.Bavail < room {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what is left lies in a temporary folder
	return dir
}

// own gives a file or folder to its owner, if that is somebody else.
func own(t testing.TB, path string, owner *user.User) {
	t.Helper()
	uid, uidErr := strconv.Atoi(owner.Uid)
	gid, gidErr := strconv.Atoi(owner.Gid)
	if uidErr == nil && uid == os.Getuid() {
		return
	}
	if err := errors.Join(uidErr, gidErr, os.Chown(path, uid, gid)); err != nil {
		t.Fatal(err)
	}
}

// freeAddr reserves a port for a server until the test ends. Servers are
// stopped first, for they start later.
func freeAddr(t testing.TB) string {
	t.Helper()
	p, err := loopback.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Release(); err != nil {
			t.Errorf("giving a port back: %v", err)
		}
	})
	return p.Addr
}

// start runs a server in the foreground, in a process group of its own, which is ended with
// the test: all at once, for a Dovecot that is asked to takes a second over it, and what it
// wrote goes away with the test. A Cyrus ends its whole group by itself, too, which must
// not be the test's.
func start(t testing.TB, cmd *exec.Cmd, dir string) (pid int) {
	t.Helper()
	out, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
		_ = cmd.Wait()  // its exit code says nothing new
		_ = out.Close() // a log of the server's, read or not
	})
	return cmd.Process.Pid
}

// await waits until the server greets: one that takes connections may still be starting the
// processes that serve them, and a test's first connection was once reset then.
func (s *Server) await(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if greets(s.addr, deadline) {
			return
		}
	}
	log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))    // shown as far as it exists
	out, _ := os.ReadFile(filepath.Join(s.Dir, "output")) // likewise
	t.Fatalf("the server does not start:\n%s%s", log, out)
}

func greets(addr string, deadline time.Time) bool {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	if err := c.SetDeadline(deadline); err != nil {
		return false
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "* OK")
}

// killSessions kills the processes that serve connections: the children of this
// name of the server that this test started.
func killSessions(t testing.TB, master int, child string) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		line, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		var pid, parent int
		var name, state string
		if _, err := fmt.Sscanf(string(line), "%d %s %s %d", &pid, &name, &state, &parent); err != nil || parent != master || name != child {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			t.Errorf("killing a connection: %v", err)
		}
	}
}
