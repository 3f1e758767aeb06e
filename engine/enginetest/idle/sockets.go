package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// allowSockets raises the number of files that the processes started from here may have open, a
// connection being one of them.
func allowSockets(accounts int) error {
	need := uint64(accounts + 200)
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return fmt.Errorf("the number of files that may be open is not known: %w", err)
	}
	if now.Cur >= need {
		return nil
	}
	most := now.Max
	now.Cur, now.Max = need, max(most, need)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return fmt.Errorf("%d accounts need %d open files in one process, and %d are allowed; raise the hard limit (ulimit -Hn) or take a smaller -n: %w", accounts, need, most, err)
	}
	return nil
}
