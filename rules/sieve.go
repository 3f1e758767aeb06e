package rules

// Sieve returns the header fields by which, together with the flags, [Ruleset.SaysNo] tells
// what the rules for a mailbox are not about. ok is false where that is not enough: they
// read the whole header, no field of it, or what the journal knows of messages that are
// decided together.
func (rs *Ruleset) Sieve(account string, mb Mailbox) (fields []string, ok bool) {
	all := rs.needsOfRules(account, mb)
	return all.HeaderFields, len(all.HeaderFields) > 0 && !all.WholeHeader && !all.History
}

// needsOfRules is what the rules for a mailbox read, and nothing else.
func (rs *Ruleset) needsOfRules(account string, mb Mailbox) (all Needs) {
	for i := range rs.rules {
		if r := &rs.rules[i]; r.looksAt(account, mb) {
			all = all.and(r.needs)
		}
	}
	return all
}

// SaysNo reports whether every rule plainly says no, whatever else there is to know of the
// message: [Ruleset.Evaluate] would give no verdict, and nothing would be missing. (Where
// more of the header is fetched than the rules read, and that is too long, Evaluate may
// find that a rule cannot be evaluated.) It asks no further than the first rule that says
// anything else.
func (rs *Ruleset) SaysNo(in Input) bool {
	r := rs.pool.Get().(*run)
	r.begin(in)
	rs.index.find(r, r.candidates)
	no := true
	for i := range r.candidates.all() {
		rule := &rs.rules[i]
		if rule.looksAt(in.Account, in.Mailbox) && r.saysMore(rule) {
			no = false
			break
		}
	}
	r.end()
	rs.pool.Put(r)
	return no
}

// saysMore reports whether a rule may say anything but no.
func (r *run) saysMore(rule *compiledRule) bool {
	return r.in.Skip[rule.Name] != "" || !rule.namesDeleted && hasFlag(r.in.Message.Flags, `\Deleted`) || rule.condition.truth(r) != False
}
