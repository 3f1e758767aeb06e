package facts

import (
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-message/mail"
)

func TestAddresses(t *testing.T) {
	addr := func(name, local, domain string) Address {
		a := Address{Name: name, Address: local, Local: local, Domain: domain, ASCII: domain}
		if domain != "" {
			a.Address += "@" + domain
		}
		return a
	}
	ann, bob := addr("Ann", "ann", "example.org"), addr("", "bob", "example.net")
	for _, tt := range []struct {
		in   string
		want []Address
	}{
		{"Ann <ann@example.org>, bob@example.net", []Address{ann, bob}},
		{`"Ann" <ann@EXAMPLE.org> , <bob@example.net>`, []Address{ann, bob}},
		{"ann@example.org (Ann)", []Address{ann}},
		{"(Ann) <ann@example.org>", []Address{ann}},
		{"=?utf-8?q?Ann?= <ann@example.org>", []Address{ann}},
		{`"=?utf-8?q?Ann?=" <ann@example.org>`, []Address{ann}},
		{`"Doe, \"J\" John" <j@x.y>`, []Address{addr(`Doe, "J" John`, "j", "x.y")}},
		{"Doe, John <j@x.y>, bob@example.net", []Address{addr("Doe, John", "j", "x.y"), bob}},
		{`"Ann" ann@example.org`, []Address{ann}},
		{"<ann@example.org, bob@example.net", []Address{addr("", "ann", "example.org"), bob}},
		{`"Ann <ann@example.org>, bob@example.net`, []Address{ann, bob}},
		{"group: ann@example.org, bob@example.net;, c@d", []Address{addr("", "ann", "example.org"), bob, addr("", "c", "d")}},
		{"undisclosed-recipients:;", nil},
		{"a@b..c", []Address{addr("", "a", "b..c")}},
		{"<@relay:a@b>", []Address{addr("", "a", "b")}},
		{`"a b"@c`, []Address{addr("", "a b", "c")}},
		{`x@evil (a@good)`, []Address{addr("a@good", "x", "evil")}},
		{`"a@good" <x@evil>`, []Address{addr("a@good", "x", "evil")}},
		{`a@good <x@evil>`, []Address{addr("a@good", "x", "evil")}},
		{"<a@good> <x@evil>", []Address{addr("<a@good>", "x", "evil")}},
		{"MAILER-DAEMON", []Address{addr("", "MAILER-DAEMON", "")}},
		{"Mail Delivery Subsystem", []Address{{Name: "Mail Delivery Subsystem"}}},
		{"Mail Delivery Subsystem <>", []Address{{Name: "Mail Delivery Subsystem"}}},
		{"Cron Daemon <root>", []Address{addr("Cron Daemon", "root", "")}},
		{"Gr\xfc\xdfe <a@b>", []Address{addr("Grüße", "a", "b")}},
		{`"ann@example.org"`, []Address{addr("", "ann", "example.org")}},
		{`<"ann@example.org">`, []Address{addr("", "ann", "example.org")}},
		{`"ann@example.org" <>`, []Address{{Name: "ann@example.org"}}},
		{`"a @ b"@c`, []Address{addr("", "a @ b", "c")}},
		{"@", []Address{{Name: "@"}}},
		{"<mailto:bob@example.net>", []Address{bob}},
		{"MAILTO:bob@example.net", []Address{bob}},
		{"<@relay,@other:a@b>, bob@example.net", []Address{addr("", "a", "b"), bob}},
		{"ann(work)@example.org", []Address{addr("work", "ann", "example.org")}},
		{"bob @ example.net", []Address{bob}},
		{"root, bob@example.net", []Address{bob}},
		{"Re: Ann <ann@example.org>, bob@example.net", []Address{addr("Re: Ann", "ann", "example.org"), bob}},
		{"group: Ann <ann@example.org>, bob@example.net;", []Address{ann, bob}},
		{"group: bob@example.net, Ann <ann@example.org>", []Address{bob, ann}},
		{"undisclosed-recipients:", nil},
		{"a: b@c, d: e@f;", []Address{addr("", "b", "c"), addr("", "e", "f")}},
		{"a@[IPv6:2001:db8::1], <b@[192.0.2.1]>", []Address{addr("", "a", "[ipv6:2001:db8::1]"), addr("", "b", "[192.0.2.1]")}},
		{"=?iso-8859-1?Q?J=FCrg?=<a@b>", []Address{addr("Jürg", "a", "b")}},
		{"=?utf-8?q?Doe=2C_Ann?= <ann@example.org>, bob@example.net", []Address{addr("Doe, Ann", "ann", "example.org"), bob}},
		{"=?utf-8?q?x=40good_=3Ca=40good=3E?= <x@evil>", []Address{addr("x@good <a@good>", "x", "evil")}},
		{"Ann\r\n <ann@example.org>,\r\n\tbob@example.net", []Address{ann, bob}},
		{"ann@example.org (Ann (\"A, B\") Doe)", []Address{addr(`Ann ("A, B") Doe`, "ann", "example.org")}},
		{"", nil},
		{",,;:<>()", nil},
	} {
		got := ParseHeader([]byte("From: " + tt.in + "\r\n")).Addresses("From")
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q:\n got %+v\nwant %+v", tt.in, got, tt.want)
		}
	}
}

func TestAddressesOfSeveralFieldsAreCapped(t *testing.T) {
	raw := ""
	for range 500 {
		raw += "To: a@b, c@d, e@f\n"
	}
	if n := len(ParseHeader([]byte(raw)).Addresses("to")); n != maxAddresses {
		t.Errorf("%d addresses, want %d", n, maxAddresses)
	}
}

// sameAsLibrary holds the tolerant parser to go-message's strict one wherever
// the strict one understands the list.
func sameAsLibrary(t *testing.T, value string) {
	t.Helper()
	strict, err := mail.ParseAddressList(value)
	if err != nil || len(strict) > maxAddresses {
		return
	}
	got := parseAddresses(value, maxAddresses)
	if len(got) != len(strict) {
		t.Errorf("%q: %d addresses, the strict parser reads %d", value, len(got), len(strict))
		return
	}
	for i, s := range strict {
		at := strings.LastIndexByte(s.Address, '@')
		if want := s.Address[:at] + strings.ToLower(s.Address[at:]); got[i].Address != want {
			t.Errorf("%q: address %q, the strict parser reads %q", value, got[i].Address, s.Address)
		}
	}
}
