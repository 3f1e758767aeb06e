package facts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// header is a header of these lines.
func header(lines ...string) *Header {
	return ParseHeader([]byte(strings.Join(lines, "\r\n") + "\r\n\r\n"))
}

// texts gives addresses as text.
func shownAddresses(all []Address) string {
	var out []string
	for _, a := range all {
		out = append(out, cmp.Or(a.Address, "nobody"))
	}
	return strings.Join(out, " ")
}

func TestNames(t *testing.T) {
	got := header("From: a@b", "X-A: 1", "x-a: 2", "FROM: c@d", "To: e@f", "not a field").Names()
	if want := []string{"From", "X-A", "To"}; !slices.Equal(got, want) {
		t.Errorf("Names = %q, want %q", got, want)
	}
}

func TestRecipients(t *testing.T) {
	for _, tt := range []struct {
		lines []string
		want  string
	}{
		{[]string{"To: a@x, b@x", "Cc: c@x", "Bcc: d@x", "Delivered-To: e@x"}, "a@x b@x c@x d@x e@x"},
		{[]string{"Delivered-To: e@x", "To: a@x"}, "a@x e@x"},
		{[]string{"To: a@x, Ann <A@X>", "Cc: a@x", "Delivered-To: a@x"}, "a@x"},
		{[]string{"To: a@xn--bcher-kva.example, a@bücher.example"}, "a@bücher.example"},
		{[]string{"Delivered-To: mailing list go@x"}, "go@x"},
		{[]string{"X-Original-To: e@x", "From: f@x"}, ""},
		{[]string{"To: undisclosed recipients"}, ""},
		{[]string{"To: root"}, "root"},
		{nil, ""},
	} {
		if got := shownAddresses(header(tt.lines...).Recipients()); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.lines, got, tt.want)
		}
	}
}

func TestRecipientsAreCappedForEachField(t *testing.T) {
	var lines []string
	for _, name := range []string{"To", "Cc", "Bcc"} {
		line := name + ":"
		for i := range 1500 {
			line += fmt.Sprintf(" %s%d@x,", name, i)
		}
		lines = append(lines, line)
	}
	lines = append(lines, "Delivered-To: me@x")
	got := header(lines...).Recipients()
	if len(got) != 3*maxAddresses+1 || got[len(got)-1].Local != "me" {
		t.Errorf("%d recipients, the last %+v; a long list must not hide where it was delivered", len(got), got[len(got)-1])
	}
}

func TestReplyToSenderAndReturnPath(t *testing.T) {
	h := header("Reply-To: Ann <a@x>, b@x", "Sender: Bot <bot@x>", "Return-Path: <bounce@x>", "Return-Path: <forged@x>")
	if got := shownAddresses(h.ReplyTo()); got != "a@x b@x" {
		t.Errorf("ReplyTo = %q", got)
	}
	if got := h.Sender(); got.Address != "bot@x" || got.Name != "Bot" {
		t.Errorf("Sender = %+v", got)
	}
	for in, want := range map[string]string{
		"<bounce@x>":             "bounce@x",
		"bounce@X":               "bounce@x",
		"<>":                     "",
		"<> (null)":              "",
		"":                       "",
		"< >":                    "",
		"<@relay,@other:a@x>":    "a@x",
		"<MAILER-DAEMON>":        "MAILER-DAEMON",
		`<"a b"@x>`:              "a b@x",
		"<a+tag=b@x> (envelope)": "a+tag=b@x",
		"<a@xn--bcher-kva.test>": "a@bücher.test",
	} {
		if got := header("Return-Path: " + in).ReturnPath(); got != want {
			t.Errorf("ReturnPath(%q) = %q, want %q", in, got, want)
		}
	}
	if got := h.ReturnPath(); got != "bounce@x" {
		t.Errorf("ReturnPath = %q, want the topmost", got)
	}
}

func TestThread(t *testing.T) {
	long := "<" + strings.Repeat("x", 600) + "@y>"
	for _, tt := range []struct {
		lines   []string
		parent  string
		thread  string
		isReply bool
	}{
		{[]string{"In-Reply-To: <a@x>", "References: <r@x> <a@x>"}, "<a@x>", "<r@x> <a@x>", true},
		{[]string{"References: <r@x>", " <a@x>", "\t<b@x>"}, "", "<r@x> <a@x> <b@x>", true},
		{[]string{"References: <r@x><a@x>,<b@x>"}, "", "<r@x> <a@x> <b@x>", true},
		{[]string{"References: <r@x <a@x>"}, "", "<a@x>", true},
		{[]string{"In-Reply-To: Your message of Monday <a@x> and <b@x>"}, "<a@x>", "", true},
		{[]string{"In-Reply-To: Your message of Monday"}, "", "", true},
		{[]string{"In-Reply-To: joe@x wrote this"}, "", "", true},
		{[]string{"In-Reply-To: a@x", "References: r@x a@x"}, "a@x", "r@x a@x", true},
		{[]string{"In-Reply-To: <20260101.1>"}, "<20260101.1>", "", true},
		{[]string{"In-Reply-To: " + long}, long[:maxMessageID], "", true},
		{[]string{"In-Reply-To:", "References: <>"}, "", "", false},
		{[]string{"Subject: Re: no"}, "", "", false},
	} {
		h := header(tt.lines...)
		if got := h.InReplyTo(); got != tt.parent {
			t.Errorf("%q: InReplyTo %q, want %q", tt.lines, got, tt.parent)
		}
		if got := strings.Join(h.References(), " "); got != tt.thread {
			t.Errorf("%q: References %q, want %q", tt.lines, got, tt.thread)
		}
		if got := h.IsReply(); got != tt.isReply {
			t.Errorf("%q: IsReply %v", tt.lines, got)
		}
	}
	if h := header("Message-ID: "+long, "In-Reply-To: "+long); h.MessageID() != h.InReplyTo() {
		t.Error("a long identifier does not equal itself in an answer")
	}
}

