package rules

import "slices"

// maxCover is the most keys by which one rule is looked up. A rule that would
// need more is cheaper to ask.
const maxCover = 200

// cover is what must hold of a message before a condition can be anything but
// false: one of its keys or more. A thousand rules for a thousand senders are
// then found by one look-up, and the others are never asked.
type cover struct {
	always bool // nothing is known: ask the rule
	keys   []coverKey
}

// coverKey says that a fact equals, or contains, a folded text. Of a fact that
// is a list it speaks about each element, or about one part of each.
type coverKey struct {
	fact     string
	part     string // "address~" of the elements of to, "" of a text
	contains bool
	text     string
}

// either is the cover of a or b, which needs the keys of both.
func (c cover) either(d cover) cover {
	if c.always || d.always || len(c.keys)+len(d.keys) > maxCover {
		return cover{always: true}
	}
	return cover{keys: slices.Concat(c.keys, d.keys)}
}

// both is the cover of a and b, for which the keys of one are enough.
func (c cover) both(d cover) cover {
	switch {
	case c.always || !d.always && d.cost() < c.cost():
		return d
	default:
		return c
	}
}

// cost prefers few keys, and those that are one look-up.
func (c cover) cost() int {
	n := 0
	for _, k := range c.keys {
		n++
		if k.contains {
			n += 3
		}
	}
	return n
}

// ruleIndex finds the rules that a message may concern.
type ruleIndex struct {
	always bitset // rules without a cover
	fields []fieldIndex
}

// fieldIndex holds the keys over one fact, or over one part of its elements.
type fieldIndex struct {
	fact     int
	part     string
	rules    bitset // every rule that has a key here
	equal    map[string][]int
	contains *matcher
	found    [][]int // the rules of each text of contains
}

func newIndex(covers []cover, factOf map[string]int) *ruleIndex {
	x := &ruleIndex{always: newBitset(len(covers))}
	type place struct{ fact, part string }
	byPlace := map[place]*fieldIndex{}
	texts := map[place]map[string][]int{}
	var order []place
	for rule, c := range covers {
		if c.always {
			x.always.set(rule)
		}
		for _, k := range c.keys {
			at := place{k.fact, k.part}
			f := byPlace[at]
			if f == nil {
				f = &fieldIndex{fact: factOf[k.fact], part: k.part, rules: newBitset(len(covers)), equal: map[string][]int{}}
				byPlace[at], texts[at] = f, map[string][]int{}
				order = append(order, at)
			}
			f.rules.set(rule)
			if k.contains {
				texts[at][k.text] = append(texts[at][k.text], rule)
			} else {
				f.equal[k.text] = append(f.equal[k.text], rule)
			}
		}
	}
	for _, at := range order {
		byPlace[at].build(texts[at])
		x.fields = append(x.fields, *byPlace[at])
	}
	return x
}

func (f *fieldIndex) build(texts map[string][]int) {
	if len(texts) == 0 {
		return
	}
	var list []string
	for text, rules := range texts {
		list = append(list, text)
		f.found = append(f.found, rules)
	}
	f.contains = newMatcher(list)
}

// find marks the rules that a message may concern, in out.
func (x *ruleIndex) find(r *run, out bitset) {
	copy(out, x.always)
	for i := range x.fields {
		f := &x.fields[i]
		if r.fill(f.fact) != True {
			out.add(f.rules) // nothing can be said: ask them all
			continue
		}
		if !f.lookAll(r.env[r.rs.facts[f.fact].name], out) {
			out.add(f.rules)
		}
	}
}

// lookAll looks up a text, or each of a list. It is false where the value is
// something else.
func (f *fieldIndex) lookAll(value any, out bitset) bool {
	switch v := value.(type) {
	case string:
		f.look(v, out)
	case []string:
		for _, s := range v {
			f.look(s, out)
		}
	case []map[string]string: // addresses
		for _, element := range v {
			f.look(element[f.part], out)
		}
	case []map[string]any: // attachments
		for _, element := range v {
			text, _ := element[f.part].(string)
			f.look(text, out)
		}
	default:
		return false
	}
	return true
}

func (f *fieldIndex) look(text string, out bitset) {
	for _, rule := range f.equal[text] {
		out.set(rule)
	}
	if f.contains != nil {
		f.contains.find(text, func(i int) {
			for _, rule := range f.found[i] {
				out.set(rule)
			}
		})
	}
}
