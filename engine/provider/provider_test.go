package provider

import (
	"slices"
	"strings"
	"testing"
)

func TestOfIsConservative(t *testing.T) {
	for _, c := range []struct {
		facts Facts
		want  string
	}{
		{Facts{}, ""},
		{Facts{Host: "imap.example.org", Capabilities: []string{"IMAP4REV1", "IDLE", "MOVE"}, Greeting: "ready"}, ""},
		{Facts{Host: "imap.gmail.com"}, "Gmail"},
		{Facts{Host: "IMAP.Gmail.com."}, "Gmail"},
		{Facts{Host: "evil-imap.gmail.com.example.org"}, ""},
		{Facts{Host: "ximap.gmail.com"}, ""},
		{Facts{Host: "notzoho.com"}, ""},
		{Facts{Host: "imappro.zoho.com"}, "Zoho"},
		{Facts{Host: "proxy.corp.example", Capabilities: []string{"x-gm-ext-1"}}, "Gmail"},
		{Facts{Host: "mail.corp.example", Name: "Microsoft.Exchange.Imap4.Imap4Server"}, "Exchange"},
		{Facts{Host: "mail.corp.example", Greeting: "The Microsoft Exchange IMAP4 service is ready."}, "Exchange"},
		{Facts{Host: "p42-imap.mail.me.com"}, "iCloud"},
		{Facts{Host: "home.me.com"}, ""},
		{Facts{Greeting: "IMAP4rev1 imapgate-1.8.1_01.20166 imap1012.mail.ir2.yahoo.com"}, "Yahoo"},
		{Facts{Host: "imap.aol.com"}, "Yahoo"},
		{Facts{Host: "mail.example.cn", Capabilities: []string{"X-CM-EXT-1"}}, "163"},
		{Facts{Name: "Coremail Imap", Vendor: "Mailtech"}, "163"},
		{Facts{Host: "imap.126.com"}, "163"},
		{Facts{Host: "imap.exmail.qq.com"}, "QQ"},
		{Facts{Host: "127.0.0.1", Name: "Proton Mail Bridge", Vendor: "Proton AG"}, "Proton Bridge"},
		{Facts{Host: "127.0.0.1", Vendor: "Proton AG"}, "Proton Bridge"},
		{Facts{Host: "localhost", Greeting: "Courier-IMAP ready. Copyright 1998-2018 Double Precision, Inc."}, "Courier"},
		{Facts{Name: "Zimbra"}, "Zimbra"},
		{Facts{Name: "Dovecot"}, "Dovecot"},
		{Facts{Greeting: "Dovecot ready."}, "Dovecot"},
		// What is announced counts before what is said, and that before the host.
		{Facts{Host: "imap.gmail.com", Name: "Dovecot"}, "Dovecot"},
		{Facts{Host: "imap.qq.com", Name: "Dovecot", Capabilities: []string{"X-GM-EXT-1"}}, "Gmail"},
	} {
		if got := Of(c.facts).Name; got != c.want {
			t.Errorf("%+v is %q, want %q", c.facts, got, c.want)
		}
	}
}

// TestEveryRowIsWhole: each line of the table says why and from where, in texts that fit
// a page, and can be matched.
func TestEveryRowIsWhole(t *testing.T) {
	sources := []string{Documented, Default, Captured, Reported}
	names := map[string]bool{}
	for _, r := range table() {
		p := r.profile
		if p.Name == "" || names[p.Name] || len(p.Quirks) == 0 {
			t.Errorf("%q: no name, a second time, or without quirks", p.Name)
		}
		names[p.Name] = true
		for _, word := range append(append(append(append([]string{}, r.caps...), r.ids...), r.greetings...), r.hosts...) {
			if word != strings.ToLower(word) || len(word) < 4 {
				t.Errorf("%s: %q is not in lower case, or matches too much", p.Name, word)
			}
		}
		for _, q := range p.Quirks {
			if q.Name == "" || q.Does == "" || q.Duty == "" || !slices.Contains(sources, q.Source) {
				t.Errorf("%s: %+v is not whole", p.Name, q)
			}
		}
		if Of(byOne(r)).Name != p.Name {
			t.Errorf("%s: not found by %+v", p.Name, byOne(r))
		}
	}
}

// byOne is one fact by which a row is known.
func byOne(r row) (f Facts) {
	switch {
	case len(r.hosts) > 0:
		f.Host = r.hosts[0]
	case len(r.ids) > 0:
		f.Name = r.ids[0]
	case len(r.greetings) > 0:
		f.Greeting = r.greetings[0]
	}
	return f
}

// TestTokensOnly: by its host alone a server is known to take no password. An Exchange of
// one's own may take one.
func TestTokensOnly(t *testing.T) {
	for host, want := range map[string]string{
		"outlook.office365.com": "microsoft", "Outlook.Office365.com.": "microsoft", "imap-mail.outlook.com": "microsoft", "eur.outlook.office365.com": "microsoft",
		"imap.gmail.com": "", "exchange.example.org": "", "notoutlook.com": "", "": "",
	} {
		if got := TokensOnly(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

func TestConnections(t *testing.T) {
	for _, c := range []struct {
		name             string
		configured, want int
		above            bool
	}{
		{"Zoho", 3, 3, false}, {"Zoho", 4, 3, true}, {"Zoho", 1, 1, false},
		{"Gmail", 50, 15, true}, {"Dovecot", 20, 20, true}, {"Dovecot", 10, 10, false}, {"", 50, 50, false}, {"iCloud", 50, 50, false},
	} {
		if n, above := named(c.name).Connections(c.configured); n != c.want || above != c.above {
			t.Errorf("%s with %d: %d, %v, want %d, %v", c.name, c.configured, n, above, c.want, c.above)
		}
	}
}

func named(name string) Profile {
	for _, p := range All() {
		if p.Name == name {
			return p
		}
	}
	return Profile{}
}

// FuzzOf: whatever a server says of itself, a profile is found or none.
func FuzzOf(f *testing.F) {
	f.Add("imap.gmail.com", "X-GM-EXT-1", "GImap", "", "Gimap ready")
	f.Add(".", "\xff", "", "\x00", "..")
	f.Fuzz(func(t *testing.T, host, capability, name, vendor, greeting string) {
		got := Of(Facts{Host: host, Capabilities: []string{capability}, Name: name, Vendor: vendor, Greeting: greeting})
		if got.Name == "" && (got.MaxConnections != 0 || got.Quirks != nil) {
			t.Errorf("a profile without a name: %+v", got)
		}
	})
}
