package rules

// Truth is the value of a condition. Besides true and false it can be unknown,
// when a fact that it needs was not fetched, or an error.
type Truth uint8

// The values of a condition.
const (
	False Truth = iota
	True
	Unknown
	ErrorTruth
)

// String is the truth in one word.
func (t Truth) String() string {
	switch t {
	case False:
		return "false"
	case True:
		return "true"
	case Unknown:
		return "unknown"
	default:
		return "error"
	}
}

// not is the truth of the opposite.
func (t Truth) not() Truth {
	switch t {
	case False:
		return True
	case True:
		return False
	default:
		return t
	}
}

// conjunction is the truth of both together, in any order. One that is false
// decides. Unknown is more than an error, for the value to come may decide.
func conjunction(a, b Truth) Truth {
	switch {
	case a == False || b == False:
		return False
	case a == Unknown || b == Unknown:
		return Unknown
	case a == ErrorTruth || b == ErrorTruth:
		return ErrorTruth
	default:
		return True
	}
}

// condition is an and/or/not skeleton over leaves.
type condition interface {
	// truth evaluates it, from left to right, no further than it must.
	truth(r *run) Truth
	// leaves calls f for each leaf.
	leaves(f func(leaf int))
	// open calls f for each leaf that is unknown and whose value would matter.
	open(r *run, f func(leaf int))
	// cover is what must hold before the condition is anything but false.
	cover(leaves []cover) cover
	// key bounds it by search keys.
	key(leaves []*program) keyPair
}

type constantCondition Truth

func (c constantCondition) truth(*run) Truth     { return Truth(c) }
func (c constantCondition) leaves(func(int))     {}
func (c constantCondition) open(*run, func(int)) {}
func (c constantCondition) cover([]cover) cover {
	return cover{always: Truth(c) != False}
}

func (c constantCondition) key([]*program) keyPair {
	switch Truth(c) {
	case True:
		return exactKey(searchKey{op: keyAll})
	case False:
		return exactKey(searchKey{op: keyNone})
	default:
		return unknownKey()
	}
}

// leafCondition is an index into the leaves of the rule set.
type leafCondition int

func (c leafCondition) truth(r *run) Truth            { return r.leaf(int(c)) }
func (c leafCondition) leaves(f func(int))            { f(int(c)) }
func (c leafCondition) cover(leaves []cover) cover    { return leaves[c] }
func (c leafCondition) key(leaves []*program) keyPair { return leaves[c].key }
func (c leafCondition) open(r *run, f func(int)) {
	if r.leaf(int(c)) == Unknown {
		f(int(c))
	}
}

type notCondition struct{ of condition }

func (c notCondition) truth(r *run) Truth            { return c.of.truth(r).not() }
func (c notCondition) leaves(f func(int))            { c.of.leaves(f) }
func (c notCondition) open(r *run, f func(int))      { c.of.open(r, f) }
func (c notCondition) key(leaves []*program) keyPair { return c.of.key(leaves).not() }
func (c notCondition) cover([]cover) cover           { return cover{always: true} }

type andCondition struct{ a, b condition }

func (c andCondition) truth(r *run) Truth {
	a := c.a.truth(r)
	if a == False {
		return False
	}
	return conjunction(a, c.b.truth(r))
}

func (c andCondition) leaves(f func(int)) { c.a.leaves(f); c.b.leaves(f) }
func (c andCondition) open(r *run, f func(int)) {
	if c.truth(r) == Unknown {
		c.a.open(r, f)
		c.b.open(r, f)
	}
}

func (c andCondition) key(leaves []*program) keyPair { return c.a.key(leaves).and(c.b.key(leaves)) }

func (c andCondition) cover(leaves []cover) cover { return c.a.cover(leaves).both(c.b.cover(leaves)) }

// orCondition is not(not a and not b).
type orCondition struct{ a, b condition }

func (c orCondition) truth(r *run) Truth {
	a := c.a.truth(r)
	if a == True {
		return True
	}
	return conjunction(a.not(), c.b.truth(r).not()).not()
}

func (c orCondition) leaves(f func(int)) { c.a.leaves(f); c.b.leaves(f) }
func (c orCondition) open(r *run, f func(int)) {
	if c.truth(r) == Unknown {
		c.a.open(r, f)
		c.b.open(r, f)
	}
}

func (c orCondition) key(leaves []*program) keyPair { return c.a.key(leaves).or(c.b.key(leaves)) }

func (c orCondition) cover(leaves []cover) cover { return c.a.cover(leaves).either(c.b.cover(leaves)) }
