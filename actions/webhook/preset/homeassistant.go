package preset

import (
	"errors"
	"regexp"
	"strings"
)

// homeAssistantMessage is the size of a message in bytes: what the push
// services of the phones take with everything, 4 kB, less what is around it.
const homeAssistantMessage = 3000

// homeAssistantCall is the data of an action of the notify integration
// ("Notifications", "Action").
type homeAssistantCall struct {
	Title   string             `json:"title"`
	Message string             `json:"message"`
	Data    *homeAssistantData `json:"data,omitempty"`
}

// homeAssistantData is for the companion app alone; other notifiers may refuse
// it. A tag makes a repeated call replace the notification ("Replacing");
// Android opens clickAction and iOS url ("Opening a URL").
type homeAssistantData struct {
	Tag         string `json:"tag,omitempty"`
	ClickAction string `json:"clickAction,omitempty"`
	URL         string `json:"url,omitempty"`
}

func checkHomeAssistant(s Settings) error {
	if !regexp.MustCompile(`^(notify\.)?[a-z0-9_]+$`).MatchString(s.To) {
		return errors.New("homeassistant: a notifier is a name such as mobile_app_phone, of small letters, digits and _")
	}
	return nil
}

// makeHomeAssistant is "POST /api/services/<domain>/<service>" of the REST API.
func makeHomeAssistant(s Settings, n Note) (Call, error) {
	notifier := strings.TrimPrefix(s.To, "notify.")
	body := homeAssistantCall{Title: clip(n.title(), 250, octets, plain), Message: noCommand(clip(n.required(), homeAssistantMessage, octets, plain))}
	if strings.HasPrefix(notifier, "mobile_app_") {
		body.Data = &homeAssistantData{Tag: clip(line(n.Message.ID), 64, octets, plain), ClickAction: n.Link, URL: n.Link}
	}
	return post(s.URL+"/api/services/notify/"+notifier, bearer(s.Token), body), nil
}

// noCommand quotes a message that is one word: the companion app takes
// clear_notification, request_location_update, command_dnd and others for
// orders ("Notification commands"), and new ones come.
func noCommand(s string) string {
	if strings.ContainsAny(strings.TrimSpace(s), " \n\t") {
		return s
	}
	return `"` + s + `"`
}
