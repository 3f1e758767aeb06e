package sim

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/url"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-msgauth/dkim"

	"imapilot/actions/attachment"
	"imapilot/actions/webhook"
	"imapilot/engine/enginetest/model"
)

// saveFiles is the disk that attachments are saved to. A file is there once, however
// often it is saved.
func (w *World) saveFiles(_ context.Context, f attachment.Folder, raw io.Reader, _ attachment.Want) (attachment.Result, error) {
	full := &attachment.Error{Op: "saving", Subject: "a", Temporary: true, Err: attachment.ErrFull}
	m, err := netmail.ReadMessage(raw)
	if err != nil {
		return attachment.Result{}, err
	}
	subject := m.Header.Get("Subject")
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead || w.hookStrikes() {
		return attachment.Result{}, full
	}
	w.saved = append(w.saved, call{f.Path + "/" + subject, fmt.Sprintf("%q", subject)})
	return attachment.Result{Files: []attachment.File{{Name: subject, Size: 1}}}, nil
}

// hookStrikes reports whether what is outside fails now; the caller holds the mutex.
func (w *World) hookStrikes() bool {
	return slices.ContainsFunc(w.faults, func(f *armed) bool { return f.Kind.area() == hooks && f.strikes() })
}

// leave is the list that mail is from. It is asked at an address that names the message.
func (w *World) leave(to webhook.Endpoint, id string) webhook.Result {
	at, err := url.Parse(to.URL)
	if err != nil || to.Egress != webhook.Confined {
		w.problems = append(w.problems, fmt.Sprintf("%s is called, %v", to.URL, err))
		return webhook.Result{Err: errors.New("no address")}
	}
	w.left = append(w.left, call{id, fmt.Sprintf("%q", at.Query().Get("about"))})
	return webhook.Result{Status: 200}
}

// listKey signs the mail of the list.
func listKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte("the lists of the simulated world"))
}

// LookupTXT is the DNS of the list.
func (w *World) LookupTXT(_ context.Context, name string) ([]string, error) {
	if name != "key._domainkey.lists.example.com" {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	public := listKey().Public().(ed25519.PublicKey)
	return []string{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)}, nil
}

// news delivers mail of the list, which offers to leave it and is signed.
func news(subjects ...string) func(w *World) {
	return func(w *World) {
		for _, s := range subjects {
			id := strings.ReplaceAll(s, " ", ".") + "@lists.example.com"
			raw, err := signedNews(s, id)
			if err != nil {
				w.problem("%v", err)
				return
			}
			w.Deliver("INBOX", model.Letter{Subject: s, MessageID: id, Raw: raw})
		}
	}
}

func signedNews(subject, id string) ([]byte, error) {
	raw := "From: news@lists.example.com\r\nTo: me@example.org\r\nSubject: " + subject + "\r\nMessage-ID: <" + id + ">\r\n" +
		"List-Unsubscribe: <https://lists.example.com/u?about=" + url.QueryEscape(subject) + ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nNews.\r\n"
	var out bytes.Buffer
	err := dkim.Sign(&out, strings.NewReader(raw), &dkim.SignOptions{Domain: "lists.example.com", Selector: "key", Signer: listKey(),
		HeaderKeys: []string{"From", "To", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post"}})
	return out.Bytes(), err
}

// outlet is what a verb asks for, and what became of it.
type outlet struct {
	verb string
	of   *[]call
}

func (w *World) outlets() []outlet { return []outlet{{"save", &w.saved}, {"leave", &w.left}} }

// notDoneFor says what was not done for a group, or as more than one.
func (w *World) notDoneFor(group []*letter) (out []string) {
	for _, o := range w.outlets() {
		want := 0
		for _, l := range group {
			if l.wants(o.verb) {
				want++
			}
		}
		if got := len(w.ids(group[0].Subject, o.of)); got < want || got > want && !w.renumberedAndRestored() {
			out = append(out, fmt.Sprintf("%q: %s happened %d times with ids of their own, want %d", group[0].Subject, o.verb, got, want))
		}
	}
	return out
}

// movedEarly: no rule of ours moves a message for which something else was not done.
func (w *World) movedEarly(group []*letter, all []model.Place) (out []string) {
	l := group[0]
	if !l.wants("move") || slices.ContainsFunc(group, func(l *letter) bool { return l.touched }) {
		return nil
	}
	moved := 0
	for _, p := range all {
		if p.Subject == l.Subject && p.Mailbox == "Moved" && !p.Has(imap.FlagDeleted) {
			moved++
		}
	}
	for _, o := range w.outlets() {
		if did := len(w.ids(l.Subject, o.of)); l.wants(o.verb) && moved > did {
			out = append(out, fmt.Sprintf("%q: %d were moved, and %s happened %d times", l.Subject, moved, o.verb, did))
		}
	}
	return out
}

// leaving is mail whose attachments are saved, and whose lists are left, before it is
// moved.
func leaving() []Scenario {
	return []Scenario{{
		Name: "attachments", Sparse: 5,
		Acts: []Act{then(bystanders), then(mail("1 save copy move", "2 save")), then(mail("3 save program hook flag move"))},
	}, {
		Name: "lists", Sparse: 5,
		Acts: []Act{then(bystanders), then(news("1 leave move", "2 leave")), then(news("3 leave save program move"))},
	}}
}
