package webhook

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sign sets the headers of Standard Webhooks: webhook-id, webhook-timestamp
// and, with secrets, webhook-signature: one signature a secret, in their order,
// so that a receiver finds its own while a secret is being replaced.
func sign(h http.Header, secrets [][]byte, id string, at time.Time, payload []byte) error {
	stamp := strconv.FormatInt(at.Unix(), 10)
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", stamp)
	if len(secrets) == 0 {
		return nil
	}
	content := append([]byte(id+"."+stamp+"."), payload...)
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		signature, err := signature(secret, content)
		if err != nil {
			return err
		}
		signatures[i] = signature
	}
	h.Set("webhook-signature", strings.Join(signatures, " "))
	return nil
}

// CheckSecret returns what is wrong with a secret, without naming it. What
// follows "whsec_" is the base64 of an HMAC key, what follows "whsk_" that of
// an ed25519 private key: its seed of 32 bytes, or seed and public key.
// Anything else but the empty string is an HMAC key as it is.
func CheckSecret(secret []byte) error {
	_, err := signature(secret, nil)
	return err
}

// signature signs with HMAC-SHA256 (v1) or ed25519 (v1a), as the secret says.
func signature(secret, content []byte) (string, error) {
	if bytes.HasPrefix(secret, []byte("whpk_")) {
		return "", errors.New(`the secret is a public key ("whpk_"); only the private key, "whsk_", can sign`)
	}
	if encoded, ok := bytes.CutPrefix(secret, []byte("whsk_")); ok {
		key, err := privateKey(encoded)
		if err != nil {
			return "", err
		}
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(key, content)), nil
	}
	key, err := hmacKey(secret)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(content)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// hmacKey decodes a symmetric secret. An empty key is refused: everybody could
// sign with it.
func hmacKey(secret []byte) ([]byte, error) {
	key := secret
	if encoded, ok := bytes.CutPrefix(secret, []byte("whsec_")); ok {
		var err error
		if key, err = decode(encoded, "whsec_"); err != nil {
			return nil, err
		}
	}
	if len(key) == 0 {
		return nil, errors.New("the secret is empty")
	}
	return key, nil
}

// privateKey decodes an ed25519 key. Standard Webhooks names no encoding below
// the base64: its libraries take the seed (RFC 8032 section 5.1.5), others the
// seed with the public key behind it, as crypto/ed25519 and libsodium keep it.
func privateKey(encoded []byte) (ed25519.PrivateKey, error) {
	raw, err := decode(encoded, "whsk_")
	if err != nil {
		return nil, err
	}
	if len(raw) != ed25519.SeedSize && len(raw) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf(`the secret has %d bytes after "whsk_"; an ed25519 private key has 32 or 64`, len(raw))
	}
	key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	if len(raw) == ed25519.PrivateKeySize && !bytes.Equal(key, raw) {
		return nil, errors.New(`the secret's public half after "whsk_" does not belong to its private half`)
	}
	return key, nil
}

// decode leaves the cause out of its error: it would show a part of the secret.
func decode(encoded []byte, prefix string) ([]byte, error) {
	out, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil {
		return nil, fmt.Errorf("the secret begins with %q but is not base64 after it", prefix)
	}
	return out, nil
}
