package imapsession

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Without makes the session do as if a capability were not announced: for what
// the server announces and then refuses. It sends nothing.
func (s *Session) Without(name string) {
	name = strings.ToUpper(name)
	s.setCapabilities(slices.DeleteFunc(slices.Clone(s.caps.Names), func(n string) bool { return n == name }))
}

// announcedLimit reads MESSAGELIMIT=1000 (RFC 9738 section 3) from a list of
// capabilities; 0 if the server announces no limit.
func announcedLimit(names []string) int {
	for _, name := range names {
		if text, ok := strings.CutPrefix(name, "MESSAGELIMIT="); ok {
			n, _ := strconv.ParseUint(text, 10, 31) // 0, none, if malformed
			return int(n)
		}
	}
	return 0
}

// announcedSize reads APPENDLIMIT=35651584 (RFC 7889 section 3) from a list of
// capabilities; 0 if the server announces no such limit.
func announcedSize(names []string) int64 {
	for _, name := range names {
		if text, ok := strings.CutPrefix(name, "APPENDLIMIT="); ok {
			n, _ := strconv.ParseUint(text, 10, 62) // 0, none, if malformed
			return int64(n)
		}
	}
	return 0
}

// limited cuts sets of UIDs into parts that name no more messages than the
// server allows in one command. n is 0 where it allows any number.
func limited(sets []imap.UIDSet, n int) []imap.UIDSet {
	if n <= 0 {
		return sets
	}
	var out []imap.UIDSet
	for _, set := range sets {
		out = append(out, cut(set, uint64(n))...)
	}
	return out
}

// cut cuts one set into parts of n UIDs.
func cut(set imap.UIDSet, n uint64) []imap.UIDSet {
	var out []imap.UIDSet
	var part imap.UIDSet
	room := n
	for _, r := range set {
		for start := uint64(r.Start); start <= uint64(r.Stop); {
			stop := min(uint64(r.Stop), start+room-1)
			part = append(part, imap.UIDRange{Start: imap.UID(start), Stop: imap.UID(stop)})
			room -= stop - start + 1
			start = stop + 1
			if room == 0 {
				out, part, room = append(out, part), nil, n
			}
		}
	}
	if len(part) > 0 {
		out = append(out, part)
	}
	return out
}

// partly returns the lowest UID that a command was done for, when its error is
// an OK that did only the highest ones of what was asked for: "OK [MESSAGELIMIT
// 1000 23221]" (RFC 9738 section 3). The rest can be asked for below that.
func partly(err error) (lowest imap.UID, ok bool) {
	var e *Error
	if !errors.As(err, &e) || e.Status != "OK" || e.Code != "MESSAGELIMIT" || e.lowest == 0 {
		return 0, false
	}
	return e.lowest, true
}
