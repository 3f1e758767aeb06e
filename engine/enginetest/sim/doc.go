// Package sim runs the whole daemon in a bubble with a clock of its own and
// breaks it: the real engine, the real session over pipes to a model server,
// the real SQLite journal on a disk in memory. A [Scenario] says what happens,
// a [Fault] what goes wrong and at which operation, and [Run] gives a [Report]
// with every promise that was broken.
//
// A sweep runs a scenario with a fault at operation 0, 1, 2, ... until a run
// sees none. A random run makes its scenario and its faults from a seed. A run that
// fails prints the command that repeats it.
//
// invariants.go is the list of the promises; scenarios.go, apply.go, clock.go, stars.go
// and snooze.go are what is played, kinds.go is what can go wrong, and ../PROOFS.md what
// was found by it.
package sim
