// Package preset makes the calls of services that people are notified by: from
// a [Note], which may quote a message, and [Settings], which come from the
// configuration alone, it makes a [Call] as the service documents it.
//
//	call, err := preset.Make("ntfy", preset.Settings{To: "mail"}, preset.Note{Message: m})
//	result := client.Send(ctx, call.Over(endpoint), m.ID, now, call.Body)
//	wait := preset.Wait(result)
//
// What it promises: a note never becomes markup, a mention or a command of the
// service; a body is JSON that encoding/json wrote, with no control characters
// but line feeds and tabs; it keeps to the service's limits, and what was cut
// ends in "…"; a token goes into a header, but for Telegram's, which its API
// wants in the path. The same note and settings make the same call each time,
// so that a repeated attempt is a repetition. Where the service can tell one
// (ntfy, Matrix, the app of Home Assistant) it is told, by the webhook-id.
//
// A file a service; the comments name the section of its documentation.
package preset
