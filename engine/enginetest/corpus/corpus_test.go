package corpus

import "testing"

func TestMessages(t *testing.T) {
	all := Messages(t)
	if len(all) != 940 {
		t.Fatalf("the corpus holds %d messages, want 940", len(all))
	}
	for i, m := range all {
		if i > 0 && all[i-1].Name >= m.Name {
			t.Fatalf("%s comes after %s", m.Name, all[i-1].Name)
		}
	}
}
