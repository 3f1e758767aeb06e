package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"imapilot/engine"
	"imapilot/engine/journal"
)

func (a *app) printStatus(s answer, zone *time.Location) {
	out := a.screen()
	if s.Running {
		out.line("", plain, fmt.Sprintf("imapilot %s, process %d, running since %s", s.Version, s.PID, s.Started.In(zone).Format(time.DateTime)))
	}
	out.line("", plain, fmt.Sprintf("configuration %s, state %s, %s", s.Config, s.State, count(s.Rules, "rule")))
	if s.Running && len(s.Troubles) == 0 {
		out.ready(s.Accounts)
	}
	if s.DryRun {
		out.line("", yellow, "DRY RUN: everything is decided and recorded, nothing is touched")
	}
	for _, acc := range s.Accounts {
		out.account(acc, s.Troubles, zone)
		if n := acc.Deliveries[journal.Dead]; n > 0 {
			out.line("  ", red, fmt.Sprintf("%s given up; '%s' shows why", deliveries(n), a.command("webhooks", "list", "--account", acc.Name, "--state", "dead")))
		}
		for _, o := range s.Webhooks {
			if o.Account == acc.Name {
				out.owed(o, zone, a.command)
			}
		}
	}
	out.needsYou(s.Waiting, func(words ...string) string { return a.command(append(words, s.said...)...) })
	fmt.Fprint(a.out, out.b.String())
}

// ready says that nothing is stale. Of an account without a connection no more is known.
func (s *screen) ready(accounts []engine.AccountStatus) {
	if n := unconnected(accounts); n > 0 {
		s.line("", yellow, "ready: nothing is stale yet; "+count(n, "account")+" without a connection")
		return
	}
	s.line("", green, "ready: every watched mailbox is alive")
}

// unconnected counts the accounts that have no connection now.
func unconnected(accounts []engine.AccountStatus) (n int) {
	for _, acc := range accounts {
		if acc.State != engine.Watching {
			n++
		}
	}
	return n
}

// account shows one account: how it is watched, and what there is to know of it.
func (s *screen) account(acc engine.AccountStatus, troubles []engine.Trouble, zone *time.Location) {
	s.gap()
	state := string(acc.State)
	if acc.State == engine.Queued {
		state = "waits for its turn to log in"
	}
	text := fmt.Sprintf("%s (%s): %s", acc.Name, acc.Host, state)
	if acc.Connections > 0 {
		text += ", " + count(acc.Connections, "connection")
	}
	if !acc.LastProof.IsZero() {
		text += ", the server answered " + ago(acc.LastProof)
	}
	s.line("", plain, text)
	s.troubles(acc.Name, troubles)
	if acc.Error != "" && !told(acc, troubles) {
		s.line("  last error: ", red, acc.Error)
	}
	if !acc.NextTry.IsZero() {
		s.line("  next try: ", plain, acc.NextTry.In(zone).Format(time.DateTime))
	}
	s.mailboxes(acc.Mailboxes, zone)
	for _, e := range acc.RuleErrors {
		s.line("  ", plain, fmt.Sprintf("rule %q could not be evaluated for %s, last %s: %s", e.Rule, count(e.Messages, "message"), ago(e.At), e.Last))
	}
	for _, f := range acc.Fallbacks {
		s.line("  ", plain, fmt.Sprintf("the server announces %s and refuses it, since %s; instead: %s (%s)", f.Feature, ago(f.Since), f.Instead, f.Reason))
	}
	for _, p := range acc.Pauses {
		s.line("  paused: ", yellow, fmt.Sprintf("%s since %s, tried again %s: %s", journal.ShowTarget(p.Target), ago(p.Since), p.Probe.In(zone).Format(time.DateTime), p.Reason))
	}
	for _, r := range acc.Resting {
		if r.Why != "" {
			s.line("  "+r.Endpoint+": ", yellow, fmt.Sprintf("gets nothing until %s: %s", r.Until.In(zone).Format(time.TimeOnly), r.Why))
		}
	}
	if n := acc.Snoozed.Messages; n > 0 {
		s.line("  ", plain, fmt.Sprintf("%s snoozed, the next one comes back %s", count(n, "message"), when(acc.Snoozed.Next, zone)))
	}
	for _, state := range journal.States() {
		if n := acc.Entries[state]; n > 0 {
			s.line("  ", plain, fmt.Sprintf("%d %s", n, state))
		}
	}
	for _, state := range []journal.DeliveryState{journal.Pending, journal.Delivered} {
		if n := acc.Deliveries[state]; n > 0 {
			s.line("  ", plain, deliveries(n)+" "+string(state))
		}
	}
}

// told reports whether the troubles that are shown of an account end with its last error.
func told(acc engine.AccountStatus, troubles []engine.Trouble) bool {
	return slices.ContainsFunc(troubles, func(t engine.Trouble) bool {
		return t.Account == acc.Name && t.Mailbox == "" && strings.Contains(t.Text, acc.Error)
	})
}

// deliveries counts calls of webhooks and steps that leave the mailbox.
func deliveries(n int) string {
	if n == 1 {
		return "1 call or step"
	}
	return fmt.Sprintf("%d calls and steps", n)
}

// mailboxes shows how each is watched. What is wrong with one stands below, where
// there is room for it.
func (s *screen) mailboxes(list []engine.MailboxStatus, zone *time.Location) {
	if len(list) == 0 {
		return
	}
	rows := [][]string{{"MAILBOX", "WATCHED BY", "MESSAGES", "ANSWERED", "SCANNED", "NEW MAIL"}}
	for _, m := range list {
		rows = append(rows, []string{m.Name, cmp.Or(m.Watch, "nothing"), fmt.Sprint(m.Messages), ago(m.LastProof), since(m.LastScan), since(m.LastMessage)})
	}
	s.indented(rows)
	for _, m := range list {
		if text := mailboxText(m, zone); text != "" {
			s.line("  ", plain, m.Name+": "+text)
		}
	}
}