func TestReferencesKeepTheBeginningAndTheEnd(t *testing.T) {
	var ids []string
	for i := range 300 {
		ids = append(ids, fmt.Sprintf("<%d@x>", i))
	}
	got := header("References: " + strings.Join(ids, " ")).References()
	if len(got) != maxReferences || got[0] != "<0@x>" || got[1] != "<201@x>" || got[99] != "<299@x>" {
		t.Errorf("%d references from %s, %s to %s", len(got), got[0], got[1], got[len(got)-1])
	}
}

func TestIsAuto(t *testing.T) {
	for line, want := range map[string]bool{
		"Auto-Submitted: auto-replied":                       true,
		"Auto-Submitted: auto-generated (failure)":           true,
		`Auto-Submitted: AUTO-NOTIFIED; owner-email="a@b"`:   true,
		"Auto-Submitted: (a comment) auto-generated":         true,
		"Auto-Submitted: x-new":                              true,
		"Auto-Submitted: no":                                 false,
		"Auto-Submitted: No (a person)":                      false,
		"Auto-Submitted: no; x=y":                            false,
		"Auto-Submitted:":                                    false,
		"Precedence: auto_reply":                             true,
		"Precedence: Auto-Reply":                             true,
		"Precedence: bulk":                                   false,
		"X-Autoreply: yes":                                   true,
		"X-AutoReply: no":                                    false,
		"X-Autorespond: out of office":                       true,
		"X-Auto-Response-Suppress: All":                      false,
		"Subject: Auto: out of office":                       false,
		"Auto-Submitted: no\r\nAuto-Submitted: auto-replied": true,
	} {
		if got := header(line).IsAuto(); got != want {
			t.Errorf("%q: IsAuto = %v", line, got)
		}
	}
}

func TestIsBulk(t *testing.T) {
	for line, want := range map[string]bool{
		"Precedence: bulk":                            true,
		"Precedence: LIST":                            true,
		"Precedence: junk (really)":                   true,
		"Precedence: first-class":                     false,
		"Precedence: auto_reply":                      false,
		"Precedence: first-class\r\nPrecedence: bulk": true,
		"List-Id: <a.b>":                              true,
		"List-Unsubscribe: <https://x>":               true,
		"List-Post: NO":                               true,
		"List-Id:":                                    false,
		"List-Id: \r\nList-ID: <a.b>":                 true,
		"List-Archive: <https://x>":                   false,
		"Feedback-ID: 1.eu-central-1.abc=:AmazonSES":  false,
		"Subject: bulk":                               false,
	} {
		if got := header(line).IsBulk(); got != want {
			t.Errorf("%q: IsBulk = %v", line, got)
		}
	}
}

func TestIsBounce(t *testing.T) {
	for value, want := range map[string]bool{
		`multipart/report; report-type=delivery-status; boundary="x"`:          true,
		`Multipart/Report; boundary="a;b"; REPORT-TYPE="Delivery-Status"`:      true,
		`multipart/report (a report); report-type = delivery-status (really);`: true,
		"multipart/report;\r\n\treport-type=delivery-status;\r\n\tboundary=x":  true,
		`multipart/report; report-type=disposition-notification`:               false,
		`multipart/report; report-type=feedback-report`:                        false,
		`multipart/report; boundary="; report-type=delivery-status"`:           false,
		`multipart/report`: false,
		`multipart/mixed; report-type=delivery-status`: false,
		`message/delivery-status`:                      false,
		``:                                             false,
	} {
		if got := header("Content-Type: " + value).IsBounce(); got != want {
			t.Errorf("%q: IsBounce = %v", value, got)
		}
	}
}

