package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
)

// MailboxInfo is one mailbox of an account, for people.
type MailboxInfo struct {
	Name     string `json:"name"` // configuration spelling
	Role     string `json:"role,omitempty"`
	Messages uint32 `json:"messages"`
	NoSelect bool   `json:"no_select,omitempty"`
	// Watched is set where watch: names it and except: does not.
	Watched bool `json:"watched"`
}

// ListMailboxes logs in, lists an account's mailboxes with their counts, and
// logs out. It needs no journal and changes nothing.
func ListMailboxes(ctx context.Context, cfg config.Account) ([]MailboxInfo, error) {
	s, dir, err := listed(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var out []MailboxInfo
	watched := map[string]bool{}
	for _, name := range dir.watched(cfg.Watch, cfg.Except) {
		watched[name] = true
	}
	for _, e := range dir.entries {
		m := MailboxInfo{Name: dir.config(e.Name), Role: e.Role, NoSelect: e.NoSelect, Watched: watched[e.Name]}
		if !e.NoSelect {
			st, err := s.Status(ctx, e.Name)
			if err != nil && !mailboxOnly(err) {
				return nil, err
			}
			m.Messages = st.Messages
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b MailboxInfo) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return out, s.Logout(ctx)
}

// FindMailbox logs in and reports whether an account has the mailbox that a
// [Scope] names so. names are all that it has, in the configuration's spelling and
// sorted. No mailbox is asked for its counts, and nothing changes.
func FindMailbox(ctx context.Context, cfg config.Account, typed string) (found bool, names []string, err error) {
	s, dir, err := listed(ctx, cfg)
	if err != nil {
		return false, nil, err
	}
	defer s.Close()
	scope := Scope{Mailbox: typed}
	for _, e := range dir.entries {
		name := dir.config(e.Name)
		if e.NonExistent {
			continue
		}
		found = found || scope.wants(e.Name) || name == typed
		names = append(names, name)
	}
	slices.Sort(names)
	return found, names, s.Logout(ctx)
}

// listed logs in and lists an account's mailboxes. The caller closes the session.
func listed(ctx context.Context, cfg config.Account) (*imapsession.Session, directory, error) {
	a := &account{engine: &Engine{}, cfg: cfg, log: slog.New(slog.DiscardHandler)}
	s, _, err := a.login(ctx)
	if err != nil {
		return nil, directory{}, err
	}
	entries, err := s.List(ctx)
	if err == nil {
		entries, err = (&connection{account: a, session: s}).markSubscribed(ctx, entries)
	}
	if err != nil {
		return nil, directory{}, errors.Join(err, s.Close())
	}
	return s, newDirectory(s.Delimiter(), s.Prefix(), entries), nil
}
