//go:build unix

package control

import (
	"context"
	"net"
	"syscall"
)

// listenPrivate binds a socket that was made private before it had a name.
// Linux heeds that; elsewhere the mode is set afterwards.
func listenPrivate(name string) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			// Where it cannot be done, Listen still changes the mode.
			_ = syscall.Fchmod(int(fd), uint32(private))
		})
	}}
	l, err := config.Listen(context.Background(), "unix", name)
	if err != nil {
		return nil, err
	}
	keepName(l)
	return l, nil
}
