package preset

import (
	"errors"
	"regexp"
)

// telegramText is the size of a text in characters of UTF-16 ("sendMessage",
// "MessageEntity").
const telegramText = 4096

// telegramCall is "sendMessage". Without a parse_mode nothing in the text is
// markup; the title is bold by its place.
type telegramCall struct {
	Chat     string           `json:"chat_id"`
	Text     string           `json:"text"`
	Entities []telegramEntity `json:"entities"`
	Preview  telegramPreview  `json:"link_preview_options"`
}

type telegramEntity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
}

type telegramPreview struct {
	Disabled bool `json:"is_disabled"`
}

// checkTelegram checks the token because it goes into the path ("Making
// requests").
func checkTelegram(s Settings) error {
	if !regexp.MustCompile(`^[0-9]+:[A-Za-z0-9_-]+$`).MatchString(s.Token) {
		return errors.New(`telegram: a token is a number, ":" and letters, as BotFather gave it`)
	}
	if !regexp.MustCompile(`^(-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64})$`).MatchString(s.To) {
		return errors.New(`telegram: a chat is a number, or "@" and the name of a channel`)
	}
	return nil
}

// makeTelegram breaks mentions: "@" and a name would notify, and there is no
// option against it.
func makeTelegram(s Settings, n Note) (Call, error) {
	n = n.unmentioned()
	title := clip(n.title(), telegramText/4, characters, plain)
	return post(s.URL+"/bot"+s.Token+"/sendMessage", nil, telegramCall{
		Chat: s.To, Text: style{size: telegramText, count: characters, spell: plain}.text(n),
		Entities: []telegramEntity{{Type: "bold", Length: characters(title)}},
		Preview:  telegramPreview{Disabled: true},
	}), nil
}
