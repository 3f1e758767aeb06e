package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// fetchFirst fetches what every message is looked at with: flags,
// INTERNALDATE, size, and the header fields that the rules name.
func (c *connection) fetchFirst(ctx context.Context, uids imap.UIDSet, needs rules.Needs) ([]imapsession.Fetched, error) {
	if needs.WholeHeader {
		return c.session.FetchWholeHeaders(ctx, uids)
	}
	return c.session.FetchHeaders(ctx, uids, needs.HeaderFields)
}

// fetchArrivals is fetchFirst. Of a few messages it asks, in the same round trip,
// where the UIDs of the targets are that were used last: one of them may be theirs.
func (c *connection) fetchArrivals(ctx context.Context, uids []imap.UID, needs rules.Needs) ([]imapsession.Fetched, error) {
	names := c.staleTargets()
	if needs.WholeHeader || len(uids) > fewArrivals || len(names) == 0 {
		return c.fetchFirst(ctx, setOf(uids), needs)
	}
	fetching := c.session.FetchHeadersAhead(ctx, setOf(uids), needs.HeaderFields)
	answers := c.session.StatusAll(ctx, names)
	fetched, err := fetching.Wait(ctx)
	if err != nil {
		return nil, err // it may have ended the connection
	}
	for i, r := range answers {
		if _, err := c.learnTarget(names[i], r.Status, r.Err); err != nil {
			return nil, err
		}
	}
	return fetched, nil
}

// settle evaluates messages of the selected mailbox until nothing is missing:
// what an undecided message still needs is fetched stage by stage, for just
// these messages, in one command a stage. all are the messages that are
// decided together. A message whose items do not come is absent afterwards.
func (c *connection) settle(ctx context.Context, ruleset *rules.Ruleset, cursor journal.Cursor, all, open []*candidate) error {
	box := c.ruleMailbox(cursor.Mailbox)
	for len(open) > 0 {
		onAllCores(len(open), func(i int) { open[i].decision = c.evaluate(ruleset, box, open[i]) })
		var undecided []*candidate
		for _, m := range open {
			if !m.decision.Missing.IsZero() {
				undecided = append(undecided, m)
			}
		}
		if err := c.fetchMissing(ctx, cursor, all, undecided); err != nil {
			return err
		}
		open = complete(undecided)
	}
	return nil
}

// fetchMissing fetches what the decisions of messages are missing, one stage
// of it. A message for which nothing came becomes absent, so that each round
// has less to do than the one before.
func (c *connection) fetchMissing(ctx context.Context, cursor journal.Cursor, all, undecided []*candidate) error {
	for _, stage := range []struct {
		of    func(rules.Needs) bool
		fetch func([]*candidate) error
	}{
		{func(n rules.Needs) bool { return n.History }, func([]*candidate) error { return c.histories(ctx, cursor, all) }},
		{func(n rules.Needs) bool { return n.WholeHeader }, func(some []*candidate) error { return c.fetchWholeHeaders(ctx, some) }},
		{func(n rules.Needs) bool { return n.Gmail }, func(some []*candidate) error { return c.fetchGmail(ctx, some) }},
		{func(n rules.Needs) bool { return n.Structure }, func(some []*candidate) error { return c.fetchStructures(ctx, some) }},
		{func(n rules.Needs) bool { return len(n.Contents) > 0 }, func(some []*candidate) error { return c.fetchContents(ctx, some) }},
		{func(n rules.Needs) bool { return n.Raw > 0 }, func(some []*candidate) error { return c.fetchRaws(ctx, some) }},
	} {
		some := slices.DeleteFunc(slices.Clone(undecided), func(m *candidate) bool { return !stage.of(m.decision.Missing) })
		if len(some) == 0 {
			continue
		}
		if err := stage.fetch(some); err != nil {
			return err
		}
	}
	for _, m := range undecided {
		m.absent = m.absent || !m.has(m.decision.Missing)
	}
	return nil
}

// has reports whether everything that was missing came.
func (m *candidate) has(n rules.Needs) bool {
	return m.message.Raw.Holds(n.Raw) && (!n.Dated || !m.message.Undated) && (!n.History || m.message.History != nil) && (!n.Gmail || m.message.Gmail != nil) && (!n.Structure || m.message.Structure != nil) &&
		(!n.WholeHeader || m.message.WholeHeader) && !slices.ContainsFunc(n.Contents, func(k facts.Content) bool { return !m.message.Known(k) })
}

// fetchStructures asks for all structures at once, and where the server refuses
// the lot for one bad message, for ever smaller parts of it. A structure that is
// refused by itself is one that cannot be read: the rules must not wait for it.
func (c *connection) fetchStructures(ctx context.Context, some []*candidate) error {
	got, err := c.session.FetchStructures(ctx, setOf(uidsIn(some)))
	switch {
	case isRefusal(err) && len(some) > 1:
		return halves(some, func(half []*candidate) error { return c.fetchStructures(ctx, half) })
	case isRefusal(err):
		c.log.Error("the structure of a message cannot be fetched", "uid", some[0].fetched.UID, "error", err)
		if c.refusedAgain(some[0].fetched.UID, err) {
			some[0].message.Structure = facts.NewPartialStructure(nil, unreadable(err))
		}
		return nil
	case err != nil:
		return err
	}
	for _, m := range some {
		s, came := got[m.fetched.UID]
		switch {
		case !came:
		case s.Err != nil:
			m.message.Structure = facts.NewPartialStructure(nil, unreadable(s.Err))
		case s.Cut:
			m.message.Structure = facts.NewPartialStructure(s.Root, facts.ErrTooManyParts)
		default:
			m.message.Structure = facts.NewStructure(s.Root)
		}
	}
	return nil
}

