package facts

import (
	"maps"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFileName(t *testing.T) {
	type params = map[string]string
	for name, tt := range map[string]struct {
		disposition, contentType params
		want                     string
	}{
		"none":                          {nil, nil, ""},
		"plain":                         {params{"filename": "a b.pdf"}, params{"name": "other"}, "a b.pdf"},
		"of the type":                   {nil, params{"name": "a.pdf"}, "a.pdf"},
		"the first has nothing left":    {params{"filename": "../"}, params{"name": "a.pdf"}, "a.pdf"},
		"encoded word":                  {params{"filename": "=?utf-8?q?Gr=C3=BC=C3=9Fe.pdf?="}, nil, "Grüße.pdf"},
		"encoded words":                 {params{"filename": "=?utf-8?B?R3LDvMOf?= =?utf-8?q?e.pdf?="}, nil, "Grüße.pdf"},
		"raw UTF-8":                     {params{"filename": "Grüße.pdf"}, nil, "Grüße.pdf"},
		"raw Latin-1":                   {params{"filename": "Gr\xfc\xdfe.pdf"}, nil, "Grüße.pdf"},
		"extended":                      {params{"filename*": "UTF-8'de'Gr%C3%BC%c3%9fe.pdf"}, nil, "Grüße.pdf"},
		"extended before plain":         {params{"filename*": "utf-8''%E2%82%AC.pdf", "filename": "EUR.pdf"}, nil, "€.pdf"},
		"extended, koi8-r":              {params{"filename*": "koi8-r''%F0%D2%C9.txt"}, nil, "При.txt"},
		"extended, unknown charset":     {params{"filename*": "x-none''Gr%FC%DFe"}, nil, "Grüße"},
		"extended, no charset":          {params{"filename*": "Gr%C3%BC%C3%9Fe"}, nil, "Grüße"},
		"extended, bad escapes":         {params{"filename*": "utf-8''100%.pdf%"}, nil, "100%.pdf%"},
		"extended, encoded word":        {params{"filename*": "=?utf-8?q?Gr=C3=BC=C3=9Fe?="}, nil, "Grüße"},
		"pieces":                        {params{"filename*0": "one ", "filename*1": "two.pdf"}, nil, "one two.pdf"},
		"pieces, encoded":               {params{"filename*0*": "utf-8''Gr%C3%BC", "filename*1*": "%C3%9Fe", "filename*2": "%20.pdf"}, nil, "Grüße%20.pdf"},
		"pieces cut a character":        {params{"filename*0*": "utf-8''Gr%C3", "filename*1*": "%BC.pdf"}, nil, "Grü.pdf"},
		"pieces of encoded words":       {params{"filename*0": "=?utf-8?B?R3LD", "filename*1": "vMOfZQ==?="}, nil, "Grüße"},
		"a piece is missing":            {params{"filename*0": "a", "filename*2": "c"}, nil, "a"},
		"no first piece":                {params{"filename*1": "b", "filename": "plain"}, nil, "plain"},
		"an apostrophe in a later one":  {params{"filename*0*": "utf-8''a", "filename*1*": "'b'c"}, nil, "a'b'c"},
		"parent directories":            {params{"filename": "../../x"}, nil, "x"},
		"Windows path":                  {params{"filename": `C:\a\b.txt`}, nil, "b.txt"},
		"encoded path":                  {params{"filename*": "utf-8''..%2F..%5Cx"}, nil, "x"},
		"directory at the end":          {params{"filename": "a/b/"}, nil, "b"},
		"only dots":                     {params{"filename": "a/.."}, nil, ""},
		"control characters":            {params{"filename": "a\x00\x1b[31m\x7f\u0085b"}, nil, "a[31mb"},
		"encoded line end":              {params{"filename*": "utf-8''a%0D%0Ab"}, nil, "a  b"},
		"right to left override":        {params{"filename": "invoice\u202egpj.exe"}, nil, "invoicegpj.exe"},
		"isolates and marks":            {params{"filename": "\u2067a\u2069\u200f\u061c\ufeff.exe"}, nil, "a.exe"},
		"long":                          {params{"filename": strings.Repeat("x", 300)}, nil, strings.Repeat("x", 255)},
		"long, the extension stays":     {params{"filename": strings.Repeat("x", 300) + ".exe"}, nil, strings.Repeat("x", 251) + ".exe"},
		"long, no half character":       {params{"filename": strings.Repeat("ü", 200)}, nil, strings.Repeat("ü", 127)},
		"long, what looks an extension": {params{"filename": "a." + strings.Repeat("x", 300)}, nil, "a." + strings.Repeat("x", 253)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fileName(tt.disposition, tt.contentType); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestParameterInPiecesIsBounded(t *testing.T) {
	pieces := map[string]string{}
	for i := range 2 * maxParams {
		pieces["a*"+strconv.Itoa(i)] = "x"
		pieces["b*"+strconv.Itoa(i)] = strings.Repeat("x", maxParam-1)
	}
	if got := param(pieces, "a"); len(got) != maxParams {
		t.Errorf("%d pieces, want %d", len(got), maxParams)
	}
	if got := param(pieces, "b"); len(got) != maxParam {
		t.Errorf("a parameter of %d octets, want %d", len(got), maxParam)
	}
	if got := param(map[string]string{"c": strings.Repeat("x", 2*maxParam)}, "c"); len(got) != maxParam {
		t.Errorf("a parameter of %d octets, want %d", len(got), maxParam)
	}
}

func TestParseParams(t *testing.T) {
	type params = map[string]string
	for _, tt := range []struct {
		in, value string
		want      params
	}{
		{"text/plain", "text/plain", params{}},
		{"text/plain; charset=utf-8", "text/plain", params{"charset": "utf-8"}},
		{`text/plain ; Charset = "utf-8" ; format=flowed;`, "text/plain", params{"charset": "utf-8", "format": "flowed"}},
		{`a/b; name="x; y=z"; c=d`, "a/b", params{"name": "x; y=z", "c": "d"}},
		{`a/b; name="say \"hi\" \\ there"`, "a/b", params{"name": `say "hi" \ there`}},
		{`a/b; name="C:\new\x.txt"`, "a/b", params{"name": `C:\new\x.txt`}},
		{`a/b; name="never closed; c=d`, "a/b", params{"name": "never closed", "c": "d"}},
		{`a/b; name="x" junk; c=d`, "a/b", params{"name": "x", "c": "d"}},
		{"a/b; c=d (a comment)", "a/b", params{"c": "d"}},
		{"(comment) a/b (comment); c=d", "a/b", params{"c": "d"}},
		{"a/b; junk; =x; c=d; c=e", "a/b", params{"c": "d"}},
		{"a/b; filename*0*=utf-8''a; filename*1=b", "a/b", params{"filename*0*": "utf-8''a", "filename*1": "b"}},
		{"", "", params{}},
		{";;;", "", params{}},
	} {
		value, got := parseParams(tt.in)
		if value != tt.value || !maps.Equal(got, tt.want) {
			t.Errorf("%q: %q %q, want %q %q", tt.in, value, got, tt.value, tt.want)
		}
	}
	if _, got := parseParams("a/b; " + strings.Repeat("x", maxToken+1) + "=1; c=d"); len(got) != 1 {
		t.Errorf("a name without end was kept: %.200q", got)
	}
	var many strings.Builder
	for i := range 200 {
		many.WriteString("; p" + strings.Repeat("x", i%90) + string(rune('a'+i/90)) + "=1")
	}
	if _, got := parseParams("a/b" + many.String()); len(got) != maxParams {
		t.Errorf("%d parameters, want %d", len(got), maxParams)
	}
}

func FuzzFilename(f *testing.F) {
	f.Add(`attachment; filename*0*=utf-8''..%2F%E2%82%AC; filename*1="=?utf-8?q?x?="`)
	f.Add("attachment; filename=\"C:\\a\\b\u202e.txt\"; filename*=koi8-r'ru'%F0")
	addFields(f, "Content-Disposition")
	addFields(f, "Content-Type")
	f.Fuzz(func(t *testing.T, value string) {
		_, params := parseParams(value)
		checkName(t, fileName(params, nil))
		checkName(t, fileName(map[string]string{"filename": value}, map[string]string{"name*": value}))
	})
}

// checkName asserts what holds for every name of a file.
func checkName(t *testing.T, name string) {
	t.Helper()
	if len(name) > maxName || !utf8.ValidString(name) || strings.ContainsAny(name, `/\`) || name == "." || name == ".." {
		t.Errorf("not a name: %q", name)
	}
	for _, r := range name {
		if unicode.IsControl(r) || isDirection(r) {
			t.Errorf("%q holds %U", name, r)
		}
	}
}
