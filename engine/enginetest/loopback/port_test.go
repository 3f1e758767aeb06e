package loopback

import (
	"net"
	"testing"
)

// One who reserves a port keeps it from all others though no server listens
// yet, and gives it back.
func TestAPortHasOneHolder(t *testing.T) {
	p := must(Reserve())(t)
	if _, err := reserve(p.Number); err == nil {
		t.Fatal("a port was given away twice before its server listened")
	}
	l := must(net.Listen("tcp", p.Addr))(t)
	defer func() { _ = l.Close() }() // nothing was sent on it
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := reserve(p.Number); err == nil {
		t.Fatal("a port was given away that somebody listens on")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := must(reserve(p.Number))(t)
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestPortsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		p := must(Reserve())(t)
		defer func() { _ = p.Release() }() // the process would do it as well
		if p.Number < first || p.Number > last || seen[p.Addr] {
			t.Fatalf("port %d is out of range, or was given away twice", p.Number)
		}
		seen[p.Addr] = true
	}
}

func must[V any](v V, err error) func(testing.TB) V {
	return func(t testing.TB) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
