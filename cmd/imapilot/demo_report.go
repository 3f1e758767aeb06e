package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
	"golang.org/x/term"

	"imapilot/actions"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules/facts"
)

// The columns of the demo, of which the subject takes what the width leaves.
const (
	demoActions = 48 // what rule and actions need most of the time
	demoFixed   = 2 + 2 + 4 + 1 + 7 + 2 + 2 + demoActions
	demoSubject = 12 // the least
)

// width is how wide the output is: the terminal's width, or 100 elsewhere.
func (d *demo) width() int {
	if f, ok := d.app.out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return w
		}
	}
	return 100
}

// line prints what became of one message: a line, and one more for each
// further rule.
func (d *demo) line(n int, e journal.Entry, after time.Duration) {
	outcome := cmp.Or(string(e.State), "kept")
	width := max(demoSubject, min(40, d.width()-demoFixed))
	subject := fit(cmp.Or(e.Subject, "(no subject)"), width)
	subject += strings.Repeat(" ", width-utf8.RuneCountInString(subject))
	did := []string{"no rule matched"}
	if rules := rulesOf(e.Plan); len(rules) > 0 {
		did = nil
		for _, rule := range rules {
			did = append(did, d.paint(36, rule)+": "+strings.Join(actionsOf(e.Plan, rule), ", "))
		}
	}
	fmt.Fprintf(d.app.out, "%2d  %s %4d ms  %s  %s\n", n, d.paint(32, fmt.Sprintf("%-4s", outcome)), after.Milliseconds(), d.paint(1, subject), did[0])
	for _, more := range did[1:] {
		fmt.Fprintf(d.app.out, "%*s%s\n", demoFixed-demoActions+width, "", more)
	}
}

func (d *demo) paint(code int, s string) string {
	if !color(d.app.out) {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, s)
}

func rulesOf(p actions.Plan) []string {
	var out []string
	for _, item := range p.Items {
		if !slices.Contains(out, item.Rule) {
			out = append(out, item.Rule)
		}
	}
	return out
}

func actionsOf(p actions.Plan, rule string) []string {
	var out []string
	for _, item := range p.Items {
		if item.Rule != rule {
			continue
		}
		s := inWords(item.Action)
		if item.SupersededBy != "" {
			s += " (left to " + item.SupersededBy + ")"
		}
		out = append(out, s)
	}
	return out
}

// inWords says what an action does, shorter than the configuration.
func inWords(a *actions.Action) string {
	switch a.Kind {
	case actions.AddFlags:
		return "flag " + joinFlags(a.Flags)
	case actions.RemoveFlags:
		return "unflag " + joinFlags(a.Flags)
	case actions.SetFlags:
		return "flags " + joinFlags(a.Flags)
	case actions.AddLabels:
		return "label " + strings.Join(a.Labels, ", ")
	case actions.RemoveLabels:
		return "unlabel " + strings.Join(a.Labels, ", ")
	case actions.Move, actions.Copy:
		if a.Account != "" {
			return string(a.Kind) + " to " + a.Mailbox + " of " + a.Account
		}
		return string(a.Kind) + " to " + a.Mailbox
	case actions.Webhook:
		return "webhook " + a.Endpoint
	default:
		return actionText(a)
	}
}

func joinFlags(flags []imap.Flag) string {
	var out []string
	for _, f := range flags {
		out = append(out, string(f))
	}
	return strings.Join(out, " ")
}

// places asks the server, over IMAP, which messages lie in which mailbox, and
// returns rows for a table.
func (d *demo) places(ctx context.Context) ([][]string, error) {
	host, port := d.server.Addr()
	s, err := imapsession.Dial(ctx, imapsession.Options{
		Account: "demo", Host: host, Port: port, TLS: "none", Username: d.server.Username, Password: d.server.Password,
	})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	list, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	rows := [][]string{{"MAILBOX", "COUNT", "MESSAGES"}}
	for _, m := range list {
		selected, err := s.Select(ctx, m.Name)
		if err != nil {
			return nil, err
		}
		if selected.Messages == 0 {
			continue
		}
		uids, err := s.SearchAbove(ctx, 1)
		if err != nil {
			return nil, err
		}
		got, err := s.FetchHeaders(ctx, uids, []string{"Subject"})
		if err != nil {
			return nil, err
		}
		rows = append(rows, []string{m.Name, fmt.Sprint(len(got)), d.numbers(got)})
	}
	slices.SortFunc(rows[1:], func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return rows, s.Logout(ctx)
}

// numbers lists messages by the numbers that they were delivered under, which
// their subjects tell.
func (d *demo) numbers(got []imapsession.Fetched) string {
	var numbers []int
	for _, f := range got {
		numbers = append(numbers, slices.Index(d.subjects, facts.ParseHeader(f.Header).Subject())+1)
	}
	slices.Sort(numbers)
	var out []string
	for _, n := range numbers {
		out = append(out, fmt.Sprint(n))
	}
	return strings.Join(out, " ")
}

// report prints where everything lies now and which webhooks arrived.
func (d *demo) report(ctx context.Context) error {
	d.receiver.await(d.hooks)
	rows, err := d.places(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(d.app.out, "\nWhere everything is now, as the server says:\n\n")
	table(d.app.out, rows)
	fmt.Fprint(d.app.out, "\nWebhooks that arrived, signatures checked:\n\n")
	rows = [][]string{{"RULE", "SUBJECT", "ID"}}
	for _, call := range d.receiver.all() {
		rows = append(rows, []string{call.Rule, fit(call.Subject, max(demoSubject, min(36, d.width()-57))), call.ID})
		if call.wrong != "" {
			d.wrong = append(d.wrong, "webhook "+call.ID+": "+call.wrong)
		}
	}
	table(d.app.out, rows)
	if got := len(rows) - 1; got != d.hooks {
		d.wrong = append(d.wrong, fmt.Sprintf("%d webhooks arrived, %d are owed", got, d.hooks))
	}
	return d.verdict()
}

func (d *demo) verdict() error {
	if len(d.wrong) == 0 {
		fmt.Fprint(d.app.out, "\nEvery outcome is what the tests in examples/demo want.\nNext: 'imapilot init' sets up your own account; it starts with a dry run.\n")
		return nil
	}
	fmt.Fprintln(d.app.out, "\nThese outcomes differ from the tests in examples/demo:")
	for _, w := range d.wrong {
		fmt.Fprintln(d.app.out, "  "+w)
	}
	return errProblems
}
