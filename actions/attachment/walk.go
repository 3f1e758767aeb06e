package attachment

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/emersion/go-imap/v2"

	"imapilot/rules/facts"
)

// The limits of a walk, those of facts.
const (
	maxParts      = 500
	maxDepth      = 32
	maxHeader     = 256 << 10
	maxPartHeader = 64 << 10
	maxMessage    = 512 << 20
)

// lineBuffer is how much of a line is looked at at a time. A boundary is
// shorter.
const lineBuffer = 64 << 10

// receiver takes the attachments, one after the other.
type receiver interface {
	// begin returns where the decoded octets go.
	begin(Part) (io.Writer, error)
	// end is called after the last octet.
	end(Part) error
}

// walker reads the parts of a message in one pass, as facts does it: all
// boundaries that are open are looked for at once, and a part whose end is
// missing ends with the part around it.
type walker struct {
	ctx   context.Context
	in    *bufio.Reader
	to    receiver
	open  []level
	count int
	// inside: the last chunk did not end its line.
	inside bool
}

// level is a multipart that is being read.
type level struct {
	boundary []byte
	subtype  string
	index    int // of the part within it, from 0
}

// delimiter is a boundary line: of the multipart with that number in open, from
// 1, or 0 for the end of the message.
type delimiter struct {
	level int
	last  bool
}

// walk hands the attachments of a message to a receiver. Where there are more
// parts than are looked at, it ends in [facts.ErrTooManyParts].
func walk(ctx context.Context, raw io.Reader, to receiver) error {
	in := &limited{r: raw, left: maxMessage}
	w := walker{ctx: ctx, in: bufio.NewReaderSize(in, lineBuffer), to: to}
	_, err := w.part()
	return err
}

// part reads a part up to the delimiter that ends it.
func (w *walker) part() (delimiter, error) {
	if w.count >= maxParts || len(w.open) > maxDepth {
		return delimiter{}, facts.ErrTooManyParts
	}
	w.count++
	raw, end, ended, err := w.header()
	if err != nil {
		return delimiter{}, err
	}
	h := facts.ReadPartHeader(raw, w.parent())
	multi, ok := h.Structure.(*imap.BodyStructureMultiPart)
	switch {
	case !ok:
		return w.leaf(h.Structure.(*imap.BodyStructureSinglePart), end, ended)
	case ended:
		return end, nil
	case h.Boundary == "":
		return w.skip(discard{})
	}
	return w.multipart(multi.Subtype, h.Boundary)
}

func (w *walker) parent() string {
	if len(w.open) == 0 {
		return ""
	}
	return w.open[len(w.open)-1].subtype
}

// header reads to the empty line, or to a delimiter where that is missing. Of a
// long one it keeps the begin.
func (w *walker) header() (raw []byte, end delimiter, ended bool, err error) {
	limit := maxPartHeader
	if w.count == 1 {
		limit = maxHeader + 1 // one more tells facts that it is longer
	}
	for {
		chunk, begins, err := w.chunk()
		if errors.Is(err, io.EOF) {
			return raw, delimiter{}, true, nil
		}
		if err != nil {
			return nil, delimiter{}, false, err
		}
		if end, ended = w.delimiter(chunk, begins); ended {
			return raw, end, true, nil
		}
		raw = append(raw, chunk[:min(len(chunk), limit-len(raw))]...)
		if begins && len(bytes.TrimRight(chunk, "\r\n")) == 0 {
			return raw, delimiter{}, false, nil
		}
	}
}

// multipart reads the parts up to the delimiter of a multipart around it.
func (w *walker) multipart(subtype, boundary string) (delimiter, error) {
	w.open = append(w.open, level{boundary: []byte(boundary), subtype: subtype})
	number := len(w.open)
	end, err := w.skip(discard{})
	for i := 0; err == nil && end.level == number && !end.last; i++ {
		w.open[number-1].index = i
		end, err = w.part()
	}
	w.open = w.open[:number-1]
	if err == nil && end.level == number {
		return w.skip(discard{}) // the epilogue
	}
	return end, err
}

