package engine

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/config"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// OneMessage is a message on a server as the rules see it.
type OneMessage struct {
	Mailbox rules.Mailbox
	Message *facts.Message
	// Fetched are the stages that were fetched, in order.
	Fetched []FetchedStage
}

// FetchedStage is one stage of a message and how many octets it took; 0 where
// that is not known.
type FetchedStage struct {
	Stage  rules.Stage
	Octets int
}

// FetchOne fetches what the rules need to decide one message, as the daemon
// would: stage by stage, and no stage that no undecided rule asks for. It logs
// in, opens the mailbox for reading only, sets no flag, and logs out. The
// journal is not asked: the History is the one that is given, nil for unknown;
// what the server did not send is nil, too. The mailbox is spelled as in the
// configuration, or "role:junk".
func FetchOne(ctx context.Context, all *config.Config, cfg config.Account, mailbox string, uid imap.UID, now time.Time, history *facts.History) (OneMessage, error) {
	return fetchOne(ctx, &Engine{}, all, cfg, mailbox, uid, now, history)
}

func fetchOne(ctx context.Context, e *Engine, all *config.Config, cfg config.Account, mailbox string, uid imap.UID, now time.Time, history *facts.History) (OneMessage, error) {
	a := &account{engine: e, cfg: cfg, log: slog.New(slog.DiscardHandler), rules: all.Rules, bodyLimit: all.BodyLimit}
	s, _, err := a.login(ctx)
	if err != nil {
		return OneMessage{}, err
	}
	defer s.Close()
	c := &connection{account: a, session: s}
	entries, err := s.List(ctx)
	if err != nil {
		return OneMessage{}, err
	}
	c.dir = newDirectory(s.Delimiter(), s.Prefix(), entries)
	name, err := c.dir.find(mailbox)
	if err != nil {
		return OneMessage{}, err
	}
	if _, err := s.Examine(ctx, name); err != nil {
		return OneMessage{}, err
	}
	out, err := c.fetchOne(ctx, c.ruleMailbox(name), uid, now, history)
	if err != nil {
		return OneMessage{}, err
	}
	return out, s.Logout(ctx)
}

// find returns the server's spelling of a mailbox that exists.
func (d directory) find(mailbox string) (string, error) {
	name := d.server(mailbox)
	if role, ok := strings.CutPrefix(mailbox, "role:"); ok {
		if name, ok = d.byRole(role); !ok {
			return "", fmt.Errorf("the account has no mailbox with the role %q; 'imapilot mailboxes' lists them", role)
		}
	}
	if !d.exists(name) {
		return "", fmt.Errorf("the account has no mailbox %q; 'imapilot mailboxes' lists them", mailbox)
	}
	return name, nil
}

func (c *connection) fetchOne(ctx context.Context, box rules.Mailbox, uid imap.UID, now time.Time, history *facts.History) (OneMessage, error) {
	needs := c.rules.Needs(c.cfg.Name, box)
	fetched, err := c.fetchFirst(ctx, imap.UIDSetNum(uid), needs)
	if err != nil {
		return OneMessage{}, err
	}
	if len(fetched) == 0 {
		return OneMessage{}, fmt.Errorf("there is no message with UID %d in %s", uid, box.Name)
	}
	f := fetched[0]
	m := &candidate{fetched: f, at: now, message: &facts.Message{
		UID: f.UID, Flags: f.Flags, Received: f.Received, Size: f.Size,
		Header: facts.ParseHeader(f.Header), WholeHeader: needs.WholeHeader, History: history,
	}}
	out := OneMessage{Mailbox: box, Message: m.message,
		Fetched: []FetchedStage{{Stage: rules.StageFlags}, {Stage: rules.StageHeader, Octets: len(f.Header)}}}
	for !m.absent {
		m.decision = c.rules.Evaluate(rules.Input{Account: c.cfg.Name, Mailbox: box, Message: m.message, Now: now})
		stage, err := c.fetchNext(ctx, m)
		switch {
		case err != nil:
			return OneMessage{}, err
		case stage == rules.StageFlags:
			return out, nil
		case !m.absent:
			out.add(FetchedStage{Stage: stage, Octets: m.octets})
		}
	}
	return out, nil
}

// add notes a stage. Parts of the body can come in several rounds; they are
// one stage.
func (o *OneMessage) add(s FetchedStage) {
	if last := &o.Fetched[len(o.Fetched)-1]; last.Stage == s.Stage {
		last.Octets = s.Octets
		return
	}
	o.Fetched = append(o.Fetched, s)
}

// fetchNext fetches one stage that the decision is missing and tells which, or
// StageFlags if there is none that can be fetched. A message of which it did
// not come is absent then.
func (c *connection) fetchNext(ctx context.Context, m *candidate) (rules.Stage, error) {
	missing := m.decision.Missing
	missing.History = false
	one := []*candidate{m}
	stage, err := rules.StageFlags, error(nil)
	switch {
	case missing.Gmail:
		stage, err = rules.StageGmail, c.fetchGmail(ctx, one)
	case missing.Structure:
		stage, err = rules.StageStructure, c.fetchStructures(ctx, one)
	case len(missing.Contents) > 0:
		stage, err = rules.StageContent, c.fetchContents(ctx, one)
	}
	m.absent = stage != rules.StageFlags && !m.has(missing)
	return stage, err
}
