package preset

import (
	"errors"
	"html"
	"net/http"
	"strings"

	"imapilot/actions/webhook"
)

// matrixText is the size of a text in bytes. An event has at most 65,536 with
// everything ("Size limits"); the text is there twice, and the second time a
// quote is five bytes.
const matrixText = 8000

// matrixCall is the content of an m.room.message ("m.text"), not of an m.notice,
// for which nobody is notified. Formatted is the HTML of
// org.matrix.custom.html. Mentions that are empty tell clients and push rules
// to look for none in the text ("User and room mentions").
type matrixCall struct {
	Type      string   `json:"msgtype"`
	Body      string   `json:"body"`
	Format    string   `json:"format"`
	Formatted string   `json:"formatted_body"`
	Mentions  struct{} `json:"m.mentions"`
}

func checkMatrix(s Settings) error {
	if !strings.HasPrefix(s.To, "!") || len(s.To) > 255 {
		return errors.New(`matrix: a room is its id, which begins with "!"; an alias, "#", does not do`)
	}
	return nil
}

// makeMatrix is "PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}":
// a repeated call with the same transaction id, the webhook-id, is one event.
func makeMatrix(s Settings, n Note) (Call, error) {
	url, err := webhook.FillURL(
		webhook.Piece{Text: s.URL + "/_matrix/client/v3/rooms/"}, webhook.Piece{Text: s.To, Value: true},
		webhook.Piece{Text: "/send/m.room.message/"}, webhook.Piece{Text: n.Message.ID, Value: true},
	)
	if err != nil {
		return Call{}, err
	}
	text := style{size: matrixText, count: octets, spell: plain}.text(n)
	title, rest, more := strings.Cut(text, "\n")
	formatted := "<strong>" + html.EscapeString(title) + "</strong>"
	if more {
		formatted += "<br>" + strings.ReplaceAll(html.EscapeString(rest), "\n", "<br>")
	}
	call := post(url, bearer(s.Token), matrixCall{Type: "m.text", Body: text, Format: "org.matrix.custom.html", Formatted: formatted})
	call.Method = http.MethodPut
	return call, nil
}
