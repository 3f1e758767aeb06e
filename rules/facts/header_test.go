package facts

import (
	"strings"
	"testing"
	"time"
)

func TestParseHeaderKeepsWhatFollowsABadLine(t *testing.T) {
	for name, bad := range map[string]string{
		"mbox line":         "From alice@example.org Mon Jan  2 10:00:00 2006\r\n",
		"quoted mbox line":  ">From alice@example.org\r\n",
		"no colon":          "garbage without a colon\r\n",
		"empty name":        ": value\r\n",
		"8-bit name":        "S\xfcbject: x\r\n",
		"space in the name": "Not A Field: x\r\n",
		"NUL":               "\x00\x00\r\n",
		"folded garbage":    "garbage\r\n : more garbage\r\n",
		"64 KB line":        "X-Long: " + strings.Repeat("x", 64<<10) + "\r\n",
		"leading fold":      " lost: 1\r\n",
		"bare CR":           "X-CR: a\rSubject: forged\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			h := ParseHeader([]byte(bad + "Subject: kept\r\n\r\nbody"))
			if got := h.Subject(); got != "kept" {
				t.Errorf("Subject = %q, want the one after the bad line", got)
			}
		})
	}
}

func TestParseHeaderForms(t *testing.T) {
	for _, tt := range []struct{ name, raw, field, want string }{
		{"CRLF", "A: 1\r\nB: 2\r\n\r\n", "b", "2"},
		{"LF only", "A: 1\nB: 2\n\n", "B", "2"},
		{"no end", "A: 1\r\nB: 2", "B", "2"},
		{"body is not header", "A: 1\r\n\r\nB: 2\r\n", "B", ""},
		{"space before the colon", "A : 1\r\n", "A", "1"},
		{"fold", "A: one\r\n\ttwo\r\n three\r\n", "A", "one two three"},
		{"NUL is dropped", "A: o\x00ne\r\n", "A", "one"},
		{"CR in a value", "A: one\rtwo\r\n", "A", "one two"},
		{"first of many", "A: 1\r\nA: 2\r\n", "A", "1"},
		{"raw UTF-8", "A: Grüße\r\n", "A", "Grüße"},
		{"raw Latin-1", "A: Gr\xfc\xdfe\r\n", "A", "Grüße"},
		{"raw Windows-1252", "A: \x93x\x94\r\n", "A", "“x”"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ParseHeader([]byte(tt.raw)).First(tt.field); got != tt.want {
				t.Errorf("First(%q) = %q, want %q", tt.field, got, tt.want)
			}
		})
	}
	if got := ParseHeader([]byte("A: 1\r\na: =?utf-8?q?2?=\r\n")).Values("A"); len(got) != 2 || got[1] != "2" {
		t.Errorf("Values = %q, want both, decoded", got)
	}
}

