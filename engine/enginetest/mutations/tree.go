package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// load reads the patches of a folder that have one of these names, or all.
func load(folder string, names []string) ([]mutation, error) {
	if len(names) == 0 {
		found, err := filepath.Glob(filepath.Join(folder, "*.patch"))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			names = append(names, strings.TrimSuffix(filepath.Base(f), ".patch"))
		}
	}
	var out []mutation
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(folder, filepath.Base(name)+".patch"))
		if err != nil {
			return nil, err
		}
		m, err := parse(name, string(text))
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// mutated returns the files of the tree at root that a mutation changes, as it
// makes them.
func (m mutation) mutated(root string) (map[string]string, error) {
	out := map[string]string{}
	for i := range m.changes {
		c := &m.changes[i]
		text, ok := out[c.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(root, c.file))
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		text, err := c.apply(text)
		if err != nil {
			return nil, err
		}
		out[c.file] = text
	}
	return out, nil
}

// overlay writes the changed files into a folder, and for the compiler the list
// of what they stand for, whose name it returns.
func (m mutation) overlay(root, folder string) (string, error) {
	files, err := m.mutated(root)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for name, text := range files {
		changed := filepath.Join(folder, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, name)] = changed
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}
