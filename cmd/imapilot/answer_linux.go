package main

import "golang.org/x/sys/unix"

// forgetTyped drops what a terminal holds that nobody has read (tcflush(3)). One that
// cannot do that keeps it.
func forgetTyped(fd int) { _ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) }
