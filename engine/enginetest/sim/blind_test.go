package sim

import (
	"strings"
	"testing"

	"imapilot/engine/enginetest/model"
)

// TestBlindTarget: a copy that may have been made and cannot be looked for is
// not made again, and after a day its message is shown as unsure.
func TestBlindTarget(t *testing.T) {
	s := Scenario{
		Name: "a target that cannot be opened", Server: model.Options{NoMove: true, NoUIDPlus: true}, Unsure: true,
		Acts: []Act{then(func(w *World) { w.Server.Create("Moved"); w.Server.Shut("Moved", true) }), then(mail("1 move", "2 flag"))},
	}
	r := Run(t, s.prepare(t), 1)
	complain(t, s, 1, []Fault{{Kind: "shut"}}, r)
	if len(r.Entries) != 2 || !strings.Contains(r.Entries[0], "is unsure: move: Moved: its target cannot be looked at") || !strings.Contains(r.Entries[1], "is done") {
		t.Errorf("%q", r.Entries)
	}
}
