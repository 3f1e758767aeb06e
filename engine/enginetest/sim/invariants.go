package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/model"
	"imapilot/engine/journal"
)

// unfinished says what is still to be done: for each group of letters with one
// subject, what is not where its verbs want it. A message that visibly failed,
// or that another client changed, is not waited for.
func (w *World) unfinished() []string {
	entries, ok := w.entries()
	if !ok {
		return []string{"the journal cannot be read"}
	}
	var out []string
	for _, e := range entries {
		if e.State == journal.Open {
			out = append(out, fmt.Sprintf("%q (entry %d) is still open", e.Subject, e.Seq))
		}
	}
	out = append(out, w.notRun()...)
	visible := w.visible(entries)
	all := w.Server.All()
	for _, group := range w.groups() {
		if visible[group[0].Subject] || slices.ContainsFunc(group, func(l *letter) bool { return l.touched }) {
			continue
		}
		out = append(out, w.misplaced(group, all)...)
		out = append(out, w.uncalled(group)...)
		out = append(out, w.notRunFor(group)...)
		out = append(out, notBack(group, entries)...)
		out = append(out, w.notDoneFor(group)...)
		out = append(out, w.notSentFor(group)...)
	}
	return out
}

// visible are the subjects whose messages the user is told of.
func (w *World) visible(entries []journal.Entry) map[string]bool {
	out := map[string]bool{}
	unsure := 0
	for _, e := range entries {
		switch e.State {
		case journal.Failed, journal.Held:
			out[e.Subject] = true
		case journal.Unsure:
			out[e.Subject] = true
			unsure++
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unsure = unsure
	return out
}

// groups are the letters by subject.
func (w *World) groups() [][]*letter {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out [][]*letter
	for _, l := range w.letters {
		i := slices.IndexFunc(out, func(g []*letter) bool { return g[0].Subject == l.Subject })
		if i < 0 {
			out = append(out, nil)
			i = len(out) - 1
		}
		out[i] = append(out[i], l)
	}
	return out
}

// wanted is how many copies of a letter each mailbox shall hold.
func (l *letter) wanted() map[string]int {
	home := l.mailbox
	switch {
	case l.wants("away"):
		home = ""
	case l.wants("move"):
		home = "Moved"
	case l.wants("list"):
		home = "Lists"
	case l.wants("archive"):
		home = "Archive"
	case l.wants("junk"):
		home = "Junk"
	case l.wants("trash"):
		home = "Trash"
	}
	out := map[string]int{}
	if home != "" {
		out[home]++
	}
	if l.wants("copy") {
		out["Copies"]++
	}
	if l.wants("note") {
		out[notes]++
	}
	if l.wants("label") {
		out["Labelled"]++
	}
	if l.wants("tag") {
		out["Tagged"]++
		out["Fresh/One"]++
	}
	if slices.Contains(strings.Fields(l.Subject), "shelved") && !l.wants("strip") {
		out["Old"]++
	}
	if l.wants("body") {
		out["Tickets/12"]++
	}
	if l.starred {
		out["Stars"]++
	}
	return out
}

// misplaced says which copies of a group are missing, too many, or flagged
// otherwise than wanted.
func (w *World) misplaced(group []*letter, all []model.Place) []string {
	want := map[string]int{}
	for _, l := range group {
		for box, n := range l.wanted() {
			want[box] += n
		}
	}
	have := map[string]int{}
	var out []string
	for _, p := range all {
		if p.Subject != group[0].Subject {
			continue
		}
		if !p.Has(imap.FlagDeleted) || slices.Contains(group[0].Flags, imap.FlagDeleted) {
			have[p.Mailbox]++
			out = append(out, flagged(group[0], p)...)
		}
	}
	for _, box := range boxes(want, have) {
		if want[box] != have[box] {
			out = append(out, fmt.Sprintf("%q: %d in %s, want %d", group[0].Subject, have[box], box, want[box]))
		}
	}
	return out
}

func boxes(a, b map[string]int) []string {
	var out []string
	for k := range a {
		out = append(out, k)
	}
	for k := range b {
		out = append(out, k)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// flagged says which flags of a copy are not as its verbs and its delivery have
// them.
func flagged(l *letter, p model.Place) []string {
	var out []string
	unseen := l.wants("snooze") && p.Mailbox == l.mailbox // it came back
	ownArrival := l.mailbox == "Lists" && !l.old
	for _, f := range []struct {
		flag imap.Flag
		want bool
	}{
		{imap.FlagSeen, !unseen && (l.wants("seen") || l.wants("only") || slices.Contains(l.Flags, imap.FlagSeen) && !l.wants("unread"))},
		{imap.FlagFlagged, l.wants("flag") || l.starred || slices.Contains(l.Flags, imap.FlagFlagged) && !l.wants("only")},
		{"$Done", l.wants("flag")}, {"$Only", l.wants("only")}, {"$Again", ownArrival},
		{imap.FlagDeleted, slices.Contains(l.Flags, imap.FlagDeleted)},
	} {
		if want := f.want && p.Mailbox != notes; p.Has(f.flag) != want {
			out = append(out, fmt.Sprintf("%q in %s: %s is %v", p.Subject, p.Mailbox, f.flag, !want))
		}
	}
	return out
}

// uncalled says which webhooks of a group did not arrive, or arrived as more
// than one.
func (w *World) uncalled(group []*letter) []string {
	want := 0
	for _, l := range group {
		if l.wants("hook") {
			want++
		}
		if l.starred {
			want++
		}
	}
	got := len(w.ids(group[0].Subject, &w.calls))
	if got > want && w.renumberedAndRestored() {
		return nil // an id is made of the message's UID, and both were lost
	}
	if got != want {
		return []string{fmt.Sprintf("%q: %d webhooks with ids of their own, want %d", group[0].Subject, got, want)}
	}
	return nil
}

// neverSaw reports whether three things came together: the journal was lost, a
// message that was there could not be fetched when it was started anew, and the
// mailbox was renumbered. Then nothing tells that message from a new one.
func (w *World) neverSaw() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	struck := func(kind model.Fault) bool {
		return slices.ContainsFunc(w.faults, func(f *armed) bool { return f.struck && f.Kind == Kind(kind) })
	}
	return w.forgot && struck(model.Late) && struck(model.Renumbered)
}

func (w *World) renumberedAndRestored() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.backup != nil && slices.ContainsFunc(w.faults, func(f *armed) bool { return f.struck && f.Kind == Kind(model.Renumbered) })
}

// ids are the different webhook ids that arrived for a subject.
func (w *World) ids(subject string, of *[]call) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, c := range *of {
		if strings.Contains(c.payload, fmt.Sprintf("%q", subject)) && !slices.Contains(out, c.id) {
			out = append(out, c.id)
		}
	}
	return out
}

// broken are the promises that hold whatever goes wrong and whoever else acts.
func (w *World) broken() []string {
	all := w.Server.All()
	var out []string
	for _, group := range w.groups() {
		out = append(out, w.lost(group, all)...)
		out = append(out, w.doubled(group, all)...)
		out = append(out, w.tooEarly(group, all)...)
		out = append(out, w.movedEarly(group, all)...)
		out = append(out, w.unsentAndMoved(group, all)...)
	}
	return append(append(out, w.moreAnswers()...), w.tooManyLogins()...)
}

// lost: every message exists at least once, unless a rule or another client
// removed it.
func (w *World) lost(group []*letter, all []model.Place) []string {
	want, have := 0, map[string]int{}
	for _, l := range group {
		if !l.gone && !l.wants("away") {
			want++
		}
	}
	for _, p := range all {
		if p.Subject == group[0].Subject && p.Mailbox != notes {
			have[p.Mailbox]++
		}
	}
	most := 0
	for _, n := range have {
		most += n
	}
	if most < want {
		return []string{fmt.Sprintf("%q: lost: %d of %d left", group[0].Subject, most, want)}
	}
	return nil
}

// doubled: no mailbox holds more copies than messages, not counting those that
// are flagged \Deleted, and nobody else's \Deleted was taken away.
func (w *World) doubled(group []*letter, all []model.Place) []string {
	have := map[string]int{}
	deleted := 0
	for _, p := range all {
		if p.Subject != group[0].Subject {
			continue
		}
		if p.Has(imap.FlagDeleted) {
			deleted++
			continue
		}
		have[p.Mailbox]++
	}
	if w.neverSaw() {
		return nil
	}
	most := len(group)
	for _, l := range group {
		most += l.extra
	}
	var out []string
	for _, box := range boxes(have, nil) {
		if have[box] > most {
			out = append(out, fmt.Sprintf("%q: doubled: %d in %s for %d delivered", group[0].Subject, have[box], box, len(group)))
		}
	}
	if l := group[0]; slices.Contains(l.Flags, imap.FlagDeleted) && !l.gone && !l.touched && deleted < len(group) {
		out = append(out, fmt.Sprintf("%q: another client's \\Deleted was touched", l.Subject))
	}
	return out
}

// tooManyLogins: one login a connection and start, one more for each fault, and
// never a storm.
func (w *World) tooManyLogins() []string {
	logins := w.Server.Logins()
	w.mu.Lock()
	faults, starts := len(w.scenario.Acts), w.starts // an act may end connections, too
	for _, f := range w.faults {
		if f.struck {
			faults++
		}
	}
	w.mu.Unlock()
	connections := cmp.Or(w.scenario.cfg.Accounts[0].Connections, 3)
	var out []string
	if most := connections * (starts + 2*faults); len(logins) > most {
		out = append(out, fmt.Sprintf("%d logins for %d starts and %d faults and acts, at most %d", len(logins), starts, faults, most))
	}
	for i := range logins {
		if last := i + connections*(starts+faults) + 1; last < len(logins) && logins[last].Sub(logins[i]) < time.Minute {
			out = append(out, fmt.Sprintf("%d logins within a minute", last-i+1))
			break
		}
	}
	return out
}
