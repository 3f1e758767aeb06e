package smtp

import "strings"

// automatic says how a message shows that a program sent it or that it went to
// many, "" if it does not (RFC 3834 section 2; Precedence and the X- fields are
// what is in use beside it).
func (h header) automatic() string {
	switch {
	case h.says("Auto-Submitted", func(word string) bool { return word != "no" }):
		return "a program sent it (Auto-Submitted)"
	case h.says("Precedence", isBulk):
		return "it went to many (Precedence)"
	case h.isList():
		return "it came through a mailing list or is a newsletter"
	case h.says("X-Autoreply", isYes), h.says("X-Autorespond", isYes):
		return "it is an automatic reply"
	case h.isSuppressed():
		return "its sender asked for no automatic reply"
	case strings.HasPrefix(strings.ToLower(h.first("Content-Type")), "multipart/report"):
		return "it is a report of a mail system"
	}
	return ""
}

// returns reports whether a message is one that must cause no notice of a
// failure: such a notice itself, or an answer. One that is forwarded, returned
// to us and forwarded again would go round for ever.
func (h header) returns() bool {
	path, there := h.lookup("Return-Path")
	return there && isNull(path) ||
		h.says("Auto-Submitted", func(word string) bool { return word != "no" }) ||
		strings.HasPrefix(strings.ToLower(h.first("Content-Type")), "multipart/report")
}

// says reports whether the first word of any field of that name counts.
func (h header) says(name string, counts func(string) bool) bool {
	for _, value := range h.all(name) {
		if word := keyword(value); word != "" && counts(word) {
			return true
		}
	}
	return false
}

// isList reports whether there is a field of RFC 2369 or RFC 2919.
func (h header) isList() bool {
	for _, f := range h {
		if f.value != "" && len(f.name) > 5 && strings.EqualFold(f.name[:5], "List-") {
			return true
		}
	}
	return false
}

func isBulk(word string) bool {
	switch word {
	case "bulk", "list", "junk", "auto_reply", "auto-reply":
		return true
	}
	return false
}

func isYes(word string) bool { return word != "no" && word != "false" && word != "0" }

// isSuppressed reads X-Auto-Response-Suppress of Exchange: a list of the kinds
// of answers that are not wanted.
func (h header) isSuppressed() bool {
	for _, value := range h.all("X-Auto-Response-Suppress") {
		for word := range strings.FieldsFuncSeq(strings.ToLower(value), func(r rune) bool { return r == ',' || r == ' ' }) {
			if word == "all" || word == "oof" || word == "autoreply" {
				return true
			}
		}
	}
	return false
}

// isRobot reports whether no person reads what is sent to an address (RFC 5230
// section 4.6 has most of the names).
func (a address) isRobot() bool {
	local := strings.ToLower(a.local)
	plain := strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	for _, name := range []string{"noreply", "donotreply", "dontreply", "mailerdaemon"} {
		if strings.HasPrefix(plain, name) {
			return true
		}
	}
	switch local {
	case "postmaster", "listserv", "majordomo", "uucp", "mailer", "bounce", "bounces":
		return true
	}
	return strings.HasPrefix(local, "owner-") || strings.HasSuffix(local, "-request") || strings.HasSuffix(local, "-owner") ||
		strings.HasPrefix(local, "bounce+") || strings.HasPrefix(local, "bounces+") ||
		strings.HasPrefix(local, "bounce-") || strings.HasPrefix(local, "bounces-") || strings.HasSuffix(local, "-bounces")
}
