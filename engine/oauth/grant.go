package oauth

import (
	"crypto/sha256"
	"time"
)

// Grant is what a person granted: the right to get access tokens, and the last of them.
type Grant struct {
	Refresh string `json:"refresh"`
	Access  string `json:"access"`
	// Expiry is when Access ends, zero if the server did not say.
	Expiry time.Time `json:"expiry,omitzero"`
	// Obtained is when Access was given, Granted when the person agreed.
	Obtained time.Time `json:"obtained"`
	Granted  time.Time `json:"granted"`
	Scopes   []string  `json:"scopes,omitempty"`
	// TokenEndpoint and ClientID are who may see Refresh.
	TokenEndpoint string `json:"token_endpoint"`
	ClientID      string `json:"client_id"`
}

// String shows nothing, nor does GoString.
func (g Grant) String() string { return "[grant]" }

// GoString is String, for %#v.
func (g Grant) GoString() string { return "[grant]" }

// margin is how long before its end a token is renewed, of one that lasts long enough.
const margin = 5 * time.Minute

// lasts reports whether the access token can be used for a while yet: jitter keeps many
// accounts from asking at one time. A token that lasts for minutes is used for three
// quarters of them.
func (g Grant) lasts(now time.Time, jitter time.Duration) bool {
	if g.Access == "" {
		return false
	}
	if g.Expiry.IsZero() {
		return true
	}
	return now.Before(g.Expiry.Add(-min(margin+jitter, g.Expiry.Sub(g.Obtained)/4)))
}

// mark is a fingerprint of a token or of a file.
type mark = [sha256.Size]byte

func markOf(s string) mark { return sha256.Sum256([]byte(s)) }
