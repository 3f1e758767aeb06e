package sqlite

import (
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/journal"
)

func TestParseUIDSet(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "1": "1", "5:3": "3:5", "1:5,7": "1:5,7", "7,1:6": "1:7", "4294967295": "4294967295",
	} {
		got, err := parseUIDSet(text)
		if err != nil || got.String() != want {
			t.Errorf("%q: %q, %v", text, got.String(), err)
		}
	}
	for _, text := range []string{"0", "*", "1:*", "$", "a", "1:", ":1", "1,,2", "1:2:3", "4294967296", "-1", " 1"} {
		if set, err := parseUIDSet(text); err == nil {
			t.Errorf("%q gave %q", text, set.String())
		}
	}
}

// TestLongStatementsDoNotPileUp: what was put together stays prepared, and of what is
// long the last one at most.
func TestLongStatementsDoNotPileUp(t *testing.T) {
	d := open(t)
	for range 2 {
		for _, n := range []int{1, 2, 3, journal.MaxSeqs, journal.MaxSeqs - 1, journal.MaxSeqs - 2, 1, 2, 3} {
			if _, err := d.Entries(t.Context(), journal.Query{Seqs: make([]int64, n)}); err != nil {
				t.Fatal(err)
			}
		}
		long := 0
		for sql := range d.again {
			if len(sql) > journal.MaxSeqs {
				long++
			}
		}
		if n := len(d.again); n < 3 || long > 1 {
			t.Errorf("%d statements stay prepared, %d of them long", n, long)
		}
	}
}

func FuzzParseUIDSet(f *testing.F) {
	for _, s := range []string{"", "1:5,7", "4294967295", "9:1,3", "1:*", "$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, err := parseUIDSet(text)
		if err != nil {
			return
		}
		again, err := parseUIDSet(set.String())
		if err != nil || again.String() != set.String() || again.Dynamic() || set.Contains(imap.UID(0)) {
			t.Errorf("%q is %q, again %q (%v)", text, set.String(), again.String(), err)
		}
	})
}

func FuzzParseHolder(f *testing.F) {
	for _, s := range []string{"", "12 1700000000\n", "12", "-1 5", "1 x", "99999999999999999999 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pid, since := parseHolder(text)
		if pid < 0 || pid == 0 && !since.IsZero() {
			t.Errorf("%q: %d, %v", text, pid, since)
		}
	})
}

func TestParseHolder(t *testing.T) {
	pid, since := parseHolder("12 1700000000\n")
	if pid != 12 || !since.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("%d, %v", pid, since)
	}
}

// TestEntryWithoutActions: whoever reads an entry asks its actions what they are. One
// that another program wrote may lack them.
func TestEntryWithoutActions(t *testing.T) {
	d := open(t)
	if err := d.do(`INSERT INTO account (id, name, epoch, holder, acquired) VALUES (1, 'home', 1, '', 0);
		INSERT INTO entry (account, seq, mailbox, uidvalidity, uid, message_id, received, size, state, acted, rules, decided, updated, body)
		VALUES (1, 1, 'INBOX', 1, 1, '', 0, 0, 'open', 0, '[]', 0, 0, '{"plan":{"items":[{"rule":"r"}]},"steps":[{"action":null,"rule":"r","state":"recorded"}]}')`); err != nil {
		t.Fatal(err)
	}
	got, err := d.Entries(t.Context(), journal.Query{Account: "home"})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if item, step := got[0].Plan.Items[0], got[0].Steps[0]; item.Action.Kind != "" || step.Action.Kind != "" {
		t.Errorf("%+v, %+v", item, step)
	}
}
