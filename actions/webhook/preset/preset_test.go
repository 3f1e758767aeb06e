package preset

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"imapilot/actions/webhook"
)

const (
	id    = "msg_a06b54a5c6df5bffb2c44500cb640cb4"
	token = "123456:ABC-def_1234ghIkl"
)

// example are settings that each preset takes; the URL is the receiver's.
func example(name, url string) Settings {
	to := map[string]string{
		"discord": "223704706495545344", "homeassistant": "notify.mobile_app_phone", "matrix": "!abc:example.org",
		"mattermost": "town-square", "ntfy": "my-mail", "telegram": "-1001234567890",
	}
	s := Settings{URL: url, To: to[name]}
	if found, _ := find(name); found.token != never {
		s.Token = token
	}
	return s
}

// hostile are notes whose words are written against the services.
func hostile() map[string]Note {
	words := map[string]string{
		"plain": "Build failed", "quotes": `he said "no" \ 'never'`, "lines": "one\r\ntwo\nthree\u2028four", "everyone": "@everyone @here <@&1234> <@1234>",
		"channel": "<!channel> <!here> <@U012> <#C01|x> &lt;!channel&gt;", "groups": "hi @channel, @all and .@here (@ann) ann@example.org",
		"markdown": "**b** _i_ `c` ~~s~~ ||spoiler|| [click](https://evil.example) ![x](y) # h > q", "html": `<b>x</b><script>alert(1)</script><img src=x onerror="y">&amp;`,
		"control": "a\x00b\x1b[31mc\x7f", "bidi": "a\u202ecod.exe\u2066", "broken": "a\xff\xfeb", "template": "${subject} {{.Title}} {{ states('x') }}",
		"json": `","chat_id":"666","x":"`, "command": "clear_notification", "long": strings.Repeat(`"\<&*_@`+"\n", 14_000), "emoji": strings.Repeat("\U0001F600", 30_000),
		"escapes": strings.Repeat(`"`, 100_000), "blank": " \t\n\u200b\u00a0", "empty": "",
	}
	out := map[string]Note{}
	for name, w := range words {
		m := webhook.Message{ID: id, Subject: w, From: []webhook.Address{{Name: w, Address: "ann@example.org"}}, Account: "home", Mailbox: "INBOX"}
		out[name+" as subject"] = Note{Message: m}
		out[name] = Note{Title: w, Body: w, Message: m, Link: "https://mail.example.org/m?a=1&b=" + strings.Repeat("x", 800)}
	}
	out["nothing"] = Note{Message: webhook.Message{ID: id}}
	return out
}

// deliver sends a note with the real client and returns what arrived.
func deliver(t *testing.T, name string, n Note) (req *http.Request, body []byte) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		req = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer srv.Close()
	call, err := Make(name, example(name, srv.URL+"/base"), n)
	if err != nil {
		t.Fatal(err)
	}
	to := call.Over(webhook.Endpoint{Secrets: [][]byte{[]byte("key")}})
	if r := webhook.NewClient("test").Send(context.Background(), to, id, time.Unix(1, 0), call.Body); r.Err != nil {
		t.Fatal(r.Err)
	}
	return req, body
}

// demand is what the documentation of a service asks of a call.
type demand func(t *testing.T, req *http.Request, body []byte, n Note)

func demands() map[string]demand {
	return map[string]demand{
		"discord": wantDiscord, "generic": wantGeneric, "gotify": wantGotify, "homeassistant": wantHomeAssistant, "matrix": wantMatrix,
		"mattermost": wantMattermost, "ntfy": wantNtfy, "slack": wantSlack, "telegram": wantTelegram,
	}
}

func TestPresetsKeepToWhatTheServicesDocument(t *testing.T) {
	if got := slices.Sorted(maps.Keys(demands())); !slices.Equal(got, Names()) {
		t.Fatalf("demands of %q for the presets %q", got, Names())
	}
	for name, want := range demands() {
		for what, n := range hostile() {
			t.Run(name+"/"+what, func(t *testing.T) {
				req, body := deliver(t, name, n)
				if req.Header.Get("Content-Type") != "application/json" || req.Header.Get("Webhook-Id") != id || req.Header.Get("Webhook-Signature") == "" {
					t.Errorf("headers %v", req.Header)
				}
				if strings.Contains(string(body), token) {
					t.Errorf("the body holds the token: %.100s", body)
				}
				wantClean(t, body)
				want(t, req, body, n)
			})
		}
	}
}

