package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"imapilot/actions"
	"imapilot/actions/smtp"
	"imapilot/actions/webhook"
	"imapilot/engine/config"
	"imapilot/engine/journal"
)

// Forwards and replies are letters: steps that leave the mailbox (outside.go), which
// package actions/smtp builds and hands in. What the message and the rule say of one was
// recorded with the decision; the mail server, its password and the address that it is
// from are taken from the configuration at each attempt.
//
// A message that must not be forwarded fails its step for good: what comes after the
// forward, which may be a trash, is not done. One that must not be answered, or whose
// sender was answered, is done with: that nobody gets two answers is what the rule
// asked for, and what comes after it goes on. Either is told, with the reason.

// sendLetter makes one attempt to send a letter. A stop of the daemon lets it end, within
// the grace: whether a server took a message that was cut off is not known.
func (o *outbox) sendLetter(ctx context.Context, d journal.Delivery, doc outsideDocument, raw []byte) webhook.Result {
	if doc.Action.Letter == nil {
		return webhook.Result{Err: errors.New("the document does not say what to send")}
	}
	server, err := mailServerOf(ctx, o.account.cfg)
	if err != nil {
		return o.pauseLetters(err)
	}
	w := writtenLetter{o.account.cfg, d, *doc.Action.Letter, raw}
	message, envelope, err := w.write(false)
	if err != nil {
		return unwritten(w.kind(), err)
	}
	if err := o.mayNotSend(ctx, d, w.letter); err != nil {
		return webhook.Result{Err: err, Retry: true}
	}
	send := o.account.engine.opts.Mailer
	r := send(ctx, server, envelope, message)
	if errors.Is(r.Err, smtp.ErrEightBit) {
		if message, envelope, err = w.write(true); err != nil {
			return unwritten(w.kind(), err)
		}
		r = send(ctx, server, envelope, message)
	}
	return o.sent(r)
}

// mailServerOf reads the password and the authorities of an account's mail server. Its
// errors show neither.
func mailServerOf(ctx context.Context, a config.Account) (smtp.Server, error) {
	s := a.SMTP
	if s == nil {
		return smtp.Server{}, errors.New("smtp: is not in the configuration any more")
	}
	out := smtp.Server{Host: s.Host, Port: s.Port, TLS: string(s.TLS), Username: s.Username, From: s.From}
	var err error
	if out.Password, err = read(ctx, s.Password); err != nil {
		return out, fmt.Errorf("the password of the mail server: %w", err)
	}
	if out.RootCAs, err = rootsOf(s.CA); err != nil {
		return out, fmt.Errorf("the authority of the mail server: %w", err)
	}
	return out, nil
}

// writtenLetter is what a letter is made of.
type writtenLetter struct {
	account  config.Account
	delivery journal.Delivery
	letter   actions.Letter
	raw      []byte
}

func (w writtenLetter) kind() actions.Kind { return actions.Kind(w.delivery.Endpoint) }

// write builds the message, which is the same in each attempt. Only a forward has octets
// over 127, and can do without.
func (w writtenLetter) write(sevenBit bool) ([]byte, smtp.Envelope, error) {
	d, s := w.delivery, w.account.SMTP
	if w.kind() == actions.Reply {
		return smtp.Reply(w.raw, smtp.Replying{
			ID: d.ID, Account: d.Account, From: s.From, Name: s.Name, At: d.Created, Text: w.letter.Text,
			Addresses: slices.DeleteFunc(slices.Clone(w.account.Addresses), func(a string) bool { return smtp.CheckAddress(a) != nil }), Anyway: w.letter.Anyway,
		})
	}
	return smtp.Forward(w.raw, smtp.Forwarding{
		ID: d.ID, Account: d.Account, From: s.From, Name: s.Name, At: d.Created, To: w.letter.To, Note: note(w.letter.Text),
		Inline: w.letter.Inline, SevenBit: sevenBit, Anyway: w.letter.Anyway,
	})
}

// note is a note with an empty line below it.
func note(text string) string {
	if text == "" {
		return ""
	}
	return strings.TrimRight(text, "\n") + "\n\n"
}

// omitted is why a step is done without anything having been sent.
type omitted struct{ error }

// unwritten is the result of a letter that cannot be written. That a message is not to
// be answered is no failure.
func unwritten(kind actions.Kind, err error) webhook.Result {
	var refusal *smtp.Refusal
	if !errors.As(err, &refusal) {
		return webhook.Result{Err: err}
	}
	if kind == actions.Reply {
		return webhook.Result{Err: omitted{notDone("answered", refusal.Text)}}
	}
	return webhook.Result{Err: notDone("forwarded", refusal.Text)}
}

// notDone says why something was not done, once.
func notDone(what, why string) error {
	return fmt.Errorf("not %s: %s", what, strings.TrimPrefix(why, "this message is not "+what+": "))
}

// maybeSent begins the error of an attempt of which the answer got lost.
const maybeSent = "it may have been sent: "

// sent is what came of an attempt.
func (o *outbox) sent(r smtp.Result) webhook.Result {
	switch {
	case r.Err == nil:
		o.letters.resume()
	case errors.Is(r.Err, smtp.ErrLogin):
		return o.pauseLetters(r.Err)
	case r.Unknown:
		r.Err, r.Retry = fmt.Errorf(maybeSent+"%w", r.Err), true
	}
	return webhook.Result{Status: r.Code, Err: r.Err, Retry: r.Retry}
}

// replySender is whom an answer to a message goes to, as the key by which the journal
// knows that he got one; "" where nobody can be answered.
func replySender(m *candidate) string {
	if m.message.Raw == nil {
		return ""
	}
	key, err := smtp.Sender(m.message.Raw.Data)
	if err != nil {
		return "" // the attempt says why
	}
	return key
}
