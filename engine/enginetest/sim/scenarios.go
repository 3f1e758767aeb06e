package sim

import (
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/model"
)

// bystanders are messages that nobody may touch.
func bystanders(w *World) {
	w.Mail("INBOX", "0 keep")
	w.Mail("INBOX", "0 keep read", imap.FlagSeen)
	w.Mail("INBOX", "0 move deleted by another", imap.FlagDeleted)
}

// twins delivers n messages that are the same in everything.
func twins(n int, subject, id string) func(w *World) {
	return func(w *World) {
		at := time.Now()
		for range n {
			w.Deliver("INBOX", model.Letter{Subject: subject, From: "ann@example.org", MessageID: id, Received: at, Body: "Hello."})
		}
	}
}

// Scenarios is what the sweep breaks.
func Scenarios() []Scenario {
	return slices.Concat(capabilities(), mailboxes(), identities(), lives(), applying(), clocks(), flagging(), running(), leaving(), writing(), snoozes(), appending(), labels())
}

// capabilities are what the server offers, and how it is watched.
func capabilities() []Scenario {
	return []Scenario{
		{
			Name:   "everything",
			Before: func(w *World) { w.Mail("INBOX", "0 move before the start") },
			Acts:   []Act{then(bystanders), then(mail("1 hook flag copy move", "2 copy", "3 seen move")), then(mail("4 hook", "5 away", "6 flag"))},
		},
		{
			Name: "without MOVE", Server: model.Options{NoMove: true},
			Acts: []Act{then(bystanders), then(mail("1 hook flag copy move", "2 seen move", "3 away"))},
		},
		{
			Name: "without MOVE and UIDPLUS", Server: model.Options{NoMove: true, NoUIDPlus: true},
			Acts: []Act{then(bystanders), then(mail("1 flag copy move", "2 seen move", "3 copy"))},
		},
		{
			Name: "COPYUID withheld", Server: model.Options{NoCopyUID: true},
			Acts: []Act{then(bystanders), then(mail("1 copy move", "2 move", "3 copy"))},
		},
		{
			Name: "polling", Server: model.Options{NoIdle: true, NoESearch: true, NoSpecialUse: true},
			Acts: []Act{then(bystanders), {After: 2 * time.Minute, Do: mail("1 copy move", "2 hook")}},
		},
		{
			Name: "one connection", Account: []string{"connections: 1"},
			Acts: []Act{then(bystanders), then(mail("1 hook copy move")), then(mail("2 seen move"))},
		},
	}
}

// mailboxes are where things go.
func mailboxes() []Scenario {
	flags := func(w *World) {
		w.Mail("INBOX", "1 only archive", imap.FlagFlagged)
		w.Mail("INBOX", "2 unread junk", imap.FlagSeen)
		w.Mail("INBOX", "3 trash", imap.FlagSeen)
	}
	return []Scenario{
		{
			Name: "by their roles", Sparse: 2,
			Acts: []Act{then(bystanders), then(flags)},
		},
		{
			Name: "by the usual names", Sparse: 4, Server: model.Options{NoSpecialUse: true, NoMove: true},
			Acts: []Act{then(flags)},
		},
		{
			Name: "a watched target", Account: []string{"watch: [INBOX, Lists]"}, Mailboxes: []string{"Lists"},
			Acts: []Act{then(mail("1 list", "2 flag list")), then(func(w *World) { w.Mail("Lists", "3 delivered to Lists") })},
		},
		{
			Name: "a target that is watched first", Account: []string{"watch: [Lists, INBOX]"}, Mailboxes: []string{"Lists"}, Server: model.Options{NoMove: true},
			Acts: []Act{then(mail("1 list", "2 copy list"))},
		},
		{
			Name: "new mailboxes by what the text says",
			Acts: []Act{then(bystanders), then(mail("1 body", "2 body move"))},
		},
		{
			Name: "a target over quota for hours",
			Acts: []Act{then(func(w *World) { w.Server.Create("Moved"); w.Server.Fill("Moved", true) }), then(mail("1 hook copy move", "2 flag move", "3 copy")),
				{After: 3 * time.Hour, Do: func(w *World) { w.Server.Fill("Moved", false) }}},
		},
		{
			Name: "a target that is removed",
			Acts: []Act{then(mail("1 move")), then(func(w *World) { w.userRemoves("Moved") }), then(mail("2 copy move", "3 move"))},
		},
	}
}

// identities are how messages are told from each other.
func identities() []Scenario {
	return []Scenario{
		{
			Name: "twins", Server: model.Options{NoMove: true},
			Acts: []Act{then(twins(2, "1 copy move", "twin@example.org")), then(twins(1, "2 move", "single@example.org"))},
		},
		{
			Name: "without Message-ID", Unsure: true,
			Acts: []Act{then(twins(2, "1 copy", "")), then(twins(1, "2 move", ""))},
		},
		{
			Name: "renumbered with new mail",
			Acts: []Act{then(bystanders), then(mail("1 hook copy", "2 flag")),
				then(func(w *World) { w.Server.Renumber("INBOX", false); w.Mail("INBOX", "3 hook move") })},
		},
		{
			Name: "a migration that rewrites dates",
			Acts: []Act{then(bystanders), then(mail("1 hook copy", "2 flag")),
				then(func(w *World) { w.Server.Renumber("INBOX", true); w.Mail("INBOX", "3 hook move") })},
		},
	}
}

// lives are what happens to the daemon's own state and beside it.
func lives() []Scenario {
	return []Scenario{
		{
			Name: "a journal from a backup",
			Acts: []Act{then(mail("1 hook copy")), then(backUp), then(mail("2 hook copy", "3 flag move")), {After: 3 * time.Hour, Do: restore}},
		},
		{
			Name: "the journal is gone",
			Acts: []Act{then(mail("1 hook copy", "2 move")), then(forget), then(mail("3 hook move"))},
		},
		{
			Name: "moved back by the user",
			Acts: []Act{then(mail("1 hook move", "2 move")), {After: time.Minute, Do: func(w *World) { w.userActs(UserReturns) }}, then(mail("3 flag"))},
		},
	}
}
