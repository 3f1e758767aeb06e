package preset

// slackText is the size of a text in characters. Slack recommends at most 4,000
// and cuts at 40,000 (chat.postMessage, "Truncating content"); 3,000 is also
// what a section block takes, into which workflows put it.
const slackText = 3000

// slackCall is "Sending messages using incoming webhooks". Mrkdwn false turns
// Markdown off for the text ("Formatting text for app surfaces", "Disabling
// formatting"); nothing in a link is fetched ("Unfurling links in messages").
type slackCall struct {
	Text        string `json:"text"`
	Mrkdwn      bool   `json:"mrkdwn"`
	UnfurlLinks bool   `json:"unfurl_links"`
	UnfurlMedia bool   `json:"unfurl_media"`
}

// makeSlack escapes what begins mentions and links, <!channel> and <@U012>,
// and only that ("Escaping text").
func makeSlack(s Settings, n Note) (Call, error) {
	text := style{size: slackText, count: characters, spell: slackSpelling, link: slackSpelling}.text(n)
	return post(s.URL, nil, slackCall{Text: text}), nil
}

func slackSpelling(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	}
	return string(r)
}