func TestDecodeWords(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"q", "=?utf-8?q?Gr=C3=BC=C3=9Fe_an_dich?=", "Grüße an dich"},
		{"q text begins with =", "=?utf-8?Q?=C3=BC?=", "ü"},
		{"b", "=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"},
		{"b without padding", "=?UTF-8?B?R3LDvMOfZQ?=", "Grüße"},
		{"latin1", "=?iso-8859-1?q?Gr=FC=DFe?=", "Grüße"},
		{"latin1 with 1252 quotes", "=?iso-8859-1?q?=93x=94?=", "“x”"},
		{"koi8-r", "=?koi8-r?B?8NLJ18XU?=", "Привет"},
		{"gb2312", "=?gb2312?B?xOO6ww==?=", "你好"},
		{"iso-2022-jp", "=?iso-2022-jp?B?GyRCJDMkcxsoQg==?=", "こん"},
		{"language", "=?utf-8*en?q?hi?=", "hi"},
		{"two words", "=?utf-8?q?a?= =?utf-8?q?b?=", "ab"},
		{"two charsets", "=?utf-8?q?a?= =?iso-8859-1?q?=FC?= c", "aü c"},
		{"split character", "=?utf-8?B?w7w=?= =?utf-8?q?=C3?= =?utf-8?q?=BC?=", "üü"},
		{"text around", "Re: =?utf-8?q?x?= and y", "Re: x and y"},
		{"unknown charset", "=?x-unknown?q?abc?=", "=?x-unknown?q?abc?="},
		{"unknown charset before a good word", "=?x-unknown?q?abc?= =?utf-8?q?d?=", "=?x-unknown?q?abc?=d"},
		{"unknown encoding", "=?utf-8?x?abc?=", "=?utf-8?x?abc?="},
		{"bad base64", "=?utf-8?b?!!!?=", "=?utf-8?b?!!!?="},
		{"bad q", "=?utf-8?q?=ZZ?=", "=?utf-8?q?=ZZ?="},
		{"no end", "=?utf-8?q?abc", "=?utf-8?q?abc"},
		{"malformed before a good word", "=?broken =?utf-8?q?x?=", "=?broken x"},
		{"invalid UTF-8", "=?utf-8?q?a=FFb?=", "a\uFFFDb"},
		{"line ends inside", "=?utf-8?q?a=0D=0ABcc:_b?=", "a  Bcc: b"},
		{"NUL inside", "=?utf-8?q?a=00b?=", "ab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := decodeWords(tt.in); got != tt.want {
				t.Errorf("decodeWords(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestList(t *testing.T) {
	for _, tt := range []struct{ raw, id, name, title string }{
		{`Go Nuts <golang-nuts.googlegroups.com>`, "golang-nuts.googlegroups.com", "golang-nuts", "Go Nuts"},
		{`"Quoted, title" <A.Example.ORG>`, "a.example.org", "a", "Quoted, title"},
		{`=?utf-8?q?Gr=C3=BC=C3=9Fe?= <x.example>`, "x.example", "x", "Grüße"},
		{`<only.example>`, "only.example", "only", ""},
		{`bare.example`, "bare.example", "bare", ""},
		{`just a title`, "", "", "just a title"},
		{`<unclosed.example`, "unclosed.example", "unclosed", ""},
		{`a <b> <c.d>`, "c.d", "c", "a <b>"},
		{``, "", "", ""},
	} {
		h := ParseHeader([]byte("List-Id: " + tt.raw + "\r\n"))
		if h.ListID() != tt.id || h.ListName() != tt.name || h.ListTitle() != tt.title {
			t.Errorf("%q: id %q name %q title %q, want %q %q %q", tt.raw, h.ListID(), h.ListName(), h.ListTitle(), tt.id, tt.name, tt.title)
		}
	}
}

func TestSent(t *testing.T) {
	at := func(zone int) time.Time {
		return time.Date(2006, 1, 2, 15, 4, 5, 0, time.FixedZone("", zone*3600))
	}
	for _, tt := range []struct {
		in   string
		want time.Time
	}{
		{"Mon, 02 Jan 2006 15:04:05 -0700", at(-7)},
		{"Mon, 2 Jan 2006 15:04:05 +0000 (UTC)", at(0)},
		{"2 Jan 2006 15:04:05 GMT", at(0)},
		{"Mon, 2 Jan 2006 15:04:05 EST", at(-5)},
		{"Mon, 2 Jan 2006 15:04:05 CEST", at(0)},
		{"Mon, 2 Jan 2006 15:04:05", at(0)},
		{"Mon, 2 Jan 06 15:04:05 +0100", at(1)},
		{"Mon, 2 January 2006 15:04:05 +01:00", at(1)},
		{"Mon Jan  2 15:04:05 2006", at(0)},
		{"Mon Jan  2 15:04:05 +0200 2006", at(2)},
		{"02-Jan-2006 15:04:05 +0200", at(2)},
		{"2006-01-02T15:04:05+02:00", at(2)},
		{"2006-01-02 15:04:05 +0200", at(2)},
		{"2006-01-02 15:04:05", at(0)},
		{"Mon, 2 Jan 2006 15:04:05 GMT+0200", at(2)},
		{"Mon, 31 Feb 2006 15:04:05 +0000", time.Time{}},
		{"yesterday", time.Time{}},
		{"", time.Time{}},
		{"99 99 99", time.Time{}},
	} {
		if got := ParseHeader([]byte("Date: " + tt.in + "\r\n")).Sent(); !got.Equal(tt.want) {
			t.Errorf("Sent(%q) = %v, want %v", tt.in, got, tt.want)
		}
	}
	received := time.Unix(1000, 0)
	if got := (&Message{Received: received, Header: ParseHeader([]byte("A: b\r\n"))}).Sent(); !got.Equal(received) {
		t.Errorf("without a Date: %v, want the INTERNALDATE", got)
	}
}

func TestMessageID(t *testing.T) {
	for in, want := range map[string]string{
		"<a@b>":                              "<a@b>",
		"  <a@b>  ":                          "<a@b>",
		"a b":                                "a b",
		"<" + strings.Repeat("x", 600) + ">": "<" + strings.Repeat("x", 511),
	} {
		if got := ParseHeader([]byte("Message-Id: " + in + "\r\n")).MessageID(); got != want {
			t.Errorf("MessageID(%q) = %q, want %q", in, got, want)
		}
	}
	var none *Header
	if none.MessageID() != "" || none.Subject() != "" || !none.Sent().IsZero() || none.Addresses("From") != nil {
		t.Error("the nil Header has something")
	}
}

func TestLimits(t *testing.T) {
	many := ParseHeader([]byte(strings.Repeat("A: b\n", 5000)))
	if n := len(many.Values("A")); n != maxFields {
		t.Errorf("%d fields, want %d", n, maxFields)
	}
	long := ParseHeader([]byte("A: " + strings.Repeat("x", 100<<10) + "\nB: kept\n"))
	if n := len(long.First("A")); n != maxValue {
		t.Errorf("a value of %d octets, want %d", n, maxValue)
	}
	if long.First("B") != "kept" {
		t.Error("the field after a long one is lost")
	}
	if ParseHeader([]byte("A: "+strings.Repeat("x", maxHeader)+"\nB: beyond\n")).First("B") != "" {
		t.Error("a field beyond the limit of a header was read")
	}
}

// Hostile shapes whose cost would grow with the square of their size.
func TestHostileHeadersAreCheap(t *testing.T) {
	for name, raw := range map[string]string{
		"folds":              "To: a" + strings.Repeat("\n b", 80000),
		"open comments":      "To: " + strings.Repeat("(", 64000),
		"open quotes":        "To: " + strings.Repeat(`(" `, 20000),
		"open brackets":      "To: " + strings.Repeat("<", 64000),
		"names without end":  "To: " + strings.Repeat("a,", 32000),
		"colons":             "To: " + strings.Repeat("a:", 32000),
		"words":              "To: " + strings.Repeat("=?utf-8?q?a?= ", 4500),
		"broken words":       "To: " + strings.Repeat("=?", 32000),
		"long broken words":  "To: " + strings.Repeat("=?a?q?", 10000),
		"words and more":     "To: x@y (" + strings.Repeat("(a", 30000) + strings.Repeat(")", 30000) + ")",
		"results":            "Authentication-Results: mx.example.org" + strings.Repeat(";dkim=pass header.d=a", 3000),
		"open result quotes": "Authentication-Results: mx.example.org; spf=pass " + strings.Repeat(`a="`, 21000),
		"open result notes":  "Authentication-Results: mx.example.org; " + strings.Repeat(`spf=pass (" `, 5000),
		"many results":       strings.Repeat("Authentication-Results: mx.example.org; dkim=pass header.d=a\n", 2000),
		"unsubscribe":        "List-Unsubscribe: " + strings.Repeat("<", 32000) + strings.Repeat(">", 32000),
		"references":         strings.Repeat("References: "+strings.Repeat("<", 20000)+strings.Repeat("<a>", 14000)+"\n", 4),
		"many words":         "In-Reply-To: " + strings.Repeat("a@ ", 21000),
		"parameters":         "Content-Type: multipart/report" + strings.Repeat(`;a="`, 16000),
		"international":      strings.Repeat("To: "+strings.Repeat("a@"+strings.Repeat("ü.あ.", 7)+"x,", 100)+"\n", 2) + "Cc: " + strings.Repeat("a@"+strings.Repeat("я.α.", 7)+"x,", 100),
		"long labels":        "To: " + strings.Repeat("a@"+strings.Repeat("üéあア漢ñ", 50)+",", 100),
		"one long label":     "To: a@" + distinct(20000),
		"named colons":       "To: " + strings.Repeat("a:", 20000) + "<",
	} {
		t.Run(name, func(t *testing.T) {
			took := askEverything(raw)
			for range 2 { // a busy machine may have stopped it for a while
				if took > 2*time.Second {
					took = askEverything(raw)
				}
			}
			if took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// askEverything parses a header, asks for all there is, and tells how long that
// took.
func askEverything(raw string) time.Duration {
	start := time.Now()
	h := ParseHeader([]byte(raw))
	h.Addresses("To")
	h.First("To")
	for _, ask := range answers() {
		ask(h)
	}
	return time.Since(start)
}

// distinct is a label of n different characters, which Punycode takes one by one.
func distinct(n int) string {
	out := make([]rune, n)
	for i := range out {
		out[i] = rune(0x4e00 + i)
	}
	return string(out)
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte("From: =?utf-8?q?a?= <a@b>, \"x\" (c) <y@z>\r\nTo: g: a@b;\r\nDate: Mon, 2 Jan 2006 15:04:05 EST\r\nList-Id: a <b.c>\r\nSubject: \xff\r\n\r\n"))
	f.Add([]byte("From x\r\nMessage-ID: <a@b>\r\n continued\r\n"))
	addCorpus(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		check(t, ParseHeader(raw))
	})
}
