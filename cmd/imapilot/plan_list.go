package main

import (
	"fmt"
	"strings"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// The outcomes of a planned message, as plan --json says them.
const (
	outcomeAct    = "act"
	outcomeHeld   = "held"
	outcomeDryRun = "dry-run"
	outcomeKept   = "kept"
)

// plannedJSON is what plan --all prints of one message as JSON; --help lists its
// keys, which stay.
type plannedJSON struct {
	Type     string              `json:"type"` // "message"
	Account  string              `json:"account"`
	Mailbox  string              `json:"mailbox"`
	UID      uint32              `json:"uid"`
	From     string              `json:"from"`
	Subject  string              `json:"subject"`
	Received time.Time           `json:"received"`
	Outcome  string              `json:"outcome"`
	Reason   string              `json:"reason,omitempty"`
	Actions  []historyActionJSON `json:"actions"`
}

// planJSON is what plan prints as JSON; --help lists its keys, which stay.
type planJSON struct {
	Type string `json:"type,omitempty"` // "report" behind messages
	engine.Report
	DryRun   int           `json:"dry_run"`
	Accounts []accountPlan `json:"accounts"`
}

func (a *app) printPlanJSON(p *planned, all bool) error {
	out := planJSON{Report: inUTC(p.report), DryRun: p.tally.dry, Accounts: p.accounts}
	if !all {
		return a.printJSON(out)
	}
	out.Type = "report"
	return a.printLine(out)
}

// inUTC gives the examples of a report their times in UTC.
func inUTC(r engine.Report) engine.Report {
	for _, rule := range r.Rules {
		for i := range rule.Examples {
			rule.Examples[i].Received = rule.Examples[i].Received.UTC()
		}
	}
	return r
}

// lister prints the messages of a plan as they come, nil where nobody asked for
// them.
func (a *app) lister(f *planFlags, cfg *config.Config) func(engine.Planned) error {
	switch {
	case !f.all:
		return nil
	case a.json:
		return func(m engine.Planned) error { return a.printLine(planMessage(m)) }
	}
	l := &planList{screen: screen{color: color(a.out)}, columns: terminalWidth(a.out), several: len(cfg.Accounts) > 1 && f.account == ""}
	return func(m engine.Planned) error {
		l.message(m)
		_, err := fmt.Fprint(a.out, l.screen.b.String())
		l.screen.b.Reset()
		return err
	}
}

func planMessage(m engine.Planned) plannedJSON {
	e := m.Entry
	return plannedJSON{
		Type: "message", Account: m.Account, Mailbox: e.Mailbox, UID: uint32(e.UID), From: e.From, Subject: e.Subject,
		Received: e.Print.Received.UTC(), Outcome: outcomeOf(e), Reason: e.Reason, Actions: recordedActions(e.Plan),
	}
}

func outcomeOf(e journal.Entry) string {
	switch e.State {
	case journal.Held:
		return outcomeHeld
	case journal.DryRun:
		return outcomeDryRun
	case journal.Kept:
		return outcomeKept
	}
	return outcomeAct
}

// planList prints messages, a line each: in columns, or for other programs whole
// and separated by tabs, of which no cell holds one.
type planList struct {
	screen  screen
	columns int // 0 for tabs
	several bool
	begun   bool
}

// message prints one message. Columns have fixed widths, for what comes later is
// not known yet.
func (l *planList) message(m engine.Planned) {
	if !l.begun {
		l.begun = true
		l.row(bold, "ACCOUNT", "MESSAGE", "FROM", "SUBJECT", "OUTCOME")
	}
	code := plain
	if m.Entry.State == journal.Held {
		code = yellow
	}
	l.row(code, m.Account, fmt.Sprintf("%s/%d", m.Entry.Mailbox, m.Entry.UID), senderOf(m.Entry.From), m.Entry.Subject, plannedText(m.Entry))
}

// row prints the cells of a message, of which the first is its account.
func (l *planList) row(code int, cells ...string) {
	for i, cell := range cells {
		cells[i] = visible(cell)
	}
	if !l.several {
		cells = cells[1:]
	}
	if l.columns == 0 {
		l.screen.b.WriteString(strings.Join(cells, "\t") + "\n")
		return
	}
	widths := []int{l.columns * 20 / 100, l.columns * 20 / 100, l.columns * 27 / 100}
	if l.several {
		widths = []int{l.columns * 10 / 100, l.columns * 20 / 100, l.columns * 18 / 100, l.columns * 20 / 100}
	}
	line := ""
	for i, w := range widths {
		line += padCells(cells[i], w) + strings.Repeat(" ", columnGap)
	}
	last := cutCells(cells[len(widths)], max(1, l.columns-cellsOf(line)))
	if code == bold {
		line = l.screen.paint(bold, line)
	}
	l.screen.b.WriteString(strings.TrimRight(line+l.screen.paint(code, last), " ") + "\n")
}

// plannedText says in a few words what would be done with a message.
func plannedText(e journal.Entry) string {
	switch e.State {
	case journal.Held:
		return "held: " + actionList(e.Plan)
	case journal.DryRun:
		return "dry run: " + actionList(e.Plan)
	case journal.Kept:
		return e.Reason
	}
	return actionList(e.Plan)
}
