//go:build race

package sim

// Under the race detector, which makes a run five times as long, the sweep
// tries every stride-th operation. "make sweep" tries them all without it.
const stride = 23
