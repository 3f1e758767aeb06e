package imapsession

import (
	"fmt"
	"slices"
	"strings"
)

// The ways to log in. All but LoginCommand are SASL mechanisms (RFC 4422).
const (
	External    = "EXTERNAL"      // RFC 4422 appendix A: the certificate of TLS
	OAuthBearer = "OAUTHBEARER"   // RFC 7628
	XOAuth2     = "XOAUTH2"       // what Google and Microsoft had before it
	ScramSHA256 = "SCRAM-SHA-256" // RFC 7677: the server proves that it knows the password, too
	Plain       = "PLAIN"         // RFC 4616
	Login       = "LOGIN"         // a draft that never became an RFC; some servers have nothing else
	// loginCommand is the command (RFC 9051 section 6.2.3), where no mechanism is
	// offered. Asking for [Login] allows it, too.
	loginCommand = ""
)

// Mechanisms lists what a login may be asked to use, the strongest first.
func Mechanisms() []string {
	return []string{External, OAuthBearer, XOAuth2, ScramSHA256, Plain, Login}
}

// mechanism is how to log in: as it was asked for, or by the strongest that the server
// offers and that there is something to show for.
func (o *Options) mechanism(caps Capabilities) (string, error) {
	possible := o.possible()
	for _, m := range possible {
		if caps.Has("AUTH=" + m) {
			return m, nil
		}
	}
	if slices.Contains(possible, Login) && !caps.Has("LOGINDISABLED") {
		return loginCommand, nil
	}
	return "", fmt.Errorf("the server offers %s, which does not go with %s", offered(caps), o.shows())
}

// possible are the mechanisms that fit what there is to show, the strongest first.
func (o *Options) possible() []string {
	var out []string
	switch {
	case o.Token != nil:
		out = []string{OAuthBearer, XOAuth2}
	case o.Password == "" && o.Certificate != nil:
		out = []string{External}
	default:
		out = []string{ScramSHA256, Plain, Login}
	}
	if o.Mechanism == "" {
		return out
	}
	return slices.DeleteFunc(out, func(m string) bool { return m != o.Mechanism })
}

func (o *Options) shows() string {
	switch {
	case o.Mechanism != "":
		return "auth: " + strings.ToLower(o.Mechanism)
	case o.Token != nil:
		return "an OAuth2 token"
	case o.Password == "" && o.Certificate != nil:
		return "a client certificate without a password"
	case o.TLS == TLSNone:
		return "a password on a connection without TLS: use TLS"
	}
	return "a password"
}

// offered are the mechanisms that a server announces.
func offered(caps Capabilities) string {
	var out []string
	for _, name := range caps.Names {
		if m, ok := strings.CutPrefix(name, "AUTH="); ok {
			out = append(out, printable(m))
		}
	}
	if !caps.Has("LOGINDISABLED") {
		out = append(out, "the LOGIN command")
	}
	if len(out) == 0 {
		return "no way to log in here"
	}
	return strings.Join(out, ", ")
}
