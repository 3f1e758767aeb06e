package disk

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// Faults for [Disk.FailAt] and [Disk.FailOnce]; any other error of SQLite's
// will do as well.
var (
	// ErrFull is a disk without space: writes and syncs fail, what frees space
	// does not.
	ErrFull error = sqlite3.FULL
	// ErrIO is a disk that does not do what it is asked for.
	ErrIO = errors.New("input/output error")
)

// errDead is what a dead process gets, whatever it asks for.
var errDead = errors.New("the process is dead")

// never is an operation that no test comes to.
const never = math.MaxInt

// Disk is one disk. Make it with [New], close it when done.
type Disk struct {
	mu         sync.Mutex // guards everything below, the files too; held over no wait
	rng        *rand.Rand
	folder     folder
	operations int
	fault      fault
	crash      int // the operation at which the process dies
	dead       bool
}

// fault is an error that strikes the operations from first to last.
type fault struct {
	err         error
	first, last int
}

// New returns an empty disk and registers it with SQLite's driver.
func New(seed uint64) *Disk {
	return register(seed, newFolder())
}

func register(seed uint64, f folder) *Disk {
	d := &Disk{rng: rand.New(rand.NewPCG(seed, seed)), folder: f, fault: fault{first: never}, crash: never}
	vfs.Register(d.Name(), system{d})
	return d
}

// Name is the disk's name as a VFS, which no other open disk has.
func (d *Disk) Name() string { return fmt.Sprintf("disk-%p", d) }

// Close takes the disk away from the driver. What has a file open may go on.
func (d *Disk) Close() { vfs.Unregister(d.Name()) }

// Operations counts the writes, syncs, truncations and deletions that the disk
// was asked for, those that failed included.
func (d *Disk) Operations() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.operations
}

// FailAt makes the operation after n more fail, and all that follow until
// [Disk.Repair].
func (d *Disk) FailAt(n int, err error) { d.arm(n, never, err) }

// FailOnce makes the operation after n more fail, and no other.
func (d *Disk) FailOnce(n int, err error) { d.arm(n, n, err) }

func (d *Disk) arm(n, last int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if last != never {
		last += d.operations
	}
	d.fault = fault{err: err, first: d.operations + n, last: last}
}

// Repair ends the fault and reports whether the disk had come to it. It does
// not bring back a dead process.
func (d *Disk) Repair() (struck bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	struck = d.operations > d.fault.first
	d.fault = fault{first: never}
	return struck
}

// CrashAt makes the process die at the operation after n more: that one is not
// done (a write perhaps in part), and from then on everything fails, reading
// included. [Disk.AfterKill] and [Disk.AfterPowerLoss] tell what is left.
func (d *Disk) CrashAt(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crash = d.operations + n
}

// Crashed reports whether the process died.
func (d *Disk) Crashed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

// alive fails when the process is dead. The caller holds mu.
func (d *Disk) alive() error {
	if d.dead {
		return errDead
	}
	return nil
}

// operation counts one operation and tells whether it fails. Some free space,
// which a full disk allows. The caller holds mu.
func (d *Disk) operation(frees bool) error {
	n := d.operations
	d.operations++
	d.dead = d.dead || n >= d.crash
	switch {
	case d.dead:
		return errDead
	case n < d.fault.first || n > d.fault.last:
		return nil
	case frees && errors.Is(d.fault.err, ErrFull):
		return nil
	}
	return d.fault.err
}

// AfterKill returns a disk with the files as the operating system has them
// now: what a process that is killed leaves. What was not synced still is not.
func (d *Disk) AfterKill() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return register(d.rng.Uint64(), d.folder.clone())
}

// Copy is AfterKill with a seed that the caller gives: a backup, or one of many
// disks that begin with the same files. It draws nothing from d.
func (d *Disk) Copy(seed uint64) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return register(seed, d.folder.clone())
}

// AfterPowerLoss returns a disk with what a power loss leaves now. Each call
// draws anew what becomes of what was not synced.
func (d *Disk) AfterPowerLoss() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return register(d.rng.Uint64(), d.folder.survive(d.rng))
}