// wantClean makes sure that no string of the JSON holds what never shows.
func wantClean(t *testing.T, body []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v in %.200s", err, body)
	}
	each(v, func(s string) {
		if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
			t.Errorf("control characters in %.100q", s)
		}
	})
}

func each(v any, f func(string)) {
	switch v := v.(type) {
	case string:
		f(v)
	case []any:
		for _, e := range v {
			each(e, f)
		}
	case map[string]any:
		for k, e := range v {
			f(k)
			each(e, f)
		}
	}
}

// fields decodes the body and makes sure that it has these members and no more,
// so that no note adds one.
func fields(t *testing.T, body []byte, into any, names ...string) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || json.Unmarshal(body, into) != nil {
		t.Fatalf("%v: %.200s", err, body)
	}
	for name := range members {
		if !slices.Contains(names, name) {
			t.Errorf("an unknown member %q", name)
		}
	}
}

func wantRequest(t *testing.T, req *http.Request, method, uri, authorization string) {
	t.Helper()
	if req.Method != method || req.RequestURI != uri || req.Header.Get("Authorization") != authorization {
		t.Errorf("%s %s, authorization %q; want %s %s, %q", req.Method, req.RequestURI, req.Header.Get("Authorization"), method, uri, authorization)
	}
}

// wantSize makes sure that text keeps to a limit, and that only what reaches it
// is cut.
func wantSize(t *testing.T, what, text string, size, most int) {
	t.Helper()
	if size > most || strings.TrimSpace(text) == "" {
		t.Errorf("%s: size %d of %d: %.60q", what, size, most, text)
	}
	if strings.HasSuffix(text, "…") && size < most/2 {
		t.Errorf("%s is cut at %d of %d", what, size, most)
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Settings
		want string
	}{
		{"carrier-pigeon", Settings{}, "no preset"},
		{"ntfy", Settings{}, "topic is missing"},
		{"ntfy", Settings{To: "a/b"}, "topic has"},
		{"ntfy", Settings{To: strings.Repeat("a", 65)}, "topic has"},
		{"ntfy", Settings{To: "a", URL: "https://ntfy.sh/?x=hush"}, "without a query"},
		{"ntfy", Settings{To: "a", URL: "ntfy.sh"}, "begins with http"},
		{"ntfy", Settings{To: "a", Token: "hush\r\nHost: x"}, "control character"},
		{"gotify", Settings{}, "url is missing"},
		{"gotify", Settings{URL: "https://example.org"}, "token is missing"},
		{"gotify", Settings{URL: "https://example.org", Token: "a", To: "b"}, "no topic, channel"},
		{"slack", Settings{URL: "https://example.org", Token: "hush"}, "no token"},
		{"slack", Settings{URL: "https://example.org", To: "#c"}, "the url says where"},
		{"discord", Settings{URL: "https://example.org", To: "general"}, "thread is a number"},
		{"matrix", Settings{URL: "https://example.org", Token: "a", To: "#room:example.org"}, "alias"},
		{"telegram", Settings{Token: "hush/../x", To: "1"}, "BotFather"},
		{"telegram", Settings{Token: token, To: "a b"}, "chat is a number"},
		{"homeassistant", Settings{URL: "https://example.org", Token: "a", To: "../../config"}, "notifier is a name"},
	} {
		err := Check(c.name, c.s)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s %+v: %v, want %q", c.name, c.s, err, c.want)
		}
		if call, err := Make(c.name, c.s, Note{}); err == nil {
			t.Errorf("%s %+v makes %+v", c.name, c.s, call)
		}
	}
	for _, name := range Names() {
		if err := Check(name, example(name, "https://example.org/")); err != nil {
			t.Error(err)
		}
	}
	for name, s := range map[string]Settings{"ntfy": {To: "a"}, "telegram": {Token: token, To: "@news"}, "discord": {URL: "https://example.org/?thread_id=1"}} {
		if err := Check(name, s); err != nil {
			t.Error(err)
		}
	}
}

