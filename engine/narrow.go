package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/journal"
	"imapilot/engine/provider"
	"imapilot/rules"
)

const (
	// narrowFrom is from how many messages on the server is asked which of them
	// a rule could act on. For fewer, fetching costs less than asking.
	narrowFrom = batchSize
	// sampleSize is how many of the messages that the server excludes are
	// fetched all the same, to see whether it can be believed.
	sampleSize = 40
	// probeSize is how many messages text search is tried on before it is used.
	probeSize = 5
)

// trust is how much of a server's SEARCH is believed. A miss lowers it for as
// long as the account runs.
type trust uint8

const (
	trustAll   trust = iota // as far as its profile goes
	trustFlags              // flags, sizes and dates only
	trustNone
)

// narrow finds the messages of a backlog on which no rule could act, by the
// server's own word. A sample of them is looked at all the same; a server that
// cannot search so is not asked.
func (c *connection) narrow(ctx context.Context, ruleset *rules.Ruleset, name string, todo []imap.UID) (possible, excluded []imap.UID, err error) {
	if len(todo) < narrowFrom {
		return todo, nil, nil
	}
	for c.trust < trustNone {
		key, ok, err := c.searchKey(ctx, ruleset, name, todo)
		if err != nil || !ok {
			return todo, nil, err
		}
		possible, excluded, err = c.ask(ctx, key, todo)
		if mailboxOnly(err) {
			c.log.Warn("the server refused a search; every message is fetched instead", "mailbox", c.dir.config(name), "error", err)
			return todo, nil, nil
		}
		if err != nil || len(excluded) == 0 {
			return todo, nil, err
		}
		missed, err := c.missed(ctx, ruleset, name, excluded)
		if err != nil || missed == 0 {
			return possible, excluded, err
		}
		if err := c.distrust(ctx, name, missed); err != nil {
			return nil, nil, err
		}
	}
	return todo, nil, nil
}

// awaits reports whether an arrival of our own is expected in the mailbox: it
// has to be seen to be recognised.
func (c *connection) awaits(name string) bool {
	c.hear()
	for _, x := range c.expected {
		if x.Mailbox == name {
			return true
		}
	}
	return false
}

// searchKey is the key for the rules of a mailbox, as far as this server is
// known to answer it.
func (c *connection) searchKey(ctx context.Context, ruleset *rules.Ruleset, name string, todo []imap.UID) (*imap.SearchCriteria, bool, error) {
	box, now := c.ruleMailbox(name), time.Now()
	profile := rules.SearchProfile{}
	if c.trust == trustAll {
		profile = SearchProfileOf(c.session.Profile())
	}
	key, ok := ruleset.SearchKey(c.cfg.Name, box, now, profile)
	if !ok || !profile.Text || c.textProved {
		return key, ok, nil
	}
	tried, missed, err := c.probe(ctx, todo)
	if err != nil {
		return nil, false, err
	}
	if missed > 0 {
		c.trust = trustFlags
		c.log.Info("this server does not find parts of words: it is not asked for texts", "server", c.session.Server().Name)
	}
	if c.textProved = tried > 0 && missed == 0; !c.textProved {
		key, ok = ruleset.SearchKey(c.cfg.Name, box, now, rules.SearchProfile{})
	}
	return key, ok, nil
}

// SearchProfileOf is what is known of how a server searches. One that finds any part of
// an address, as RFC 9051 section 6.4.4 wants, may put words of its own into those that it
// cannot read. Others find words only, or it is not known.
func SearchProfileOf(p provider.Profile) rules.SearchProfile {
	if p.Text == provider.TextSubstring {
		return rules.SearchProfile{Text: true, Marks: p.Marks}
	}
	return rules.SearchProfile{}
}

// probe tries text search on messages whose texts are known: it must find
// each by a piece from the middle of a word. A full-text index that finds only
// words, or their beginnings, fails it.
func (c *connection) probe(ctx context.Context, todo []imap.UID) (tried, missed int, err error) {
	fetched, err := c.fetchSome(ctx, spread(todo, probeSize), rules.Needs{HeaderFields: []string{"From"}})
	if err != nil {
		return 0, 0, err
	}
	for _, m := range c.candidates(journal.Cursor{}, fetched, false) {
		for _, k := range pieces(m) {
			tried++
			found, err := c.session.Search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{setOf([]imap.UID{m.fetched.UID})}, Header: []imap.SearchCriteriaHeaderField{k}})
			if err != nil && !mailboxOnly(err) {
				return tried, missed, err
			}
			if err != nil || !found.Contains(m.fetched.UID) {
				missed++
			}
		}
	}
	return tried, missed, nil
}

