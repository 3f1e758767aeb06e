package preset

// gotifyMessage is the size of a message in bytes. Gotify names no limit; the
// push to a phone should still be one.
const gotifyMessage = 4096

// gotifyCall is createMessage of the API (POST /message): "message" is
// required. Without a priority it is the application's own.
type gotifyCall struct {
	Title   string       `json:"title"`
	Message string       `json:"message"`
	Extras  gotifyExtras `json:"extras"`
}

// gotifyExtras are "Message Extras": a message is shown as plain text, not as
// Markdown, and a click opens the link.
type gotifyExtras struct {
	Display      gotifyDisplay       `json:"client::display"`
	Notification *gotifyNotification `json:"client::notification,omitempty"`
}

type gotifyDisplay struct {
	ContentType string `json:"contentType"`
}

type gotifyNotification struct {
	Click struct {
		URL string `json:"url"`
	} `json:"click"`
}

// makeGotify sends the application's token in X-Gotify-Key ("Push messages":
// header, not query, so that no log of a proxy has it).
func makeGotify(s Settings, n Note) (Call, error) {
	body := gotifyCall{
		Title: clip(n.title(), 250, octets, plain), Message: clip(n.required(), gotifyMessage, octets, plain),
		Extras: gotifyExtras{Display: gotifyDisplay{ContentType: "text/plain"}},
	}
	if n.Link != "" {
		body.Extras.Notification = &gotifyNotification{}
		body.Extras.Notification.Click.URL = n.Link
	}
	return post(s.URL+"/message", map[string]string{"X-Gotify-Key": s.Token}, body), nil
}
