package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const someRules = 4

// testServer is a Dovecot with one filled user, and the targets of the rules.
func testServer(t *testing.T) (*dovecot, shape) {
	t.Helper()
	d, err := startDovecot(t.Context(), "", "sdbox")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.stop(); err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(d.dir) // what is left lies in a temporary folder
	})
	s := smallShape()
	if err := s.fill(d.as(filled)); err != nil {
		t.Fatal(err)
	}
	if err := createTargets(d.as(filled), someRules); err != nil {
		t.Fatal(err)
	}
	return d, s
}

// TestContenders lets the limit and imapilot's engine work on copies, and looks
// at the original afterwards.
func TestContenders(t *testing.T) {
	d, s := testServer(t)
	for name, work := range map[string]func(t *testing.T, at login) error{
		"limit":    func(t *testing.T, at login) error { return runLimit(t, s.plan(at, someRules)) },
		"imapilot": func(t *testing.T, at login) error { return runEngine(t, s, at) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := d.clone(filled, name); err != nil {
				t.Fatal(err)
			}
			if err := work(t, d.as(name)); err != nil {
				t.Fatal(err)
			}
			if err := s.verify(d.as(name), someRules); err != nil {
				t.Error(err)
			}
			if err := s.verify(d.as(filled), 0); err != nil {
				t.Error("the original:", err)
			}
		})
	}
}

func runLimit(t *testing.T, p plan) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plan.json")
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	return dispatch(context.Background(), []string{asLimit, file}, io.Discard, io.Discard)
}

func runEngine(t *testing.T, s shape, at login) error {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "imapilot.yaml")
	text := s.yamlConfig(at, filepath.Join(dir, "imapilot.db"), someRules, address)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	counts, written := newTally(), &commits{}
	if err := pass(t.Context(), path, counts, written); err != nil {
		return err
	}
	if counts.commands["UID MOVE"] == 0 || counts.turns == 0 || written.count == 0 {
		t.Errorf("counted %d turns, %d commits, and\n%s", counts.turns, written.count, counts)
	}
	return nil
}

// TestWrongResults does everything right but one thing, and expects to be told.
func TestWrongResults(t *testing.T) {
	d, s := testServer(t)
	for name, c := range map[string]struct{ and, want string }{
		"another keyword":   {"UID STORE 1 +FLAGS ($Other)", "message 1 has the flags"},
		"a keyword too few": {"UID STORE 3 -FLAGS ($Bench2)", "message 3 has the flags"},
		"only marked":       {`UID STORE 5 +FLAGS (\Deleted)`, "message 5 has the flags"},
		"not moved":         {"UID COPY 5 INBOX", "INBOX has a message with the UID 2001"},
		"gone":              {"UID MOVE 5 Elsewhere", "message 5: in INBOX is false"},
		"moved to another":  {"UID MOVE 5 Bench/1", "message 5: in INBOX is false"},
		"copied to another": {"UID COPY 5 Bench/1", "Bench/1 has 3 messages, 1 of others"},
		"a copy too few":    {"SELECT Bench/3\nUID STORE 1 +FLAGS (\\Deleted)\nEXPUNGE", "Bench/3 has 1 messages"},
		"exchanged":         {"UID COPY 5 Bench/1\nSELECT Bench/1\nUID STORE 1 +FLAGS (\\Deleted)\nEXPUNGE", "Bench/1 has 2 messages, 1 of others"},
	} {
		t.Run(name, func(t *testing.T) {
			user := strings.ReplaceAll(name, " ", "")
			if err := d.clone(filled, user); err != nil {
				t.Fatal(err)
			}
			w, err := connect(d.as(user))
			if err != nil {
				t.Fatal(err)
			}
			right := strings.Join(s.plan(d.as(user), someRules).Actions, "\n")
			if err := w.do("CREATE Elsewhere\nSELECT INBOX\n"+right+"\n"+c.and+"\nLOGOUT", nil); err != nil {
				t.Fatal(err)
			}
			_ = w.close() // the server has closed it
			if err := s.verify(d.as(user), someRules); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// A rule that was not applied leaves its messages in INBOX.
func TestVerifyMissesAMove(t *testing.T) {
	d, s := testServer(t)
	if err := s.verify(d.as(filled), 2); err == nil || !strings.Contains(err.Error(), "message 1 has the flags") {
		t.Errorf("nothing done: %v", err)
	}
	w, err := connect(d.as(filled))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.do("SELECT INBOX\n"+s.plan(d.as(filled), 1).Actions[0], nil); err != nil {
		t.Fatal(err)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if err := s.verify(d.as(filled), 2); err == nil || !strings.Contains(err.Error(), "message 2: in INBOX is true") {
		t.Errorf("a move too few: %v", err)
	}
}

// A command that is refused is an error: a limit that did less than all would
// be too fast.
func TestRefusedIsAnError(t *testing.T) {
	d, _ := testServer(t)
	w, err := connect(d.as(filled))
	if err != nil {
		t.Fatal(err)
	}
	err = w.do("SELECT INBOX\nUID MOVE 1 Nowhere\nNOOP", nil)
	if err == nil || !strings.Contains(err.Error(), "UID MOVE 1 Nowhere: NO") {
		t.Errorf("%v", err)
	}
}
