package webhook

import "encoding/json"

const (
	// MaxDigest is how many messages one digest speaks of.
	MaxDigest = 50
	// MaxDigestSize is the size in bytes of the documents in one digest.
	MaxDigestSize = 100_000
)

// Digest is the document that is posted for several messages: that of each, in the
// order in which they were decided.
type Digest struct {
	Version  int               `json:"version"`
	ID       string            `json:"id"` // the webhook-id
	Account  string            `json:"account"`
	Messages []json.RawMessage `json:"messages"`
}

// JSON returns the document. Its messages must be JSON.
func (d Digest) JSON() []byte {
	d.Version = Version
	out, err := json.Marshal(d)
	if err != nil {
		panic(err) // of documents that are JSON none fails
	}
	return out
}
