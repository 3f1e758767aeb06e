package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// certificate makes one that signs itself.
func certificate(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"client"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func tlsReceiver(t *testing.T, c *tls.Config, seen *[]string) (*httptest.Server, *x509.CertPool) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		name := ""
		for _, cert := range req.TLS.PeerCertificates {
			name = cert.DNSNames[0]
		}
		*seen = append(*seen, name)
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = c
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	return srv, roots
}

// One client serves endpoints with different settings, and no connection of
// one is used for another.
func TestTLSSettingsOfAnEndpoint(t *testing.T) {
	var seen []string
	srv, roots := tlsReceiver(t, &tls.Config{ClientAuth: tls.RequestClientCert}, &seen)
	c, mine := NewClient("test"), certificate(t)
	for _, to := range []Endpoint{{RootCAs: roots}, {RootCAs: roots, Certificate: mine}, {RootCAs: roots}} {
		to.URL = srv.URL
		if r := c.Send(t.Context(), to, "msg_1", time.Now(), nil); r.Err != nil {
			t.Errorf("%+v", r)
		}
	}
	r := c.Send(t.Context(), Endpoint{URL: srv.URL}, "msg_1", time.Now(), nil)
	if r.Err == nil || !strings.Contains(r.Err.Error(), "certificate") || strings.Join(seen, ",") != ",client," {
		t.Errorf("%+v, seen %q", r, seen)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	var seen []string
	srv, roots := tlsReceiver(t, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, &seen)
	r := NewClient("test").Send(t.Context(), Endpoint{URL: srv.URL, RootCAs: roots}, "msg_1", time.Now(), nil)
	if r.Err == nil || !strings.Contains(r.Err.Error(), "version") || len(seen) != 0 {
		t.Errorf("%+v, seen %q", r, seen)
	}
}

// closer counts how often its idle connections were closed.
type closer struct {
	capture
	closed *int
}

func (c *closer) CloseIdleConnections() { *c.closed++ }

func TestTransportsAreKeptByWhatTheSettingsSay(t *testing.T) {
	built, closed := 0, 0
	ts := transports{build: func(Endpoint, *net.Resolver) http.RoundTripper { built++; return &closer{closed: &closed} }}
	cert, roots, same := certificate(t), x509.NewCertPool(), x509.NewCertPool()
	parsed, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(parsed)
	same.AddCert(parsed)
	first := ts.of(Endpoint{RootCAs: roots, Certificate: cert})
	again := ts.of(Endpoint{URL: "http://other/", RootCAs: same, Certificate: &tls.Certificate{Certificate: [][]byte{cert.Certificate[0]}}})
	if first != again || built != 1 {
		t.Errorf("%d transports for one setting", built)
	}
	for i, to := range []Endpoint{{}, {RootCAs: roots}, {Certificate: cert}, {RootCAs: x509.NewCertPool()}, {Egress: Public}, {Egress: Confined}, {Certificate: certificate(t)}} {
		if ts.of(to); built != i+2 {
			t.Errorf("%d transports for %d settings", built, i+2)
		}
	}
	ts.close()
	if closed != 8 {
		t.Errorf("%d closed", closed)
	}
}

func TestTransportsAreBounded(t *testing.T) {
	built, closed := 0, 0
	ts := transports{build: func(Endpoint, *net.Resolver) http.RoundTripper { built++; return &closer{closed: &closed} }}
	used := ts.of(Endpoint{})
	for range maxTransports + 4 {
		ts.of(Endpoint{Certificate: certificate(t)})
		if ts.of(Endpoint{}) != used {
			t.Fatal("the one in use was dropped")
		}
	}
	if len(ts.kept) != maxTransports || closed != built-maxTransports || closed != 5 {
		t.Errorf("%d kept, %d built, %d closed", len(ts.kept), built, closed)
	}
}
