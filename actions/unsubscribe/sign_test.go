package unsubscribe

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

// letter is a message with an offer. It is not signed.
const letter = "From: News <news@shop.example.com>\r\n" +
	"To: ann@example.org\r\n" +
	"Subject: Sale\r\n" +
	"List-Unsubscribe: <https://shop.example.com/u?t=hush>, <mailto:u@shop.example.com>\r\n" +
	"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" +
	"\r\n" +
	"All must go.\r\n"

// signedFields are those that a good signature of letter covers.
func signedFields() []string {
	return []string{"From", "To", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post"}
}

// zone answers for keys, and counts the questions. A name that it does not have
// does not exist.
type zone struct {
	mu    sync.Mutex
	txt   map[string][]string
	fail  error // what is answered to all
	asked []string
}

func (z *zone) LookupTXT(ctx context.Context, name string) ([]string, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked = append(z.asked, name)
	if z.fail != nil {
		return nil, z.fail
	}
	if records := z.txt[name]; records != nil {
		return records, ctx.Err()
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// signer holds the key pair of a test.
type signer struct {
	t   *testing.T
	key ed25519.PrivateKey
	zone
}

// newSigner makes a key pair and publishes it for the domains.
func newSigner(t *testing.T, domains ...string) *signer {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{t: t, key: private, zone: zone{txt: map[string][]string{}}}
	for _, d := range domains {
		s.txt["key._domainkey."+d] = []string{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)}
	}
	return s
}

// sign puts a signature of the domain on top of a message.
func (s *signer) sign(message, domain string, change func(*dkim.SignOptions)) string {
	s.t.Helper()
	o := &dkim.SignOptions{
		Domain: domain, Selector: "key", Signer: s.key, HeaderKeys: signedFields(),
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	}
	if change != nil {
		change(o)
	}
	var out bytes.Buffer
	if err := dkim.Sign(&out, strings.NewReader(message), o); err != nil {
		s.t.Fatal(err)
	}
	return out.String()
}

func (s *signer) verify(message string) (Offer, error) {
	return Verify(s.t.Context(), &s.zone, strings.NewReader(message))
}

// tagged signs a message with a tag that the library does not write.
func (s *signer) tagged(message, domain, tag string) string {
	s.t.Helper()
	fields, body, _ := strings.Cut(message, "\r\n\r\n")
	digest := crypto.SHA256.New()
	digest.Write([]byte(body))
	unsigned := "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=" + domain + "; s=key; " + tag +
		" h=" + strings.Join(signedFields(), ":") + "; bh=" + base64.StdEncoding.EncodeToString(digest.Sum(nil)) + "; b="
	digest.Reset()
	for _, line := range strings.Split(fields, "\r\n") {
		digest.Write([]byte(line + "\r\n"))
	}
	digest.Write([]byte(unsigned))
	mark := ed25519.Sign(s.key, digest.Sum(nil))
	return unsigned + base64.StdEncoding.EncodeToString(mark) + "\r\n" + message
}

// rsaRecord is the record of an RSA key.
func rsaRecord(t *testing.T, key *rsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; p=" + base64.StdEncoding.EncodeToString(der)
}
