package actions_test

import (
	"strings"
	"testing"
	"time"

	"imapilot/actions"
)

func forward(l actions.Letter) actions.Action {
	return actions.Action{Kind: actions.Forward, Letter: &l}
}

func reply(l actions.Letter) actions.Action {
	return actions.Action{Kind: actions.Reply, Letter: &l}
}

// TestLettersArePrintedSafely: on one line, and nothing that a terminal would obey.
func TestLettersArePrintedSafely(t *testing.T) {
	long := strings.Repeat("y", 300)
	for want, a := range map[string]actions.Action{
		"forward: ann@example.net":                   forward(actions.Letter{To: []string{"ann@example.net"}, Text: "a note"}),
		"forward: [a@x.example, b@x.example]":        forward(actions.Letter{To: []string{"a@x.example", "b@x.example"}}),
		"forward: {to: a@x.example, inline: true}":   forward(actions.Letter{To: []string{"a@x.example"}, Inline: true}),
		"forward: {to: [a@x, b@x], anyway: true}":    forward(actions.Letter{To: []string{"a@x", "b@x"}, Anyway: true}),
		`reply: "Thanks"`:                            reply(actions.Letter{Text: "Thanks", Every: time.Hour}),
		`reply: "a\nb\x1b[31m\u202e"`:                reply(actions.Letter{Text: "a\nb\x1b[31m\u202e"}),
		`reply: {text: "Thanks, Ann", anyway: true}`: reply(actions.Letter{Text: "Thanks, Ann", Anyway: true}),
		`reply: "` + strings.Repeat("y", 200) + `…"`: reply(actions.Letter{Text: long}),
		"reply: ": {Kind: actions.Reply},
		`forward: {to: "a\nb@x", inline: true, anyway: true}`: forward(actions.Letter{To: []string{"a\nb@x"}, Inline: true, Anyway: true}),
	} {
		if got := a.String(); got != want {
			t.Errorf("it is printed as %s, want %s", got, want)
		}
	}
}

// TestLettersEqual: a forward by where it goes and how, a reply by what it says.
func TestLettersEqual(t *testing.T) {
	to := []string{"a@x.example", "b@x.example"}
	a := forward(actions.Letter{To: to})
	for _, same := range []actions.Letter{{To: []string{"B@x.example", "a@X.example"}}, {To: to, Text: "a note"}} {
		if !a.Equal(forward(same)) {
			t.Errorf("%+v is another forward", same)
		}
	}
	for _, other := range []actions.Letter{{To: to[:1]}, {To: to, Inline: true}, {To: to, Anyway: true}} {
		if a.Equal(forward(other)) {
			t.Errorf("%+v is the same forward", other)
		}
	}
	b := reply(actions.Letter{Text: "Thanks", Every: time.Hour})
	if !b.Equal(reply(actions.Letter{Text: "Thanks"})) || b.Equal(reply(actions.Letter{Text: "thanks"})) ||
		b.Equal(reply(actions.Letter{Text: "Thanks", Anyway: true})) || b.Equal(actions.Action{Kind: actions.Reply}) {
		t.Error("answers are compared wrongly")
	}
}

// TestOrderOfLetters: after copies, before what takes the message away.
func TestOrderOfLetters(t *testing.T) {
	var p actions.Plan
	for i, a := range []actions.Action{{Kind: actions.Trash}, reply(actions.Letter{Text: "x"}), forward(actions.Letter{To: []string{"a@x"}}), {Kind: actions.Copy, Mailbox: "A"}} {
		p.Add(actions.Item{Action: &a, Rule: "r", Index: i})
	}
	p.Resolve()
	if got, want := p.Effective(), "copy reply forward trash"; len(got) != 4 || string(got[0].Action.Kind+" "+got[1].Action.Kind+" "+got[2].Action.Kind+" "+got[3].Action.Kind) != want {
		t.Errorf("the order is %+v, want %s", got, want)
	}
	if !actions.Reply.Letters() || !actions.Forward.Letters() || actions.Exec.Letters() || !actions.Reply.Outside() || !actions.Forward.Documents() {
		t.Error("the wrong kinds send messages")
	}
}
