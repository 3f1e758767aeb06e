package facts

import "strings"

// Names returns the names of the fields, each once in the spelling that comes
// first, in order. Names compare without case (RFC 5322 section 1.2.2). It
// needs the whole header.
func (h *Header) Names() []string {
	if h == nil {
		return nil
	}
	out := make([]string, 0, len(h.fields))
	seen := make(map[string]bool, len(h.fields))
	for _, f := range h.fields {
		key := strings.ToLower(f.name)
		if !seen[key] {
			seen[key] = true
			out = append(out, f.name)
		}
	}
	return out
}

// first returns the first value of a field, unfolded and not decoded, or "".
func (h *Header) first(name string) string {
	if h == nil {
		return ""
	}
	for _, f := range h.fields {
		if f.is(name) {
			return f.value
		}
	}
	return ""
}

// filled reports whether one of the fields is there and not empty. Some
// software writes every field that it knows, with nothing in it.
func (h *Header) filled(names ...string) bool {
	if h == nil {
		return false
	}
	for _, f := range h.fields {
		for _, name := range names {
			if f.value != "" && f.is(name) {
				return true
			}
		}
	}
	return false
}
