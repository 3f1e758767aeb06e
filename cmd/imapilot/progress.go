package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"imapilot/engine"
)

const (
	// progressLine is how often progress is told where no terminal shows it.
	progressLine = 10 * time.Second
	// barWidth is how many columns the bar itself takes.
	barWidth = 10
	// mailboxWidth is how many columns the name of a mailbox takes at most.
	mailboxWidth = 20
	// clearLine goes to the beginning of a line and empties it (ECMA-48, CR and EL).
	clearLine = "\r\x1b[K"
)

// progressBar shows how far a run came: on a terminal as a line that changes, and
// elsewhere as a line every ten seconds. It may be used from several goroutines.
type progressBar struct {
	verb  string // "Looking"
	color bool

	mu    sync.Mutex
	out   io.Writer // nil where nothing is shown
	width int       // 0 where it is no terminal
	shown bool      // a line stands there that will be replaced
	last  time.Time
}

// progressBar is one on the standard error. With --json it shows nothing.
func (a *app) progressBar(verb string) *progressBar {
	b := &progressBar{verb: verb, color: color(a.err), out: a.err, last: time.Now()}
	if isTerminal(a.err) {
		b.width = terminalWidth(a.err)
	}
	if a.json {
		b.out = nil
	}
	return b
}

// show brings the line up to date. waiting is why nothing goes on, "" if it does.
func (b *progressBar) show(p engine.Progress, waiting string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch now := time.Now(); {
	case b.out == nil:
	case b.width > 0:
		b.shown = true
		line := cutCells(b.line(p, now, waiting), b.width-1)
		if b.color {
			line = (&screen{color: true}).paint(green, line)
		}
		fmt.Fprint(b.out, clearLine+line)
	case now.Sub(b.last) >= progressLine:
		b.last = now
		fmt.Fprintln(b.out, b.verb+": "+strings.TrimSpace(progressText(p, now, waiting)))
	}
}

// line is the bar with what belongs to it.
func (b *progressBar) line(p engine.Progress, now time.Time, waiting string) string {
	full := 0
	if p.Total > 0 {
		full = min(barWidth, barWidth*p.Looked/p.Total)
	}
	return b.verb + " [" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "] " + progressText(p, now, waiting)
}

// progressText says where a run is, how far it came, how fast, and how long it may
// last. The rate is that of the whole run: it leaps less than that of the last
// moment. Before the server has said how much there is, only that can be said.
func progressText(p engine.Progress, now time.Time, waiting string) string {
	if p.Total == 0 && p.Mailbox == "" {
		return cmp.Or(waitText(waiting), "asking the server what there is")
	}
	text := fmt.Sprintf("%d/%d", p.Looked, p.Total)
	if p.Mailbox != "" {
		text = cutCells(visible(p.Mailbox), mailboxWidth) + " " + text
	}
	left := max(0, p.Total-p.Looked)
	switch rate := float64(p.Looked) / max(now.Sub(p.Began).Seconds(), 0.001); {
	case p.Looked == 0 || p.Began.IsZero():
	case left == 0: // what was decided is being done, at another rate
		text += ", all looked at"
	default:
		text += fmt.Sprintf(" %.0f/s, %s left", rate, remaining(float64(left)/rate))
	}
	text += fmt.Sprintf("; %d acted on, %d held", p.Acted, p.Held)
	if waiting != "" {
		text += "; " + waitText(waiting)
	}
	return text
}

// waitText says why nothing goes on, "" if it does.
func waitText(waiting string) string {
	if waiting == "" {
		return ""
	}
	return "waits: " + visible(waiting)
}

// remaining is a number of seconds for people, rounded up.
func remaining(seconds float64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%d s", int(seconds)+1)
	case seconds < 3600:
		return fmt.Sprintf("%d min", int(seconds/60)+1)
	}
	return fmt.Sprintf("%d h", int(seconds/3600)+1)
}

// Write lets others write to the same stream: the bar makes room for it.
func (b *progressBar) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	if b.out == nil {
		return len(p), nil
	}
	return b.out.Write(p)
}

// clear takes the line away; the caller holds the mutex.
func (b *progressBar) clear() {
	if b.shown {
		fmt.Fprint(b.out, clearLine)
		b.shown = false
	}
}

// end takes the line away. Nothing is shown any more.
func (b *progressBar) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	b.out = nil
}
