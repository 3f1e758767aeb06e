package imapsession

import (
	"fmt"
	"slices"
	"strings"
)

// handle deals with one line from the server and appends to out what
// imapclient is to see of it.
func (g *guard) handle(line, out []byte) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, ok := parseResponse(line)
	if !ok || r.tag != "*" && r.tag != "+" && !isTag(r.tag) {
		return out, g.ignore()
	}
	switch r.tag {
	case "+":
		return g.continuation(r.data, out)
	case "*":
		return out, g.untagged(r)
	}
	return g.tagged(r, out)
}

// ignore passes over a line that nobody can use.
func (g *guard) ignore() error {
	g.o.Traffic.Ignored.Add(1)
	if g.junk++; g.junk > g.o.Limits.Junk {
		return fmt.Errorf("%w: %d lines that are no responses", errProtocol, g.junk)
	}
	return nil
}

// ownTag begins the tags of the commands that do not come from imapclient.
const ownTag = "I"

// isTag reports whether a word is a tag as imapclient makes them, T12, or as we
// do, I12.
func isTag(word string) bool {
	digits, ok := strings.CutPrefix(word, "T")
	if !ok {
		digits, ok = strings.CutPrefix(word, ownTag)
	}
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// continuation passes on a continuation request that somebody waits for. Its text is
// needed in a login alone, where it is a challenge.
func (g *guard) continuation(text, out []byte) ([]byte, error) {
	i := slices.IndexFunc(g.ops, func(op *operation) bool { return op.underWay() && op.continuations > 0 })
	if i < 0 {
		return out, g.ignore()
	}
	op := g.ops[i]
	op.continuations--
	if op.command == "IDLE" {
		op.idling = true
		g.arm()
	}
	if op.command == "AUTHENTICATE" {
		return challenge(text, out)
	}
	return append(out, "+\r\n"...), nil
}

// untagged takes in a data or status response. None is passed on.
func (g *guard) untagged(r response) error {
	if g.responses++; g.responses > g.o.Limits.Responses {
		return fmt.Errorf("%w: %d responses", errTooMuch, g.responses)
	}
	switch {
	case r.kind == "CAPABILITY":
		g.caps = capabilityNames(r.data)
	case r.code == "CAPABILITY":
		g.caps = capabilityNames(r.args)
	case r.kind == "BYE":
		g.bye = g.o.completion(r)
		// The server closes now. Not waiting for it, except where LOGOUT asked
		// for this, spares what a half-open connection costs.
		if !slices.ContainsFunc(g.ops, func(op *operation) bool { return op.command == "LOGOUT" }) {
			return errBye
		}
	case isStatus(r.kind):
		g.remark(r)
	}
	for _, op := range g.ops {
		if op.underWay() && op.take != nil && op.take(r) {
			return nil
		}
	}
	if g.notices.note(r) {
		g.announce()
		return nil
	}
	switch r.kind {
	case "EXISTS", "EXPUNGE", "VANISHED", "FETCH":
		g.announce()
	case "OK", "NO", "BAD", "BYE", "CAPABILITY", "RECENT", "FLAGS":
	default:
		g.o.Traffic.Ignored.Add(1)
	}
	return nil
}

// tagged ends the command under way that has this tag.
func (g *guard) tagged(r response, out []byte) ([]byte, error) {
	i := slices.IndexFunc(g.ops, func(op *operation) bool { return op.underWay() && op.tag == r.tag })
	if i < 0 {
		return nil, fmt.Errorf("%w: an answer to a command that is not under way", errProtocol)
	}
	if r.kind != "OK" && r.kind != "NO" && r.kind != "BAD" {
		return nil, fmt.Errorf("%w: an answer that is neither OK, NO nor BAD", errProtocol)
	}
	op := g.ops[i]
	if r.code == "CAPABILITY" {
		g.caps = capabilityNames(r.args)
	} else if op.take != nil {
		op.take(r)
	}
	op.completion = *g.o.completion(r)
	op.completed = true
	close(op.done)
	if op.fresh {
		g.clearNews()
	}
	g.arm()
	if op.own {
		return out, nil
	}
	out = append(out, op.clientTag+" "+r.kind+" "...)
	if op.showCaps && r.kind == "OK" {
		out = append(out, "[CAPABILITY "+g.clientCaps()+"] "...)
	}
	return append(out, "done\r\n"...), nil
}

// announce notes that the selected mailbox changed.
func (g *guard) announce() {
	g.news = true
	select {
	case g.newsCh <- struct{}{}:
	default:
	}
}

func (g *guard) clearNews() {
	g.news = false
	select {
	case <-g.newsCh:
	default:
	}
}

// takeNews reports whether anything was announced since the last time, or
// since the last SELECT.
func (g *guard) takeNews() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	news := g.news
	g.clearNews()
	g.left = ""
	return news
}

// takeCapabilities returns the last list that the server sent, and forgets it, so
// that a list from before the login is never taken for one from after it.
func (g *guard) takeCapabilities() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	caps := g.caps
	g.caps = nil
	return caps
}
