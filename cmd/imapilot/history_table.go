package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"

	"imapilot/engine/journal"
)

// historyTable prints entries and events, a row each, as they come.
type historyTable struct {
	screen *screen // its width is 0 where lines may be of any length
	zone   *time.Location
	// short leaves the account out of identifiers: there is only one.
	short  bool
	stamp  string // the layout of times
	widths []int  // of the columns, the last one not included
}

// The columns of the table.
const (
	columnID = iota
	columnTime
	columnOutcome
	columnMailbox
	columnFrom
	columnSubject
	columnWhat
)

// wideScreen is from how many columns on there is room for whole times.
const wideScreen = 110

// terminalWidth is how many columns a stream has, 0 where it is no terminal and
// $COLUMNS does not say.
func terminalWidth(stream io.Writer) int {
	const least, most = 60, 1000
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return min(max(n, least), most)
	}
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil || columns <= 0 {
		return screenWidth
	}
	return min(max(columns, least), most)
}

func newHistoryTable(columns int, color bool, zone *time.Location, short bool) *historyTable {
	t := &historyTable{screen: &screen{width: columns, color: color}, zone: zone, short: short, stamp: time.DateTime}
	if columns > 0 && columns < wideScreen {
		t.stamp = "01-02 15:04"
	}
	return t
}

// take returns what was printed since it was last called.
func (t *historyTable) take() string {
	out := t.screen.b.String()
	t.screen.b.Reset()
	return out
}

func (t *historyTable) cells(r record) []string {
	cells := []string{
		idOf(r.account, r.Seq, t.short), r.Updated.In(t.zone).Format(t.stamp), string(r.State),
		r.Mailbox, senderOf(r.From), r.Subject, whatOf(r, t.zone),
	}
	for i := range cells {
		cells[i] = visible(cells[i])
	}
	return cells
}

// idOf is the name of an entry on the command line.
func idOf(account string, seq int64, short bool) string {
	if short {
		return fmt.Sprint(seq)
	}
	return fmt.Sprintf("%s/%d", account, seq)
}

// senderOf is the name of a sender, or the address of one that has none.
func senderOf(from string) string {
	name, _, ok := strings.Cut(from, " <")
	if name = strings.Trim(name, `" `); ok && name != "" {
		return name
	}
	return strings.Trim(from, "<>")
}

// begin lays the columns out for what comes first, and prints the heading.
func (t *historyTable) begin(records []record) {
	heading := []string{"ID", "TIME (" + zoneName(t.zone) + ")", "OUTCOME", "MAILBOX", "FROM", "SUBJECT", "WHAT"}
	if t.screen.width > 0 && t.screen.width < wideScreen {
		heading[columnTime] = "TIME"
	}
	rows := [][]string{heading}
	for _, r := range records {
		rows = append(rows, t.cells(r))
	}
	t.widths = t.layout(rows)
	t.row(heading, bold, bold)
}

// beginEvents is begin for events alone.
func (t *historyTable) beginEvents(events []journal.Event) {
	heading := []string{"ACCOUNT", "TIME (" + zoneName(t.zone) + ")", "EVENT", "WHAT"}
	t.widths = make([]int, columnWhat+1)
	if !t.short {
		t.widths[columnID] = len(heading[columnID])
	}
	t.widths[columnTime] = max(len(heading[columnTime]), len(t.stamp))
	for _, e := range events {
		if !t.short {
			t.widths[columnID] = max(t.widths[columnID], cellsOf(visible(e.Account)))
		}
		t.widths[columnOutcome] = max(t.widths[columnOutcome], cellsOf(visible(e.Kind)))
	}
	line := ""
	if !t.short {
		line = t.pad(heading[0], columnID)
	}
	line += t.pad(heading[1], columnTime) + t.pad(heading[2], columnOutcome) + heading[3]
	t.screen.b.WriteString(t.screen.paint(bold, line) + "\n")
}

func zoneName(zone *time.Location) string {
	if name := zone.String(); name != "Local" {
		return name
	}
	return time.Now().Format("MST")
}

