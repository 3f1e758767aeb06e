package facts

import (
	"slices"
	"strings"
)

// maxAddresses is the most addresses of one field name that are kept.
const maxAddresses = 1000

const (
	// maxPending is the most octets of names that wait for their address.
	maxPending = 512
	// maxUnclosed is how many ends that do not exist are looked for in a value.
	maxUnclosed = 16
)

// Address is one mailbox of an address list (RFC 5322 section 3.4).
type Address struct {
	// Name is the display name as clients show it, decoded; "" if there is none.
	Name string
	// Address is Local and Domain with an "@", or only one of them where the
	// message has only that.
	Address string
	// Local is the part before the last "@", its case kept, quotes removed.
	Local string
	// Domain is the part after it in lower case and in Unicode, as clients show
	// it: "bücher.example". Where that could deceive it is in ASCII.
	Domain string
	// ASCII is the domain as servers write it: "xn--bcher-kva.example". It is
	// Domain for all but internationalised ones (RFC 5891).
	ASCII string
}

// Addresses returns the addresses of all fields of that name, the members of
// groups included, at most 1,000. It reads what is malformed as clients do, and
// one bad address never hides another.
func (h *Header) Addresses(name string) []Address {
	if h == nil || !h.remembers {
		return h.readAddresses(name)
	}
	for _, f := range h.addresses {
		if f.name == name {
			return f.list
		}
	}
	list := slices.Clip(h.readAddresses(name)) // nobody can append to what is kept
	h.addresses = append(h.addresses, readField{name, list})
	return list
}

func (h *Header) readAddresses(name string) []Address {
	var out []Address
	for _, v := range h.raw(name) {
		out = append(out, parseAddresses(v, maxAddresses-len(out))...)
		if len(out) >= maxAddresses {
			break
		}
	}
	return out
}

// parseAddresses splits a list at its separators and reads each part. A part
// without an address belongs to the next one, for an unquoted comma in a name
// is the commonest mistake of all: Doe, John <john@example.org>.
func parseAddresses(list string, limit int) []Address {
	var out []Address
	whole, pending, group := list, "", false
	groupsEnd := strings.IndexByte(list, ';') >= 0
	for list != "" && len(out) < limit {
		part, sep, rest := cutAddress(list, groupsEnd)
		list = rest
		if sep == ':' {
			pending, group = "", true
			continue
		}
		at, angle := strings.IndexByte(part, '@') >= 0, strings.IndexByte(part, '<') >= 0
		if at && !angle {
			pending = "" // an address alone, not the end of a name
		}
		var a Address
		ok := at || angle
		if ok {
			a, ok = parseAddress(pending + part)
		}
		switch {
		case ok:
			out = append(out, a)
			pending = ""
		case sep == ',' && strings.TrimSpace(part) != "" && len(pending)+len(part) < maxPending:
			pending += part + ","
		default:
			pending = ""
		}
	}
	if len(out) == 0 && !group && limit > 0 {
		out = nameOnly(whole)
	}
	return out
}

// nameOnly reads a value without any address as clients show it: one word is
// a local name ("MAILER-DAEMON"), more are a display name. So is what looks
// like an address and is none.
func nameOnly(s string) []Address {
	before, _, _ := cutAngle(s)
	if before == "" {
		before = s
	}
	name := strings.Trim(phrase(before), "<> ")
	switch {
	case name == "":
		return nil
	case strings.ContainsAny(name, " @"):
		return []Address{{Name: name}}
	default:
		return []Address{{Address: name, Local: name}}
	}
}

// cutAddress cuts at the first comma, semicolon, or colon of a group that is
// outside quotes, comments and angle brackets. A quote or bracket that is never
// closed is taken as text, so that it cannot swallow the rest of the list. So is
// a colon in a name, "Re: Ann <ann@example.org>", where no group ends.
func cutAddress(s string, groupsEnd bool) (part string, sep byte, rest string) {
	var e enclosure
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '(', '<':
			i += max(e.size(s[i:]), 1) - 1
		case '\\':
			i++
		case ',', ';':
			return s[:i], c, s[i+1:]
		case ':':
			if !strings.ContainsAny(s[:i], "@<[") && (groupsEnd || !isNamed(s[i:])) {
				return s[:i], c, s[i+1:]
			}
		}
	}
	return s, 0, ""
}

// isNamed reports whether an address in brackets is next.
func isNamed(s string) bool {
	i := strings.IndexAny(s[:min(len(s), maxPending)], "<,")
	return i >= 0 && s[i] == '<'
}

// enclosure measures quoted strings, comments and angle brackets. It looks
// for the end of only so many that have none, because each costs a look at
// the whole rest.
type enclosure struct{ unclosed int }

// size returns the size of what is enclosed at the start of s, 0 if it is
// never closed. Comments nest (RFC 5322 section 3.2.2).
func (e *enclosure) size(s string) int {
	if e.unclosed >= maxUnclosed {
		return 0
	}
	n := 0
	switch s[0] {
	case '"':
		n = quotedSize(s)
	case '(':
		n = commentSize(s)
	case '<':
		// "<a@b, c@d>": the first bracket was forgotten. But the relays of a
		// source route (RFC 5322 section 4.4) have commas: "<@a,@b:c@d>".
		ends := ">,"
		if strings.HasPrefix(s, "<@") {
			ends = "> "
		}
		if end := strings.IndexAny(s, ends); end > 0 && s[end] == '>' {
			n = end + 1
		}
	}
	if n == 0 {
		e.unclosed++
	}
	return n
}

