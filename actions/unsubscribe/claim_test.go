package unsubscribe

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"imapilot/rules/facts"
)

// offering returns the header of letter with another List-Unsubscribe.
func offering(value string) string {
	return strings.Replace(letter, "<https://shop.example.com/u?t=hush>, <mailto:u@shop.example.com>", value, 1)
}

func TestReadsOffers(t *testing.T) {
	const url = "https://a.example/u"
	for _, value := range []string{
		"<" + url + ">", "<mailto:u@a.example?subject=x>, <" + url + ">", "<" + url + ">,<mailto:u@a.example>",
		"\r\n <" + url + ">,\r\n\t<mailto:u@a.example>", "<https://a.exam\r\n ple/u>", "< " + url + "\t>", "<" + url + "> , <tel:1>",
	} {
		c, err := Read([]byte(offering(value)))
		if err != nil || c != (Claim{URL: url, Domain: "shop.example.com"}) {
			t.Errorf("%q: %+v, %v", value, c, err)
		}
	}
	folded := strings.Replace(letter, "Post: List", "Post:\r\n List", 1)
	if c, err := Read([]byte(folded)); err != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestRefusesOffers(t *testing.T) {
	for value, want := range map[string]string{
		"<http://a.example/u>":                                  "http address",
		"<https://a.example/u>, <http://a.example/u>":           "http address",
		"<https://a.example/u>, <https://b.example/u>":          "more than one https",
		"<mailto:u@a.example>":                                  "no https address",
		"https://a.example/u":                                   "angle brackets",
		"<https://a.example/u":                                  "angle brackets",
		"<https://a.example/u> <mailto:u@a.example>":            "angle brackets",
		"<https://a.example/u>, ":                               "angle brackets",
		"<<https://a.example/u>>":                               "angle brackets",
		"":                                                      "angle brackets",
		"=?utf-8?q?=3Chttps=3A//a.example/u=3E?=":               "angle brackets",
		"<https://a.example:8443/u>":                            "port 443",
		"<https://ann@a.example/u>":                             "user name",
		"<https://>":                                            "not clear",
		"<https:///u>":                                          "not clear",
		`<https://a.example/"u>`:                                "not clear",
		"<https://a.example/\u202eu>":                           "not clear",
		"<https://a.example/" + strings.Repeat("u", 4096) + ">": "not clear",
		"<https://a.example/%zz>":                               "cannot be called",
	} {
		c, err := Read([]byte(offering(value)))
		if !errors.Is(err, ErrNoOffer) || !strings.Contains(err.Error(), want) || c != (Claim{}) || Temporary(err) {
			t.Errorf("%.60q: %+v, %v, want %q", value, c, err, want)
		}
	}
}

func TestRefusesHeaders(t *testing.T) {
	replace := func(old, with string) string { return strings.Replace(letter, old, with, 1) }
	for header, want := range map[string]string{
		replace("List-Unsubscribe: ", "X: "):                                    "no List-Unsubscribe",
		replace("List-Unsubscribe-Post: ", "X: "):                               "no List-Unsubscribe-Post",
		"list-unsubscribe: <https://b.example>\r\n" + letter:                    "twice",
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" + letter:        "twice",
		replace("=One-Click", "=One-Click-Optout"):                              "List-Unsubscribe-Post is not",
		replace("=One-Click", "=one-click"):                                     "List-Unsubscribe-Post is not",
		replace("=One-Click", " =One-Click"):                                    "List-Unsubscribe-Post is not",
		"From: \r\n" + letter:                                                   "one sender",
		"From: b@b.example\r\n" + letter:                                        "one sender",
		replace("<news@shop.example.com>", "<a@shop.example.com>, b@b.example"): "one sender",
		replace("From: ", "X: "):                                                "one sender",
		replace("news@shop.example.com", "news"):                                "one sender",
		"From a@b Thu Jan  1 00:00:00 1970\r\n" + letter:                        "no field",
		" List-Unsubscribe: <https://b.example>\r\n" + letter:                   "no field",
		replace("Subject: ", "Subject "):                                        "no field",
		replace("Sale", "Sale\rList-Unsubscribe: <https://b.example>"):          "no field",
		replace("Sale", "Sale\x00"):                                             "no field",
		"X: " + strings.Repeat("x", maxHeader) + "\r\n" + letter:                "256 KiB",
		strings.Repeat("X: y\r\n", 2000) + letter:                               "not clear",
	} {
		if c, err := Read([]byte(header)); !errors.Is(err, ErrNoOffer) || !strings.Contains(err.Error(), want) || c != (Claim{}) {
			t.Errorf("%.60q: %+v, %v, want %q", header, c, err, want)
		}
	}
	if c, err := Read([]byte(letter + strings.Repeat("x", maxHeader))); err != nil {
		t.Errorf("a long body: %+v, %v", c, err)
	}
}

// FuzzRead holds that an offer is one address without space that a rule sees
// too, that the header is read alike by the parser of DKIM, and that nothing
// panics.
func FuzzRead(f *testing.F) {
	f.Add([]byte(letter))
	f.Add([]byte(offering("<https://a.exam\r\n ple/u>,\r\n\t<mailto:u@a.example>")))
	f.Add([]byte("List-Unsubscribe\v: <https://a.example/>\r\n" + letter))
	f.Add([]byte(strings.ReplaceAll(letter, "\r\n", "\n")))
	f.Fuzz(func(t *testing.T, header []byte) {
		c, err := Read(header)
		if err != nil {
			if !errors.Is(err, ErrNoOffer) || c != (Claim{}) {
				t.Errorf("%+v, %v", c, err)
			}
			return
		}
		if u := facts.ParseHeader(header).Unsubscribe(); u.URL != c.URL || !u.OneClick || !strings.HasPrefix(strings.ToLower(c.URL), "https://") ||
			strings.ContainsAny(c.URL, " \t\r\n<>\"") || c.Domain == "" {
			t.Errorf("%+v, a rule sees %+v", c, u)
		}
		checkSigned(t, header)
	})
}

// checkSigned signs a header with an offer, and holds that a changed address
// does not pass for it.
func checkSigned(t *testing.T, header []byte) {
	end := bytes.Index(bytes.ReplaceAll(header, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	if end < 0 || bytes.Contains(bytes.ToLower(header), []byte("dkim-signature")) {
		return
	}
	c, _ := Read(header)
	s := newSigner(t, c.Domain)
	var out bytes.Buffer
	err := dkim.Sign(&out, bytes.NewReader(header), &dkim.SignOptions{Domain: c.Domain, Selector: "key", Signer: s.key, HeaderKeys: signedFields(), HeaderCanonicalization: dkim.CanonicalizationRelaxed})
	if err != nil || strings.ContainsAny(c.Domain, "=; ") {
		return
	}
	evil := "List-Unsubscribe: <https://evil.example/>\r\n" + out.String()
	if o, err := s.verify(evil); err == nil {
		t.Errorf("%q: %+v", evil, o)
	}
}
