package facts

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"imapilot/engine/enginetest/corpus"
)

// FuzzHeader begins with the headers of the corpus, where there is one.
func FuzzHeader(f *testing.F) {
	for _, m := range corpus.Seeds(f) {
		end := strings.Index(string(m.Raw), "\n\n")
		if crlf := strings.Index(string(m.Raw), "\r\n\r\n"); crlf >= 0 {
			end = crlf
		}
		f.Add(m.Raw[:max(end, 0)])
	}
	f.Fuzz(func(t *testing.T, raw []byte) { check(t, ParseHeader(raw)) })
}

// check asserts what holds for every header, whatever was in it.
func check(t *testing.T, h *Header) {
	t.Helper()
	texts := []string{h.Subject(), h.ListID(), h.ListName(), h.ListTitle(), h.ReturnPath(), h.Priority()}
	texts = append(texts, h.Names()...)
	for _, name := range h.Names() {
		texts = append(texts, h.Values(name)...)
		for _, a := range h.Addresses(name) {
			texts = append(texts, checkAddress(t, a)...)
		}
	}
	texts = append(texts, checkThread(t, h)...)
	texts = append(texts, checkRecipients(t, h)...)
	texts = append(texts, checkUnsubscribe(t, h.Unsubscribe())...)
	texts = append(texts, checkAuth(t, h)...)
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\n") {
			t.Errorf("unclean text %q", s)
		}
	}
	h.Sent()
	h.IsAuto()
	h.IsBulk()
	h.IsBounce()
}

func checkAddress(t *testing.T, a Address) []string {
	t.Helper()
	if a.Domain != "" && a.Address != a.Local+"@"+a.Domain {
		t.Errorf("address %+v is not local@domain", a)
	}
	if (a.Domain == "") != (a.ASCII == "") || UnicodeDomain(a.ASCII) != a.Domain {
		t.Errorf("address %+v has two domains", a)
	}
	return []string{a.Name, a.Address, a.Local, a.Domain, a.ASCII}
}

func checkThread(t *testing.T, h *Header) []string {
	t.Helper()
	ids := h.References()
	if len(ids) > maxReferences {
		t.Errorf("%d references", len(ids))
	}
	if (len(ids) > 0 || h.InReplyTo() != "") && !h.IsReply() {
		t.Error("it names a message that it answers and is no reply")
	}
	ids = append(ids, h.MessageID(), h.InReplyTo())
	for _, id := range ids {
		if len(id) > maxMessageID {
			t.Errorf("an identifier of %d octets", len(id))
		}
	}
	return ids
}

func checkRecipients(t *testing.T, h *Header) []string {
	t.Helper()
	all := h.Recipients()
	if len(all) > 4*maxAddresses || len(h.ReplyTo()) > maxAddresses {
		t.Errorf("%d recipients", len(all))
	}
	var out []string
	seen := map[string]bool{}
	for _, a := range all {
		if seen[a.Address] {
			t.Errorf("%q is there twice", a.Address)
		}
		seen[a.Address] = true
		// Who is the recipient gets the message.
		own := []string{a.Address}
		if a.Local != "" && !h.ToMe(own) {
			t.Errorf("the message is not to %q", a.Address)
		}
		out = append(out, checkAddress(t, a)...)
		if tag := h.Tag(own); len(tag) > maxTag {
			t.Errorf("a tag of %d octets", len(tag))
		}
		if h.OnlyToMe(own) && !h.ToMe(own) {
			t.Errorf("only to %q and not to it", a.Address)
		}
		if len(out) > 100 { // each costs a look at all others
			break
		}
	}
	return append(out, checkAddress(t, h.Sender())...)
}

func checkUnsubscribe(t *testing.T, u Unsubscribe) []string {
	t.Helper()
	for _, s := range []string{u.URL, u.Mailto} {
		if len(s) > maxURL || strings.ContainsFunc(s, unicode.IsControl) || strings.ContainsAny(s, " <>\"") {
			t.Errorf("unclean address %q", s)
		}
	}
	if u.OneClick && !strings.HasPrefix(strings.ToLower(u.URL), "https://") {
		t.Errorf("one click at %q", u.URL)
	}
	return []string{u.URL, u.Mailto}
}

