package sqlite

import (
	"errors"
	"testing"

	"imapilot/engine/journal"
)

// TestBinderRunsNothingThatIsNotBound: a value that could not be bound must not be left
// as what the row before had there.
func TestBinderRunsNothingThatIsNotBound(t *testing.T) {
	d := open(t)
	s, err := d.prepared("INSERT INTO disabled VALUES (1, ?, ?, 0, '')")
	if err != nil {
		t.Fatal(err)
	}
	for name, add := range map[string]func(*binder){
		"ints": func(b *binder) { b.ints(1) },
		"text": func(b *binder) { b.text("1") },
		"json": func(b *binder) { b.json(jsonText("1")) },
		"bool": func(b *binder) { b.bool(true) },
	} {
		b := binder{stmt: s}
		b.text(name)
		b.text("url")
		add(&b) // a third value
		b.text("no more")
		if err := b.exec(); !errors.Is(err, journal.ErrUnavailable) || b.n != 3 {
			t.Errorf("%s: %v after %d", name, err, b.n)
		}
	}
	if n, err := d.number("SELECT count(*) FROM disabled"); n != 0 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}
