package imapsession

import (
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
)

type (
	single = imap.BodyStructureSinglePart
	multi  = imap.BodyStructureMultiPart
)

func plainText() *single {
	return &single{Type: "TEXT", Subtype: "PLAIN", Params: map[string]string{"charset": "utf-8"}, Encoding: "7BIT", Size: 12, Text: &imap.BodyStructureText{NumLines: 3}}
}

const plainWire = `("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 12 3)`

func TestReadStructure(t *testing.T) {
	extended := plainText()
	extended.Extended = &imap.BodyStructureSinglePartExt{
		Disposition: &imap.BodyStructureDisposition{Value: "ATTACHMENT", Params: map[string]string{"filename": "é.txt"}}, Language: []string{"en", "de"}, Location: "x:y"}
	noLines := plainText()
	noLines.Text = nil
	noLinesExtended := *noLines
	noLinesExtended.Extended = &imap.BodyStructureSinglePartExt{}
	letter := &single{Type: "MESSAGE", Subtype: "RFC822", Encoding: "7BIT", Size: 99, MessageRFC822: &imap.BodyStructureMessageRFC822{
		Envelope: &imap.Envelope{Date: time.Date(2026, 5, 4, 12, 0, 0, 0, time.FixedZone("", 7200)), Subject: "ä",
			From: []imap.Address{{Name: "Ann", Mailbox: "ann", Host: "example.org"}}, InReplyTo: []string{"a@b", "c@d"}, MessageID: "e@f"},
		BodyStructure: plainText(), NumLines: 7}}
	for _, tc := range []struct {
		name, in string
		want     imap.BodyStructure
	}{
		{"text", plainWire, plainText()},
		{"with everything", plainWire[:len(plainWire)-1] + ` "md5" ("ATTACHMENT" ("FileName" "=?utf-8?q?=C3=A9.txt?=")) ("en" "de") "x:y" (more (and more)) 5)`, extended},
		{"several spaces", `(  "TEXT"   "PLAIN" ( "CHARSET"  "utf-8" ) NIL nil  "7BIT"  12 3 )`, plainText()},
		{"literals", "({4}\r\nTEXT {5}\r\nPLAIN ({7}\r\nCHARSET {5}\r\nutf-8) NIL NIL {4}\r\n7BIT 12 3)", plainText()},
		{"no lines", `("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 12)`, noLines},
		{"no lines, extended", `("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 12 NIL NIL NIL NIL)`, &noLinesExtended},
		{"a size of -1, no encoding", `("a" "b" NIL NIL NIL NIL -1)`, &single{Type: "a", Subtype: "b", Encoding: "7bit"}},
		{"a huge size", `("a" "b" NIL NIL NIL "x" 99999999999)`, &single{Type: "a", Subtype: "b", Encoding: "x", Size: 1<<32 - 1}},
		{"an absurd one", `("a" "b" NIL NIL NIL "x" 99999999999999999999999)`, &single{Type: "a", Subtype: "b", Encoding: "x", Size: 1<<32 - 1}},
		{"no types", `(NIL NIL NIL NIL NIL "7BIT" 5)`, &single{Encoding: "7BIT", Size: 5}},
		{"nothing", `()`, &single{Encoding: "7bit"}},
		{"cut short", `("a" "b")`, &single{Type: "a", Subtype: "b", Encoding: "7bit"}},
		{"a parameter that is NIL, one without a value", `("a" "b" ("X" NIL "y") NIL NIL "x" 5)`, &single{Type: "a", Subtype: "b", Params: map[string]string{"x": "", "y": ""}, Encoding: "x", Size: 5}},
		{"values of the wrong kind", `("a" ("b" ("c")) "params" 5 (d) x y)`, &multi{Subtype: "a", Extended: &imap.BodyStructureMultiPartExt{Params: map[string]string{"b": ""}, Disposition: &imap.BodyStructureDisposition{Value: "params"}}}},
		{"a disposition without parameters", `("a" "b" NIL NIL NIL "x" 5 NIL ("INLINE") "de")`, &single{Type: "a", Subtype: "b", Encoding: "x", Size: 5,
			Extended: &imap.BodyStructureSinglePartExt{Disposition: &imap.BodyStructureDisposition{Value: "INLINE"}, Language: []string{"de"}}}},
		{"a disposition without a list", `("a" "b" NIL NIL NIL "x" 5 NIL "INLINE")`, &single{Type: "a", Subtype: "b", Encoding: "x", Size: 5,
			Extended: &imap.BodyStructureSinglePartExt{Disposition: &imap.BodyStructureDisposition{Value: "INLINE"}}}},
		{"an unknown charset", `("a" "b" ("name" "=?x-klingon?q?=41?=") NIL NIL "x" 5)`, &single{Type: "a", Subtype: "b", Params: map[string]string{"name": "=?x-klingon?q?=41?="}, Encoding: "x", Size: 5}},
		{"multipart", `(` + plainWire + plainWire + ` "ALTERNATIVE")`, &multi{Children: []imap.BodyStructure{plainText(), plainText()}, Subtype: "ALTERNATIVE"}},
		{"multipart, extended", `(` + plainWire + ` "MIXED" ("BOUNDARY" "x") NIL NIL NIL)`, &multi{Children: []imap.BodyStructure{plainText()}, Subtype: "MIXED",
			Extended: &imap.BodyStructureMultiPartExt{Params: map[string]string{"boundary": "x"}}}},
		{"multipart without parts", `("MIXED" ("BOUNDARY" "x") NIL NIL)`, &multi{Subtype: "MIXED", Extended: &imap.BodyStructureMultiPartExt{Params: map[string]string{"boundary": "x"}}}},
		{"another", `(NIL "MIXED" ("BOUNDARY" "x") NIL NIL)`, &multi{Subtype: "MIXED"}},
		{"a third", `("MIXED")`, &multi{Subtype: "MIXED"}},
		{"a fourth", `("MIXED" NIL NIL NIL)`, &multi{Subtype: "MIXED"}},
		{"multipart within", `((` + plainWire + ` "RELATED") "MIXED")`, &multi{Children: []imap.BodyStructure{&multi{Children: []imap.BodyStructure{plainText()}, Subtype: "RELATED"}}, Subtype: "MIXED"}},
		{"message", `("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 99 ("Mon, 4 May 2026 12:00:00 +0200" "=?utf-8?q?=C3=A4?=" (("Ann" NIL "ann" "example.org")) NIL NIL NIL NIL NIL "<a@b> <c@d>" "<e@f>") ` + plainWire + ` 7)`, letter},
		{"message, NIL", `("message" "rfc822" NIL NIL NIL "7BIT" 99 NIL NIL 7)`, &single{Type: "message", Subtype: "rfc822", Encoding: "7BIT", Size: 99,
			MessageRFC822: &imap.BodyStructureMessageRFC822{Envelope: &imap.Envelope{}, BodyStructure: &single{}, NumLines: 7}}},
		{"message, nothing but extensions", `("message" "rfc822" NIL NIL NIL "7BIT" 99 NIL ("INLINE" NIL) NIL)`, &single{Type: "message", Subtype: "rfc822", Encoding: "7BIT", Size: 99,
			Extended: &imap.BodyStructureSinglePartExt{Disposition: &imap.BodyStructureDisposition{Value: "INLINE"}}}},
		{"a short envelope", `("message" "rfc822" NIL NIL NIL "7BIT" 99 (NIL "s" (x ("a"))) ` + plainWire + ` 7)`, &single{Type: "message", Subtype: "rfc822", Encoding: "7BIT", Size: 99,
			MessageRFC822: &imap.BodyStructureMessageRFC822{Envelope: &imap.Envelope{Subject: "s", From: []imap.Address{{Name: "a"}}}, BodyStructure: plainText(), NumLines: 7}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := scanner{b: []byte(tc.in + " rest")}
			got := readStructure(&s)
			sameZone(got.Root, tc.want)
			if got.Err != nil || got.Cut || !reflect.DeepEqual(got.Root, tc.want) || string(s.rest()) != " rest" {
				t.Errorf("%s\n%+v, want\n%+v, rest %q", tc.in, show(got.Root), show(tc.want), s.rest())
			}
		})
	}
}

