package unsubscribe

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/emersion/go-msgauth/dkim"
)

func TestVerifiesASignedOffer(t *testing.T) {
	s := newSigner(t, "shop.example.com", "example.com")
	for _, domain := range []string{"shop.example.com", "example.com"} {
		o, err := s.verify(s.sign(letter, domain, nil))
		if err != nil || o.URL() != "https://shop.example.com/u?t=hush" || o.Signer() != domain {
			t.Errorf("%s: %+v, %v", domain, o, err)
		}
	}
}

func TestVerifiesRSAAndLineFeeds(t *testing.T) {
	s := newSigner(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s.txt["key._domainkey.shop.example.com"] = []string{rsaRecord(t, &key.PublicKey)}
	signed := s.sign(letter, "shop.example.com", func(o *dkim.SignOptions) { o.Signer = key })
	for _, m := range []string{signed, strings.ReplaceAll(signed, "\r\n", "\n")} {
		if o, err := s.verify(m); err != nil {
			t.Errorf("%+v, %v", o, err)
		}
	}
}

// without leaves one field out of those that are signed.
func without(name string) func(*dkim.SignOptions) {
	return func(o *dkim.SignOptions) {
		o.HeaderKeys = slices.DeleteFunc(signedFields(), func(k string) bool { return k == name })
	}
}

func TestRefusesWhatNobodyVouchesFor(t *testing.T) {
	s := newSigner(t, "shop.example.com", "bank.example.net", "com")
	good := s.sign(letter, "shop.example.com", nil)
	for name, c := range map[string]struct{ message, want string }{
		"no signature":        {letter, "the message is not signed"},
		"body":                {good + "and more\r\n", "body hash did not verify"},
		"address":             {strings.Replace(good, "t=hush", "t=evil", 1), "signature did not verify"},
		"subject":             {strings.Replace(good, "Subject: Sale", "Subject: Sold", 1), "signature did not verify"},
		"h= without address":  {s.sign(letter, "shop.example.com", without("List-Unsubscribe")), "does not cover List-Unsubscribe"},
		"h= without post":     {s.sign(letter, "shop.example.com", without("List-Unsubscribe-Post")), "does not cover List-Unsubscribe-Post"},
		"another domain":      {s.sign(letter, "bank.example.net", nil), `it is signed by "bank.example.net", and not by shop.example.com`},
		"a public suffix":     {s.sign(letter, "com", nil), `it is signed by "com"`},
		"no key":              {s.sign(letter, "mail.example.com", nil), "no key for signature"},
		"l=":                  {s.tagged(letter, "shop.example.com", "l=14;"), "body length tag"},
		"expired":             {s.sign(letter, "shop.example.com", func(o *dkim.SignOptions) { o.Expiration = time.Now().Add(-time.Minute) }), "expired"},
		"an address on top":   {"List-Unsubscribe: <https://evil.example/>\r\n" + strings.Replace(good, "List-Unsubscribe: ", "X-Was: ", 1), "signature did not verify"},
		"control in a key":    {"DKIM-Signature: v=1; a=ed25519-sha256; d=shop.example.com; s=\x1b[31m; h=from; bh=; b=\r\n" + letter, "lookup ?[31m._domainkey"},
		"control in a domain": {"DKIM-Signature: v=1; d=a\x1b[31m\xe2\x80\xaeb\r\n" + letter, `signed by "a\x1b[31m\u202eb"`},
	} {
		o, err := s.verify(c.message)
		if !errors.Is(err, ErrUnsigned) || Temporary(err) || !strings.Contains(err.Error(), c.want) || o != (Offer{}) {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
	}
}

// What the table above refuses for l= is accepted without, so that it is l=
// that it is refused for.
func TestTaggedSignaturesAreGoodOnes(t *testing.T) {
	s := newSigner(t, "shop.example.com")
	if o, err := s.verify(s.tagged(letter, "shop.example.com", "t=1;")); err != nil {
		t.Errorf("%+v, %v", o, err)
	}
}

// The two parsers read names differently; what is called must be what is signed.
func TestRefusesWhatTwoParsersReadDifferently(t *testing.T) {
	s := newSigner(t, "shop.example.com")
	good := s.sign(letter, "shop.example.com", nil)
	evil := "List-Unsubscribe: <https://evil.example/>\r\n"
	for _, name := range []string{"List-Unsubscribe\v:", "List-Unsubscribe\u00a0:", "List-Unsubscribe :", "List-Unsubscribe\t:"} {
		m := evil + strings.Replace(good, "\r\nList-Unsubscribe:", "\r\n"+name, 1)
		found, err := dkim.VerifyWithOptions(strings.NewReader(m), &dkim.VerifyOptions{LookupTXT: func(n string) ([]string, error) { return s.txt[n], nil }})
		if err != nil || len(found) != 1 || found[0].Err != nil {
			t.Fatalf("%q is not what this test is for: %v, %v", name, found[0].Err, err)
		}
		if o, err := s.verify(m); !errors.Is(err, ErrNoOffer) {
			t.Errorf("%q: %+v, %v", name, o, err)
		}
	}
}

func TestOneGoodSignatureAmongOthersIsEnough(t *testing.T) {
	s := newSigner(t, "shop.example.com", "esp.example.net")
	good := s.sign(letter, "shop.example.com", nil)
	many := s.sign(s.sign(good, "esp.example.net", nil), "shop.example.com", without("List-Unsubscribe"))
	if o, err := s.verify(many); err != nil || o.Signer() != "shop.example.com" {
		t.Errorf("%+v, %v", o, err)
	}
	if slices.Contains(s.asked, "key._domainkey.esp.example.net") || len(s.asked) != 2 {
		t.Errorf("asked for %q", s.asked)
	}
	// The reason that is shown is that of the sender's own signature.
	bad := s.sign(s.sign(letter, "shop.example.com", without("List-Unsubscribe")), "esp.example.net", nil)
	if _, err := s.verify(bad); err == nil || !strings.Contains(err.Error(), "does not cover List-Unsubscribe") {
		t.Error(err)
	}
}

func TestLooksAtEightSignatures(t *testing.T) {
	s := newSigner(t, "shop.example.com")
	m := s.sign(letter, "shop.example.com", nil)
	forged := "DKIM-Signature: v=1; a=ed25519-sha256; d=shop.example.com; s=key; h=from; bh=AA==; b=AA==\r\n"
	if o, err := s.verify(strings.Repeat(forged, maxSignatures-1) + m); err != nil {
		t.Errorf("%+v, %v", o, err)
	}
	s.asked = nil
	if o, err := s.verify(strings.Repeat(forged, maxSignatures) + m); !errors.Is(err, ErrUnsigned) || len(s.asked) != maxSignatures {
		t.Errorf("%+v, %v, asked %d times", o, err, len(s.asked))
	}
}

func TestDNSThatDoesNotAnswer(t *testing.T) {
	s := newSigner(t, "shop.example.com")
	m := s.sign(letter, "shop.example.com", nil)
	for _, fail := range []error{
		&net.DNSError{Err: "server misbehaving", IsTemporary: true}, &net.DNSError{Err: "i/o timeout", IsTimeout: true},
		&net.DNSError{Err: "server misbehaving"}, errors.New("no network"),
	} {
		s.fail = fail
		if o, err := s.verify(m); !errors.Is(err, ErrDNS) || !Temporary(err) || o != (Offer{}) {
			t.Errorf("%v: %+v, %v", fail, o, err)
		}
	}
	// One that is not the sender's is not waited for.
	if o, err := s.verify(s.sign(letter, "esp.example.net", nil)); !errors.Is(err, ErrUnsigned) || o != (Offer{}) {
		t.Errorf("%+v, %v", o, err)
	}
}

// mute never answers.
type mute struct{}

func (mute) LookupTXT(ctx context.Context, _ string) ([]string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestWaitsTenSeconds(t *testing.T) {
	m := newSigner(t).sign(letter, "shop.example.com", nil)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := Verify(t.Context(), mute{}, strings.NewReader(m+m))
		if !errors.Is(err, ErrDNS) || time.Since(start) != maxWait {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := Verify(ctx, mute{}, strings.NewReader(m)); !errors.Is(err, context.DeadlineExceeded) || Temporary(err) {
			t.Error(err)
		}
	})
}

func TestRefusesKeys(t *testing.T) {
	s := newSigner(t, "shop.example.com")
	m, name := s.sign(letter, "shop.example.com", nil), "key._domainkey.shop.example.com"
	record := s.txt[name][0]
	even := new(big.Int).Lsh(big.NewInt(1), 2047)
	for _, c := range []struct{ record, want string }{
		{record + "; t=y", "for tests only"}, {record + "; t=s : y", "for tests only"}, {record + "; n=" + strings.Repeat("x", maxKey), "too long"},
		{"v=DKIM1; k=ed25519; p=", "revoked"}, {record + "; s=other", "inappropriate service"},
		{rsaRecord(t, &rsa.PublicKey{N: even, E: 65537}), "inappropriate key algorithm"},
	} {
		s.txt[name] = []string{c.record}
		if _, err := s.verify(m); !errors.Is(err, ErrUnsigned) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: %v", c.record, err)
		}
	}
	s.txt[name] = []string{record + "; t=s"}
	if _, err := s.verify(m); err != nil {
		t.Errorf("t=s: %v", err)
	}
}

// A key is the sender's, who may choose one that breaks what verifies it.
func TestStrangeKeysOnlyFail(t *testing.T) {
	s := newSigner(t)
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	m := s.sign(letter, "shop.example.com", func(o *dkim.SignOptions) { o.Signer = key })
	for _, k := range []*rsa.PublicKey{
		{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 3}, {N: key.N, E: 1}, {N: key.N, E: 2},
		{N: new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 16384), big.NewInt(1)), E: 1<<31 - 1},
	} {
		s.txt["key._domainkey.shop.example.com"] = []string{rsaRecord(t, k)}
		if _, err := s.verify(m); !errors.Is(err, ErrUnsigned) || !strings.Contains(err.Error(), "did not verify") {
			t.Errorf("E %d, %d bits: %v", k.E, k.N.BitLen(), err)
		}
	}
}

