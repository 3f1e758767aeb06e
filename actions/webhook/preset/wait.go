package preset

import (
	"encoding/json"
	"time"

	"imapilot/actions/webhook"
)

// Wait returns how long a service asked to be left alone, at most a day: in
// Retry-After, or where it says so in the JSON of its answer (Discord, "Rate
// Limits": retry_after; Telegram, "ResponseParameters": parameters.retry_after,
// both in seconds; Matrix, "Rate limiting": retry_after_ms).
func Wait(r webhook.Result) time.Duration {
	if r.Err == nil {
		return 0
	}
	var said struct {
		Seconds      float64 `json:"retry_after"`
		Milliseconds float64 `json:"retry_after_ms"`
		Parameters   struct {
			Seconds float64 `json:"retry_after"`
		} `json:"parameters"`
	}
	if json.Unmarshal([]byte(r.Body), &said) != nil {
		return r.RetryAfter
	}
	const day = 24 * 60 * 60
	seconds := max(said.Seconds, said.Parameters.Seconds, said.Milliseconds/1000, r.RetryAfter.Seconds(), 0)
	return time.Duration(min(seconds, day) * float64(time.Second))
}
