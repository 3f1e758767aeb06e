package main

import (
	"context"

	"imapilot/engine/journal"
)

// withAnswers adds to an entry what became of its steps that left the mailbox: which
// files were saved, which list was left.
func (r *archive) withAnswers(ctx context.Context, rec *record) error {
	for _, d := range rec.webhooks {
		if !isStep(d) || d.State != journal.Delivered {
			continue
		}
		made, err := r.db.Attempts(ctx, rec.account, d.ID)
		if err != nil {
			return err
		}
		if n := len(made); n > 0 && made[n-1].Answer != "" {
			if rec.answers == nil {
				rec.answers = map[string]string{}
			}
			rec.answers[d.ID] = made[n-1].Answer
		}
	}
	return nil
}
