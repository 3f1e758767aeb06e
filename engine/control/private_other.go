//go:build !unix

package control

import "net"

// listenPrivate relies on the folder: this system has no modes.
func listenPrivate(name string) (net.Listener, error) {
	l, err := net.Listen("unix", name)
	if err != nil {
		return nil, err
	}
	keepName(l)
	return l, nil
}
