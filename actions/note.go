package actions

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The fields by which a message of ours is known.
const (
	// FieldRule has the name of the rule.
	FieldRule = "X-Imapilot"
	// FieldID has an id that no other message has.
	FieldID = "X-Imapilot-Id"
)

const (
	// foldAt is where lines of a header are folded (RFC 5322 section 2.1.1).
	foldAt = 78
	// maxPlainWord is the longest word that goes unencoded, so that a line can be
	// folded.
	maxPlainWord = 60
	// nobody is the domain of an account without an address (RFC 2606 section 2).
	nobody = "imapilot.invalid"
)

// Origin is what an append says of where it comes from. The same origin makes the same
// message.
type Origin struct {
	// ID is of letters, digits and the like; Rule is any text.
	ID, Rule string
	// From is the account's address; anything else is not told to anybody.
	From string
	// At is the Date of a note.
	At time.Time
}

// MessageID is that of a note, with its brackets.
func (o Origin) MessageID() string {
	_, domain, _ := strings.Cut(o.address(), "@")
	return notePrefix + o.ID + "@" + domain + ">"
}

// notePrefix begins the Message-IDs of notes.
const notePrefix = "<imapilot.note."

// IsNote reports whether a Message-ID is that of a note.
func IsNote(messageID string) bool { return strings.HasPrefix(messageID, notePrefix) }

// address is who a note is from.
func (o Origin) address() string {
	a, err := mail.ParseAddress("<" + o.From + ">")
	if err != nil || a.Address != o.From || !isVisible(a.Address) {
		return "imapilot@" + nobody
	}
	return a.Address
}

// Message is what an append adds: fields before the original, of which nothing is
// changed, or a note, which has none.
func (a Append) Message(o Origin, original []byte) []byte {
	var b bytes.Buffer
	if a.Note {
		a.writeNote(&b, o)
		return b.Bytes()
	}
	if !slices.ContainsFunc(a.Header, func(f Field) bool { return strings.EqualFold(f.Name, FieldRule) }) {
		writeField(&b, FieldRule, words(o.Rule)...)
	}
	writeField(&b, FieldID, o.ID)
	for _, f := range a.Header {
		writeField(&b, f.Name, words(f.Value)...)
	}
	b.Write(original)
	return b.Bytes()
}

// writeNote writes a message of our own (RFC 5322). Nobody answers it by itself
// (RFC 3834 section 5).
func (a Append) writeNote(b *bytes.Buffer, o Origin) {
	writeField(b, "Date", strings.Fields(o.At.UTC().Format(time.RFC1123Z))...)
	writeField(b, "From", "imapilot", "<"+o.address()+">")
	writeField(b, "Subject", words(a.Subject)...)
	writeField(b, "Message-ID", o.MessageID())
	writeField(b, "Auto-Submitted", "auto-generated")
	writeField(b, FieldRule, words(o.Rule)...)
	writeField(b, FieldID, o.ID)
	writeField(b, "MIME-Version", "1.0")
	writeField(b, "Content-Type", "text/plain;", "charset=utf-8")
	writeField(b, "Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(b)
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(a.Body)
	_, _ = w.Write([]byte(strings.ReplaceAll(strings.TrimRight(lines, "\n")+"\n", "\n", "\r\n"))) // a buffer takes everything
	_ = w.Close()
}

// writeField writes a header field, folded between its words (RFC 5322 section 2.2.3).
func writeField(b *bytes.Buffer, name string, words ...string) {
	line := name + ":"
	for i, word := range words {
		if i > 0 && len(line)+1+len(word) > foldAt {
			b.WriteString(line + "\r\n")
			line = ""
		}
		line += " " + word
	}
	b.WriteString(line + "\r\n")
}

// words are those of a header field that say a text: itself, or encoded (RFC 2047)
// where it holds what cannot stand in a header, or what only looks encoded. None can
// end the field.
func words(text string) []string {
	all := strings.Fields(text)
	if isVisible(text) && !strings.Contains(text, "=?") && !slices.ContainsFunc(all, func(w string) bool { return len(w) > maxPlainWord }) {
		return all
	}
	var out []string
	// 45 octets make a word of at most 75 (section 2); none ends inside a character
	// (section 5).
	for text = strings.ToValidUTF8(strings.Join(all, " "), "\uFFFD"); text != ""; {
		n := min(45, len(text))
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		out = append(out, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(text[:n]))+"?=")
		text = text[n:]
	}
	return out
}

// isVisible reports whether a text is of visible ASCII and blanks.
func isVisible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
