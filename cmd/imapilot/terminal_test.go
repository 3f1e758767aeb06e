package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"imapilot/engine/enginetest/memserver"
)

// program is the binary of this test as the command imapilot.
func program(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	cmd.Args = append([]string{"imapilot"}, arguments...)
	return cmd
}

// gate stands before a mail server. Once it is set it holds the n-th command that
// contains a word back until it is opened.
type gate struct {
	host    string
	port    int
	reached chan struct{}
	opened  chan struct{}
	open    func()

	mu   sync.Mutex
	left int
}

func (g *gate) set(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = n
}

func newGate(t *testing.T, srv *memserver.MemoryServer, word string) *gate {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{reached: make(chan struct{}), opened: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	at := listener.Addr().(*net.TCPAddr)
	g.host, g.port = at.IP.String(), at.Port
	host, port := srv.Addr()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
			if err != nil {
				_ = client.Close() // which the client sees
				continue
			}
			serving.Go(func() { g.pipe(server, client, word) })
			serving.Go(func() { g.pipe(client, server, "") })
		}
	})
	t.Cleanup(func() {
		g.open()
		_ = listener.Close() // this is what ends the loop
		serving.Wait()
	})
	return g
}

func (g *gate) pipe(to, from net.Conn, word string) {
	defer to.Close()
	defer from.Close()
	if word == "" {
		_, _ = io.Copy(to, from) // either side may end it
		return
	}
	in := bufio.NewReader(from)
	for {
		line, err := in.ReadBytes('\n')
		if bytes.Contains(line, []byte(word)) {
			g.hold()
		}
		if _, failed := to.Write(line); failed != nil || err != nil {
			return
		}
	}
}

func (g *gate) hold() {
	g.mu.Lock()
	g.left--
	here := g.left == 0
	g.mu.Unlock()
	if here {
		close(g.reached)
		<-g.opened
	}
}

// within waits for something that must come.
func within(t *testing.T, what string, reached <-chan struct{}) {
	t.Helper()
	select {
	case <-reached:
	case <-time.After(20 * time.Second):
		t.Fatalf("not within 20 s: %s", what)
	}
}

// transcript collects what a process writes, and tells when a text comes.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
	wait map[string]chan struct{}
}

// comes is closed once a text was written.
func (w *transcript) comes(text string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wait == nil {
		w.wait = map[string]chan struct{}{}
	}
	w.wait[text] = make(chan struct{})
	return w.wait[text]
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	for text, ch := range w.wait {
		if strings.Contains(w.text.String(), text) {
			close(ch)
			delete(w.wait, text)
		}
	}
	return len(p), nil
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
