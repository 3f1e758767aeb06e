package ruletest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// maxMessage is how large a message file may be.
const maxMessage = 64 << 20

// Case is one test.
type Case struct {
	// Rule is the name of the rule that is judged alone; "" judges the whole walk
	// of the rules on arrival.
	Rule string
	// Name shows the test: "newsletters (letter.eml)".
	Name string
	// File and Line are where the test stands.
	File string
	Line int
	// Message is the path of a message file; Inline is the message itself.
	Message string
	Inline  []byte
	Given   Given
	// Want are the actions in order: of a rule as it lists them, of the whole
	// walk as they would be applied.
	Want []actions.Action
	// Until says of the wanted actions that snooze, by their place in Want, until
	// when that is for the clock of the test.
	Until map[int]func(now time.Time) time.Time
	// BodyLimit is how many bytes of the text rules see; 0 is 64 KiB.
	BodyLimit int
	// Alone compiles the rule without the others. It is called when an earlier
	// rule on arrival takes the message and stops; where it is nil, the test then
	// is not covered. Rules on a clock or on flags do not need it.
	Alone func() *rules.Ruleset
}

// Given is what a test says of the message beside its text.
type Given struct {
	// Account defaults to the rule's first, or the first there is.
	Account string
	// Mailbox defaults to the rule's first "in", or INBOX; Role is its role.
	Mailbox, Role string
	Flags         []imap.Flag
	// Received is the INTERNALDATE; default: the Date field if it is not after
	// Now, else Now, else noon of 1 January 2026.
	Received time.Time
	// Now is the clock; default: a minute after Received, so that a test has
	// the same result on every day.
	Now time.Time
	// History is what the journal would know of the message; default nothing.
	History facts.History
	// Gmail is what Gmail would tell of it; default nothing.
	Gmail facts.Gmail
}

// read returns the message with CRLF at the end of each line, as a server keeps
// it and counts its size.
func (c Case) read() ([]byte, error) {
	raw := c.Inline
	if c.Message != "" {
		var err error
		if raw, err = readMessage(c.Message); err != nil {
			return nil, err
		}
	}
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")), nil
}

func readMessage(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// Room for all of it at once: a large one is not copied as it grows.
	raw := bytes.NewBuffer(make([]byte, 0, min(st.Size(), maxMessage+1)+bytes.MinRead))
	_, err = raw.ReadFrom(io.LimitReader(f, maxMessage+1))
	if err == nil && raw.Len() > maxMessage {
		err = fmt.Errorf("%s is larger than %d MiB", path, maxMessage>>20)
	}
	return raw.Bytes(), err
}

// input is the message as the rules see it.
func (c Case) input(raw []byte) rules.Input {
	m := facts.ParseMessage(raw, c.BodyLimit)
	g := c.Given.times(m.Header.Sent())
	m.UID, m.Flags, m.Received, m.Size, m.History, m.Gmail = 1, g.Flags, g.Received, int64(len(raw)), &g.History, &g.Gmail
	return rules.Input{Account: g.Account, Mailbox: rules.Mailbox{Name: g.Mailbox, Role: g.Role}, Now: g.Now, Message: m, Every: true}
}

// wanted are the wanted actions at a time.
func (c Case) wanted(now time.Time) []actions.Action {
	out := slices.Clone(c.Want)
	for i, until := range c.Until {
		out[i].Until = until(now).Truncate(time.Second)
	}
	return out
}

// times fills in the times that a test did not give.
func (g Given) times(sent time.Time) Given {
	if g.Received.IsZero() {
		g.Received = sent
		if g.Received.IsZero() || !g.Now.IsZero() && sent.After(g.Now) {
			g.Received = g.Now
		}
	}
	if g.Received.IsZero() {
		g.Received = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	}
	if g.Now.IsZero() {
		g.Now = g.Received.Add(time.Minute)
	}
	return g
}
