package attachment

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// maxName is the most octets of the name of a file or a folder.
	maxName = 120
	// maxExtension is the most octets of an extension that a cut keeps.
	maxExtension = 16
	// maxLevels is the most folders of a pattern.
	maxLevels = 8
)

var (
	errNoLevel = errors.New("a folder of the pattern has no name for this message")
	errLevels  = errors.New("the pattern has more than 8 folders")
)

// Piece is a piece of a filled pattern, which names a file below the folder.
//
// What the owner of the rules wrote can hold "/", which goes down into a folder.
// Where Mail is set the text came from a message, and can not: it fills a part
// of one name. Every name loses control characters, those that turn the
// direction of writing, leading dots, and dots and space at its end; what some
// system gives a meaning (/ \ : * ? " < > |) becomes "_", and so begins what
// Windows reserves ("_CON"). It is in the normal form C and has at most 120
// octets; its extension survives the cut.
//
// A pattern that ends in "/" means the attachment's own name there. A folder that
// is left without a name fails that file.
type Piece struct {
	Text string
	Mail bool
}

// path returns the folders and the name that pieces mean for a part.
func path(pieces []Piece, p Part) (folders []string, name string, err error) {
	var pattern strings.Builder
	for _, piece := range pieces {
		text := piece.Text
		if piece.Mail {
			text = strings.Map(noSeparator, text)
		}
		pattern.WriteString(text)
	}
	levels := strings.Split(pattern.String(), "/")
	if len(levels) > maxLevels+1 {
		return nil, "", errLevels
	}
	for _, level := range levels[:len(levels)-1] {
		folder := cleanName(level)
		if folder == "" {
			return nil, "", errNoLevel
		}
		folders = append(folders, folder)
	}
	return folders, fileName(levels[len(levels)-1], p), nil
}

// fileName returns a name for a part in any case.
func fileName(s string, p Part) string {
	if name := cleanName(s); name != "" {
		return name
	}
	if name := cleanName(p.Name); name != "" {
		return name
	}
	return "attachment" + extension(p.Type)
}

// extension returns that of the types that often come without a name.
func extension(mediaType string) string {
	switch mediaType {
	case "message/rfc822", "message/global":
		return ".eml"
	case "application/pdf":
		return ".pdf"
	case "text/calendar":
		return ".ics"
	case "text/plain":
		return ".txt"
	case "text/html":
		return ".html"
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	}
	return ".bin"
}

func noSeparator(r rune) rune {
	if r == '/' || r == '\\' {
		return '_'
	}
	return r
}

// cleanName makes one name of a text, "" where nothing is left.
func cleanName(s string) string {
	s = strings.Map(safe, strings.ToValidUTF8(s, "_"))
	s = strings.TrimLeft(norm.NFC.String(s), ". ")
	s = strings.TrimRight(cut(s, ""), ". ")
	if isReserved(s) {
		s = cut("_"+s, "")
	}
	return s
}

// safe drops what is not seen, but for the joiners that some scripts need.
func safe(r rune) rune {
	const zeroWidthNonJoiner, zeroWidthJoiner = 0x200c, 0x200d
	switch {
	case strings.ContainsRune(`/\:*?"<>|`, r):
		return '_'
	case unicode.Is(unicode.Zs, r):
		return ' '
	case unicode.IsGraphic(r), r == zeroWidthJoiner, r == zeroWidthNonJoiner:
		return r
	}
	return -1
}

// isReserved reports whether Windows takes a name for a device, whatever its
// extension.
func isReserved(s string) bool {
	stem, _, _ := strings.Cut(s, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	port, ok := strings.CutPrefix(stem, "COM")
	if !ok {
		port, ok = strings.CutPrefix(stem, "LPT")
	}
	return ok && utf8.RuneCountInString(port) == 1 && strings.Contains("0123456789¹²³", port)
}

// numbered returns the n-th name for a file: "a.pdf", "a (2).pdf", ...
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	return cut(name, " ("+strconv.Itoa(n)+")")
}

// cut puts a suffix before the extension and shortens what is before both to
// what a name may have, without half a character.
func cut(name, suffix string) string {
	stem, ext := name, ""
	if at := strings.LastIndexByte(name, '.'); at > 0 && len(name)-at <= maxExtension+1 {
		stem, ext = name[:at], name[at:]
	}
	n := min(len(stem), maxName-len(suffix)-len(ext))
	for n > 0 && n < len(stem) && !utf8.RuneStart(stem[n]) {
		n--
	}
	return stem[:n] + suffix + ext
}
