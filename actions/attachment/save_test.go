package attachment

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"imapilot/rules/facts"
)

// mixed is a message with a text and more parts.
func mixed(parts ...string) string {
	out := "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\nhello\r\n"
	for _, p := range parts {
		out += "--b\r\n" + p + "\r\n"
	}
	return out + "--b--\r\nepilogue\r\n"
}

// attached is a part that is a file.
func attached(name, content string) string {
	return "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"" + name + "\"\r\n" +
		"Content-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(content))
}

// opened opens a folder for the time of a test.
func opened(t *testing.T, dir string) root {
	t.Helper()
	r, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestSavesWhatIsWanted(t *testing.T) {
	dir := t.TempDir()
	var seen []Part
	raw := mixed(attached("a.pdf", "one"), "Content-Type: image/png; name=\"i.png\"\r\nContent-Disposition: inline\r\n\r\npng", attached("b.txt", ""))
	r, err := Save(t.Context(), Folder{Path: dir}, strings.NewReader(raw), func(p Part) bool {
		seen = append(seen, p)
		return p.Name != "i.png"
	})
	if err != nil || !slices.Equal(r.Files, []File{{"a.pdf", 3, false}, {"b.txt", 0, false}}) {
		t.Errorf("%+v, %v", r, err)
	}
	if !slices.Equal(seen, []Part{{"a.pdf", "application/octet-stream", 3, false}, {"i.png", "image/png", 3, true}, {"b.txt", "application/octet-stream", 0, false}}) {
		t.Errorf("%+v", seen)
	}
	if got := tree(t, dir); !slices.Equal(got, []string{"a.pdf=one", "b.txt="}) {
		t.Errorf("%q", got)
	}
}

func TestModes(t *testing.T) {
	dir := t.TempDir()
	if _, err := Save(t.Context(), Folder{Path: dir, Name: inFolders}, strings.NewReader(mixed(attached("a", "x"))), nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"in": 0o700 | os.ModeDir, "in/x": 0o700 | os.ModeDir, "in/x/a": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestARepeatChangesNothing(t *testing.T) {
	dir := t.TempDir()
	var before []string
	for i := range 3 {
		r, err := Save(t.Context(), Folder{Path: dir}, strings.NewReader(two()), nil)
		if err != nil || !slices.Equal(r.Files, []File{{"a.pdf", 3, i > 0}, {"a (2).pdf", 3, i > 0}, {"b.txt", 5, i > 0}}) {
			t.Errorf("%d: %+v, %v", i, r, err)
		}
		if got := tree(t, dir); i > 0 && !slices.Equal(got, before) {
			t.Errorf("%q", got)
		} else {
			before = got
		}
	}
}

// Whatever has the name stays as it is, and nothing waits for a pipe.
func TestNeverOverwrites(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(outside, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "a.pdf"), []byte("two"), 0o600), // of the same size
		os.Symlink(outside, filepath.Join(dir, "a (2).pdf")),
		syscall.Mkfifo(filepath.Join(dir, "a (3).pdf"), 0o600),
		os.Mkdir(filepath.Join(dir, "a (4).pdf"), 0o700),
		os.Symlink("nowhere", filepath.Join(dir, "a (5).pdf")),
		syscall.Mkfifo(filepath.Join(dir, "empty"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := Save(t.Context(), Folder{Path: dir}, strings.NewReader(mixed(attached("a.pdf", "one"), attached("empty", ""))), nil)
	if err != nil || !slices.Equal(r.Files, []File{{"a (6).pdf", 3, false}, {"empty (2)", 0, false}}) {
		t.Errorf("%+v, %v", r, err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "a.pdf"))
	if kept, err2 := os.ReadFile(outside); string(got) != "two" || string(kept) != "one" || errors.Join(err, err2) != nil {
		t.Errorf("%q, %q, %v, %v", got, kept, err, err2)
	}
}

func TestNamesRunOut(t *testing.T) {
	dir := t.TempDir()
	for n := 1; n <= maxNames; n++ {
		if err := os.WriteFile(filepath.Join(dir, numbered("a", n)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Save(t.Context(), Folder{Path: dir}, strings.NewReader(mixed(attached("a", "x"), attached("b", "y"))), nil)
	if !errors.Is(err, ErrManyNames) || Temporary(err) || !slices.Equal(r.Files, []File{{"b", 1, false}}) {
		t.Errorf("%+v, %v", r, err)
	}
}

// A link within the folder cannot lead a file out of it.
func TestStaysInTheFolder(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"out/", "out/deep/"} {
		name := func(Part) ([]Piece, error) { return []Piece{{Text: pattern}}, nil }
		r, err := Save(t.Context(), Folder{Path: dir, Name: name}, strings.NewReader(mixed(attached("a", "x"))), nil)
		if err == nil || len(r.Files) != 0 {
			t.Errorf("%s: %+v, %v", pattern, r, err)
		}
	}
	hostile := mixed(attached("../../etc/passwd", "x"), attached(`..\\..\\boot.ini`, "y"), attached("/etc/cron.d/z", "z"), attached("..", "w"))
	r, err := Save(t.Context(), Folder{Path: dir}, strings.NewReader(hostile), nil)
	if err != nil || !slices.Equal(r.Files, []File{{"passwd", 1, false}, {"boot.ini", 1, false}, {"z", 1, false}, {"attachment.bin", 1, false}}) {
		t.Errorf("%+v, %v", r, err)
	}
	if got := tree(t, outside); len(got) != 0 {
		t.Errorf("outside: %q", got)
	}
}

func TestTooLarge(t *testing.T) {
	dir := t.TempDir()
	raw := mixed(attached("a", "12345"), attached("b", "123456"), attached("c", "12"), attached("d", "123"))
	sizes := map[string]int64{}
	r, err := Save(t.Context(), Folder{Path: dir, MaxFile: 5, MaxTotal: 8}, strings.NewReader(raw), func(p Part) bool {
		sizes[p.Name] = p.Size
		return true
	})
	if !errors.Is(err, ErrTooLarge) || Temporary(err) || !slices.Equal(r.Files, []File{{"a", 5, false}, {"c", 2, false}}) {
		t.Errorf("%+v, %v", r, err)
	}
	if err == nil || !strings.Contains(err.Error(), `"b"`) || !strings.Contains(err.Error(), `"d"`) || sizes["b"] != 6 {
		t.Errorf("%v, %v", err, sizes)
	}
	if got := tree(t, dir); !slices.Equal(got, []string{"a=12345", "c=12"}) {
		t.Errorf("%q", got)
	}
	// What is not wanted may be of any size.
	if _, err := Save(t.Context(), Folder{Path: dir, MaxFile: 5}, strings.NewReader(raw), func(p Part) bool { return p.Name != "b" }); err != nil {
		t.Error(err)
	}
}

// Nobody fills the disk with what is not saved.
func TestStopsWritingWhatIsTooLarge(t *testing.T) {
	f := &faulty{disk: opened(t, t.TempDir()), at: -1}
	raw := mixed(attached("a", strings.Repeat("x", 10*lineBuffer)))
	if _, err := save(t.Context(), f, Folder{MaxFile: 2 * lineBuffer}, strings.NewReader(raw), nil); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if n := strings.Count(strings.Join(f.ops, " "), "write"); n > 2 {
		t.Errorf("%d writes", n)
	}
}

// A device that is always full.
func TestARealFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full on this system")
	}
	defer full.Close()
	d := fullDisk{opened(t, t.TempDir()), full}
	_, err = save(t.Context(), d, Folder{}, strings.NewReader(mixed(attached("a", "x"))), nil)
	if !errors.Is(err, ErrFull) || !Temporary(err) {
		t.Error(err)
	}
}

type fullDisk struct {
	disk
	full *os.File
}

func (d fullDisk) create(name string) (file, error) {
	f, err := d.disk.create(name)
	if err != nil {
		return nil, err
	}
	return d.full, f.Close()
}

func TestNoFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing")
	if _, err := Save(t.Context(), Folder{Path: path}, strings.NewReader(two()), nil); !errors.Is(err, ErrNoFolder) || Temporary(err) {
		t.Error(err)
	}
}

func TestABrokenMessage(t *testing.T) {
	broken, raw := errors.New("the connection broke"), two()
	for _, n := range []int{0, 100, strings.Index(raw, "a.pdf") + 100, len(raw) - 1} {
		dir := t.TempDir()
		r := io.MultiReader(strings.NewReader(raw[:n]), iotest.ErrReader(broken))
		if _, err := Save(t.Context(), Folder{Path: dir}, r, nil); !errors.Is(err, broken) || !Temporary(err) {
			t.Errorf("after %d octets: %v", n, err)
		}
		checkWhole(t, tree(t, dir), []string{"a.pdf=one", "a (2).pdf=two", "b.txt=three"}, false)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Save(ctx, Folder{Path: t.TempDir()}, strings.NewReader(raw), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTheLongestMessage(t *testing.T) {
	in := &limited{r: strings.NewReader("12345"), left: 4}
	if _, err := io.ReadAll(in); !errors.Is(err, ErrTooLarge) || Temporary(failed("reading", "the message", unread(err))) {
		t.Error(err)
	}
}

func TestPatternErrors(t *testing.T) {
	mine := errors.New("no such field")
	for want, f := range map[error]func(Part) ([]Piece, error){
		mine:       func(Part) ([]Piece, error) { return nil, mine },
		errNoLevel: func(Part) ([]Piece, error) { return []Piece{{"in/", false}, {"..", true}, {"/x", false}}, nil },
		errLevels:  func(Part) ([]Piece, error) { return []Piece{{Text: strings.Repeat("a/", maxLevels+1)}}, nil },
	} {
		dir := t.TempDir()
		if _, err := Save(t.Context(), Folder{Path: dir, Name: f}, strings.NewReader(two()), nil); !errors.Is(err, want) || Temporary(err) {
			t.Errorf("%v: %v", want, err)
		}
		if got := tree(t, dir); len(got) != 0 {
			t.Errorf("%v: %q", want, got)
		}
	}
}

// contents decodes the attachments of a message.
type contents struct {
	out   []string
	parts []Part
	strings.Builder
}

func (c *contents) begin(Part) (io.Writer, error) { c.Reset(); return c, nil }
func (c *contents) end(p Part) error {
	c.out, c.parts = append(c.out, c.String()), append(c.parts, p)
	return nil
}

func decoded(t *testing.T, raw string) []string {
	t.Helper()
	var c contents
	if err := walk(t.Context(), strings.NewReader(raw), &c); err != nil {
		t.Fatal(err)
	}
	return c.out
}

func TestDecodes(t *testing.T) {
	for _, c := range []struct{ encoding, body, want string }{
		{"base64", "aGVs\r\nbG8=", "hello"},
		{"BASE64 (really)", "aGVs\r\nbG8", "hello"},
		{"base64", "a G*V\r\n\r\ns bG8=\r\n-- a footer of a list", "hello"},
		{"base64", "aGVsbG8=\r\naGVsbG8=", "hellohello"},
		{"base64", "aGVsb", "hel"},
		{"base64", "", ""},
		{"quoted-printable", "caf=C3=A9 =\r\nau lait  \r\n=ZZ =\r\n", "café au lait\r\n=ZZ "},
		{"quoted-printable", "a=3", "a=3"},
		{"7bit", "a\r\nb\r\n", "a\r\nb\r\n"},
		{"8bit", "caf\xe9\n\r\n\r\r\n", "caf\xe9\n\r\n\r\r\n"},
		{"x-unknown", "a", "a"},
	} {
		raw := mixed("Content-Disposition: attachment; filename=x\r\nContent-Type: text/csv; charset=latin1\r\nContent-Transfer-Encoding: " + c.encoding + "\r\n\r\n" + c.body)
		if got := decoded(t, raw); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s of %q: %q, want %q", c.encoding, c.body, got, c.want)
		}
	}
}

// Lines longer than what is looked at at a time, and of exactly that length.
func TestLongLines(t *testing.T) {
	for _, n := range []int{lineBuffer - 2, lineBuffer - 1, lineBuffer, lineBuffer + 1, 3 * lineBuffer} {
		text := strings.Repeat("ab=c é", n/7) + strings.Repeat("x", n-n/7*7)
		var quoted strings.Builder
		w := quotedprintable.NewWriter(&quoted)
		fmt.Fprint(w, text)
		w.Close()
		head := "Content-Disposition: attachment; filename=x\r\nContent-Transfer-Encoding: "
		dashes := strings.Repeat("x", lineBuffer) + "--b"
		got := decoded(t, mixed(head+"binary\r\n\r\n"+text, head+"binary\r\n\r\n"+text+"\r\n", head+"binary\r\n\r\n"+dashes, head+"base64\r\n\r\n"+base64.StdEncoding.EncodeToString([]byte(text)),
			head+"quoted-printable\r\n\r\n"+strings.ReplaceAll(quoted.String(), "=\r\n", "")))
		if !slices.Equal(got, []string{text, text + "\r\n", dashes, text, text}) {
			t.Errorf("%d octets: not the same", n)
		}
	}
}

func TestPartsThatAreMissingTheirEnd(t *testing.T) {
	raw := "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/related; boundary=i\r\n\r\n--i\r\n" +
		attached("a", "one") + "\r\n--o\r\nthis is no field\r\n" + attached("b", "two") + "\r\n--o\r\nContent-Type: application/pdf\r\n--o\r\n" + attached("c", "three")
	if got := decoded(t, raw); !slices.Equal(got, []string{"one", "two", "", "three"}) {
		t.Errorf("%q", got)
	}
}

func TestTooManyParts(t *testing.T) {
	many := mixed(slices.Repeat([]string{attached("a", "x")}, maxParts)...)
	deep := ""
	for i := range maxDepth + 2 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=\"b%d\"\r\n\r\n--b%d\r\n", i, i)
	}
	for _, raw := range []string{many, deep + attached("a", "x")} {
		r, err := Save(t.Context(), Folder{Path: t.TempDir()}, strings.NewReader(raw), nil)
		if !errors.Is(err, facts.ErrTooManyParts) || Temporary(err) {
			t.Errorf("%+v, %v", r, err)
		}
		if _, want := facts.ParseMessage([]byte(raw), 1).Structure.Attachments(); !errors.Is(want, facts.ErrTooManyParts) {
			t.Errorf("a rule sees %v", want)
		}
	}
	if got := decoded(t, mixed(slices.Repeat([]string{attached("a", "x")}, maxParts-2)...)); len(got) != maxParts-2 {
		t.Errorf("%d of %d", len(got), maxParts-2)
	}
}
