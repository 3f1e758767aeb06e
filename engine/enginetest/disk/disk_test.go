package disk_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"imapilot/engine/enginetest/disk"
)

const (
	mainFile = vfs.OPEN_READWRITE | vfs.OPEN_CREATE | vfs.OPEN_MAIN_DB
	logFile  = vfs.OPEN_READWRITE | vfs.OPEN_CREATE | vfs.OPEN_WAL
)

// seeds is how many disks a test of chance looks at.
const seeds = 200

func newDisk(t *testing.T, seed uint64) *disk.Disk { return closed(t, disk.New(seed)) }

func closed(t *testing.T, d *disk.Disk) *disk.Disk {
	t.Cleanup(d.Close)
	return d
}

func create(t *testing.T, d *disk.Disk, name string, flags vfs.OpenFlag) vfs.File {
	t.Helper()
	f, _, err := vfs.Find(d.Name()).Open(name, flags)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, f vfs.File, offset int64, p []byte) {
	t.Helper()
	if _, err := f.WriteAt(p, offset); err != nil {
		t.Fatal(err)
	}
}

func sync(t *testing.T, f vfs.File) {
	t.Helper()
	if err := f.Sync(vfs.SYNC_FULL); err != nil {
		t.Fatal(err)
	}
}

// content is the whole file, or nil when there is none.
func content(t *testing.T, d *disk.Disk, name string) []byte {
	t.Helper()
	f, _, err := vfs.Find(d.Name()).Open(name, vfs.OPEN_READONLY|vfs.OPEN_MAIN_DB)
	if errors.Is(err, sqlite3.CANTOPEN) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, size)
	if _, err := f.ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	return p
}

// synced is a file of some sectors of "a", which survive.
func synced(t *testing.T, d *disk.Disk, sectors int) vfs.File {
	t.Helper()
	f := create(t, d, "f", logFile)
	write(t, f, 0, bytes.Repeat([]byte("a"), sectors*512))
	sync(t, f)
	return f
}

// TestWhatIsSyncedSurvives: always, whatever is written after it elsewhere.
func TestWhatIsSyncedSurvives(t *testing.T) {
	for seed := range uint64(seeds) {
		d := newDisk(t, seed)
		f := synced(t, d, 4)
		want := content(t, d, "f")
		write(t, f, 4*512, []byte("more"))
		left := content(t, closed(t, d.AfterPowerLoss()), "f")
		if !bytes.HasPrefix(left, want) {
			t.Fatalf("seed %d: synced bytes are lost: %q", seed, left)
		}
	}
}

// TestWhatIsNotSynced writes over three sectors, adds one, cuts it off again,
// and looks for every outcome that a disk allows, and no other.
func TestWhatIsNotSynced(t *testing.T) {
	found := map[string]bool{}
	for seed := range uint64(seeds) {
		d := newDisk(t, seed)
		f := synced(t, d, 3)
		write(t, f, 0, bytes.Repeat([]byte("b"), 3*512))
		write(t, f, 512, bytes.Repeat([]byte("c"), 512))
		write(t, f, 3*512, bytes.Repeat([]byte("d"), 512))
		left := content(t, closed(t, d.AfterPowerLoss()), "f")
		found[shape(t, left)], found[shape(t, left)[:2]] = true, true
		if got := content(t, closed(t, d.AfterKill()), "f"); shape(t, got) != "bcbd" {
			t.Fatalf("seed %d: a kill lost what was written: %s", seed, shape(t, got))
		}
	}
	for _, want := range []string{"aaa", "bcb", "bcbd", "aab", "aca", "bb", "bab", "aaa0", "aaa?"} {
		if !found[want] {
			t.Errorf("no seed of %d left %s", seeds, want)
		}
	}
}

// shape names each sector by its bytes: a letter, 0 for zeros, ? for noise in
// the sector that was added.
func shape(t *testing.T, p []byte) string {
	t.Helper()
	var out []byte
	for s := range slices.Chunk(p, 512) {
		switch {
		case len(s) != 512:
			t.Fatalf("a sector of %d bytes", len(s))
		case bytes.Count(s, s[:1]) == 512 && s[0] == 0:
			out = append(out, '0')
		case bytes.Count(s, s[:1]) == 512:
			out = append(out, s[0])
		case len(out) == 3:
			out = append(out, '?')
		default:
			t.Fatalf("a torn sector after %q", out)
		}
	}
	return string(out)
}