// pieces are a piece from within the sender's domain, and one from within the
// local part.
func pieces(m *candidate) []imap.SearchCriteriaHeaderField {
	var out []imap.SearchCriteriaHeaderField
	add := func(word string) {
		if len(word) >= 5 && !strings.ContainsFunc(word, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) {
			out = append(out, imap.SearchCriteriaHeaderField{Key: "From", Value: word[1 : len(word)-1]})
		}
	}
	if from := m.message.Header.Addresses("From"); len(from) > 0 {
		label, _, _ := strings.Cut(from[0].ASCII, ".")
		add(label)
		add(from[0].Local)
	}
	return out
}

// ask searches, and divides the messages by the answer.
func (c *connection) ask(ctx context.Context, key *imap.SearchCriteria, todo []imap.UID) (possible, excluded []imap.UID, err error) {
	key.UID = []imap.UIDSet{setOf(todo)}
	answer, err := c.session.Search(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	for _, uid := range todo {
		if answer.Contains(uid) {
			possible = append(possible, uid)
		} else {
			excluded = append(excluded, uid)
		}
	}
	return possible, excluded, nil
}

// missed counts, in a sample of what the server excluded, the messages on
// which a rule could act.
func (c *connection) missed(ctx context.Context, ruleset *rules.Ruleset, name string, excluded []imap.UID) (int, error) {
	needs := ruleset.Needs(c.cfg.Name, c.ruleMailbox(name))
	fetched, err := c.fetchSome(ctx, spread(excluded, sampleSize), needs)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, m := range c.candidates(journal.Cursor{}, fetched, needs.WholeHeader) {
		m.at = time.Now()
		if d := c.evaluate(ruleset, c.ruleMailbox(name), m); len(d.Plan.Items) > 0 || len(d.Dry.Items) > 0 || !d.Missing.IsZero() {
			n++
		}
	}
	return n, nil
}

// spread picks n elements, evenly from the first to the last.
func spread(uids []imap.UID, n int) []imap.UID {
	if len(uids) <= n {
		return uids
	}
	out := make([]imap.UID, n)
	for i := range out {
		out[i] = uids[i*(len(uids)-1)/(n-1)]
	}
	return out
}

// distrust lowers the trust in the server's searches, visibly.
func (c *connection) distrust(ctx context.Context, name string, missed int) error {
	c.trust++
	what := map[trust]string{trustFlags: "it is not asked for texts any more", trustNone: "it is not asked any more"}[c.trust]
	text := fmt.Sprintf("%s: a search left out %d messages of %d looked at that rules would act on: %s, and every such message is fetched", c.dir.config(name), missed, sampleSize, what)
	if c.planning {
		return nil // it writes nothing
	}
	c.log.Warn("the server's search cannot be relied on", "mailbox", c.dir.config(name), "missed", missed, "consequence", what)
	return c.commit(ctx, journal.Batch{At: time.Now(), Events: []journal.Event{{Kind: "search", Mailbox: name, Text: text}}})
}

// exclude handles messages that no rule could act on. Those from young on are
// new enough to be remembered and leave their fingerprint; nothing else of
// them is fetched.
func (c *connection) exclude(ctx context.Context, name string, excluded []imap.UID, young imap.UID) error {
	i, _ := slices.BinarySearch(excluded, young)
	old, recent := excluded[:i], excluded[i:]
	known, err := c.prints(ctx, recent)
	if err != nil {
		return err
	}
	handled := slices.Clone(old)
	for _, k := range known {
		handled = append(handled, k.UID)
	}
	for _, uid := range recent {
		if _, came := slices.BinarySearchFunc(known, uid, func(k journal.Known, uid imap.UID) int { return cmp.Compare(k.UID, uid) }); !came {
			c.notFetched(name, uid)
		}
	}
	cursor := c.cursors.of(name)
	handle(&cursor, handled)
	trim(&cursor, c.unfetched)
	c.log.Info("a search of the server excluded messages that no rule is about", "mailbox", c.dir.config(name), "excluded", len(handled))
	batch := journal.Batch{
		At: time.Now(), Cursors: []journal.Cursor{cursor},
		Known: []journal.KnownBatch{{Mailbox: name, UIDValidity: cursor.UIDValidity, Messages: known}},
	}
	c.noteExcluded(&batch, cursor, handled)
	return c.commit(ctx, batch)
}
