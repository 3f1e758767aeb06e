package loopback

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken from below those that systems give to outgoing connections
// (32768 on Linux, 49152 elsewhere), which would take one between its
// reservation and its server's start.
const first, last = 20000, 32767

// tries is how many ports are looked at before there is held to be none.
const tries = 200

// A Port is one of 127.0.0.1 that nobody else reserves and that nobody listened
// on when it was reserved.
type Port struct {
	Number int
	Addr   string // "127.0.0.1:" and the number
	held   net.PacketConn
}

// Reserve finds a port for a server that is about to start. It is the caller's
// until Release, or until the process ends, however it does.
func Reserve() (*Port, error) {
	var last error
	for range tries {
		p, err := reserve(pick())
		if err == nil {
			return p, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no free port on 127.0.0.1 in %d tries: %w", tries, last)
}

// Release gives the port back: when its server has ended.
func (p *Port) Release() error { return p.held.Close() }

func pick() int { return first + rand.IntN(last-first+1) }

// reserve takes a TCP port by holding the UDP port of the same number, which
// no server of ours uses: the system allows one holder on the whole machine,
// and lets go when he ends.
func reserve(port int) (*Port, error) {
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	held, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	if err := l.Close(); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return &Port{Number: port, Addr: addr, held: held}, nil
}