func TestAMessageThatCannotBeRead(t *testing.T) {
	s := newSigner(t, "shop.example.com")
	m := s.sign(s.sign(letter, "shop.example.com", nil), "shop.example.com", nil)
	broken := errors.New("the connection broke")
	for _, n := range []int{0, 10, len(m) - 5, len(m)} {
		// The end of the bubble finds goroutines that are left.
		synctest.Test(t, func(t *testing.T) {
			r := io.MultiReader(strings.NewReader(m[:n]), iotest.ErrReader(broken))
			if o, err := Verify(t.Context(), &s.zone, r); !errors.Is(err, ErrUnread) || !errors.Is(err, broken) || !Temporary(err) || o != (Offer{}) {
				t.Errorf("after %d octets: %+v, %v", n, o, err)
			}
		})
	}
}

// endless never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// TestLongMessages runs by the clock of a bubble, which stands still while a message is
// read: how busy the machine is does not matter.
func TestLongMessages(t *testing.T) {
	s := newSigner(t, "shop.example.com")
	m := s.sign(letter, "shop.example.com", nil)
	synctest.Test(t, func(t *testing.T) {
		if _, err := Verify(t.Context(), &s.zone, endless{}); !errors.Is(err, ErrNoOffer) || !strings.Contains(err.Error(), "256 KiB") {
			t.Error(err)
		}
		_, err := Verify(t.Context(), &s.zone, io.MultiReader(strings.NewReader(m), endless{}))
		if !errors.Is(err, ErrUnsigned) || Temporary(err) || !strings.Contains(err.Error(), "64 MiB") {
			t.Error(err)
		}
	})
}

