package main

import (
	"strings"

	profiles "imapilot/engine/provider"
)

// provider is what a big provider's users need to know.
type provider struct {
	domains []string
	host    string
	needs   string // what to do before a login works, "" for nothing
}

// oauth2 is its name in oauth2:, where it takes no password.
func (p provider) oauth2() string { return profiles.TokensOnly(p.host) }

func providers() []provider {
	app := "create an app password in the account's security settings and use that, not your login password"
	return []provider{
		{[]string{"gmail.com", "googlemail.com"}, "imap.gmail.com", "Gmail: turn on 2-step verification, then " + app},
		{[]string{"outlook.com", "hotmail.com", "live.com", "msn.com", "office365.com"}, "outlook.office365.com",
			"Outlook and Microsoft 365 accept only OAuth2: register an application at\nhttps://entra.microsoft.com that allows public client flows, and give its client id"},
		{[]string{"icloud.com", "me.com", "mac.com"}, "imap.mail.me.com", "iCloud: " + app},
		{[]string{"yahoo.com", "yahoo.de", "yahoo.co.uk", "ymail.com"}, "imap.mail.yahoo.com", "Yahoo: " + app},
		{[]string{"aol.com"}, "imap.aol.com", "AOL: " + app},
		{[]string{"fastmail.com", "fastmail.fm"}, "imap.fastmail.com", "Fastmail: " + app},
		{[]string{"gmx.de", "gmx.net", "gmx.at", "gmx.ch"}, "imap.gmx.net", "GMX: allow IMAP in the settings first"},
		{[]string{"gmx.com", "gmx.us"}, "imap.gmx.com", "GMX: allow IMAP in the settings first"},
		{[]string{"web.de"}, "imap.web.de", "WEB.DE: allow IMAP in the settings first"},
		{[]string{"t-online.de"}, "secureimap.t-online.de", "Telekom: set a password for e-mail programs first"},
		{[]string{"mailbox.org"}, "imap.mailbox.org", ""},
		{[]string{"posteo.de", "posteo.net"}, "posteo.de", ""},
		{[]string{"zoho.com", "zohomail.com"}, "imap.zoho.com", "Zoho: allow IMAP in the settings first; with 2-step verification, " + app},
		{[]string{"yandex.com", "yandex.ru"}, "imap.yandex.com", "Yandex: allow IMAP in the settings first and " + app},
		{[]string{"qq.com"}, "imap.qq.com", "QQ: turn IMAP on and use the authorization code as password"},
		{[]string{"163.com"}, "imap.163.com", "163: turn IMAP on and use the authorization code as password"},
		{[]string{"proton.me", "protonmail.com", "pm.me"}, "127.0.0.1", "Proton: run Proton Bridge and use the port and password that it shows (tls: starttls)"},
	}
}

// providerOf guesses the server of an address.
func providerOf(address string) provider {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	for _, p := range providers() {
		for _, d := range p.domains {
			if d == domain {
				return p
			}
		}
	}
	if domain == "" {
		return provider{}
	}
	return provider{host: "imap." + domain}
}
