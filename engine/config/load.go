package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
	"imapilot/rules/ruletest"
)

// maxFiles is how many files a configuration may include.
const maxFiles = 64

// Load reads a file and everything that it includes. The Config is nil when
// one of the diagnostics is an error. No secret is read.
func Load(path string) (*Config, []Diagnostic) {
	l := &loader{cfg: &Config{Path: path, Location: time.UTC}, lines: map[string][]string{}}
	l.file(path, true)
	l.compile()
	l.finish()
	sortDiagnostics(l.diags, l.cfg.Files)
	if HasErrors(l.diags) {
		return nil, l.diags
	}
	return l.cfg, l.diags
}

// ref is where a text that the rules were given stands.
type ref struct {
	file string
	node *strictyaml.Node
}

// loader collects a configuration and every problem of it.
type loader struct {
	cfg    *Config
	source rules.Source
	diags  []Diagnostic
	lines  map[string][]string // by file
	now    string              // the file that is being read
	refs   []ref               // by rules.Text.Pos
	tests  []pending
	state  string
	hooks  map[string]bool
}

// pending is a test whose rule is not compiled yet.
type pending struct {
	test ruletest.Case
	rule int
}

func (l *loader) file(path string, first bool) {
	if slices.Contains(l.cfg.Files, path) {
		return // included twice, or by itself
	}
	if len(l.cfg.Files) >= maxFiles {
		l.diags = append(l.diags, Diagnostic{File: path, Message: fmt.Sprintf("more than %d files are included", maxFiles)})
		return
	}
	l.cfg.Files = append(l.cfg.Files, path)
	data, err := os.ReadFile(path)
	if err != nil {
		d := Diagnostic{File: path, Message: "the file cannot be read: " + plainPathError(err)}
		if first {
			d.Hint = "name another file with -c, or write a first one with 'imapilot init'"
		}
		l.diags = append(l.diags, d)
		return
	}
	before := l.now
	l.now = path
	defer func() { l.now = before }()
	l.lines[path] = strictyaml.Lines(data)
	root, problems := strictyaml.Parse(data)
	for _, p := range problems {
		l.add(p.Span, rules.Error, p.Message, p.Hint)
	}
	if root == nil {
		if len(problems) == 0 {
			l.add(strictyaml.Span{Line: 1, Column: 1, Length: 1}, rules.Error, "the file is empty", "")
		}
		return
	}
	l.mapping(root, "configuration", l.topLevel(first))
}

func plainPathError(err error) string {
	if e, ok := err.(*os.PathError); ok { //nolint:errorlint // os.ReadFile returns it bare; only its inner text is wanted
		return e.Err.Error()
	}
	return err.Error()
}

func (l *loader) add(at strictyaml.Span, severity rules.Severity, message, hint string) {
	l.addIn(l.now, at, severity, message, hint)
}

func (l *loader) addIn(file string, at strictyaml.Span, severity rules.Severity, message, hint string) {
	d := Diagnostic{File: file, Line: at.Line, Column: at.Column, Length: at.Length, Severity: severity, Message: message, Hint: hint}
	if lines := l.lines[file]; at.Line > 0 && at.Line <= len(lines) {
		d.Source = lines[at.Line-1]
	}
	l.diags = append(l.diags, d)
}

func (l *loader) problem(n *strictyaml.Node, message, hint string) {
	l.add(n.Span(0, 0), rules.Error, message, hint)
}

func (l *loader) warn(n *strictyaml.Node, message, hint string) {
	l.add(n.Span(0, 0), rules.Warning, message, hint)
}

// text gives the rules a text and remembers where it stands.
func (l *loader) text(n *strictyaml.Node) rules.Text {
	l.refs = append(l.refs, ref{l.now, n})
	return rules.Text{Value: n.Value, Pos: len(l.refs) - 1}
}

