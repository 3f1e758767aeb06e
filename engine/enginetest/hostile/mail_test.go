package hostile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
)

const mailRules = `
webhooks:
  hook: {url: %q}
rules:
  - {name: all, if: true, then: [{webhook: hook}]}
  - {name: list, if: list.id != "", then: [{copy: 'Lists/${list.name}'}]}
  - {name: file, if: 'any(attachments, .name != "")', then: [{add_flags: [$File]}]}
  - {name: text, if: body.text contains "needle", then: [{add_flags: [$Found]}]}
  - {name: odd, if: header("X-Odd") != "", then: [{copy: 'Subjects/${subject}'}, {move: 'People/${from.name}'}]}
`

// hostileMail gives the daemon mail that means harm, among mail that does not, on
// a real server, and looks at everything that came of it.
func hostileMail(t *testing.T, binary string) {
	srv := imaptest.Dovecot(t, imaptest.Options{})
	hook := &receiver{}
	web := httptest.NewServer(hook)
	t.Cleanup(web.Close)
	l := newLiar(srv, lie{})
	host, port := l.listen(t)
	cfg := configure(t, host, port, ", tls: none", fmt.Sprintf(mailRules, web.URL+"/hook?token=hidden"))
	all := mail()
	for _, raw := range all {
		srv.Append(t, "INBOX", nil, time.Now(), raw)
	}
	p := start(t, binary, "run", "-v", "--existing", "-c", cfg)
	p.wait(60*time.Second, "every call arrived", func() bool { return hook.count() >= len(all) })
	p.wait(20*time.Second, "the odd ones are filed", func() bool { return len(srv.Messages(t, "INBOX")) == len(all)-oddOnes })
	shows(t, binary, cfg)
	for uid := len(all) - 6; uid <= len(all); uid++ { // the large ones
		output(t, binary, "explain", "--account", "home", "--mailbox", "INBOX", "--uid", fmt.Sprint(uid), "-c", cfg)
	}
	output(t, binary, "mailboxes", "-c", cfg)
	p.stop()
	hook.judge(t, len(all))
	filed(t, srv)
	files(t, filepath.Dir(cfg))
	explainedFiles(t, binary, cfg, all)
	for _, line := range l.sent() {
		if strings.ContainsFunc(strings.TrimSuffix(line, "\r\n"), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("it sent %q", line)
		}
	}
}

// oddOnes is how many messages carry X-Odd, and so are moved.
const oddOnes = 9

