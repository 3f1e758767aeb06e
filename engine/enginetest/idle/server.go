package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"time"
)

// order is a line of the benchmark to the server, answer the server's line back.
type order struct {
	// Deliver is the word of a message that is to come to every user, "" for none:
	// then it is only asked how things stand.
	Deliver string `json:"deliver,omitempty"`
	// Verify lists the words that every user must have filed.
	Verify []string `json:"verify,omitempty"`
}

type answer struct {
	Address string `json:"address,omitempty"`
	// Users have logged in, Waiting of them idle, Filed of them have no message in INBOX.
	Users, Waiting, Filed int
	// Took are how long the last messages took that are filed.
	Took []time.Duration `json:"took,omitempty"`
	// Wrong says what is not where it should be, "" where all is well.
	Wrong string `json:"wrong,omitempty"`
}

// serve is the mail server: the first argument is plain or tls, the second the file that
// the certificate is written to. It ends with its input.
func serve(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("serve needs a way to connect and a file")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if args[0] == secured {
		if ln, err = withTLS(ln, args[1]); err != nil {
			return err
		}
	}
	s := newStore()
	go accept(ln, s)
	defer ln.Close()
	return obey(s, ln.Addr().String(), in, out)
}

func accept(ln net.Listener, s *store) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go (&session{conn: conn, store: s}).run()
	}
}

func obey(s *store, address string, in io.Reader, out io.Writer) error {
	enc := json.NewEncoder(out)
	if err := enc.Encode(answer{Address: address}); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return err
		}
		if o.Deliver != "" {
			for _, u := range s.all() {
				u.deliver(o.Deliver)
			}
		}
		if err := enc.Encode(s.state(o)); err != nil {
			return err
		}
	}
	return lines.Err()
}

// state tells how things stand.
func (s *store) state(o order) answer {
	var a answer
	for _, u := range s.all() {
		a.Users++
		if u.isWaiting() {
			a.Waiting++
		}
		if took, ok := u.filing(); ok {
			a.Filed++
			a.Took = append(a.Took, took)
		}
		if len(o.Verify) > 0 && a.Wrong == "" {
			a.Wrong = u.verify(o.Verify)
		}
	}
	return a
}

// verify says what is wrong with a user's mail: each word must be filed once.
func (u *user) verify(want []string) string {
	if left, _ := u.holds(inbox); len(left) > 0 {
		return fmt.Sprintf("%s: %d messages are still in INBOX", u.name, len(left))
	}
	got := map[string]int{}
	all, _ := u.holds(filed)
	for _, m := range all {
		got[m.word]++
	}
	for _, word := range want {
		if got[word] != 1 {
			return fmt.Sprintf("%s: message %q was filed %d times", u.name, word, got[word])
		}
	}
	if len(all) != len(want) {
		return fmt.Sprintf("%s: %d messages are filed instead of %d", u.name, len(all), len(want))
	}
	return ""
}

// withTLS secures a listener with a certificate of its own, which is written to a file.
func withTLS(ln net.Listener, file string) (net.Listener, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idle"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	return tls.NewListener(ln, &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}), nil
}
