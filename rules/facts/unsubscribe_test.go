package facts

import (
	"strings"
	"testing"
)

func TestUnsubscribe(t *testing.T) {
	const post = "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click"
	for _, tt := range []struct {
		name, lines string
		want        Unsubscribe
	}{
		{"both", "<mailto:u@x?subject=leave>, <https://x/u>", Unsubscribe{"https://x/u", "mailto:u@x?subject=leave", false}},
		{"one click", "<https://x/u>" + post, Unsubscribe{"https://x/u", "", true}},
		{"one click is exact", "<https://x/u>" + strings.ToLower(post), Unsubscribe{"https://x/u", "", false}},
		{"one click and more", "<https://x/u>" + post + "&a=b", Unsubscribe{"https://x/u", "", false}},
		{"one click without TLS", "<http://x/u>" + post, Unsubscribe{"http://x/u", "", false}},
		{"one click by mail", "<mailto:u@x>" + post, Unsubscribe{"", "mailto:u@x", false}},
		{"one click twice", "<https://x/u>" + post + post, Unsubscribe{"https://x/u", "", false}},
		{"two fields", "<https://x/u>\r\nList-Unsubscribe: <https://evil/u>" + post, Unsubscribe{"https://x/u", "", false}},
		{"https before http", "<http://x/1>, <https://x/2>, <https://x/3>", Unsubscribe{"https://x/2", "", false}},
		{"first http", "<http://x/1>, <http://x/2>", Unsubscribe{"http://x/1", "", false}},
		{"case of the scheme", "<HTTPS://x/u>, <MailTo:u@x>", Unsubscribe{"HTTPS://x/u", "MailTo:u@x", false}},
		{"folded inside", "<https://x/a\r\n b>", Unsubscribe{"https://x/ab", "", false}},
		{"comment", "(use this) <https://x/u>", Unsubscribe{"https://x/u", "", false}},
		{"comma inside", "<mailto:a@x,b@x>, <https://x/1,2>", Unsubscribe{"https://x/1,2", "mailto:a@x,b@x", false}},
		{"opened twice", "<https://evil <https://x/u>", Unsubscribe{"https://x/u", "", false}},
		{"never closed", "<https://x/u", Unsubscribe{}},
		{"bare", "https://x/u", Unsubscribe{"https://x/u", "", false}},
		{"encoded word", "=?utf-8?q?=3Chttps=3A//x/u=3E?=", Unsubscribe{"https://x/u", "", false}},
		{"line ends in an encoded word", "=?utf-8?q?=3Cmailto=3Au=40x=0D=0ABcc=3Av=40x=3E?=", Unsubscribe{"", "mailto:u@xBcc:v@x", false}},
		{"control character", "<https://x/\x01u>, <mailto:u\x7f@x>", Unsubscribe{}},
		{"C1 control", "<https://x/\u0085u>", Unsubscribe{}},
		{"bidi control", "<https://x/\u202eu>", Unsubscribe{}},
		{"space that does not break", "<https://x/\u00a0u>", Unsubscribe{}},
		{"quote", `<https://x/"u>`, Unsubscribe{}},
		{"other schemes", "<javascript:alert(1)>, <file:///etc/passwd>, <data:,x>, <ftp://x/u>", Unsubscribe{}},
		{"nothing after the scheme", "<https://>, <http://>, <mailto:>, <https:///path>", Unsubscribe{}},
		{"too long", "<https://x/" + strings.Repeat("a", maxURL) + ">, <https://x/u>", Unsubscribe{"https://x/u", "", false}},
		{"nothing", "", Unsubscribe{}},
	} {
		if got := header("List-Unsubscribe: " + tt.lines).Unsubscribe(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
