package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/gofrs/flock"
)

const (
	maxFile  = 64 << 10
	private  = 0o600
	lockPoll = 50 * time.Millisecond
)

// store is the file of one account's grant, beside a lock.
type store struct {
	folder, account string
	key             func(context.Context) (string, error)
}

// errNoGrant is that nothing is stored. It is no fs.ErrNotExist, which the reader of the
// key returns, too, where the file of the key is missing.
var errNoGrant = errors.New("nothing is stored")

// path is the file. A name that may not be one of a file is told by its hash.
func (s store) path() string { return filepath.Join(s.folder, fileName(s.account)) }

func fileName(account string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_@][A-Za-z0-9_@.-]{0,99}$`).MatchString(account) && filepath.Ext(account) != lockExt && filepath.Ext(account) != newExt {
		return account
	}
	sum := sha256.Sum256([]byte(account))
	return "=" + hex.EncodeToString(sum[:16])
}

// The names beside that of a grant: its lock, and a file that is being written.
const (
	lockExt = ".lock"
	newExt  = ".new"
)

// readKey reads the key.
func (s store) readKey(ctx context.Context) ([]byte, error) {
	text, err := s.key(ctx)
	if err == nil {
		var key []byte
		if key, err = parseKey(text); err == nil {
			return key, nil
		}
	}
	return nil, &Error{Account: s.account, Kind: Config, Err: fmt.Errorf("token_key: %w", err), Advice: "this makes one: " + MakeKey("imapilot.key")}
}

// load reads the grant, and returns a mark of the file, too; errNoGrant if there is
// none.
func (s store) load(ctx context.Context) (Grant, mark, error) {
	key, err := s.readKey(ctx)
	if err != nil {
		return Grant{}, mark{}, err
	}
	raw, err := s.raw()
	if err != nil {
		return Grant{}, mark{}, err
	}
	g, err := unseal(key, s.account, raw)
	if err != nil {
		err = s.failure(Config, err, "give the right token_key, or run '"+LoginCommand(s.account)+"' again")
	}
	return g, sha256.Sum256(raw), err
}

func (s store) raw() ([]byte, error) {
	f, err := os.Open(s.path())
	if err != nil {
		return nil, s.fileError(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, s.fileError(err)
	case len(raw) > maxFile:
		return nil, s.failure(Config, fmt.Errorf("it is longer than %d bytes", maxFile), "run '"+LoginCommand(s.account)+"' again")
	}
	return raw, nil
}

func (s store) fileError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errNoGrant
	}
	return s.failure(Temporary, err, "")
}

func (s store) failure(kind Kind, err error, advice string) *Error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &Error{Account: s.account, Kind: kind, Err: fmt.Errorf("the token file %s: %w", s.path(), err), Advice: advice}
}

// mark is a fingerprint of the file as it is now, zero if there is none.
func (s store) mark() (mark, error) {
	raw, err := s.raw()
	if errors.Is(err, errNoGrant) {
		return mark{}, nil
	}
	return sha256.Sum256(raw), err
}

// save writes the grant so that after it the new file is there, whole and on the disk,
// or the old one. The caller has the lock.
func (s store) save(ctx context.Context, g Grant) (mark, error) {
	key, err := s.readKey(ctx)
	if err != nil {
		return mark{}, err
	}
	raw, err := seal(key, s.account, g)
	if err != nil {
		return mark{}, s.failure(Config, err, "")
	}
	if len(raw) > maxFile {
		return mark{}, s.failure(Config, fmt.Errorf("it would be longer than %d bytes", maxFile), "")
	}
	if err := s.replace(raw); err != nil {
		return mark{}, s.failure(Temporary, err, "")
	}
	return sha256.Sum256(raw), nil
}

func (s store) replace(raw []byte) error {
	if err := s.makeFolder(); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path()+newExt, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, private)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(s.path()+newExt))
	}
	if err := os.Rename(s.path()+newExt, s.path()); err != nil {
		return err
	}
	return syncFolder(s.folder)
}

func (s store) makeFolder() error {
	err := os.Mkdir(s.folder, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(s.folder))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// remove removes the grant. The lock stays: to remove it would let two processes lock
// two files of one name.
func (s store) remove() error {
	if err := os.Remove(s.path()); err != nil {
		return s.fileError(err)
	}
	if err := syncFolder(s.folder); err != nil {
		return s.failure(Temporary, err, "")
	}
	return nil
}

// lock waits until no other process, and nobody else in this one, has it.
func (s store) lock(ctx context.Context, most time.Duration) (*flock.Flock, error) {
	if err := s.makeFolder(); err != nil {
		return nil, s.failure(Temporary, err, "")
	}
	l := flock.New(s.path()+lockExt, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(private))
	waiting, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	_, err := l.TryLockContext(waiting, lockPoll)
	if err == nil {
		return l, nil
	}
	l.Close()
	switch {
	case ctx.Err() != nil:
		return nil, &Error{Account: s.account, Err: ctx.Err()}
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("another process has had its lock for %v; it may be one that cannot write it", most)
	}
	return nil, s.failure(Temporary, err, "")
}