func TestTruncationIsLostUntilSynced(t *testing.T) {
	lengths := map[int]int{}
	for seed := range uint64(seeds) {
		d := newDisk(t, seed)
		f := synced(t, d, 2)
		if err := f.Truncate(512); err != nil {
			t.Fatal(err)
		}
		lengths[len(content(t, closed(t, d.AfterPowerLoss()), "f"))]++
		sync(t, f)
		if n := len(content(t, closed(t, d.AfterPowerLoss()), "f")); n != 512 {
			t.Fatalf("seed %d: a synced truncation is lost: %d bytes", seed, n)
		}
	}
	if len(lengths) != 2 || lengths[512] == 0 || lengths[1024] == 0 {
		t.Errorf("lengths %v", lengths)
	}
}

func TestCutFileGrowsByZeros(t *testing.T) {
	d := newDisk(t, 1)
	f := synced(t, d, 1)
	if err := errors.Join(f.Truncate(100), f.Truncate(300)); err != nil {
		t.Fatal(err)
	}
	want := append(bytes.Repeat([]byte("a"), 100), make([]byte, 200)...)
	if got := content(t, d, "f"); !bytes.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestNames: the name of a new file may be lost, that of a deleted one come
// back, until a log is synced or the delete asks for it.
func TestNames(t *testing.T) {
	missing, back := 0, 0
	for seed := range uint64(seeds) {
		d := newDisk(t, seed)
		f := create(t, d, "new", mainFile)
		write(t, f, 0, []byte("x"))
		sync(t, f)
		if content(t, closed(t, d.AfterPowerLoss()), "new") == nil {
			missing++
		}
		synced(t, d, 1)
		if string(content(t, closed(t, d.AfterPowerLoss()), "new")) != "x" {
			t.Fatalf("seed %d: the folder was synced and the file is lost", seed)
		}
		remove(t, d, "new", false)
		if string(content(t, closed(t, d.AfterPowerLoss()), "new")) == "x" {
			back++
		}
		remove(t, d, "f", true)
		left := closed(t, d.AfterPowerLoss())
		if content(t, left, "new") != nil || content(t, left, "f") != nil {
			t.Fatalf("seed %d: a synced deletion came back", seed)
		}
	}
	if missing == 0 || missing == seeds || back == 0 || back == seeds {
		t.Errorf("missing %d, back %d of %d", missing, back, seeds)
	}
}

func remove(t *testing.T, d *disk.Disk, name string, syncFolder bool) {
	t.Helper()
	if err := vfs.Find(d.Name()).Delete(name, syncFolder); err != nil {
		t.Fatal(err)
	}
}

// TestKilledThenPowerLoss: what a kill left is not synced by that.
func TestKilledThenPowerLoss(t *testing.T) {
	lost := 0
	for seed := range uint64(seeds) {
		d := newDisk(t, seed)
		write(t, synced(t, d, 1), 0, []byte("b"))
		left := closed(t, closed(t, d.AfterKill()).AfterPowerLoss())
		if content(t, left, "f")[0] == 'a' {
			lost++
		}
	}
	if lost == 0 || lost == seeds {
		t.Errorf("lost %d of %d", lost, seeds)
	}
}

// TestFailedSyncSavesNothingLater is what Linux does: the bytes are in memory,
// count as clean, and no later sync writes them, not even another process's.
func TestFailedSyncSavesNothingLater(t *testing.T) {
	lost := 0
	for seed := range uint64(seeds) {
		d := newDisk(t, seed)
		f := synced(t, d, 1)
		write(t, f, 0, []byte("b"))
		d.FailOnce(0, disk.ErrIO)
		if err := f.Sync(vfs.SYNC_FULL); !errors.Is(err, disk.ErrIO) {
			t.Fatal(err)
		}
		next := closed(t, d.AfterKill())
		sync(t, create(t, next, "f", logFile))
		if content(t, next, "f")[0] != 'b' {
			t.Fatal("the file reads as if it were not written")
		}
		if content(t, closed(t, next.AfterPowerLoss()), "f")[0] == 'a' {
			lost++
		}
	}
	if lost == 0 || lost == seeds {
		t.Errorf("lost %d of %d", lost, seeds)
	}
}

// step is one operation of four, of each kind.
func step(d *disk.Disk, f vfs.File, n int) error {
	switch n % 4 {
	case 0:
		_, err := f.WriteAt(make([]byte, 2048), 0)
		return err
	case 1:
		return f.Sync(vfs.SYNC_FULL)
	case 2:
		return f.Truncate(512)
	default:
		return vfs.Find(d.Name()).Delete("g", false)
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		arm   func(*disk.Disk)
		fails []int
	}{
		"at":       {func(d *disk.Disk) { d.FailAt(1, disk.ErrIO) }, []int{1, 2, 3}},
		"once":     {func(d *disk.Disk) { d.FailOnce(2, disk.ErrIO) }, []int{2}},
		"full":     {func(d *disk.Disk) { d.FailAt(0, disk.ErrFull) }, []int{0, 1}},
		"not yet":  {func(d *disk.Disk) { d.FailAt(4, disk.ErrIO) }, nil},
		"repaired": {func(d *disk.Disk) { d.FailAt(0, disk.ErrIO); d.Repair() }, nil},
		"crash":    {func(d *disk.Disk) { d.CrashAt(3) }, []int{3}},
	} {
		d := newDisk(t, 1)
		f := synced(t, d, 1)
		create(t, d, "g", mainFile)
		before := d.Operations()
		c.arm(d)
		var fails []int
		for n := range 4 {
			if step(d, f, n) != nil {
				fails = append(fails, n)
			}
		}
		if !slices.Equal(fails, c.fails) || d.Operations() != before+4 {
			t.Errorf("%s: operations %v fail, not %v; %d were counted", name, fails, c.fails, d.Operations()-before)
		}
		if struck := d.Repair(); struck != (c.fails != nil && name != "crash") {
			t.Errorf("%s: struck is %v", name, struck)
		}
		if d.Crashed() != (name == "crash") {
			t.Errorf("%s: crashed is %v", name, d.Crashed())
		}
	}
}

// TestWriteThatFailsIsDoneInPart, by whole sectors.
func TestWriteThatFailsIsDoneInPart(t *testing.T) {
	lengths := map[int]bool{}
	for seed := range uint64(seeds) {
		d := newDisk(t, seed)
		f := create(t, d, "f", logFile)
		d.FailAt(0, disk.ErrFull)
		n, err := f.WriteAt(make([]byte, 1000), 0)
		if !errors.Is(err, disk.ErrFull) {
			t.Fatal(err)
		}
		if got := len(content(t, closed(t, d.AfterKill()), "f")); got != n {
			t.Fatalf("said %d, wrote %d", n, got)
		}
		lengths[n] = true
	}
	if len(lengths) != 3 || !lengths[0] || !lengths[512] || !lengths[1000] {
		t.Errorf("lengths %v", lengths)
	}
}

// TestDeadProcess gets nothing more from its disk, and changes nothing on it.
func TestDeadProcess(t *testing.T) {
	d := newDisk(t, 1)
	f := synced(t, d, 1)
	write(t, f, 512, []byte("not synced"))
	d.CrashAt(0)
	for n := range 8 {
		if err := step(d, f, n+1); err == nil {
			t.Errorf("step %d of a dead process is done", n)
		}
	}
	d.Repair()
	if _, err := f.ReadAt(make([]byte, 1), 0); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("reading got %v", err)
	}
	if _, _, err := vfs.Find(d.Name()).Open("f", mainFile); err == nil {
		t.Error("a dead process opened a file")
	}
	if _, err := vfs.Find(d.Name()).Access("f", vfs.ACCESS_EXISTS); err == nil {
		t.Error("a dead process looked")
	}
	if got := content(t, closed(t, d.AfterKill()), "f"); len(got) != 522 {
		t.Errorf("%d bytes are left", len(got))
	}
	lengths := map[int]bool{}
	for range 20 { // its sync decided nothing
		lengths[len(content(t, closed(t, d.AfterPowerLoss()), "f"))] = true
	}
	if !lengths[512] || !lengths[522] {
		t.Errorf("a power loss leaves %v", lengths)
	}
}

