package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// verify looks at what so many rules left behind: every message is where it
// belongs, once, and has the keyword it should have and no other flag.
func (s shape) verify(at login, rules int) error {
	w, err := connect(at)
	if err != nil {
		return err
	}
	err = s.verifyInbox(w, rules)
	for i := 0; i < rules && err == nil; i++ {
		if moves(i) {
			err = s.verifyTarget(w, i)
		}
	}
	return errors.Join(err, w.close())
}

func (s shape) verifyInbox(w *wire, rules int) error {
	seen := make([]bool, s.messages+1)
	var wrong error
	err := w.do("EXAMINE INBOX\nUID FETCH 1:* (FLAGS)", func(line []byte) {
		uid, flags, ok := fetchedFlags(line)
		switch {
		case !ok || wrong != nil:
		case uid < 1 || uid > s.messages || seen[uid]:
			wrong = fmt.Errorf("INBOX has a message with the UID %d", uid)
		default:
			seen[uid] = true
			wrong = s.wrongFlags(uid, rules, flags)
		}
	})
	if err := errors.Join(err, wrong); err != nil {
		return err
	}
	for uid := 1; uid <= s.messages; uid++ {
		if sender := s.senderOf(uid); seen[uid] == (sender < rules && moves(sender)) {
			return fmt.Errorf("message %d: in INBOX is %t", uid, seen[uid])
		}
	}
	return nil
}

// wrongFlags says what is wrong with the flags of a message in INBOX.
func (s shape) wrongFlags(uid, rules int, flags []string) error {
	want := ""
	if sender := s.senderOf(uid); sender < rules && !moves(sender) {
		want = s.keyword(sender)
	}
	if got := strings.Join(flags, " "); got != want {
		return fmt.Errorf("message %d has the flags %q, want %q", uid, got, want)
	}
	return nil
}

// verifyTarget expects all messages of a sender in the mailbox, and no other.
func (s shape) verifyTarget(w *wire, rule int) error {
	count, strangers := -1, 0
	err := w.do(fmt.Sprintf("EXAMINE %s\nUID SEARCH NOT FROM %q", target(rule), address(rule)), func(line []byte) {
		if n, ok := exists(line); ok {
			count = n
		}
		if uids, ok := bytes.CutPrefix(line, []byte("* SEARCH")); ok {
			strangers = len(bytes.Fields(uids))
		}
	})
	if err != nil {
		return err
	}
	if want := len(s.uids(rule)); count != want || strangers > 0 {
		return fmt.Errorf("%s has %d messages, %d of others; want %d and none", target(rule), count, strangers, want)
	}
	return nil
}

// exists reads "* 23 EXISTS".
func exists(line []byte) (int, bool) {
	words := bytes.Fields(line)
	if len(words) != 3 || string(words[0]) != "*" || string(words[2]) != "EXISTS" {
		return 0, false
	}
	n, err := strconv.Atoi(string(words[1]))
	return n, err == nil
}

// fetchedFlags reads "* 12 FETCH (UID 12 FLAGS (\Seen $Word))", in either
// order. \Recent is no flag that a client sets.
func fetchedFlags(line []byte) (uid int, flags []string, ok bool) {
	_, rest, ok := strings.Cut(string(line), " FETCH (")
	if !ok || !strings.HasPrefix(string(line), "* ") {
		return 0, nil, false
	}
	_, list, ok := strings.Cut(rest, "FLAGS (")
	if !ok {
		return 0, nil, false
	}
	list, _, ok = strings.Cut(list, ")")
	if !ok {
		return 0, nil, false
	}
	_, number, ok := strings.Cut(rest, "UID ")
	if !ok {
		return 0, nil, false
	}
	for _, f := range strings.Fields(list) {
		if f != `\Recent` {
			flags = append(flags, f)
		}
	}
	uid, err := strconv.Atoi(number[:len(number)-len(strings.TrimLeft(number, "0123456789"))])
	return uid, flags, err == nil
}
