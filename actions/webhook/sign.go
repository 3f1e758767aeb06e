package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// sign sets the headers of Standard Webhooks: webhook-id, webhook-timestamp
// and, with a secret, webhook-signature, the HMAC-SHA256 over
// "id.timestamp.body".
func sign(h http.Header, secret []byte, id string, at time.Time, payload []byte) error {
	stamp := strconv.FormatInt(at.Unix(), 10)
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", stamp)
	if len(secret) == 0 {
		return nil
	}
	key, err := key(secret)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(payload)
	h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return nil
}

// key decodes a secret: what follows "whsec_" is base64, anything else is the
// key itself.
func key(secret []byte) ([]byte, error) {
	encoded, ok := bytes.CutPrefix(secret, []byte("whsec_"))
	if !ok {
		return secret, nil
	}
	out, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil {
		return nil, errors.New(`the secret begins with "whsec_" but is not base64 after it`)
	}
	return out, nil
}
