package sqlite

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// parseUIDSet reads the text of an [imap.UIDSet] as IMAP writes it
// ("1:5,7", RFC 9051 section 9, sequence-set), without "*". The empty set is
// the empty text.
func parseUIDSet(text string) (imap.UIDSet, error) {
	if text == "" {
		return nil, nil
	}
	var set imap.UIDSet
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, ":")
		if !isRange {
			last = first
		}
		from, err := parseUID(first)
		if err != nil {
			return nil, err
		}
		to, err := parseUID(last)
		if err != nil {
			return nil, err
		}
		set.AddRange(min(from, to), max(from, to))
	}
	return set, nil
}

func parseUID(text string) (imap.UID, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no UID", text)
	}
	return imap.UID(n), nil
}
