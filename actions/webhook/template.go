package webhook

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const (
	// MaxURL is the size of the longest URL in bytes, which every server in
	// use takes (RFC 9110 section 4.1).
	MaxURL = 8000
	// maxURLValue is how much of a value goes into a URL, in bytes before they
	// are escaped.
	maxURLValue = 1000
)

// Piece is a part of a template: literal text, or the value of a ${}.
type Piece struct {
	// Text is the literal text or the value; [CheckURL] looks at no value.
	Text string
	// Value is set for what came from a ${}, and so, it may be, from a message.
	Value bool
}

// CheckURL returns what is wrong with the template of a URL. A ${} may stand in
// the path and in the query. It may not be in the scheme, the user info, the
// host or the port, for a message must not choose where it is sent, nor behind
// an unfinished escape, which it would complete. A template without ${} is a
// URL.
func CheckURL(template []Piece) error {
	_, err := parseTemplate(template)
	return err
}

// FillURL returns the URL of a template with its values. A value is cleaned of
// control characters, cut to 1,000 bytes, and escaped but for the unreserved
// characters of RFC 3986 section 2.3, so that it stays within its segment of
// the path or its name or value of the query. A segment that a value makes "."
// or ".." becomes "_" or "__". A segment that has values and comes out empty is
// an error, for the URL would name something else; so is a URL of more than
// [MaxURL] bytes.
func FillURL(template ...Piece) (string, error) {
	t, err := parseTemplate(template)
	if err != nil {
		return "", err
	}
	segments := make([]string, len(t.path))
	for i, s := range t.path {
		if segments[i], err = fillSegment(s); err != nil {
			return "", err
		}
	}
	out := t.origin + strings.Join(segments, "/") + fill(t.query)
	if len(out) > MaxURL {
		return "", fmt.Errorf("the URL has %d bytes with its values; at most %d", len(out), MaxURL)
	}
	return out, nil
}

// urlTemplate is a template in parts.
type urlTemplate struct {
	origin string    // scheme and authority
	path   [][]Piece // its segments, the first one before the first slash
	query  []Piece   // with its question mark
}

func parseTemplate(template []Piece) (urlTemplate, error) {
	template = merge(template)
	end := originEnd(template[0])
	if end < 0 && len(template) > 1 {
		return urlTemplate{}, errors.New("a ${} cannot stand in the scheme, user info, host or port of a URL: " +
			"a message must not choose where it is sent")
	}
	if err := checkWhole(template); err != nil {
		return urlTemplate{}, err
	}
	if end < 0 {
		return urlTemplate{origin: template[0].Text}, nil
	}
	t := urlTemplate{origin: template[0].Text[:end]}
	template[0].Text = template[0].Text[end:]
	path, query, hasQuery := cut(template, "?")
	if hasQuery {
		t.query = append([]Piece{{Text: "?"}}, query...)
	}
	for more := true; more; {
		var segment []Piece
		segment, path, more = cut(path, "/")
		t.path = append(t.path, segment)
	}
	return t, nil
}

// merge returns a copy whose literals are joined, and which begins with one.
func merge(template []Piece) []Piece {
	out := []Piece{{}}
	for _, p := range template {
		if last := &out[len(out)-1]; !p.Value && !last.Value {
			last.Text += p.Text
			continue
		}
		out = append(out, p)
	}
	return out
}

// originEnd returns where the path or the query begins, -1 if neither does.
func originEnd(first Piece) int {
	_, rest, found := strings.Cut(first.Text, "://")
	i := strings.IndexAny(rest, "/?")
	if !found || i < 0 {
		return -1
	}
	return len(first.Text) - len(rest) + i
}

// checkWhole checks the literals, and that the whole is a URL: "x" stands for
// each value, for it is no hexadecimal digit.
func checkWhole(template []Piece) error {
	var whole strings.Builder
	for i, p := range template {
		if p.Value {
			whole.WriteString("x")
			continue
		}
		switch {
		case strings.ContainsAny(p.Text, "# \\"):
			return errors.New(`a URL for a webhook holds no "#", no space and no backslash: write %20 for a space`)
		case i < len(template)-1 && strings.Contains(p.Text[max(0, len(p.Text)-2):], "%"):
			return errors.New("a ${} cannot stand behind an unfinished escape: write %25 for a percent sign")
		}
		whole.WriteString(p.Text)
	}
	u, err := url.Parse(whole.String())
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("this is not the URL of a webhook: it begins with http:// or https:// and a host")
	}
	return nil
}

// cut cuts pieces around the first separator of a literal.
func cut(pieces []Piece, sep string) (before, after []Piece, found bool) {
	for i, p := range pieces {
		head, tail, found := strings.Cut(p.Text, sep)
		if found && !p.Value {
			before = append(slices.Clone(pieces[:i]), Piece{Text: head})
			return before, append([]Piece{{Text: tail}}, pieces[i+1:]...), true
		}
	}
	return pieces, nil, false
}

// fillSegment fills one segment of a path. Servers decode a segment before
// they look for dots, and so does this.
func fillSegment(pieces []Piece) (string, error) {
	out := fill(pieces)
	if !slices.ContainsFunc(pieces, func(p Piece) bool { return p.Value }) {
		return out, nil
	}
	switch decoded, _ := url.PathUnescape(out); decoded {
	case "":
		return "", errors.New("a ${} leaves a part of the URL's path empty")
	case ".", "..":
		return strings.Repeat("_", len(decoded)), nil
	}
	return out, nil
}

func fill(pieces []Piece) string {
	var out strings.Builder
	for _, p := range pieces {
		if p.Value {
			out.WriteString(escape(text(p.Text, maxURLValue)))
		} else {
			out.WriteString(p.Text)
		}
	}
	return out.String()
}

// escape percent-encodes all but the unreserved characters.
func escape(s string) string {
	var out strings.Builder
	for _, b := range []byte(s) {
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', strings.IndexByte("-._~", b) >= 0:
			out.WriteByte(b)
		default:
			fmt.Fprintf(&out, "%%%02X", b)
		}
	}
	return out.String()
}