func quotedSize(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

func commentSize(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// parseAddress reads "name <address>", "address (name)" or a bare address.
func parseAddress(s string) (Address, bool) {
	before, inside, ok := cutAngle(s)
	if ok {
		a, found := address(inside)
		found = found || a.Local != ""
		a.Name = phrase(before)
		if a.Name == "" {
			_, a.Name = comments(before)
		}
		return a, found
	}
	bare, comment := comments(s)
	bare = joinAt(bare)
	if a, found := address(bare); found && isOneWord(bare) {
		a.Name = comment
		return a, true
	}
	return loose(bare, comment)
}

// joinAt takes out the space around "@" that is allowed outside a quoted string
// (RFC 5322 section 4.4), and that a comment leaves: ann(work)@example.org.
func joinAt(s string) string {
	if !strings.Contains(s, " @") && !strings.Contains(s, "@ ") || strings.ContainsRune(s, '"') {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, " @", "@"), "@ ", "@")
}

// isOneWord reports whether s has no space outside a quoted local part.
func isOneWord(s string) bool {
	if strings.HasPrefix(s, `"`) {
		s = s[quotedSize(s):]
	}
	return !strings.ContainsRune(s, ' ')
}

// loose finds the one word with an "@" in text that is no proper address.
func loose(s, comment string) (Address, bool) {
	words := strings.Fields(s)
	for i, w := range words {
		w = strings.Trim(w, "<>[]\"',;")
		a, ok := address(w)
		if !ok || a.Local == "" || a.Domain == "" {
			continue
		}
		a.Name = phrase(strings.Join(words[:i], " "))
		if a.Name == "" {
			a.Name = comment
		}
		return a, true
	}
	return Address{}, false
}

// cutAngle finds the last angle bracket outside quotes and comments: the one
// that servers deliver to.
func cutAngle(s string) (before, inside string, ok bool) {
	var e enclosure
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', '(':
			i += max(e.size(s[i:]), 1) - 1
		case '\\':
			i++
		case '<':
			before, inside, ok = s[:i], s[i+1:], true
		}
	}
	if end := strings.LastIndexByte(inside, '>'); end >= 0 {
		inside = inside[:end]
	}
	return before, inside, ok
}

// address reads an addr-spec. A source route (RFC 5322 section 4.4) is dropped,
// and so are a scheme and quotes that do not belong there.
func address(s string) (Address, bool) {
	s, _ = comments(s)
	if strings.HasPrefix(s, "@") {
		if _, after, ok := strings.Cut(s, ":"); ok {
			s = after
		}
	}
	s = strings.TrimSpace(s)
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if strings.HasPrefix(s, `"`) && quotedSize(s) == len(s) {
		s = unquote(s) // all of it: "ann@example.org"
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		// A bare local name is an address only in brackets or alone.
		local := unquote(s)
		return Address{Address: local, Local: local}, false
	}
	local := unquote(strings.TrimSpace(s[:at]))
	domain, ascii := idn(strings.ToLower(strings.TrimSuffix(strings.ReplaceAll(s[at+1:], " ", ""), ".")))
	a := Address{Address: local + "@" + domain, Local: local, Domain: domain, ASCII: ascii}
	return a, local != "" || domain != ""
}

// comments takes the comments out of s and returns the last one, decoded.
func comments(s string) (rest, comment string) {
	if !strings.ContainsRune(s, '(') {
		return strings.TrimSpace(s), ""
	}
	var out strings.Builder
	var e enclosure
	for i := 0; i < len(s); {
		size := 0
		if s[i] == '"' || s[i] == '(' {
			size = e.size(s[i:])
		}
		switch {
		case size > 0 && s[i] == '(':
			comment = s[i+1 : i+size-1]
			out.WriteByte(' ')
		case size > 0:
			out.WriteString(s[i : i+size])
		default:
			size = 1
			out.WriteByte(s[i])
		}
		i += size
	}
	return strings.TrimSpace(out.String()), decodeWords(unescape(strings.TrimSpace(comment)))
}

// phrase reads a display name: comments out, quotes off, words decoded. Encoded
// words inside quotes are no such by RFC 2047 section 5, yet clients decode
// them, because senders put them there.
func phrase(s string) string {
	s, _ = comments(s)
	return decodeWords(strings.Join(strings.Fields(unquoteAll(s)), " "))
}

// unquoteAll takes the quotes off every quoted string of s.
func unquoteAll(s string) string {
	if !strings.ContainsAny(s, `"\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
		case '\\':
			if i++; i < len(s) {
				out.WriteByte(s[i])
			}
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return unescape(s[1 : len(s)-1])
	}
	return s
}

// unescape undoes quoted pairs (RFC 5322 section 3.2.1).
func unescape(s string) string {
	if !strings.ContainsRune(s, '\\') {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
