package attachment

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// errCrash is what everything ends in after a crash.
var errCrash = errors.New("crashed")

// faulty is a real folder whose operation number at fails, or, where it crashes,
// that one and all after it. It waits for no disk: what an fsync is worth only a
// power failure shows.
type faulty struct {
	disk
	at      int
	err     error
	crashes bool
	calls   int
	ops     []string
}

func (f *faulty) fault(op string) error {
	f.calls++
	f.ops = append(f.ops, op)
	if f.calls-1 == f.at || f.crashes && f.calls-1 > f.at {
		return f.err
	}
	return nil
}

func (f *faulty) create(name string) (file, error) {
	if err := f.fault("create"); err != nil {
		return nil, err
	}
	w, err := f.disk.create(name)
	return faultyFile{w, f}, err
}

func (f *faulty) open(name string) (io.ReadCloser, error) {
	if err := f.fault("open"); err != nil {
		return nil, err
	}
	return f.disk.open(name)
}

func (f *faulty) lstat(name string) (fs.FileInfo, error) {
	if err := f.fault("lstat"); err != nil {
		return nil, err
	}
	return f.disk.lstat(name)
}

func (f *faulty) list() ([]fs.DirEntry, error) {
	if err := f.fault("list"); err != nil {
		return nil, err
	}
	return f.disk.list()
}

func (f *faulty) link(old, name string) error {
	return cmpErr(f.fault("link"), func() error { return f.disk.link(old, name) })
}
func (f *faulty) rename(old, name string) error {
	return cmpErr(f.fault("rename"), func() error { return f.disk.rename(old, name) })
}
func (f *faulty) remove(name string) error {
	return cmpErr(f.fault("remove"), func() error { return f.disk.remove(name) })
}
func (f *faulty) mkdir(name string) error {
	return cmpErr(f.fault("mkdir"), func() error { return f.disk.mkdir(name) })
}
func (f *faulty) sync(name string) error {
	return f.fault("sync " + name)
}

type faultyFile struct {
	file
	*faulty
}

func (f faultyFile) Write(p []byte) (int, error) {
	if err := f.fault("write"); err != nil {
		n, _ := f.file.Write(p[:len(p)/2]) // as a full disk does
		return n, err
	}
	return f.file.Write(p)
}
func (f faultyFile) Sync() error { return f.fault("fsync") }

func cmpErr(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}

// two has two attachments of one name, and a third.
func two() string {
	return mixed(attached("a.pdf", "one"), attached("a.pdf", "two"), attached("b.txt", "three"))
}

func inFolders(Part) ([]Piece, error) { return []Piece{{Text: "in/x/"}}, nil }