func TestPriority(t *testing.T) {
	for lines, want := range map[string]string{
		"X-Priority: 1":                          "high",
		"X-Priority: 1 (Highest)":                "high",
		"X-Priority: 2":                          "high",
		"X-Priority: 3 (Normal)":                 "normal",
		"X-Priority: 4":                          "low",
		"X-Priority: 5 (Lowest)":                 "low",
		"X-Priority: 0":                          "normal",
		"X-Priority: 10":                         "normal",
		"Importance: High":                       "high",
		"Importance: low":                        "low",
		"Priority: urgent":                       "high",
		"Priority: Non-Urgent":                   "low",
		"X-MSMail-Priority: High":                "high",
		"X-Priority: 3\r\nImportance: high":      "high",
		"X-Priority: 5\r\nImportance: high":      "low",
		"Importance: high\r\nX-Priority: 5":      "low",
		"Priority: urgent\r\nImportance: low":    "low",
		"X-Priority: \r\nX-MSMail-Priority: Low": "low",
		"Subject: 1":                             "normal",
	} {
		if got := header(lines).Priority(); got != want {
			t.Errorf("%q: Priority = %q, want %q", lines, got, want)
		}
	}
}

func TestOwnAddresses(t *testing.T) {
	own := []string{"Me@Example.org", "me@bücher.example", "box+home@example.org", "root", "@example.org", ""}
	for _, tt := range []struct {
		lines          []string
		toMe, onlyToMe bool
		tag            string
	}{
		{[]string{"To: me@example.org"}, true, true, ""},
		{[]string{"To: ME@EXAMPLE.ORG"}, true, true, ""},
		{[]string{"To: me@example.org, you@example.org"}, true, false, ""},
		{[]string{"To: me@example.org", "Cc: you@example.org"}, true, false, ""},
		{[]string{"To: me@example.org", "Bcc: you@example.org"}, true, true, ""},
		{[]string{"To: Me+News@example.org", "Cc: me@example.org"}, true, true, "News"},
		{[]string{"To: me+@example.org"}, true, true, ""},
		{[]string{"To: me+a+b@example.org"}, true, true, "a+b"},
		{[]string{"To: me+a@example.org", "Delivered-To: me+b@example.org"}, true, true, "b"},
		{[]string{"To: me@example.org", "Cc: me+c@example.org"}, true, true, "c"},
		{[]string{"Bcc: me+c@example.org"}, true, false, ""},
		{[]string{"Delivered-To: me+list@example.org", "To: go@lists.example"}, true, false, "list"},
		{[]string{"To: box+home@example.org"}, true, true, ""},
		{[]string{"To: box+home+x@example.org"}, true, true, "x"},
		{[]string{"To: box+work@example.org"}, false, false, ""},
		{[]string{"To: me-news@example.org"}, false, false, ""},
		{[]string{"To: menews@example.org"}, false, false, ""},
		{[]string{"To: +x@example.org"}, false, false, ""},
		{[]string{"To: me@example.org.evil.test"}, false, false, ""},
		{[]string{"To: me@xn--bcher-kva.example"}, true, true, ""},
		{[]string{"To: me+t@BÜCHER.example"}, true, true, "t"},
		{[]string{"To: root"}, true, true, ""},
		{[]string{"To: \"me@example.org\" <you@example.org>"}, false, false, ""},
		{[]string{"To: me@example.org", "Cc: Friends of ours"}, true, false, ""},
		{[]string{"To: me+" + strings.Repeat("x", 300) + "@example.org"}, true, true, ""},
		{[]string{"From: me@example.org"}, false, false, ""},
	} {
		h := header(tt.lines...)
		if got := h.ToMe(own); got != tt.toMe {
			t.Errorf("%q: ToMe = %v", tt.lines, got)
		}
		if got := h.OnlyToMe(own); got != tt.onlyToMe {
			t.Errorf("%q: OnlyToMe = %v", tt.lines, got)
		}
		if got := h.Tag(own); got != tt.tag {
			t.Errorf("%q: Tag = %q, want %q", tt.lines, got, tt.tag)
		}
	}
	if h := header("To: me@example.org"); h.ToMe(nil) || h.OnlyToMe(nil) || h.Tag(nil) != "" {
		t.Error("without own addresses something is to me")
	}
}

// A list that is longer than what is read of it can name others further down.
func TestOnlyToMeOfALongList(t *testing.T) {
	mine := strings.TrimSuffix(strings.Repeat("me@x, ", maxAddresses), ", ")
	if header("To: " + mine + ", you@x").OnlyToMe([]string{"me@x"}) {
		t.Error("OnlyToMe, but the address after the limit is another's")
	}
}

func TestTheNilHeaderHasNothing(t *testing.T) {
	var h *Header
	own := []string{"a@b"}
	if h.Names() != nil || h.Recipients() != nil || h.ReplyTo() != nil || h.Sender() != (Address{}) || h.ReturnPath() != "" ||
		h.InReplyTo() != "" || h.References() != nil || h.IsReply() || h.IsAuto() || h.IsBulk() || h.IsBounce() ||
		h.Unsubscribe() != (Unsubscribe{}) || h.Priority() != "normal" || h.ToMe(own) || h.OnlyToMe(own) || h.Tag(own) != "" ||
		h.ListID() != "" || h.Auth(own).SPF != "none" {
		t.Error("the nil Header has something")
	}
}
