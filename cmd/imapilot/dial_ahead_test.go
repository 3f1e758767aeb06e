package main

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine/config"
)

// counting is a server that tells of each connection.
func counting(t *testing.T) (account config.Account, came chan net.Conn) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	came = make(chan net.Conn, 10)
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			came <- conn
		}
	}()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal(l.Addr())
	}
	return config.Account{Host: "127.0.0.1", Port: addr.Port}, came
}

func dialled(t *testing.T, d *dialledAhead, address string) net.Conn {
	t.Helper()
	conn, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// A connection that was made ahead is taken once; two accounts of one server share it not.
func TestDialAhead(t *testing.T) {
	account, came := counting(t)
	d := dialAhead(t.Context(), []config.Account{account, account})
	defer d.close()
	first := <-came // before anybody asked
	address := first.LocalAddr().String()
	one, two := dialled(t, d, address), dialled(t, d, address)
	defer one.Close()
	defer two.Close()
	if one.LocalAddr().String() != first.RemoteAddr().String() {
		t.Error("it connected again")
	}
	if second := <-came; two.LocalAddr().String() != second.RemoteAddr().String() {
		t.Error("one connection was given twice")
	}
}

// What nobody takes ends with the command.
func TestDialAheadForNobody(t *testing.T) {
	account, came := counting(t)
	d := dialAhead(t.Context(), []config.Account{account})
	first := <-came
	d.close()
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// After a while the server may have ended it: it is closed, and is no connection then.
func TestDialAheadTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine, theirs := net.Pipe()
		defer theirs.Close()
		made := make(chan line, 1)
		d := &dialledAhead{cancel: func() {}, lines: map[string]chan line{"127.0.0.1:1": made}}
		give(t.Context(), made, line{conn: mine})
		began := time.Now()
		if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || time.Since(began) != dialledFor {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if conn, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:1"); err == nil || conn != nil {
			t.Error("an old connection was used, for nobody listens there")
		}
	})
}

// A dial that hangs is waited for once: the next attempt is one of its own.
func TestDialAheadThatHangs(t *testing.T) {
	account, came := counting(t)
	d := &dialledAhead{cancel: func() {}, lines: map[string]chan line{}}
	address := net.JoinHostPort(account.Host, strconv.Itoa(account.Port))
	made := make(chan line, 1)
	d.lines[address] = made
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.DialContext(ctx, "tcp", address); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	conn := dialled(t, d, address)
	defer conn.Close()
	<-came
	mine, theirs := net.Pipe()
	defer theirs.Close()
	made <- line{conn: mine}
	if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("what came late was left open: %v", err)
	}
}

func TestDialAheadToFew(t *testing.T) {
	var accounts []config.Account
	for port := range 2 * mostDialled {
		accounts = append(accounts, config.Account{Host: "127.0.0.1", Port: port + 1})
	}
	d := dialAhead(t.Context(), accounts)
	defer d.close()
	if len(d.lines) != mostDialled {
		t.Errorf("to %d servers at once", len(d.lines))
	}
}

// Only the account that it is for, and none where a daemon does the work.
func TestDialUnlessDaemon(t *testing.T) {
	cfg := &config.Config{State: t.TempDir() + "/imapilot.db", Accounts: []config.Account{{Name: "a", Host: "127.0.0.1", Port: 1}, {Name: "b", Host: "127.0.0.1", Port: 2}}}
	for account, want := range map[string]int{"": 2, "b": 1, "c": 0} {
		d := dialUnlessDaemon(t.Context(), cfg, account)
		defer d.close()
		if len(d.lines) != want {
			t.Errorf("for %q to %d accounts", account, len(d.lines))
		}
	}
	writeFile(t, socketPath(cfg), "")
	if dialUnlessDaemon(t.Context(), cfg, "") != nil {
		t.Error("beside a daemon")
	}
}
