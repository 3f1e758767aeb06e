// Package webhook is the way out of a message's facts: one HTTP call of a JSON
// document, signed as Standard Webhooks asks
// (https://www.standardwebhooks.com).
//
// One attempt, and when to make the next:
//
//	client := webhook.NewClient(version)
//	to := webhook.Endpoint{URL: "https://hooks.example.org/ci", Secrets: [][]byte{secret}}
//	r := client.Send(ctx, to, id, time.Now(), webhook.Payload(message))
//	wait, again := webhook.Next(attempt, rand.Float64()) // after a failure with r.Retry
//
// The caller keeps what is owed and counts the attempts; this package keeps
// nothing but idle connections.
//
// What it promises:
//
//   - A call is delivered at least once, if at all: its webhook-id never
//     changes, so that a receiver can tell a repeated call. Only a 2xx answer is
//     success, and redirects are not followed. There are [Attempts] of them, over
//     three days and more.
//   - Method, headers, secrets, certificates and [Egress] come from the
//     configuration or from this package, never from a message. What a message
//     says is in the body, as JSON, or, escaped, in the path and the query of a
//     URL ([FillURL]). A URL that a message brought is called under [Confined],
//     with nothing of ours.
//   - Under [Public] and [Confined] the address of the connection is judged,
//     after the name was resolved; what is refused is an [ErrEgress].
//   - No error and no [Result] shows a secret, the value of a header, or the path
//     or the query of a URL.
//   - All has a limit: an attempt [Timeout], a document [MaxPayload], a URL
//     [MaxURL], an answer 512 bytes, headers their number and size, and the
//     transports that are kept, one for each TLS setting and egress.
//
// Where to look: endpoint.go says what a call is made of and client.go makes it;
// sign.go, header.go, egress.go with address.go, transport.go and template.go
// hold one concern each; result.go reads the answer, schedule.go has the waits
// and payload.go the document. Package preset makes the calls of services such as
// ntfy and Slack.
package webhook
