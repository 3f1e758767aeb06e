package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	// maxPath is how long a socket's path may be: sun_path, without its NUL,
	// where it is shortest.
	maxPath = 103
	// maxConnections is how many clients are served at once; more wait.
	maxConnections = 32
	// dialTimeout is how long a socket that exists may take to accept.
	dialTimeout = 5 * time.Second

	private fs.FileMode = 0o600
)

// Listen opens the socket at path for this user only. A socket that a dead
// daemon left is replaced; one that answers, or anything that is no socket, is
// not. At most 32 connections are served at once.
func Listen(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	name, release, err := address(path)
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := listenPrivate(name)
	if err != nil {
		return nil, fmt.Errorf("the control socket %s: %w", path, err)
	}
	if err := os.Chmod(path, private); err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(path))
	}
	return &listener{Listener: l, path: path, slots: make(chan struct{}, maxConnections), closed: make(chan struct{})}, nil
}

// removeStale removes a socket only when the kernel says that nobody listens:
// one that is merely slow belongs to a living daemon.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is not a socket; the control socket cannot take its place", path)
	}
	conn, err := dial(context.Background(), path)
	if err == nil {
		return errors.Join(fmt.Errorf("another daemon answers on %s", path), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("another daemon may have %s: %w", path, err)
	}
	return os.Remove(path)
}

func dial(ctx context.Context, path string) (net.Conn, error) {
	name, release, err := address(path)
	if err != nil {
		return nil, err
	}
	defer release()
	dialer := net.Dialer{Timeout: dialTimeout}
	return dialer.DialContext(ctx, "unix", name)
}

// address returns a name of the socket that fits into sun_path. Where the path
// is too long, Linux has a short one for its folder while that is open.
func address(path string) (name string, release func(), err error) {
	if len(path) <= maxPath {
		return path, func() {}, nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	name = fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), filepath.Base(path))
	if _, err := os.Stat(filepath.Dir(name)); err != nil || len(name) > maxPath {
		return "", nil, errors.Join(
			fmt.Errorf("the path of the control socket is longer than %d bytes: %s; choose a shorter state path", maxPath, path),
			folder.Close())
	}
	// It was only read: closing it has nothing to say.
	return name, func() { _ = folder.Close() }, nil
}

// keepName leaves the removal of the socket to listener, which knows its full
// path.
func keepName(l net.Listener) {
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
}

// listener serves a bounded number of connections and removes its socket.
type listener struct {
	net.Listener
	path   string
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

// Accept waits for a free slot first, so that more clients wait in the
// kernel's queue.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &connection{Conn: c, free: func() { <-l.slots }}, nil
}

func (l *listener) Close() error {
	var err error
	l.once.Do(func() {
		close(l.closed)
		// While it still listens, the name is ours and nobody else's.
		err = errors.Join(os.Remove(l.path), l.Listener.Close())
	})
	return err
}

// connection gives its slot back when it is closed.
type connection struct {
	net.Conn
	once sync.Once
	free func()
}

func (c *connection) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.free)
	return err
}