// refusedAgain counts the refusals of a message's structure and reports whether
// they say that it cannot be read: three of them, or two with a code that says so
// (RFC 3516). Until then the message stays pending.
func (c *connection) refusedAgain(uid imap.UID, err error) bool {
	var e *imapsession.Error
	if isPassing(err) || !errors.As(err, &e) {
		return false
	}
	at := c.placeOf(c.selected, uid)
	put(&c.refusals, at, c.refusals[at]+1)
	enough := 3
	if e.Code == "PARSE" || e.Code == "UNKNOWN-CTE" {
		enough = 2
	}
	if c.refusals[at] < enough {
		return false
	}
	delete(c.refusals, at)
	return true
}

// isRefusal reports whether a fetch was refused perhaps over one message of
// those that it named.
func isRefusal(err error) bool {
	var e *imapsession.Error
	return mailboxOnly(err) && errors.As(err, &e) && e.Class != imapsession.Target
}

// isPassing reports whether the same command may succeed later.
func isPassing(err error) bool {
	var e *imapsession.Error
	return errors.As(err, &e) && (e.Class == imapsession.TryAgain || e.Class == imapsession.Limit)
}

func unreadable(err error) error {
	return fmt.Errorf("the structure of the message cannot be read: %w", err)
}

// halves calls f for both halves of a list.
func halves[T any](all []T, f func([]T) error) error {
	middle := len(all) / 2
	if err := f(all[:middle]); err != nil {
		return err
	}
	return f(all[middle:])
}

func uidsIn(some []*candidate) []imap.UID {
	out := make([]imap.UID, len(some))
	for i, m := range some {
		out[i] = m.fetched.UID
	}
	return out
}

// fetchContents fetches parts of bodies: of messages whose parts have the same
// numbers with one command, and all commands in one round trip. What came beside
// a refusal is kept, and the rest asked for in ever smaller parts. A message
// whose part is refused by itself stays pending.
func (c *connection) fetchContents(ctx context.Context, some []*candidate) error {
	requests := requestsFor(some, c.partLimit())
	var parts []imapsession.FetchedPart
	if len(requests) > 0 {
		var err error
		parts, err = c.session.FetchParts(ctx, requests)
		if isRefusal(err) {
			setContents(some, parts)
			return c.fetchRefused(ctx, some, err)
		}
		if err != nil {
			return err
		}
	}
	setContents(some, parts)
	return nil
}

// fetchRefused asks again for what a refused command did not bring.
func (c *connection) fetchRefused(ctx context.Context, some []*candidate, refusal error) error {
	lacking := slices.DeleteFunc(slices.Clone(some), func(m *candidate) bool { return m.has(m.decision.Missing) })
	switch len(lacking) {
	case 0:
		return nil
	case 1:
		if len(some) == 1 {
			c.log.Error("a part of a message cannot be fetched; the message stays pending", "uid", lacking[0].fetched.UID, "error", refusal)
			return nil
		}
		return c.fetchContents(ctx, lacking)
	default:
		return halves(lacking, func(half []*candidate) error { return c.fetchContents(ctx, half) })
	}
}

// setContents gives the messages the parts that came, and the empty content
// where they have no such part.
func setContents(some []*candidate, parts []imapsession.FetchedPart) {
	type key struct {
		uid     imap.UID
		section string
	}
	got := map[key]imapsession.FetchedPart{}
	for _, p := range parts {
		got[key{p.UID, p.Section}] = p
	}
	for _, m := range some {
		for _, content := range m.decision.Missing.Contents {
			section, there := sectionOf(m.message.Structure, content)
			p, came := got[key{m.fetched.UID, section}]
			if came || !there {
				m.message.SetContent(content, p.Data, p.Truncated)
				m.octets += len(p.Data)
			}
		}
	}
}

// requestsFor groups messages by the parts that they need.
func requestsFor(some []*candidate, limit int) []imapsession.PartRequest {
	groups := map[string]*imapsession.PartRequest{}
	var order []string
	for _, m := range some {
		var sections []string
		for _, content := range m.decision.Missing.Contents {
			if section, there := sectionOf(m.message.Structure, content); there && !slices.Contains(sections, section) {
				sections = append(sections, section)
			}
		}
		if len(sections) == 0 {
			continue
		}
		id := strings.Join(sections, " ")
		if groups[id] == nil {
			groups[id] = &imapsession.PartRequest{Sections: sections, Limit: limit}
			order = append(order, id)
		}
		groups[id].UIDs.AddNum(m.fetched.UID)
	}
	out := make([]imapsession.PartRequest, len(order))
	for i, id := range order {
		out[i] = *groups[id]
	}
	return out
}

// sectionOf is the part of a message that holds a content: "1.2".
func sectionOf(s *facts.Structure, content facts.Content) (string, bool) {
	part, ok := s.Find(content)
	if !ok {
		return "", false
	}
	var numbers []string
	for _, n := range part.Section() {
		numbers = append(numbers, strconv.Itoa(n))
	}
	return strings.Join(numbers, "."), true
}