// sameZone makes equal times equal to reflect.
func sameZone(got, want imap.BodyStructure) {
	a, ok := got.(*single)
	b, ok2 := want.(*single)
	if ok && ok2 && a.MessageRFC822 != nil && b.MessageRFC822 != nil && a.MessageRFC822.Envelope.Date.Equal(b.MessageRFC822.Envelope.Date) {
		a.MessageRFC822.Envelope.Date = b.MessageRFC822.Envelope.Date
	}
}

func show(bs imap.BodyStructure) string {
	switch bs := bs.(type) {
	case *single:
		return fmt.Sprintf("%+v ext %+v text %+v", *bs, bs.Extended, bs.Text)
	case *multi:
		return fmt.Sprintf("%+v ext %+v", *bs, bs.Extended)
	}
	return "nil"
}

func TestUnreadableStructures(t *testing.T) {
	for _, in := range []string{"", "NIL", `"text"`, "(", `("text" "plain"`, `("text" "pl`, "((", `(("a" "b") "mixed"`, `("text" "plain" ("a" "b"`, "({9}\r\nx)", ")", "({})"} {
		s := scanner{b: []byte(in)}
		if got := readStructure(&s); got.Err == nil || got.Root != nil || s.i != 0 {
			t.Errorf("%q is read as %v", in, show(got.Root))
		}
	}
}

