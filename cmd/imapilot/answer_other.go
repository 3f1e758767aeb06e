//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package main

// forgetTyped is for terminals of Unix: elsewhere what was typed before a question is read.
func forgetTyped(int) {}
