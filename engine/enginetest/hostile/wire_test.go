package hostile

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wire is what the client may say, and nothing beyond: anything that a server
// brought it to say would be here.
type wire struct {
	mailboxes []string // as they are written on the wire, within the quotes
	create    []string // those that a rule may create
	uids      []string // that a rule may act on, of INBOX
}

// judge looks at every line that was sent.
func (w wire) judge(t *testing.T, lines []string) {
	t.Helper()
	for _, line := range lines {
		if why := w.wrong(line); why != "" {
			t.Errorf("it sent %q: %s", line, why)
		}
	}
}

func (w wire) wrong(line string) string {
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "a line is printable ASCII and ends with CRLF"
	}
	if text == "DONE" || text == "AHVzZXIAc2VjcmV0" {
		return ""
	}
	tag, command, _ := strings.Cut(text, " ")
	if !regexp.MustCompile(`^([TI][0-9]+|S1)$`).MatchString(tag) {
		return "it has no tag"
	}
	for _, form := range w.forms() {
		if m := form.re.FindStringSubmatch(command); m != nil {
			return form.check(m[1:])
		}
	}
	return "no such command is ever needed"
}

// form is one kind of command: what it looks like, and what is wrong with its
// arguments.
type form struct {
	re    *regexp.Regexp
	check func(args []string) string
}

func (w wire) forms() []form {
	const (
		mailbox = `("(?:[^"\\]|\\.)*"|[A-Za-z0-9./_-]+)`
		set     = `([0-9:,]+)`
	)
	fine := func([]string) string { return "" }
	known := func(args []string) string { return w.known(args[0]) }
	return []form{
		{regexp.MustCompile(`^(?:CAPABILITY|NOOP|LOGOUT|NAMESPACE|IDLE|UNSELECT|STARTTLS|ID \(.*\)|LOGIN "user" "secret"|AUTHENTICATE PLAIN(?: AHVzZXIAc2VjcmV0)?)$`), fine},
		{regexp.MustCompile(`^LIST "" (?:""|"?\*"?(?: RETURN \([A-Z -]+(?:STATUS \([A-Z ]+\))?\))?)$`), fine},
		{regexp.MustCompile(`^(?:SELECT|EXAMINE) ` + mailbox + `$`), known},
		{regexp.MustCompile(`^STATUS ` + mailbox + ` \([A-Z ]+\)$`), known},
		{regexp.MustCompile(`^(?:CREATE|SUBSCRIBE) ` + mailbox + `$`), func(args []string) string {
			if !slices.Contains(w.create, unquoted(args[0])) {
				return "no rule creates this mailbox"
			}
			return ""
		}},
		{regexp.MustCompile(`^UID SEARCH (?:RETURN \(ALL\) )?[A-Z0-9:*," ()-]+$`), fine},
		{regexp.MustCompile(`^UID FETCH ` + set + ` \([A-Za-z0-9. "\[\]()<>-]+\)$`), fine},
		{regexp.MustCompile(`^UID STORE ` + set + ` [+-]FLAGS(?:\.SILENT)? \([\\$A-Za-z ]+\)$`), func(args []string) string { return w.allowed(args[0]) }},
		{regexp.MustCompile(`^UID EXPUNGE ` + set + `$`), func(args []string) string { return w.allowed(args[0]) }},
		{regexp.MustCompile(`^UID (?:COPY|MOVE) ` + set + ` ` + mailbox + `$`), func(args []string) string {
			if why := w.allowed(args[0]); why != "" {
				return why
			}
			return w.known(args[1])
		}},
	}
}

func (w wire) known(name string) string {
	if !slices.Contains(w.mailboxes, unquoted(name)) {
		return "this mailbox is not one to look into"
	}
	if strings.ContainsAny(name, "*%") && !strings.HasPrefix(name, `"`) {
		return "a name with wildcards that is not quoted"
	}
	return ""
}

func unquoted(name string) string {
	inner, quoted := strings.CutPrefix(name, `"`)
	if !quoted {
		return name
	}
	return strings.TrimSuffix(inner, `"`)
}

func (w wire) allowed(set string) string {
	for _, uid := range strings.FieldsFunc(set, func(r rune) bool { return r == ',' || r == ':' }) {
		if !slices.Contains(w.uids, uid) {
			return "no rule acts on this message"
		}
	}
	return ""
}
