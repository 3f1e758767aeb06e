package main

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/control"
)

const (
	// mostDialled is to how many servers is connected ahead.
	mostDialled = 4
	// dialledFor is how long a connection may wait: servers end those that show nothing.
	dialledFor = 10 * time.Second
)

// dialledAhead are connections that are made while the rules are compiled and the journal
// is opened: meanwhile the servers greet. Each is good for one login. nil has none.
type dialledAhead struct {
	cancel context.CancelFunc
	mu     sync.Mutex
	lines  map[string]chan line // by address; each gives one
}

// line is a connection, or why there is none.
type line struct {
	conn net.Conn
	err  error
}

// dialUnlessDaemon is dialAhead, for the account of a name where it is not empty. A daemon
// would do the work, and needs no connection of ours: where its socket is, there is none.
func dialUnlessDaemon(ctx context.Context, cfg *config.Config, account string) *dialledAhead {
	if !control.Nobody(socketPath(cfg)) {
		return nil
	}
	return dialAhead(ctx, slices.DeleteFunc(slices.Clone(cfg.Accounts), func(acc config.Account) bool {
		return account != "" && acc.Name != account
	}))
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
			give(ctx, made, line{conn, err})
		}()
	}
	return d
}

// give offers a line until it is too old, or ctx ends.
func give(ctx context.Context, made chan line, l line) {
	made <- l
	close(made) // it gives one
	ctx, cancel := context.WithTimeout(ctx, dialledFor)
	context.AfterFunc(ctx, func() {
		cancel()
		(<-made).close()
	})
}

// DialContext gives the connection that was made ahead, or makes one where there is none
// any more.
func (d *dialledAhead) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if made := d.take(address); made != nil {
		select {
		case l, came := <-made:
			if came {
				return l.conn, l.err
			}
		case <-ctx.Done():
			go func() { (<-made).close() }() // at the latest when all ends
			return nil, context.Cause(ctx)
		}
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// take returns where a connection to an address comes from, nil from the second time on.
func (d *dialledAhead) take(address string) chan line {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	made := d.lines[address]
	delete(d.lines, address)
	return made
}

// close ends the connections that nobody asked for.
func (d *dialledAhead) close() {
	if d != nil {
		d.cancel()
	}
}

func (l line) close() {
	if l.conn != nil {
		_ = l.conn.Close() // nothing was sent
	}
}