func TestNoQuestionWithoutAnOffer(t *testing.T) {
	s := newSigner(t, "shop.example.com")
	m := s.sign(strings.Replace(letter, "https:", "http:", 1), "shop.example.com", nil)
	if _, err := s.verify(m); !errors.Is(err, ErrNoOffer) || len(s.asked) != 0 {
		t.Errorf("%v, asked for %q", err, s.asked)
	}
}

func TestAligned(t *testing.T) {
	for pair, want := range map[string]bool{
		"example.com example.com": true, "Mail.Example.com shop.example.COM": true, "example.co.uk a.example.co.uk": true,
		"co.uk example.co.uk": false, "other.co.uk example.co.uk": false, "com com": true, "com example.com": false,
		"evilexample.com example.com": false, "example.com.evil.net example.com": false, "a.github.io b.github.io": false,
		" example.com": false, "xn--bcher-kva.example mail.xn--bcher-kva.example": true,
	} {
		var a, b string
		if _, err := fmt.Sscanf(pair, "%s %s", &a, &b); err != nil {
			a, b, _ = strings.Cut(pair, " ")
		}
		if aligned(a, b) != want || aligned(b, a) != want {
			t.Errorf("%q and %q: %v", a, b, !want)
		}
	}
	if aligned("", "") {
		t.Error("nobody is aligned with nobody")
	}
}
