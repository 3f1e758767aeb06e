package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"golang.org/x/net/http/httpguts"
)

const (
	// maxHeaders is how many headers an endpoint may have.
	maxHeaders = 32
	// maxHeader is the size of the longest value in bytes: what common servers
	// take in one line.
	maxHeader = 8000
)

// CheckHeader returns what is wrong with a header of the configuration. It
// never shows the value, which may be a token.
func CheckHeader(name, value string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("%q is not the name of a header", name)
	case ours(http.CanonicalHeaderKey(name)):
		return fmt.Errorf("the header %s cannot be set: it is imapilot's own", name)
	case len(value) > maxHeader:
		return fmt.Errorf("the value of the header %s has %d bytes; at most %d", name, len(value), maxHeader)
	case strings.ContainsFunc(value, unicode.IsControl) || !httpguts.ValidHeaderFieldValue(value):
		return fmt.Errorf("the value of the header %s holds a control character", name)
	}
	return nil
}

// ours reports whether a header is set by this package or by net/http, or says
// how the connection is used (RFC 9110 section 7.6.1).
func ours(name string) bool {
	switch name {
	case "Host", "Content-Length", "Content-Type", "User-Agent", "Accept-Encoding",
		"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect":
		return true
	}
	return strings.HasPrefix(name, "Webhook-") || strings.HasPrefix(name, "Proxy-")
}

// checkHeaders checks all headers of an endpoint.
func checkHeaders(all map[string]string) error {
	if len(all) > maxHeaders {
		return fmt.Errorf("there are %d headers; at most %d", len(all), maxHeaders)
	}
	seen := map[string]bool{}
	for name, value := range all {
		if err := CheckHeader(name, value); err != nil {
			return err
		}
		if canonical := http.CanonicalHeaderKey(name); !seen[canonical] {
			seen[canonical] = true
			continue
		}
		return fmt.Errorf("the header %s is there twice", name)
	}
	return nil
}

// checkContentType takes any value that a header may have; what it says is
// between the configuration and the receiver.
func checkContentType(v string) error {
	if len(v) > maxHeader || strings.ContainsFunc(v, unicode.IsControl) || !httpguts.ValidHeaderFieldValue(v) {
		return errors.New("the content type holds a control character or is too long")
	}
	return nil
}
