//go:build race

package engine_test

// underRace is set under the race detector, which makes a run several times as long:
// there the matrix has the memory server alone. What runs beside what in the engine
// does not depend on the server; the real ones are tried without it (.ci/unit).
const underRace = true
