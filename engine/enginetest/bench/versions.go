package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
)

// versions are those of the software, and the number of cores.
type versions struct {
	dovecot, imapfilter, golang string
	cores                       int
}

func versionsOf(ctx context.Context) versions {
	return versions{
		dovecot:    versionOf(ctx, "/usr/sbin/dovecot", "--version"),
		imapfilter: versionOf(ctx, "imapfilter", "-V"),
		golang:     strings.TrimPrefix(runtime.Version(), "go"),
		cores:      runtime.NumCPU(),
	}
}

// versionOf is the first word with a digit of what a program says when it is
// asked, "missing" when it is not there.
func versionOf(ctx context.Context, argv ...string) string {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil && len(out) == 0 {
		return "missing"
	}
	for _, word := range bytes.Fields(out) {
		if bytes.ContainsAny(word, "0123456789") {
			return string(word)
		}
	}
	return "unknown"
}

func (v versions) String() string {
	return fmt.Sprintf("%d cores, Dovecot %s, imapfilter %s, Go %s", v.cores, v.dovecot, v.imapfilter, v.golang)
}
