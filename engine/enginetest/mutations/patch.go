package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// mutation is one patch: what it takes away, which test notices, and how.
type mutation struct {
	name                       string
	safeguard, folder, pattern string
	changes                    []change
}

// change is one hunk: these lines of a file become those.
type change struct {
	file          string
	before, after []string
}

// parse reads a patch in the unified format, as "git diff" writes it, with the
// head that the package comment describes. The line numbers of hunks mean
// nothing here: see apply.
func parse(name, text string) (mutation, error) {
	m := mutation{name: name}
	head := map[string]*string{"Safeguard": &m.safeguard, "Package": &m.folder, "Test": &m.pattern}
	file := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case head[key] != nil && file == "":
			*head[key] = value
		case strings.HasPrefix(line, "+++ b/"):
			file = strings.TrimPrefix(line, "+++ b/")
		case strings.HasPrefix(line, "@@ "):
			m.changes = append(m.changes, change{file: file})
		case strings.HasPrefix(line, "--- "), len(m.changes) == 0:
		default:
			if err := m.changes[len(m.changes)-1].line(line); err != nil {
				return m, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if m.safeguard == "" || m.folder == "" || m.pattern == "" || len(m.changes) == 0 {
		return m, fmt.Errorf("%s: it needs the lines Safeguard, Package and Test, and a change", name)
	}
	return m, nil
}

// line takes one line of a hunk.
func (c *change) line(line string) error {
	if line == "" { // an empty line whose blank an editor took away
		line = " "
	}
	kind, text := line[0], line[1:]
	switch kind {
	case ' ':
		c.before, c.after = append(c.before, text), append(c.after, text)
	case '-':
		c.before = append(c.before, text)
	case '+':
		c.after = append(c.after, text)
	default:
		return fmt.Errorf("a line of a change begins with %q", kind)
	}
	return nil
}

var errNowhere = errors.New("these lines are not in it any more")

// apply makes the change in the text of its file. The old lines must be in it
// once and only once, wherever that is: line numbers change with every commit,
// and a safeguard that is found in two places is two.
func (c *change) apply(text string) (string, error) {
	lines := strings.Split(text, "\n")
	at := -1
	for i := range lines {
		if i+len(c.before) > len(lines) || !slices.Equal(lines[i:i+len(c.before)], c.before) {
			continue
		}
		if at >= 0 {
			return "", fmt.Errorf("%s: the lines are in it twice, at %d and %d", c.file, at+1, i+1)
		}
		at = i
	}
	if at < 0 {
		return "", fmt.Errorf("%s: %w:\n%s", c.file, errNowhere, strings.Join(c.before, "\n"))
	}
	return strings.Join(slices.Replace(lines, at, at+len(c.before), c.after...), "\n"), nil
}