// layout gives each column what its longest cell needs. Where that is more than
// the screen has, those that hold texts give way down to their share.
func (t *historyTable) layout(rows [][]string) []int {
	widths := make([]int, columnWhat+1)
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], cellsOf(cell))
		}
	}
	widths[columnOutcome] = max(widths[columnOutcome], len(journal.Withdrawn))
	if t.screen.width == 0 {
		return widths
	}
	texts := t.screen.width - columnGap*columnWhat - widths[columnID] - widths[columnTime] - widths[columnOutcome]
	total := 0
	for _, w := range widths[columnMailbox:] {
		total += w
	}
	for ; total > texts; total-- {
		widest := columnMailbox
		for i := columnMailbox; i <= columnWhat; i++ {
			if beyond(i, widths[i], texts) > beyond(widest, widths[widest], texts) {
				widest = i
			}
		}
		widths[widest]--
	}
	return widths
}

// beyond is by how much a column exceeds its share of what texts have.
func beyond(column, has, texts int) int {
	percent := map[int]int{columnMailbox: 18, columnFrom: 17, columnSubject: 31, columnWhat: 34}
	return has - texts*percent[column]/100
}

// entry prints one entry. Why something did not happen is never cut: where its
// column has no room it goes on below.
func (t *historyTable) entry(r record) {
	cells := t.cells(r)
	below := ""
	if t.screen.width > 0 && needsReason(r) && cellsOf(cells[columnWhat]) > t.widths[columnWhat] {
		below, cells[columnWhat] = cells[columnWhat], ""
	}
	t.row(cells, plain, outcomeColor(r))
	if below == "" {
		return
	}
	indent := strings.Repeat(" ", t.widths[columnID]+columnGap)
	for _, line := range breakLines(below, t.screen.width-len(indent)) {
		t.screen.b.WriteString(indent + t.screen.paint(faint, line) + "\n")
	}
}

// needsReason reports whether the last column says why rather than what.
func needsReason(r record) bool {
	switch r.State {
	case journal.Done, journal.DryRun, journal.Withdrawn, journal.Skipped, journal.Gone, journal.Undone:
		return unfinishedWebhook(r)
	}
	return true
}

func unfinishedWebhook(r record) bool {
	for _, d := range r.webhooks {
		if d.State == journal.Dead || d.State == journal.Pending && d.Attempts > 0 {
			return true
		}
	}
	return false
}

func (t *historyTable) row(cells []string, code, outcome int) {
	line := ""
	for i, cell := range cells {
		w := t.widths[i]
		if t.screen.width > 0 {
			cell = cutCells(cell, w)
		}
		padding := strings.Repeat(" ", max(0, w-cellsOf(cell))+columnGap)
		if i == columnWhat {
			padding = ""
		}
		paint := code
		if i == columnOutcome {
			paint = outcome
		}
		line += t.screen.paint(paint, cell) + padding
	}
	t.screen.b.WriteString(strings.TrimRight(line, " ") + "\n")
}

func outcomeColor(r record) int {
	switch r.State {
	case journal.Done:
		return green
	case journal.Failed, journal.Unsure:
		return red
	case journal.Held, journal.Open:
		return yellow
	}
	return plain
}

// event prints one event, among entries or alone.
func (t *historyTable) event(e journal.Event) {
	start := ""
	switch {
	case t.widths[columnID] == 0: // alone, and of the only account
	case t.short:
		start = t.pad("-", columnID)
	default:
		start = t.pad(visible(e.Account), columnID)
	}
	start += t.pad(e.At.In(t.zone).Format(t.stamp), columnTime)
	indent := strings.Repeat(" ", cellsOf(start+t.pad(visible(e.Kind), columnOutcome)))
	start += t.screen.paint(bold, t.pad(visible(e.Kind), columnOutcome))
	text := []string{visible(e.Text)}
	if t.screen.width > 0 {
		text = breakLines(text[0], max(20, t.screen.width-len(indent)))
	}
	t.screen.b.WriteString(start + strings.Join(text, "\n"+indent) + "\n")
}

func (t *historyTable) pad(text string, column int) string {
	return text + strings.Repeat(" ", max(0, t.widths[column]-cellsOf(text))+columnGap)
}

// cellsOf is how many columns a text takes on a terminal: wide characters take
// two (Unicode Standard Annex 11), marks that combine none.
func cellsOf(s string) int {
	n := 0
	for _, r := range s {
		n += cellOf(r)
	}
	return n
}

func cellOf(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cutCells cuts a text to so many columns.
func cutCells(s string, n int) string {
	if cellsOf(s) <= n {
		return s
	}
	used, out := 1, ""
	for _, r := range s {
		if used += cellOf(r); used > n {
			break
		}
		out += string(r)
	}
	return out + "…"
}
