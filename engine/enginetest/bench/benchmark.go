package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// benchmark is a server with a filled mailbox, and what runs on it.
type benchmark struct {
	flags  flags
	shape  shape
	log    io.Writer
	server *dovecot
	work   string // the folder for configurations and journals, on a disk
	binary string // of imapilot
	self   string // this program
}

// newBenchmark starts a server and fills the mailbox.
func newBenchmark(ctx context.Context, f flags, log io.Writer) (*benchmark, error) {
	b := &benchmark{flags: f, log: log, shape: shapeOf(f), binary: f.binary}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.work, err = os.MkdirTemp("", "imapilot-bench"); err != nil {
		return nil, err
	}
	if err := b.prepare(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *benchmark) prepare(ctx context.Context) (err error) {
	if inMemory(b.work) {
		fmt.Fprintln(b.log, "imapilot's journal is in memory, not on a disk: set TMPDIR to a folder on one")
	}
	if load := loadOf("/proc/loadavg"); load > 1 {
		fmt.Fprintf(b.log, "other programs are at work (load %.1f): every number will be too high, and not by the same factor\n", load)
	}
	if err := b.build(ctx); err != nil {
		return err
	}
	if b.server, err = startDovecot(ctx, b.mailParent(), b.flags.store); err != nil {
		return err
	}
	return b.fill()
}

// shapeOf is the mailbox that the flags describe. A message of a million is
// small.
func shapeOf(f flags) shape {
	s := shape{messages: f.messages, size: 1200, keywords: senders}
	if f.million {
		s.size = 500
	}
	if f.store == "maildir" {
		s.keywords = 20
	}
	return s
}

// build makes the binary, as the Makefile does, unless one is given.
func (b *benchmark) build(ctx context.Context) error {
	if b.binary != "" || b.flags.cpuProfile != "" {
		return nil
	}
	b.binary = filepath.Join(b.work, "imapilot")
	out, err := exec.CommandContext(ctx, "make", "-s", "build", "OUTPUT="+b.binary).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make build, in the root of the repository: %w\n%s", err, out)
	}
	return nil
}

// mailParent is where Dovecot keeps its mail: in memory where there is room for
// copies of it, otherwise below the temporary folder.
func (b *benchmark) mailParent() string {
	const memory = "/dev/shm"
	room := uint64(20 * b.shape.messages * b.shape.size)
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err != nil || uint64(fs.Bsize)*fs.Bavail < room {
		return b.work
	}
	return memory
}

// inMemory reports whether a folder is on no disk.
func inMemory(dir string) bool {
	const tmpfs = 0x01021994
	var fs syscall.Statfs_t
	return syscall.Statfs(dir, &fs) == nil && fs.Type == tmpfs
}

// loadOf reads how many processes there was work for in the last minute, 0 where
// the system does not tell.
func loadOf(path string) float64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	var load float64
	if _, err := fmt.Sscan(string(text), &load); err != nil {
		return 0
	}
	return load
}

// close stops the server and removes what was made, or says where it is.
func (b *benchmark) close() error {
	var errs []error
	folders := []string{b.work}
	if b.server != nil {
		errs = append(errs, b.server.stop())
		folders = append(folders, b.server.dir)
	}
	for _, dir := range folders {
		if b.flags.keep {
			fmt.Fprintln(b.log, "kept", dir)
			continue
		}
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}