// What is nested without end is left out, on a small stack.
func TestDeepStructures(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(1 << 20))
	letters := `("message" "rfc822" NIL NIL NIL "7BIT" 99 NIL `
	for name, in := range map[string]string{
		"multiparts": strings.Repeat("(", 200_000) + plainWire + strings.Repeat(` "mixed")`, 200_000),
		"messages":   strings.Repeat(letters, 200_000) + plainWire + strings.Repeat(` 7)`, 200_000),
		"values":     `("a" "b" ` + strings.Repeat("(", 200_000) + strings.Repeat(")", 200_000) + `)`,
		"tildes":     `("a" "b" NIL NIL NIL "x" 5 ` + strings.Repeat("~ ", 1_000_000) + `)`, // each may begin a literal
		"extensions": `("a" "b" NIL NIL NIL "x" 5 NIL NIL NIL NIL ` + strings.Repeat("(", 200_000) + strings.Repeat(")", 200_000) + `)`,
	} {
		t.Run(name, func(t *testing.T) {
			s := scanner{b: []byte(in)}
			got := readStructure(&s)
			if got.Err != nil || !s.done() {
				t.Fatalf("%v, %d bytes left", got.Err, len(s.rest()))
			}
			if deep := name == "multiparts" || name == "messages"; got.Cut != deep {
				t.Errorf("cut: %v", got.Cut)
			}
			depth := 0
			got.Root.Walk(func(path []int, _ imap.BodyStructure) bool { depth = max(depth, len(path)); return true })
			if depth > maxPartDepth+1 {
				t.Errorf("%d deep", depth)
			}
		})
	}
}

