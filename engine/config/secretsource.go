package config

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// secret reads where a secret comes from. It looks whether it is there, and
// never what it is.
func (l *loader) secret(n *strictyaml.Node, what string, out *Secret) {
	switch n.Kind {
	case strictyaml.Mapping:
		l.mapping(n, what, fields{
			"file":       func(_, n *strictyaml.Node) { l.secretFile(n, out) },
			"env":        func(_, n *strictyaml.Node) { l.env(n, out) },
			"credential": func(_, n *strictyaml.Node) { l.credential(n, out) },
			"command":    func(_, n *strictyaml.Node) { l.command(n, out) },
		})
		if len(n.Entries) > 1 {
			l.problem(n, what+" needs exactly one of file, env, credential and command", "keep one of them")
		}
	case strictyaml.Scalar:
		l.literal(n, what, out)
	case strictyaml.Sequence:
		for _, item := range n.Items {
			l.hide(item)
		}
		l.wrongType(n, "a text, or one of {file}, {env}, {credential}, {command}")
	}
}

// literal is a secret that stands in the file. As a number, 0123 would be 83.
func (l *loader) literal(n *strictyaml.Node, what string, out *Secret) {
	l.hide(n)
	var value string
	switch {
	case n.Type != strictyaml.String:
		l.problem(n, fmt.Sprintf("YAML reads this %s as a number or a truth value, and might change it", what),
			"write it in single quotes, or better in a file: {file: /run/secrets/name}")
		return
	case !l.filled(n, &value):
		return
	}
	*out = LiteralSecret(value)
	l.inTheOpen(n, what)
}

// inTheOpen warns of a secret that is written out.
func (l *loader) inTheOpen(n *strictyaml.Node, what string) {
	at := n.Span(0, 0)
	if n.Style == strictyaml.Block {
		at = strictyaml.Span{Line: n.Line, Column: n.Column, Length: 1} // not the line with the secret
	}
	l.add(at, rules.Warning, fmt.Sprintf("the %s stands in the configuration, where everybody who may read the file sees it", what),
		"use {file: PATH}, {env: NAME}, {credential: NAME} or {command: [PROGRAM, ARGUMENT]}")
}

// env does not look whether the variable is set: it need be only where the
// daemon runs, and so it is with credentials.
func (l *loader) env(n *strictyaml.Node, out *Secret) {
	out.kind = "env"
	if !l.filled(n, &out.value) {
		return
	}
	if strings.HasPrefix(out.value, "$") {
		l.problem(n, "this is no name of an environment variable", "write it without the $")
	}
}

func (l *loader) credential(n *strictyaml.Node, out *Secret) {
	out.kind = "credential"
	if !l.filled(n, &out.value) {
		return
	}
	if strings.ContainsAny(out.value, `/\`) || out.value == ".." || out.value == "." {
		l.problem(n, "a credential is a plain name", "the name that LoadCredential= of the unit gives it")
		return
	}
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if _, err := os.Stat(filepath.Join(dir, out.value)); dir != "" && err != nil {
		l.warn(n, "the credential is not there: "+plainPathError(err), "add it to LoadCredential= of the unit")
	}
}

func (l *loader) command(n *strictyaml.Node, out *Secret) {
	if n.Kind != strictyaml.Sequence || len(n.Items) == 0 {
		l.problem(n, "command: is a list of the program and its arguments", "as in [pass, show, mail]; no shell is involved")
		return
	}
	out.kind, out.command = "command", l.strings(n)
	if len(out.command) == 0 {
		return
	}
	if _, err := exec.LookPath(out.command[0]); err != nil {
		l.warn(n.Items[0], fmt.Sprintf("there is no program %s here", out.command[0]), "install it where the daemon runs, or write its whole path")
	}
}

// secretFile warns of a file that is missing or that others may read, unless
// it lies where a container or systemd put it.
func (l *loader) secretFile(n *strictyaml.Node, out *Secret) {
	out.kind = "file"
	if !l.path(n, &out.value) {
		return
	}
	st, err := os.Stat(out.value)
	switch {
	case err != nil:
		l.absent(n, err)
	case st.IsDir():
		l.problem(n, "this is a directory", "name the file with the secret")
	case st.Mode().Perm()&0o007 != 0 && !managed(out.value):
		l.warn(n, "others may read this file", "chmod 600 "+out.value)
	}
}

// neededFile reads the path of a file that is opened when it is needed: a certificate,
// a key. It may come yet, as that of a secret.
func (l *loader) neededFile(n *strictyaml.Node, out *string) {
	if !l.path(n, out) {
		return
	}
	if _, err := os.Stat(*out); err != nil {
		l.absent(n, err)
	}
}

// absent warns of a file that is not there while the configuration is read.
func (l *loader) absent(n *strictyaml.Node, err error) {
	l.warn(n, "the file is not there now: "+plainPathError(err), "the path is relative to this configuration file")
}

// managed are the places whose rights somebody else looks after.
func managed(path string) bool {
	for _, dir := range []string{"/run/secrets", "/var/run/secrets", "/run/credentials", os.Getenv("CREDENTIALS_DIRECTORY")} {
		if dir != "" && strings.HasPrefix(path, filepath.Clean(dir)+"/") {
			return true
		}
	}
	return false
}