// since is ago of what is known since the start, or the connection, alone: before, it may
// well have been.
func since(t time.Time) string {
	if t.IsZero() {
		return "not yet"
	}
	return ago(t)
}

// lagShown is from when on it is worth a word that something waits in a mailbox.
const lagShown = 30 * time.Second

// mailboxText is what is wrong with a mailbox, "" if nothing is.
func mailboxText(m engine.MailboxStatus, zone *time.Location) string {
	var parts []string
	if lag := time.Duration(m.Lag); lag >= lagShown {
		parts = append(parts, "something waits there for "+engine.Shortly(lag))
	}
	if m.Error != "" {
		parts = append(parts, m.Error)
	}
	if !m.NextTry.IsZero() {
		parts = append(parts, "looked at again "+m.NextTry.In(zone).Format(time.TimeOnly))
	}
	return strings.Join(parts, "; ")
}

// maxTroubles is how many troubles of an account status shows.
const maxTroubles = 5

// troubles shows why an account is not ready.
func (s *screen) troubles(account string, all []engine.Trouble) {
	n := 0
	for _, t := range all {
		if t.Account != account {
			continue
		}
		if n++; n > maxTroubles {
			continue
		}
		text := t.Text
		if t.Mailbox != "" {
			text = t.Mailbox + ": " + text
		}
		s.line("  not ready: ", red, text)
	}
	if n > maxTroubles {
		s.line("  not ready: ", red, "and "+mailboxCount(n-maxTroubles)+" more")
	}
}

// indented is a table two columns to the right.
func (s *screen) indented(rows [][]string) {
	for i, row := range rows {
		rows[i] = append([]string{""}, row...)
	}
	s.table(rows)
}

// owed shows the calls of a webhook that wait, and for what.
func (s *screen) owed(o owedCalls, zone *time.Location, command func(words ...string) string) {
	d := journal.Delivery{State: journal.Pending, Attempts: o.Attempts, Next: o.Next, LastStatus: o.LastStatus, LastError: o.LastError, Held: o.Held, Endpoint: o.Webhook}
	text := "the next one " + webhookText(d, zone)
	switch {
	case o.Disabled != "":
		text = fmt.Sprintf("it wants no more (%s); '%s' gives it calls again", o.Disabled, command("webhooks", "enable", o.Webhook))
	case o.Gathers:
		text = "gathering for one call with others"
	}
	if isStep(journal.Delivery{Endpoint: o.Webhook}) {
		s.line("  "+o.Webhook+": ", plain, count(o.Pending, "message")+" waiting for it; "+text)
		return
	}
	s.line("  webhook "+o.Webhook+": ", plain, count(o.Pending, "call")+" pending; "+text)
}

// maxGroups is how many different reasons status shows.
const maxGroups = 20

// needGroup is the messages of an account that need a person for the same reason.
type needGroup struct {
	waitingEntry      // the newest of them
	several      bool // they are in several mailboxes
	n            int
}

// grouped gathers what has the same reason, in the order of the newest of each.
func grouped(all []waitingEntry) []needGroup {
	type key struct {
		account, reason string
		state           journal.EntryState
	}
	place := map[key]int{}
	var out []needGroup
	for _, e := range all {
		k := key{e.Account, e.Reason, e.State}
		i, known := place[k]
		if !known {
			i = len(out)
			place[k] = i
			out = append(out, needGroup{waitingEntry: e})
		}
		out[i].n++
		out[i].several = out[i].several || e.Mailbox != out[i].Mailbox
	}
	return out
}

// text is a group in words: its only message, or how many and where.
func (g needGroup) text() string {
	switch {
	case g.n == 1:
		return fmt.Sprintf("%s/%d %q: %s", g.Mailbox, g.UID, fit(g.Subject, 40), g.Reason)
	case g.several:
		return count(g.n, "message") + " in several mailboxes: " + g.Reason
	}
	return count(g.n, "message") + " in " + g.Mailbox + ": " + g.Reason
}

// needsYou shows what needs a person, and how to go on. command makes a command
// line that selects what was selected here.
func (s *screen) needsYou(all []waitingEntry, command func(words ...string) string) {
	if len(all) == 0 {
		return
	}
	s.gap()
	s.line("Waiting for you:", bold, "")
	list := grouped(all)
	several := slices.ContainsFunc(all, func(e waitingEntry) bool { return e.Account != all[0].Account })
	for _, g := range list[:min(len(list), maxGroups)] {
		prefix := fmt.Sprintf("  %-6s  ", g.State)
		if several {
			prefix += g.Account + "  "
		}
		s.line(prefix, yellow, g.text())
	}
	if more := len(list) - maxGroups; more > 0 {
		s.line("  ", plain, "and "+count(more, "other reason"))
	}
	s.waiting(waiting{"Next:", dealWith(all, command)})
}

// dealWith are the commands that deal with what needs a person.
func dealWith(all []waitingEntry, command func(words ...string) string) [][2]string {
	var out [][2]string
	if slices.ContainsFunc(all, func(e waitingEntry) bool { return e.State == journal.Held }) {
		out = append(out, [2]string{command("history", "--held"), "shows each that is held"},
			[2]string{command("confirm", "--held"), "decides them again, and acts"})
	}
	if slices.ContainsFunc(all, func(e waitingEntry) bool { return e.State != journal.Held }) {
		out = append(out, [2]string{command("history", "--failed"), "shows each that failed"},
			[2]string{command("retry", "--failed"), "tries them again"})
	}
	return out
}
