package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
)

// The advice after a login that failed is about what failed, and names the flags.
func TestInitAdvice(t *testing.T) {
	untrusted := &imapsession.Error{Op: "TLS", Class: imapsession.Config, Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}
	silent := &imapsession.Error{Op: "CONNECT", Err: context.DeadlineExceeded}
	garbage := &imapsession.Error{Op: "GREETING", Class: imapsession.Config, Text: "220 ESMTP", Err: errors.New("this is no greeting of an IMAP server")}
	refused := &imapsession.Error{Op: "LOGIN", Status: "NO", Code: "AUTHENTICATIONFAILED", Class: imapsession.Auth}
	for name, tc := range map[string]struct {
		address   string
		mode      config.TLSMode
		ca        string
		err       error
		want, not []string
	}{
		"nobody answers":           {mode: config.TLSImplicit, err: dialing(syscall.ECONNREFUSED), want: []string{"--host", "--port"}, not: []string{"password"}},
		"no way in time":           {mode: config.TLSImplicit, err: dialing(context.DeadlineExceeded), want: []string{"--host", "--port"}, not: []string{"password"}},
		"no such host":             {mode: config.TLSImplicit, err: dialing(&net.DNSError{IsNotFound: true}), want: []string{"is --host spelled right"}, not: []string{"password"}},
		"silent for STARTTLS":      {mode: config.TLSStart, err: silent, want: []string{"--tls implicit"}, not: []string{"password"}},
		"silent in clear text":     {mode: config.TLSNone, err: silent, want: []string{"--tls implicit"}},
		"garbage for STARTTLS":     {mode: config.TLSStart, err: garbage, want: []string{"--tls implicit"}, not: []string{"password"}},
		"garbage behind TLS":       {mode: config.TLSImplicit, err: garbage, want: []string{"--host", "--tls starttls"}},
		"closed before STARTTLS":   {mode: config.TLSStart, err: &imapsession.Error{Op: "GREETING", Err: io.EOF}, want: []string{"--tls implicit"}},
		"no STARTTLS":              {mode: config.TLSStart, err: &imapsession.Error{Op: "STARTTLS", Class: imapsession.Config}, want: []string{"--tls implicit", "--port 993"}},
		"goodbye":                  {mode: config.TLSStart, err: &imapsession.Error{Op: "GREETING", Status: "BYE"}, not: []string{"--"}},
		"no TLS":                   {mode: config.TLSImplicit, err: &imapsession.Error{Op: "TLS", Class: imapsession.Config, Err: tls.RecordHeaderError{}}, want: []string{"--tls starttls", "--port"}},
		"untrusted":                {mode: config.TLSImplicit, err: untrusted, want: []string{"--host", "--ca FILE"}},
		"untrusted with --ca":      {mode: config.TLSImplicit, ca: "own.pem", err: untrusted, want: []string{"own.pem", "--host"}, not: []string{"--ca"}},
		"another name with --ca":   {mode: config.TLSImplicit, ca: "own.pem", err: &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}}}, want: []string{"another name", "--host"}, not: []string{"--ca"}},
		"expired":                  {mode: config.TLSImplicit, err: &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, want: []string{"clock"}, not: []string{"--ca"}},
		"refused":                  {mode: config.TLSImplicit, err: refused, want: []string{"--username", "password"}, not: []string{"--host"}},
		"refused by a provider":    {address: "me@gmail.com", mode: config.TLSImplicit, err: refused, want: []string{"Gmail: ", "app password"}},
		"a provider out of reach":  {address: "me@gmail.com", mode: config.TLSImplicit, err: dialing(syscall.ETIMEDOUT), want: []string{"--host"}, not: []string{"Gmail"}},
		"what the error says best": {mode: config.TLSImplicit, err: &imapsession.Error{Op: "TLS", Class: imapsession.Config, Err: errors.New("own.pem holds no certificate")}, not: []string{"--"}},
	} {
		acc := config.Account{Host: "imap.example.org", TLS: tc.mode, CA: tc.ca}
		got := initAdvice(tc.address, acc, tc.err)
		for _, text := range tc.want {
			if !strings.Contains(got, text) {
				t.Errorf("%s: it does not say %q: %q", name, text, got)
			}
		}
		for _, text := range tc.not {
			if strings.Contains(got, text) {
				t.Errorf("%s: it says %q: %q", name, text, got)
			}
		}
	}
}

// dialing is a connection that could not be made.
func dialing(err error) error {
	return &imapsession.Error{Op: "CONNECT", Err: &net.OpError{Op: "dial", Err: err}}
}