// mail are the messages: odd ones, large ones, and two that are like any other,
// before and after.
func mail() [][]byte {
	var out [][]byte
	add := func(format string, args ...any) { out = append(out, fmt.Appendf(nil, format, args...)) }
	word := func(s string) string { return "=?utf-8?b?" + base64.StdEncoding.EncodeToString([]byte(s)) + "?=" }
	odd := func(from, subject, rest string) {
		add("From: %s <a@example.org>\r\nSubject: %s\r\nX-Odd: yes\r\n%s\r\nHello.\r\n", from, subject, rest)
	}
	const injected = "x\r\nX-Injected: yes\r\n\r\n{\"a\": 1}\x00"
	add("From: Ann <a@example.org>\r\nSubject: first\r\nMessage-ID: <first@test>\r\n\r\nA needle.\r\n")
	odd(word(injected), word(injected), "Message-ID: <a@test>\r\nWebhook-Id: mine\r\n")
	odd(word(escape), word(escape), "Message-ID: <\x1b[2J\u202e@test>\r\n")
	odd("\x1b]0;owned\x07", "\x1b[2J\x9b\u009b\u202e", "Message-ID: <b\"c\\d(e){f}%*@test>\r\n")
	odd("../../../etc/passwd", "../..", "Message-ID: <\"quo\\\"ted\"@test>\r\n")
	odd(`"*"`, "%", "Message-ID: <*@%>\r\n")
	odd(`"INBOX"`, "INBOX", "Message-ID: <c@test>\r\nMessage-ID: <second@test>\r\n")
	odd(`"role:trash"`, "role:trash", "Message-ID: \r\n")
	odd(`"a\" b\\c"`, `a"b\c{3}`, "Message-ID: <"+strings.Repeat("x", 5000)+"@test>\r\n")
	odd(word("&AGE- &- ~"), word("\u200b&AA0ACg-T1 DELETE INBOX"), "Message-ID: <d@test>\r\n")
	for i, id := range []string{"<../../x.example.org>", `"x" <%2F..%2F..*%.a>`, "<a/b\\c.d>", "<*>", "<&AC8-.x>", "<" + word("a/\r\nb") + ".c>", "<" + strings.Repeat("l", 4000) + ".x>"} {
		add("From: list@example.org\r\nSubject: list\r\nMessage-ID: <list%d@test>\r\nList-Id: %s\r\n\r\nHello.\r\n", i, id)
	}
	add("From: a@example.org\r\nSubject: %s\r\nMessage-ID: <long@test>\r\n\r\nA needle.\r\n", strings.Repeat("x", 1<<20))
	add("From: a@example.org\r\nSubject: many\r\nMessage-ID: <many@test>\r\n%s\r\nA needle.\r\n", strings.Repeat("X-Many: \x1b[31m\r\n", 100_000))
	add("From: %s\r\nSubject: senders\r\nMessage-ID: <senders@test>\r\n\r\nA needle.\r\n", strings.Repeat("a@example.org,\r\n ", 50_000)+"b@example.org")
	out = append(out, nested(1000, 10), bomb(), attached())
	add("From: Ann <a@example.org>\r\nSubject: last\r\nMessage-ID: <last@test>\r\n\r\nA needle.\r\n")
	return out
}

// nested is a message of so many levels, with so many parts at each.
func nested(levels, parts int) []byte {
	var b bytes.Buffer
	b.WriteString("From: a@example.org\r\nSubject: nested\r\nMessage-ID: <nested@test>\r\nMIME-Version: 1.0\r\n")
	for i := range levels {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"b%d\"\r\n\r\n", i)
		for range parts - 1 {
			fmt.Fprintf(&b, "--b%d\r\nContent-Type: text/plain\r\n\r\nx\r\n", i)
		}
		fmt.Fprintf(&b, "--b%d\r\n", i)
	}
	b.WriteString("Content-Type: text/plain\r\n\r\nA needle.\r\n")
	for i := levels - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "--b%d--\r\n", i)
	}
	return b.Bytes()
}

// bomb is a text that is 20 MB of blanks once it is decoded, said to be packed,
// and longer than it says.
func bomb() []byte {
	line := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(" "), 57)) + "\r\n"
	return []byte("From: a@example.org\r\nSubject: bomb\r\nMessage-ID: <bomb@test>\r\nMIME-Version: 1.0\r\nContent-Length: 1\r\nContent-Encoding: gzip\r\n" +
		"Content-Type: text/html; charset=utf-7\r\nContent-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat(line, 20<<20/57))
}

// attached is an attachment whose name leads elsewhere.
func attached() []byte {
	return []byte("From: a@example.org\r\nSubject: file\r\nMessage-ID: <file@test>\r\nMIME-Version: 1.0\r\nContent-Type: application/gzip;\r\n" +
		" name=\"../../../../tmp/\x1b[2J\u202egnp.exe\"\r\nContent-Disposition: attachment; filename*=utf-8''..%2F..%2Fx%0D%0A%00y\r\n\r\n\x1f\x8b\x08\r\n")
}

// receiver takes the calls of webhooks.
type receiver struct {
	mu    sync.Mutex
	calls []call
}

type call struct {
	uri    string
	header http.Header
	body   []byte
	err    error
}

func (r *receiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call{req.Method + " " + req.RequestURI, req.Header, body, err})
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls)
}

