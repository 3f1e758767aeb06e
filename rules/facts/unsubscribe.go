package facts

import (
	"strings"
	"unicode"
)

// maxURL is the most octets of an address to unsubscribe at. A longer one is
// left out, because a part of it is of no use.
const maxURL = 4096

// Unsubscribe is how to leave a list.
type Unsubscribe struct {
	// URL is the first https address, else the first http one, "" if there is
	// neither.
	URL string
	// Mailto is the first mailto address, scheme and parameters included, "" if
	// there is none.
	Mailto string
	// OneClick is set when a POST to URL is enough (RFC 8058). It is what the
	// sender says: ask that DKIM passed before acting on it (section 4).
	OneClick bool
}

// Unsubscribe returns how to leave the list that the message came by: addresses
// of at most 4 KiB, without spaces and without control characters. It reads
// List-Unsubscribe and List-Unsubscribe-Post.
//
// Each address stands in angle brackets (RFC 2369 section 2); a single bare one
// is read as well. OneClick needs an https address and each field exactly once,
// List-Unsubscribe-Post with exactly the value of RFC 8058 section 3: what was
// added on the way must not be sent a request by a program.
func (h *Header) Unsubscribe() Unsubscribe {
	fields := h.Values("List-Unsubscribe")
	var u Unsubscribe
	for _, v := range fields {
		for _, s := range bracketed(v) {
			u.take(s)
		}
	}
	post := h.raw("List-Unsubscribe-Post")
	u.OneClick = hasScheme(u.URL, "https://") && len(fields) == 1 &&
		len(post) == 1 && post[0] == "List-Unsubscribe=One-Click"
	return u
}

func (u *Unsubscribe) take(s string) {
	// Space in an address is from folding and means nothing.
	s = strings.ReplaceAll(s, " ", "")
	if len(s) > maxURL || strings.ContainsFunc(s, isNotURL) {
		return
	}
	switch {
	case hasScheme(s, "mailto:"):
		if u.Mailto == "" {
			u.Mailto = s
		}
	case hasScheme(s, "https://"):
		if !hasScheme(u.URL, "https://") {
			u.URL = s
		}
	case hasScheme(s, "http://"):
		if u.URL == "" {
			u.URL = s
		}
	}
}

// hasScheme reports whether s begins with the scheme, without its case
// (RFC 3986 section 3.1), and goes on after it.
func hasScheme(s, scheme string) bool {
	return len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) && !strings.HasPrefix(s[len(scheme):], "/")
}

// isNotURL refuses what could end an address where it is printed, or make it
// look like another: quotes, brackets, space, control and format characters.
func isNotURL(r rune) bool {
	return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune(`"<>\`, r)
}

// bracketed returns what stands in angle brackets, or the whole where there are
// none. An address holds no "<", so one that is opened twice begins at the
// second.
func bracketed(s string) []string {
	if strings.IndexByte(s, '<') < 0 {
		return []string{s}
	}
	var out []string
	for {
		inside, rest, ok := strings.Cut(s, ">")
		open := strings.LastIndexByte(inside, '<')
		if !ok {
			return out
		}
		if open >= 0 {
			out = append(out, inside[open+1:])
		}
		s = rest
	}
}
