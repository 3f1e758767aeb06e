// Package webhook is the way out of a message's facts: one HTTP POST of a JSON
// document, signed as Standard Webhooks asks
// (https://www.standardwebhooks.com).
//
// A call is delivered at least once: its webhook-id never changes, so that a
// receiver can tell a repeated call. Only a 2xx answer is success; redirects
// are not followed. The URL and every header come from the configuration or
// from this package, never from a message; what a message says is in the body
// alone, as JSON.
package webhook
