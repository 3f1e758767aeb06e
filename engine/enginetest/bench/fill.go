package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"time"
)

// atOnce is how many messages one APPEND delivers (RFC 3502).
const atOnce = 1000

// fill delivers all messages into an INBOX, and warms its caches: what each
// contender asks of a message is asked once, so that Dovecot keeps it.
func (s shape) fill(at login) error {
	w, err := connect(at)
	if err != nil {
		return err
	}
	for uid := 1; uid <= s.messages && err == nil; uid += atOnce {
		err = s.deliver(w, uid, min(uid+atOnce, s.messages+1))
	}
	if err == nil {
		err = s.warm(w)
	}
	return errors.Join(err, w.close())
}

// deliver appends the messages from first to the one before end.
func (s shape) deliver(w *wire, first, end int) error {
	w.sent++
	out := bufio.NewWriterSize(w.conn, 256<<10)
	fmt.Fprintf(out, "t%d APPEND INBOX", w.sent)
	for uid := first; uid < end; uid++ {
		text := s.message(uid)
		fmt.Fprintf(out, " \"%s\" {%d+}\r\n%s", received(uid).Format("02-Jan-2006 15:04:05 -0700"), len(text), text)
	}
	fmt.Fprint(out, "\r\n")
	if err := out.Flush(); err != nil {
		return err
	}
	return w.await(w.sent, "APPEND", nil)
}

func (s shape) warm(w *wire) error {
	const own = `UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ("From" "Message-ID" "Subject" "Date" "To" "Cc" "References" "In-Reply-To")])`
	err := w.do("SELECT INBOX\n"+own+"\n"+sees+"\nUID FETCH 1:* "+notes+"\nUID SEARCH FROM \""+nobody(0)+"\"\nLOGOUT", nil)
	if err != nil {
		return fmt.Errorf("warming the caches: %w", err)
	}
	return nil
}

// createTargets makes the mailboxes that so many rules move to.
func createTargets(at login, rules int) error {
	var commands []string
	for i := range rules {
		if moves(i) {
			commands = append(commands, "CREATE "+target(i))
		}
	}
	w, err := connect(at)
	if err != nil {
		return err
	}
	return errors.Join(w.do(strings.Join(append(commands, "LOGOUT"), "\n"), nil), w.close())
}

// original makes the user whose mail the copies for so many rules are copies
// of.
func (b *benchmark) original(rules int) (string, error) {
	name := fmt.Sprintf("rules%d", rules)
	if err := b.server.clone(filled, name); err != nil {
		return "", err
	}
	return name, createTargets(b.server.as(name), rules)
}

// filled is the user whose INBOX was filled.
const filled = "filled"

func (b *benchmark) fill() error {
	began := time.Now()
	if err := b.shape.fill(b.server.as(filled)); err != nil {
		return err
	}
	fmt.Fprintf(b.log, "filled INBOX with %d messages in %s\n", b.shape.messages, time.Since(began).Round(100*time.Millisecond))
	return nil
}
