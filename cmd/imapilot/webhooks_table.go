package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"imapilot/engine/journal"
)

// callTable prints calls, a row each.
type callTable struct {
	width int // 0: lines may be of any length
	// refused are the endpoints that want no more calls.
	refused []string
	// queued are the IDs of calls before which others are to be made, gathering
	// those of calls that one call will say.
	queued, gathering []string
	// resting says until when endpoints of accounts are left alone, by the clock of
	// zone.
	resting map[accountEndpoint]time.Time
	zone    *time.Location
}

// accountEndpoint is an endpoint as one account calls it.
type accountEndpoint struct{ account, endpoint string }

// The columns of the table.
const (
	callID = iota
	callState
	callEndpoint
	callRule
	callTries
	callWhen
	callError
)

func (a *app) callTable(disabled []disabledEndpoint) callTable {
	t := callTable{width: terminalWidth(a.out)}
	for _, x := range disabled {
		t.refused = append(t.refused, x.Endpoint)
	}
	return t
}

// print prints calls below a heading.
func (t callTable) print(s *screen, calls []journal.Delivery) {
	rows := [][]string{{"ID", "STATE", "ENDPOINT", "RULE", "TRIES", "WHEN", "LAST ANSWER"}}
	n := shortLength(calls)
	for _, d := range calls {
		row := []string{shortID(d.ID, n), string(d.State), d.Endpoint, d.Rule, fmt.Sprint(d.Attempts), t.when(d), lastAnswer(d)}
		for i := range row {
			row[i] = visible(row[i])
		}
		rows = append(rows, row)
	}
	widths := t.layout(rows)
	for i, row := range rows {
		code, state := bold, bold
		if i > 0 {
			code, state = plain, callColor(calls[i-1].State)
		}
		s.b.WriteString(t.row(s, row, widths, code, state))
	}
}

// when is the next time of a call that has one, or when it last changed.
func (t callTable) when(d journal.Delivery) string {
	switch {
	case d.State == journal.Pending && slices.Contains(t.refused, d.Endpoint):
		return "disabled"
	case d.State == journal.Pending && slices.Contains(t.queued, d.ID):
		return "queued"
	case d.State == journal.Pending && slices.Contains(t.gathering, d.ID):
		return "gathering"
	case d.State == journal.Pending && !d.Next.After(time.Now()):
		if until := t.resting[accountEndpoint{d.Account, d.Endpoint}]; until.After(time.Now()) {
			return "rests until " + until.In(t.zone).Format(time.TimeOnly)
		}
		return "now"
	case d.State == journal.Pending:
		return soon(time.Until(d.Next))
	}
	return ago(d.Updated)
}

// lastAnswer is what came of the last attempt; the number says most.
func lastAnswer(d journal.Delivery) string {
	switch {
	case d.LastStatus != 0 && d.State == journal.Delivered:
		return fmt.Sprint(d.LastStatus)
	case d.LastStatus != 0 && d.LastError != "":
		_, rest, ok := strings.Cut(d.LastError, fmt.Sprintf("the receiver answered %d", d.LastStatus))
		if !ok {
			rest = " " + d.LastError
		}
		return strings.TrimRight(fmt.Sprint(d.LastStatus)+rest, " ")
	case d.LastError != "":
		return d.LastError
	case d.State == journal.Cancelled:
		return "not made"
	case d.State == journal.Waiting:
		return "after other actions"
	case d.State == journal.Gathered:
		return "in " + shortID(d.Digest, leastShown)
	case heldBack(d) != "":
		return heldBack(d)
	case d.Attempts == 0:
		return "not called yet"
	}
	return ""
}

// layout gives each column what its longest cell needs. Where that is more than
// the screen has, those that hold texts give way down to their share.
func (t callTable) layout(rows [][]string) []int {
	widths := make([]int, callError+1)
	total := columnGap * callError
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], cellsOf(row[i]))
		}
		total += widths[i]
	}
	if t.width == 0 {
		return widths
	}
	shares := map[int]int{callEndpoint: 26, callRule: 30, callError: 44}
	texts := t.width - total + widths[callEndpoint] + widths[callRule] + widths[callError]
	beyond := func(i int) int { return widths[i] - texts*shares[i]/100 }
	for ; total > t.width; total-- {
		widest := callEndpoint
		for _, i := range []int{callRule, callError} {
			if beyond(i) > beyond(widest) {
				widest = i
			}
		}
		widths[widest] = max(1, widths[widest]-1)
	}
	return widths
}

func (t callTable) row(s *screen, cells []string, widths []int, code, state int) string {
	line := ""
	for i, cell := range cells {
		cell = cutCells(cell, widths[i])
		paint := code
		if i == callState {
			paint = state
		}
		line += s.paint(paint, cell) + strings.Repeat(" ", max(0, widths[i]-cellsOf(cell))+columnGap)
	}
	return strings.TrimRight(line, " ") + "\n"
}

func callColor(s journal.DeliveryState) int {
	switch s {
	case journal.Delivered:
		return green
	case journal.Dead:
		return red
	case journal.Pending, journal.Waiting:
		return yellow
	}
	return plain
}
