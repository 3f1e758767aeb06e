package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

const (
	// maxLevel is the most characters of a value inside a mailbox name or flag.
	maxLevel = 64
	// maxMailbox is the most octets of a mailbox name.
	maxMailbox = 255
)

var (
	errEmptyValue = errors.New("the value is empty, so there is no name to make of it")
	errLongName   = fmt.Errorf("the name is longer than %d octets", maxMailbox)
)

// levelOf makes a value from a message fit for one level of a mailbox name.
// Whatever separates levels on some server ("/", "." and "\"), the wildcards of
// LIST, and control, format and bidirectional characters become "_", so that
// no message can choose a place outside the level that the rule gives it.
func levelOf(value string, first bool) (string, error) {
	value = cut(strings.Map(levelRune, strings.TrimSpace(value)))
	switch {
	case value == "":
		return "", errEmptyValue
	case first && strings.ContainsRune("#~", rune(value[0])):
		// Servers give both a meaning at the start (RFC 9051 section 5.1).
		value = "_" + value[1:]
	}
	return value, nil
}

func levelRune(r rune) rune {
	if strings.ContainsRune(`/.\%*`, r) || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
		return '_'
	}
	return r
}

// cut keeps the first maxLevel characters.
func cut(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxLevel {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

// mailbox gives the target of an action. A role, or INBOX, can only be meant
// by the user, so a value that looks like one is made different.
func (t template) mailbox(r *run) (string, error) {
	name, err := t.fill(r, levelOf)
	if err != nil {
		return "", err
	}
	if len(name) > maxMailbox {
		return "", errLongName
	}
	if t.parts[0].program == nil {
		return name, nil
	}
	head, rest, deep := strings.Cut(name, "/")
	if strings.EqualFold(head, "INBOX") {
		head += "_"
	}
	head = strings.ReplaceAll(head, ":", "_")
	if deep {
		head += "/" + rest
	}
	return head, nil
}

// flag gives a flag of add_flags or remove_flags.
func (t template) flag(r *run) (imap.Flag, error) {
	name, err := t.fill(r, keywordOf)
	return imap.Flag(name), err
}

// keywordOf makes a value fit for a keyword. It can never be a system flag,
// because the backslash of one is no character of an atom.
func keywordOf(value string, _ bool) (string, error) {
	value = cut(strings.TrimSpace(value))
	if value == "" {
		return "", errEmptyValue
	}
	return strings.Map(func(r rune) rune {
		if !isAtomRune(r) {
			return '_'
		}
		return r
	}, value), nil
}

// isAtomRune is ATOM-CHAR of RFC 9051 section 9, which flag keywords are made of.
func isAtomRune(r rune) bool {
	return r > ' ' && r < 0x7f && !strings.ContainsRune(`(){%*"\]`, r)
}

// hasFlag compares flags without case (RFC 9051 section 2.3.2).
func hasFlag(flags []imap.Flag, name string) bool {
	for _, f := range flags {
		if strings.EqualFold(string(f), name) {
			return true
		}
	}
	return false
}

// systemFlag gives a literal flag as it is spelled in RFC 9051 section 2.3.2,
// or says what is wrong with it.
func systemFlag(name string, adding bool) (flag imap.Flag, message, hint string) {
	known := []string{`\Seen`, `\Answered`, `\Flagged`, `\Draft`, `\Deleted`}
	for _, k := range known {
		if !strings.EqualFold(k, name) {
			continue
		}
		if adding && k == `\Deleted` {
			return "", `\Deleted cannot be added: any client may then remove the message for ever`, "use trash, or expunge"
		}
		return imap.Flag(k), "", ""
	}
	if strings.EqualFold(name, `\Recent`) {
		return "", `\Recent belongs to the server`, ""
	}
	return "", fmt.Sprintf("%q is not a system flag", name), cmpOr(didYouMean(name, known), "a keyword of your own has no backslash")
}

// literalFlag checks a flag that is written out.
func literalFlag(name string, adding bool) (flag imap.Flag, message, hint string) {
	switch {
	case strings.HasPrefix(name, `\`):
		return systemFlag(name, adding)
	case name == "":
		return "", "the flag is empty", ""
	case len(name) > maxLevel:
		return "", fmt.Sprintf("the flag is longer than %d characters", maxLevel), ""
	case strings.ContainsFunc(name, func(r rune) bool { return !isAtomRune(r) }):
		return "", fmt.Sprintf("%q cannot be a keyword", name), `keywords have no spaces, no quotes, and none of ( ) { % * \ ]`
	}
	for _, system := range []string{`\Seen`, `\Answered`, `\Flagged`, `\Draft`, `\Deleted`} {
		if strings.EqualFold(system[1:], name) {
			return imap.Flag(name), fmt.Sprintf("%q is a keyword of its own", name), "did you mean " + system + "?"
		}
	}
	return imap.Flag(name), "", ""
}

// literalMailbox checks the literal parts of a target.
func literalMailbox(name string, whole bool) (message, hint string) {
	switch {
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) }) || !utf8.ValidString(name):
		return "the mailbox name has a control character in it", ""
	case strings.ContainsAny(name, "%*"):
		return "a target is one mailbox: % and * cannot be part of its name", ""
	case strings.HasPrefix(strings.ToLower(name), "role:"):
		return literalRole(name, whole)
	case strings.Contains(name, "//"):
		return "the mailbox name has an empty level", `"/" separates levels`
	case len(name) > maxMailbox:
		return errLongName.Error(), ""
	case !whole:
		return "", ""
	case name == "":
		return "the mailbox name is empty", ""
	case strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/"):
		return "the mailbox name has an empty level", `"/" separates levels`
	case strings.TrimSpace(name) != name:
		return "the mailbox name begins or ends with a space", ""
	default:
		return "", ""
	}
}

// CheckMailbox says what is wrong with the name of a mailbox that mail is to be
// moved to and that is written out, "" if nothing is.
func CheckMailbox(name string) (message, hint string) { return literalMailbox(name, true) }

// literalRole checks a role in the place of a target.
func literalRole(name string, whole bool) (message, hint string) {
	role, spelled := strings.CutPrefix(name, "role:")
	const all = "a target can be role:archive, role:junk, role:trash, role:sent or role:drafts"
	switch {
	case !whole:
		return "a role cannot hold ${}", "a message must not choose where it is filed"
	case spelled && slices.Contains(targetRoles(), role):
		return "", ""
	case spelled && slices.Contains(roles(), role):
		return fmt.Sprintf("nothing can be filed in role:%s: the server shows there what is in other mailboxes", role), all
	default:
		return fmt.Sprintf("there is no role %q", name), cmpOr(didYouMean(name, prefixed(targetRoles())), all)
	}
}

// targetRoles are the roles of mailboxes that mail can be filed in. The others are
// views of what is elsewhere (RFC 6154 section 2).
func targetRoles() []string { return []string{"archive", "junk", "trash", "sent", "drafts"} }

func prefixed(roles []string) []string {
	var out []string
	for _, role := range roles {
		out = append(out, "role:"+role)
	}
	return out
}

// targetMailbox is the mailbox that a target names, by its name or its role.
func targetMailbox(target string) Mailbox {
	if role, ok := strings.CutPrefix(target, "role:"); ok {
		return Mailbox{Role: role}
	}
	return Mailbox{Name: canonicalMailbox(target)}
}

// sameMailbox compares names as servers do: INBOX without case (RFC 9051
// section 5.1), every other name exactly.
func sameMailbox(a, b string) bool {
	return a == b || strings.EqualFold(a, "INBOX") && strings.EqualFold(b, "INBOX")
}

// canonicalMailbox spells INBOX one way.
func canonicalMailbox(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

// Mailbox is a mailbox that messages are in.
type Mailbox struct {
	// Name is in configuration spelling: "/" between levels.
	Name string
	// Role is "junk", "trash", "archive", "sent", "drafts", "flagged", "all" (RFC 6154), or "".
	Role string
}

// roles are the names that can follow "role:".
func roles() []string {
	return []string{"junk", "trash", "archive", "sent", "drafts", "flagged", "all"}
}

// Match reports whether a pattern of "in" or "watch" names the mailbox: its
// name, a pattern in which "*" stands for any text, levels included, and "?"
// for one character, or "role:" and its role.
func (m Mailbox) Match(pattern string) bool {
	if role, ok := strings.CutPrefix(pattern, "role:"); ok {
		return m.Role != "" && m.Role == role
	}
	if strings.ContainsAny(pattern, "*?") {
		return globMatch(pattern, m.Name)
	}
	return sameMailbox(pattern, m.Name)
}

// headerNeeds are the fields that the engine needs of every message: to tell
// it from others and to show it.
func headerNeeds() []string { return []string{"From", "Message-Id", "Subject"} }

// webhookNeeds are the fields that the document of a webhook tells besides.
func webhookNeeds() Needs { return fromHeader("Date", "To") }
