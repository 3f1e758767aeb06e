package config

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
	"imapilot/rules/ruletest"
)

// wholeWalk stands for the rule of a test that judges all of them together.
const wholeWalk = -1

// userTests reads the tests of a rule, by its number, or those of the whole walk.
func (l *loader) userTests(n *strictyaml.Node, rule int) {
	if n.Kind != strictyaml.Sequence {
		l.problem(n, "tests: is a list of tests", "begin each with a dash, as in - message: testdata/letter.eml")
		return
	}
	for _, item := range n.Items {
		if item.Kind == strictyaml.Mapping {
			l.tests = append(l.tests, pending{test: l.userTest(item), rule: rule})
		} else if item.Kind != strictyaml.Bad {
			l.wrongType(item, "a test")
		}
	}
}

func (l *loader) userTest(n *strictyaml.Node) ruletest.Case {
	c := ruletest.Case{File: l.reading, Line: n.Line}
	l.mapping(n, "test", fields{
		"message": func(_, n *strictyaml.Node) { l.message(n, &c) },
		"given":   func(_, n *strictyaml.Node) { l.given(n, &c.Given) },
		"want":    func(_, n *strictyaml.Node) { c.Want, c.Until = l.want(n) },
		"name":    func(_, n *strictyaml.Node) { l.str(n, &c.Name) },
	}, "matched", "not", "each")
	if n.Get("message") == nil {
		l.problem(n, "the test has no message", "name a file, message: testdata/letter.eml, or write the message as a block: message: |")
	}
	if n.Get("want") == nil {
		l.problem(n, "the test does not say what it wants", "list the actions under want:, or write want: [] for none")
	}
	return c
}

func testName(c ruletest.Case) string {
	what := cmp.Or(c.Rule, "all rules")
	if c.Message == "" {
		return fmt.Sprintf("%s (line %d)", what, c.Line)
	}
	return fmt.Sprintf("%s (%s)", what, filepath.Base(c.Message))
}

// message is a path, or the message itself when it holds more than one line.
func (l *loader) message(n *strictyaml.Node, c *ruletest.Case) {
	if n.Kind == strictyaml.Scalar && (n.Style == strictyaml.Block || strings.Contains(n.Value, "\n")) {
		c.Inline = []byte(strings.ReplaceAll(n.Value, "\n", "\r\n"))
		return
	}
	if !l.path(n, &c.Message) {
		return
	}
	// A test that cannot run fails; the daemon does not need it to start.
	if _, err := os.Stat(c.Message); err != nil {
		l.warn(n, "the message is not there: "+plainPathError(err), "the path is relative to "+l.reading)
	}
}

func (l *loader) given(n *strictyaml.Node, g *ruletest.Given) {
	l.mapping(n, "given", fields{
		"account":  func(_, n *strictyaml.Node) { l.str(n, &g.Account) },
		"mailbox":  func(_, n *strictyaml.Node) { l.str(n, &g.Mailbox) },
		"role":     func(_, n *strictyaml.Node) { l.givenRole(n, &g.Role) },
		"flags":    func(_, n *strictyaml.Node) { g.Flags = flagsOf(l.strings(n)) },
		"received": func(_, n *strictyaml.Node) { l.instant(n, &g.Received) },
		"now":      func(_, n *strictyaml.Node) { l.instant(n, &g.Now) },
		"gmail":    func(_, n *strictyaml.Node) { l.givenGmail(n, &g.Gmail) },

		"duplicate":  func(_, n *strictyaml.Node) { l.boolean(n, &g.History.Duplicate) },
		"has_reply":  func(_, n *strictyaml.Node) { l.boolean(n, &g.History.HasReply) },
		"by_user":    func(_, n *strictyaml.Node) { l.boolean(n, &g.History.ByUser) },
		"moved_from": func(_, n *strictyaml.Node) { l.filled(n, &g.History.MovedFrom) },
	})
	l.moved(n, g)
}

