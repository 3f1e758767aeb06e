package main

import (
	"fmt"
	"strings"
)

// yamlConfig is imapilot's configuration: so many rules, each for the sender
// that from names.
func (s shape) yamlConfig(at login, state string, rules int, from func(rule int) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `state: %s
accounts:
  bench:
    host: %s
    port: %d
    tls: none
    username: %s
    password: %s
    connections: 1
rules:
`, state, at.host, at.port, at.user, at.password)
	for i := range rules {
		fmt.Fprintf(&b, "  - name: rule %d\n    if: from.address == %q\n    then:\n      - %s\n    max_messages: 1000000\n", i, from(i), s.yamlAction(i))
	}
	return b.String()
}

func (s shape) yamlAction(rule int) string {
	if moves(rule) {
		return "move: " + target(rule)
	}
	return "add_flags: ['" + s.keyword(rule) + "']"
}
