//go:build race

package sim

// Under the race detector, which makes a run five times as long, the sweep
// tries every stride-th operation, and there are few random runs. "make sweep"
// has the rest without it.
const (
	stride = 197
	seeds  = 16
)
