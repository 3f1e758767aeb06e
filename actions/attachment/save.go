package attachment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"imapilot/rules/facts"
)

// The limits of a [Folder] that names none.
const (
	DefaultMaxFile  = 64 << 20
	DefaultMaxTotal = 256 << 20
)

// Folder is where files go.
type Folder struct {
	// Path is a folder that exists.
	Path string
	// Name returns the filled pattern of a file; see [Piece]. Its error fails
	// that file for good. Where it is nil, a file has the attachment's own name.
	Name func(Part) ([]Piece, error)
	// MaxFile is the most octets of one file, MaxTotal of all those of one
	// message; 0 means the defaults.
	MaxFile, MaxTotal int64
	// Now is the clock that tells how old a temporary file is; nil is the
	// system's.
	Now func() time.Time
}

// Part is an attachment, as a rule sees it, but that its Size is exact.
type Part facts.Attachment

// Want says which attachments are saved; nil wants all.
type Want func(Part) bool

// File is one attachment that is saved.
type File struct {
	// Name is a path below the folder, with slashes.
	Name string
	// Size is in octets.
	Size int64
	// Existed is set when the file was there already, with this content.
	Existed bool
}

// Result lists what is saved, in the order of the message.
type Result struct{ Files []File }

// Save saves the attachments of a whole message that are wanted. It can be
// repeated; see the package for what it promises. An attachment that cannot be
// saved for good (it is too large) does not keep the others from it, and the
// errors of all such are joined; anything else ends it. A context that ends is
// returned as its error.
func Save(ctx context.Context, f Folder, raw io.Reader, want Want) (Result, error) {
	d, err := openFolder(f.Path)
	if err != nil {
		return Result{}, err
	}
	defer d.Close()
	return save(ctx, d, f, raw, want)
}

func save(ctx context.Context, d disk, f Folder, raw io.Reader, want Want) (Result, error) {
	s := &saver{disk: d, folder: f, want: want}
	err := failed("reading", "the message", walk(ctx, raw, s))
	if s.draft != nil {
		err = errors.Join(err, s.draft.drop())
	}
	if err == nil || !Temporary(err) && ctx.Err() == nil {
		err = errors.Join(append(s.refused, err)...)
	}
	return s.result, err
}

// saver receives the attachments of one message.
type saver struct {
	disk    disk
	folder  Folder
	want    Want
	result  Result
	refused []error
	total   int64
	cleaned bool
	draft   *draft
}

func (s *saver) begin(Part) (io.Writer, error) {
	if !s.cleaned {
		now := time.Now
		if s.folder.Now != nil {
			now = s.folder.Now
		}
		if err := clean(s.disk, now()); err != nil {
			return nil, err
		}
		s.cleaned = true
	}
	d, err := newDraft(s.disk, cmp.Or(s.folder.MaxFile, DefaultMaxFile))
	if err != nil {
		return nil, err
	}
	s.draft = d
	return d, nil
}

// end saves the draft, or drops it. What is wrong with this attachment only is
// noted.
func (s *saver) end(p Part) error {
	p.Size = s.draft.size
	if s.want == nil || s.want(p) {
		if err := s.keep(p); err != nil {
			if Temporary(err) || errors.Is(err, ErrReadOnly) {
				return err
			}
			s.refused = append(s.refused, err)
		}
	}
	d := s.draft
	s.draft = nil
	return d.drop()
}

func (s *saver) keep(p Part) error {
	label := fileName("", p)
	if most := s.draft.most; p.Size > most {
		return failed("saving", label, fmt.Errorf("%w: it has %d octets, and at most %d are saved", ErrTooLarge, p.Size, most))
	}
	if most := cmp.Or(s.folder.MaxTotal, DefaultMaxTotal); s.total+p.Size > most {
		return failed("saving", label, fmt.Errorf("%w: with it the message has more than %d octets to save", ErrTooLarge, most))
	}
	folders, name, err := s.path(p)
	if err != nil {
		return &Error{Op: "saving", Subject: label, Err: err}
	}
	if err := s.draft.finish(); err != nil {
		return err
	}
	at, existed, err := s.draft.place(folders, name)
	if err != nil {
		return err
	}
	s.total += p.Size
	s.result.Files = append(s.result.Files, File{Name: at, Size: p.Size, Existed: existed})
	return nil
}

func (s *saver) path(p Part) (folders []string, name string, err error) {
	if s.folder.Name == nil {
		return path(nil, p)
	}
	pieces, err := s.folder.Name(p)
	if err != nil {
		return nil, "", err
	}
	return path(pieces, p)
}
