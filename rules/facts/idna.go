package facts

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/secure/bidirule"
	"golang.org/x/text/unicode/bidi"
)

const (
	// maxDomain is the most octets of a domain in ASCII (RFC 1035 section 2.3.4).
	maxDomain = 253
	// maxLabel is the most octets of one label in ASCII.
	maxLabel = 63
	// maxIDNLabels is the most labels of a domain that is converted. Real ones
	// have five, and each label costs a look into large tables.
	maxIDNLabels = 16
)

// UnicodeDomain returns a domain, or an address with the part after its last
// "@", in the form in which Address has it: "xn--bcher-kva.example" becomes
// "bücher.example". What is only ASCII and holds no "--" comes back as it is,
// and without any cost.
func UnicodeDomain(s string) string {
	if !isIDN(s) {
		return s
	}
	at := strings.LastIndexByte(s, '@') + 1
	display, _ := idn(strings.ToLower(s[at:]))
	return s[:at] + display
}

// isIDN reports whether a domain can have two forms.
func isIDN(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return true
		}
	}
	return strings.Contains(s, "--")
}

// idn returns the form of a domain that clients show, and its form in ASCII.
// The domain is in lower case.
//
// A label is converted only if nobody can be deceived by that: it is valid by
// UTS 46 as clients apply it, it comes back as the same label, it holds letters
// and digits only, and they are of one script, or of scripts that one language
// mixes. Else it is shown in ASCII, as clients do. A label that has no form in
// ASCII stays as it is: nothing can be sent there.
func idn(domain string) (display, ascii string) {
	if !isIDN(domain) || len(domain) > 4*maxDomain {
		return domain, domain
	}
	labels := strings.Split(strings.Map(fullStop, domain), ".")
	if len(labels) > maxIDNLabels {
		return domain, domain
	}
	plain := make([]string, len(labels))
	for i, label := range labels {
		labels[i], plain[i] = idnLabel(label)
	}
	display, ascii = strings.Join(labels, "."), strings.Join(plain, ".")
	if len(ascii) > maxDomain {
		return domain, domain
	}
	if !isReadable(labels) {
		return ascii, ascii
	}
	return display, ascii
}

// fullStop maps the other full stops that separate labels (UTS 46 section 4.5).
func fullStop(r rune) rune {
	switch r {
	case '。', '．', '｡':
		return '.'
	}
	return r
}

// idnLabel converts one label. The Display profile, not Lookup: it is the one
// that is meant for what is shown, and like every client now it keeps "ß" and
// "ς" apart from "ss" and "σ". It refuses hyphens, joiners and characters where
// they must not be, and letters of both directions in one label.
func idnLabel(label string) (display, ascii string) {
	if !isIDN(label) {
		return label, label
	}
	display, err := idna.Display.ToUnicode(label)
	if err != nil {
		return label, label
	}
	ascii, err = idna.Display.ToASCII(display)
	switch {
	case err != nil || len(ascii) > maxLabel:
		return label, label
	case display == ascii && !strings.HasPrefix(label, "xn--"):
		// A soft hyphen or full-width letters in it: written so, it is nobody's
		// domain, and must not pass for the one that it looks like.
		return label, label
	case strings.HasPrefix(label, "xn--") && ascii != label:
		// Two spellings of one label: it would not be this domain any more.
		return label, label
	case strings.ContainsFunc(display, isNoLetter) || !isOneLanguage(display):
		return ascii, ascii
	}
	return display, ascii
}

// isNoLetter reports whether a character is none of those that words are made
// of. UTS 46 lets symbols pass that look like a slash, a dot or a bracket, and
// joiners that nobody sees.
func isNoLetter(r rune) bool {
	return r != '-' && !unicode.In(r, unicode.L, unicode.M, unicode.Nd)
}

// isReadable reports whether the labels are shown in the order that they have:
// as soon as one is written from right to left, all must keep the Bidi rule
// (RFC 5893 section 2).
func isReadable(labels []string) bool {
	rightToLeft := func(s string) bool { return bidirule.DirectionString(s) != bidi.LeftToRight }
	valid, found := true, false
	for _, label := range labels {
		found = found || rightToLeft(label)
		valid = valid && bidirule.ValidString(label)
	}
	return valid || !found
}

// isOneLanguage reports whether the letters of a label are of one script, or
// of those that Chinese, Japanese and Korean mix with Latin: what UTS 39
// section 5.2 calls highly restrictive, and what browsers show. It does not
// tell a whole word of letters that look like others.
func isOneLanguage(label string) bool {
	var found []string
	for _, r := range label {
		name := script(r, found)
		if name == "" || slices.Contains(found, name) {
			continue
		}
		found = append(found, name)
		if len(found) > 1 && !isMix(found) {
			return false
		}
	}
	return true
}

// script returns the name of the script that a character is of, "" if it is of
// all. It looks first where others of the label were found, because there are
// 170 scripts.
func script(r rune, found []string) string {
	for _, name := range found {
		if unicode.Is(unicode.Scripts[name], r) {
			return name
		}
	}
	if unicode.In(r, unicode.Common, unicode.Inherited) {
		return ""
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return "none"
}

// isMix reports whether one language is written in these scripts together.
func isMix(found []string) bool {
	mixes := [][]string{
		{"Latin", "Han", "Hiragana", "Katakana"},
		{"Latin", "Han", "Bopomofo"},
		{"Latin", "Han", "Hangul"},
	}
	return slices.ContainsFunc(mixes, func(mix []string) bool {
		return !slices.ContainsFunc(found, func(name string) bool { return !slices.Contains(mix, name) })
	})
}
