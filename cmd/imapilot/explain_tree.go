package main

import (
	"fmt"
	"strings"

	"imapilot/engine"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// tree shows how a condition was worked out for one message.
type tree struct {
	*screen
	message *facts.Message
	// fetched is nil where the message was read whole.
	fetched []engine.FetchedStage
	limit   int // octets of a text that rules see
	// settled: nothing is missing that the outcome depends on.
	settled bool
}

// decidedMark stands before the parts that decided.
const decidedMark = "=>"

// part shows a part and what is below it: what decided is marked, its truth
// stands in a column of its own, and what it was worked out from below it.
func (t tree) part(p *rules.Part, depth int) {
	switch {
	case p.Operator == "and":
		t.row(p, depth, "all of these must hold:")
	case p.Operator == "or":
		t.row(p, depth, "one of these must hold:")
	case p.Operator == "define":
		t.row(p, depth, p.Text+", which stands for:")
	case isLeaf(p):
		t.leaf(p, depth)
		return
	default:
		t.row(p, depth, "not:")
	}
	for _, side := range p.Parts {
		t.part(side, depth+1)
	}
}

// isLeaf reports whether a part is shown on one line: "not flagged" is.
func isLeaf(p *rules.Part) bool {
	return len(p.Parts) == 0 || p.Operator == "not" && len(p.Parts[0].Parts) == 0
}

func (t tree) row(p *rules.Part, depth int, text string) {
	mark := ""
	if p.Decisive && isLeaf(p) {
		mark = decidedMark
	}
	t.line(fmt.Sprintf("  %-2s %-7s %s", mark, truth(p.Truth), strings.Repeat("  ", depth)), truthColor(p.Truth), text)
}

func truthColor(v rules.Truth) int {
	switch v {
	case rules.True:
		return green
	case rules.False:
		return plain
	case rules.Unknown:
		return yellow
	default:
		return red
	}
}

func truth(v rules.Truth) string { return v.String() }

func (t tree) leaf(p *rules.Part, depth int) {
	t.row(p, depth, p.Text)
	below := strings.Repeat(" ", 13+2*depth) + "  "
	of := p
	if p.Operator == "not" {
		of = p.Parts[0]
	}
	if of.Err != nil {
		t.line(below, plain, of.Err.Error())
	}
	if of.Truth == rules.Unknown {
		t.line(below, plain, t.unknown(of.Missing))
	}
	for _, v := range of.Values {
		if text := t.value(v); text != "" && (of.Err == nil || !isMissing(v)) {
			t.line(below, plain, text)
		}
	}
}

// isMissing reports whether a value says why there is none. A text stands in
// quotes, so that it cannot look like that.
func isMissing(v rules.Value) bool {
	return strings.HasPrefix(v.Value, "not fetched: ") || strings.HasPrefix(v.Value, "error: ")
}

// value says what a fact was, "" where it is not known.
func (t tree) value(v rules.Value) string {
	if isMissing(v) {
		return ""
	}
	text := v.Text + " is " + v.Value
	if t.truncated(v) {
		text += fmt.Sprintf("; rules see only the first %s of it (body: limit: in the configuration)", octets(t.limit))
	}
	return text
}

// truncated reports whether a value is the beginning of a longer text.
func (t tree) truncated(v rules.Value) bool {
	cut := func(b *facts.Body, name string) bool {
		return b != nil && b.Truncated && strings.Contains(v.Text, name)
	}
	return cut(t.message.Text, "body.text") || cut(t.message.HTML, "body.html")
}

// unknown says why something is not known.
func (t tree) unknown(n rules.Needs) string {
	switch {
	case n.History:
		return "not known here: the journal was not asked"
	case t.fetched != nil && t.settled:
		return "not fetched: nothing depends on " + needed(n)
	case t.fetched != nil:
		return "not known: the server did not send " + needed(n)
	}
	return "not known: " + needed(n)
}

// needed names what is missing.
func needed(n rules.Needs) string {
	if n.Gmail {
		return "Gmail's labels and ids"
	}
	if n.Structure {
		return "the list of its parts"
	}
	for _, c := range n.Contents {
		return contentName(c)
	}
	return "its header"
}

func contentName(c facts.Content) string {
	switch c {
	case facts.HTMLContent:
		return "the HTML of its body"
	case facts.ReportContent:
		return "its delivery report"
	default:
		return "the text of its body"
	}
}

// octets is a size as people write it: "64 KiB". 0 is the default limit.
func octets(n int) string {
	if n <= 0 {
		n = facts.DefaultLimit
	}
	switch {
	case n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d octets", n)
}

// deciding are the parts that made a condition what it is, without what is
// below them.
func deciding(p *rules.Part) []*rules.Part {
	if p == nil || !p.Decisive {
		return nil
	}
	if isLeaf(p) {
		return []*rules.Part{p}
	}
	var out []*rules.Part
	for _, side := range p.Parts {
		out = append(out, deciding(side)...)
	}
	return out
}

// brief is a part with what it was worked out from on one line: "from.domain ==
// \"a.org\", but it is \"b.org\"".
func (t tree) brief(p *rules.Part) string {
	of := p
	if p.Operator == "not" {
		of = p.Parts[0]
	}
	var values []string
	for _, v := range of.Values {
		if text := t.value(v); text != "" {
			values = append(values, text)
		}
	}
	switch {
	case len(values) == 1 && p == of && p.Truth == rules.False && strings.HasPrefix(p.Text, of.Values[0].Text+" "):
		return p.Text + ", but it" + strings.TrimPrefix(values[0], of.Values[0].Text)
	case len(values) > 0:
		return p.Text + " is " + truth(p.Truth) + ": " + strings.Join(values, ", ")
	}
	return p.Text + " is " + truth(p.Truth)
}