func (l *loader) givenRole(n *strictyaml.Node, out *string) {
	if l.str(n, out) {
		l.role(n, "", *out)
	}
}

// moved completes what a test says of a move: only one by the user has a
// mailbox that it came from.
func (l *loader) moved(n *strictyaml.Node, g *ruletest.Given) {
	if g.History.MovedFrom == "" {
		return
	}
	if by := n.Get("by_user"); by != nil && by.Kind == strictyaml.Scalar && !g.History.ByUser {
		l.problem(by, "moved_from says that the user moved the message, this says that he did not", "leave by_user out")
	}
	g.History.ByUser = true
}

func flagsOf(list []string) []imap.Flag {
	out := make([]imap.Flag, len(list))
	for i, f := range list {
		out[i] = imap.Flag(f)
	}
	return out
}

// instant reads a time, in the configuration's time zone unless it has its own.
func (l *loader) instant(n *strictyaml.Node, out *time.Time) {
	if at, ok := parseInstant(n.Value, l.cfg.Location); ok && n.Kind == strictyaml.Scalar {
		*out = at
		return
	}
	l.problem(n, "this is no time", "write it as in 2026-02-01T09:00:00Z")
}

// want reads the wanted actions, in order; keep and the empty list want none. until
// says of those that snooze, by their place, when that is for the clock of the test.
func (l *loader) want(n *strictyaml.Node) (out []actions.Action, until map[int]func(time.Time) time.Time) {
	if n.Kind == strictyaml.Scalar && n.Value == "keep" {
		return nil, nil
	}
	until = map[int]func(time.Time) time.Time{}
	for _, item := range l.items(n) {
		src, ok := l.action(item)
		if !ok {
			continue
		}
		if a, ok := l.wantedAction(item, src); ok {
			if src.Until != nil {
				until[len(out)] = src.Until.At
			}
			out = append(out, a)
		}
	}
	return out, until
}

// wantedAction is an action with what it really does: it holds no ${}.
func (l *loader) wantedAction(n *strictyaml.Node, src rules.ActionSource) (actions.Action, bool) {
	spec := actions.Kind(src.Kind.Value).Spec()
	a := actions.Action{Kind: spec.Kind}
	one := len(src.Args) == 1
	switch {
	case spec.Kind == "":
		l.problem(n, fmt.Sprintf("unknown action %q", src.Kind.Value), knownActions(src.Kind.Value))
		return a, false
	case spec.Arg == actions.ArgFlags && len(src.Args) > 0:
		for _, t := range src.Args {
			a.Flags = append(a.Flags, imap.Flag(t.Value))
		}
	case spec.Arg == actions.ArgLabels && len(src.Args) > 0:
		for _, t := range src.Args {
			a.Labels = append(a.Labels, t.Value)
		}
	case spec.Arg == actions.ArgMailbox && one:
		a.Mailbox, a.Account = src.Args[0].Value, src.Account.Value
	case spec.Arg == actions.ArgEndpoint && one && (src.Title.Value != "" || src.Body.Value != "" || src.JSON != nil || len(src.Include) > 0):
		l.problem(n, "what a webhook says is no part of a test", "want: names the endpoint, and when: done")
		return a, false
	case spec.Arg == actions.ArgEndpoint && one:
		a.Endpoint, a.When = src.Args[0].Value, doneOnly(src.When.Value)
	case spec.Arg == actions.ArgAppend && one:
		a.Mailbox, a.Account, a.Append = src.Args[0].Value, src.Account.Value, wantedAppend(src)
	case spec.Arg == actions.ArgCommand && len(src.Args) > 0:
		a.Command = wantedCommand(src)
	case spec.Arg == actions.ArgUntil && src.Until != nil:
	case spec.Arg == actions.ArgFolder && one:
		var err error
		if a.Save, err = wantedSaving(src); err != nil {
			l.problem(n, err.Error(), "write $${ for a literal ${")
			return a, false
		}
	case spec.Kind.Letters() && src.Letter.Note.Value != "":
		l.problem(n, "the note of a forward is no part of a test", "want: names the recipients, and inline: and anyway: where they are true")
		return a, false
	case spec.Arg == actions.ArgRecipients && len(src.Args) > 0, spec.Arg == actions.ArgAnswer && one:
		a.Letter = wantedLetter(spec.Kind, src)
	case spec.Arg == actions.ArgNone && len(src.Args) == 0:
	default:
		l.problem(n, fmt.Sprintf("this is not how %s is written", spec.Kind), "as in "+howWritten(spec))
		return a, false
	}
	return a, true
}

