package actions_test

import (
	"strings"
	"testing"
	"time"

	"imapilot/actions"
)

func program(argv ...string) actions.Action {
	return actions.Action{Kind: actions.Exec, Command: &actions.Command{Argv: argv}}
}

// TestCommandIsPrintedSafely: on one line, one word an argument, and nothing that a
// terminal would obey.
func TestCommandIsPrintedSafely(t *testing.T) {
	for want, argv := range map[string][]string{
		"exec: /usr/bin/notify --from a@b.example":              {"/usr/bin/notify", "--from", "a@b.example"},
		`exec: /bin/x "" "a b" "it's" "\"q\"" "$(rm)"`:          {"/bin/x", "", "a b", "it's", `"q"`, "$(rm)"},
		`exec: /bin/x "a\nb" "\x1b[31m" "\u202eevil"`:           {"/bin/x", "a\nb", "\x1b[31m", "\u202eevil"},
		"exec: /bin/x " + `"` + strings.Repeat("y", 200) + `…"`: {"/bin/x", strings.Repeat("y", 300)},
	} {
		if got := program(argv...).String(); got != want {
			t.Errorf("%q is printed as %s, want %s", argv, got, want)
		}
	}
	if got := (actions.Action{Kind: actions.Exec}).String(); got != "exec: " {
		t.Errorf("an action without a command is %q", got)
	}
}

// TestCommandsEqual: by their arguments, whatever the environment is.
func TestCommandsEqual(t *testing.T) {
	a, b := program("/bin/x", "1"), program("/bin/x", "1")
	b.Command.Env, b.Command.Timeout = []string{"A=1"}, time.Second
	if !a.Equal(b) || a.Equal(program("/bin/x", "2")) || a.Equal(program("/bin/x")) || a.Equal(actions.Action{Kind: actions.Exec}) {
		t.Error("commands are compared wrongly")
	}
}

// TestOrderOfAProgram: after copies, before what takes the message away.
func TestOrderOfAProgram(t *testing.T) {
	var p actions.Plan
	for i, a := range []actions.Action{{Kind: actions.Trash}, program("/bin/x"), {Kind: actions.Copy, Mailbox: "A"}} {
		p.Add(actions.Item{Action: &a, Rule: "r", Index: i})
	}
	p.Resolve()
	var order []actions.Kind
	for _, item := range p.Effective() {
		order = append(order, item.Action.Kind)
	}
	if len(order) != 3 || order[0] != actions.Copy || order[1] != actions.Exec || order[2] != actions.Trash {
		t.Errorf("the order is %v", order)
	}
	if !actions.Exec.Outside() || actions.Webhook.Outside() || actions.Trash.Outside() || actions.Kind("").Outside() {
		t.Error("the wrong kinds leave the mailbox")
	}
	if !actions.Exec.Documents() || !actions.Webhook.Documents() || actions.Copy.Documents() {
		t.Error("the wrong kinds hand over a document")
	}
}
