package main

import (
	"fmt"
	"strings"
)

// luaHead logs in. What is not needed here is off: no word about each step, no
// TLS, and no EXPUNGE after each rule, see luaTail.
func luaHead(at login) string {
	return fmt.Sprintf(`options.info = false
options.starttls = false
options.expunge = false
options.timeout = 300
account = IMAP { server = '%s', port = %d, username = '%s', password = '%s' }
inbox = account.INBOX
`, at.host, at.port, at.user, at.password)
}

// luaTail expunges what was moved. With expunge = false that is what CLOSE is for
// (imapfilter_config(5)), and check_status sends one before its STATUS.
const luaTail = "inbox:check_status()\n"

// luaSearch asks the server for each rule: the way of imapfilter's own
// examples.
func (s shape) luaSearch(at login, rules int) string {
	var b strings.Builder
	b.WriteString(luaHead(at))
	for i := range rules {
		fmt.Fprintf(&b, "results = inbox:contain_from('%s')\nresults:%s\n", address(i), s.luaAction(i))
	}
	return b.String() + luaTail
}

// luaMatch compares the From field of every message with a pattern for each rule: the
// other way of imapfilter's manual, over one result.
func (s shape) luaMatch(at login, rules int) string {
	var b strings.Builder
	b.WriteString(luaHead(at))
	b.WriteString("all = inbox:select_all()\n")
	for i := range rules {
		fmt.Fprintf(&b, "results = all:match_from('%s')\nresults:%s\n", strings.ReplaceAll(address(i), ".", `\\.`), s.luaAction(i))
	}
	return b.String() + luaTail
}

// luaTable is what a person who knows Lua well may write instead of rules: it fetches
// the From field of each message once, and looks the senders up in a table, with one
// comparison a message however many rules there are. imapfilter fetches message by
// message, it has no other way.
func (s shape) luaTable(at login, rules int) string {
	var b strings.Builder
	b.WriteString(luaHead(at))
	b.WriteString(`by_sender = {}
for _, message in ipairs(inbox:select_all()) do
    mailbox, uid = table.unpack(message)
    sender = string.lower(string.match(mailbox[uid]:fetch_field('From'), '<([^>]*)>') or '')
    by_sender[sender] = by_sender[sender] or {}
    table.insert(by_sender[sender], message)
end
`)
	for i := range rules {
		fmt.Fprintf(&b, "results = Set(by_sender['%s'])\nresults:%s\n", address(i), s.luaAction(i))
	}
	return b.String() + luaTail
}

func (s shape) luaAction(rule int) string {
	if moves(rule) {
		return fmt.Sprintf("move_messages(account['%s'])", target(rule))
	}
	return fmt.Sprintf("add_flags({ '%s' })", s.keyword(rule))
}
