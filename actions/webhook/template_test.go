package webhook

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// pieces splits a text at ${}: what is in it is the value.
func pieces(template string) (out []Piece) {
	for template != "" {
		literal, rest, _ := strings.Cut(template, "${")
		value, rest, found := strings.Cut(rest, "}")
		out = append(out, Piece{Text: literal})
		if found {
			out = append(out, Piece{Text: value, Value: true})
		}
		template = rest
	}
	return out
}

func TestFillURL(t *testing.T) {
	const at = "https://example.org/a/"
	for template, want := range map[string]string{
		at + "${ann}":                               at + "ann",
		at + "${a/b}/c":                             at + "a%2Fb/c",
		at + "${x?y=1#z&w=2;v}":                     at + "x%3Fy%3D1%23z%26w%3D2%3Bv",
		at + "${..}/b":                              at + "__/b",
		at + "${.}":                                 at + "_",
		at + ".${.}/b":                              at + "__/b",
		at + "%2e${.}/b":                            at + "__/b",
		at + ".${}/b":                               at + "_/b",
		at + "${...}":                               at + "...",
		at + "${../..}":                             at + "..%2F..",
		at + `${..\..}`:                             at + "..%5C..",
		at + "${%2e%2e}":                            at + "%252e%252e",
		at + "${a\r\nHost: x}":                      at + "aHost%3A%20x",
		at + "${ü}":                                 at + "%C3%BC",
		at + "${\xff}":                              at + "%EF%BF%BD",
		at + "?q=${a&b=c+d e}":                      at + "?q=a%26b%3Dc%2Bd%20e",
		at + "?q=${}":                               at + "?q=",
		at + "?q=${/../x?}":                         at + "?q=%2F..%2Fx%3F",
		"https://example.org?q=${a}":                "https://example.org?q=a",
		"https://example.org/${@evil.org}":          "https://example.org/%40evil.org",
		"https://u:p@example.org:8443/${a}/b":       "https://u:p@example.org:8443/a/b",
		"http://[::1]/${:80}":                       "http://[::1]/%3A80",
		"https://example.org":                       "https://example.org",
		at + "../b?c=%20":                           at + "../b?c=%20",
		at + "${" + strings.Repeat("x", 1001) + "}": at + strings.Repeat("x", 1000),
	} {
		if got, err := FillURL(pieces(template)...); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", template, got, err, want)
		}
	}
}

func TestCheckURL(t *testing.T) {
	const where = "a message must not choose"
	for template, want := range map[string]string{
		"${x}":                              where,
		"${https}://example.org/":           where,
		"https${s}://example.org/":          where,
		"https:/${/example.org}/":           where,
		"https://${example.org}/":           where,
		"https://example.org${:80}/":        where,
		"https://example.org:${80}/":        where,
		"https://example.org:80${80}":       where,
		"https://${user}@example.org/":      where,
		"https://u:${p}@example.org/":       where,
		"https://example.org${@evil.org}/x": where,
		"":                                  "begins with http",
		"example.org/x":                     "begins with http",
		"ftp://example.org/":                "begins with http",
		"https:///x${y}":                    "begins with http",
		"https://:80/":                      "begins with http",
		"https://example.org/\n":            "begins with http",
		"https://example.org/%zz":           "begins with http",
		"https://example.org/#${x}":         `no "#"`,
		"https://example.org/a b":           "no space",
		`https://example.org\x/${y}`:        "no backslash",
		"https://example.org/%${2e}":        "unfinished escape",
		"https://example.org/%2${e}":        "unfinished escape",
		"https://example.org/?q=%${26}":     "unfinished escape",
		"https://example.org/?q=%2${6}":     "unfinished escape",
	} {
		err := CheckURL(pieces(template))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", template, err, want)
		}
		if got, err := FillURL(pieces(template)...); err == nil {
			t.Errorf("%q: filled as %q", template, got)
		}
	}
}

func TestFillURLRefusesWhatNamesSomethingElse(t *testing.T) {
	long := strings.Repeat("${"+strings.Repeat("/", 1000)+"}", 3)
	for template, want := range map[string]string{
		"https://example.org/a/${}/b": "empty", "https://example.org/a/${\x00}": "empty", "https://example.org/" + long: "at most 8000",
	} {
		if CheckURL(pieces(template)) != nil {
			t.Errorf("%.40q is no good template", template)
		}
		if got, err := FillURL(pieces(template)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %q, %v; want %q", template, got, err, want)
		}
	}
}

// What net/http sends is what was filled: it decodes nothing on the way.
func TestFilledURLArrivesAsItIs(t *testing.T) {
	got := ""
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { got = req.RequestURI }))
	defer srv.Close()
	to, err := FillURL(pieces(srv.URL + "/a/${b/../c}/${..}?d=${e&f=%2e}")...)
	if err != nil {
		t.Fatal(err)
	}
	r := NewClient("test").Send(t.Context(), Endpoint{URL: to}, "msg_1", time.Now(), nil)
	if want := "/a/b%2F..%2Fc/__?d=e%26f%3D%252e"; got != want || r.Err != nil {
		t.Errorf("%q, %+v; want %q", got, r, want)
	}
}

// FuzzFillURL: no value changes where the call goes, or how many segments and
// query values it has.
func FuzzFillURL(f *testing.F) {
	f.Add("a", "..", "&x=y")
	f.Add("/", "%2e", "#\r\n")
	f.Add(".", "\xff\u202e", strings.Repeat("/", 3000))
	f.Fuzz(func(t *testing.T, a, b, c string) {
		got, err := FillURL(Piece{Text: "https://u@example.org:8443/x/."}, Piece{a, true}, Piece{Text: "/"}, Piece{b, true}, Piece{Text: "?k="}, Piece{c, true})
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "https" || u.Host != "example.org:8443" || u.User.String() != "u" || u.Fragment != "" {
			t.Fatalf("%q: %v", got, err)
		}
		segments := strings.Split(u.EscapedPath(), "/")
		if len(segments) != 4 || len(got) > MaxURL || u.JoinPath().EscapedPath() != u.EscapedPath() {
			t.Errorf("%q has the segments %q", got, segments)
		}
		if q, err := url.ParseQuery(u.RawQuery); err != nil || len(q) != 1 || len(q["k"]) != 1 || q.Get("k") != text(c, maxURLValue) {
			t.Errorf("%q has the query %q, %v", got, q, err)
		}
	})
}

// FuzzCheckURL: what is taken for a template goes to the host that it names.
func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://example.org/${x}?${y}", "http://[::1]:80/%${2e}", "https://a@b/${", "//${x}", "https://x?y${z}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		template := pieces(s)
		if CheckURL(template) != nil {
			return
		}
		plain := strings.SplitN(s, "${", 2)[0]
		want, err := url.Parse(strings.TrimRight(plain, "%"))
		got, filled := FillURL(template...)
		if filled != nil {
			return
		}
		if u, bad := url.Parse(got); err != nil || bad != nil || u.Host != want.Host || u.Scheme != want.Scheme || u.User.String() != want.User.String() {
			t.Errorf("%q: %q, %v, %v", s, got, err, bad)
		}
	})
}
