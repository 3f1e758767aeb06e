package smtp

import "strings"

// Sender returns whom a message is from, as a key: the same for every message
// of one sender, in lower case. A caller that answers keeps it with the time,
// so as not to answer one sender twice within days (RFC 3834 section 2). It is
// taken from the address that [Reply] would answer, not from what the message
// shows: whoever writes many names above one return path gets one answer. The
// error is a [Refusal], [NoSender].
func Sender(raw []byte) (string, error) {
	h, _ := readHeader(raw)
	to, err := h.sender()
	if err != nil {
		return "", err
	}
	return to.key(), nil
}

// sender is the address that an automatic answer goes to: what the server noted
// in Return-Path, and where it noted nothing, the first address of From.
// RFC 3834 section 4 would rather have no answer in the second case and the
// server mended; a client cannot mend it, and Exchange is such a server. Never
// Reply-To (the same section), and never anybody where the path is null.
func (h header) sender() (address, error) {
	path, there := h.lookup("Return-Path")
	if there && isNull(path) {
		return address{}, refuse(NoSender, "the sender wants no answer (its Return-Path is empty)")
	}
	from := "From"
	value := h.first(from)
	if there {
		from, value = "Return-Path", path
	}
	if all := addressesIn(value); len(all) > 0 {
		return all[0], nil
	}
	return address{}, refuse(NoSender, "there is no address in %s that can be answered", from)
}

// isNull reports whether a Return-Path has no address: "<>", or nothing.
func isNull(path string) bool {
	return strings.Trim(outsideQuotes(path), "<> \t") == ""
}
