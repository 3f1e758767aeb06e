package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// plan is what the limit does: it is the file that it is given.
type plan struct {
	Host           string
	Port           int
	User, Password string
	// Acted are the messages on which it acts, "" for none.
	Acted   string
	Actions []string
}

// plan is the ideal for so many rules: one command a rule, with its UIDs
// known.
func (s shape) plan(at login, rules int) plan {
	p := plan{Host: at.host, Port: at.port, User: at.user, Password: at.password, Acted: s.touchedSet(rules)}
	for i := range rules {
		if moves(i) {
			p.Actions = append(p.Actions, fmt.Sprintf("UID MOVE %s %s", s.uidSet(i), target(i)))
			continue
		}
		p.Actions = append(p.Actions, fmt.Sprintf("UID STORE %s +FLAGS.SILENT (%s)", s.uidSet(i), s.keyword(i)))
	}
	return p
}

const (
	// sees is what rules about senders have to see of each message.
	sees = "UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (From)])"
	// notes is what has to be known of those on which they act, so that they are found
	// again, and shown.
	notes = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (From Subject Message-Id)])"
)

// limit is the fastest that a client can be: it reads what the rules have to
// see without looking at it, and then sends all other commands in one write.
func limit(file string, stdout io.Writer) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var p plan
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	return p.run(stdout)
}

func (p plan) run(stdout io.Writer) error {
	w, err := connect(login{host: p.Host, port: p.Port, user: p.User, password: p.Password})
	if err != nil {
		return err
	}
	began := time.Now()
	err = w.do("SELECT INBOX\n"+sees, nil)
	fmt.Fprintln(stdout, tookWord, time.Since(began))
	if err == nil {
		err = w.do(strings.Join(p.commands(), "\n"), nil)
	}
	return errors.Join(err, w.close())
}

// commands are those that follow from what was seen.
func (p plan) commands() []string {
	out := append(slices.Clone(p.Actions), "LOGOUT")
	if p.Acted != "" {
		out = slices.Insert(out, 0, "UID FETCH "+p.Acted+" "+notes)
	}
	return out
}
