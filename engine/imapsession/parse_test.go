package imapsession

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

func small() Limits {
	return Limits{Line: 60, Search: 200, Literal: 10, Announced: 50, Response: 120}.withDefaults()
}

func TestAssemble(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     []string
		err      error
	}{
		{"lines", "* OK hello\r\nT1 OK\n\r\n", []string{"* OK hello", "T1 OK", ""}, io.EOF},
		{"a literal", "* 1 FETCH (X {3}\r\na\r\n Y)\r\n", []string{"* 1 FETCH (X {3}\r\na\r\n Y)"}, io.EOF},
		{"literal8", "* 1 FETCH (X ~{2+}\r\nab)\r\n", []string{"* 1 FETCH (X ~{2}\r\nab)"}, io.EOF},
		{"two literals", "* LIST () {1}\r\n/ {0}\r\n\r\n", []string{"* LIST () {1}\r\n/ {0}\r\n"}, io.EOF},
		{"a literal that ends in CR", "* LIST {4}\n000\r\n", []string{"* LIST {4}\r\n000\r"}, io.EOF},
		{"braces in a text", "* OK wait {3}\r\nT1 NO {9}\r\n", []string{"* OK wait {3}", "T1 NO {9}"}, io.EOF},
		{"no literal", "* LIST {x}\r\n* LIST {}\r\n* LIST }\r\n* LIST {-1}\r\n", []string{"* LIST {x}", "* LIST {}", "* LIST }", "* LIST {-1}"}, io.EOF},
		{"a long literal is cut", "* LIST {14}\r\n01234567890123 x\r\n", []string{"* LIST {10+}\r\n0123456789 x"}, io.EOF},
		{"an announced one is not read", "* LIST {51}\r\n", nil, errTooMuch},
		{"nor one of many", "* LIST {30}\r\n" + strings.Repeat("x", 30) + " {21}\r\n", nil, errTooMuch},
		{"a huge one", "* LIST {9223372036854775807}\r\n", nil, errTooMuch},
		{"a long line", "* OK " + strings.Repeat("x", 60) + "\r\n", nil, errTooMuch},
		{"a long search", "* SEARCH " + strings.Repeat("1 ", 60) + "\r\n", []string{"* SEARCH " + strings.Repeat("1 ", 60)}, io.EOF},
		{"a longer search", "* SEARCH " + strings.Repeat("1 ", 100) + "\r\n", nil, errTooMuch},
		{"a long FETCH", "* 1 FETCH (" + strings.Repeat("x ", 40) + ")\r\n", []string{"* 1 FETCH (" + strings.Repeat("x ", 40) + ")"}, io.EOF},
		{"a longer one is cut off", "*  1  fetch (" + strings.Repeat("x", 140) + ")\r\n* OK\r\n", []string{"*  1  fetch (" + strings.Repeat("x", 107), "* OK"}, io.EOF},
		{"with its literals", "* 1 FETCH (" + strings.Repeat("x", 112) + " {9}\r\nT1 OK\r\n\r\n (a {4}\r\nT2\r\n)\r\n* OK\r\n", []string{"* 1 FETCH (" + strings.Repeat("x", 109), "* OK"}, io.EOF},
		{"of which no end is read", "* 1 FETCH (" + strings.Repeat("x", 4000), nil, errTooMuch},
		{"nor of many short lines", "* 1 FETCH (" + strings.Repeat("x", 112) + strings.Repeat(" {1}\r\ny", 20) + "\r\n", nil, errTooMuch},
		{"nor a literal", "* 1 FETCH (" + strings.Repeat("x", 112) + " {51}\r\n", nil, errTooMuch},
		{"cut off", "* OK", nil, io.EOF},
		{"cut off in a literal", "* LIST {5}\r\nab", nil, io.ErrUnexpectedEOF},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newAssembler(strings.NewReader(tc.in), small())
			var got []string
			for {
				line, err := a.next()
				if err != nil {
					if !errors.Is(err, tc.err) {
						t.Errorf("error %v, want %v", err, tc.err)
					}
					break
				}
				got = append(got, string(line))
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// Wherever a long FETCH is cut, and wherever its line lies in the buffers, the
// literal at its end is not taken for responses.
func TestNoResponseComesOutOfALongFetch(t *testing.T) {
	limits := Limits{Line: 1000, Response: 5000}.withDefaults()
	for _, before := range []string{"* 1 FETCH (", "* 1 FETCH (X {3000}\r\n" + strings.Repeat("y", 3000) + " "} {
		for n := range 13_000 {
			in := before + strings.Repeat("x", n) + " {9}\r\nT1 OK\r\n\r\n)\r\n* OK\r\n"
			a := newAssembler(strings.NewReader(in), limits)
			first, err := a.next()
			if kept := len(first); err != nil || kept > limits.Response+limits.Line+100 || !a.over && !bytes.HasSuffix(first, []byte(")")) {
				t.Fatalf("%d: %d bytes, over %v, %v", n, kept, a.over, err)
			}
			if second, err := a.next(); err != nil || string(second) != "* OK" {
				t.Fatalf("%d: %q, %v", n, second, err)
			}
		}
	}
}

func TestParseResponse(t *testing.T) {
	for in, want := range map[string]response{
		"* 12 exists":                    {tag: "*", kind: "EXISTS", num: 12},
		"*  12   EXISTS":                 {tag: "*", kind: "EXISTS", num: 12},
		"T7 OK [READ-only] go  on":       {tag: "T7", kind: "OK", code: "READ-ONLY", text: []byte("go  on")},
		"T7 NO":                          {tag: "T7", kind: "NO"},
		"* OK [UIDNEXT 5]":               {tag: "*", kind: "OK", code: "UIDNEXT", args: []byte("5")},
		"* OK [broken":                   {tag: "*", kind: "OK", text: []byte("[broken")},
		"* OK [PERMANENTFLAGS (a] b)] x": {tag: "*", kind: "OK", code: "PERMANENTFLAGS", args: []byte("(a] b)"), text: []byte("x")},
		"+ go":                           {tag: "+"},
		"* FLAGS(x)":                     {tag: "*", kind: "FLAGS"},
	} {
		got, ok := parseResponse([]byte(in))
		got.data = nil
		if want.args == nil && len(got.args) == 0 {
			got.args = nil
		}
		if want.text == nil && len(got.text) == 0 {
			got.text = nil
		}
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", in, got, want)
		}
	}
	for _, in := range []string{"", " ", "x", "*", "* ", "* 12", "*12", "\x00", "* " + strings.Repeat("A", 40)} {
		if r, ok := parseResponse([]byte(in)); ok {
			t.Errorf("%q is read as %+v", in, r)
		}
	}
}

// Where a literal may begin, its length is looked for in a few bytes: not in all
// that is left, which would be looked through for each of them.
func TestLiteralsAreFoundNearby(t *testing.T) {
	for in, want := range map[string]bool{
		"{5}\r\nabcde": true, "~{5+}\r\nabcde": true, "{0000000000000000005}\r\nabcde": true,
		"{" + strings.Repeat("0", 40) + "5}\r\nabcde": false, "~" + strings.Repeat(" ", 40) + "{5}\r\nabcde": false,
	} {
		s := scanner{b: []byte(in)}
		if text, ok := s.literal(); ok != want || ok && string(text) != "abcde" || !ok && s.i != 0 {
			t.Errorf("%q: %q, %v", in, text, ok)
		}
	}
}

func TestParseSearches(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "1 2 3 7": "1:3,7", "7 3 1 2 7": "1:3,7", "0 4294967295": "4294967295", "1  2 (MODSEQ 5)": "1:2", "3 x 4": "3", "4294967296 1": "",
	} {
		if got := toSet(parseSearch([]byte(in))).String(); got != want {
			t.Errorf("SEARCH %q = %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{
		`(TAG "T5") UID ALL 2,10:11`:           "2,10:11",
		`(TAG T5) UID MIN 2 ALL 11:9,2 MAX 11`: "2,9:11",
		`(TAG "T4") UID ALL 2`:                 "",
		`(TAG "T5") ALL 2`:                     "",
		`(TAG "T5") UID`:                       "",
		`(TAG "T5") UID COUNT 0`:               "",
		`(TAG "T5") UID ALL 1:*`:               "",
		`(TAG "T5") UID ALL 0`:                 "",
		`(TAG "T5"`:                            "",
		`UID ALL 1:4294967295`:                 "1:4294967295",
	} {
		if got := toSet(parseESearch([]byte(in), "T5")).String(); got != want {
			t.Errorf("ESEARCH %q = %s, want %s", in, got, want)
		}
	}
}

func TestMailboxNames(t *testing.T) {
	for wire, want := range map[string]string{
		"INBOX": "INBOX", "inBox": "INBOX", "a/b": "a/b", "Entw&APw-rfe": "Entwürfe", "&ZeVnLIqe-": "日本語", "a &- b": "a & b", "&2D3eAA-": "😀",
		"Entwürfe": "Entwürfe",
		"":         "", "A&B": "", "&AGE-": "", "&": "", "&AP-": "", "&2D0-": "", "a\rb": "", "&AA0-": "", "\xff": "", "&ZeVnLIqe": "", "&ZeV*LIqe-": "",
		strings.Repeat("x", 1001): "",
	} {
		got, ok := decodeMailbox([]byte(wire))
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q = %q, want %q", wire, got, want)
		}
		if ok && utf8.ValidString(wire) && isPrintableASCII(wire) && encodeUTF7(got) != wire && got != "INBOX" {
			t.Errorf("%q goes back as %q", wire, encodeUTF7(got))
		}
	}
}

func TestClassify(t *testing.T) {
	for _, tc := range []struct {
		op, status, code, text string
		want                   Class
	}{
		{"UID COPY", "NO", "", "Mailbox doesn't exist: x", Target},
		{"UID COPY", "NO", "", "Permission denied", Target},
		{"UID COPY", "NO", "", "Quota exceeded (mailbox for user is full)", Target},
		{"UID COPY", "NO", "", "", Message},
		{"UID COPY", "NO", "CORRUPTION", "", Target},
		{"UID COPY", "NO", "UNAVAILABLE", "Too many connections", Throttled},
		{"UID COPY", "NO", "NOPERM", "Too many connections", Target},
		{"UID FETCH", "NO", "EXPUNGEISSUED", "", Expunged},
		{"UID FETCH", "NO", "PARSE", "", Message},
		{"SELECT", "NO", "", "", Target},
		{"LIST", "NO", "", "", TryAgain},
		{"STATUS", "BAD", "", "", Bad},
		{"STATUS", "BAD", "SERVERBUG", "", TryAgain},
		{"CREATE", "NO", "XYZZY", "", Target},
		{"APPEND", "NO", "TOOBIG", "", Message},
		{"NOOP", "BYE", "UNAVAILABLE", "", Connection},
		{"NOOP", "BYE", "", "Account exceeded bandwidth limits", Throttled},
		{"LOGIN", "NO", "PRIVACYREQUIRED", "", Auth},
		{"LOGIN", "NO", "CONTACTADMIN", "", Config},
		{"LOGIN", "BAD", "", "what", Auth},
		{"AUTHENTICATE", "NO", "AUTHENTICATIONFAILED", "Too many failures", Auth},
		{"LOGIN", "NO", "REFERRAL", "look elsewhere", Config},
		{"SELECT", "NO", "REFERRAL", "look elsewhere", Target},
		{"LOGIN", "BAD", "", "Server Unavailable. 15", TryAgain},
		{"UID MOVE", "BAD", "", "Server Unavailable. 15", TryAgain},
		{"UID MOVE", "BAD", "", "Command Error. 10", Bad},
		{"UID FETCH", "BAD", "", "Command line too long", Limit},
		{"NOOP", "BYE", "OVERQUOTA", "", Throttled},
		{"NOOP", "BYE", "EXPIRED", "token", Connection},
		{"UID COPY", "NO", "APPENDUID", "", Message},
		{"IDLE", "NO", "", "", TryAgain},
	} {
		if got := classify(tc.op, tc.status, tc.code, tc.text); got != tc.want {
			t.Errorf("%s: %s [%s] %s is %v, want %v", tc.op, tc.status, tc.code, tc.text, got, tc.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"all well ": "all well", "a\x1b[2Jb\r\nc\x00": "a?[2Jb??c?", "\u202etxt.exe": "?txt.exe", "\xff\xfe": "??", strings.Repeat("é", 300): strings.Repeat("é", 100),
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestSplit(t *testing.T) {
	var set imap.UIDSet
	for uid := imap.UID(4_000_000_001); uid < 4_000_020_000; uid += 2 {
		set.AddNum(uid)
	}
	parts, err := split(set, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var back imap.UIDSet
	for _, p := range parts {
		if n := len(p.String()); n > maxCommand-1000 || n == 0 {
			t.Errorf("a part of %d bytes", n)
		}
		back.AddSet(p)
	}
	if back.String() != set.String() {
		t.Error("something was lost")
	}
}

// Whatever bytes come, what is assembled keeps to the limits, the parsers end,
// and imapclient sees only what the guard writes itself.
func FuzzResponses(f *testing.F) {
	for _, seed := range []string{
		"* OK [CAPABILITY IMAP4rev1 MOVE] hi\r\n", "* 1 FETCH (UID 5 FLAGS (\\Seen) BODY[HEADER.FIELDS (\"A\")] {4}\r\nA: b)\r\n",
		"* LIST (\\Sent) \"/\" {3}\r\na&-\r\n", "* STATUS INBOX (UIDNEXT 5 X (1 2))\r\n", "* ESEARCH (TAG \"T1\") UID ALL 1:5\r\n",
		"* SEARCH 1 2 3\r\n", "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n", "T1 NO [COPYUID 1 1:2 3:4] x\r\n", "+ \r\n", "* 1 FETCH (X {99999}\r\n", "* OK [PERMANENTFLAGS (a]\\*)] x\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		limits := small()
		a := newAssembler(bytes.NewReader(in), limits)
		for {
			line, err := a.next()
			if err != nil {
				break
			}
			if len(line) > limits.Response+limits.Search+limits.Line {
				t.Fatalf("%d bytes of one response", len(line))
			}
			parseAll(t, line)
		}
		throughTheGuard(t, in)
	})
}

func parseAll(t *testing.T, line []byte) {
	r, ok := parseResponse(line)
	if !ok {
		return
	}
	if _, info, ok := parseList(r.data); ok && info.Name != "" && checkMailbox(info.Name) != nil {
		t.Fatalf("the mailbox %q", info.Name)
	}
	parseStatus(r.data)
	toSet(append(parseSearch(r.data), parseESearch(r.data, "T1")...))
	if m, ok := parseFetch(&scanner{b: r.data}, itemHeader|itemStructure|itemParts); ok && m.UID == 0 {
		t.Fatal("a message without a UID")
	}
	asked := imap.UIDSet{{Start: 1, Stop: 50}}
	if pairs, _, ok := parseCopyUID(r.args, asked); ok && len(pairs) > 50 {
		t.Fatalf("%d pairs", len(pairs))
	}
	new(Session).takeNamespace(r)
	new(Selected).take(r)
	capabilityNames(r.data)
}

// throughTheGuard feeds a guard with a command under way.
func throughTheGuard(t *testing.T, in []byte) {
	o := Options{Limits: small()}.withDefaults()
	conn, other := net.Pipe()
	defer conn.Close()
	defer other.Close()
	g := newGuard(conn, conn, &o)
	g.in = newAssembler(bytes.NewReader(in), o.Limits)
	op := newOperation("NOOP", "", nil)
	op.tag, op.clientTag, op.sent, op.showCaps, op.continuations = "T1", "T1", true, true, 2
	g.ops = []*operation{op}
	var seen []byte
	for {
		line, err := g.in.next()
		if err != nil {
			break
		}
		if seen, err = g.handle(line, seen); err != nil {
			break
		}
	}
	r := bufio.NewScanner(bytes.NewReader(seen))
	for r.Scan() {
		if s := r.Text(); s != "+" && !strings.HasPrefix(s, "T1 OK [CAPABILITY IMAP4rev1") && s != "T1 NO done" && s != "T1 BAD done" {
			t.Fatalf("imapclient sees %q", s)
		}
	}
}

func TestParseNamespaces(t *testing.T) {
	for data, want := range map[string][]Namespace{
		`(("" "/")) NIL NIL`: {{"personal", "", '/'}},
		`(("INBOX." ".")) (("Other/" "/" "X-EXT" ("a")) ("&ZeVnLA-/" NIL)) NIL`: {{"personal", "INBOX.", '.'}, {"other users", "Other/", '/'}, {"other users", "日本/", 0}},
		`NIL NIL (("a" "/"))`: {{"shared", "a", '/'}},
		`(("" "/")`:           {{"personal", "", '/'}},
		"nonsense":            nil,
	} {
		if got := parseNamespaces([]byte(data)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", data, got, want)
		}
	}
}
