package rules

import (
	"flag"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/expr-lang/expr/parser/operator"
)

var update = flag.Bool("update", false, "rewrite the reference page")

const referenceFile = "REFERENCE.md"

// TestReference holds the page to the tables that it is written from.
func TestReference(t *testing.T) {
	want := reference()
	if *update {
		if err := os.WriteFile(referenceFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(want, "\n")
	for i, line := range wantLines {
		if i >= len(gotLines) || gotLines[i] != line {
			t.Fatalf("line %d of %s is not what the tables say:\n%s\nwrite it anew: %s", i+1, referenceFile, line, updateCommand)
		}
	}
	if len(gotLines) != len(wantLines) {
		t.Errorf("%s has more lines than the tables say: %s", referenceFile, updateCommand)
	}
}

// TestReferenceExamples tries every example of the page as it is printed.
func TestReferenceExamples(t *testing.T) {
	examples := printedExamples(t)
	if len(examples) < len(Fields())+len(Functions()) {
		t.Fatalf("found only %d examples", len(examples))
	}
	for _, e := range examples {
		tryExample(t, "the page", e)
	}
}

// printedExamples are the cells of the columns called "example".
func printedExamples(t *testing.T) []string {
	raw, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	column := -1
	for line := range strings.Lines(string(raw)) {
		cells := cellsOf(line)
		switch {
		case cells == nil:
			column = -1
		case column < 0:
			column = slices.Index(cells, "example")
			if column < 0 {
				column = len(cells)
			}
		case column < len(cells) && cells[0] != "---":
			out = append(out, unquoted(t, cells[column]))
		}
	}
	return out
}

// cellsOf splits a row of a table, nil if the line is none.
func cellsOf(line string) []string {
	line, isRow := strings.CutPrefix(strings.TrimSpace(line), "| ")
	if !isRow {
		return nil
	}
	cells := strings.Split(strings.TrimSuffix(line, " |"), " | ")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

func unquoted(t *testing.T, cell string) string {
	if !strings.HasPrefix(cell, "`") || !strings.HasSuffix(cell, "`") || strings.Count(cell, "`") != 2 {
		t.Errorf("the example %s is not one piece of code", cell)
	}
	return strings.ReplaceAll(strings.Trim(cell, "`"), `\|`, "|")
}

// TestReferenceIsComplete: whatever a rule can name has its row.
func TestReferenceIsComplete(t *testing.T) {
	var fields, functions []string
	for _, g := range fieldGroups() {
		for _, f := range g.fields {
			fields = append(fields, f.Name)
		}
	}
	for _, g := range functionGroups() {
		for _, f := range g.names {
			functions = append(functions, f.Name)
		}
	}
	slices.Sort(fields)
	slices.Sort(functions)
	var wantFields, wantFunctions []string
	for _, f := range Fields() {
		wantFields = append(wantFields, f.Name)
	}
	for _, f := range Functions() {
		wantFunctions = append(wantFunctions, f.Name)
	}
	slices.Sort(wantFields)
	slices.Sort(wantFunctions)
	if !slices.Equal(fields, wantFields) {
		t.Errorf("the page groups the fields %v, and there are %v", fields, wantFields)
	}
	if !slices.Equal(functions, wantFunctions) {
		t.Errorf("the page groups the functions %v, and there are %v", functions, wantFunctions)
	}
}

// TestReferenceListsEveryOperator: an operator of the parser is on the page, or
// the checker refuses it with any two values.
func TestReferenceListsEveryOperator(t *testing.T) {
	var listed []string
	for _, o := range operators() {
		listed = append(listed, o.words...)
	}
	for name := range operator.Binary {
		if slices.Contains(listed, name) {
			continue
		}
		for _, condition := range []string{"size " + name + " size", "seen " + name + " seen", "subject " + name + " subject", "(size " + name + " 2) == 0", "(subject " + name + ` "x") == ""`} {
			if rs, _ := Compile(baseSource(rule("r", condition, "trash"))); rs != nil {
				t.Errorf("%s is not on the page, and %s compiles", name, condition)
			}
		}
	}
}

// TestReferenceRefusals: what the page calls refused is refused, with a hint.
func TestReferenceRefusals(t *testing.T) {
	for _, r := range refusals() {
		rs, problems := Compile(baseSource(rule("r", r[0], "trash")))
		if rs != nil || len(problems) == 0 || problems[0].Hint == "" {
			t.Errorf("%s: refused %v, %+v", r[0], rs == nil, problems)
		}
	}
}

// TestReferenceLinks: every link within the page leads to a heading, and no two
// headings have the same name.
func TestReferenceLinks(t *testing.T) {
	text := reference()
	headings := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		if a := anchor(m[1]); headings[a] {
			t.Errorf("two headings are called %q", m[1])
		} else {
			headings[a] = true
		}
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1) {
		if !headings[m[1]] {
			t.Errorf("a link leads to #%s, where nothing is", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`\]\((\.\./[^)#]*)\)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(m[1]); err != nil {
			t.Error(err)
		}
	}
}

// constantsOf reads the whole numbers that a package calls by a name. The
// limits of other packages are their own affair, but users should know them.
func constantsOf(dir string) map[string]int64 {
	paths, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	set := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			panic(err)
		}
		files = append(files, f)
	}
	// What is imported stays unknown, which the limits do not need.
	conf := types.Config{IgnoreFuncBodies: true, Error: func(error) {}}
	pkg, _ := conf.Check(dir, set, files, nil)
	out := map[string]int64{}
	for _, name := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok {
			if n, exact := constant.Int64Val(constant.ToInt(c.Val())); exact {
				out[name] = n
			}
		}
	}
	return out
}
