package facts

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestAuth(t *testing.T) {
	none := "none none none"
	for _, tt := range []struct {
		name    string
		fields  []string
		want    string // SPF DKIM DMARC
		domains string
	}{
		{"Gmail", []string{`mx.example.org; dkim=pass header.i=@news.example.com header.s=s1 header.b="Ab/c=";` +
			` spf=pass (google.com: domain of b+x=y@bounce.example.com designates 192.0.2.1 as permitted sender) smtp.mailfrom="b+x=y@bounce.example.com";` +
			` dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=example.com`},
			"pass pass pass", "news.example.com bounce.example.com example.com"},
		{"Exchange with a name", []string{`mx.example.org 1; spf=softfail (sender IP is 192.0.2.1) smtp.mailfrom=a.example; dkim=none (message not signed) header.d=none;dmarc=fail action=none header.from=a.example;compauth=fail reason=001`},
			"softfail none fail", ""},
		{"Exchange without a name", []string{`spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=a.example; dkim=pass header.d=a.example`}, none, ""},
		{"no result", []string{"mx.example.org; none"}, none, ""},
		{"no result and version", []string{"mx.example.org 1; none"}, none, ""},
		{"case", []string{"MX.Example.ORG; DKIM=Pass HEADER.D=Example.COM"}, "none pass none", "example.com"},
		{"quoted name", []string{`"mx.example.org"; spf=neutral`}, "neutral none none", ""},
		{"comments everywhere", []string{"(a) mx.example.org (b) 1 (c); (d) dkim (e) = (f) pass (g (h)) header (i) . (j) d (k) = (l) example.com (m)"},
			"none pass none", "example.com"},
		{"method version", []string{"mx.example.org; dkim/1=pass header.d=a.example"}, "none pass none", "a.example"},
		{"reason", []string{`mx.example.org; dkim=fail reason="bad; dmarc=pass header.from=x"`}, "none fail none", ""},
		{"hardfail", []string{"mx.example.org; spf=hardfail smtp.mail=a@b.example"}, "fail none none", ""},
		{"a word that is none", []string{"mx.example.org; spf=p\u00e4ss; dkim=; dmarc=" + strings.Repeat("x", 100)}, none, ""},
		{"properties that do not count", []string{"mx.example.org; dkim=pass header.from=a.example policy.d=b.example; dmarc=pass header.d=c.example"}, "none pass pass", ""},
		{"methods that do not count", []string{"mx.example.org; arc=pass header.d=a.example; sender-id=pass header.from=b.example; iprev=pass"}, none, ""},
		{"international domain", []string{"mx.example.org; dkim=pass header.d=xn--bcher-kva.example; spf=pass smtp.mailfrom=a@bücher.example"}, "pass pass none", "bücher.example"},
		{"no domain", []string{`mx.example.org; dkim=pass header.d="a b"; spf=pass smtp.mailfrom=a@; dmarc=pass header.from=<>`}, "pass pass pass", ""},

		{"several signatures, one passes", []string{"mx.example.org; dkim=fail header.d=list.example; dkim=pass header.d=a.example; dkim=pass header.d=b.example"}, "none pass none", "a.example b.example"},
		{"several signatures, none passes", []string{"mx.example.org; dkim=neutral header.d=a.example; dkim=fail header.d=b.example"}, "none neutral none", ""},
		{"several DMARC, one fails", []string{"mx.example.org; dmarc=pass header.from=a.example; dmarc=fail header.from=b.example"}, "none none fail", ""},
		{"several SPF of the sender, one fails", []string{"mx.example.org; spf=pass smtp.mailfrom=x@a.example; spf=fail smtp.mailfrom=x@b.example"}, "fail none none", ""},
		{"SPF of sender and name", []string{"mx.example.org; spf=none smtp.helo=mail.a.example; spf=pass smtp.mailfrom=x@a.example"}, "pass none none", "a.example"},
		{"SPF of the name alone", []string{"mx.example.org; spf=pass smtp.mailfrom=<> smtp.helo=mail.a.example"}, "pass none none", "mail.a.example"},
		{"name beside the sender is not verified", []string{"mx.example.org; spf=pass smtp.mailfrom=x@evil.example smtp.helo=bank.example"}, "pass none none", "evil.example"},
		{"name passes, sender fails", []string{"mx.example.org; spf=pass smtp.helo=a.example; spf=fail smtp.mailfrom=x@b.example"}, "fail none none", ""},

		{"other server", []string{"mx.evil.example; spf=pass smtp.mailfrom=bank.example; dkim=pass header.d=bank.example; dmarc=pass header.from=bank.example"}, none, ""},
		{"longer name", []string{"mx.example.org.evil.example; spf=pass"}, none, ""},
		{"name as second word", []string{"evil mx.example.org; spf=pass"}, none, ""},
		{"no name", []string{"; spf=pass", "spf=pass", ""}, none, ""},
		{"each method in its field", []string{"mx.example.org; dmarc=pass header.from=a.example", "mx.example.org; dkim=pass header.d=a.example", "mx.example.org; spf=pass smtp.mailfrom=b.example"}, "pass pass pass", "a.example b.example"},
		{"below a field that was added later", []string{"filter.example.org; x=pass", "mx.example.org; spf=fail"}, "fail none none", ""},
		{"forged below another", []string{"mx.example.org; spf=fail smtp.mailfrom=evil.example", "relay.example; dkim=none", "mx.example.org; dkim=pass header.d=bank.example; dmarc=pass header.from=bank.example"}, "fail none none", ""},
		{"forged below one without a name", []string{"mx.example.org; spf=fail", "dkim=none", "mx.example.org; dkim=pass header.d=bank.example"}, "fail none none", ""},
		{"forged right below", []string{"mx.example.org; spf=fail smtp.mailfrom=evil.example; dkim=none; dmarc=fail header.from=bank.example", "mx.example.org; spf=pass smtp.mailfrom=bank.example; dkim=pass header.d=bank.example; dmarc=pass header.from=bank.example"}, "fail none fail", ""},
		{"forged for another trusted server", []string{"mx.example.org; spf=fail", "mx2.example.org; dkim=pass header.d=bank.example"}, "fail none none", ""},
		{"forged in the sender's address", []string{`mx.example.org; spf=pass smtp.mailfrom="a; dmarc=pass header.from=bank.example; x=y"@evil.example; dmarc=fail header.from=evil.example`}, "pass none fail", "evil.example"},
		{"address in the sender's address", []string{`mx.example.org; spf=pass smtp.mailfrom="a@bank.example"@evil.example`}, "pass none none", "evil.example"},
		{"forged in a comment", []string{`mx.example.org; spf=fail (domain of a(; dmarc=pass header.from=bank.example) is not permitted); dmarc=fail header.from=evil.example`}, "fail none fail", ""},
		{"a comment that is never closed hides nothing", []string{`mx.example.org; spf=fail (domain of a(b@evil.example does not permit; dmarc=fail header.from=evil.example`}, "fail none fail", ""},
		{"out of a comment, the server's own wins", []string{`mx.example.org; spf=fail (domain of a); dmarc=pass header.from=bank.example (@evil.example); dmarc=fail header.from=bank.example`}, "fail none fail", ""},
		{"a quote that is never closed hides nothing", []string{`mx.example.org; spf=fail smtp.mailfrom="a@evil.example; dmarc=fail`}, "fail none fail", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			for _, f := range tt.fields {
				lines = append(lines, "Authentication-Results: "+f)
			}
			a := header(lines...).Auth([]string{"mx.example.org", "mx2.example.org", ""})
			if got := a.SPF + " " + a.DKIM + " " + a.DMARC; got != tt.want {
				t.Errorf("results %q, want %q", got, tt.want)
			}
			if got := strings.Join(a.Domains, " "); got != tt.domains {
				t.Errorf("domains %q, want %q", got, tt.domains)
			}
			for _, trusted := range [][]string{nil, {""}, {"other.example.org"}} {
				if got := header(lines...).Auth(trusted); !reflect.DeepEqual(got, Auth{SPF: "none", DKIM: "none", DMARC: "none"}) {
					t.Errorf("trusting %q: %+v, want nothing", trusted, got)
				}
			}
		})
	}
}

