//go:build !race

package sim

const (
	stride = 1
	oneOf  = 1
	seeds  = 100
)
