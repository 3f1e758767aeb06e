package crashtest

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"imapilot/engine/enginetest/imaptest"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// clumsy is a receiver that fails in every way there is, each message once.
type clumsy struct {
	t      *testing.T
	verify *standard.Webhook

	mu      sync.Mutex
	tries   map[string]int             // by path and Message-ID
	took    map[string]map[string]bool // by path and Message-ID: the webhook-ids that were taken
	gone    bool                       // whether /gone is
	strange []string
}

func (c *clumsy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var doc struct {
		MessageID string `json:"message_id"`
	}
	if err == nil {
		err = json.Unmarshal(body, &doc)
	}
	if err == nil {
		err = c.verify.Verify(body, r.Header)
	}
	if err != nil || r.URL.Path == "/elsewhere" {
		c.complain(fmt.Sprintf("%s: %v", r.URL.Path, err))
		return
	}
	key := r.URL.Path + " " + doc.MessageID
	if r.URL.Path == "/gone" && c.isGone() {
		w.WriteHeader(http.StatusGone)
		return
	}
	if r.URL.Path == "/hook" && c.first(key) && c.fail(w, r, doc.MessageID) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.took[key] == nil {
		c.took[key] = map[string]bool{}
	}
	c.took[key][r.Header.Get("webhook-id")] = true
}

func (c *clumsy) complain(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.strange = append(c.strange, text)
}

func (c *clumsy) isGone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone
}

func (c *clumsy) first(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries[key]++
	return c.tries[key] == 1
}

// fail answers the first call about a message as the script says. It reports whether
// the answer is none that takes the call.
func (c *clumsy) fail(w http.ResponseWriter, r *http.Request, messageID string) bool {
	var n int
	if _, err := fmt.Sscanf(messageID, "<%d@hook.test>", &n); err != nil {
		c.complain(messageID)
	}
	switch {
	case n%250 == 17:
		<-r.Context().Done() // until the caller gives up, or is killed
	case n%10 == 0:
		w.WriteHeader(http.StatusInternalServerError)
	case n%10 == 1:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	case n%10 == 2:
		http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
	case n%10 == 3:
		panic(http.ErrAbortHandler) // the connection is closed
	case n%10 == 4:
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // the caller may be killed
		time.Sleep(200 * time.Millisecond)
		return false
	default:
		return false
	}
	return true
}

// taken counts the messages that a path took, and those of which it took more than
// one webhook-id.
func (c *clumsy) taken(path string) (n, twice int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, ids := range c.took {
		if strings.HasPrefix(key, path+" ") {
			n++
			if len(ids) > 1 {
				twice++
			}
		}
	}
	return n, twice
}

// TestWebhooksSurvive kills the daemon 20 times while a receiver fails by a script:
// each of 1,000 messages reaches it, under one webhook-id, with a valid signature.
// Another endpoint wants no calls, until it is enabled.
func TestWebhooksSurvive(t *testing.T) {
	const messages, kills = 1000, 20
	verify, err := standard.NewWebhook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	c := &clumsy{t: t, verify: verify, tries: map[string]int{}, took: map[string]map[string]bool{}, gone: true}
	hook := httptest.NewServer(c)
	defer hook.Close()
	srv := imaptest.Memory(t, imaptest.Options{})
	var all []imaptest.Delivery
	for i := range messages {
		raw := fmt.Appendf(nil, "From: a@example.org\r\nSubject: message %d\r\nMessage-ID: <%d@hook.test>\r\n\r\nHello.\r\n", i, i)
		all = append(all, imaptest.Delivery{Date: epoch.Add(time.Duration(i) * time.Second), Raw: raw})
	}
	srv.AppendAll(t, "INBOX", all)
	binary, cfg := build(t), configureHooks(t, srv, hook.URL)
	for range kills {
		cmd := daemonOf(t, binary, cfg)
		time.Sleep(200*time.Millisecond + rand.N(600*time.Millisecond))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
	}
	before, _ := c.taken("/hook")
	cmd := daemonOf(t, binary, cfg)
	defer stop(t, cmd)
	reached := func(path string) func() bool {
		return func() bool { n, _ := c.taken(path); return n == messages }
	}
	eventually(t, "every message at the clumsy receiver", 2*time.Minute, reached("/hook"))
	c.mu.Lock()
	c.gone = false
	c.mu.Unlock()
	if out, err := exec.Command(binary, "webhooks", "enable", "gone", "-c", cfg).CombinedOutput(); err != nil {
		t.Fatalf("enable: %v\n%s", err, out)
	}
	eventually(t, "every message at the receiver that was gone", time.Minute, reached("/gone"))
	for _, path := range []string{"/hook", "/gone"} {
		if _, twice := c.taken(path); twice > 0 {
			t.Errorf("%s: %d messages came under several webhook-ids", path, twice)
		}
	}
	if len(c.strange) > 0 {
		t.Errorf("%d calls were not as they should be: %s", len(c.strange), c.strange[0])
	}
	t.Logf("%d of %d messages were taken during %d kills", before, messages, kills)
}

func eventually(t *testing.T, what string, within time.Duration, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !check(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

func daemonOf(t *testing.T, binary, cfg string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary, "run", "--existing", "-c", cfg)
	cmd.Env = append(os.Environ(), "HOOK_SECRET="+hookSecret)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func configureHooks(t *testing.T, srv *imaptest.Server, url string) string {
	t.Helper()
	host, port := srv.Addr()
	text := fmt.Sprintf(`state: state.db
accounts:
  home: {host: %s, port: %d, tls: none, username: %s, password: '%s', poll: 5s}
webhooks:
  hook: {url: '%s/hook', secret: {env: HOOK_SECRET}}
  gone: {url: '%s/gone', secret: {env: HOOK_SECRET}}
rules:
  - {name: all, if: true, then: [{webhook: hook}, {webhook: gone}, {move: Done}], max_messages: 10000}
`, host, port, srv.Username, srv.Password, url, url)
	path := filepath.Join(t.TempDir(), "imapilot.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
