//go:build !linux

package memory

// inLargePages is for Linux: elsewhere no program has a say in the size of its pages.
func inLargePages([]byte) {}