// topLevel are the keys of a file. Included files hold no accounts or state.
func (l *loader) topLevel(first bool) fields {
	all := fields{
		"define":   func(_, n *strictyaml.Node) { l.defines(n) },
		"lists":    func(_, n *strictyaml.Node) { l.lists(n) },
		"webhooks": func(_, n *strictyaml.Node) { l.webhooks(n) },
		"rules":    func(_, n *strictyaml.Node) { l.rules(n) },
		"include":  func(_, n *strictyaml.Node) { l.include(n) },
	}
	for _, key := range []string{"retention", "body", "trusted_authserv", "egress", "allow", "tests", "admin", "notices"} {
		all[key] = l.later
	}
	if !first {
		return all
	}
	all["state"] = func(_, n *strictyaml.Node) { l.str(n, &l.state) }
	all["timezone"] = func(_, n *strictyaml.Node) { l.timezone(n) }
	all["dry_run"] = func(_, n *strictyaml.Node) { l.boolean(n, &l.cfg.DryRun) }
	all["accounts"] = func(_, n *strictyaml.Node) { l.accounts(n) }
	return all
}

func (l *loader) timezone(n *strictyaml.Node) {
	var name string
	if !l.str(n, &name) {
		return
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		l.problem(n, fmt.Sprintf("there is no time zone %q", name), "use a name of the tz database, as in Europe/Berlin or UTC")
		return
	}
	l.cfg.Location = loc
}

func (l *loader) include(n *strictyaml.Node) {
	for _, item := range l.items(n) {
		var pattern string
		if !l.str(item, &pattern) {
			continue
		}
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(l.now), pattern)
		}
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			l.problem(item, "no file matches "+item.Value, "the path is relative to this file")
			continue
		}
		for _, path := range found {
			l.file(path, false)
		}
	}
}

func (l *loader) defines(n *strictyaml.Node) {
	for _, e := range l.entries(n) {
		if e.Value.Kind == strictyaml.Scalar {
			l.source.Define = append(l.source.Define, rules.DefineSource{Name: l.text(e.Key), Expr: l.expression(e.Value)})
		} else {
			l.wrongType(e.Value, "an expression")
		}
	}
}

func (l *loader) lists(n *strictyaml.Node) {
	for _, e := range l.entries(n) {
		if e.Value.Kind == strictyaml.Mapping {
			l.problem(e.Value, "lists from files are not available in this version yet", "write the values here: [a, b]")
			continue
		}
		var values []string
		for _, item := range l.items(e.Value) {
			var v string
			if l.str(item, &v) {
				values = append(values, v)
			}
		}
		l.source.Lists = append(l.source.Lists, rules.ListSource{Name: l.text(e.Key), Values: values})
	}
}

// compile hands everything to the rules and takes their problems.
func (l *loader) compile() {
	l.source.Location = l.cfg.Location
	for _, a := range l.cfg.Accounts {
		l.source.Accounts = append(l.source.Accounts, rules.AccountSource{Name: a.Name, Addresses: a.Addresses})
	}
	set, problems := rules.Compile(l.source)
	for _, p := range problems {
		if p.Pos < 0 || p.Pos >= len(l.refs) {
			l.diags = append(l.diags, Diagnostic{File: l.cfg.Path, Severity: p.Severity, Message: p.Message, Hint: p.Hint})
			continue
		}
		r := l.refs[p.Pos]
		l.addIn(r.file, r.node.Span(p.Offset, p.Length), p.Severity, p.Message, p.Hint)
	}
	l.cfg.Rules = set
}

// finish applies the defaults that need all of the files.
func (l *loader) finish() {
	dir := filepath.Dir(l.cfg.Path)
	if l.state == "" {
		l.state = "imapilot.db"
	}
	if !filepath.IsAbs(l.state) {
		if base := os.Getenv("STATE_DIRECTORY"); base != "" {
			dir, _, _ = strings.Cut(base, ":")
		}
		l.state = filepath.Join(dir, l.state)
	}
	l.cfg.State = l.state
	if len(l.cfg.Accounts) == 0 && !HasErrors(l.diags) {
		l.diags = append(l.diags, Diagnostic{File: l.cfg.Path, Message: "there is no account", Hint: "add one under accounts:, or start with 'imapilot init'"})
	}
	for _, p := range l.tests {
		l.cfg.Tests = append(l.cfg.Tests, l.withDefaults(p))
	}
}
