package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// senders is how many people write.
const senders = 1000

// shape is what the mailbox and the rules look like. Messages are counted from
// 1, as their UIDs are; senders and rules from 0.
type shape struct {
	messages int
	size     int // octets of a message, about
	// keywords is how many different ones rules set: 26 is all that a maildir
	// can hold.
	keywords int
}

// senderOf is who wrote a message.
func (s shape) senderOf(uid int) int { return (uid - 1) % senders }

// uids are the messages of a sender.
func (s shape) uids(sender int) []int {
	var out []int
	for uid := sender + 1; uid <= s.messages; uid += senders {
		out = append(out, uid)
	}
	return out
}

// uidSet is uids as IMAP writes them.
func (s shape) uidSet(sender int) string {
	var b strings.Builder
	for i, uid := range s.uids(sender) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(uid))
	}
	return b.String()
}

// touchedSet are the messages on which so many rules act, as IMAP writes them.
func (s shape) touchedSet(rules int) string {
	var ranges []string
	for first := 1; rules > 0 && first <= s.messages; first += senders {
		ranges = append(ranges, fmt.Sprintf("%d:%d", first, min(first+rules-1, s.messages)))
	}
	return strings.Join(ranges, ",")
}

// touched is how many messages so many rules act on.
func (s shape) touched(rules int) int {
	n := 0
	for i := range rules {
		n += len(s.uids(i))
	}
	return n
}

// moves reports what a rule does: it moves, or it sets a flag.
func moves(rule int) bool { return rule%2 == 1 }

func target(rule int) string { return fmt.Sprintf("Bench/%d", rule) }

func (s shape) keyword(rule int) string { return fmt.Sprintf("$Bench%d", rule%s.keywords) }

// address is a sender's. No address is a part of another.
func address(sender int) string { return fmt.Sprintf("s%04d@d%03d.example.org", sender, sender) }

// nobody is an address that no message is from.
func nobody(rule int) string { return fmt.Sprintf("n%04d@d%03d.example.net", rule, rule) }

// received is the INTERNALDATE of a message: one a minute.
func received(uid int) time.Time {
	return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(uid) * time.Minute)
}

// message is the text of a message, the same in each run.
func (s shape) message(uid int) string {
	from := s.senderOf(uid)
	at := received(uid).Format(time.RFC1123Z)
	head := fmt.Sprintf("Received: from mail.d%03[1]d.example.org by mx.example.net; %[2]s\r\n"+
		"From: \"Sender %[1]d\" <%[3]s>\r\nTo: Me <me@example.net>\r\nSubject: Message %[4]d of the benchmark\r\n"+
		"Date: %[2]s\r\nMessage-ID: <%[4]d@d%03[1]d.example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n",
		from, at, address(from), uid)
	const line = "What is in a message does not matter here, only that there is something.\r\n"
	return head + strings.Repeat(line, max(1, (s.size-len(head))/len(line)))
}
