package main

import (
	"strings"
	"testing"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// undoneActs has an act of each fate.
func undoneActs(done bool) []engine.Undone {
	list := []engine.Undone{
		{Seq: 14, Subject: "Gophers weekly 411: generics, a long title that has no end and no room", Mailbox: "Lists/go", UID: 9, Back: []string{`remove_flags: [\Seen]`, "move: INBOX"}, State: journal.Done},
		{Seq: 12, Subject: "日本語のニュースレターと、とても長い件名がここにあります", Mailbox: "Lists/日本", UID: 3, Back: []string{"move: INBOX"}, State: journal.Failed, Reason: "move: INBOX: the server refused it"},
		{Seq: 11, Subject: "Invoice 4711", Mailbox: "INBOX", UID: 4711, Back: []string{"remove the copy in Accounting/2026"}, State: journal.Done,
			Cannot: []engine.Unable{{What: "webhook: ci", Why: "what was sent cannot be called back"}, {What: `add_flags: [\Flagged]`, Why: "the flag was changed since"}}},
		{Seq: 8, Subject: "An offer\x1b[2J", Cannot: []engine.Unable{{What: "move: Offers", Why: "it is not in Offers any more"}}},
		{Seq: 7, Subject: "Minutes", Cannot: []engine.Unable{{Why: "undone already"}}},
	}
	for i := range list {
		list[i].Account = "home"
		list[i].Back, list[i].Cannot = append([]string{}, list[i].Back...), append([]engine.Unable{}, list[i].Cannot...)
		if !done {
			list[i].State, list[i].Reason = "", ""
		}
	}
	return list
}

// TestUndoGolden holds what an undo looks like: before it is done and afterwards, at
// 80 columns, in a pipe, and as JSON.
func TestUndoGolden(t *testing.T) {
	for _, tt := range []struct {
		name, columns   string
		json, all, done bool
	}{
		{name: "look", columns: "80", all: true}, {name: "pipe", all: true},
		{name: "done", columns: "80", done: true}, {name: "yes", columns: "120", done: true, all: true}, {name: "json", json: true, done: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("COLUMNS", tt.columns)
			var out strings.Builder
			a := &app{out: &out, err: &out, json: tt.json}
			err := a.printUndone(undoResult{acts: undoneActs(tt.done), Before: 2, done: tt.done}, tt.all)
			if (err != nil) != tt.done {
				t.Errorf("error %v", err)
			}
			golden(t, "testdata/undo/"+tt.name+".golden", out.String())
			if tt.columns == "80" {
				fitsCells(t, "\n"+out.String(), 80)
			}
		})
	}
}

// TestUndoAsks: on a terminal it is shown, and nothing is done without a yes.
func TestUndoAsks(t *testing.T) {
	for typed, letters := range map[string]string{"n\n": "2", "\n": "2", "y\n": "0"} {
		t.Run(strings.TrimSpace(typed), func(t *testing.T) {
			srv := planFolder(t, "rules:\n  - {name: letters, if: 'true', then: [{move: Letters}]}\n", "home")["home"]
			put(t, srv, "INBOX", 1, "A letter", "")
			put(t, srv, "INBOX", 2, "A letter", "")
			if _, code := said(t, "apply --yes"); code != exitOK || holds(t, "Letters") != "2" {
				t.Fatalf("exit code %d", code)
			}
			shown, code := onTerminal(t, typed, "undo", "--rule", "letters")
			if code != exitOK || !strings.Contains(plainText(shown), "Undo 2 acts? [y/N] ") || !strings.Contains(shown, "PUT BACK") {
				t.Errorf("exit code %d:\n%s", code, shown)
			}
			if got := holds(t, "Letters"); got != letters {
				t.Errorf("%s letters are left in their mailbox:\n%s", got, shown)
			}
		})
	}
}

// The last run is one apply, and not the one before it.
func TestUndoOfTheLastRun(t *testing.T) {
	srv := planFolder(t, "rules:\n  - {name: letters, if: 'true', then: [{move: Letters}]}\n", "home")["home"]
	for i := range 2 {
		put(t, srv, "INBOX", i, "A letter", "")
		if out, code := said(t, "apply --yes"); code != exitOK {
			t.Fatal(out)
		}
	}
	for _, left := range []string{"1", "0"} {
		if out, code := said(t, "undo --last-run --yes"); code != exitOK || holds(t, "Letters") != left {
			t.Errorf("exit code %d, %s letters are left:\n%s", code, holds(t, "Letters"), out)
		}
	}
	if out, code := said(t, "undo --last-run --yes"); code != exitUsage {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// TestDaemonUndoesOnlyWhatItKnows: an undo of another version, or of an account that
// the daemon does not have, is refused whole.
func TestDaemonUndoesOnlyWhatItKnows(t *testing.T) {
	undo := undoHandlers(engine.New(&config.Config{}, engine.Options{}))[methodUndo]
	for _, in := range []string{`{"acts": {"home": [1]}}`, `{"acts": {}, "only": 1}`, `[]`} {
		if id, err := undo(t.Context(), []byte(in)); err == nil {
			t.Errorf("%s became job %v", in, id)
		}
	}
}
