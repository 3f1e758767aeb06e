package facts

import (
	"strings"
	"testing"
)

func TestInternationalDomains(t *testing.T) {
	for _, tt := range []struct{ name, in, display, ascii string }{
		{"ASCII", "example.org", "example.org", "example.org"},
		{"A-label", "xn--bcher-kva.example", "bücher.example", "xn--bcher-kva.example"},
		{"A-label in capitals", "XN--BCHER-KVA.Example", "bücher.example", "xn--bcher-kva.example"},
		{"U-label", "bücher.example", "bücher.example", "xn--bcher-kva.example"},
		{"U-label in capitals", "BÜCHER.example", "bücher.example", "xn--bcher-kva.example"},
		{"decomposed", "bu\u0308cher.example", "bücher.example", "xn--bcher-kva.example"},
		{"sharp s", "straße.example", "straße.example", "xn--strae-oqa.example"},
		{"soft hyphen", "bü\u00adcher.example", "bücher.example", "xn--bcher-kva.example"},
		{"Cyrillic", "xn--e1afmkfd.xn--p1ai", "пример.рф", "xn--e1afmkfd.xn--p1ai"},
		{"Japanese", "xn--r8jz45g.jp", "例え.jp", "xn--r8jz45g.jp"},
		{"Japanese and Latin", "日本ドメインabcです.jp", "日本ドメインabcです.jp", "xn--abc-883bvcutsiyg7fl535c16c.jp"},
		{"ideographic full stop", "例え。jp", "例え.jp", "xn--r8jz45g.jp"},
		{"Hebrew", "xn--4dbrk0ce.example", "ישראל.example", "xn--4dbrk0ce.example"},
		{"empty labels", ".bücher..example", ".bücher..example", ".xn--bcher-kva..example"},
		{"underscore elsewhere", "_a.bücher.example", "_a.bücher.example", "_a.xn--bcher-kva.example"},
		{"middle dot", "col·lectiu.cat", "xn--collectiu-2pa.cat", "xn--collectiu-2pa.cat"},

		{"broken punycode", "xn--a-\xc3\xbc.example", "xn--a-ü.example", "xn--a-ü.example"},
		{"punycode of nothing", "xn--.example", "xn--.example", "xn--.example"},
		{"punycode of ASCII", "xn--paypal-.com", "xn--paypal-.com", "xn--paypal-.com"},
		{"punycode that overflows", "xn--99999999.com", "xn--99999999.com", "xn--99999999.com"},
		{"emoji", "i❤.ws", "xn--i-7iq.ws", "xn--i-7iq.ws"},
		{"slash that is none", "bank.com∕login.example", "bank.xn--comlogin-0f7d.example", "bank.xn--comlogin-0f7d.example"},
		{"joiner", "xn--ab-m1t.example", "xn--ab-m1t.example", "xn--ab-m1t.example"},
		{"joiner where it may be", "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example", "xn--mgba3gch31f060k.example", "xn--mgba3gch31f060k.example"},
		{"brackets", "xn--bcher-kva8445foa.example", "xn--bcher-kva8445foa.example", "xn--bcher-kva8445foa.example"},
		{"hyphens of another service", "r3---sn-apo3qvuoxuxbt-j5pe.example", "r3---sn-apo3qvuoxuxbt-j5pe.example", "r3---sn-apo3qvuoxuxbt-j5pe.example"},
		{"mixed scripts, A-label", "xn--pypal-4ve.com", "xn--pypal-4ve.com", "xn--pypal-4ve.com"},
		{"mixed scripts, U-label", "p\u0430ypal.com", "xn--pypal-4ve.com", "xn--pypal-4ve.com"},
		{"Greek and Latin", "αbc.example", "xn--bc-b9b.example", "xn--bc-b9b.example"},
		{"both directions in a label", "aא.example", "aא.example", "aא.example"},
		{"both directions in a domain", "1.xn--4dbrk0ce", "1.xn--4dbrk0ce", "1.xn--4dbrk0ce"},
		{"control character, A-label", "xn--ab-5gh.example", "xn--ab-5gh.example", "xn--ab-5gh.example"},
		{"right-to-left override", "a\u202eb.example", "a\u202eb.example", "a\u202eb.example"},
		{"full-width at sign", "a\uff20b.example", "a\uff20b.example", "a\uff20b.example"},
		{"label too long", strings.Repeat("ü", 64) + ".example", strings.Repeat("ü", 64) + ".example", strings.Repeat("ü", 64) + ".example"},
		{"domain too long", strings.Repeat("ü"+strings.Repeat("a", 50)+".", 5) + "example", strings.Repeat("ü"+strings.Repeat("a", 50)+".", 5) + "example", strings.Repeat("ü"+strings.Repeat("a", 50)+".", 5) + "example"},
		{"dot that is none", "bü\u2024cher.example", "bü\u2024cher.example", "bü\u2024cher.example"},
		{"too many labels", strings.Repeat("ü.", 20) + "example", strings.Repeat("ü.", 20) + "example", strings.Repeat("ü.", 20) + "example"},
		{"address literal", "[ipv6:2001:db8::1]", "[ipv6:2001:db8::1]", "[ipv6:2001:db8::1]"},
		{"no domain", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			display, ascii := idn(strings.ToLower(tt.in))
			if display != tt.display || ascii != tt.ascii {
				t.Errorf("%q %q, want %q %q", display, ascii, tt.display, tt.ascii)
			}
			if got := UnicodeDomain(tt.in); got != tt.display {
				t.Errorf("UnicodeDomain = %q, want %q", got, tt.display)
			}
			if got := UnicodeDomain("Ann@X@" + tt.in); got != "Ann@X@"+tt.display {
				t.Errorf("UnicodeDomain of an address = %q", got)
			}
		})
	}
}

func TestInternationalAddress(t *testing.T) {
	for _, in := range []string{"Ann@xn--bcher-kva.example", "Ann@bücher.example", "Ann@B\xfccher.Example.", "<Ann@xn--BCHER-kva.example>"} {
		got := header("From: " + in).Addresses("From")
		want := Address{Address: "Ann@bücher.example", Local: "Ann", Domain: "bücher.example", ASCII: "xn--bcher-kva.example"}
		if len(got) != 1 || got[0] != want {
			t.Errorf("%q: %+v, want %+v", in, got, want)
		}
	}
}

func TestPlainDomainsCostNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		UnicodeDomain("ann@example.org")
		idn("example.org")
	}); n != 0 {
		t.Errorf("%v allocations for a domain in ASCII", n)
	}
}

func FuzzUnicodeDomain(f *testing.F) {
	for _, s := range []string{"example.org", "a@xn--bcher-kva.example", "bücher。example", "p\u0430ypal.com", "1.xn--4dbrk0ce", "xn--\u00fc", "a\u202eb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToLower(clean(s))
		once := UnicodeDomain(s)
		if again := UnicodeDomain(once); again != once {
			t.Errorf("%q becomes %q and then %q", s, once, again)
		}
		display, ascii := idn(s)
		if strings.Contains(display, "xn--") || display == ascii {
			return
		}
		if d, a := idn(ascii); d != display || a != ascii {
			t.Errorf("%q is %q and %q, but that is %q and %q", s, display, ascii, d, a)
		}
	})
}
