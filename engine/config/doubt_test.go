package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestNeverFiresBesideErrors: that nobody watches a mailbox is said together with the
// errors, and not where one of them may be the reason.
func TestNeverFiresBesideErrors(t *testing.T) {
	const (
		acc  = "accounts: {home: {host: h.example, username: u, password: {env: X}, watch: [INBOX]}}\n"
		rule = "rules: [{name: r, in: [Foo], if: seen, then: [trash]}]\n"
	)
	account := func(keys string) string {
		return "accounts: {home: {host: h.example, username: u, password: {env: X}, " + keys + "}}\n" + rule
	}
	rules := func(keys string) string { return acc + "rules: [{name: r, " + keys + "}]\n" }
	for text, want := range map[string]string{
		// Errors that have nothing to do with it.
		acc + "dry_run: perhaps\n" + rule:                                                             "Foo",
		acc + "unknown: 1\n" + rule:                                                                   "Foo",
		acc + "include: gone.yaml\n" + rule:                                                           "Foo",
		acc + "define: {x: !tag y}\n" + rule:                                                          "Foo",
		account("watch: [INBOX], poll: 0"):                                                            "Foo",
		account("watch: [INBOX], color: red"):                                                         "Foo",
		account("usrename: x, watch: [INBOX]"):                                                        "Foo",
		account("poll: 0"):                                                                            "Foo",
		account("prot: 993"):                                                                          "Foo",
		account("watch: [INBOX, Foo], except: [Foo, 'role:x']"):                                       "Foo",
		rules("in: [Foo], if: nonsense, then: [trash]"):                                               "Foo",
		rules("in: [Foo, 'role:spam'], if: seen, then: [nonsense]"):                                   "Foo",
		rules("in: [Foo, *], if: seen, then: [trash]"):                                                "Foo",
		rules("in: [Foo], if: seen, tehn: [trash]"):                                                   "Foo",
		rules("in: [Foo], on: {flags: [x y]}, if: seen, then: [trash]"):                               "Foo",
		rules("in: [Foo], if: seen, then: [trash]}, {name: broken, if: !seen, then: [trash]"):         "Foo",
		strings.Replace(acc, "INBOX", "Bar", 1) + "rules: [{name: r, if: nonsense, then: [trash]}]\n": "INBOX",
		// What is watched is not certain.
		account("watch: [INBOX, *]"):                          "",
		account("watch: [INBOX, '%']"):                        "",
		account("watch: ~"):                                   "",
		account("watch: {INBOX: Foo}"):                        "",
		account("watch: [INBOX], watch: [Foo]"):               "",
		account("wacth: [Foo]"):                               "",
		account("mailboxes: [Foo]"):                           "",
		"accounts: {home: Foo}\n" + rule:                      "",
		"accounts: [home]\n" + rule:                           "",
		"acounts: {home: {watch: [Foo]}}\n" + rule:            "",
		acc + "accounts: {work: {watch: [Foo]}}\n" + rule:     "",
		acc[:len(acc)-2] + ", home: {watch: [Foo]}}\n" + rule: "",
		acc[:len(acc)-2] + ", '': {watch: [Foo]}}\n" + rule:   "",
		"accounts:\n  home: {host: h.example, username: u, password: {env: X}}\n  work\n    watch: [Foo]\n" + rule: "",
		// Where the rule looks, or when, is not certain.
		rules("in: *, if: seen, then: [trash]"):                                              "",
		rules("in: {Foo: Bar}, if: seen, then: [trash]"):                                     "",
		rules("in: ['role:spam'], if: seen, then: [trash]"):                                  "",
		rules("in: [Foo], accounts: [other], if: seen, then: [trash]"):                       "",
		rules("in: [Foo], accounts: [home, *], if: seen, then: [trash]"):                     "",
		rules("in: [Foo], on: daily, if: seen, then: [trash]"):                               "",
		rules("in: [Foo], on: *, if: seen, then: [trash]"):                                   "",
		rules("in: [Foo], on: {corn: '@daily'}, if: seen, then: [trash]"):                    "",
		rules("in: [Foo], on: {cron: nonsense}, if: seen, then: [trash]"):                    "",
		rules("in: [Foo], cron: '@daily', if: seen, then: [trash]"):                          "",
		rules("in: [Foo], when: '@daily', if: seen, then: [trash]"):                          "",
		rules("in: [Foo], at: '03:00', if: seen, then: [trash]"):                             "",
		strings.Replace(rules("inn: [Bar], if: seen, then: [trash]"), "INBOX", "Bar", 1):     "",
		strings.Replace(rules("if: seen, then: [trash], folders: [Bar]"), "INBOX", "Bar", 1): "",
	} {
		_, diags := Load(filepath.Join(folder(t, map[string]string{"c.yaml": text}), "c.yaml"))
		var got []string
		for _, d := range diags {
			if place, ok := strings.CutPrefix(d.Message, "the rule never fires in "); ok {
				got = append(got, strings.TrimSuffix(place, ": none of its accounts watches it"))
			}
		}
		if !HasErrors(diags) || strings.Join(got, " ") != want {
			t.Errorf("%s%s\nnever fires in %q, want %q", text, Summary(diags), got, want)
		}
	}
}
