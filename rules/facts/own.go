package facts

import "strings"

// maxTag is the most octets of a tag. A whole local part has 64 (RFC 5321
// section 4.5.3.1.1), and what is far longer is no tag.
const maxTag = 256

// ToMe reports whether one of the own addresses, or one of them with a tag
// ("me+tag@example.org"), is among the recipients. Case does not matter, in
// the local part neither: no provider tells two mailboxes apart by it. It
// reads To, Cc, Bcc and Delivered-To.
func (h *Header) ToMe(own []string) bool {
	me := parseOwn(own)
	for _, name := range []string{"To", "Cc", "Bcc", "Delivered-To"} {
		for _, a := range h.Addresses(name) {
			if me.has(a) {
				return true
			}
		}
	}
	return false
}

// OnlyToMe reports whether there are addresses in To and Cc and all of them
// are own ones, with a tag or without. Where a field has more addresses than
// are read, others are among them for all that is known, so it is false. It
// reads To and Cc.
func (h *Header) OnlyToMe(own []string) bool {
	to, cc := h.Addresses("To"), h.Addresses("Cc")
	if len(to)+len(cc) == 0 || len(to) >= maxAddresses || len(cc) >= maxAddresses {
		return false
	}
	me := parseOwn(own)
	for _, a := range append(to, cc...) {
		if !me.has(a) {
			return false
		}
	}
	return true
}

// Tag returns the tag of the first address of the form own+tag, "" if there is
// none; at most 256 octets, its case kept (RFC 5233 calls it the detail). What
// the server noted comes before what the author wrote. It reads Delivered-To,
// To and Cc.
func (h *Header) Tag(own []string) string {
	me := parseOwn(own)
	for _, name := range []string{"Delivered-To", "To", "Cc"} {
		for _, a := range h.Addresses(name) {
			if tag := me.tag(a); tag != "" {
				return tag
			}
		}
	}
	return ""
}

// ownAddresses are the user's addresses, ready to be compared.
type ownAddresses []ownAddress

// ownAddress has its domain in ASCII, because of that there is one spelling.
type ownAddress struct{ local, ascii string }

func parseOwn(own []string) ownAddresses {
	out := make(ownAddresses, 0, len(own))
	for _, s := range own {
		local, domain := s, ""
		if at := strings.LastIndexByte(s, '@'); at >= 0 {
			local, domain = s[:at], s[at+1:]
		}
		if local == "" {
			continue
		}
		_, ascii := idn(strings.ToLower(domain))
		out = append(out, ownAddress{local: local, ascii: ascii})
	}
	return out
}

func (o ownAddresses) has(a Address) bool {
	for _, me := range o {
		if _, ok := me.match(a); ok {
			return true
		}
	}
	return false
}

func (o ownAddresses) tag(a Address) string {
	for _, me := range o {
		if tag, _ := me.match(a); tag != "" && len(tag) <= maxTag {
			return tag
		}
	}
	return ""
}

// match reports whether a is this address, and with what tag.
func (o ownAddress) match(a Address) (tag string, ok bool) {
	if a.ASCII != o.ascii {
		return "", false
	}
	if strings.EqualFold(a.Local, o.local) {
		return "", true
	}
	n := len(o.local)
	if len(a.Local) <= n || a.Local[n] != '+' || !strings.EqualFold(a.Local[:n], o.local) {
		return "", false
	}
	return a.Local[n+1:], true
}
