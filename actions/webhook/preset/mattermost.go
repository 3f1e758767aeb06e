package preset

// mattermostText is the size of a text in characters: the server's limit for a
// post is 16,383, that of old ones 4,000 ("Incoming webhooks", "Tips and best
// practices").
const mattermostText = 4000

// mattermostCall is "Incoming webhooks", "Parameters": a channel is its name
// in the URL, or "@" and a user.
type mattermostCall struct {
	Text    string `json:"text"`
	Channel string `json:"channel,omitempty"`
}

// makeMattermost escapes Markdown. The server looks for mentions in the text
// before Markdown and knows no escape for them.
func makeMattermost(s Settings, n Note) (Call, error) {
	text := style{size: mattermostText, count: characters, spell: backslash("\\*_~`|<>#[]!"), open: "**", close: "**"}.text(n.unmentioned())
	return post(s.URL, nil, mattermostCall{Text: text, Channel: s.To}), nil
}
