package sim

import "testing"

// TestOwnArrivalIsKnownAfterARenumbering: what we moved into a watched mailbox
// fires no rule there, when the daemon dies before it hears of the move and the
// mailbox is renumbered before it looks again.
func TestOwnArrivalIsKnownAfterARenumbering(t *testing.T) {
	s := Scenario{
		Name: "a watched target, renumbered", Account: []string{"watch: [INBOX, Lists]"}, Mailboxes: []string{"Lists"},
		Acts: []Act{then(func(w *World) {
			w.onMove = func() { w.kill(false); w.Server.Renumber("Lists", false) }
			w.Mail("INBOX", "1 list")
		})},
	}
	complain(t, s, 1, []Fault{{Kind: KillAfter}}, Run(t, s.prepare(t), 1))
}
