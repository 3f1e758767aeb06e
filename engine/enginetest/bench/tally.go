package main

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally counts the commands of a client, by their names, and its turns: how
// often it wrote after it had read, which is how often it waited.
type tally struct {
	mu       sync.Mutex
	commands map[string]int
	turns    int
	waited   time.Duration // for the first octets of answers
}

func newTally() *tally { return &tally{commands: map[string]int{}} }

// String has a line for each command, the most frequent first.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for name := range t.commands {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := t.commands[b] - t.commands[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%6d %s\n", t.commands[name], name)
	}
	return b.String()
}

func (t *tally) write(p []byte, turn bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if turn {
		t.turns++
	}
	for line := range bytes.Lines(p) {
		if name := commandName(string(line)); name != "" {
			t.commands[name]++
		}
	}
}

// commandName is what a line asks for: its word after the tag, and after UID the
// next. What is no command has none.
func commandName(line string) string {
	words := strings.Fields(line)
	if len(words) < 2 {
		return ""
	}
	name := strings.ToUpper(words[1])
	if name == "UID" && len(words) > 2 {
		name += " " + strings.ToUpper(words[2])
	}
	if strings.ContainsFunc(name, func(r rune) bool { return (r < 'A' || r > 'Z') && r != ' ' }) {
		return ""
	}
	return name
}

// counted is a connection whose client is counted.
type counted struct {
	net.Conn
	tally *tally

	mu   sync.Mutex
	read bool
	sent time.Time // the last write that nothing was read after, or zero
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	sent := c.sent
	c.read, c.sent = c.read || n > 0, time.Time{}
	c.mu.Unlock()
	if !sent.IsZero() {
		c.tally.wait(time.Since(sent))
	}
	return n, err
}

func (t *tally) wait(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waited += d
}

func (c *counted) Write(p []byte) (int, error) {
	c.mu.Lock()
	turn := c.read
	c.read, c.sent = false, time.Now()
	c.mu.Unlock()
	c.tally.write(p, turn)
	return c.Conn.Write(p)
}
