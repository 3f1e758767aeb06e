package facts

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText returns the text that a reader of the HTML sees, as a browser would
// copy it: no scripts, styles and hidden elements, white space collapsed, lines
// where blocks and line breaks end them. Of a link only the text is kept. It
// takes time in proportion to the input and never fails.
//
// It works on tokens and builds no tree: what a browser repairs at length
// (and with nesting without end) makes no difference to the text.
func htmlText(source string) string {
	r := htmlReader{tokens: html.NewTokenizer(strings.NewReader(source))}
	for r.next() {
	}
	return strings.TrimRight(r.out.String(), " \n")
}

type htmlReader struct {
	tokens *html.Tokenizer
	out    htmlWriter
	hidden hiddenElement
	// drop is set when the next text is not text: of a script or a style.
	drop bool
}

func (r *htmlReader) next() bool {
	kind := r.tokens.Next()
	switch kind {
	case html.ErrorToken:
		return false
	case html.TextToken:
		if !r.drop && !r.hidden.open() {
			r.out.text(r.tokens.Text())
		}
		r.drop = false
	case html.StartTagToken, html.SelfClosingTagToken:
		r.start()
	case html.EndTagToken:
		r.drop = false
		name, _ := r.tokens.TagName()
		r.hidden.end(name)
		r.out.end(atom.Lookup(name))
	}
	return true
}

func (r *htmlReader) start() {
	name, attributes := r.tokens.TagName()
	element := atom.Lookup(name)
	r.drop = isRaw(element)
	if element == atom.Noscript {
		// Mail is shown without scripts, so this is markup and not raw text.
		r.tokens.NextIsNotRawText()
	}
	if r.hidden.open() {
		r.hidden.start(name, element)
	}
	if !r.hidden.open() && !isVoid(element) && (element == atom.Template || attributes && r.isHidden()) {
		r.hidden.begin(name, element)
	}
	if !r.hidden.open() {
		r.out.start(element)
	}
}

// isHidden reads the attributes of the tag. The text that newsletters hide for
// the preview in a list of messages, and the words that spam hides to confuse
// filters, are not what the reader sees.
func (r *htmlReader) isHidden() bool {
	for {
		key, value, more := r.tokens.TagAttr()
		switch string(key) {
		case "hidden":
			return true
		case "style":
			if hidesBy(value) {
				return true
			}
		}
		if !more {
			return false
		}
	}
}

// hidesBy reads the declarations of a style as CSS does: of one property the
// last that means something counts. One with a comment, a quote or a bracket in
// it is not read: in doubt the element is shown.
func hidesBy(style []byte) bool {
	if bytes.ContainsAny(style, "\"'()\\") || bytes.Contains(style, []byte("/*")) {
		return false
	}
	display, visibility := "", ""
	for declaration := range bytes.SplitSeq(bytes.ToLower(style), []byte(";")) {
		property, value, _ := bytes.Cut(declaration, []byte(":"))
		text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(string(value)), "!important"))
		switch string(bytes.TrimSpace(property)) {
		case "display":
			display = text
		case "visibility":
			visibility = text
		}
	}
	return display == "none" || visibility == "hidden"
}

// hiddenElement follows an element that is not shown to its end. Only within
// one are elements counted. In doubt it ends, because text that is shown too
// much costs less than a message without text.
type hiddenElement struct {
	first atom.Atom
	names []string
	count map[string]int
}

func (h *hiddenElement) open() bool { return len(h.names) > 0 }

func (h *hiddenElement) begin(name []byte, element atom.Atom) {
	h.first, h.count = element, map[string]int{}
	h.push(name)
}

func (h *hiddenElement) push(name []byte) {
	h.names = append(h.names, string(name))
	h.count[string(name)]++
}

// maxHidden is the most open elements within a hidden one. One that has more is
// no preview of a newsletter, and is not followed.
const maxHidden = 10000

func (h *hiddenElement) start(name []byte, element atom.Atom) {
	switch {
	case isVoid(element):
	case len(h.names) >= maxHidden, impliesEnd(h.first, element) && h.isFlat():
		h.names = nil
	default:
		h.push(name)
	}
}

// isFlat reports whether no table or list is open in the element: their rows
// and items do not end the one that they are in.
func (h *hiddenElement) isFlat() bool {
	return h.count["table"]+h.count["ul"]+h.count["ol"]+h.count["dl"] == 0
}

