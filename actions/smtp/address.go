package smtp

import (
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

// maxAddress is the longest address in octets: a path has 256, with its
// brackets (RFC 5321 section 4.5.3.1.3).
const maxAddress = 254

// address is one that can stand in a command and in a header as it is.
type address struct {
	local  string
	domain string // in ASCII, lower case
}

// parseAddress takes local@domain. The local part has only letters, digits,
// dots and the marks of an atom (RFC 5322 section 3.2.3, RFC 6531 section
// 3.3): what must be quoted otherwise is refused, for a bracket or a space
// would end the path that it stands in, and nobody has such an address. Dots
// may be anywhere, as in those of Japanese mobile carriers. An address literal
// is no domain.
func parseAddress(s string) (address, error) {
	local, domain, ok := cutLast(s, '@')
	ascii, err := toASCII(domain)
	if !ok || local == "" || err != nil || len(local)+len(ascii) >= maxAddress || strings.ContainsFunc(local, notLocal) {
		return address{}, fmt.Errorf("%s is not a mail address that can be used", shown(s))
	}
	return address{local: local, domain: ascii}, nil
}

// CheckAddress returns what is wrong with a mail address that is to be written to, or
// from.
func CheckAddress(s string) error {
	_, err := parseAddress(s)
	return err
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

// toASCII returns a domain as DNS has it. Underscores are let through: some
// hosts have them. What would not come out the same once more is refused: some
// odd characters turn into a domain that cannot be read again.
func toASCII(domain string) (string, error) {
	if len(domain) > maxAddress {
		return "", fmt.Errorf("a domain of %d bytes", len(domain))
	}
	profile := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))
	ascii, err := profile.ToASCII(domain)
	if err != nil {
		return "", err
	}
	if again, err := profile.ToASCII(ascii); err != nil || again != ascii {
		return "", fmt.Errorf("%s is not a domain", shown(domain))
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notLabel) {
			return "", fmt.Errorf("%s is not a domain", shown(domain))
		}
	}
	return ascii, nil
}

func notLabel(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

func notLocal(r rune) bool { return r != '.' && !isAtom(r) && !isText(r) }

// isAtom reports whether a rune is atext (RFC 5322 section 3.2.3).
func isAtom(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

// String quotes a local part whose dots are not between atoms.
func (a address) String() string {
	if strings.HasPrefix(a.local, ".") || strings.HasSuffix(a.local, ".") || strings.Contains(a.local, "..") {
		return `"` + a.local + `"@` + a.domain
	}
	return a.local + "@" + a.domain
}

// same reports whether two addresses are one mailbox, as far as can be told
// from outside: case does not matter (no provider tells two mailboxes apart by
// it), nor does a tag (RFC 5233 calls it the detail).
func (a address) same(b address) bool { return a.key() == b.key() }

// key is the address in lower case without what differs from message to
// message: a tag, a BATV signature (prvs=...=local) and the date and hash of
// SRS (SRS0=hash=date=domain=local).
func (a address) key() string {
	local := strings.ToLower(a.local)
	if rest, ok := strings.CutPrefix(local, "prvs="); ok {
		if _, plain, ok := strings.Cut(rest, "="); ok {
			local = plain
		}
	}
	if parts := strings.SplitN(local, "=", 4); len(parts) == 4 && strings.HasPrefix(local, "srs0") {
		local = "srs0=" + parts[3]
	}
	if i := strings.IndexByte(local, '+'); i > 0 && !strings.HasPrefix(local, "srs") {
		local = local[:i]
	}
	return local + "@" + a.domain
}
