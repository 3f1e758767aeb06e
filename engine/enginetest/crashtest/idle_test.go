package crashtest

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"imapilot/engine/enginetest/imaptest"
)

// The bounds of a daemon that idles on one account for ten minutes.
const (
	maxResident = 40 << 10              // KiB
	maxCPU      = 50 * time.Millisecond // over ten minutes, without the start
)

// TestIdle lets the real binary idle on a real server and measures it: a few
// seconds, or as long as IMAPILOT_IDLE says ("make soak": ten minutes).
func TestIdle(t *testing.T) {
	d := 3 * time.Second
	if v := os.Getenv("IMAPILOT_IDLE"); v != "" {
		var err error
		if d, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	srv := imaptest.Dovecot(t, imaptest.Options{})
	cmd := exec.Command(build(t), "run", "-c", configure(t, srv))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second) // the start is not idling
	before := cpu(t, cmd.Process.Pid)
	time.Sleep(d)
	used, resident := cpu(t, cmd.Process.Pid)-before, resident(t, cmd.Process.Pid)
	t.Logf("%v idle: %d KiB resident, %v of CPU", d, resident, used)
	if resident > maxResident {
		t.Errorf("%d KiB resident, at most %d", resident, maxResident)
	}
	if used > maxCPU {
		t.Errorf("%v of CPU, at most %v", used, maxCPU)
	}
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("SIGTERM: %v after %v", err, time.Since(began))
	}
}

// resident is a process's resident memory in KiB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// cpu is the CPU time that a process has used, in ticks of 10 ms.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+2:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}
