package model

// Fault is what goes wrong with one command.
type Fault string

// The faults of the wire and of the server.
const (
	None Fault = ""
	// DropBefore cuts the connection; the command has no effect.
	DropBefore Fault = "drop before"
	// DropAfter cuts it after the effect and before the reply.
	DropAfter Fault = "drop after"
	// DropMidway cuts it in the middle of the reply.
	DropMidway Fault = "drop midway"
	// Swallow answers nothing from then on: without effect, or after it.
	Swallow      Fault = "swallow before"
	SwallowAfter Fault = "swallow after"
	// AnswerNo, AnswerBad and Bye refuse without effect.
	AnswerNo  Fault = "NO"
	TryLater  Fault = "NO [UNAVAILABLE]"
	Throttled Fault = "NO throttled"
	AnswerBad Fault = "BAD"
	Bye       Fault = "BYE"
	// Slow answers after 50 seconds.
	Slow Fault = "slow"
	// OverQuota refuses a copy; OKOverQuota and OKMessageLimit say OK to half
	// of it (RFC 9208, RFC 9738).
	OverQuota      Fault = "NO [OVERQUOTA]"
	OKOverQuota    Fault = "OK [OVERQUOTA]"
	OKMessageLimit Fault = "OK [MESSAGELIMIT]"
	// BadCopyUID names no UIDs, as Exchange did; APPENDUID likewise.
	BadCopyUID Fault = "malformed COPYUID"
	// Late leaves the newest message out of a FETCH: it was announced and is
	// not there yet.
	Late Fault = "not fetchable yet"
	// Twice answers every FETCH twice, Unsolicited sends news of flags first.
	Twice       Fault = "FETCH twice"
	Unsolicited Fault = "unsolicited FETCH"
	// Renumbered gives the selected mailbox another UIDVALIDITY, and so ends
	// the connection before the command.
	Renumbered Fault = "UIDVALIDITY"
)

// Applies reports whether a fault says something about a command.
func (f Fault) Applies(op Operation) bool {
	switch f {
	case OverQuota:
		return op.Command == "UID COPY" || op.Command == "UID MOVE" || op.Command == "APPEND" || op.Command == "CREATE"
	case OKOverQuota, OKMessageLimit:
		return op.Command == "UID COPY" || op.Command == "UID MOVE" || op.Command == "UID STORE"
	case BadCopyUID:
		return op.Command == "UID COPY" || op.Command == "UID MOVE" || op.Command == "APPEND"
	case Late, Twice, Unsolicited:
		return op.Command == "UID FETCH"
	case Renumbered:
		return op.Mailbox != ""
	case AnswerNo, AnswerBad, TryLater, Throttled:
		return op.Command != "LOGOUT" && op.Command != "CAPABILITY"
	}
	return true
}

// Faults lists every fault.
func Faults() []Fault {
	return []Fault{
		DropBefore, DropAfter, DropMidway, Swallow, SwallowAfter, AnswerNo, TryLater, Throttled, AnswerBad, Bye, Slow,
		OverQuota, OKOverQuota, OKMessageLimit, BadCopyUID, Late, Twice, Unsolicited, Renumbered,
	}
}

// refusal is the reply of a command that is refused by a fault, "" if it is
// not.
func (f Fault) refusal() string {
	switch f {
	case AnswerNo:
		return "NO Not now"
	case TryLater:
		return "NO [UNAVAILABLE] Temporary failure"
	case Throttled:
		return "NO Request is throttled. Suggested Backoff Time: 90000 milliseconds"
	case AnswerBad:
		return "BAD Command not understood"
	case OverQuota:
		return "NO [OVERQUOTA] Quota exceeded"
	}
	return ""
}