// end closes what an end tag closes. One that closes nothing in here closes
// an element around, and this one with it, unless it is a stray inline one.
func (h *hiddenElement) end(name []byte) {
	if !h.open() {
		return
	}
	if h.count[string(name)] == 0 {
		if isBlock(atom.Lookup(name)) {
			h.names = nil
		}
		return
	}
	for {
		last := h.names[len(h.names)-1]
		h.names = h.names[:len(h.names)-1]
		h.count[last]--
		if last == string(name) {
			return
		}
	}
}

// impliesEnd reports whether the start of an element ends an open one whose
// end tag may be left out.
func impliesEnd(open, start atom.Atom) bool {
	switch open {
	case atom.P:
		return isBlock(start)
	case atom.Li:
		return start == atom.Li
	case atom.Dt, atom.Dd:
		return start == atom.Dt || start == atom.Dd
	case atom.Td, atom.Th:
		return start == atom.Td || start == atom.Th || start == atom.Tr
	case atom.Tr:
		return start == atom.Tr
	}
	return false
}

// htmlWriter writes text as a browser lays it out.
type htmlWriter struct {
	strings.Builder
	// space and lines are what is due before the next word. Of two blocks that
	// meet, the larger distance counts.
	space bool
	lines int
	pre   int
}

func (w *htmlWriter) start(element atom.Atom) {
	switch {
	case element == atom.Br:
		w.lines = min(w.lines+1, 2)
	case element == atom.Td || element == atom.Th:
		w.space = true
	case isBlock(element):
		w.lines = max(w.lines, distance(element))
	}
	if element == atom.Pre {
		w.pre++
	}
}

func (w *htmlWriter) end(element atom.Atom) {
	if isBlock(element) && element != atom.Td && element != atom.Th {
		w.lines = max(w.lines, distance(element))
	}
	if element == atom.Pre && w.pre > 0 {
		w.pre--
	}
}

// text writes a run of text whose entities are decoded.
func (w *htmlWriter) text(s []byte) {
	for len(s) > 0 {
		if n := wordSize(s); n > 0 {
			w.due()
			w.Write(s[:n])
			s = s[n:]
			continue
		}
		r, size := utf8.DecodeRune(s)
		switch {
		case isInvisible(r):
		case r == '\n' && w.pre > 0:
			w.lines = min(w.lines+1, 2)
		case unicode.IsSpace(r):
			w.space = true
		default:
			w.due()
			w.WriteRune(r)
		}
		s = s[size:]
	}
}

// wordSize tells how many octets in front are visible ASCII, as nearly all are.
func wordSize(s []byte) int {
	for i, c := range s {
		if c <= ' ' || c >= 0x7f {
			return i
		}
	}
	return len(s)
}

// due writes the white space before a word: lines, else a space, and nothing
// at the start of the text.
func (w *htmlWriter) due() {
	switch {
	case w.Len() == 0:
	case w.lines > 0:
		w.WriteString("\n\n"[:w.lines])
	case w.space:
		w.WriteByte(' ')
	}
	w.lines, w.space = 0, false
}

// isInvisible reports whether r shows nothing and would only keep a rule from
// finding a word: soft hyphens, zero width spaces, word joiners, byte order marks.
func isInvisible(r rune) bool {
	return r == 0 || r == 0xAD || r == 0x34F || r == 0x200B || r == 0x2060 || r == 0xFEFF
}

// distance returns the line ends between an element and what is around it.
func distance(element atom.Atom) int {
	switch element {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Blockquote, atom.Pre, atom.Ul, atom.Ol, atom.Dl:
		return 2
	}
	return 1
}

// isBlock reports whether an element starts and ends a line.
func isBlock(element atom.Atom) bool {
	switch element {
	case atom.Address, atom.Article, atom.Aside, atom.Body, atom.Caption, atom.Center, atom.Dd, atom.Details, atom.Dir,
		atom.Div, atom.Dt, atom.Fieldset, atom.Figcaption, atom.Figure, atom.Footer, atom.Form, atom.Header, atom.Hr,
		atom.Html, atom.Legend, atom.Li, atom.Main, atom.Menu, atom.Nav, atom.Option, atom.Section, atom.Summary,
		atom.Table, atom.Tbody, atom.Td, atom.Tfoot, atom.Th, atom.Thead, atom.Tr:
		return true
	}
	return distance(element) > 1
}

// isRaw reports whether the content of an element is no text to read.
func isRaw(element atom.Atom) bool {
	switch element {
	case atom.Script, atom.Style, atom.Title, atom.Iframe, atom.Noembed, atom.Noframes:
		return true
	}
	return false
}

// isVoid reports whether an element has no content and no end tag.
func isVoid(element atom.Atom) bool {
	switch element {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta,
		atom.Param, atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}
