package config

import (
	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// search reads what narrows a rule on a clock: {gmail: older_than:30d}.
func (l *loader) search(key, n *strictyaml.Node) (query rules.Text) {
	if n.Kind == strictyaml.Scalar {
		l.problem(n, "search: says whose words it is in", "as in {gmail: 'older_than:30d category:promotions'}")
		return query
	}
	before := len(l.diags)
	l.mapping(n, "search", fields{
		"gmail": func(_, n *strictyaml.Node) { query, _ = l.scalar(n) },
	})
	if len(l.diags) == before && query.Value == "" {
		l.problem(key, "the search is empty", "as in {gmail: 'older_than:30d category:promotions'}")
		return rules.Text{}
	}
	return query
}

// givenGmail reads what Gmail would tell of the message of a test.
func (l *loader) givenGmail(n *strictyaml.Node, g *facts.Gmail) {
	l.mapping(n, "gmail", fields{
		"labels":     func(_, n *strictyaml.Node) { g.Labels = l.strings(n) },
		"thread_id":  func(_, n *strictyaml.Node) { l.str(n, &g.ThreadID) },
		"message_id": func(_, n *strictyaml.Node) { l.str(n, &g.MessageID) },
	})
}

func searchKeys() object {
	return object{what: "search", doc: "What narrows a rule on a clock: it looks at no other messages than those that the server finds.", required: []string{"gmail"}, keys: []key{
		{"gmail", "A search as in Gmail's web pages: 'older_than:30d category:promotions'. On a server without X-GM-EXT-1 the run fails.", filled()},
	}}
}

func gmailKeys() object {
	return object{what: "gmail", doc: "What Gmail would tell of the message.", keys: []key{
		{"labels", `Its labels, but for that of the mailbox; system labels begin with a backslash, as in '\Important'.`, defined("texts")},
		{"thread_id", "The number of its conversation.", defined("text")},
		{"message_id", "Its own number.", defined("text")},
	}}
}
