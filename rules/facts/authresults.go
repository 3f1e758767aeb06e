package facts

import (
	"cmp"
	"slices"
	"strings"
)

// result is one resinfo of RFC 8601 section 2.2.
type result struct {
	method, word string
	properties   []pair
}

// property returns the value of a property such as "header.d", or "".
func (r result) property(name string) string {
	for _, p := range r.properties {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// signer returns the domain of a DKIM signature. Gmail gives only header.i,
// whose domain is that of header.d or one below it, or the signature does not
// pass (RFC 6376 section 3.5).
func (r result) signer() string { return cmp.Or(r.property("header.d"), r.property("header.i")) }

// sender returns the envelope sender that SPF was asked about, "" for the null
// sender. Older servers call it smtp.mail.
func (r result) sender() string {
	s := cmp.Or(r.property("smtp.mailfrom"), r.property("smtp.mail"))
	return strings.Trim(s, "<>")
}

// trustedResults gives the results that count, by their method.
func (h *Header) trustedResults(trusted []string) map[string][]result {
	found := map[string][]result{}
	if len(trusted) == 0 {
		return found
	}
	for _, parts := range topmost(h.raw("Authentication-Results"), trusted) {
		field := map[string][]result{}
		for _, part := range parts[1:] {
			if r, ok := parseResult(part); ok {
				field[r.method] = append(field[r.method], r)
			}
		}
		for method, results := range field {
			if found[method] == nil {
				found[method] = results
			}
		}
	}
	return found
}

// topmost returns the parts of the first fields in a row that bear the same
// trusted name. Fields above them were put there later, so they do no harm.
func topmost(fields, trusted []string) [][]string {
	var out [][]string
	name := ""
	for _, v := range fields {
		parts := segments(v)
		id := authservID(parts[0])
		switch {
		case name == "" && isOneOf(id, trusted):
			name = id
		case name == "":
			continue
		}
		if !strings.EqualFold(id, name) || len(out) == maxAuthFields {
			break
		}
		out = append(out, parts)
	}
	return out
}

func isOneOf(id string, trusted []string) bool {
	return id != "" && slices.ContainsFunc(trusted, func(t string) bool { return strings.EqualFold(t, id) })
}

// authservID reads the name of the server; the version may follow it. Where a
// result stands in its place, as Exchange writes it, it is no name of any.
func authservID(s string) string { return unquote(s[:valueSize(s)]) }

// parseResult reads "method=result" with the reason and the properties after it.
// The version of a method says nothing, because there is only one.
func parseResult(s string) (result, bool) {
	all := pairs(s)
	if len(all) == 0 {
		return result{}, false
	}
	method, _, _ := strings.Cut(all[0].name, "/")
	return result{method: method, word: resultWord(all[0].value), properties: all[1:]}, true
}

// resultWord is the result in lower case, "none" where no keyword stands there.
// The early name of an SPF that failed was "hardfail" (RFC 5451 section 2.4.2).
func resultWord(s string) string {
	s = strings.ToLower(s)
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "none"
		}
	}
	switch {
	case s == "" || len(s) > maxResult:
		return "none"
	case s == "hardfail":
		return "fail"
	}
	return s
}
