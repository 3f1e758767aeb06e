package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

const (
	// maxListFile is how many bytes the file of a list may have.
	maxListFile = 10 << 20
	// maxListValues is how many values package rules takes of one list. More are
	// not kept, so that a file of short lines does not fill the memory first.
	maxListValues = 100_000
	// maxListValue is how many bytes one value may have.
	maxListValue = 1000
)

func (l *loader) lists(n *strictyaml.Node) {
	for _, e := range l.named(n, "list") {
		var values []string
		if e.Value.Kind == strictyaml.Mapping {
			values = l.listOfFile(e.Value)
		} else {
			values = l.strings(e.Value)
		}
		l.source.Lists = append(l.source.Lists, rules.ListSource{Name: l.text(e.Key), Values: values})
	}
}

func (l *loader) listOfFile(n *strictyaml.Node) (values []string) {
	l.mapping(n, "list", fields{
		"file": func(_, n *strictyaml.Node) { values = l.listFile(n) },
	})
	if len(n.Entries) == 0 {
		l.problem(n, "the list names no file", "as in {file: vips.txt}, or write the values here: [a, b]")
	}
	return values
}

// listFile reads the values of a list from a file of its own.
func (l *loader) listFile(n *strictyaml.Node) []string {
	var path string
	if !l.path(n, &path) || !l.room(n, path) {
		return nil
	}
	data, err := readListFile(path)
	if err != nil {
		l.problem(n, "the list cannot be read: "+plainPathError(err), "the path is relative to "+l.reading)
		return nil
	}
	values, err := parseList(data)
	if err != nil {
		l.problem(n, fmt.Sprintf("the list cannot be read: %s %v", path, err), "one value a line, lines that begin with # are comments")
		return nil
	}
	if len(values) == 0 {
		l.warn(n, "the list is empty", "one value a line, lines that begin with # are comments")
	}
	return values
}

// room notes one more file of the configuration. Two lists may share one.
func (l *loader) room(n *strictyaml.Node, path string) bool {
	switch {
	case slices.Contains(l.cfg.Files, path):
	case len(l.cfg.Files) >= maxFiles:
		l.problem(n, fmt.Sprintf("there are more than %d files", maxFiles), "")
		return false
	default:
		l.cfg.Files = append(l.cfg.Files, path)
	}
	return true
}

// readListFile reads a regular file: a pipe could not be read again by reload.
func readListFile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxListFile+1))
	if err == nil && len(data) > maxListFile {
		err = fmt.Errorf("it is larger than %d MiB", maxListFile>>20)
	}
	return data, err
}

// parseList reads one value a line. Blank lines, lines that begin with # and
// what follows a # between spaces are no values; "issue #5" is one. Line ends
// are LF or CRLF. Byte order marks around a value are skipped: files that were
// joined have them in the middle, where nobody sees them.
func parseList(data []byte) ([]string, error) {
	var values []string
	number := 0
	for line := range bytes.Lines(data) {
		number++
		value, err := listValue(line)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w in line %d", err, number)
		case value == "":
		case len(values) == maxListValues:
			return nil, fmt.Errorf("has more than %d values", maxListValues)
		default:
			values = append(values, value)
		}
	}
	return values, nil
}

var (
	errNotUTF8   = errors.New("is not UTF-8")
	errControl   = errors.New("holds a control character")
	errLongValue = fmt.Errorf("has a value of more than %d bytes", maxListValue)
)

// listValue is the value on a line, "" if there is none.
func listValue(line []byte) (string, error) {
	if !utf8.Valid(line) {
		return "", errNotUTF8
	}
	text := bare(string(line))
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
		return "", errControl
	}
	text = bare(withoutComment(text))
	if len(text) > maxListValue {
		return "", errLongValue
	}
	return text, nil
}

// bare is a text without the white space and the byte order marks around it.
func bare(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '\uFEFF' })
}

// withoutComment cuts a trimmed line at a # that stands first or between
// blanks, as YAML does and without losing the end of "issue #5".
func withoutComment(text string) string {
	if strings.HasPrefix(text, "#") {
		return ""
	}
	for i := 1; i < len(text); i++ {
		if text[i] == '#' && isBlank(text[i-1]) && (i+1 == len(text) || isBlank(text[i+1])) {
			return text[:i]
		}
	}
	return text
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }
