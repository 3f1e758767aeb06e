package imapsession

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// Pin is the SHA-256 of a certificate, as "openssl x509 -fingerprint -sha256" prints it.
type Pin [sha256.Size]byte

// IsZero reports whether it is none.
func (p Pin) IsZero() bool { return p == Pin{} }

// String prints pairs of digits between colons.
func (p Pin) String() string {
	pairs := make([]string, len(p))
	for i, b := range p {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}

func (p Pin) verify(chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return errors.New("the server shows no certificate")
	}
	if got := Pin(sha256.Sum256(chain[0].Raw)); got != p {
		return fmt.Errorf("the server's certificate is another one than that of the pin: %v", got)
	}
	return nil
}

// PinOf is the pin of a certificate.
func PinOf(c *x509.Certificate) Pin { return sha256.Sum256(c.Raw) }
