package facts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
)

// single makes a part of a BODYSTRUCTURE: "text/plain", with what the changes say.
func single(mediaType string, changes ...func(*imap.BodyStructureSinglePart)) imap.BodyStructure {
	primary, subtype, _ := strings.Cut(mediaType, "/")
	bs := &imap.BodyStructureSinglePart{Type: primary, Subtype: subtype, Encoding: "7BIT", Size: 100}
	for _, change := range changes {
		change(bs)
	}
	return bs
}

func multi(subtype string, children ...imap.BodyStructure) imap.BodyStructure {
	return &imap.BodyStructureMultiPart{Subtype: subtype, Children: children}
}

type change = func(*imap.BodyStructureSinglePart)

func disposed(value, name string) change {
	return func(bs *imap.BodyStructureSinglePart) {
		d := &imap.BodyStructureDisposition{Value: value}
		if name != "" {
			d.Params = map[string]string{"filename": name}
		}
		bs.Extended = &imap.BodyStructureSinglePartExt{Disposition: d}
	}
}

func named(name string) change {
	return func(bs *imap.BodyStructureSinglePart) { bs.Params = map[string]string{"name": name} }
}

func sized(encoding string, n uint32) change {
	return func(bs *imap.BodyStructureSinglePart) { bs.Encoding, bs.Size = encoding, n }
}

func withID(bs *imap.BodyStructureSinglePart) { bs.ID = "<picture@x>" }

func TestFind(t *testing.T) {
	plain, html := single("TEXT/PLAIN"), single("text/html")
	empty := single("text/plain", sized("7bit", 2))
	for name, tt := range map[string]struct {
		root               imap.BodyStructure
		text, html, report string
	}{
		"nothing":               {nil, "", "", ""},
		"plain":                 {plain, "1", "", ""},
		"a type not understood": {single("/"), "1", "", ""},
		"html":                  {html, "1", "1", ""},
		"pdf":                   {single("application/pdf"), "", "", ""},
		"alternative":           {multi("ALTERNATIVE", plain, html), "1", "2", ""},
		"html before plain":     {multi("alternative", html, plain), "2", "1", ""},
		"plain is empty":        {multi("alternative", empty, html), "2", "2", ""},
		"all is empty":          {multi("mixed", empty, empty), "1", "", ""},
		"mixed, nested":         {multi("mixed", multi("alternative", plain, multi("related", html, single("image/png"))), single("application/pdf")), "1.1", "1.2.1", ""},
		"related around":        {multi("related", multi("alternative", plain, html), single("image/png", withID)), "1.1", "1.2", ""},
		"plain of the inner":    {multi("alternative", multi("related", html), multi("mixed", plain)), "2.1", "1.1", ""},
		"another alternative":   {multi("mixed", multi("alternative", html), multi("alternative", plain)), "1.1", "1.1", ""},
		"one within another":    {multi("alternative", multi("alternative", html), plain), "2", "1.1", ""},
		"html, then a footer":   {multi("mixed", html, plain), "1", "1", ""},
		"signed":                {multi("signed", multi("alternative", plain, html), single("application/pgp-signature")), "1.1", "1.2", ""},
		"text is an attachment": {multi("mixed", single("text/plain", disposed("attachment", "")), plain), "2", "", ""},
		"text comes after":      {multi("mixed", single("application/pdf"), plain), "2", "", ""},
		"text in a message":     {multi("mixed", single("message/rfc822")), "", "", ""},
		"a bounce":              {multi("report", plain, single("message/delivery-status"), single("message/rfc822")), "1", "", "2"},
		"a bounce, nested":      {multi("mixed", multi("report", plain, single("message/delivery-status")), single("text/plain")), "1.1", "", "1.2"},
		"a bounce in mixed":     {multi("mixed", plain, single("message/delivery-status")), "1", "", "2"},
		"the one of the report": {multi("mixed", single("message/delivery-status"), multi("report", plain, single("message/delivery-status"))), "2.1", "", "2.2"},
		"a bounce in UTF-8":     {multi("report", plain, single("message/global-delivery-status")), "1", "", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewStructure(tt.root)
			for c, want := range map[Content]string{TextContent: tt.text, HTMLContent: tt.html, ReportContent: tt.report} {
				if got := section(s, c); got != want {
					t.Errorf("content %d is part %q, want %q", c, got, want)
				}
			}
		})
	}
}

func section(s *Structure, c Content) string {
	p, ok := s.Find(c)
	if !ok {
		return ""
	}
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(p.Section()), "[]"), " ", ".")
}

