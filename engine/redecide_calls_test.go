package engine_test

import (
	"testing"
	"time"

	"imapilot/engine"
	"imapilot/engine/journal"
)

// The rules of one message at a time at which its move waits, one after the other.
const (
	callsPlanned = "  - {name: file, if: true, then: [{webhook: first}, {move: A}]}\n"
	callsDone    = "  - {name: file, if: true, then: [{webhook: {to: first, when: done}}, {move: A}]}\n"
	callsNobody  = "  - {name: file, if: true, then: [{move: A}]}\n"
)

// A message that is decided again is called for once, whatever its rules were
// meanwhile and wherever it was, and not at all where it was never sent and no rule
// asks for it any more.
func TestCallsOfAMessageDecidedAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		rules []string
		want  int
	}{
		"not any more":       {[]string{callsDone, callsNobody}, 0},
		"later":              {[]string{callsPlanned, callsDone}, 1},
		"at once":            {[]string{callsDone, callsPlanned}, 1},
		"removed and back":   {[]string{callsPlanned, callsNobody, callsPlanned}, 1},
		"cancelled and back": {[]string{callsDone, callsNobody, callsDone}, 1},
	} {
		for _, renumbered := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				safeguard(t, patient(), func(t *testing.T, r *rig) {
					p := newParty()
					r.sender = p
					cfg := hooking(r, tt.rules[0])
					r.once(cfg)
					at := time.Now()
					r.srv.Append(t, "INBOX", nil, at, message("a", "x@example.org"))
					for _, rules := range tt.rules {
						full := hooked(t, r, refusing("UID MOVE", "NO [OVERQUOTA] full").hook)
						r.daemon(hooking(r, rules), func(*engine.Engine) { time.Sleep(3 * time.Hour) }, full)
						if renumbered {
							r.srv.Delete(t, "INBOX")
							r.srv.Create(t, "INBOX")
							r.srv.Append(t, "INBOX", nil, at, message("a", "x@example.org"))
						}
					}
					r.daemon(hooking(r, tt.rules[len(tt.rules)-1]), func(*engine.Engine) { time.Sleep(48 * time.Hour) })
					r.want("A", "a")
					if got := len(p.of(firstURL)); got != tt.want {
						t.Errorf("renumbered %t: %d calls, want %d: %+v", renumbered, got, tt.want, p.calls)
					}
					for _, d := range r.deliveries(cfg, journal.DeliveryQuery{}) {
						if d.State != journal.Delivered && d.State != journal.Cancelled {
							t.Errorf("a call is %s", d.State)
						}
					}
				})
			})
		}
	}
}

// The same holds for what an apply decided, though another content of the rule gives
// its calls another ID.
func TestCallsOfAnApplyDecidedAgain(t *testing.T) {
	safeguard(t, patient(), func(t *testing.T, r *rig) {
		p := newParty()
		r.sender = p
		r.mail("INBOX", "a", "x@example.org")
		r.apply(hooking(r, callsPlanned), engine.Scope{}, hooked(t, r, refusing("UID MOVE", "NO [OVERQUOTA] full").hook))
		r.daemon(hooking(r, callsDone), func(*engine.Engine) { time.Sleep(48 * time.Hour) })
		r.want("A", "a")
		if got := len(p.of(firstURL)); got != 1 {
			t.Errorf("%d calls", got)
		}
	})
}
