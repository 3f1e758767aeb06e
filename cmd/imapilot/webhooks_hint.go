package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"

	"imapilot/actions/webhook"
	"imapilot/engine/config"
)

// hintOf says what to look at when a call failed, "" where nothing is known.
func hintOf(hook config.Webhook, r webhook.Result) string {
	switch {
	case r.Err == nil:
		return ""
	case r.Status != 0:
		return hintOfStatus(hook, r.Status)
	}
	return hintOfError(hook, r.Err)
}

func hintOfStatus(hook config.Webhook, status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		if len(hook.Secrets) == 0 && len(hook.Headers) == 0 && hook.Token.IsZero() {
			return "the receiver wants to know who calls: give the webhook the secret that it checks, the header that it wants, or the token that its URL needs"
		}
		return "the receiver does not believe the signature, the header or the URL: is the secret the one that it has, is its clock right, and does the URL have its token?"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "there is a server, but it takes no such call at this path: is the URL complete?"
	case http.StatusGone:
		return "the receiver wants no more calls: was the webhook removed there? A call of a rule that gets this answer disables the endpoint"
	case http.StatusTooManyRequests:
		return "the receiver had too many calls: try again later"
	case http.StatusBadRequest:
		if strings.HasPrefix(hook.URL, "http://") {
			return "the receiver does not like the call: does it expect another document, or does the URL need https?"
		}
		return "the receiver does not like the document: does it expect another one?"
	case http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return "the receiver does not like the document: does it expect another one?"
	}
	switch status / 100 {
	case 3:
		return "write the URL that the receiver sends to into the configuration: redirects are not followed, for they would take the document elsewhere"
	case 5:
		return "the receiver itself, or what stands before it, is in trouble: its log knows more"
	}
	return ""
}

func hintOfError(hook config.Webhook, err error) string {
	var (
		name    *net.DNSError
		record  tls.RecordHeaderError
		proof   *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		timeout net.Error
	)
	switch {
	case strings.Contains(err.Error(), "the secret from "):
		return "nothing was sent: what the configuration names must be there for this command, and for the daemon"
	case errors.Is(err, webhook.ErrEgress):
		return "egress: public lets calls go to public addresses only: is the name right, and should the endpoint say egress: any?"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at " + receiverOf(hook) + ": is the receiver running, and the port right?"
	case errors.As(err, &name):
		return "the name of the host cannot be resolved: is it spelled right, and does this machine reach a name server?"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the receiver does not speak TLS at this port: does the URL need http, or another port?"
	case errors.As(err, &unknown):
		return "this machine does not trust who signed the receiver's certificate: is it self-signed, or is an intermediate certificate missing there?"
	case errors.As(err, &proof), strings.Contains(err.Error(), "tls: "):
		return "TLS fails: is the certificate of the receiver valid for this host, and not expired?"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "this machine has no way to the host: look at its network and its firewall"
	case errors.As(err, &timeout) && timeout.Timeout(), strings.HasPrefix(err.Error(), "no answer within"):
		return "the receiver did not answer in time: is there a firewall in between? It should answer first and work then"
	}
	return ""
}