func checkAuth(t *testing.T, h *Header) []string {
	t.Helper()
	var out []string
	for _, v := range h.raw("Authentication-Results") {
		a := h.Auth([]string{authservID(segments(v)[0])})
		for _, word := range []string{a.SPF, a.DKIM, a.DMARC} {
			if word == "" || len(word) > maxResult || word != resultWord(word) {
				t.Errorf("result %q", word)
			}
		}
		if len(a.Domains) > maxDomains || slices.Contains(a.Domains, "") {
			t.Errorf("domains %q", a.Domains)
		}
		if a.SPF != "pass" && a.DKIM != "pass" && a.DMARC != "pass" && a.Domains != nil {
			t.Errorf("nothing passed, but %q are verified", a.Domains)
		}
		out = append(append(out, a.Domains...), a.SPF, a.DKIM, a.DMARC)
		if len(out) > 1000 {
			break
		}
	}
	return out
}

// typical is what a newsletter over a list comes with.
func typical() *Header {
	return header(
		"Return-Path: <bounces+123-me=example.org@mail.example.com>", "Delivered-To: me+news@example.org",
		"Received: from a.example.com by mx.example.org with ESMTPS id 1; Mon, 2 Jan 2006 15:04:05 +0000",
		"Authentication-Results: mx.example.org; dkim=pass header.d=example.com header.s=s1 header.b=Abc/def=; spf=pass (mx.example.org: domain of bounces@mail.example.com designates 192.0.2.1 as permitted sender) smtp.mailfrom=bounces@mail.example.com; dmarc=pass (p=REJECT) header.from=example.com",
		"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1; h=From:To:Subject; bh=abc; b="+strings.Repeat("Abcdefgh", 40),
		"From: Example News <news@example.com>", "To: Me <me+news@example.org>, You <you@example.net>", "Cc: list@lists.example.com",
		"Reply-To: answers@example.com", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= of the week", "Date: Mon, 2 Jan 2006 15:04:05 +0000",
		"Message-ID: <1234567890@mail.example.com>", "In-Reply-To: <1@mail.example.com>", "References: <0@mail.example.com> <1@mail.example.com>",
		"MIME-Version: 1.0", `Content-Type: multipart/alternative; boundary="b1"`, "Precedence: list", "X-Priority: 3",
		"List-Id: News <news.lists.example.com>", "List-Unsubscribe: <mailto:leave@example.com>, <https://example.com/leave/abc>",
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click", "X-Mailer: Example 1.0",
	)
}

// BenchmarkHeaderFacts asks for all that a header can tell.
func BenchmarkHeaderFacts(b *testing.B) {
	h, own, trusted := typical(), []string{"me@example.org"}, []string{"mx.example.org"}
	for b.Loop() {
		h.Names()
		h.Recipients()
		h.ReplyTo()
		h.Sender()
		h.ReturnPath()
		h.InReplyTo()
		h.References()
		h.IsReply()
		h.IsAuto()
		h.IsBulk()
		h.IsBounce()
		h.Unsubscribe()
		h.Priority()
		h.Auth(trusted)
		h.ToMe(own)
		h.OnlyToMe(own)
		h.Tag(own)
	}
}

func BenchmarkAuth(b *testing.B) {
	h, trusted := typical(), []string{"mx.example.org"}
	for b.Loop() {
		h.Auth(trusted)
	}
}

func BenchmarkRecipients(b *testing.B) {
	h := typical()
	for b.Loop() {
		h.Recipients()
	}
}

func BenchmarkUnicodeDomain(b *testing.B) {
	for name, s := range map[string]string{"ascii": "ann@mail.example.org", "international": "ann@xn--bcher-kva.example"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				UnicodeDomain(s)
			}
		})
	}
}
