package imapsession_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"imapilot/engine/imapsession"
)

// selfSigned is a certificate that no authority signed, for nobody's host.
func selfSigned(t *testing.T, name string) *tls.Certificate {
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// behindTLS is a server that says one thing over TLS. seen gives what the client sent
// and whose certificate it showed.
func behindTLS(t *testing.T, own *tls.Certificate, greeting string) (o imapsession.Options, seen func() (sent, name string)) {
	listener := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	t.Cleanup(func() { listener.Close() })
	var sent, name string
	done := make(chan struct{})
	go func() {
		defer close(done)
		raw, err := listener.Accept()
		if err != nil {
			return
		}
		defer raw.Close()
		conn := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{*own}, ClientAuth: tls.RequestClientCert})
		if conn.Handshake() != nil {
			return
		}
		if shown := conn.ConnectionState().PeerCertificates; len(shown) > 0 {
			name = shown[0].Subject.CommonName
		}
		fmt.Fprintf(conn, "* OK [CAPABILITY IMAP4rev1 SASL-IR %s] hello\r\n", greeting)
		sent, _ = bufio.NewReader(conn).ReadString('\n')
	}()
	o = imapsession.Options{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: imapsession.TLSImplicit, Username: "ann", Password: "secret",
	}
	return o, func() (string, string) { <-done; return sent, name }
}

// TestPinnedCertificate: the certificate itself is trusted, whoever signed it, and no
// other one; who sees another is told which.
func TestPinnedCertificate(t *testing.T) {
	own, other := selfSigned(t, "bridge"), selfSigned(t, "somebody")
	for name, c := range map[string]struct {
		shown *tls.Certificate
		good  bool
	}{"the one": {own, true}, "another": {other, false}} {
		t.Run(name, func(t *testing.T) {
			o, seen := behindTLS(t, c.shown, "AUTH=PLAIN")
			o.Pin = sha256.Sum256(own.Certificate[0])
			_, err := imapsession.Dial(t.Context(), o)
			sent, _ := seen()
			if c.good {
				if !strings.Contains(sent, "AUTHENTICATE PLAIN") {
					t.Errorf("%q, %v", sent, err)
				}
				return
			}
			wantError(t, err, imapsession.Config)
			if got := imapsession.Pin(sha256.Sum256(other.Certificate[0])).String(); sent != "" || !strings.Contains(err.Error(), got) {
				t.Errorf("%q was sent; %v, want %s in it", sent, err, got)
			}
		})
	}
}

// TestExternal: a certificate is shown, and logs in by itself where there is no
// password.
func TestExternal(t *testing.T) {
	own, mine := selfSigned(t, "server"), selfSigned(t, "ann")
	for password, want := range map[string]string{"": "AUTHENTICATE EXTERNAL =", "secret": "AUTHENTICATE PLAIN "} {
		o, seen := behindTLS(t, own, "AUTH=PLAIN AUTH=EXTERNAL")
		o.Pin, o.Certificate, o.Password = sha256.Sum256(own.Certificate[0]), mine, password
		_, err := imapsession.Dial(t.Context(), o) // the server hangs up
		if sent, name := seen(); !strings.Contains(sent, want) || name != "ann" {
			t.Errorf("with the password %q: %q by %q, want %q (%v)", password, sent, name, want, err)
		}
	}
}
