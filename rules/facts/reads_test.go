package facts

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"imapilot/engine/enginetest/corpus"
)

// answers ask a header everything that it can be asked without a field's name.
func answers() map[string]func(*Header) any {
	own := []string{"mikel@test.lindsaar.net", "kijitora@example.jp", "neko@example.jp", "me@example.org"}
	trusted := []string{"mx.google.com", "mx.example.org"}
	return map[string]func(*Header) any{
		"Auth":        func(h *Header) any { return h.Auth(trusted) },
		"InReplyTo":   func(h *Header) any { return h.InReplyTo() },
		"IsAuto":      func(h *Header) any { return h.IsAuto() },
		"IsBounce":    func(h *Header) any { return h.IsBounce() },
		"IsBulk":      func(h *Header) any { return h.IsBulk() },
		"IsReply":     func(h *Header) any { return h.IsReply() },
		"ListID":      func(h *Header) any { return h.ListID() },
		"ListName":    func(h *Header) any { return h.ListName() },
		"ListTitle":   func(h *Header) any { return h.ListTitle() },
		"MessageID":   func(h *Header) any { return h.MessageID() },
		"OnlyToMe":    func(h *Header) any { return h.OnlyToMe(own) },
		"Priority":    func(h *Header) any { return h.Priority() },
		"Recipients":  func(h *Header) any { return h.Recipients() },
		"References":  func(h *Header) any { return h.References() },
		"ReplyTo":     func(h *Header) any { return h.ReplyTo() },
		"ReturnPath":  func(h *Header) any { return h.ReturnPath() },
		"Sender":      func(h *Header) any { return h.Sender() },
		"Sent":        func(h *Header) any { return h.Sent() },
		"Subject":     func(h *Header) any { return h.Subject() },
		"Tag":         func(h *Header) any { return h.Tag(own) },
		"ToMe":        func(h *Header) any { return h.ToMe(own) },
		"Unsubscribe": func(h *Header) any { return h.Unsubscribe() },
	}
}

// fieldsRead takes the fields that each method says that it reads out of its
// comment, where a sentence begins with "It reads".
func fieldsRead(t *testing.T) map[string][]string {
	t.Helper()
	says := regexp.MustCompile(`It\s+reads\s+([\w\s,-]+)\.`)
	words := regexp.MustCompile(`[\w-]+`)
	out := map[string][]string{}
	for _, f := range parseSources(t) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			if m := says.FindStringSubmatch(fn.Doc.Text()); m != nil {
				out[fn.Name.Name] = slices.DeleteFunc(words.FindAllString(m[1], -1), func(w string) bool { return w == "and" })
			}
		}
	}
	return out
}

func parseSources(t *testing.T) []*ast.File {
	t.Helper()
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var out []*ast.File
	for _, n := range names {
		if !strings.HasSuffix(n.Name(), ".go") || strings.HasSuffix(n.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), n.Name(), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// only is the header with these fields, as a server gives it that was asked for
// them.
func only(h *Header, names []string) *Header {
	out := &Header{}
	for _, f := range h.fields {
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, f.name) }) {
			out.fields = append(out.fields, f)
		}
	}
	return out
}

// samples have every field that decides something, each in a header where it
// alone decides.
func samples() []*Header {
	var out []*Header
	for _, s := range []string{
		"To: me+a@example.org", "Cc: me+a@example.org", "Bcc: me@example.org", "Delivered-To: me+a@example.org",
		"Subject: a", "Message-ID: <a@b>", "Date: Mon, 2 Jan 2006 15:04:05 +0000", "List-ID: a <b.c>",
		"Reply-To: a@b", "Sender: a@b", "Return-Path: <a@b>", "In-Reply-To: <a@b>", "References: <a@b>",
		"Auto-Submitted: auto-replied", "Precedence: bulk", "Precedence: auto_reply", "X-Autoreply: yes", "X-Autorespond: yes",
		"List-Unsubscribe: <https://x>", "List-Unsubscribe: <https://x>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click", "List-Post: NO",
		"X-Priority: 1", "Importance: high", "Priority: urgent", "X-MSMail-Priority: high",
		"Authentication-Results: mx.example.org; spf=pass", "Content-Type: multipart/report; report-type=delivery-status",
	} {
		out = append(out, ParseHeader([]byte(s)))
	}
	return out
}

