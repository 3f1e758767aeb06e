package engine

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
	"imapilot/rules"
)

// directory is what one LIST told of the account's mailboxes. Make one with
// newDirectory.
type directory struct {
	delimiter rune
	prefix    string // of the personal namespace, "INBOX." on some servers
	entries   []imapsession.MailboxInfo
	// changed is set where entries were added or removed since then.
	changed bool
	// index finds entries by their names where there are many: there may be thousands.
	index map[string][]int
	// plain is set then where no two of them have one name in the configuration.
	plain bool
}

// fewEntries are found without an index, which would be the larger part of what an idle
// account holds of them.
const fewEntries = 16

func newDirectory(delimiter rune, prefix string, entries []imapsession.MailboxInfo) directory {
	d := directory{delimiter: delimiter, prefix: prefix, entries: entries}
	if len(entries) <= fewEntries {
		return d
	}
	d.index = make(map[string][]int, len(entries))
	names := make(map[string]bool, len(entries))
	for i, e := range entries {
		d.index[indexed(e.Name)] = append(d.index[indexed(e.Name)], i)
		names[d.config(e.Name)] = true
	}
	d.plain = len(names) == len(entries)
	return d
}

// at finds the entries of a mailbox.
func (d directory) at(server string) (found []int) {
	name := indexed(server)
	if d.index != nil {
		return d.index[name]
	}
	for i, e := range d.entries {
		if indexed(e.Name) == name {
			found = append(found, i)
		}
	}
	return found
}

