package config

import (
	"fmt"
	"strconv"
	"strings"

	"imapilot/engine/config/strictyaml"
)

// How many bytes of a message's text rules may see. What is beyond is not
// fetched, so the upper limit is also one on memory and traffic.
const (
	minBody     = 1 << 10
	maxBody     = 4 << 20
	defaultBody = 64 << 10
)

func (l *loader) body(n *strictyaml.Node) {
	l.mapping(n, "body", fields{
		"limit": func(_, n *strictyaml.Node) { l.size(n, minBody, maxBody, &l.cfg.BodyLimit) },
	})
}

// size reads a number of bytes, with KiB or MiB behind it or nothing.
func (l *loader) size(n *strictyaml.Node, low, high int, out *int) {
	v, ok := parseSize(n.Value)
	if n.Kind != strictyaml.Scalar || !ok || v < low || v > high {
		l.problem(n, fmt.Sprintf("this must be a size from %s to %s", spellSize(low), spellSize(high)), "write it as in 64KiB, 1MiB or 65536")
		return
	}
	*out = v
}

// parseSize reads "64KiB", "1MiB" and "65536". KB is none of them: it means
// 1000 to some and 1024 to others.
func parseSize(s string) (int, bool) {
	unit := 1
	if number, ok := strings.CutSuffix(s, "KiB"); ok {
		s, unit = strings.TrimRight(number, " "), 1<<10
	} else if number, ok := strings.CutSuffix(s, "MiB"); ok {
		s, unit = strings.TrimRight(number, " "), 1<<20
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	return int(n) * unit, true
}

func spellSize(n int) string {
	switch {
	case n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return strconv.Itoa(n)
}
