package config

import (
	"fmt"
	"slices"
	"strings"

	"imapilot/engine/config/strictyaml"
)

const (
	maxHostConnections = 100_000
	maxLoginsPerMinute = 60_000
)

// Host is what all accounts of one mail server share.
type Host struct {
	// Name is the host of the accounts, in lower case.
	Name string
	// Connections is the most that all accounts open together, 0 for no limit: never
	// fewer than there are accounts.
	Connections int
	// LoginsPerMinute is the rhythm of logins, 0 for the default.
	LoginsPerMinute int
}

// pendingHost is an entry of hosts that is checked when all accounts are known.
type pendingHost struct {
	host             Host
	key, connections *strictyaml.Node
}

func (l *loader) hosts(n *strictyaml.Node) {
	for _, e := range l.named(n, "host") {
		p := pendingHost{key: e.Key}
		before := len(l.diags)
		l.host(e.Key, &p.host.Name)
		p.host.Name = strings.ToLower(p.host.Name)
		if slices.ContainsFunc(l.cfg.Hosts, func(h Host) bool { return h.Name == p.host.Name }) {
			l.problem(e.Key, fmt.Sprintf("there are two hosts %q", p.host.Name), "keep one of them: upper and lower case are the same here")
		}
		l.mapping(e.Value, "host", fields{
			"connections": func(_, n *strictyaml.Node) {
				p.connections = n
				l.integer(n, 1, maxHostConnections, &p.host.Connections)
			},
			"logins_per_minute": func(_, n *strictyaml.Node) { l.integer(n, 1, maxLoginsPerMinute, &p.host.LoginsPerMinute) },
		})
		if len(l.diags) == before {
			l.limited = append(l.limited, p)
		}
		l.cfg.Hosts = append(l.cfg.Hosts, p.host)
	}
}

// hostsOfAccounts holds the hosts against the accounts. One that could not get a
// connection of its own would never be looked at.
func (l *loader) hostsOfAccounts() {
	accounts := map[string]int{}
	for _, a := range l.cfg.Accounts {
		accounts[strings.ToLower(a.Host)]++
	}
	before := l.reading
	l.reading = l.cfg.Path // no other file has hosts
	defer func() { l.reading = before }()
	for _, p := range l.limited {
		switch n := accounts[p.host.Name]; {
		case n == 0 && !l.missing["accounts"]:
			l.warn(p.key, "no account has this host", "write it as in host: of the accounts")
		case p.host.Connections > 0 && n > p.host.Connections:
			l.problem(p.connections, fmt.Sprintf("%d accounts have this host, and each needs a connection", n), fmt.Sprintf("%d at least; one more where other accounts move mail to one of them", n))
		}
	}
}
