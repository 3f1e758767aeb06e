package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// benchmark is one run of the program.
type benchmark struct {
	flags
	dir      string
	progress io.Writer
}

func (b *benchmark) sayf(format string, args ...any) {
	fmt.Fprintf(b.progress, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// build makes the daemon as make build does.
func (b *benchmark) build(ctx context.Context) error {
	if b.binary != "" {
		return nil
	}
	b.binary = filepath.Join(b.dir, "imapilot")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "timetzdata", "-ldflags", "-s -w", "-o", b.binary, "./cmd/imapilot")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building imapilot, in the root of the repository: %w\n%s", err, out)
	}
	return nil
}

// server is the mail server's process.
type server struct {
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
	address string
	ca      string
}

func (b *benchmark) startServer(ctx context.Context, way string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{ca: filepath.Join(b.dir, "ca.pem")}
	s.cmd = exec.CommandContext(ctx, self, asServer, way, s.ca)
	s.cmd.Stderr = b.progress
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.orders, s.answers = in, bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	hello, err := s.answer()
	s.address = hello.Address
	return s, err
}

func (s *server) ask(o order) (answer, error) {
	if err := json.NewEncoder(s.orders).Encode(o); err != nil {
		return answer{}, fmt.Errorf("the mail server has ended: %w", err)
	}
	return s.answer()
}

func (s *server) answer() (a answer, err error) {
	line, err := s.answers.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("the mail server has ended: %w", err)
	}
	return a, json.Unmarshal(line, &a)
}

func (s *server) stop() error { return errors.Join(s.orders.Close(), s.cmd.Wait()) }

// configure writes a configuration with so many accounts, in a folder of its own.
func (b *benchmark) configure(s *server, way string, accounts int) (string, error) {
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return "", err
	}
	security := "none"
	if way == secured {
		security = "{mode: implicit, ca: " + s.ca + "}"
	}
	var text strings.Builder
	text.WriteString("state: state.db\naccounts:\n")
	for i := range max(accounts, 1) {
		fmt.Fprintf(&text, "  user%05d:\n    host: %s\n    port: %s\n    tls: %s\n    username: user%05d\n    password: {env: IDLE_PASSWORD}\n    connections: 1\n", i, host, port, security, i)
		if b.config != "" {
			text.WriteString("    " + b.config + "\n")
		}
	}
	fmt.Fprintf(&text, "hosts: {%s: {logins_per_minute: 6000}}\n", host)
	text.WriteString("rules:\n  - name: filed\n    if: subject startsWith \"file\"\n    then: [{move: " + filed + "}]\n")
	dir := filepath.Join(b.dir, fmt.Sprintf("%s-%d", way, accounts))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "imapilot.yaml")
	return path, os.WriteFile(path, []byte(text.String()), 0o600)
}

// daemon is imapilot's process.
type daemon struct {
	cmd *exec.Cmd
	log *os.File
}

func (b *benchmark) startDaemon(ctx context.Context, config string) (*daemon, error) {
	log, err := os.Create(filepath.Join(filepath.Dir(config), "log"))
	if err != nil {
		return nil, err
	}
	d := &daemon{log: log, cmd: exec.CommandContext(ctx, b.binary, "run", "-c", config)}
	d.cmd.Env = append(os.Environ(), "IDLE_PASSWORD=secret-secret")
	d.cmd.Stdout, d.cmd.Stderr = log, log
	return d, d.cmd.Start()
}

// stop ends the daemon as systemd would, and returns an error when it did not end well.
func (d *daemon) stop() error {
	defer d.log.Close()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	if err := d.cmd.Wait(); err != nil {
		return fmt.Errorf("imapilot: %w\n%s", err, tail(d.log.Name()))
	}
	return nil
}

func tail(path string) []byte {
	text, _ := os.ReadFile(path) // it explains an error, which is told anyway
	const enough = 2000
	return text[max(0, len(text)-enough):]
}
