package main

import (
	"errors"
	"fmt"
	"strings"

	"imapilot/engine"
	"imapilot/engine/journal"
)

// undoResult is what an undo would do, or did.
type undoResult struct {
	Acts    []undoneJSON `json:"acts"`
	Before  int          `json:"undone_before"`
	DryRun  bool         `json:"dry_run"`
	Stopped bool         `json:"stopped"`
	Error   string       `json:"error,omitempty"`

	acts []engine.Undone
	// of is the run that is undone, "" where that was not asked for.
	of string
	// done is set once it was done; short leaves the account out of IDs.
	done, short bool
}

// undoneJSON is what undo prints of one act; --help lists its keys, which stay.
type undoneJSON struct {
	ID string `json:"id"`
	engine.Undone
}

// maxUndoRows is how many acts the table shows.
const maxUndoRows = 50

// possible counts the acts of which something can be put back.
func (u undoResult) possible() (n int) {
	for _, act := range u.acts {
		if len(act.Back) > 0 {
			n++
		}
	}
	return n
}

// inPart counts those of them of which something cannot.
func (u undoResult) inPart() (n int) {
	for _, act := range u.acts {
		if len(act.Back) > 0 && len(act.Cannot) > 0 {
			n++
		}
	}
	return n
}

// printUndone shows an undo: all of it, or only what did not go as it was shown. The
// error says what did not go well.
func (a *app) printUndone(u undoResult, all bool) error {
	if a.json {
		u.Acts = []undoneJSON{}
		for _, act := range u.acts {
			u.Acts = append(u.Acts, undoneJSON{idOf(act.Account, act.Seq, false), act})
		}
		return errors.Join(a.printJSON(u), u.trouble())
	}
	t := &undoTable{screen: &screen{width: terminalWidth(a.out), color: color(a.out)}, short: u.short}
	shown := u.acts
	if !all {
		shown = nil
		for _, act := range u.acts {
			if !went(act) {
				shown = append(shown, act)
			}
		}
	}
	if len(shown) > 0 {
		t.print(shown)
	}
	t.screen.b.WriteString(u.summary())
	if _, err := fmt.Fprint(a.out, t.screen.b.String()); err != nil {
		return err
	}
	return u.trouble()
}

// went reports whether an act was put back to its end.
func went(act engine.Undone) bool { return len(act.Back) == 0 || act.State == journal.Done }

// summary says in a few lines what is, or was, undone.
func (u undoResult) summary() string {
	var lines []string
	if len(u.acts) > maxUndoRows {
		lines = append(lines, fmt.Sprintf("The first %d are shown; --json shows all.", maxUndoRows))
	}
	if u.of != "" {
		lines = append(lines, "This is what "+visible(u.of)+" did; after it, --last-run is the run before.")
	}
	done, can := 0, u.possible()
	for _, act := range u.acts {
		if len(act.Back) > 0 && act.State == journal.Done {
			done++
		}
	}
	switch part := u.inPart(); {
	case len(u.acts) == 0:
		lines = append(lines, "There is nothing to undo.")
	case u.done && can > 0:
		lines = append(lines, fmt.Sprintf("%s undone%s.", count(done, "act"), partText(part)))
	case can > 0:
		lines = append(lines, fmt.Sprintf("%s can be undone%s.", count(can, "act"), partText(part)))
	default:
		lines = append(lines, "Nothing can be undone.")
	}
	if n := len(u.acts) - can; n > 0 && can > 0 {
		lines = append(lines, count(n, "act")+" cannot be undone.")
	}
	switch {
	case u.Before == 1:
		lines = append(lines, "1 selected act is undone already.")
	case u.Before > 1:
		lines = append(lines, fmt.Sprintf("%d selected acts are undone already.", u.Before))
	}
	return strings.Join(lines, "\n") + "\n"
}

func partText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of them in part", n)
}

// trouble is what did not go well, nil if nothing.
func (u undoResult) trouble() error {
	var errs []error
	if u.Error != "" {
		errs = append(errs, errors.New(u.Error))
	}
	if u.Stopped {
		errs = append(errs, errors.New("it was interrupted before its end; the next 'imapilot undo' does the rest"))
	}
	n := 0
	for _, act := range u.acts {
		if act.State == journal.Failed || act.State == journal.Unsure || act.State == journal.Open {
			n++
		}
	}
	if n > 0 {
		errs = append(errs, fmt.Errorf("%s could not be undone to the end; 'imapilot history' shows why", count(n, "act")))
	}
	return errors.Join(errs...)
}

// undoTable prints acts, a row each, and below it what cannot be put back.
type undoTable struct {
	screen *screen // its width is 0 where lines may be of any length
	short  bool
}

func (t *undoTable) print(list []engine.Undone) {
	list = list[:min(len(list), maxUndoRows)]
	rows := [][]string{{"ID", "MESSAGE", "NOW IN", "PUT BACK"}}
	for _, act := range list {
		rows = append(rows, t.cells(act))
	}
	widths := t.widths(rows)
	t.row(rows[0], widths, bold)
	for i, act := range list {
		t.row(rows[i+1], widths, plain)
		for _, c := range act.Cannot {
			t.below(widths[0], strings.TrimPrefix("not "+c.What+": "+c.Why, "not : "))
		}
		if act.State != "" && act.State != journal.Done {
			t.below(widths[0], strings.TrimSuffix(string(act.State)+": "+act.Reason, ": "))
		}
	}
}

func (t *undoTable) cells(act engine.Undone) []string {
	back := strings.Join(act.Back, ", ")
	if back == "" {
		back = "nothing"
	}
	cells := []string{idOf(act.Account, act.Seq, t.short), act.Subject, act.Mailbox, back}
	for i := range cells {
		cells[i] = visible(cells[i])
	}
	return cells
}

// widths are those of the columns but the last; on a terminal subjects and names of
// mailboxes give way.
func (t *undoTable) widths(rows [][]string) []int {
	widths := make([]int, 3)
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], cellsOf(row[i]))
		}
	}
	if w := t.screen.width; w > 0 {
		widths[1], widths[2] = min(widths[1], w*35/100), min(widths[2], w*20/100)
	}
	return widths
}

// row prints one row. What does not fit into its last column goes on below.
func (t *undoTable) row(cells []string, widths []int, code int) {
	line := ""
	for i, w := range widths {
		line += padCells(cells[i], w) + strings.Repeat(" ", columnGap)
	}
	last := []string{cells[3]}
	if t.screen.width > 0 {
		last = breakLines(cells[3], max(20, t.screen.width-cellsOf(line)))
	}
	indent := strings.Repeat(" ", cellsOf(line))
	for i, text := range last {
		if i > 0 {
			line = indent
		}
		t.screen.b.WriteString(strings.TrimRight(t.screen.paint(code, line+text), " ") + "\n")
	}
}

// below prints a sentence under a row.
func (t *undoTable) below(width int, text string) {
	indent := strings.Repeat(" ", width+columnGap)
	lines := []string{visible(text)}
	if t.screen.width > 0 {
		lines = breakLines(lines[0], t.screen.width-len(indent))
	}
	for _, line := range lines {
		t.screen.b.WriteString(indent + t.screen.paint(yellow, line) + "\n")
	}
}
