package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imapilot/engine/config"
	"imapilot/rules/ruletest"
)

// failedTests names the tests of a configuration that fail, "" if none does.
func failedTests(cfg *config.Config) string {
	const shown = 3
	report := runTests(cfg)
	var names []string
	for _, r := range report.Results {
		if !r.Pass {
			names = append(names, r.Case.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	if len(names) > shown {
		names = append(names[:shown], "...")
	}
	return testSummary(report) + " (" + strings.Join(names, "; ") + ")"
}

// updateTests offers to change what failing tests want, then runs them all.
func (a *app) updateTests(yes bool) error {
	if a.json {
		return usagef("--update and --json do not go together")
	}
	if !yes && !isTerminal(a.in) {
		return usagef("test --update asks before it changes anything, which needs a terminal; or say --yes")
	}
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	u := updater{app: a, lines: bufio.NewReader(a.in), yes: yes, moved: map[string]int{}}
	if err := u.all(runTests(cfg).Results); err != nil {
		return err
	}
	return a.test()
}

// updater changes expectations in files.
type updater struct {
	app   *app
	lines *bufio.Reader
	yes   bool
	moved map[string]int // by file: how far the lines below the last change moved
}

func (u *updater) all(results []ruletest.Result) error {
	slices.SortStableFunc(results, func(a, b ruletest.Result) int {
		return cmp.Or(cmp.Compare(a.Case.File, b.Case.File), cmp.Compare(a.Case.Line, b.Case.Line))
	})
	for _, r := range results {
		if r.Pass || !r.Covered {
			continue // what is not covered has no outcome that could be wanted
		}
		if err := u.one(r); err != nil {
			return err
		}
	}
	return nil
}

// one shows a change and makes it, or says what to write.
func (u *updater) one(r ruletest.Result) error {
	data, err := os.ReadFile(r.Case.File)
	if err != nil {
		return err
	}
	edit, err := config.RewriteWant(data, r.Case.Line+u.moved[r.Case.File], r.Got)
	if err != nil {
		fmt.Fprintf(u.app.out, "%s:%d: %s\n  %v. Write\n    want: %s\n\n", r.Case.File, r.Case.Line+u.moved[r.Case.File], r.Case.Name, err, config.FlowWant(r.Got))
		return nil
	}
	fmt.Fprintf(u.app.out, "%s:%d: %s\n", r.Case.File, edit.Line, r.Case.Name)
	u.show("-", edit.Old)
	u.show("+", edit.New)
	if !u.agreed() {
		return nil
	}
	u.moved[r.Case.File] += len(edit.New) - len(edit.Old)
	return replaceFile(r.Case.File, edit.Text)
}

func (u *updater) show(mark string, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(u.app.out, "%s%s\n", mark, strings.TrimRight(line, "\r"))
	}
}

func (u *updater) agreed() bool {
	if u.yes {
		fmt.Fprintln(u.app.out)
		return true
	}
	fmt.Fprint(u.app.out, "Change it? [y/N] ")
	answer, err := u.lines.ReadString('\n')
	if err != nil {
		fmt.Fprintln(u.app.out)
	}
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer)))
}

// replaceFile writes a file whole or not at all, with the rights it had. Behind
// a link it is the file that changes.
func replaceFile(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(out.Name()) }() // there is none once it has its name
	_, err = out.Write(text)
	err = cmp.Or(err, out.Chmod(st.Mode().Perm()), out.Sync(), out.Close())
	if err != nil {
		return err
	}
	return os.Rename(out.Name(), path)
}
