package preset

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"imapilot/actions/webhook"
)

// Settings are what the configuration says of an endpoint with a preset. What
// a service has no use for must be empty, so that nothing is left unheeded.
type Settings struct {
	// URL is the server, or for Slack, Discord and Mattermost the webhook's
	// own URL. ntfy and Telegram have a default.
	URL string
	// Token is the secret that the service gave out.
	Token string
	// To is the topic, channel, thread, room, chat or notifier.
	To string
}

// Call is one request. All but its body may hold a token.
type Call struct {
	Method      string
	URL         string
	ContentType string
	Headers     map[string]string
	Body        []byte
}

// Over returns the endpoint with what the call says in place of its own; of
// headers both have, the call's.
func (c Call) Over(e webhook.Endpoint) webhook.Endpoint {
	e.Method, e.URL, e.ContentType = c.Method, c.URL, c.ContentType
	headers := maps.Clone(e.Headers)
	if headers == nil {
		headers = map[string]string{}
	}
	for name := range headers {
		if _, ok := c.Headers[http.CanonicalHeaderKey(name)]; ok {
			delete(headers, name)
		}
	}
	maps.Copy(headers, c.Headers)
	e.Headers = headers
	return e
}

// service is one line of the table.
type service struct {
	name string
	// url is the default; "" for none.
	url string
	// base is set where the URL is a server's, to which a path is added.
	base bool
	// token says whether there is a token.
	token need
	// to is what the service calls Settings.To, toNeed whether it has one.
	to     string
	toNeed need
	// check checks what is particular to the service; nil for nothing.
	check func(Settings) error
	make  func(Settings, Note) (Call, error)
}

// need says whether a setting is given.
type need int

const (
	never need = iota
	maybe
	always
)

// services is the table.
func services() []service {
	return []service{
		{name: "discord", to: "thread", toNeed: maybe, check: checkDiscord, make: makeDiscord},
		{name: "generic", token: maybe, make: makeGeneric},
		{name: "gotify", base: true, token: always, make: makeGotify},
		{name: "homeassistant", base: true, token: always, to: "notifier", toNeed: always, check: checkHomeAssistant, make: makeHomeAssistant},
		{name: "matrix", base: true, token: always, to: "room", toNeed: always, check: checkMatrix, make: makeMatrix},
		{name: "mattermost", to: "channel", toNeed: maybe, make: makeMattermost},
		{name: "ntfy", url: "https://ntfy.sh", base: true, token: maybe, to: "topic", toNeed: always, check: checkNtfy, make: makeNtfy},
		{name: "slack", make: makeSlack},
		{name: "telegram", url: "https://api.telegram.org", base: true, token: always, to: "chat", toNeed: always, check: checkTelegram, make: makeTelegram},
	}
}

// Names are the presets there are, sorted.
func Names() []string {
	var out []string
	for _, s := range services() {
		out = append(out, s.name)
	}
	return out
}

// Check returns what is wrong with the settings of a preset. The error shows
// neither the token nor the URL.
func Check(name string, s Settings) error {
	found, err := find(name)
	if err != nil {
		return err
	}
	return found.checkAll(found.complete(s))
}

// Make makes the call for a note. Its errors are those of [Check], and a link
// that is none; they are the same at every attempt.
func Make(name string, s Settings, n Note) (Call, error) {
	found, err := find(name)
	if err != nil {
		return Call{}, err
	}
	s = found.complete(s)
	if err := found.checkAll(s); err != nil {
		return Call{}, err
	}
	if err := n.check(); err != nil {
		return Call{}, err
	}
	return found.make(s, n)
}

func find(name string) (service, error) {
	all := services()
	i := slices.IndexFunc(all, func(s service) bool { return s.name == name })
	if i < 0 {
		return service{}, fmt.Errorf("there is no preset %q, only %s", name, strings.Join(Names(), ", "))
	}
	return all[i], nil
}

// complete adds the default URL; of a server's it drops the slash at the end.
func (s service) complete(of Settings) Settings {
	if of.URL == "" {
		of.URL = s.url
	}
	if s.base {
		of.URL = strings.TrimRight(of.URL, "/")
	}
	return of
}

func (s service) checkAll(of Settings) error {
	if err := s.checkURL(of.URL); err != nil {
		return err
	}
	if err := s.checkNeed(s.token, "token", of.Token); err != nil {
		return err
	}
	if err := webhook.CheckHeader("Authorization", of.Token); err != nil {
		return fmt.Errorf("%s: the token holds a control character or is too long", s.name)
	}
	if err := s.checkNeed(s.toNeed, s.to, of.To); err != nil {
		return err
	}
	if s.check != nil && (of.To != "" || s.toNeed != maybe) {
		return s.check(of)
	}
	return nil
}

func (s service) checkURL(url string) error {
	if url == "" {
		return fmt.Errorf("%s: the url is missing", s.name)
	}
	if err := webhook.CheckURL([]webhook.Piece{{Text: url}}); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if s.base && strings.Contains(url, "?") {
		return fmt.Errorf("%s: the url is that of the server, without a query", s.name)
	}
	return nil
}

func (s service) checkNeed(n need, what, value string) error {
	switch {
	case n == always && value == "":
		return fmt.Errorf("%s: the %s is missing", s.name, what)
	case n == never && value != "" && what == "":
		return fmt.Errorf("%s: it has no topic, channel or the like: the url says where it goes", s.name)
	case n == never && value != "":
		return fmt.Errorf("%s: it has no %s: the url says it all", s.name, what)
	}
	return nil
}

// bearer is the header of RFC 6750 section 2.1; none without a token.
func bearer(token string) map[string]string {
	if token == "" {
		return nil
	}
	return map[string]string{"Authorization": "Bearer " + token}
}

// post is a POST of JSON.
func post(url string, headers map[string]string, body any) Call {
	return Call{Method: http.MethodPost, URL: url, ContentType: "application/json", Headers: headers, Body: encode(body)}
}
