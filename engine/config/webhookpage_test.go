package config

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"imapilot/actions/webhook"
	"imapilot/actions/webhook/preset"
	"imapilot/rules"
)

// webhookPage is the reference page of webhooks.
func webhookPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../actions/webhook/REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks are the examples of a page in one language.
func blocks(page, language string) []string {
	var out []string
	for _, found := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		out = append(out, found[1])
	}
	return out
}

// Every example is a configuration without an error, and each preset has one.
func TestWebhookPageExamplesLoad(t *testing.T) {
	const rest = "accounts:\n  home: {host: imap.example.org, username: me@example.org, password: {env: PASSWORD}, addresses: [me@example.org]}\n"
	seen := map[string]bool{}
	for _, text := range blocks(webhookPage(t), "yaml") {
		dir := folder(t, map[string]string{"imapilot.yaml": rest + text})
		cfg, diags := Load(filepath.Join(dir, "imapilot.yaml"))
		for _, d := range diags {
			if d.Severity == rules.Error {
				t.Errorf("%s\n%s: %s", text, d.Message, d.Hint)
			}
		}
		if cfg == nil {
			continue
		}
		for _, w := range cfg.Webhooks {
			seen[w.Preset] = true
		}
	}
	for _, name := range preset.Names() {
		if !seen[name] {
			t.Errorf("preset %s has no example", name)
		}
	}
}

// The tables have each field of the documents, and no other.
func TestWebhookPageNamesEveryField(t *testing.T) {
	page := webhookPage(t)
	for _, c := range []struct {
		from, to string
		of       reflect.Type
	}{
		{"## The document", "With `digest:`", reflect.TypeFor[webhook.Message]()},
		{"With `digest:`", "An endpoint that `notices:`", reflect.TypeFor[webhook.Digest]()},
		{"An endpoint that `notices:`", "A document of your own", reflect.TypeFor[webhook.Notice]()},
	} {
		_, part, _ := strings.Cut(page, c.from)
		part, _, _ = strings.Cut(part, c.to)
		var named, known []string
		for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(part, -1) {
			named = append(named, row[1])
		}
		for _, f := range reflect.VisibleFields(c.of) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); !f.Anonymous {
				known = append(known, name)
			}
		}
		if !reflect.DeepEqual(named, known) {
			t.Errorf("%v: the page has %v, the document %v", c.of, named, known)
		}
	}
}

// The ways to verify a call tell one that is ours from one that is not.
func TestWebhookPageVerifies(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	page := webhookPage(t)
	header, body := signedCall(t, secret)
	for _, c := range []struct{ language, file, program string }{
		{"go", "main.go", "go run main.go"}, {"python", "verify.py", "python3 verify.py"}, {"sh", "verify.sh", "sh verify.sh"},
	} {
		found := blocks(page, c.language)
		if len(found) != 1 {
			t.Fatalf("%d examples in %s", len(found), c.language)
		}
		words := strings.Fields(c.program)
		if _, err := exec.LookPath(words[0]); err != nil {
			t.Logf("%s is not installed here: its example was not run", words[0])
			continue
		}
		if _, err := exec.LookPath("openssl"); err != nil && c.language == "sh" {
			t.Log("openssl is not installed here: the shell's example was not run")
			continue
		}
		for _, tt := range []struct{ secret, want string }{{secret, "true"}, {"whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "false"}} {
			dir := folder(t, map[string]string{c.file: found[0], "body": string(body), "go.mod": "module verify\n\ngo 1.24\n"})
			cmd := exec.Command(words[0], words[1:]...)
			cmd.Dir, cmd.Stdin = dir, bytes.NewReader(body)
			cmd.Env = append(os.Environ(), "SECRET="+tt.secret, "ID="+header.Get("webhook-id"), "TIMESTAMP="+header.Get("webhook-timestamp"),
				"SIGNATURE="+header.Get("webhook-signature"), "GOFLAGS=-mod=mod", "GOWORK=off")
			out, err := cmd.CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != tt.want {
				t.Errorf("%s with %s: %q, %v; want %s", c.language, tt.secret, out, err, tt.want)
			}
		}
	}
}

// signedCall is a call as a receiver gets it, signed with two secrets.
func signedCall(t *testing.T, secret string) (http.Header, []byte) {
	t.Helper()
	var header http.Header
	var got bytes.Buffer
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		if _, err := got.ReadFrom(r.Body); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	client := webhook.NewClient("test")
	defer client.Close()
	doc := webhook.Payload(webhook.Message{ID: "msg_1", Subject: "Grüße", Received: time.Now()})
	to := webhook.Endpoint{URL: srv.URL, Secrets: [][]byte{[]byte("another one"), []byte(secret)}}
	if r := client.Send(t.Context(), to, "msg_1", time.Now(), doc); r.Err != nil {
		t.Fatal(r.Err)
	}
	if !json.Valid(got.Bytes()) || len(strings.Fields(header.Get("webhook-signature"))) != 2 {
		t.Fatalf("%s, %v", got.Bytes(), header)
	}
	return header, got.Bytes()
}