// judge demands that each message was told once, in a document of one piece,
// with the headers that belong to it and no other.
func (r *receiver) judge(t *testing.T, n int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := map[string]bool{}
	for _, c := range r.calls {
		var doc map[string]any
		if err := json.Unmarshal(c.body, &doc); err != nil || c.err != nil {
			t.Errorf("%v, %v: %.300q", err, c.err, c.body)
		}
		if c.uri != "POST /hook?token=hidden" || len(c.body) > 20_000 {
			t.Errorf("%s, %d bytes", c.uri, len(c.body))
		}
		for name := range c.header {
			if !slices.Contains([]string{"Accept-Encoding", "Content-Length", "Content-Type", "User-Agent", "Webhook-Id", "Webhook-Timestamp"}, name) {
				t.Errorf("a header %q: %q", name, c.header[name])
			}
		}
		plain(t, "the document", doc)
		ids[c.header.Get("Webhook-Id")] = true
	}
	if len(r.calls) != n || len(ids) != n {
		t.Errorf("%d calls with %d ids for %d messages", len(r.calls), len(ids), n)
	}
}

// plain demands that no string of a document holds a control character.
func plain(t *testing.T, where string, v any) {
	t.Helper()
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl) {
			t.Errorf("%s holds %q", where, v)
		}
	case map[string]any:
		for k, item := range v {
			plain(t, where+"."+k, item)
		}
	case []any:
		for _, item := range v {
			plain(t, where, item)
		}
	}
}

// filed demands that mail made mailboxes of one level below the rules' own, and
// none with a name that could mean something else.
func filed(t *testing.T, srv *imaptest.Server) {
	t.Helper()
	made := map[string]int{}
	for _, name := range srv.Mailboxes(t) {
		parent, child, below := strings.Cut(name, "/")
		if !below {
			if !slices.Contains([]string{"INBOX", "Trash", "Junk", "Archive", "Sent", "Drafts", "Lists", "People", "Subjects"}, name) {
				t.Errorf("a mailbox %q", name)
			}
			continue
		}
		made[parent]++
		odd := func(r rune) bool {
			return strings.ContainsRune(`/%*`, r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
		}
		if child == "" || utf8.RuneCountInString(child) > 64 || strings.ContainsFunc(child, odd) || strings.Trim(child, ".") == "" {
			t.Errorf("a mailbox %q", name)
		}
	}
	t.Logf("mailboxes made of mail: %v", made)
	if made["Lists"] < 3 || made["People"] < 5 || made["Subjects"] < 5 {
		t.Errorf("mailboxes made: %v", made)
	}
	var ids []string
	for _, m := range srv.Messages(t, "INBOX") {
		if slices.ContainsFunc(m.Flags, func(f imap.Flag) bool { return strings.EqualFold(string(f), "$Found") }) {
			ids = append(ids, m.MessageID)
		}
	}
	for _, id := range []string{"<first@test>", "<last@test>", "<long@test>", "<many@test>", "<senders@test>"} {
		if !slices.Contains(ids, id) {
			t.Errorf("the text of %s was not found: %q", id, ids)
		}
	}
}

// files demands that nothing lies beside what the daemon makes.
func files(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "state.db") && e.Name() != "imapilot.yaml" && e.Name() != "password" {
			t.Errorf("a file %q", e.Name())
		}
	}
}

// explainedFiles explains the messages from files, as a user does who saved
// them.
func explainedFiles(t *testing.T, binary, cfg string, all [][]byte) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"explain", "--all"}
	for i, raw := range all {
		name := filepath.Join(dir, fmt.Sprintf("%d.eml", i))
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	p := start(t, binary, append(args, "-c", cfg)...)
	p.end(30 * time.Second)
	if p.err != nil {
		t.Errorf("explain: %v", p.err)
	}
	p.judge()
	output(t, binary, append(args, "-c", cfg)...)
	output(t, binary, append(args, "--json", "-c", cfg)...)
}
