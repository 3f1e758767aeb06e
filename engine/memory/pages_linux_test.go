package memory

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

// flagsOf are the flags of the mapping that an address is in (VmFlags, see proc(5)).
func flagsOf(t *testing.T, address uintptr) []string {
	t.Helper()
	all, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skipf("the system does not tell of its mappings: %v", err)
	}
	inside := false
	for line := range strings.Lines(string(all)) {
		var from, to uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &from, &to); n == 2 {
			inside = from <= address && address < to
		}
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && inside {
			return strings.Fields(flags)
		}
	}
	t.Fatal("there is no such mapping")
	return nil
}

// TestADaemonHasUsualPages: of large ones the system would fill again what was given back.
func TestADaemonHasUsualPages(t *testing.T) {
	t.Setenv("GOGC", "")
	defer debug.SetGCPercent(100)
	Hurry()
	if flags := strings.Join(flagsOf(t, hurrying.large.from), " "); !strings.Contains(flags, "hg") {
		t.Skipf("this system has no large pages: %s", flags)
	}
	Collect(1)
	if flags := strings.Join(flagsOf(t, hurrying.large.from), " "); strings.Contains(flags, "hg") {
		t.Errorf("large pages are asked for: %s", flags)
	}
}