// The engine asks the server only for the fields that a comment names, so each
// method must answer from these alone, and none may be asked for in vain.
func TestMethodsReadExactlyTheFieldsThatTheySay(t *testing.T) {
	read := fieldsRead(t)
	headers := samples()
	for _, m := range corpus.Messages(t) {
		headers = append(headers, ParseHeader(m.Raw))
	}
	for name, ask := range answers() {
		fields := read[name]
		if len(fields) == 0 {
			t.Errorf("the comment of %s does not say what it reads", name)
		}
		for _, h := range headers {
			if whole, part := ask(h), ask(only(h, fields)); !reflect.DeepEqual(whole, part) {
				t.Errorf("%s: %v of %v, but %v of all", name, part, fields, whole)
			}
		}
		for i, f := range fields {
			without := slices.Delete(slices.Clone(fields), i, i+1)
			if !slices.ContainsFunc(headers, func(h *Header) bool { return !reflect.DeepEqual(ask(h), ask(only(h, without))) }) {
				t.Errorf("%s never needs %s", name, f)
			}
		}
	}
}

// A header that remembers gives every answer that the other one gives, in any
// order and however often it is asked.
func TestRemembering(t *testing.T) {
	headers := samples()
	for _, m := range corpus.Messages(t) {
		headers = append(headers, ParseHeader(m.Raw))
	}
	var room Header
	for _, h := range headers {
		for _, in := range []*Header{{}, &room, &room} {
			remembering := h.RememberIn(in)
			for range 2 {
				for name, ask := range answers() {
					if got, want := ask(remembering), ask(h); !reflect.DeepEqual(got, want) {
						t.Errorf("%s: %v, want %v", name, got, want)
					}
				}
			}
			remembering.Forget()
		}
	}
	if (*Header)(nil).RememberIn(&Header{}) != nil {
		t.Error("no header became an empty one: nothing would be missing any more")
	}
}

// A header that is read where another one was is like any other.
func TestParseAfterAnother(t *testing.T) {
	var h Header
	for _, m := range corpus.Messages(t) {
		h.Parse(m.Raw)
		if want := ParseHeader(m.Raw); !slices.Equal(h.fields, want.fields) || h.cut != want.cut || h.long != want.long || h.remembers {
			t.Errorf("%s: %+v, want %+v", m.Name, h, want)
		}
	}
	h.Parse(nil)
	if len(h.fields) != 0 || h.cut {
		t.Errorf("%+v", h)
	}
}

func TestRememberingReadsOnce(t *testing.T) {
	h := ParseHeader([]byte("To: a@example.org, b@example.org")).RememberIn(&Header{})
	first := h.Addresses("To")
	if second := h.Addresses("To"); &first[0] != &second[0] {
		t.Error("the addresses were read again")
	}
	if cap(first) != len(first) {
		t.Error("whoever appends to the addresses writes into what is remembered")
	}
	words := ParseHeader([]byte("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=")).RememberIn(&Header{})
	if words.First("subject") != "Grüße" {
		t.Errorf("%q", words.First("subject"))
	}
	if n := testing.AllocsPerRun(10, func() { words.First("Subject") }); n != 0 {
		t.Errorf("the subject was decoded again: %v allocations", n)
	}
}

func TestEveryMethodIsAsked(t *testing.T) {
	named := []string{"Addresses", "First", "Names", "Values", "RememberIn", "Parse", "Forget", "Cut", "CutFirst", "Crowded", "All"} // these read what they are told to, or nothing
	all := answers()
	for m := range reflect.TypeFor[*Header]().Methods() {
		if all[m.Name] == nil && !slices.Contains(named, m.Name) {
			t.Errorf("%s is not in answers", m.Name)
		}
	}
}