func TestPartIsComparable(t *testing.T) {
	s := NewStructure(single(`"Text"/Plain;`, sized(`"QUOTED-PRINTABLE" (x)`, 7), func(bs *imap.BodyStructureSinglePart) {
		bs.Params = map[string]string{"charset": ` 'KOI8-R'; x `}
	}))
	p := s.leaves[0].Part
	p.section = nil
	if want := (Part{Type: "text/plain", Charset: "koi8-r", Encoding: "quoted-printable", Size: 7}); !samePart(p, want) {
		t.Errorf("part %+v, want %+v", p, want)
	}
}

func TestTokensAreBounded(t *testing.T) {
	s := NewStructure(single(strings.Repeat("x", 1000)+"/"+strings.Repeat("y", 1000), sized(strings.Repeat("z", 1000), 1)))
	if p := s.leaves[0].Part; len(p.Type) != 2*maxToken+1 || len(p.Encoding) != maxToken {
		t.Errorf("a type of %d octets, an encoding of %d", len(p.Type), len(p.Encoding))
	}
}

func samePart(a, b Part) bool {
	return a.Type == b.Type && a.Charset == b.Charset && a.Encoding == b.Encoding && a.Size == b.Size
}

func TestSectionIsACopy(t *testing.T) {
	s := NewStructure(multi("mixed", single("text/plain")))
	p, _ := s.Find(TextContent)
	p.Section()[0] = 9
	if got := section(s, TextContent); got != "1" {
		t.Errorf("the structure was changed: part %s", got)
	}
}

func TestAttachments(t *testing.T) {
	plain, html := single("text/plain"), single("text/html")
	pdf := Attachment{Name: "a.pdf", Type: "application/pdf", Size: 100}
	pdfPart := single("application/pdf", disposed("ATTACHMENT", "a.pdf"))
	for name, tt := range map[string]struct {
		root  imap.BodyStructure
		want  []Attachment
		paper bool
	}{
		"nothing":                    {nil, nil, false},
		"text":                       {plain, nil, false},
		"a file alone":               {pdfPart, []Attachment{pdf}, true},
		"text and a file":            {multi("mixed", plain, pdfPart), []Attachment{pdf}, true},
		"named by the type":          {multi("mixed", plain, single("application/pdf", named("a.pdf"))), []Attachment{pdf}, true},
		"no name, no disposition":    {multi("mixed", plain, single("application/pdf")), []Attachment{{Type: "application/pdf", Size: 100}}, true},
		"the footer of a list":       {multi("mixed", html, plain), nil, false},
		"named text":                 {multi("mixed", plain, single("text/plain", disposed("inline", "a.diff"))), []Attachment{{"a.diff", "text/plain", 100, true}}, true},
		"named text further in":      {multi("mixed", plain, multi("mixed", single("text/plain", named("a.diff")))), []Attachment{{"a.diff", "text/plain", 100, false}}, true},
		"text called attachment":     {multi("mixed", plain, single("text/plain", disposed("attachment", ""))), []Attachment{{"", "text/plain", 100, false}}, true},
		"the text itself is named":   {multi("alternative", plain, single("text/html", named("mail.html"))), nil, false},
		"the only text is named":     {single("text/plain", named("mail.txt")), nil, false},
		"AMP and an invitation":      {multi("alternative", plain, single("text/x-amp-html"), html, single("text/calendar")), nil, false},
		"a named invitation":         {multi("mixed", plain, single("application/ics", named("invite.ics"))), []Attachment{{"invite.ics", "application/ics", 100, false}}, true},
		"a logo":                     {multi("related", html, single("image/png", named("logo.png"), withID)), []Attachment{{"logo.png", "image/png", 100, true}}, false},
		"a logo called attachment":   {multi("related", html, single("image/png", disposed("attachment", "i.png"), withID)), []Attachment{{"i.png", "image/png", 100, true}}, false},
		"a logo further in":          {multi("related", html, multi("mixed", single("image/png", named("logo.png"), withID))), []Attachment{{"logo.png", "image/png", 100, true}}, false},
		"a PDF called attachment":    {multi("related", html, single("application/pdf", disposed("attachment", "a.pdf"), withID)), []Attachment{pdf}, true},
		"a nameless resource":        {multi("related", html, single("image/png", withID)), nil, false},
		"a PDF in a related":         {multi("related", html, single("application/pdf", disposed("inline", "a.pdf"))), []Attachment{{"a.pdf", "application/pdf", 100, true}}, true},
		"a photo from a telephone":   {multi("mixed", plain, single("image/jpeg", disposed("inline", "a.jpg"), withID)), []Attachment{{"a.jpg", "image/jpeg", 100, true}}, true},
		"a signature":                {multi("signed", plain, single("application/pkcs7-signature", disposed("attachment", "smime.p7s"))), nil, false},
		"a signature of PGP":         {multi("signed", plain, single("application/pgp-signature", named("signature.asc"))), nil, false},
		"a signature passed on":      {multi("mixed", multi("mixed", plain, single("application/x-pkcs7-signature", named("smime.p7s"))), plain), nil, false},
		"encrypted, PGP":             {multi("encrypted", single("application/pgp-encrypted"), single("application/octet-stream", disposed("inline", "encrypted.asc"))), nil, false},
		"encrypted, S/MIME":          {single("application/pkcs7-mime", disposed("attachment", "smime.p7m")), nil, false},
		"a bounce":                   {multi("report", plain, single("message/delivery-status"), single("text/rfc822-headers")), nil, false},
		"a bounce with its message":  {multi("report", plain, single("message/delivery-status"), single("message/rfc822")), []Attachment{{"", "message/rfc822", 100, false}}, true},
		"a status that is forwarded": {multi("mixed", plain, single("message/delivery-status")), []Attachment{{"", "message/delivery-status", 100, false}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewStructure(tt.root)
			got, err := s.Attachments()
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("attachments %+v, %v, want %+v", got, err, tt.want)
			}
			if has, err := s.HasAttachment(); err != nil || has != tt.paper {
				t.Errorf("HasAttachment = %v, %v, want %v", has, err, tt.paper)
			}
		})
	}
}

