package preset

import (
	"errors"
	"net/url"
	"regexp"
)

const (
	// discordContent is the size of a content in characters ("Execute
	// Webhook", JSON/Form Params).
	discordContent = 2000
	// discordNoEmbeds is SUPPRESS_EMBEDS ("Message Flags"): no link is fetched.
	discordNoEmbeds = 1 << 2
)

// discordCall is "Execute Webhook". An empty list in allowed_mentions makes
// every mention plain text ("Allowed Mentions Object").
type discordCall struct {
	Content         string          `json:"content"`
	AllowedMentions discordMentions `json:"allowed_mentions"`
	Flags           int             `json:"flags"`
}

type discordMentions struct {
	Parse []string `json:"parse"`
}

func checkDiscord(s Settings) error {
	if !regexp.MustCompile(`^[0-9]{1,20}$`).MatchString(s.To) {
		return errors.New("discord: a thread is a number, its id")
	}
	return nil
}

// makeDiscord asks for wait, without which a message that is not saved is no
// error (Query String Params).
func makeDiscord(s Settings, n Note) (Call, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return Call{}, errors.New("discord: the url is not valid")
	}
	query := u.Query()
	query.Set("wait", "true")
	if s.To != "" {
		query.Set("thread_id", s.To)
	}
	u.RawQuery = query.Encode()
	text := style{size: discordContent, count: characters, spell: backslash("\\*_~`|<>#[]"), open: "**", close: "**"}.text(n)
	return post(u.String(), nil, discordCall{Content: text, AllowedMentions: discordMentions{Parse: []string{}}, Flags: discordNoEmbeds}), nil
}
