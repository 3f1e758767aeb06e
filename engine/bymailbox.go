package engine

// byMailbox keeps a value for each of some mailboxes. A map makes room for eight values
// with the first one, and most accounts watch one mailbox: the values are pointed to, so
// that this room is small. What it returns are copies.
type byMailbox[V any] map[string]*V

// of is the value of a mailbox, the zero value if it has none.
func (m byMailbox[V]) of(name string) V {
	v, _ := m.find(name)
	return v
}

func (m byMailbox[V]) find(name string) (v V, ok bool) {
	if p, ok := m[name]; ok {
		return *p, true
	}
	return v, false
}

func (m *byMailbox[V]) set(name string, v V) { put((*map[string]*V)(m), name, &v) }

// put adds to a map that is made with its first entry: an account has twenty, and while it
// waits most of them have nothing to hold.
func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}
