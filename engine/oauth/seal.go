package oauth

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// magic begins a file, and says its format.
const magic = "imapilot grant 1\n"

// keySize is that of AES-256, hintSize how much of a key's fingerprint a file tells.
const (
	keySize  = 32
	hintSize = 8
)

// MakeKey is a command that makes a key in a file.
func MakeKey(path string) string {
	return "(umask 077; head -c 32 /dev/urandom | base64 > " + path + ")"
}

var (
	errKeyForm  = errors.New("a key is 32 random bytes in base64 or hexadecimal digits")
	errOtherKey = errors.New("it was written with another token_key")
	errDamaged  = errors.New("it is damaged, or belongs to another account")
	errForeign  = errors.New("it is no file of imapilot's, or one of a newer version")
)

// parseKey reads a key.
func parseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString} {
		if key, err := decode(text); err == nil && len(key) == keySize {
			return key, nil
		}
	}
	return nil, errKeyForm
}

// keyHint lets a file say that another key is the right one. Keys are random, so that
// it tells nobody anything else.
func keyHint(key []byte) []byte {
	sum := sha256.Sum256(append([]byte("imapilot token_key\x00"), key...))
	return sum[:hintSize]
}

// seal encrypts a grant for a file: AES-256-GCM under a random nonce. The name of the
// account is authenticated with it, so that no file passes for that of another account.
func seal(key []byte, account string, g Grant) ([]byte, error) {
	plain, err := json.Marshal(g)
	if err != nil {
		return nil, err
	}
	gcm, err := gcmOf(key)
	if err != nil {
		return nil, err
	}
	head := append([]byte(magic), keyHint(key)...)
	return gcm.Seal(head, nil, plain, associated(head, account)), nil
}

// unseal reads what seal wrote.
func unseal(key []byte, account string, file []byte) (Grant, error) {
	rest, ok := bytes.CutPrefix(file, []byte(magic))
	if !ok || len(rest) < hintSize {
		return Grant{}, errForeign
	}
	if !bytes.Equal(rest[:hintSize], keyHint(key)) {
		return Grant{}, errOtherKey
	}
	gcm, err := gcmOf(key)
	if err != nil {
		return Grant{}, err
	}
	plain, err := gcm.Open(nil, nil, rest[hintSize:], associated(file[:len(magic)+hintSize], account))
	if err != nil {
		return Grant{}, errDamaged
	}
	var g Grant
	if err := json.Unmarshal(plain, &g); err != nil || g.Refresh == "" {
		return Grant{}, errDamaged
	}
	return g, nil
}

func gcmOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("the key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func associated(head []byte, account string) []byte {
	return append(bytes.Clone(head), account...)
}