// wantedCommand is the program that a test wants to be run: it is compared by its
// arguments.
func wantedCommand(src rules.ActionSource) *actions.Command {
	out := &actions.Command{}
	for _, t := range src.Args {
		out.Argv = append(out.Argv, t.Value)
	}
	return out
}

// doneOnly is Action.When of what a test wants.
func doneOnly(when string) string {
	if when == actions.WhenDone {
		return when
	}
	return ""
}

// howWritten shows an action without ${}, as a test wants it.
func howWritten(spec actions.Spec) string {
	example := map[actions.ArgKind]string{
		actions.ArgFlags: `: ['\Seen']`, actions.ArgLabels: ": [Work]", actions.ArgMailbox: ": Lists/announce", actions.ArgEndpoint: ": NAME",
		actions.ArgCommand: ": [/usr/local/bin/notify, Hello]", actions.ArgUntil: ": 3d", actions.ArgFolder: ": /srv/invoices",
		actions.ArgRecipients: ": ann@example.net", actions.ArgAnswer: ": Thank you.", actions.ArgAppend: ": {to: Notes, subject: Hello}",
	}[spec.Arg]
	return string(spec.Kind) + example
}

func knownActions(word string) string {
	var names []string
	for _, s := range actions.Table() {
		names = append(names, string(s.Kind))
	}
	if near := nearest(word, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "the actions are " + strings.Join(names, ", ")
}

// withDefaults fills in what a test did not say. To a test of the whole walk
// every rule is one that looks at INBOX of every account.
func (l *loader) withDefaults(p pending) ruletest.Case {
	c := p.test
	var r rules.RuleSource
	if p.rule != wholeWalk {
		r = l.source.Rules[p.rule]
		c.Rule = r.Name.Value
		c.Alone = func() *rules.Ruleset { return l.alone(r) }
	}
	if c.Name == "" {
		c.Name = testName(c)
	}
	c.BodyLimit = l.cfg.BodyLimit
	if c.Given.Account == "" {
		c.Given.Account = l.defaultAccount(r)
	}
	if c.Given.Mailbox == "" {
		c.Given.Mailbox, c.Given.Role = defaultMailbox(r, c.Given.Role)
	}
	return c
}

// defaultAccount is the first that the rule is for.
func (l *loader) defaultAccount(r rules.RuleSource) string {
	switch {
	case len(r.Accounts) > 0:
		return r.Accounts[0].Value
	case len(l.cfg.Accounts) > 0:
		return l.cfg.Accounts[0].Name
	}
	return ""
}

// defaultMailbox is one that the rule looks at: INBOX, else the first of its
// in, of a pattern one that matches.
func defaultMailbox(r rules.RuleSource, role string) (name, itsRole string) {
	inbox := rules.Mailbox{Name: "INBOX", Role: role}
	if len(r.In) == 0 || slices.ContainsFunc(r.In, func(in rules.Text) bool { return inbox.Match(in.Value) }) {
		return inbox.Name, role
	}
	first := r.In[0].Value
	if named, ok := strings.CutPrefix(first, "role:"); ok {
		return named, named
	}
	return strings.ReplaceAll(first, "*", "test"), role
}

// alone compiles a rule by itself, nil if that is not possible.
func (l *loader) alone(r rules.RuleSource) *rules.Ruleset {
	src := l.source
	src.Rules = []rules.RuleSource{r}
	set, _ := rules.Compile(src) // its problems were reported with all the others
	return set
}
