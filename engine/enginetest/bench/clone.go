package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// clone makes another user with a copy of a user's mail, his indexes included.
// The server must not be working on either.
func (d *dovecot) clone(from, to string) error {
	source, dest := d.mail(from), d.mail(to)
	return filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		into := filepath.Join(dest, rel)
		switch {
		case entry.IsDir():
			return errors.Join(os.Mkdir(into, 0o700), d.give(into))
		case isMessage(path):
			return os.Link(path, into)
		case entry.Type().IsRegular():
			return errors.Join(copyFile(path, into), d.give(into))
		}
		return nil // a socket, or a link to a log
	})
}

// isMessage reports whether a file is one message of an sdbox or a maildir,
// which the server never writes to again: a second name is as good as a copy.
func isMessage(path string) bool {
	dir, name := filepath.Split(path)
	dir = filepath.Base(dir)
	return dir == "dbox-Mails" && strings.HasPrefix(name, "u.") || dir == "cur" || dir == "new"
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// forget removes a user and his mail.
func (d *dovecot) forget(user string) error { return os.RemoveAll(d.mail(user)) }
