package config

import (
	"maps"
	"slices"

	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// What a rule looks at and what is watched can be held against each other although
// there are errors elsewhere, but not where an error may be about one of the two: what
// is said then would only be the same mistake a second time, or wrong.

// wholly reports whether a list, or what else a reader reads, was read without an error.
func (l *loader) wholly(n *strictyaml.Node, read func()) bool {
	before := len(l.diags)
	read()
	return !HasErrors(l.diags[before:]) && !slices.ContainsFunc(n.Items, func(i *strictyaml.Node) bool { return i.Kind == strictyaml.Bad })
}

// doubtful reports whether a mapping may say more of some of its keys than was read: one
// has no value that could be read, or is there twice, or an unknown key may mean it.
func doubtful(n *strictyaml.Node, what string, table fields, keys ...string) bool {
	seen := map[string]bool{}
	for _, e := range n.Entries {
		name := e.Key.Value
		switch {
		case e.Key.Kind != strictyaml.Scalar, table[name] == nil && mayMean(n, what, name, table, keys):
			return true
		case slices.Contains(keys, name) && (seen[name] || e.Value.Kind == strictyaml.Bad):
			return true
		}
		seen[name] = true
	}
	return n.Kind != strictyaml.Mapping
}

// mayMean reports whether an unknown key may mean one of those that are not there: it is
// almost that one, or nothing else that is not there either.
func mayMean(n *strictyaml.Node, what, name string, table fields, keys []string) bool {
	absent := func(known []string) []string {
		return slices.DeleteFunc(slices.Clone(known), func(key string) bool { return n.Get(key) != nil })
	}
	if misplaced(what, name) != "" || nearest(name, absent(keys)) != "" {
		return true
	}
	return len(absent(keys)) > 0 && nearest(name, absent(slices.Sorted(maps.Keys(table)))) == ""
}

// doubtAccounts notes that an account may be missing from those that were read: two
// keys hold some, or the YAML between their key and the next one is broken.
func (l *loader) doubtAccounts(root *strictyaml.Node, problems []strictyaml.Problem) {
	from, to := 0, 0
	for _, e := range root.Entries {
		switch {
		case e.Key.Value == "accounts":
			l.vague = l.vague || from > 0
			from = e.Key.Line
		case from > 0 && to == 0:
			to = e.Key.Line
		}
	}
	l.vague = l.vague || from > 0 && slices.ContainsFunc(problems, func(p strictyaml.Problem) bool {
		return p.Line >= from && (to == 0 || p.Line < to || p.Line == from)
	})
}

// aim is where a rule looks: what is asked of it once all files are read.
type aim struct {
	name         int // where it stands, a place in refs
	on           rules.Trigger
	in, accounts []rules.Text
}

// aim remembers what a rule looks at, as it stands in the file. Where it looks must be
// certain, and so must be that it waits for news there.
func (l *loader) aim(n *strictyaml.Node, table fields, r *rules.RuleSource) {
	if doubtful(n, "rule", table, "in", "on", "accounts") {
		return
	}
	if in := n.Get("in"); len(r.In) == 0 && in != nil && (in.Kind != strictyaml.Sequence || len(in.Items) > 0) {
		return // it is not for INBOX
	}
	name := r.Name.Pos
	if r.Name.Value == "" {
		name = nowhere("").Pos
	}
	l.aims = append(l.aims, aim{name: name, on: r.On, in: r.In, accounts: r.Accounts})
}

// certain reports whether all the accounts of a rule are known.
func (l *loader) certain(a aim) bool {
	return !slices.ContainsFunc(a.accounts, func(name rules.Text) bool {
		return !slices.ContainsFunc(l.cfg.Accounts, func(a Account) bool { return a.Name == name.Value })
	})
}
