package engine

import (
	"context"
	"slices"
	"strings"

	"imapilot/engine/config"
)

// MailboxInfo is one mailbox of an account, for people.
type MailboxInfo struct {
	Name     string `json:"name"` // configuration spelling
	Role     string `json:"role,omitempty"`
	Messages uint32 `json:"messages"`
	NoSelect bool   `json:"no_select,omitempty"`
}

// ListMailboxes logs in, lists an account's mailboxes with their counts, and
// logs out. It needs no journal and changes nothing.
func ListMailboxes(ctx context.Context, cfg config.Account) ([]MailboxInfo, error) {
	a := &account{engine: &Engine{}, cfg: cfg}
	s, _, err := a.login(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	entries, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	dir := newDirectory(s.Delimiter(), s.Prefix(), entries)
	var out []MailboxInfo
	for _, e := range entries {
		m := MailboxInfo{Name: dir.config(e.Name), Role: e.Role, NoSelect: e.NoSelect}
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