// indexed is a name as servers compare it: INBOX without case.
func indexed(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

// is reports whether a mailbox is listed in a way that fits: a server may list
// one twice.
func (d directory) is(server string, fits func(e imapsession.MailboxInfo) bool) bool {
	return slices.ContainsFunc(d.at(server), func(i int) bool { return fits(d.entries[i]) })
}

// config returns a mailbox's name in configuration spelling: "/" between
// levels, without the personal namespace's prefix, INBOX in capitals.
func (d directory) config(server string) string {
	if strings.EqualFold(server, "INBOX") {
		return "INBOX"
	}
	name := strings.TrimPrefix(server, d.prefix)
	if d.delimiter != 0 && d.delimiter != '/' {
		name = strings.ReplaceAll(name, "/", "_")
		name = strings.ReplaceAll(name, string(d.delimiter), "/")
	}
	return name
}

// server returns the server's spelling of a name of the configuration. An
// existing mailbox of that name wins, so that a listed name always maps back.
func (d directory) server(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	usual := d.spelled(name)
	if d.plain && len(d.at(usual)) > 0 && d.config(usual) == name {
		return usual // none of the others has that name
	}
	for _, e := range d.entries {
		if d.config(e.Name) == name {
			return e.Name
		}
	}
	return usual
}

// spelled is how the server spells a name that is not of an existing mailbox.
func (d directory) spelled(name string) string {
	if d.delimiter != 0 {
		name = strings.ReplaceAll(name, "/", string(d.delimiter))
	}
	if strings.HasPrefix(name, d.prefix) {
		return name
	}
	return d.prefix + name
}

// add notes a mailbox that was made, remove one that turned out to be gone.
func (d *directory) add(server string) {
	d.remove(server)
	*d = newDirectory(d.delimiter, d.prefix, append(d.entries, imapsession.MailboxInfo{Name: server}))
	d.changed = true
}

func (d *directory) remove(server string) {
	rest := slices.DeleteFunc(slices.Clone(d.entries), func(e imapsession.MailboxInfo) bool { return sameName(e.Name, server) })
	*d = newDirectory(d.delimiter, d.prefix, rest)
	d.changed = true
}

func (d directory) exists(server string) bool {
	return d.is(server, func(e imapsession.MailboxInfo) bool { return !e.NonExistent })
}

// holdsNone reports whether the server listed a mailbox as one that cannot hold
// messages, or as the mere name of one that is gone.
func (d directory) holdsNone(server string) bool {
	return d.is(server, func(e imapsession.MailboxInfo) bool { return e.NoSelect || e.NonExistent })
}

// role is the role of a mailbox, also one that it has by its usual name alone:
// what role:junk finds in "watch" must be what it matches in a rule's "in".
func (d directory) role(server string) string {
	for _, i := range d.at(server) {
		if role := d.entries[i].Role; role != "" {
			return role
		}
	}
	name := d.config(server)
	for _, role := range []string{"trash", "junk", "archive", "sent", "drafts"} {
		// Looking for it is slow where there are many mailboxes, and most have no
		// such name.
		if !slices.ContainsFunc(usualNames(role), func(usual string) bool { return strings.EqualFold(name, usual) }) {
			continue
		}
		if name, ok := d.byRole(role); ok && sameName(name, server) {
			return role
		}
	}
	return ""
}

// byRole returns the mailbox that has the role by SPECIAL-USE (RFC 6154), or
// the one that has the usual name where the server announces no roles.
func (d directory) byRole(role string) (string, bool) {
	for _, e := range d.entries {
		if e.Role == role && !e.NoSelect {
			return e.Name, true
		}
	}
	for _, usual := range usualNames(role) {
		for _, e := range d.entries {
			if e.Role == "" && !e.NoSelect && strings.EqualFold(d.config(e.Name), usual) {
				return e.Name, true
			}
		}
	}
	return "", false
}

func usualNames(role string) []string {
	switch role {
	case "trash":
		return []string{"Trash", "Deleted Items", "Deleted Messages", "Deleted", "Papierkorb", "Corbeille"}
	case "junk":
		return []string{"Junk", "Spam", "Junk E-mail", "Junk Email", "Bulk Mail"}
	case "archive":
		return []string{"Archive", "Archives"}
	case "sent":
		return []string{"Sent", "Sent Items", "Sent Messages", "Sent Mail"}
	case "drafts":
		return []string{"Drafts", "Draft"}
	default:
		return nil
	}
}

// sameName compares mailbox names as servers do: INBOX without case.
func sameName(a, b string) bool {
	return a == b || strings.EqualFold(a, "INBOX") && strings.EqualFold(b, "INBOX")
}

// watched returns the mailboxes that the patterns of watch name and those of except do
// not, in their order, each once.
func (d directory) watched(patterns, except []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, not := range except {
		for _, name := range d.matching(not) {
			seen[name] = true
		}
	}
	for _, p := range patterns {
		for _, name := range d.matching(p) {
			if !seen[name] {
				out = append(out, name)
			}
			seen[name] = true
		}
	}
	return out
}

func (d directory) matching(pattern string) []string {
	if role, ok := strings.CutPrefix(pattern, "role:"); ok {
		if name, found := d.byRole(role); found {
			return []string{name}
		}
		return nil
	}
	var out []string
	for _, e := range d.entries {
		if e.NoSelect || e.NonExistent {
			continue
		}
		if pattern == config.Subscribed && e.Subscribed || pattern != config.Subscribed && matches(pattern, d.config(e.Name)) {
			out = append(out, e.Name)
		}
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out
}

// matches applies a watch pattern: "*" stands for anything, levels included.
func matches(pattern, name string) bool {
	if strings.EqualFold(pattern, "INBOX") {
		return strings.EqualFold(name, "INBOX")
	}
	if !strings.ContainsAny(pattern, "*?") {
		return pattern == name
	}
	// path.Match stops at "/"; a byte that no mailbox name holds stands in.
	flat := func(s string) string { return strings.ReplaceAll(s, "/", "\x01") }
	ok, err := path.Match(flat(pattern), flat(name))
	return err == nil && ok
}

// ruleMailbox is how the rules see a mailbox.
func (c *connection) ruleMailbox(server string) rules.Mailbox {
	return rules.Mailbox{Name: c.dir.config(server), Role: c.dir.role(server)}
}

// warnUnruled says which watched mailboxes no rule looks at, once until they are others: a
// rule without "in" is for INBOX alone. A job watches nothing.
func (c *connection) warnUnruled() {
	if c.engine.opts.isJob() {
		return
	}
	ruleset := c.watching()
	var names []string
	for _, name := range c.watched {
		if !ruleset.Applies(c.cfg.Name, c.ruleMailbox(name)) {
			names = append(names, c.dir.config(name))
		}
	}
	told := c.unruled
	c.unruled = strings.Join(names, ", ")
	if len(names) == 0 || c.unruled == told {
		return
	}
	shown := names[:min(len(names), maxWarnings)]
	log := c.log.With("mailboxes", strings.Join(shown, ", "))
	if more := len(names) - len(shown); more > 0 {
		log = log.With("more_mailboxes", more)
	}
	log.Warn("watched, but no rule is for what arrives there: a rule without in: is for INBOX")
}

// limitWatched keeps to the most mailboxes that an account may watch. Whoever
// lists more is hardly a mail server.
func (c *connection) limitWatched() {
	if len(c.watched) <= maxWatched {
		return
	}
	c.log.Error("watch: names more mailboxes than one account may watch; the others are not looked at", "mailboxes", len(c.watched), "most", maxWatched)
	c.watched = c.watched[:maxWatched]
}
