package facts

import (
	"bytes"
	"strings"
)

const (
	// maxReport is the most octets of a report.
	maxReport = 256 << 10
	// maxRecipients is the most groups of fields that are looked at.
	maxRecipients = 500
	// maxAddress is the most octets of an address (RFC 5321 section 4.5.3.1).
	maxAddress = 320
)

// parseReport reads the content of a message/delivery-status part: groups of
// fields with empty lines between them, the first about the message, each
// other about one recipient (RFC 3464 section 2.1). It never fails.
func parseReport(raw []byte) Report {
	h := failedRecipient(raw[:min(len(raw), maxReport)])
	if h == nil {
		return Report{}
	}
	return Report{Status: statusCode(h.First("Status")), Recipient: recipient(h)}
}

// failedRecipient returns the first group whose action is "failed", else the
// first about a recipient: some senders leave the field out.
func failedRecipient(raw []byte) *Header {
	var first *Header
	for range maxRecipients {
		group, rest, ok := nextGroup(raw)
		if !ok {
			break
		}
		raw = rest
		h := ParseHeader(group)
		action := h.First("Action")
		if action == "" && h.First("Status") == "" && recipient(h) == "" {
			continue
		}
		if first == nil {
			first = h
		}
		if hasWord(action, "failed") {
			return h
		}
	}
	return first
}

// nextGroup takes the lines up to the next empty one. White space in a line
// that is otherwise empty is a mistake that is often made.
func nextGroup(raw []byte) (group, rest []byte, ok bool) {
	raw = bytes.TrimLeft(raw, "\r\n \t")
	if len(raw) == 0 {
		return nil, nil, false
	}
	for i := 0; i < len(raw); {
		end := lineEnd(raw, i)
		if len(bytes.TrimSpace(raw[i:end])) == 0 {
			return raw[:i], raw[end:], true
		}
		i = end
	}
	return raw, nil, true
}

// hasWord reports whether a value begins with the word, with or without a
// comment after it.
func hasWord(value, word string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(value), " ")
	return strings.EqualFold(strings.TrimRight(first, "();,"), word)
}

// statusCode takes the code off a Status field, which may have a comment after
// it (RFC 3464 section 2.3.4, RFC 3463 section 2).
func statusCode(value string) string {
	value = strings.TrimSpace(value)
	if end := strings.IndexFunc(value, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }); end >= 0 {
		value = value[:end]
	}
	parts := strings.Split(value, ".")
	if len(parts) != 3 || !strings.Contains("2 4 5", parts[0]) {
		return ""
	}
	for _, p := range parts {
		if p == "" || len(p) > 3 {
			return ""
		}
	}
	return value
}

// recipient returns the address of the group: the one that failed, else the
// one that the sender had written.
func recipient(h *Header) string {
	for _, name := range []string{"Final-Recipient", "Original-Recipient"} {
		value := h.First(name)
		if _, after, ok := strings.Cut(value, ";"); ok {
			value = after
		}
		for _, a := range parseAddresses(value, 1) {
			if a.Address != "" {
				return cutText(a.Address, maxAddress)
			}
		}
	}
	return ""
}
