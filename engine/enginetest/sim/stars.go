package sim

import (
	"time"

	"github.com/emersion/go-imap/v2"
)

// star lets another client give \Flagged to messages of INBOX, each at a time of
// its own within two minutes.
func star(subjects ...string) func(w *World) {
	return func(w *World) {
		for _, s := range subjects {
			time.Sleep(time.Duration(w.Random.Int64N(int64(2 * time.Minute))))
			w.star(s)
		}
	}
}

func (w *World) star(subject string) {
	w.mu.Lock()
	origin := 0
	for _, l := range w.letters {
		if l.Subject == subject {
			l.starred, origin = true, l.origin
		}
	}
	w.mu.Unlock()
	w.Server.Flag("INBOX", origin, imap.FlagFlagged, true)
}

// starredAtOnce delivers a message to which another client gives \Flagged before
// anybody looked.
func starredAtOnce(subject string) func(w *World) {
	return func(w *World) {
		w.Mail("INBOX", subject)
		w.star(subject)
	}
}

// flagging are rules on flags. The server tells no HIGHESTMODSEQ, so that what is
// flagged now is compared with what was.
func flagging() []Scenario {
	rule := "  - {name: starred, on: {flags: ['\\Flagged']}, in: [INBOX], if: 'true', then: [copy: Stars, webhook: hook]}\n"
	return []Scenario{
		{
			Name: "flags", Rules: []string{rule}, Sparse: 3,
			Before: func(w *World) { w.Mail("INBOX", "0 flagged before", imap.FlagFlagged); mail("0 old")(w) },
			Acts: []Act{then(bystanders), then(mail("1 keep", "2 flag", "3 copy flag", "4 hook")), then(star("1 keep", "0 old")),
				then(mail("5 flag move")), then(star("4 hook")), then(starredAtOnce("6 quick"))},
		},
	}
}
