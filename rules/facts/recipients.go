package facts

import "strings"

// Recipients returns everyone that the header says the message went to, each
// address once, without its case: at most 1,000 of each field. It reads To, Cc,
// Bcc and Delivered-To.
//
// Delivered-To is what names the mailbox when the message came by Bcc or over
// a list. X-Original-To is left out: it stands beside a Delivered-To and holds
// the address before aliases were followed, often one that many people share.
func (h *Header) Recipients() []Address {
	var out []Address
	seen := map[string]bool{}
	for _, name := range []string{"To", "Cc", "Bcc", "Delivered-To"} {
		for _, a := range h.Addresses(name) {
			key := strings.ToLower(a.Address)
			if key != "" && !seen[key] {
				seen[key] = true
				out = append(out, a)
			}
		}
	}
	return out
}

// ReplyTo returns where the author wants the answers (RFC 5322 section 3.6.2),
// at most 1,000 addresses. Without any, answers go to From. It reads Reply-To.
func (h *Header) ReplyTo() []Address { return h.Addresses("Reply-To") }

// Sender returns who sent the message for its author (RFC 5322 section 3.6.2),
// the zero Address if that is not said: then it is the author. It reads Sender.
func (h *Header) Sender() Address {
	if list := h.Addresses("Sender"); len(list) > 0 {
		return list[0]
	}
	return Address{}
}

// ReturnPath returns the address that bounces go to, as the server that
// delivered the message noted it (RFC 5321 section 4.4), without brackets. It
// is "" for the null path <>, and if there is none. Only the topmost field
// counts: the server puts its own above all that came with the message. It
// reads Return-Path.
func (h *Header) ReturnPath() string {
	for _, a := range parseAddresses(h.first("Return-Path"), 1) {
		return a.Address
	}
	return ""
}
