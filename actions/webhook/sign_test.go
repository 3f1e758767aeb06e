package webhook

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func signed(t *testing.T, secrets ...string) []string {
	t.Helper()
	h := http.Header{}
	if err := sign(h, raw(secrets), "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`)); err != nil {
		t.Fatal(err)
	}
	return strings.Split(h.Get("webhook-signature"), " ")
}

func raw(secrets []string) (out [][]byte) {
	for _, s := range secrets {
		out = append(out, []byte(s))
	}
	return out
}

// The examples of the tests of the Standard Webhooks libraries.
func TestSignatureMatchesTheStandard(t *testing.T) {
	for secret, want := range map[string]string{
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw":            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		"whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=": "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==",
	} {
		if got := signed(t, secret); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", secret, got, want)
		}
	}
}

// While a secret is being replaced, a receiver with either one accepts.
func TestAllSecretsSign(t *testing.T) {
	secrets := []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_bmV3IHNlY3JldCwgdHdlbnR5LWZvdXIgYnl0ZXM="}
	h := http.Header{}
	body := []byte(`{"a":1}`)
	if err := sign(h, raw(append(secrets, "just a string")), "msg_1", time.Now(), body); err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets {
		if hook, err := standardwebhooks.NewWebhook(s); err != nil || hook.Verify(body, h) != nil {
			t.Errorf("the receiver with %q: %v, %v", s, err, hook.Verify(body, h))
		}
	}
	hook, _ := standardwebhooks.NewWebhookRaw([]byte("just a string"))
	if err := hook.Verify(body, h); err != nil {
		t.Error(err)
	}
	if hook, _ := standardwebhooks.NewWebhookRaw([]byte("another")); hook.Verify(body, h) == nil {
		t.Error("a receiver with another secret accepts")
	}
}

// The public key belongs to the private one, whichever way that is kept.
func TestEd25519(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	for _, kept := range [][]byte{key.Seed(), key} {
		got := signed(t, "whsk_"+base64.StdEncoding.EncodeToString(kept))
		encoded, ok := strings.CutPrefix(got[0], "v1a,")
		signature, err := base64.StdEncoding.DecodeString(encoded)
		content := []byte(`msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}`)
		if !ok || err != nil || !ed25519.Verify(key.Public().(ed25519.PublicKey), content, signature) {
			t.Errorf("%d bytes: %q, %v", len(kept), got, err)
		}
	}
}

func TestBadSecretsAreNamedButNotShown(t *testing.T) {
	mixed := append(bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{8}, 32)...)
	for secret, want := range map[string]string{
		"":              "empty",
		"whsec_":        "empty",
		"whsec_hush!":   `"whsec_" but is not base64`,
		"whsk_hush!":    `"whsk_" but is not base64`,
		"whsk_aHVzaA==": "32 or 64",
		"whsk_" + base64.StdEncoding.EncodeToString(mixed): "does not belong",
		"whpk_aHVzaA==": "public key",
	} {
		err := CheckSecret([]byte(secret))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "aHVz") {
			t.Errorf("%q: %v, want %q", secret, err, want)
		}
		if h := (http.Header{}); sign(h, [][]byte{[]byte("good"), []byte(secret)}, "msg_1", time.Now(), nil) == nil || h.Get("webhook-signature") != "" {
			t.Errorf("%q: signed all the same: %q", secret, h)
		}
	}
}

// FuzzSecret: a secret is refused, or it makes one signature that a header can
// hold.
func FuzzSecret(f *testing.F) {
	for _, s := range []string{"", "whsec_", "whsk_aHVzaA==", "whpk_", "a b", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, secret []byte) {
		got, err := signature(secret, []byte("x"))
		if version, encoded, _ := strings.Cut(got, ","); err == nil {
			if b, bad := base64.StdEncoding.DecodeString(encoded); bad != nil || version != "v1" && version != "v1a" || len(b) < 32 {
				t.Errorf("%q", got)
			}
		}
	})
}
