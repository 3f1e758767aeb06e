package rules

// matcher finds which of many texts occur in another one, in one pass over it
// (Aho and Corasick, 1975). Nodes are numbers; node 0 is the root.
type matcher struct {
	// root are the ways on from node 0, where most octets of a text are met: by
	// octet, 0 where there is none.
	root [256]int32
	// next are the ways on from the other nodes. Nearly all have one, so a list
	// is both smaller and faster than a map.
	next [][]edge
	fail []int32
	// ends are the texts that end at a node; up is the nearest node on the way
	// of the fail links at which one ends, 0 if there is none.
	ends [][]int
	up   []int32
}

// edge is the way on from a node by one octet.
type edge struct {
	octet byte
	to    int32
}

// newMatcher takes texts that are not empty.
func newMatcher(texts []string) *matcher {
	m := &matcher{}
	m.node()
	for i, text := range texts {
		at := int32(0)
		for j := range len(text) {
			next := m.child(at, text[j])
			if next == 0 {
				next = m.grow(at, text[j])
			}
			at = next
		}
		m.ends[at] = append(m.ends[at], i)
	}
	m.link()
	return m
}

func (m *matcher) node() int32 {
	m.next = append(m.next, nil)
	m.fail, m.up, m.ends = append(m.fail, 0), append(m.up, 0), append(m.ends, nil)
	return int32(len(m.next) - 1)
}

// grow adds a way on from a node.
func (m *matcher) grow(at int32, octet byte) int32 {
	to := m.node()
	m.next[at] = append(m.next[at], edge{octet, to})
	if at == 0 {
		m.root[octet] = to
	}
	return to
}

// child is where a node goes on by an octet, 0 if it does not.
func (m *matcher) child(at int32, octet byte) int32 {
	if at == 0 {
		return m.root[octet]
	}
	for _, e := range m.next[at] {
		if e.octet == octet {
			return e.to
		}
	}
	return 0
}

// link sets for each node, nearest to the root first, where to go on when the
// text goes on otherwise.
func (m *matcher) link() {
	queue := []int32{0}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, e := range m.next[at] {
			if at != 0 {
				m.fail[e.to] = m.step(m.fail[at], e.octet)
			}
			m.up[e.to] = m.fail[e.to]
			if len(m.ends[m.fail[e.to]]) == 0 {
				m.up[e.to] = m.up[m.fail[e.to]]
			}
			queue = append(queue, e.to)
		}
	}
}

func (m *matcher) step(at int32, octet byte) int32 {
	for {
		next := m.child(at, octet)
		if next != 0 || at == 0 {
			return next
		}
		at = m.fail[at]
	}
}

// find calls f with each text that occurs in s, once or more.
func (m *matcher) find(s string, f func(text int)) {
	at := int32(0)
	for i := range len(s) {
		at = m.step(at, s[i])
		for end := at; end != 0; end = m.up[end] {
			for _, text := range m.ends[end] {
				f(text)
			}
		}
	}
}