// An attached message is one attachment whatever is in it.
func TestAttachedMessageIsNotLookedInto(t *testing.T) {
	inner := multi("mixed", single("text/html"), single("application/pdf", disposed("attachment", "a.pdf")))
	s := NewStructure(multi("mixed", single("image/png"), single("message/rfc822", func(bs *imap.BodyStructureSinglePart) {
		bs.MessageRFC822 = &imap.BodyStructureMessageRFC822{BodyStructure: inner}
	})))
	if got, err := s.Attachments(); err != nil || len(got) != 2 || got[1].Type != "message/rfc822" {
		t.Errorf("attachments %+v, %v", got, err)
	}
	if p, ok := s.Find(HTMLContent); ok {
		t.Errorf("found the text of the attached message: %+v", p)
	}
}

func TestDecodedSize(t *testing.T) {
	for _, tt := range []struct {
		encoding string
		size     uint32
		want     int64
	}{{"BASE64", 78, 57}, {"base64", 780, 570}, {"base64", 0, 0}, {"7bit", 780, 780}, {"quoted-printable", 780, 780}} {
		got, _ := NewStructure(single("image/png", sized(tt.encoding, tt.size))).Attachments()
		if len(got) != 1 || got[0].Size != tt.want {
			t.Errorf("%s, %d octets: %+v, want a size of %d", tt.encoding, tt.size, got, tt.want)
		}
	}
}

func TestStructureSaysWhereItWasCut(t *testing.T) {
	for name, tt := range map[string]struct {
		root imap.BodyStructure
		cut  bool
	}{
		"500 parts":       {multi("mixed", manyTexts(maxParts-1)...), false},
		"501 parts":       {multi("mixed", manyTexts(maxParts)...), true},
		"501 in the last": {multi("mixed", append(manyTexts(maxParts-2), multi("mixed", manyTexts(1)...))...), true},
		"depth 32":        {nested(maxDepth), false},
		"depth 33":        {nested(maxDepth + 1), true},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewStructure(tt.root)
			got, err := s.Attachments()
			has, errHas := s.HasAttachment()
			if cut := errors.Is(err, ErrTooManyParts); cut != tt.cut || errors.Is(errHas, ErrTooManyParts) != tt.cut {
				t.Errorf("Attachments: %v, HasAttachment: %v, want the error: %v", err, errHas, tt.cut)
			}
			if got != nil || has {
				t.Errorf("attachments %v of a message that has none", got)
			}
		})
	}
	seen := NewStructure(multi("mixed", append([]imap.BodyStructure{single("image/png")}, manyTexts(maxParts)...)...))
	if has, err := seen.HasAttachment(); !has || err != nil {
		t.Errorf("HasAttachment = %v, %v, though one was seen", has, err)
	}
}

func manyTexts(n int) []imap.BodyStructure {
	return slices.Repeat([]imap.BodyStructure{single("text/plain")}, n)
}

func nested(depth int) imap.BodyStructure {
	bs := single("text/plain")
	for range depth {
		bs = multi("mixed", bs)
	}
	return bs
}

func TestNilStructure(t *testing.T) {
	var s *Structure
	if _, ok := s.Find(TextContent); ok {
		t.Error("found a part")
	}
	if got, err := s.Attachments(); got != nil || err != nil {
		t.Errorf("attachments %v, %v", got, err)
	}
	if has, err := s.HasAttachment(); has || err != nil {
		t.Errorf("HasAttachment = %v, %v", has, err)
	}
}
