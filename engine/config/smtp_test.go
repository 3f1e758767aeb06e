package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestMailServers: an account has its own mail server, or else that of all, and sends
// from its first address where nothing else is said.
func TestMailServers(t *testing.T) {
	const text = `
smtp: {host: smtp.example.org, username: me, password: {env: P}, name: Me}
accounts:
  a: {host: h.example.org, username: me@example.org, password: {env: P}, addresses: [odd one@x, other@example.org]}
  b: {host: h.example.org, username: me@example.org, password: {env: P}, smtp: {host: 127.0.0.1, tls: none, port: 25, from: b@example.org, per_day: 3, username: x, password: {env: P}}}
  c: {host: h.example.org, username: me, password: {env: P}}
rules:
  - {name: r, if: true, then: [trash]}
`
	cfg, diags := Load(filepath.Join(folder(t, map[string]string{"c.yaml": text}), "c.yaml"))
	if cfg == nil {
		t.Fatal(diags)
	}
	for i, want := range []string{
		"smtp.example.org 0 implicit me other@example.org Me 200", "127.0.0.1 25 none x b@example.org  3", "smtp.example.org 0 implicit me  Me 200",
	} {
		s := cfg.Accounts[i].SMTP
		if got := fmt.Sprint(s.Host, " ", s.Port, " ", s.TLS, " ", s.Username, " ", s.From, " ", s.Name, " ", s.PerDay); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if cfg.SMTP.From != "" {
		t.Error("the address of an account became that of all")
	}
	if cfg, _ = Load("testdata/good.yaml"); cfg == nil || cfg.Accounts[0].SMTP != nil {
		t.Error("there is a mail server where none is configured")
	}
}

// TestMailServerPasswordIsHidden: whatever is wrong beside it.
func TestMailServerPasswordIsHidden(t *testing.T) {
	text := "smtp: {host: a.example, tls: none, username: me, password: hush}\naccounts: {a: {host: h.example.org, username: me@example.org, password: {env: P}, smtp: {password: hush, prot: 1}}}\nrules: []\n"
	_, diags := Load(filepath.Join(folder(t, map[string]string{"c.yaml": text}), "c.yaml"))
	if len(diags) < 5 {
		t.Errorf("%v", diags)
	}
	for _, d := range diags {
		if shown := fmt.Sprintf("%+v", d); strings.Contains(shown, "hush") {
			t.Error(shown)
		}
	}
}