// tree returns the files below a folder: "name=content".
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		if strings.HasPrefix(name, temporaryPrefix) {
			name = "temporary"
		}
		out = append(out, name+"="+string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// later is a clock at which what was left just now is old.
func later() time.Time { return time.Now().Add(2 * abandoned) }

// A crash at every step: whatever was named by then is whole, and the next Save
// ends with exactly the files that there would have been, and nothing else.
func TestCrashAtEveryStep(t *testing.T) {
	for _, linkless := range []bool{false, true} {
		for at, crashed := 0, true; crashed; at++ {
			dir := t.TempDir()
			r := opened(t, dir)
			f := &faulty{disk: r, at: at, err: errCrash, crashes: true}
			if linkless {
				f.disk = noLinks{r}
			}
			folder := Folder{Name: inFolders, Now: later}
			_, err := save(t.Context(), f, folder, strings.NewReader(two()), nil)
			crashed = f.calls > at
			if crashed != errors.Is(err, errCrash) {
				t.Fatalf("step %d: %v", at, err)
			}
			want := []string{"in/x/a (2).pdf=two", "in/x/a.pdf=one", "in/x/b.txt=three"}
			checkWhole(t, tree(t, dir), append(want, "in/x/a (3).pdf=two"), linkless)
			if _, err := save(t.Context(), &faulty{disk: f.disk, at: -1}, folder, strings.NewReader(two()), nil); err != nil {
				t.Fatalf("step %d, %v, repeated: %v", at, f.ops[min(at, f.calls-1)], err)
			}
			got := tree(t, dir)
			if !linkless && !slices.Equal(got, want) || linkless && len(slices.DeleteFunc(slices.Clone(got), isHeld)) != 3 {
				t.Errorf("step %d, %v: %q", at, f.ops[min(at, f.calls-1)], got)
			}
		}
	}
}

// isHeld knows a file that held a name when the crash came.
func isHeld(file string) bool { return strings.HasSuffix(file, "=") }

// checkWhole holds that all but temporary files are among the whole ones.
func checkWhole(t *testing.T, files, whole []string, linkless bool) {
	t.Helper()
	for _, f := range files {
		if !slices.Contains(whole, f) && !strings.HasPrefix(f, "temporary=") && (!linkless || !isHeld(f)) {
			t.Errorf("half a file: %q", f)
		}
	}
}

// A single fault at every step leaves no temporary file behind (unless it is
// the removal that fails), and says whether to repeat it.
func TestFaultAtEveryStep(t *testing.T) {
	for cause, c := range map[error]struct {
		want      error
		temporary bool
	}{syscall.ENOSPC: {ErrFull, true}, syscall.EDQUOT: {ErrFull, true}, syscall.EROFS: {ErrReadOnly, false}, syscall.EACCES: {ErrReadOnly, false}, syscall.EIO: {syscall.EIO, true}} {
		for at, fired := 0, true; fired; at++ {
			dir := t.TempDir()
			f := &faulty{disk: opened(t, dir), at: at, err: cause}
			_, err := save(t.Context(), f, Folder{Name: inFolders}, strings.NewReader(two()), nil)
			fired = f.calls > at
			// A file that may not be looked into is somebody else's.
			if fired && f.ops[at] == "open" && errors.Is(cause, syscall.EACCES) {
				if err != nil {
					t.Error(err)
				}
				continue
			}
			if fired != errors.Is(err, c.want) || fired && Temporary(err) != c.temporary {
				t.Errorf("%v at %d: %v", cause, at, err)
			}
			if fired && f.ops[at] != "remove" && slices.ContainsFunc(tree(t, dir), func(s string) bool { return strings.HasPrefix(s, "temporary") }) {
				t.Errorf("%v at %s leaves a temporary file", cause, f.ops[at])
			}
			if fired && slices.ContainsFunc(f.ops[at+1:], func(op string) bool { return op != "remove" }) {
				t.Errorf("%v at %s does not end it: %q", cause, f.ops[at], f.ops[at+1:])
			}
		}
	}
}

// The content is on the disk before it has a name, and the name before it is
// said to be there; also the second time.
func TestOrderOfFsync(t *testing.T) {
	dir := t.TempDir()
	for i, want := range []string{
		"list,create,write,fsync,mkdir,sync .,mkdir,sync in,link,sync in/x,remove",
		"list,create,write,fsync,mkdir,sync .,mkdir,sync in,link,lstat,open,sync in/x,remove",
	} {
		f := &faulty{disk: opened(t, dir), at: -1}
		_, err := save(t.Context(), f, Folder{Name: inFolders}, strings.NewReader(mixed(attached("a.pdf", "one"))), nil)
		if got := strings.Join(f.ops, ","); err != nil || got != want {
			t.Errorf("%d: %s, %v", i, got, err)
		}
	}
}

// noLinks is a file system without hard links.
type noLinks struct{ disk }

func (noLinks) link(string, string) error { return &os.LinkError{Op: "link", Err: syscall.EPERM} }

func TestWithoutHardLinks(t *testing.T) {
	dir := t.TempDir()
	d := noLinks{opened(t, dir)}
	for range 2 {
		r, err := save(t.Context(), d, Folder{}, strings.NewReader(two()), nil)
		if err != nil || len(r.Files) != 3 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if got := tree(t, dir); !slices.Equal(got, []string{"a (2).pdf=two", "a.pdf=one", "b.txt=three"}) {
		t.Errorf("%q", got)
	}
}

// The file that holds a name goes when the draft cannot take its place.
func TestAHeldNameIsGivenBack(t *testing.T) {
	renames := 0
	for at, fired := 0, true; fired; at++ {
		dir := t.TempDir()
		f := &faulty{disk: noLinks{opened(t, dir)}, at: at, err: syscall.EIO}
		_, err := save(t.Context(), f, Folder{}, strings.NewReader(two()), nil)
		if fired = f.calls > at; !fired || f.ops[at] != "rename" {
			continue
		}
		renames++
		if got := tree(t, dir); !errors.Is(err, syscall.EIO) || slices.ContainsFunc(got, isHeld) {
			t.Errorf("%q, %v", got, err)
		}
	}
	if renames != 3 {
		t.Errorf("%d renames", renames)
	}
}

func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	old, young := filepath.Join(dir, temporaryName()), filepath.Join(dir, temporaryName())
	foreign, folder := filepath.Join(dir, ".imapilot-x.txt"), filepath.Join(dir, temporaryName())
	for _, name := range []string{old, young, foreign} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	for name, age := range map[string]time.Duration{old: abandoned, foreign: 48 * time.Hour, folder: 48 * time.Hour, young: abandoned - time.Second} {
		if err := os.Chtimes(name, at, at.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	f := Folder{Path: dir, Now: func() time.Time { return at }}
	if _, err := Save(t.Context(), f, strings.NewReader(mixed(attached("a", "x"))), nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{old: false, young: true, foreign: true, folder: true} {
		if _, err := os.Lstat(name); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
