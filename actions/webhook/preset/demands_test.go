package preset

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"imapilot/actions/webhook"
)

func utf16Size(s string) int { return len(utf16.Encode([]rune(s))) }

func wantNtfy(t *testing.T, req *http.Request, body []byte, n Note) {
	var got struct {
		Topic, Title, Message, Click string
		Sequence                     string `json:"sequence_id"`
	}
	fields(t, body, &got, "topic", "title", "message", "click", "sequence_id")
	wantRequest(t, req, "POST", "/base/", "Bearer "+token)
	wantSize(t, "title", got.Title, len(got.Title), 250)
	if len(body) > 8192 || len(got.Message) > 4096 || got.Message == "" || got.Topic != "my-mail" || got.Click != n.Link || got.Sequence != id {
		t.Errorf("%d bytes, message %d, %+.100v", len(body), len(got.Message), got)
	}
}

func wantGotify(t *testing.T, req *http.Request, body []byte, n Note) {
	var got struct {
		Title, Message string
		Extras         map[string]map[string]any
	}
	fields(t, body, &got, "title", "message", "extras")
	wantRequest(t, req, "POST", "/base/message", "")
	wantSize(t, "message", got.Message, len(got.Message), 4096)
	wantSize(t, "title", got.Title, len(got.Title), 250)
	click := ""
	if c, ok := got.Extras["client::notification"]["click"].(map[string]any); ok {
		click = c["url"].(string)
	}
	if req.Header.Get("X-Gotify-Key") != token || got.Extras["client::display"]["contentType"] != "text/plain" || click != n.Link {
		t.Errorf("%v, %v", req.Header, got.Extras)
	}
}

func wantSlack(t *testing.T, req *http.Request, body []byte, n Note) {
	var got struct {
		Text   string
		Mrkdwn *bool
		Links  *bool `json:"unfurl_links"`
		Media  *bool `json:"unfurl_media"`
	}
	fields(t, body, &got, "text", "mrkdwn", "unfurl_links", "unfurl_media")
	wantRequest(t, req, "POST", "/base", "")
	wantSize(t, "text", got.Text, utf16Size(got.Text), 3000)
	rest := regexp.MustCompile(`&(amp|lt|gt);`).ReplaceAllString(got.Text, "")
	if strings.ContainsAny(rest, "&<>") || got.Mrkdwn == nil || *got.Mrkdwn || got.Links == nil || *got.Links || got.Media == nil || *got.Media {
		t.Errorf("%.200s", body)
	}
	if shown := html.UnescapeString(got.Text); n.Link != "" && !strings.HasSuffix(shown, "\n"+n.Link) {
		t.Errorf("no link below %.100q", shown)
	}
}

// unescaped are the characters of Markdown that stand without a backslash.
func unescaped(s, special string) string {
	return regexp.MustCompile(`\\.|[^`+regexp.QuoteMeta(special)+`]`).ReplaceAllString(s, "")
}

func wantDiscord(t *testing.T, req *http.Request, body []byte, n Note) {
	var got struct {
		Content string
		Allowed *struct{ Parse *[]string } `json:"allowed_mentions"`
		Flags   int
	}
	fields(t, body, &got, "content", "allowed_mentions", "flags")
	wantRequest(t, req, "POST", "/base?thread_id=223704706495545344&wait=true", "")
	wantSize(t, "content", got.Content, utf16Size(got.Content), 2000)
	if got.Allowed == nil || got.Allowed.Parse == nil || len(*got.Allowed.Parse) != 0 || got.Flags != 4 {
		t.Errorf("%.200s", body)
	}
	if left := unescaped(got.Content, "*_~`|<>#[]"); left != "****" {
		t.Errorf("markup %q in %.200q", left, got.Content)
	}
	if n.Link != "" && !strings.HasSuffix(got.Content, "\n"+n.Link) {
		t.Errorf("no link below %.100q", got.Content)
	}
}

func wantMattermost(t *testing.T, req *http.Request, body []byte, n Note) {
	var got struct{ Text, Channel string }
	fields(t, body, &got, "text", "channel")
	wantRequest(t, req, "POST", "/base", "")
	wantSize(t, "text", got.Text, utf16Size(got.Text), 4000)
	if left := unescaped(got.Text, "*_~`|<>#[]!"); left != "****" {
		t.Errorf("markup %q in %.200q", left, got.Text)
	}
	wantNoMention(t, got.Text)
	if got.Channel != "town-square" || n.Link != "" && !strings.HasSuffix(got.Text, "\n"+n.Link) {
		t.Errorf("%+.200v", got)
	}
}

