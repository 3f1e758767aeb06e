package main

import (
	"context"
	"strings"

	"imapilot/engine/config"
	"imapilot/engine/journal"
)

const (
	// idBegin is how the ID of every call begins; nobody has to type it.
	idBegin = "msg_"
	// leastShown is how many characters of an ID are shown at least, leastTyped
	// how many have to be typed.
	leastShown, leastTyped = 8, 4
	// maxSuggested is among how many calls one is looked for that may be meant.
	maxSuggested = 200
)

// shortID is the begin of an ID.
func shortID(id string, n int) string {
	id = strings.TrimPrefix(id, idBegin)
	return id[:min(n, len(id))]
}

// shortLength is how much of the IDs of calls has to be shown so that all differ.
func shortLength(calls []journal.Delivery) int {
	n := leastShown
	for ; ; n += 4 {
		seen, longest := map[string]string{}, 0
		for _, d := range calls {
			short := shortID(d.ID, n)
			if other, ok := seen[short]; ok && other != d.ID {
				longest = max(longest, len(d.ID))
			}
			seen[short] = d.ID
		}
		if n >= longest {
			return n
		}
	}
}

// named returns the call whose ID begins with what was typed.
func (r *archive) named(ctx context.Context, cfg *config.Config, typed string) (journal.Delivery, error) {
	id := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(typed)), idBegin)
	if strings.Contains(typed, "/") {
		return journal.Delivery{}, usagef("%q is no webhook call; 'imapilot history %s' shows those of a message", typed, quoted(typed))
	}
	if len(id) < leastTyped {
		return journal.Delivery{}, usagef("%q is too short for the ID of a webhook call; type at least %d characters of what 'imapilot webhooks list' shows", typed, leastTyped)
	}
	var found []journal.Delivery
	for _, acc := range cfg.Accounts {
		some, err := r.Deliveries(ctx, journal.DeliveryQuery{Account: acc.Name, IDPrefix: idBegin + id, Limit: 5})
		if err != nil {
			return journal.Delivery{}, err
		}
		found = append(found, some...)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return journal.Delivery{}, r.noCall(ctx, cfg, typed, id)
	}
	return journal.Delivery{}, usagef("%q may be any of %s; type more of it", typed, listOfIDs(found))
}

func listOfIDs(found []journal.Delivery) string {
	n := shortLength(found)
	var out []string
	for _, d := range found {
		out = append(out, shortID(d.ID, n))
	}
	return strings.Join(out, ", ")
}

// noCall says that there is no such call, and which may be meant.
func (r *archive) noCall(ctx context.Context, cfg *config.Config, typed, id string) error {
	queries, err := new(callSelection).queries(ctx, cfg, r, nil)
	if err != nil {
		return err
	}
	near, _, err := r.calls(ctx, queries, maxSuggested)
	if err != nil {
		return err
	}
	var known []string
	for _, d := range near {
		known = append(known, shortID(d.ID, len(id)))
	}
	hint := meant(id, known)
	if hint == "" {
		hint = "; 'imapilot webhooks list --all' shows them, and what is finished is forgotten after 90 days"
	}
	return usagef("the journal knows no webhook call %q%s", typed, hint)
}