func TestLocks(t *testing.T) {
	d := newDisk(t, 1)
	a, b := create(t, d, "f", mainFile), create(t, d, "f", mainFile)
	want := func(what string, got error, busy bool) {
		t.Helper()
		if busy != errors.Is(got, sqlite3.BUSY) || !busy && got != nil {
			t.Errorf("%s: %v", what, got)
		}
	}
	want("two read", errors.Join(a.Lock(vfs.LOCK_SHARED), b.Lock(vfs.LOCK_SHARED)), false)
	want("one is to write", a.Lock(vfs.LOCK_RESERVED), false)
	want("and no other", b.Lock(vfs.LOCK_RESERVED), true)
	if reserved, err := b.CheckReservedLock(); !reserved || err != nil {
		t.Errorf("reserved is %v (%v)", reserved, err)
	}
	want("while one reads, none writes", a.Lock(vfs.LOCK_EXCLUSIVE), true)
	want("a reader leaves", b.Unlock(vfs.LOCK_NONE), false)
	want("and may not come back", b.Lock(vfs.LOCK_SHARED), true)
	want("alone, one writes", a.Lock(vfs.LOCK_EXCLUSIVE), false)
	want("none reads", b.Lock(vfs.LOCK_SHARED), true)
	want("until it is closed", a.Close(), false)
	want("then it may", b.Lock(vfs.LOCK_SHARED), false)
}

