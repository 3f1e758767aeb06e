//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package main

import "golang.org/x/sys/unix"

// forgetTyped drops what a terminal holds that nobody has read (tcflush(3)). One that
// cannot do that keeps it.
func forgetTyped(fd int) {
	const reading = 1 // FREAD of <sys/fcntl.h>
	_ = unix.IoctlSetPointerInt(fd, unix.TIOCFLUSH, reading)
}