func TestLinkMustBeOne(t *testing.T) {
	for _, link := range []string{"javascript:alert(1)", "x", "https://", "http://example.org/" + strings.Repeat("x", maxLink), "https://example.org/a b"} {
		if _, err := Make("ntfy", Settings{To: "a"}, Note{Link: link}); err == nil || !strings.Contains(err.Error(), "link") {
			t.Errorf("%.40q: %v", link, err)
		}
	}
}

// A repeated attempt is a repetition.
func TestTheSameNoteMakesTheSameCall(t *testing.T) {
	for _, name := range Names() {
		n := hostile()["json"]
		kept, err := json.Marshal(n)
		var back Note
		if err != nil || json.Unmarshal(kept, &back) != nil {
			t.Fatal(err)
		}
		one, _ := Make(name, example(name, "https://example.org"), n)
		two, _ := Make(name, example(name, "https://example.org"), back)
		if string(one.Body) != string(two.Body) || one.URL != two.URL {
			t.Errorf("%s: %+v and %+v", name, one, two)
		}
	}
}

func TestCallOverEndpoint(t *testing.T) {
	c := Call{Method: "PUT", URL: "https://example.org/", ContentType: "a/b", Headers: map[string]string{"Authorization": "Bearer new"}}
	old := map[string]string{"authorization": "old", "X-A": "b"}
	e := c.Over(webhook.Endpoint{URL: "http://x", Headers: old, Egress: webhook.Public})
	if e.URL != c.URL || e.Method != "PUT" || e.ContentType != "a/b" || e.Egress != webhook.Public || old["authorization"] != "old" ||
		!maps.Equal(e.Headers, map[string]string{"Authorization": "Bearer new", "X-A": "b"}) {
		t.Errorf("%+v", e)
	}
	if err := (Call{URL: "https://example.org/"}).Over(webhook.Endpoint{}).Check(); err != nil {
		t.Error(err)
	}
}

func TestWait(t *testing.T) {
	for body, want := range map[string]time.Duration{
		`{"ok":false,"error_code":429,"parameters":{"retry_after":35}}`: 35 * time.Second,
		`{"message":"You are being rate limited.","retry_after":0.5}`:   7 * time.Second,
		`{"message":"You are being rate limited.","retry_after":64.5}`:  64500 * time.Millisecond,
		`{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":20000}`:         20 * time.Second,
		`{"retry_after":1e300}`: 24 * time.Hour, `{"retry_after":-5}`: 7 * time.Second, `{"retry_after":"soon"}`: 7 * time.Second, `nonsense`: 7 * time.Second, ``: 7 * time.Second,
	} {
		if got := Wait(webhook.Result{Status: 429, Err: io.EOF, RetryAfter: 7 * time.Second, Body: body}); got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
	if got := Wait(webhook.Result{Status: 200, Body: `{"retry_after":35}`}); got != 0 {
		t.Errorf("after success: %v", got)
	}
}

// FuzzMake: whatever a message says, a call is JSON without control characters
// and small, and goes where the settings say.
func FuzzMake(f *testing.F) {
	f.Add("Hello", "a\nb", "id", 1)
	f.Add("\"\\\u2028\xff\x00", "<!channel>@all", "../x", 9000)
	f.Fuzz(func(t *testing.T, title, body, id string, n int) {
		n = max(1, min(n, 100_000/(len(title)+len(body)+1)))
		note := Note{Title: strings.Repeat(title, n), Body: strings.Repeat(body, n), Message: webhook.Message{ID: id, Subject: body}}
		for _, name := range Names() {
			call, err := Make(name, example(name, "https://example.org/base"), note)
			if err != nil {
				if name != "matrix" {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			wantClean(t, call.Body)
			if len(call.Body) > 65_536-1000 || !strings.HasPrefix(call.URL, "https://example.org/base") || call.Over(webhook.Endpoint{}).Check() != nil {
				t.Errorf("%s: %d bytes to %s", name, len(call.Body), call.URL)
			}
		}
	})
}

// FuzzWait: no answer makes a wait that is not one.
func FuzzWait(f *testing.F) {
	f.Add(`{"retry_after":1}`)
	f.Add(`{"retry_after_ms":-1e308,"parameters":{"retry_after":1e308}}`)
	f.Fuzz(func(t *testing.T, body string) {
		if d := Wait(webhook.Result{Err: io.EOF, Body: body}); d < 0 || d > 24*time.Hour {
			t.Errorf("%v", d)
		}
	})
}
