package main

import (
	"context"
	"net"
	"strconv"
	"sync"
	"time"

	"imapilot/engine/config"
)

const (
	// mostDialled is to how many servers is connected ahead.
	mostDialled = 4
	// dialledFor is how long a connection may wait: servers end those that show nothing.
	dialledFor = 10 * time.Second
)

// dialledAhead are connections that are made while the journal is opened: meanwhile the
// servers greet. Each is good for one login.
type dialledAhead struct {
	cancel context.CancelFunc
	mu     sync.Mutex
	lines  map[string]chan line // by address; each gives one
}

// line is a connection, or why there is none.
type line struct {
	conn net.Conn
	err  error
	at   time.Time
}

// dialAhead begins to connect to the servers of some accounts.
func dialAhead(ctx context.Context, accounts []config.Account) *dialledAhead {
	ctx, cancel := context.WithCancel(ctx)
	d := &dialledAhead{cancel: cancel, lines: map[string]chan line{}}
	for _, acc := range accounts {
		address := net.JoinHostPort(acc.Host, strconv.Itoa(acc.Port))
		if d.lines[address] != nil || len(d.lines) == mostDialled {
			continue
		}
		made := make(chan line, 1)
		d.lines[address] = made
		go func() {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
			made <- line{conn, err, time.Now()}
			if ctx.Err() != nil {
				drain(made)
			}
		}()
	}
	return d
}

// DialContext gives the connection that was made ahead, or makes one where there is none
// any more.
func (d *dialledAhead) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if made := d.put(address, nil); made != nil {
		select {
		case l := <-made:
			if time.Since(l.at) < dialledFor {
				return l.conn, l.err
			}
			l.close()
		case <-ctx.Done():
			d.put(address, made)
			return nil, context.Cause(ctx)
		}
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// put says which connection there is to an address, and returns what there was.
func (d *dialledAhead) put(address string, made chan line) (before chan line) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before = d.lines[address]
	d.lines[address] = made
	return before
}

// close ends the connections that nobody asked for.
func (d *dialledAhead) close() {
	d.cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, made := range d.lines {
		drain(made)
	}
}

func drain(made chan line) {
	select {
	case l := <-made:
		l.close()
	default:
	}
}

func (l line) close() {
	if l.conn != nil {
		_ = l.conn.Close() // nothing was sent
	}
}
