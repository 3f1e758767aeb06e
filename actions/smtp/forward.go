package smtp

import (
	"fmt"
	"strings"
	"time"
)

// Forwarding says how a message is forwarded.
type Forwarding struct {
	// ID is the same for every attempt, and another for every forwarding.
	ID string
	// Account names the account, the same in every message of it.
	Account string
	// From is the account's own address, Name what stands before it, if
	// anything.
	From, Name string
	// To are the recipients, 1 to 100, of the configuration.
	To []string
	// At is the Date of the new message.
	At time.Time
	// Note stands above the message, at most 64 KiB of UTF-8; it may be empty.
	Note string
	// Inline shows the message as part of the new one, in place of attaching
	// it as a file.
	Inline bool
	// Anyway forwards also what is bulk or automatic.
	Anyway bool
	// SevenBit builds a message without octets over 127, for a server that
	// answered [ErrEightBit].
	SevenBit bool
	// MaxReceived is the hop limit; 0 is [MaxReceived].
	MaxReceived int
}

// Forward builds a new message, from the account, that holds the one given. The
// error is a [Refusal] where it must not be forwarded.
//
// Nothing in it is lost: what cannot be sent as a message (a line over 998
// octets, a bare CR, a NUL) is attached as a file of type
// application/octet-stream, every octet as it was. Otherwise its line ends
// become CRLF.
//
// The reverse-path is the account's, or the null one where the message is
// itself a notice of a failure or automatic: if it cannot be delivered either,
// the next notice would be forwarded in its turn.
//
// That a recipient wrote the message is no reason to refuse: no RFC says so
// (RFC 3834 is about answers; RFC 5228 section 4.2 wants loops to be detected),
// people forward their own notes to another address of theirs, and From proves
// nothing. The marks end what goes round.
func Forward(raw []byte, f Forwarding) ([]byte, Envelope, error) {
	o, err := newOrigin(f.ID, f.Account, f.From, f.Name, f.At)
	if err != nil {
		return nil, Envelope{}, err
	}
	to, err := f.recipients()
	if err != nil {
		return nil, Envelope{}, err
	}
	h, body := readHeader(raw)
	if err := f.check(raw, h, o); err != nil {
		return nil, Envelope{}, err
	}
	e := Envelope{From: f.From, To: f.To}
	if h.returns() {
		e.From = ""
	}
	c := &composer{}
	o.write(c, "forward", to, prefixed("Fwd:", h, "fwd:", "fw:")...)
	if refs := h.references(); len(refs) > 0 {
		c.field("References", refs...)
	}
	c.field("Auto-Submitted", "auto-forwarded")
	c.writeMarks(h, o)
	// A boundary that depends on all of the message cannot be in it.
	c.mixed(digest("boundary", f.ID, string(raw)), f.Note+h.summary(), f.part(raw, h, body))
	out, err := c.bytes()
	return out, e, err
}

func (f Forwarding) recipients() ([]address, error) {
	if len(f.To) == 0 || len(f.To) > maxRecipients {
		return nil, fmt.Errorf("there are %d recipients; 1 to %d can be", len(f.To), maxRecipients)
	}
	var out []address
	for _, s := range f.To {
		a, err := parseAddress(s)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// check returns why the message is not forwarded.
func (f Forwarding) check(raw []byte, h header, o origin) error {
	if err := checkText(f.Note); err != nil {
		return err
	}
	if len(raw) > MaxMessage {
		return refuse(TooBig, "this message has %d bytes; at most %d are forwarded", len(raw), MaxMessage)
	}
	most := f.MaxReceived
	if most == 0 {
		most = MaxReceived
	}
	if n := len(h.all("Received")); n > most {
		return refuse(Hops, "this message went through %d servers; it is taken for one that goes round beyond %d", n, most)
	}
	if err := h.loops(o); err != nil || f.Anyway {
		return err
	}
	if why := h.automatic(); why != "" {
		return refuse(Automatic, "this message is not forwarded: %s", why)
	}
	if h.returns() {
		return refuse(Automatic, "this message is not forwarded: its sender wants nothing returned (its Return-Path is empty)")
	}
	return nil
}

// summary is what a reader sees of the message above it.
func (h header) summary() string {
	var out strings.Builder
	out.WriteString("---------- Forwarded message ----------\n")
	for _, name := range []string{"From", "Date", "Subject", "To", "Cc"} {
		if value := decodeText(h.first(name)); value != "" {
			out.WriteString(name + ": " + value + "\n")
		}
	}
	return out.String()
}
