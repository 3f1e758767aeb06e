package attachment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"imapilot/rules/facts"
)

var (
	// ErrTooLarge is what an attachment ends in that is larger than it may be,
	// or with which all of a message are. It is for good.
	ErrTooLarge = errors.New("too large")
	// ErrFull is the end while the disk, or a quota on it, is full. It is
	// temporary.
	ErrFull = errors.New("the disk is full")
	// ErrReadOnly is the end where nothing can be written. It is for good.
	ErrReadOnly = errors.New("the folder cannot be written to")
	// ErrNoFolder is the end where the folder does not exist. It is for good.
	ErrNoFolder = errors.New("the folder does not exist")
	// ErrManyNames is the end of a file for which 1,000 names are taken. It is
	// for good.
	ErrManyNames = errors.New("1,000 files of that name exist")

	errLongMessage = fmt.Errorf("the message is longer than 512 MiB: %w", ErrTooLarge)
)

// Error is why attachments were not saved.
type Error struct {
	// Op is what was done: "saving".
	Op string
	// Subject is what it was done to: a name below the folder, or the folder.
	Subject string
	// Temporary is set where the same may succeed later without a change of the
	// configuration.
	Temporary bool
	Err       error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %q: %v", e.Op, e.Subject, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same Save may succeed later.
func Temporary(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Temporary
}

// unread is the error of a message that broke off.
func unread(err error) error {
	return &Error{Op: "reading", Subject: "the message", Temporary: !errors.Is(err, ErrTooLarge), Err: err}
}

// failed types an error of the disk. What is not known to be for good may pass.
func failed(op, subject string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &Error{Op: op, Subject: subject, Err: err}
	switch {
	case isAny(err, syscall.ENOSPC, syscall.EDQUOT):
		e.Temporary, e.Err = true, fmt.Errorf("%w: %w", ErrFull, err)
	case isAny(err, syscall.EROFS, fs.ErrPermission):
		e.Err = fmt.Errorf("%w: %w", ErrReadOnly, err)
	case isAny(err, ErrTooLarge, ErrManyNames, ErrNoFolder, errNoLevel, errLevels, facts.ErrTooManyParts,
		syscall.EXDEV, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.EFBIG):
	default:
		e.Temporary = true
	}
	return e
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
