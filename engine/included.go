package engine

import (
	"context"
	"errors"
	"slices"

	"imapilot/actions"
	"imapilot/actions/webhook"
	"imapilot/engine/imapsession"
	"imapilot/engine/journal"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// rawsAtOnce is how many bytes the raw messages of one batch may have together.
const rawsAtOnce = 32_000_000

// errManyRaws is why a batch is decided in halves.
var errManyRaws = errors.New("the raw messages of a batch are too large together")

// includeCalls notes what the calls that are about to be recorded for messages include.
// Where the raw messages are too large together it returns errManyRaws.
func includeCalls(some []*candidate) error {
	for _, m := range some {
		m.include = rules.Needs{}
		for _, e := range m.entries {
			if e.State == journal.Open && slices.ContainsFunc(e.Plan.Items, includes) {
				m.include = rules.CallNeeds(documentItems(e.Plan))
			}
		}
	}
	if tooLarge(some) {
		return errManyRaws
	}
	return nil
}

// tooLarge reports whether the raw messages are too large together. A single one never
// is: it has to go.
func tooLarge(some []*candidate) bool {
	size, raws := int64(0), 0
	for _, m := range some {
		if m.include.Raw > 0 {
			size, raws = size+m.rawSize(), raws+1
		}
	}
	return size > rawsAtOnce && raws > 1
}

func includes(i actions.Item) bool { return len(i.Action.Include) > 0 }

// rawSize is how much of a message its calls include, as far as its size is known. A
// server that tells a wrong one still sends no more than the limit.
func (m *candidate) rawSize() int64 {
	if m.fetched.Size <= 0 {
		return int64(m.include.Raw)
	}
	return min(int64(m.include.Raw), m.fetched.Size)
}

// fetchIncluded fetches what the calls of messages include, stage by stage and the raw
// messages last. A message of which it does not come is absent: nothing is recorded of
// it, so that nothing is done that would put it out of reach.
func (c *connection) fetchIncluded(ctx context.Context, cursor journal.Cursor, some []*candidate) error {
	for len(some) > 0 {
		lacking := slices.DeleteFunc(slices.Clone(some), func(m *candidate) bool {
			m.decision.Missing = m.include.Missing(m.message)
			return m.decision.Missing.IsZero()
		})
		if err := c.fetchMissing(ctx, cursor, some, lacking); err != nil {
			return err
		}
		some = complete(lacking)
	}
	return nil
}

// fetchWholeHeaders gives messages their whole header, of which they have a few fields.
func (c *connection) fetchWholeHeaders(ctx context.Context, some []*candidate) error {
	got, err := c.session.FetchWholeHeaders(ctx, setOf(uidsIn(some)))
	switch {
	case isRefusal(err) && len(some) > 1:
		return halves(some, func(half []*candidate) error { return c.fetchWholeHeaders(ctx, half) })
	case isRefusal(err):
		c.log.Error("the header of a message cannot be fetched; the message stays pending", "uid", some[0].fetched.UID, "error", err)
		return nil
	case err != nil:
		return err
	}
	for _, f := range got {
		for _, m := range some {
			if m.fetched.UID == f.UID {
				m.message.Header, m.message.WholeHeader = facts.ParseHeader(f.Header), true
			}
		}
	}
	return nil
}

// fetchRaws fetches messages as they are.
func (c *connection) fetchRaws(ctx context.Context, some []*candidate) error {
	reqs := make([]imapsession.RawRequest, len(some))
	for i, m := range some {
		reqs[i] = imapsession.RawRequest{UID: m.fetched.UID, Limit: m.decision.Missing.Raw, Size: m.fetched.Size}
	}
	got, err := c.session.FetchRaw(ctx, reqs)
	switch {
	case isRefusal(err) && len(some) > 1:
		return halves(some, func(half []*candidate) error { return c.fetchRaws(ctx, half) })
	case isRefusal(err):
		c.log.Error("a message cannot be fetched as it is; it stays pending", "uid", some[0].fetched.UID, "error", err)
		return nil
	case err != nil:
		return err
	}
	for _, r := range got {
		for _, m := range some {
			if m.fetched.UID == r.UID {
				m.message.Raw = &facts.Raw{Data: r.Data, Truncated: r.Truncated}
			}
		}
	}
	return c.fetchRestOf(ctx, some)
}

// fetchRestOf asks again for messages that did not come with others: a server that
// tells too small sizes sends more of them than there is room for.
func (c *connection) fetchRestOf(ctx context.Context, some []*candidate) error {
	lacking := slices.DeleteFunc(slices.Clone(some), func(m *candidate) bool { return m.message.Raw.Holds(m.decision.Missing.Raw) })
	switch {
	case len(lacking) == 0:
		return nil
	case len(some) == 1:
		c.log.Warn("a message does not come as it is; it stays pending", "uid", some[0].fetched.UID)
		return nil
	case len(lacking) == 1:
		return c.fetchRaws(ctx, lacking)
	}
	return halves(lacking, func(half []*candidate) error { return c.fetchRaws(ctx, half) })
}

// includedOf is what a document has of a message besides. What cannot be told is
// empty, and named as not whole.
func includedOf(m *facts.Message, include []string) (out webhook.Included) {
	unless := func(ok bool, what string) {
		if !ok {
			out.Truncated = append(out.Truncated, what)
		}
	}
	for _, what := range include {
		switch what {
		case actions.IncludeHeaders:
			out.Headers = []webhook.HeaderField{}
			for name, value := range m.Header.All() {
				out.Headers = append(out.Headers, webhook.HeaderField{Name: name, Value: value})
			}
			unless(m.Header.Cut() == nil, what)
		case actions.IncludeText:
			out.Text = &m.Text.Text
			unless(m.Structure.Unseen(facts.TextContent) == nil && !m.Text.Truncated, what)
		case actions.IncludeAttachments:
			list, err := m.Structure.Attachments()
			out.Attachments = []webhook.Attachment{}
			for _, a := range list {
				out.Attachments = append(out.Attachments, webhook.Attachment{Name: a.Name, Type: a.Type, Size: a.Size, Inline: a.Inline})
			}
			unless(err == nil, what)
		}
	}
	return out
}

// addRaw adds to a batch what a call sends of its message as it is.
func addRaw(batch *journal.Batch, id string, m *candidate, a *actions.Action) {
	if slices.Contains(a.Include, actions.IncludeRaw) && m.message.Raw != nil {
		data, truncated := m.message.Raw.First(a.RawLimit)
		batch.Raws = append(batch.Raws, journal.Raw{ID: id, Data: data, Truncated: truncated})
	}
}

// document is what a call sends: with the raw message that was recorded with it, which
// is loaded only now, or a word that it is not kept any more.
func (o *outbox) document(ctx context.Context, to *Caller, d journal.Delivery) ([]byte, error) {
	if d.RawSize == 0 || !to.sendsDocument() {
		return d.Payload, nil
	}
	raw, kept, err := o.account.journal.Raw(ctx, d.Account, d.ID)
	switch {
	case err != nil:
		return nil, err
	case !kept:
		return webhook.WithoutRaw(d.Payload), nil
	}
	return webhook.WithRaw(d.Payload, raw.Data, raw.Truncated), nil
}
