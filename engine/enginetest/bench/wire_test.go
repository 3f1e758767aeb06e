package main

import (
	"slices"
	"strings"
	"testing"
)

func TestFetchedFlags(t *testing.T) {
	for line, want := range map[string]struct {
		uid   int
		flags string
		ok    bool
	}{
		"* 1 FETCH (UID 12 FLAGS (\\Seen $Word))\r\n":    {12, `\Seen $Word`, true},
		"* 1 FETCH (FLAGS (\\Recent $A) UID 7)\r\n":      {7, "$A", true},
		"* 1 FETCH (UID 12 FLAGS ())\r\n":                {12, "", true},
		"* 1 FETCH (FLAGS (\\Seen))\r\n":                 {0, "", false},
		"* 1 FETCH (UID 12)\r\n":                         {0, "", false},
		"* 1 FETCH (UID x FLAGS ())\r\n":                 {0, "", false},
		"* FLAGS (\\Answered)\r\n":                       {0, "", false},
		"Subject: * 1 FETCH (UID 12 FLAGS (\\Seen))\r\n": {0, "", false},
	} {
		uid, flags, ok := fetchedFlags([]byte(line))
		if ok != want.ok || ok && (uid != want.uid || strings.Join(flags, " ") != want.flags) {
			t.Errorf("%q: %d %q %t", line, uid, flags, ok)
		}
	}
}

func TestExists(t *testing.T) {
	for line, want := range map[string]int{"* 23 EXISTS\r\n": 23, "* 0 EXISTS\r\n": 0, "* 23 RECENT\r\n": -1, "* x EXISTS": -1, "23 EXISTS": -1, "t 23 EXISTS": -1} {
		n, ok := exists([]byte(line))
		if !ok {
			n = -1
		}
		if n != want {
			t.Errorf("%q: %d, want %d", line, n, want)
		}
	}
}

// What is read out of a line is in it.
func FuzzLines(f *testing.F) {
	f.Add("* 1 FETCH (UID 12 FLAGS (\\Seen $Word))")
	f.Add("* 23 EXISTS")
	f.Add("t1 UID FETCH 1:* (FLAGS)")
	f.Fuzz(func(t *testing.T, line string) {
		if _, flags, ok := fetchedFlags([]byte(line)); ok {
			if slices.ContainsFunc(flags, func(f string) bool { return !strings.Contains(line, f) || strings.ContainsAny(f, "() ") }) {
				t.Errorf("%q: flags %q", line, flags)
			}
		}
		if n, ok := exists([]byte(line)); ok && (n < 0 && !strings.Contains(line, "-") || !strings.Contains(line, "EXISTS")) {
			t.Errorf("%q: %d", line, n)
		}
		if name := commandName(line); !strings.Contains(strings.Join(strings.Fields(strings.ToUpper(line)), " "), name) {
			t.Errorf("%q: %q", line, name)
		}
	})
}

func TestTally(t *testing.T) {
	counts := newTally()
	counts.write([]byte("T1 LOGIN user secret\r\n"), true)
	counts.write([]byte("T2 uid fetch 1:* (FLAGS)\r\nT3 UID FETCH 1 (UID)\r\n"), true)
	counts.write([]byte("DONE\r\n"), false)
	if got, want := counts.String(), "     2 UID FETCH\n     1 LOGIN\n"; got != want || counts.turns != 2 {
		t.Errorf("%d turns\n%s\nwant\n%s", counts.turns, got, want)
	}
}
