package sim

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"imapilot/actions"
	"imapilot/engine/enginetest/model"
)

// TestScenarios plays each scenario with nothing going wrong.
func TestScenarios(t *testing.T) {
	var mu sync.Mutex
	var seen strings.Builder
	t.Run("all", func(t *testing.T) {
		for _, s := range Scenarios() {
			t.Run(s.Name, func(t *testing.T) {
				t.Parallel()
				r := Run(t, s.prepare(t), 1)
				complain(t, s, 1, nil, r)
				mu.Lock()
				defer mu.Unlock()
				seen.WriteString(strings.Join(r.Entries, "\n"))
			})
		}
	})
	// What no scenario does is never broken off by the sweep.
	for _, a := range actions.Table() {
		if a.Phase != actions.PhaseOutbox && !strings.Contains(seen.String(), "; "+string(a.Kind)) {
			t.Errorf("the action %s is done in no scenario", a.Kind)
		}
	}
}

// complain fails the test with every broken promise, and the command line that
// repeats the run.
func complain(t *testing.T, s Scenario, seed uint64, faults []Fault, r Report) {
	t.Helper()
	if r.Unsure > len(faults) || r.Unsure > 0 && !s.Unsure && len(faults) < 2 && !renumbers(faults) {
		r.Problems = append(r.Problems, fmt.Sprintf("%d messages are unsure, where a look could have told", r.Unsure))
	}
	if len(r.Problems) == 0 {
		return
	}
	for _, p := range r.Problems[:min(len(r.Problems), 6)] {
		t.Error(p)
	}
	t.Log(Line(s, seed, faults))
}

// renumbers reports whether a fault takes a look its ground.
func renumbers(faults []Fault) bool {
	return slices.ContainsFunc(faults, func(f Fault) bool { return f.Kind == Kind(model.Renumbered) || f.Kind == Renumbers })
}

// tally counts over all runs of a test.
type tally struct {
	mu                               sync.Mutex
	runs, operations, faults, unsure int
}

func (c *tally) add(r Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs++
	c.operations += r.Operations
	c.faults += r.Faults
	c.unsure += r.Unsure
}

func (c *tally) log(t *testing.T) {
	t.Logf("%d runs, %d operations, %d faults, %d unsure", c.runs, c.operations, c.faults, c.unsure)
}

// TestSweep breaks every scenario with every kind of fault at operation 0, 1,
// 2, ... until a run sees none.
func TestSweep(t *testing.T) {
	var total tally
	t.Cleanup(func() { total.log(t) })
	n := 0
	for _, s := range Scenarios() {
		s = s.prepare(t)
		for _, k := range Kinds() {
			if n++; n%oneOf != 0 {
				continue
			}
			t.Run(s.Name+"/"+string(k), func(t *testing.T) {
				t.Parallel()
				sweep(t, s, k, &total)
			})
		}
	}
}

func sweep(t *testing.T, s Scenario, k Kind, total *tally) {
	for n := 0; ; n += s.stride(k) {
		fault := Fault{Kind: k, At: n}
		r := Run(t, s, uint64(n), fault)
		total.add(r)
		complain(t, s, uint64(n), []Fault{fault}, r)
		if r.Faults == 0 || n > 400 {
			return
		}
	}
}

// stride is how many operations lie between two faults of a kind. Of most scenarios
// the kinds that are most unlike each other strike at each one, all others only with
// IMAPILOT_SIM_ALL (make soak).
func (s Scenario) stride(k Kind) int {
	if os.Getenv("IMAPILOT_SIM_ALL") != "" {
		return 1
	}
	if k == Kind(model.Late) { // of few commands, and each matters
		return strideOf(k)
	}
	return strideOf(k) * max(1, s.Sparse) * every()
}

// every is how many times fewer operations are broken than "make sweep" breaks, as make
// test has it, which must not take an hour.
func every() int {
	n, err := strconv.Atoi(os.Getenv("IMAPILOT_SIM_EVERY"))
	if err != nil {
		return 1
	}
	return max(1, n)
}

func strideOf(k Kind) int {
	switch k {
	case DiskError, DiskFull, DiskKill, DiskPower:
		return 12 * stride
	case Kind(model.DropAfter), Kind(model.AnswerNo), KillAfter, PowerAfter, CommitFails,
		Kind(model.Late), Kind(model.OKOverQuota), Kind(model.OKMessageLimit), Kind(model.BadCopyUID):
		return stride
	}
	return 5 * stride
}

// TestReplay repeats one run, with everything that it said.
func TestReplay(t *testing.T) {
	asked := os.Getenv("IMAPILOT_SIM")
	if asked == "" {
		t.Skip("set IMAPILOT_SIM to what a failed run printed")
	}
	t.Setenv("IMAPILOT_SIM_LOG", "1")
	s, seed, faults := parseRun(t, asked)
	r := Run(t, s.prepare(t), seed, faults...)
	t.Log("\n" + strings.Join(r.Trace, "\n"))
	t.Log("\n" + strings.Join(r.Entries, "\n"))
	complain(t, s, seed, faults, r)
	t.Logf("%d operations, %d faults, %d unsure, %v", r.Operations, r.Faults, r.Unsure, r.Took)
}

// parseRun reads "scenario|seed|faults", or "seed" of a random run.
func parseRun(t *testing.T, asked string) (Scenario, uint64, []Fault) {
	t.Helper()
	name, rest, ok := strings.Cut(asked, "|")
	number, list, _ := strings.Cut(rest, "|")
	if !ok {
		number = name
	}
	seed, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		t.Fatalf("no seed %q", number)
	}
	if !ok {
		s, faults := draw(Scenarios(), seed)
		return s, seed, faults
	}
	all := append(Scenarios(), applyOfMany())
	i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no scenario %q", name)
	}
	return all[i], seed, parseFaults(t, list)
}

func parseFaults(t *testing.T, s string) []Fault {
	t.Helper()
	var out []Fault
	if s == "" {
		return nil
	}
	for part := range strings.SplitSeq(s, ";") {
		kind, at, _ := strings.Cut(part, "@")
		f := Fault{Kind: Kind(kind)}
		if _, err := fmt.Sscan(at, &f.At); err != nil || !slices.Contains(Kinds(), f.Kind) {
			t.Fatalf("no fault: %q", part)
		}
		out = append(out, f)
	}
	return out
}
