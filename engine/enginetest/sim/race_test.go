//go:build race

package sim

// Under the race detector, which makes a run five times as long, the sweep
// tries every stride-th operation of one of so many scenarios and kinds of fault, and
// there are few random runs. "make sweep"
// has the rest without it.
const (
	stride = 97
	oneOf  = 7
	seeds  = 16
)
