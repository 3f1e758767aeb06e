package imapsession

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

// What goes into a command is checked here, before a byte of it is sent:
// imapclient writes CR and LF as they come, which would end the command and
// begin another one.

const (
	maxMailboxName = 1000
	maxFieldNames  = 200
	maxFieldText   = 4000
	// maxCommand keeps a command line under the 8192 bytes that a server must
	// take (RFC 7162 section 4), with room for its other words.
	maxCommand = 7000
)

var errArgument = errors.New("it cannot be sent")

// checkMailbox returns why a mailbox name cannot be part of a command.
func checkMailbox(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: the mailbox name is empty", errArgument)
	case len(name) > maxMailboxName:
		return fmt.Errorf("%w: the mailbox name is longer than %d bytes", errArgument, maxMailboxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: the mailbox name is not UTF-8", errArgument)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("%w: the mailbox name holds a control character", errArgument)
	}
	return nil
}

// checkSecret returns why a user name or password cannot be sent.
func checkSecret(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%w: the %s is empty", errArgument, what)
	case len(s) > 4096:
		return fmt.Errorf("%w: the %s is longer than 4096 bytes", errArgument, what)
	case strings.ContainsAny(s, "\r\n\x00"):
		return fmt.Errorf("%w: the %s holds a line break or a NUL", errArgument, what)
	}
	return nil
}

// checkToken returns why a text is no OAuth2 access token (RFC 6750 section 2.1): it
// must not end the field that it stands in.
func checkToken(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%w: the token is empty", errArgument)
	case len(s) > maxToken:
		return fmt.Errorf("%w: the token is longer than %d bytes", errArgument, maxToken)
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%w: the token holds what no token does: a space, a control character or one beyond ASCII", errArgument)
	}
	return nil
}

// checkFlags returns why flags cannot be stored.
func checkFlags(flags []imap.Flag) error {
	for _, f := range flags {
		name := strings.TrimPrefix(string(f), `\`)
		if name == "" || len(f) > 200 || strings.ContainsFunc(name, notAtom) || strings.EqualFold(string(f), `\Recent`) {
			return fmt.Errorf("%w: %q is no flag that can be set", errArgument, f)
		}
	}
	return nil
}

// notAtom reports whether a character cannot be part of an atom (RFC 9051
// section 9, atom-specials).
func notAtom(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]`, r) }

// checkFields returns why header field names cannot be asked for: each is
// printable ASCII without a colon (RFC 5322 section 2.2).
func checkFields(fields []string) error {
	if len(fields) == 0 || len(fields) > maxFieldNames {
		return fmt.Errorf("%w: %d header fields, where 1 to %d can be asked for", errArgument, len(fields), maxFieldNames)
	}
	for _, f := range fields {
		if f == "" || len(f) > 100 || strings.ContainsFunc(f, func(r rune) bool { return r == ':' || notAtom(r) }) {
			return fmt.Errorf("%w: %q is no header field name", errArgument, f)
		}
	}
	if n := len(strings.Join(fields, "")); n > maxFieldText {
		return fmt.Errorf("%w: the header field names make %d bytes, and %d can be sent", errArgument, n, maxFieldText)
	}
	return nil
}

// split cuts a set into sets whose text fits a command line beside other
// arguments of that many bytes.
func split(uids imap.UIDSet, others int) ([]imap.UIDSet, error) {
	if uids.Dynamic() {
		return nil, fmt.Errorf(`%w: an open set of UIDs, with a "*"`, errArgument)
	}
	var out []imap.UIDSet
	var part imap.UIDSet
	length := 0
	for _, r := range uids {
		n := len((imap.UIDSet{r}).String()) + 1
		if length > 0 && length+n > maxCommand-others {
			out, part, length = append(out, part), nil, 0
		}
		part, length = append(part, r), length+n
	}
	if len(part) > 0 {
		out = append(out, part)
	}
	return out, nil
}
