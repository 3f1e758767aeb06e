package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// maxFiles is how many files a configuration may have.
const maxFiles = 64

// UnreadableHint is the hint of a diagnostic about a configuration that cannot be
// read at all. Whoever was given the file by something else than -c has another.
const UnreadableHint = "name another file with -c, or write a first one with 'imapilot init'"

// file reads one file. What it says of the time zone is read first, because
// the times in the rest are in it.
func (l *loader) file(path string, first bool) {
	l.cfg.Files = append(l.cfg.Files, path)
	data, err := readFile(path, first)
	if err != nil {
		d := Diagnostic{File: path, Message: "the file cannot be read: " + plainPathError(err)}
		if first {
			d.Hint = UnreadableHint
		}
		l.lose(definitions()...)
		l.diags = append(l.diags, d)
		return
	}
	before := l.reading
	l.reading = path
	l.open = append(l.open, path)
	defer func() { l.reading, l.open = before, l.open[:len(l.open)-1] }()
	l.read[path] = data
	root, problems := strictyaml.Parse(data)
	l.syntax(problems)
	if root == nil {
		l.nothing(len(problems) > 0, first)
		return
	}
	if tz := root.Get("timezone"); tz != nil && first {
		l.timezone(tz)
	}
	if n := root.Get("egress"); first && n != nil {
		l.egress(n, &l.cfg.Public)
	}
	if first {
		l.doubtAccounts(root, problems)
	}
	all, later := l.topLevel(first)
	l.mapping(root, "configuration", all, later...)
	if n := root.Get("retention"); n != nil && n.Kind != strictyaml.Bad {
		l.retentions(n)
	}
	l.lost(root)
}

// syntax reports what is no YAML. What lies inside of a value that is wrong as
// a whole is no second mistake.
func (l *loader) syntax(problems []strictyaml.Problem) {
	for _, p := range problems {
		inside := slices.ContainsFunc(problems, func(q strictyaml.Problem) bool {
			return q.Line == p.Line && q.Column < p.Column && p.Column+p.Length <= q.Column+q.Length
		})
		if !inside {
			l.add(p.Span, rules.Error, p.Message, p.Hint)
		}
	}
}

// nothing is a file without content. An included one may be empty.
func (l *loader) nothing(broken, first bool) {
	if broken {
		l.lose(definitions()...)
	}
	if first && !broken {
		l.add(strictyaml.Span{Line: 1, Column: 1, Length: 1}, rules.Error, "the file is empty", "start with 'imapilot init'")
	}
}

// definitions are the keys under which names are defined.
func definitions() []string { return []string{"accounts", "webhooks", "define", "lists"} }

func (l *loader) lose(keys ...string) {
	for _, key := range keys {
		l.missing[key] = true
	}
}

// lost notes that definitions are missing because their part of the file could
// not be read.
func (l *loader) lost(root *strictyaml.Node) {
	for _, key := range definitions() {
		if n := root.Get(key); n != nil && n.Kind == strictyaml.Bad {
			l.lose(key)
		}
	}
	if n := root.Get("include"); n != nil && n.Kind == strictyaml.Bad {
		l.lose(definitions()...)
	}
}

var errNotRegular = errors.New("it is not a regular file")

// readFile reads at most one byte more than a file may have. The main file may
// be a pipe.
func readFile(path string, first bool) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.IsDir() || !first && !st.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var data bytes.Buffer
	data.Grow(int(min(st.Size(), strictyaml.MaxSize)) + bytes.MinRead) // so that it is not copied again and again
	_, err = data.ReadFrom(io.LimitReader(f, strictyaml.MaxSize+1))
	return data.Bytes(), err
}

func plainPathError(err error) string {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// include reads the files that patterns name, at the place where it stands:
// their rules come before or after this file's, as they do in the text. A file
// that several patterns name is read once.
func (l *loader) include(n *strictyaml.Node) {
	for _, item := range l.items(n) {
		var pattern string
		if !l.str(item, &pattern) {
			continue
		}
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(l.reading), pattern)
		}
		found, err := filepath.Glob(pattern)
		switch {
		case err != nil:
			l.problem(item, "this is no pattern of files", "* stands for any text, ? for one character")
		case len(found) == 0 && strings.ContainsAny(item.Value, "*?["):
			l.warn(item, "no file matches", "the path is relative to "+filepath.Dir(l.reading))
		case len(found) == 0:
			l.lose(definitions()...)
			l.problem(item, "there is no such file", "the path is relative to "+filepath.Dir(l.reading))
		}
		l.files(item, found)
	}
}

func (l *loader) files(item *strictyaml.Node, found []string) {
	for _, path := range found {
		path = filepath.Clean(path)
		switch {
		case slices.Contains(l.open, path):
			l.problem(item, fmt.Sprintf("%s includes itself", path), "name the files that it needs one by one")
		case slices.Contains(l.cfg.Files, path):
		case len(l.cfg.Files) >= maxFiles:
			l.problem(item, fmt.Sprintf("there are more than %d files", maxFiles), "")
			return
		default:
			l.file(path, false)
		}
	}
}

// statePath is where the journal is: beside the configuration, or where
// systemd keeps state (StateDirectory= sets $STATE_DIRECTORY, a list).
func statePath(config, state string) string {
	if state == "" {
		state = "imapilot.db"
	}
	if filepath.IsAbs(state) {
		return filepath.Clean(state)
	}
	dir := filepath.Dir(config)
	if base, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); base != "" {
		dir = base
	}
	return filepath.Join(dir, state)
}
