package facts

import "strings"

// ListID returns the list identifier of RFC 2919, without its angle brackets
// and in lower case, because identifiers compare without case (section 6). It
// is "" if there is none. It reads List-ID.
func (h *Header) ListID() string {
	_, id := h.list()
	return id
}

// ListTitle returns the phrase that describes the list, decoded, or "". It
// reads List-ID.
func (h *Header) ListTitle() string {
	title, _ := h.list()
	return phrase(title)
}

// ListName returns the first label of the list identifier: "golang-nuts" of
// "golang-nuts.googlegroups.com". It reads List-ID.
func (h *Header) ListName() string {
	name, _, _ := strings.Cut(h.ListID(), ".")
	return name
}

// list reads the last bracketed part as the identifier, and what stands before
// it as the title, still encoded. A value without brackets is taken as one when
// it looks like one, as many senders omit them.
func (h *Header) list() (title, id string) {
	v := h.first("List-ID")
	open := strings.LastIndexByte(v, '<')
	if open < 0 {
		if strings.ContainsRune(v, ' ') {
			return v, ""
		}
		return "", listID(v)
	}
	id, _, _ = strings.Cut(v[open+1:], ">")
	return v[:open], listID(id)
}

func listID(s string) string {
	return strings.ToLower(strings.TrimSpace(strings.ReplaceAll(s, " ", "")))
}
