package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/imapsession"
)

// initAdvice says what to look at after a login that did not work: what doctor would say,
// of the flags in the place of a configuration that is not there yet.
func initAdvice(address string, acc config.Account, err error) string {
	var failed *imapsession.Error
	var certificate *tls.CertificateVerificationError
	switch p := providerOf(address); {
	case errors.As(err, &certificate):
		return certificateAdvice(acc, certificate)
	case p.needs != "" && errors.As(err, &failed) && failed.Class == imapsession.Auth:
		return "\n" + p.needs + "."
	}
	return strings.NewReplacer("host:", "--host", "port:", "--port", "tls: ", "--tls ", "The user name", "The user name (--username)").
		Replace(whatToLookAt(attempted(acc, err)))
}

// attempted is what one attempt to log in tells of a server.
func attempted(acc config.Account, err error) engine.Examination {
	x := engine.Examination{Account: acc, Failure: err}
	var name *net.DNSError
	if errors.As(err, &name) {
		x.Unresolved = name
		return x
	}
	address := engine.Address{}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		address.Err = dial
	}
	x.Addresses = []engine.Address{address}
	return x
}

// certificateAdvice tells a certificate of another server from one that needs --ca. Where
// that was given already it is not advised again.
func certificateAdvice(acc config.Account, err error) string {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return "\nThe certificate is for another name: is --host the one that the provider tells?"
	case errors.As(err, &invalid):
		return "\nWhoever runs the server has to mend its certificate, unless the clock of this\nmachine is wrong."
	case acc.CA != "":
		return fmt.Sprintf("\nThe certificate is none of those in %s, and not of an authority there: is that\nfile for this server, and is --host right?", acc.CA)
	}
	return "\nCheck --host; a private certificate authority can be given with --ca FILE."
}
