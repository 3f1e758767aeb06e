package imapsession

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

const (
	maxSearchDepth = 20
	maxSearchText  = 1000 // of one string
	// maxSearch leaves room for a set of UIDs beside the other criteria.
	maxSearch = maxCommand - 1000
)

// checkCriteria returns why a search cannot be sent as it is meant: imapclient
// leaves out what it cannot write, and a search that asks for less finds more.
// It returns how long the search is, without the one set at the top that is
// searched in parts.
func checkCriteria(c *imap.SearchCriteria) (length int, err error) {
	if err := checkKeys(c, 0); err != nil {
		return 0, err
	}
	rest := *c
	if inParts(c) {
		rest.UID = nil
	}
	if length = searchLength(&rest); length > maxSearch {
		return 0, fmt.Errorf("%w: the search is %d bytes long, and %d can be sent", errArgument, length, maxSearch)
	}
	return length, nil
}

func inParts(c *imap.SearchCriteria) bool { return len(c.UID) == 1 && !c.UID[0].Dynamic() }

func checkKeys(c *imap.SearchCriteria, depth int) error {
	if depth > maxSearchDepth {
		return fmt.Errorf("%w: the search is nested more than %d deep", errArgument, maxSearchDepth)
	}
	if err := checkStrings(c); err != nil {
		return err
	}
	if err := checkNumbers(c, depth); err != nil {
		return err
	}
	for _, f := range slices.Concat(c.Flag, c.NotFlag) {
		if err := checkSearchFlag(f); err != nil {
			return err
		}
	}
	for _, inner := range nested(c) {
		if err := checkKeys(inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// nested lists what is below NOT and OR.
func nested(c *imap.SearchCriteria) []*imap.SearchCriteria {
	var out []*imap.SearchCriteria
	for i := range c.Not {
		out = append(out, &c.Not[i])
	}
	for i := range c.Or {
		out = append(out, &c.Or[i][0], &c.Or[i][1])
	}
	return out
}

// checkStrings allows ASCII only: another charset is refused by some servers,
// and understood differently by others.
func checkStrings(c *imap.SearchCriteria) error {
	texts := slices.Concat(c.Body, c.Text)
	for _, h := range c.Header {
		if err := checkFields([]string{h.Key}); err != nil {
			return err
		}
		texts = append(texts, h.Value)
	}
	for _, s := range texts {
		switch {
		case len(s) > maxSearchText:
			return fmt.Errorf("%w: a search string is longer than %d bytes", errArgument, maxSearchText)
		case !isPrintableASCII(s):
			return fmt.Errorf("%w: the search string %q is not printable ASCII, and servers differ on anything else", errArgument, printable(s))
		}
	}
	return nil
}

func checkNumbers(c *imap.SearchCriteria, depth int) error {
	if len(c.SeqNum) > 0 || c.ModSeq != nil {
		return fmt.Errorf("%w: a search by sequence number or MODSEQ", errArgument)
	}
	if c.Larger < 0 || c.Smaller < 0 {
		return fmt.Errorf("%w: a search for a negative size", errArgument)
	}
	for _, uids := range c.UID {
		if len(uids) == 0 && (depth > 0 || len(c.UID) > 1) {
			return fmt.Errorf("%w: a search among no UIDs", errArgument)
		}
	}
	for _, at := range []time.Time{c.Since, c.Before, c.SentSince, c.SentBefore} {
		if !at.IsZero() && (at.Year() < 1 || at.Year() > 9999) {
			return fmt.Errorf("%w: a search for a date in the year %d", errArgument, at.Year())
		}
	}
	return nil
}

// checkSearchFlag allows the flags that have a search key of their own, and
// keywords (RFC 9051 section 6.4.4).
func checkSearchFlag(f imap.Flag) error {
	switch f {
	case imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft:
		return nil
	}
	if err := checkFlags([]imap.Flag{f}); err != nil || f[0] == '\\' {
		return fmt.Errorf("%w: %q is no flag that can be searched for", errArgument, f)
	}
	return nil
}

// searchLength is how many bytes criteria take in a command, or a few more.
func searchLength(c *imap.SearchCriteria) int {
	const key = len(" SENTBEFORE ") // the longest
	n := len("ALL")
	for _, at := range []time.Time{c.Since, c.Before, c.SentSince, c.SentBefore} {
		if !at.IsZero() {
			n += key + len(`"31-Dec-2026"`)
		}
	}
	for _, size := range []int64{c.Larger, c.Smaller} {
		if size > 0 {
			n += key + len("9223372036854775807")
		}
	}
	for _, s := range slices.Concat(c.Body, c.Text) {
		n += key + quotedLength(s)
	}
	for _, h := range c.Header {
		n += key + quotedLength(h.Key) + quotedLength(h.Value)
	}
	for _, f := range slices.Concat(c.Flag, c.NotFlag) {
		n += key + len(f)
	}
	for _, uids := range c.UID {
		n += key + len(uids.String())
	}
	for _, inner := range nested(c) {
		n += len(" NOT ()") + searchLength(inner)
	}
	return n
}

// quotedLength is the length of a quoted string and a space.
func quotedLength(s string) int {
	return len(s) + len(`"" `) + strings.Count(s, `"`) + strings.Count(s, `\`)
}
