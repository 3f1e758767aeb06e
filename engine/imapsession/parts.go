package imapsession

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// PartRequest asks for parts of messages that have the same structure.
type PartRequest struct {
	UIDs imap.UIDSet
	// Sections are part numbers, "1" or "2.1.3" (RFC 9051 section 6.4.5.1), at
	// most 100. Of a message that is no multipart, "1" is its text.
	Sections []string
	// Limit is how many bytes of each part are wanted. More than Limits.Literal
	// is as much as that.
	Limit int
}

// FetchedPart is a part of a message, as it is encoded there.
type FetchedPart struct {
	UID     imap.UID
	Section string
	// Data is empty, too, for a part that the message does not have.
	Data []byte
	// Truncated is set when there may be more of it than Data, which is its
	// beginning.
	Truncated bool
}

// keep cuts a part to its limit: a server need not heed what was asked.
func (p *FetchedPart) keep(limit int) {
	p.Data = p.Data[:min(len(p.Data), limit)]
	p.Truncated = p.Truncated || len(p.Data) >= limit
}

// FetchParts fetches the beginnings of parts of messages in the selected
// mailbox, without setting \Seen: all requests together, 16 commands at a time
// before the first answer. It returns what came, by UID and section. What is
// absent belongs to a message that is gone or that the server is not ready to
// show, or it went over Limits.Collected: then it may be asked for again.
//
// An error of a class other than Connection means that a command was refused,
// perhaps over a single message; what the others brought comes with the error.
func (s *Session) FetchParts(ctx context.Context, reqs []PartRequest) ([]FetchedPart, error) {
	wanted, queries, err := s.planParts(reqs)
	if err != nil {
		return nil, refuse("UID FETCH", s.selected, Bad, err)
	}
	var all []imap.UIDRange
	for _, r := range reqs {
		all = append(all, r.UIDs...)
	}
	c := newCollector(toSet(all), itemParts, s.o.Limits)
	c.limit = wanted.limit
	if err = s.ask(ctx, c, queries); isConnection(err) {
		return nil, err
	}
	var out []FetchedPart
	for _, m := range c.complete() {
		out = append(out, m.parts...)
	}
	slices.SortFunc(out, func(a, b FetchedPart) int {
		return cmp.Or(cmp.Compare(a.UID, b.UID), strings.Compare(a.Section, b.Section))
	})
	return out, err
}

// wantedParts is who asked for a section, and for how much of it.
type wantedParts map[string][]wantedPart

type wantedPart struct {
	uids  imap.UIDSet
	limit int
}

func (w wantedParts) limit(uid imap.UID, section string) int {
	most := 0
	for _, p := range w[section] {
		if p.limit > most && p.uids.Contains(uid) {
			most = p.limit
		}
	}
	return most
}

const (
	maxSections     = 100 // of one request
	maxSectionText  = 200
	sectionsAtATime = 20 // of one command, so that its line stays short
)

// planParts makes commands of requests.
func (s *Session) planParts(reqs []PartRequest) (wantedParts, []query, error) {
	wanted := wantedParts{}
	var queries []query
	for _, r := range reqs {
		if err := r.check(); err != nil {
			return nil, nil, err
		}
		r.Limit = min(r.Limit, s.o.Limits.Literal)
		for _, section := range r.Sections {
			wanted[section] = append(wanted[section], wantedPart{r.UIDs, r.Limit})
		}
		more, err := r.queries(s.o.Limits.Response)
		if err != nil {
			return nil, nil, err
		}
		queries = append(queries, more...)
	}
	return wanted, queries, nil
}

func (r PartRequest) check() error {
	switch {
	case r.Limit <= 0:
		return fmt.Errorf("%w: a limit of %d bytes for a part", errArgument, r.Limit)
	case len(r.Sections) > maxSections:
		return fmt.Errorf("%w: %d parts in one request, where %d can be asked for", errArgument, len(r.Sections), maxSections)
	}
	for _, section := range r.Sections {
		if err := checkSection(section); err != nil {
			return err
		}
	}
	return nil
}

// queries makes the commands of a request. One command asks for no more parts
// than one response may hold.
func (r PartRequest) queries(response int) ([]query, error) {
	var out []query
	for sections := range slices.Chunk(r.Sections, max(1, min(response/r.Limit, sectionsAtATime))) {
		options := &imap.FetchOptions{UID: true}
		length := 0
		for _, section := range sections {
			options.BodySection = append(options.BodySection, bodySection(section, r.Limit))
			length += len(section) + len(" BODY.PEEK[]<0.2147483647>")
		}
		parts, err := split(r.UIDs, length)
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			out = append(out, query{uids: part, options: options})
		}
	}
	return out, nil
}

func bodySection(section string, limit int) *imap.FetchItemBodySection {
	out := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: int64(limit)}}
	for _, word := range strings.Split(section, ".") {
		n, _ := strconv.Atoi(word) // checkSection saw that it is one
		out.Part = append(out.Part, n)
	}
	return out
}

var errSection = errors.New(`it is no part number like "1" or "2.1"`)

// checkSection returns why a text is no part number. Each part has one spelling
// only, so that answers can be told from it.
func checkSection(section string) error {
	if len(section) > maxSectionText {
		return fmt.Errorf("%w: a part number of %d bytes", errArgument, len(section))
	}
	for _, word := range strings.Split(section, ".") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > 1_000_000 || strconv.Itoa(n) != word {
			return fmt.Errorf("%w: %q: %w", errArgument, printable(section), errSection)
		}
	}
	return nil
}