// wantNoMention makes sure that no name stands right behind an "@" that begins
// a word.
func wantNoMention(t *testing.T, s string) {
	t.Helper()
	if m := regexp.MustCompile(`(^|[^\pL\pN])@[\pL\pN]`).FindString(s); m != "" {
		t.Errorf("a mention %q in %.200q", m, s)
	}
}

func wantMatrix(t *testing.T, req *http.Request, body []byte, n Note) {
	var got struct {
		Type      string `json:"msgtype"`
		Body      string
		Format    string
		Formatted string                     `json:"formatted_body"`
		Mentions  map[string]json.RawMessage `json:"m.mentions"`
	}
	fields(t, body, &got, "msgtype", "body", "format", "formatted_body", "m.mentions")
	wantRequest(t, req, "PUT", "/base/_matrix/client/v3/rooms/%21abc%3Aexample.org/send/m.room.message/"+id, "Bearer "+token)
	wantSize(t, "body", got.Body, len(got.Body), 8000)
	if len(body) > 64_000 || got.Type != "m.text" || got.Format != "org.matrix.custom.html" || got.Mentions == nil || len(got.Mentions) != 0 {
		t.Errorf("%d bytes: %.200s", len(body), body)
	}
	tags := regexp.MustCompile(`<[^>]*>?`).FindAllString(got.Formatted, -1)
	for i, tag := range tags {
		if want := map[int]string{0: "<strong>", 1: "</strong>"}[i]; want != tag && (want != "" || tag != "<br>") {
			t.Errorf("a tag %q", tag)
		}
	}
	text := regexp.MustCompile(`</?strong>`).ReplaceAllString(strings.ReplaceAll(got.Formatted, "<br>", "\n"), "")
	if strings.Contains(got.Formatted, "\n") || html.UnescapeString(text) != got.Body || n.Link != "" && !strings.HasSuffix(got.Body, "\n"+n.Link) {
		t.Errorf("%.200q does not show %.200q", got.Formatted, got.Body)
	}
}

func wantTelegram(t *testing.T, req *http.Request, body []byte, n Note) {
	var got struct {
		Chat     string `json:"chat_id"`
		Text     string
		Entities []struct {
			Type           string
			Offset, Length int
		}
		Preview struct {
			Disabled bool `json:"is_disabled"`
		} `json:"link_preview_options"`
	}
	fields(t, body, &got, "chat_id", "text", "entities", "link_preview_options")
	wantRequest(t, req, "POST", "/base/bot"+token+"/sendMessage", "")
	wantSize(t, "text", got.Text, utf16Size(got.Text), 4096)
	wantNoMention(t, got.Text)
	title, _, _ := strings.Cut(got.Text, "\n")
	if len(got.Entities) != 1 || got.Entities[0].Type != "bold" || got.Entities[0].Offset != 0 || got.Entities[0].Length != utf16Size(title) {
		t.Errorf("%+v for %.100q", got.Entities, title)
	}
	if got.Chat != "-1001234567890" || !got.Preview.Disabled || n.Link != "" && !strings.HasSuffix(got.Text, "\n"+n.Link) {
		t.Errorf("%.200s", body)
	}
}

func wantHomeAssistant(t *testing.T, req *http.Request, body []byte, n Note) {
	var got struct {
		Title, Message string
		Data           struct{ Tag, ClickAction, URL string }
	}
	fields(t, body, &got, "title", "message", "data")
	wantRequest(t, req, "POST", "/base/api/services/notify/mobile_app_phone", "Bearer "+token)
	wantSize(t, "message", got.Message, len(got.Message), 3002)
	wantSize(t, "title", got.Title, len(got.Title), 250)
	if got.Data.Tag != id || got.Data.URL != n.Link || got.Data.ClickAction != n.Link {
		t.Errorf("%+v", got.Data)
	}
	if regexp.MustCompile(`^[a-z_]+$`).MatchString(got.Message) {
		t.Errorf("the message is an order: %q", got.Message)
	}
}

func wantGeneric(t *testing.T, req *http.Request, body []byte, n Note) {
	var got struct {
		Title, Body, Link string
		Message           webhook.Message
	}
	fields(t, body, &got, "title", "body", "link", "message")
	wantRequest(t, req, "POST", "/base", "Bearer "+token)
	wantSize(t, "title", got.Title, len(got.Title), 250)
	if len(body) > 2*webhook.MaxPayload || got.Message.ID != id || got.Message.Version != webhook.Version || got.Link != n.Link || len(got.Body) > 4096 {
		t.Errorf("%d bytes: %.200s", len(body), body)
	}
}
