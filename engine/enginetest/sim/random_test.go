package sim

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestRandom plays scenarios with more letters and several faults, all drawn
// from a seed. IMAPILOT_SEEDS asks for other seeds: a number, or "from-to".
func TestRandom(t *testing.T) {
	var total tally
	t.Cleanup(func() { total.log(t) })
	all := Scenarios()
	for i := range all {
		all[i] = all[i].prepare(t)
	}
	from, to := seedRange(t)
	const shares = 4
	for share := range uint64(shares) {
		t.Run(fmt.Sprint(share), func(t *testing.T) {
			t.Parallel()
			for seed := from + share; seed < to; seed += shares {
				s, faults := draw(all, seed)
				r := Run(t, s, seed, faults...)
				total.add(r)
				if complain(t, s, seed, faults, r); len(r.Problems) > 0 {
					t.Logf("or IMAPILOT_SIM=%d", seed)
				}
			}
		})
	}
}

func seedRange(t *testing.T) (from, to uint64) {
	t.Helper()
	asked := os.Getenv("IMAPILOT_SEEDS")
	if asked == "" {
		return 0, seeds
	}
	first, last, ok := strings.Cut(asked, "-")
	if !ok {
		first, last = "0", asked
	}
	from, err1 := strconv.ParseUint(first, 10, 64)
	to, err2 := strconv.ParseUint(last, 10, 64)
	if err1 != nil || err2 != nil {
		t.Fatalf("IMAPILOT_SEEDS=%s: want a number or from-to", asked)
	}
	return from, to
}

// Most seeds draw one of the scenarios that were there first, and one in laterEvery
// one of those that came later: so the seeds that PROOFS.md names stay what they
// were.
const (
	firstScenarios = 18
	laterEvery     = 5
)

// draw makes a run from a seed: a scenario, letters beside it, and faults.
func draw(all []Scenario, seed uint64) (Scenario, []Fault) {
	rng := rand.New(rand.NewPCG(seed, 2))
	from := all[:firstScenarios]
	if seed%laterEvery == 1 {
		from = all[firstScenarios:]
	}
	s := from[rng.IntN(len(from))]
	s.Acts = append([]Act{}, s.Acts...)
	for i := range 1 + rng.IntN(4) {
		subject := drawSubject(rng, i)
		act := Act{After: time.Duration(rng.IntN(20_000)) * time.Millisecond, Do: mail(subject)}
		at := rng.IntN(len(s.Acts) + 1)
		s.Acts = append(s.Acts[:at], append([]Act{act}, s.Acts[at:]...)...)
	}
	kinds := Kinds()
	var faults []Fault
	for range 1 + rng.IntN(5) {
		faults = append(faults, Fault{Kind: kinds[rng.IntN(len(kinds))], At: rng.IntN(60)})
	}
	return s, faults
}

// drawSubject asks for some of the verbs, and for one place at most.
func drawSubject(rng *rand.Rand, n int) string {
	words := []string{fmt.Sprintf("random%d", n)}
	for _, verb := range []string{"hook", "flag", "seen", "copy", "body"} {
		if rng.IntN(3) == 0 {
			words = append(words, verb)
		}
	}
	if last := []string{"move", "list", "away", "", ""}[rng.IntN(5)]; last != "" {
		words = append(words, last)
	}
	return strings.Join(words, " ")
}
