package rules

// matcher finds which of many texts occur in another one, in one pass over it
// (Aho and Corasick, 1975). Nodes are numbers; node 0 is the root.
type matcher struct {
	next []map[byte]int32
	fail []int32
	// ends are the texts that end at a node; up is the nearest node on the way
	// of the fail links at which one ends, 0 if there is none.
	ends [][]int
	up   []int32
}

// newMatcher takes texts that are not empty.
func newMatcher(texts []string) *matcher {
	m := &matcher{}
	m.node()
	for i, text := range texts {
		at := int32(0)
		for j := range len(text) {
			next, ok := m.next[at][text[j]]
			if !ok {
				next = m.node()
				m.next[at][text[j]] = next
			}
			at = next
		}
		m.ends[at] = append(m.ends[at], i)
	}
	m.link()
	return m
}

func (m *matcher) node() int32 {
	m.next = append(m.next, map[byte]int32{})
	m.fail, m.up, m.ends = append(m.fail, 0), append(m.up, 0), append(m.ends, nil)
	return int32(len(m.next) - 1)
}

// link sets for each node, nearest to the root first, where to go on when the
// text goes on otherwise.
func (m *matcher) link() {
	queue := []int32{0}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for c, child := range m.next[at] {
			if at != 0 {
				m.fail[child] = m.step(m.fail[at], c)
			}
			m.up[child] = m.fail[child]
			if len(m.ends[m.fail[child]]) == 0 {
				m.up[child] = m.up[m.fail[child]]
			}
			queue = append(queue, child)
		}
	}
}

func (m *matcher) step(at int32, c byte) int32 {
	for {
		if next, ok := m.next[at][c]; ok {
			return next
		}
		if at == 0 {
			return 0
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
