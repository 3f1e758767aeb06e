package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Endpoint is where a call goes and what the configuration adds to it. Its
// zero values are a signed or unsigned POST of JSON to anywhere.
type Endpoint struct {
	// URL is http or https, with a host. [FillURL] makes it of a template.
	URL string
	// Method is POST (also where it is empty), PUT, PATCH or GET. A GET has no
	// body, and its signature is over none.
	Method string
	// ContentType is application/json where it is empty.
	ContentType string
	// Headers are set as they are; see [CheckHeader] for those that cannot be.
	// There are at most 32.
	Headers map[string]string
	// Secrets sign the call, each for itself; see [CheckSecret]. None: the
	// call is not signed.
	Secrets [][]byte
	// Certificate is shown to a receiver that asks for one.
	Certificate *tls.Certificate
	// RootCAs are the authorities that are believed, in place of the system's.
	RootCAs *x509.CertPool
	// Egress is where the call may go.
	Egress Egress
}

// Check returns what is wrong with an endpoint, an [ErrEgress] where it is the
// egress that forbids it. The error names neither the URL nor a value. What
// Check passes can still be refused when it connects.
func (e Endpoint) Check() error {
	if _, err := e.parse(); err != nil {
		return err
	}
	for _, secret := range e.Secrets {
		if err := CheckSecret(secret); err != nil {
			return err
		}
	}
	return nil
}

// parse returns the URL of an endpoint that has nothing wrong but, maybe, its
// secrets.
func (e Endpoint) parse() (*url.URL, error) {
	u, err := url.Parse(e.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the URL of the webhook is not valid")
	}
	switch e.method() {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodGet:
	default:
		return nil, fmt.Errorf("the method %q is none of POST, PUT, PATCH and GET", e.Method)
	}
	return u, errors.Join(checkContentType(e.ContentType), checkHeaders(e.Headers), e.Egress.check(u, e))
}

func (e Endpoint) method() string {
	if e.Method == "" {
		return http.MethodPost
	}
	return e.Method
}

func (e Endpoint) contentType() string {
	if e.ContentType == "" {
		return "application/json"
	}
	return e.ContentType
}