// leaf reads a part that is no multipart.
func (w *walker) leaf(single *imap.BodyStructureSinglePart, end delimiter, ended bool) (delimiter, error) {
	part, ok := w.attachment(single)
	if !ok {
		if ended {
			return end, nil
		}
		return w.skip(discard{})
	}
	out, err := w.to.begin(part)
	if err != nil {
		return delimiter{}, err
	}
	if !ended {
		if end, err = w.skip(newDecoder(encoding(single), out)); err != nil {
			return delimiter{}, err
		}
	}
	return end, w.to.end(part)
}

// attachment asks facts about a part, by a structure that has only the way to
// it: what stands before a part in its multipart matters, but not what it is.
func (w *walker) attachment(single *imap.BodyStructureSinglePart) (Part, bool) {
	var at imap.BodyStructure = single
	for i := len(w.open) - 1; i >= 0; i-- {
		multi := &imap.BodyStructureMultiPart{Subtype: w.open[i].subtype}
		if w.open[i].index > 0 {
			multi.Children = append(multi.Children, &imap.BodyStructureMultiPart{})
		}
		multi.Children = append(multi.Children, at)
		at = multi
	}
	found, err := facts.NewStructure(at).Attachments()
	if err != nil || len(found) == 0 {
		return Part{}, false
	}
	return Part(found[0]), true
}

// skip reads up to the next delimiter, and decodes what is before it. The line
// end before a delimiter belongs to it (RFC 2046 section 5.1.1).
func (w *walker) skip(to decoder) (delimiter, error) {
	var held []byte // the line end that may belong to a delimiter
	for {
		chunk, begins, err := w.chunk()
		if errors.Is(err, io.EOF) {
			return delimiter{}, errors.Join(lineEnd(to, held), to.close())
		}
		if err != nil {
			return delimiter{}, err
		}
		if end, ok := w.delimiter(chunk, begins); ok {
			return end, to.close()
		}
		text := bytes.TrimSuffix(bytes.TrimSuffix(chunk, []byte("\n")), []byte("\r"))
		if len(text) == 0 && !begins {
			held = append(held, chunk...) // the LF of a CRLF that two chunks share
			continue
		}
		if err := errors.Join(lineEnd(to, held), to.text(text, begins)); err != nil {
			return delimiter{}, err
		}
		held = append(held[:0], chunk[len(text):]...)
	}
}

// lineEnd hands a line end on. A CR that turned out to end no line is text.
func lineEnd(to decoder, held []byte) error {
	if len(held) == 0 || held[len(held)-1] != '\n' {
		return to.text(held, false)
	}
	return to.lineEnd(held)
}

// chunk returns the next line with its end, or a part of it where it is longer
// than the buffer, and whether the line begins with it. It is valid until the
// next one.
func (w *walker) chunk() (p []byte, begins bool, err error) {
	if err := w.ctx.Err(); err != nil {
		return nil, false, err
	}
	p, err = w.in.ReadSlice('\n')
	if len(p) > 0 && (errors.Is(err, bufio.ErrBufferFull) || errors.Is(err, io.EOF)) {
		err = nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = unread(err)
	}
	begins = !w.inside
	w.inside = !bytes.HasSuffix(p, []byte("\n"))
	return p, begins, err
}

// delimiter reads a line. The innermost multipart comes first, so that one
// within another of the same boundary does not end it. White space after a
// boundary was added on the way.
func (w *walker) delimiter(line []byte, begins bool) (delimiter, bool) {
	if !begins || len(w.open) == 0 || !bytes.HasPrefix(line, []byte("--")) {
		return delimiter{}, false
	}
	text := bytes.TrimRight(line[2:], " \t\r\n")
	for i := len(w.open) - 1; i >= 0; i-- {
		after, ok := bytes.CutPrefix(text, w.open[i].boundary)
		if last := string(after) == "--"; ok && (last || len(after) == 0) {
			return delimiter{level: i + 1, last: last}, true
		}
	}
	return delimiter{}, false
}

// limited reads a message, and fails where it is longer than it may be.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errLongMessage
	}
	return n, err
}