func TestAuthReadsNoOtherField(t *testing.T) {
	h := header("ARC-Authentication-Results: i=1; mx.example.org; spf=pass", "ARC-Authentication-Results: mx.example.org; spf=pass",
		"X-Authentication-Results: mx.example.org; spf=pass", "Received-SPF: pass")
	if got := h.Auth([]string{"mx.example.org"}); got.SPF != "none" {
		t.Errorf("SPF = %q from a field that is not Authentication-Results", got.SPF)
	}
}

func TestAuthFieldsAreCapped(t *testing.T) {
	lines := slices.Repeat([]string{"Authentication-Results: mx; x=pass"}, maxAuthFields)
	if got := header(append(lines, "Authentication-Results: mx; spf=pass")...).Auth([]string{"mx"}).SPF; got != "none" {
		t.Errorf("SPF = %q from a field beyond the limit", got)
	}
	if got := header(append(lines[1:], "Authentication-Results: mx; spf=pass")...).Auth([]string{"mx"}).SPF; got != "pass" {
		t.Errorf("SPF = %q from the last field within the limit", got)
	}
}

func TestStructuredFieldsAreCapped(t *testing.T) {
	if n := len(segments(strings.Repeat(";", 1000))); n != maxSegments {
		t.Errorf("%d segments, want %d", n, maxSegments)
	}
	if n := len(pairs(strings.Repeat("a=b ", 1000))); n != maxPairs {
		t.Errorf("%d pairs, want %d", n, maxPairs)
	}
}

func TestAuthDomainsAreCapped(t *testing.T) {
	v := "Authentication-Results: mx; "
	for i := range 100 {
		v += fmt.Sprintf("dkim=pass header.d=d%d.example; ", i)
	}
	if got := header(v).Auth([]string{"mx"}).Domains; len(got) != maxDomains || slices.Contains(got, "d20.example") {
		t.Errorf("%d domains, want the first %d", len(got), maxDomains)
	}
}