// TestSeedRepeats: the same calls leave the same bytes.
func TestSeedRepeats(t *testing.T) {
	names := strings.Split("abcdefgh", "")
	run := func(seed uint64) (out []byte) {
		d := newDisk(t, seed)
		for _, name := range names {
			f := create(t, d, name, logFile)
			sync(t, f)
			for i := range 20 {
				write(t, f, int64(i*300), bytes.Repeat([]byte{byte(i)}, 700))
			}
		}
		for range 10 {
			left := closed(t, d.AfterPowerLoss())
			for _, name := range names {
				out = append(append(out, name...), content(t, left, name)...)
			}
		}
		return out
	}
	if !bytes.Equal(run(7), run(7)) {
		t.Error("seed 7 does not repeat")
	}
	if bytes.Equal(run(7), run(8)) {
		t.Error("seeds 7 and 8 are the same")
	}
}

// TestCopy: a copy and its original go their own ways, and the copy by its own
// seed.
func TestCopy(t *testing.T) {
	d := newDisk(t, 1)
	f := synced(t, d, 1)
	copied := closed(t, d.Copy(5))
	write(t, f, 0, []byte("b"))
	write(t, create(t, copied, "f", logFile), 1, []byte("c"))
	if got := string(content(t, d, "f")[:3]); got != "baa" {
		t.Errorf("the original is %q", got)
	}
	if got := string(content(t, copied, "f")[:3]); got != "aca" {
		t.Errorf("the copy is %q", got)
	}
	again := newDisk(t, 5)
	write(t, synced(t, again, 1), 1, []byte("c"))
	for i := range 10 {
		a, b := closed(t, copied.AfterPowerLoss()), closed(t, again.AfterPowerLoss())
		if !bytes.Equal(content(t, a, "f"), content(t, b, "f")) {
			t.Errorf("loss %d differs", i)
		}
	}
}

func TestClosedDiskIsGone(t *testing.T) {
	d, other := disk.New(1), newDisk(t, 1)
	if d.Name() == other.Name() || vfs.Find(d.Name()) == nil {
		t.Fatal("two disks share a name, or have none")
	}
	d.Close()
	if vfs.Find(d.Name()) != nil || vfs.Find(other.Name()) == nil {
		t.Error("the wrong disk is gone")
	}
}

func TestSizeIsLimited(t *testing.T) {
	f := create(t, newDisk(t, 1), "f", mainFile)
	if _, err := f.WriteAt([]byte("x"), 1<<40); !errors.Is(err, disk.ErrFull) {
		t.Errorf("write got %v", err)
	}
	if err := f.Truncate(1 << 40); !errors.Is(err, disk.ErrFull) {
		t.Errorf("truncate got %v", err)
	}
}
