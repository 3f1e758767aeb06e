package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// maxSecret is how long a secret may be, secretTimeout how long a command may
// take to print one.
const (
	maxSecret     = 64 << 10
	secretTimeout = 10 * time.Second
)

// Secret says where a secret comes from. Printing one never shows it.
type Secret struct {
	kind    string // "", "literal", "file", "env", "credential", "command"
	value   string
	command []string
}

// LiteralSecret is a secret that is known already.
func LiteralSecret(v string) Secret { return Secret{kind: "literal", value: v} }

// IsZero reports whether no secret is configured.
func (s Secret) IsZero() bool { return s.kind == "" }

// IsTold reports whether a program tells it, which may ask somebody.
func (s Secret) IsTold() bool { return s.kind == "command" }

// Source says where it comes from, for messages: "file /run/secrets/home".
func (s Secret) Source() string {
	switch s.kind {
	case "file":
		return "file " + s.value
	case "env":
		return "environment variable " + s.value
	case "credential":
		return "credential " + s.value
	case "command":
		return "command " + strings.Join(s.command[:min(1, len(s.command))], "")
	default:
		return "the configuration"
	}
}

// String never reveals the secret, nor do the others.
func (s Secret) String() string { return "[secret]" }

// GoString is String, for %#v.
func (s Secret) GoString() string { return "[secret]" }

// LogValue is String, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalJSON is String, for JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"[secret]"`), nil }

// Read resolves the secret now: one line end at its end is cut off. It is at
// most 64 KiB, and a command has 10 seconds. No error shows what was read.
func (s Secret) Read(ctx context.Context) (string, error) {
	out, err := s.read(ctx)
	if err != nil {
		return "", fmt.Errorf("the secret from %s cannot be read: %w", s.Source(), err)
	}
	out = strings.TrimSuffix(strings.TrimSuffix(out, "\n"), "\r")
	if out == "" {
		return "", fmt.Errorf("the secret from %s is empty", s.Source())
	}
	return out, nil
}

func (s Secret) read(ctx context.Context) (string, error) {
	switch s.kind {
	case "literal":
		return s.value, nil
	case "env":
		v, ok := os.LookupEnv(s.value)
		if !ok {
			return "", errors.New("it is not set")
		}
		return v, nil
	case "file":
		return readLimited(s.value)
	case "credential":
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return "", errors.New("$CREDENTIALS_DIRECTORY is not set: systemd sets it for LoadCredential=")
		}
		return readLimited(filepath.Join(dir, s.value))
	case "command":
		return s.run(ctx)
	default:
		return "", errors.New("none is configured")
	}
}

func readLimited(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	out, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(out) > maxSecret {
		err = fmt.Errorf("it is longer than %d bytes", maxSecret)
	}
	return string(out), err
}

// run starts the command without a shell; what it prints on its standard error
// goes to ours.
func (s Secret) run(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err == nil && len(out) > maxSecret {
		err = fmt.Errorf("it is longer than %d bytes", maxSecret)
	}
	return string(out), err
}
