package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	inbox = "INBOX"
	filed = "Filed"
)

// store is what all users have.
type store struct {
	mu    sync.Mutex
	users map[string]*user
}

func newStore() *store { return &store{users: map[string]*user{}} }

// of returns a user, who exists from the first login on.
func (s *store) of(name string) *user {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[name]
	if !ok {
		u = &user{name: name, next: map[string]uint32{inbox: 1, filed: 1}, mail: map[string][]message{}}
		s.users[name] = u
	}
	return u
}

func (s *store) all() []*user {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*user
	for _, u := range s.users {
		out = append(out, u)
	}
	return out
}

// message is one message: of its text only what was written into its subject.
type message struct {
	uid  uint32
	word string
	at   time.Time
}

func (m message) header(user string) string {
	return fmt.Sprintf("From: news@example.com\r\nTo: %s@example.org\r\nSubject: file %s\r\nMessage-ID: <%s.%s@example.com>\r\n\r\n", user, m.word, m.word, user)
}

// size is that of the message with a body, which nobody asks for.
func (m message) size(user string) int { return len(m.header(user)) + 900 }

// user is one user's mail, and the sessions that wait for some.
type user struct {
	name string

	mu      sync.Mutex
	next    map[string]uint32
	mail    map[string][]message
	waiting []*session
	// announced is when the last message was announced, took how long it lay there;
	// sent is set while it lies there.
	announced time.Time
	took      time.Duration
	sent      bool
}

// deliver puts a message into INBOX and tells who waits.
func (u *user) deliver(word string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.put(inbox, message{word: word, at: time.Now()})
	u.announced, u.took, u.sent = time.Now(), 0, true
	for _, s := range u.waiting {
		s.push(fmt.Sprintf("* %d EXISTS\r\n", len(u.mail[inbox])))
	}
}

func (u *user) put(mailbox string, m message) uint32 {
	m.uid = u.next[mailbox]
	u.next[mailbox]++
	u.mail[mailbox] = append(u.mail[mailbox], m)
	return m.uid
}

// move files messages, and returns their new UIDs and the sequence numbers that they had,
// each as it was when those before it had left.
func (u *user) move(from, to string, uids []uint32) (moved, into []uint32, gone []int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, uid := range uids {
		i := slices.IndexFunc(u.mail[from], func(m message) bool { return m.uid == uid })
		if i < 0 {
			continue
		}
		m := u.mail[from][i]
		u.mail[from] = slices.Delete(u.mail[from], i, i+1)
		moved, into, gone = append(moved, uid), append(into, u.put(to, m)), append(gone, i+1)
	}
	if u.sent && len(u.mail[inbox]) == 0 {
		u.took, u.sent = time.Since(u.announced), false
	}
	return moved, into, gone
}

// holds returns the messages of a mailbox, by their sequence numbers.
func (u *user) holds(mailbox string) ([]message, uint32) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.mail[mailbox]), u.next[mailbox]
}

// wait has a session told of mail from now on, or no more.
func (u *user) wait(s *session, on bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.waiting = slices.DeleteFunc(u.waiting, func(o *session) bool { return o == s })
	if on {
		u.waiting = append(u.waiting, s)
	}
}

// filing tells how long the last message took, and false while it is not filed.
func (u *user) filing() (time.Duration, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.took, !u.sent
}

// isWaiting reports whether somebody would be told of mail.
func (u *user) isWaiting() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.waiting) > 0
}
