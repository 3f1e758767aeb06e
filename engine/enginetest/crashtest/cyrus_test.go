package crashtest

import (
	"bytes"
	"slices"
	"testing"

	"imapilot/engine/enginetest/corpus"
	"imapilot/engine/enginetest/imaptest"
)

// taken returns the messages as a server takes them. Cyrus refuses bare line
// ends, NUL and header lines without a name: what a mail transport repairs is
// repaired, and the rest is left out.
func taken(t *testing.T, srv *imaptest.Server, messages []corpus.Message) []corpus.Message {
	t.Helper()
	if srv.Software != imaptest.CyrusServer {
		return messages
	}
	var out []corpus.Message
	for _, m := range messages {
		raw := repair(m.Raw)
		if wellFormed(raw) {
			out = append(out, corpus.Message{Name: m.Name, Raw: raw})
		}
	}
	if left := len(messages) - len(out); left > len(messages)/100 {
		t.Fatalf("Cyrus would take all but %d of %d messages", left, len(messages))
	}
	return out
}

func repair(raw []byte) []byte {
	for _, r := range [][2]string{{"\r\n", "\n"}, {"\r", "\n"}, {"\n", "\r\n"}, {"\x00", ""}} {
		raw = bytes.ReplaceAll(raw, []byte(r[0]), []byte(r[1]))
	}
	return raw
}

// wellFormed reports whether each line of the header is a field or goes on with
// one (RFC 5322 section 2.2). The first line of an mbox may stand before them.
func wellFormed(raw []byte) bool {
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for i, line := range bytes.Split(header, []byte("\r\n")) {
		name, _, field := bytes.Cut(line, []byte(":"))
		odd := slices.ContainsFunc(name, func(c byte) bool { return c <= ' ' || c > '~' })
		goesOn := bytes.HasPrefix(line, []byte(" ")) || bytes.HasPrefix(line, []byte("\t"))
		mbox := i == 0 && bytes.HasPrefix(line, []byte("From "))
		if !goesOn && !mbox && (!field || len(name) == 0 || odd) {
			return false
		}
	}
	return true
}
