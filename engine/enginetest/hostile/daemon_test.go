package hostile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxMemory = 200 << 10 // KiB that the process may ever hold
	maxLog    = 64 << 10  // bytes that one attack may write to the log
)

// build compiles the binary as users get it, without the race detector.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "imapilot")
	out, err := exec.Command("go", "build", "-o", path, "imapilot/cmd/imapilot").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// process is a run of the binary under watch.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  bounded
	peak int // KiB, VmHWM
	done chan struct{}
	err  error
}

// bounded keeps the beginning of what is written to it, and counts the rest.
type bounded struct {
	mu   sync.Mutex
	b    bytes.Buffer
	size int
}

func (w *bounded) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.size += len(p)
	w.b.Write(p[:min(len(p), max(0, 1<<20-w.b.Len()))])
	return len(p), nil
}

func (w *bounded) text() (string, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String(), w.size
}

// start runs the binary and measures its memory until it ends.
func start(t *testing.T, binary string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, args...), done: make(chan struct{})}
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.done }) // if the test ended early
	return p
}

// measure reads the most memory that the process ever held. Its peak only
// grows, so that the last look counts.
func (p *process) measure() {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return // it has ended
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if n, err := strconv.Atoi(strings.Fields(rest)[0]); err == nil {
				p.peak = max(p.peak, n)
			}
		}
	}
}

// wait measures until check is content, and fails the test when it is not in
// time or the process ends.
func (p *process) wait(d time.Duration, what string, check func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(d); !check(); {
		p.measure()
		select {
		case <-p.done:
			log, _ := p.log.text()
			p.t.Fatalf("it ended before %s: %v\n%s", what, p.err, log)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			log, _ := p.log.text()
			p.t.Fatalf("not within %v: %s; it holds up to %d KiB\n%s", d, what, p.peak, log)
		}
	}
	p.measure()
}

// stop ends the process as a user does, and judges what it leaves behind.
func (p *process) stop() {
	p.t.Helper()
	p.measure()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.end(8 * time.Second)
	if p.err != nil {
		p.t.Errorf("SIGTERM: %v", p.err)
	}
	p.judge()
}

// end waits for the process to end by itself.
func (p *process) end(d time.Duration) {
	p.t.Helper()
	for deadline := time.Now().Add(d); ; {
		select {
		case <-p.done:
			return
		case <-time.After(10 * time.Millisecond):
			p.measure()
		}
		if time.Now().After(deadline) {
			log, _ := p.log.text()
			p.t.Fatalf("it did not end within %v\n%s", d, log)
		}
	}
}

// judge holds the memory and the log against their bounds.
func (p *process) judge() {
	p.t.Helper()
	log, size := p.log.text()
	if p.peak == 0 || p.peak > maxMemory {
		p.t.Errorf("the process held up to %d KiB, at most %d", p.peak, maxMemory)
	}
	if size > maxLog {
		p.t.Errorf("a log of %d bytes, at most %d; it begins\n%.2000s", size, maxLog, log)
	}
	harmless(p.t, "the log", log)
	if exit := (*exec.ExitError)(nil); errors.As(p.err, &exit) && strings.Contains(log, "goroutine ") {
		p.t.Errorf("it crashed:\n%s", log)
	}
	p.t.Logf("%d KiB, a log of %d bytes", p.peak, size)
}

// harmless fails the test when a text could move the cursor of a terminal,
// reorder a line, or tell a secret.
func harmless(t *testing.T, what, text string) {
	t.Helper()
	for i, r := range text {
		bad := r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") ||
			r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
		if bad {
			t.Errorf("%s holds %U: %q", what, r, text[max(0, i-80):min(len(text), i+80)])
			break
		}
	}
	for _, secret := range []string{"secret", "c2VjcmV0", "AHVzZXIAc2VjcmV0"} {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%s tells the password: %q", what, text[max(0, i-80):min(len(text), i+80)])
		}
	}
}

// output runs a command of the binary to its end and returns what it prints,
// which can harm no terminal.
func output(t *testing.T, binary string, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	what := args[0]
	harmless(t, what, string(out))
	harmless(t, what+", its errors", stderr.String())
	return string(out)
}

// shows looks at what status prints, as text and as JSON.
func shows(t *testing.T, binary, cfg string) {
	t.Helper()
	output(t, binary, "status", "-c", cfg)
	raw := output(t, binary, "status", "--json", "-c", cfg)
	if !json.Valid([]byte(raw)) {
		t.Errorf("status --json is no JSON: %.500s", raw)
	}
}

// configure writes a configuration: the account's address, its other lines, and
// the rest of the file.
func configure(t *testing.T, host string, port int, account, rest string) string {
	t.Helper()
	// Not t.TempDir: the name of a socket below it would grow too long.
	dir, err := os.MkdirTemp("", "imapilot-hostile")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what is left lies in the temporary folder
	text := fmt.Sprintf("state: state.db\naccounts:\n  home: {host: %s, port: %d, username: user, password: {file: password}, poll: 5s%s}\n%s", host, port, account, rest)
	path := filepath.Join(dir, "imapilot.yaml")
	for name, text := range map[string]string{path: text, filepath.Join(dir, "password"): "secret"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}
