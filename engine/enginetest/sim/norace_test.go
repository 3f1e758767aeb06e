//go:build !race

package sim

const (
	stride = 1
	seeds  = 100
)
