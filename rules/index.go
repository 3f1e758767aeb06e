package rules

import (
	"iter"
	"math/bits"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

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
// is a list it speaks about each element.
type coverKey struct {
	fact     string
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

// coverOf reads the cover of a leaf from its lowered expression.
func coverOf(n ast.Node) cover {
	always := cover{always: true}
	b, ok := n.(*ast.BinaryNode)
	if !ok {
		return always
	}
	switch b.Operator {
	case "or", "||":
		return coverOf(b.Left).either(coverOf(b.Right))
	case "and", "&&":
		return coverOf(b.Left).both(coverOf(b.Right))
	case "==":
		if k, ok := keyOf(b.Left, b.Right, false); ok {
			return k
		}
		if k, ok := keyOf(b.Right, b.Left, false); ok {
			return k
		}
	case "in":
		return coverOfIn(b)
	case "contains", "startsWith", "endsWith":
		if k, ok := keyOf(b.Left, b.Right, true); ok {
			return k
		}
	}
	return always
}

// coverOfIn is the cover of: fact in [texts], and of: text in fact.
func coverOfIn(b *ast.BinaryNode) cover {
	if k, ok := keyOf(b.Right, b.Left, false); ok {
		return k
	}
	var texts []ast.Node
	switch list := b.Right.(type) {
	case *ast.ArrayNode:
		texts = list.Nodes
	case *ast.ConstantNode:
		set, ok := list.Value.(map[string]struct{})
		if !ok || len(set) > maxCover {
			return cover{always: true}
		}
		for text := range set {
			texts = append(texts, &ast.StringNode{Value: text})
		}
	}
	if texts == nil {
		return cover{always: true}
	}
	out := cover{}
	for _, t := range texts {
		k, ok := keyOf(b.Left, t, false)
		if !ok {
			return cover{always: true}
		}
		out = out.either(k)
	}
	return out
}

// keyOf is the one key of a fact and a text that is written out.
func keyOf(fact, text ast.Node, contains bool) (cover, bool) {
	id, isFact := fact.(*ast.IdentifierNode)
	s, isText := text.(*ast.StringNode)
	if !isFact || !isText || !strings.HasSuffix(id.Value, "~") || contains && s.Value == "" {
		return cover{}, false
	}
	return cover{keys: []coverKey{{fact: id.Value, contains: contains, text: s.Value}}}, true
}

// ruleIndex finds the rules that a message may concern.
type ruleIndex struct {
	size   int
	always bitset // rules without a cover
	fields []fieldIndex
}

// fieldIndex holds the keys over one fact.
type fieldIndex struct {
	fact     int
	rules    bitset // every rule that has a key here
	equal    map[string][]int
	contains *matcher
	found    [][]int // the rules of each text of contains
}

func newIndex(covers []cover, factOf map[string]int) *ruleIndex {
	x := &ruleIndex{size: len(covers), always: newBitset(len(covers))}
	byFact := map[string]*fieldIndex{}
	texts := map[string]map[string][]int{}
	var order []string
	for rule, c := range covers {
		if c.always {
			x.always.set(rule)
		}
		for _, k := range c.keys {
			f := byFact[k.fact]
			if f == nil {
				f = &fieldIndex{fact: factOf[k.fact], rules: newBitset(len(covers)), equal: map[string][]int{}}
				byFact[k.fact], texts[k.fact] = f, map[string][]int{}
				order = append(order, k.fact)
			}
			f.rules.set(rule)
			if k.contains {
				texts[k.fact][k.text] = append(texts[k.fact][k.text], rule)
			} else {
				f.equal[k.text] = append(f.equal[k.text], rule)
			}
		}
	}
	for _, name := range order {
		byFact[name].build(texts[name])
		x.fields = append(x.fields, *byFact[name])
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
		switch v := r.env[r.rs.facts[f.fact].name].(type) {
		case string:
			f.look(v, out)
		case []string:
			for _, s := range v {
				f.look(s, out)
			}
		default:
			out.add(f.rules)
		}
	}
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

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(i int) { b[i/64] |= 1 << (i % 64) }

// all yields the numbers from small to large.
func (b bitset) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range b {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

func (b bitset) add(more bitset) {
	for i, w := range more {
		b[i] |= w
	}
}

// fill marks every number below n.
func (b bitset) fill(n int) {
	for i := range n {
		b.set(i)
	}
}
