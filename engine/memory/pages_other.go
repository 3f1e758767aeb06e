//go:build !linux

package memory

// region is nothing here: on Linux alone a program has a say in the size of its pages.
type region struct{}

func inLargePages([]byte) (r region) { return r }

func (region) inUsualPages() {}
