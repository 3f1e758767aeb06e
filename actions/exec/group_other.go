//go:build !unix

package exec

import "os/exec"

func ownGroup(*exec.Cmd) {}

// endGroup ends the program itself: there are no groups, and no way to ask.
func endGroup(cmd *exec.Cmd, _ bool) { _ = cmd.Process.Kill() }