// A structure of many parts keeps the numbers of the first ones, and says that
// there are more.
func TestWideStructures(t *testing.T) {
	for in, want := range map[string]int{
		"(" + strings.Repeat(plainWire, maxParts-1) + ` "mixed")`:                                 maxParts - 1,
		"(" + strings.Repeat(plainWire, 10*maxParts) + ` "mixed")`:                                maxParts - 1,
		"((" + strings.Repeat("(()", 3*maxParts) + strings.Repeat(")", 3*maxParts) + `) "mixed")`: 1,
	} {
		s := scanner{b: []byte(in)}
		got := readStructure(&s)
		root, ok := got.Root.(*multi)
		if !ok || len(root.Children) != want || root.Subtype != "mixed" && want > 1 || got.Cut != (len(in) > maxParts*len(plainWire)+20 || want == 1) {
			t.Errorf("%.20s...: %d parts, cut %v, %v", in, len(root.Children), got.Cut, got.Err)
		}
	}
	params := `("a" "b" (` + strings.Repeat(`"k" "v" `, 1000) + `"z" "z") NIL NIL "x" 5)`
	s := scanner{b: []byte(params)}
	if got := readStructure(&s).Root.(*single); len(got.Params) != 1 || got.Size != 5 {
		t.Errorf("%+v", got)
	}
}

// Lists within a structure, and parts within a response, are cut at their limits.
func TestLongListsAreCut(t *testing.T) {
	long := "(" + strings.Repeat(`("a" NIL "b" "c")`, 5*maxAddresses) + ")"
	in := `("message" "rfc822" NIL NIL NIL "7BIT" 99 (NIL "s" ` + long + long + `) ` + plainWire + ` 7 NIL NIL (` + strings.Repeat(`"de" `, 5*maxParameters) + `))`
	got, ok := readStructure(&scanner{b: []byte(in)}).Root.(*single)
	if !ok || got.Extended == nil || len(got.Extended.Language) != maxParameters {
		t.Fatalf("%v", show(got))
	}
	if e := got.MessageRFC822.Envelope; len(e.From) != maxAddresses || len(e.Sender) != maxAddresses || len(messageIDs(strings.Repeat("<a>", 10*maxAddresses))) != maxAddresses {
		t.Errorf("%d addresses", len(e.From))
	}
	var parts strings.Builder
	for i := range 10 * maxSections {
		fmt.Fprintf(&parts, ` BODY[%d] "x"`, i+1)
	}
	m, ok := parseFetch(&scanner{b: []byte("(UID 5" + parts.String() + ")")}, itemParts)
	if !ok || len(m.parts) != maxSections {
		t.Errorf("%d parts, %v", len(m.parts), ok)
	}
}

func FuzzBodyStructure(f *testing.F) {
	for _, seed := range []string{plainWire, `(` + plainWire + plainWire + ` "MIXED" ("BOUNDARY" "x") ("inline" ("a" "b")) ("de" "en") "loc" 5)`,
		`("message" "rfc822" NIL NIL NIL "7BIT" 99 (NIL "s" (("a" NIL "b" "c")) NIL NIL NIL NIL NIL "<a@b>" "<c@d>") ` + plainWire + ` 7)`,
		`("MIXED" ("BOUNDARY" "x") NIL NIL)`, `(NIL NIL NIL NIL NIL NIL -1)`, "({4}\r\ntext \"a\\\"b\" NIL NIL NIL \"x\" 5)", `("a"b" "c")`} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, patient bool) {
		s := scanner{b: in, patient: patient}
		got := readStructure(&s)
		if (got.Root == nil) != (got.Err != nil) {
			t.Fatalf("%v and %v", got.Root, got.Err)
		}
		if got.Root == nil {
			return
		}
		parts := 0
		// It panics on a part that is nil.
		got.Root.Walk(func(path []int, part imap.BodyStructure) bool {
			if parts++; len(path) > maxPartDepth+1 {
				t.Fatalf("%d deep", len(path))
			}
			return part.MediaType() != "" && part.Disposition() != nil || true
		})
		if parts > maxParts+1 || got.footprint < len(in[:s.i]) {
			t.Fatalf("%d parts, footprint %d of %d bytes", parts, got.footprint, s.i)
		}
	})
}
