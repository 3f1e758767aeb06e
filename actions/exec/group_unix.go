//go:build unix

package exec

import (
	"os/exec"
	"syscall"
)

// ownGroup starts the program as the leader of a process group.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// endGroup asks everything in the group of the program to end, or ends it. As long as
// one process is in it, its number is given to no other; where nobody is left there
// is nothing to tell.
func endGroup(cmd *exec.Cmd, now bool) {
	signal := syscall.SIGTERM
	if now {
		signal = syscall.SIGKILL
	}
	_ = syscall.Kill(-cmd.Process.Pid, signal)
}
