package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imapilot/engine/config"
)

func smallShape() shape { return shape{messages: 2 * senders, size: 300, keywords: 20} }

func TestEveryMessageHasOneSender(t *testing.T) {
	s := shape{messages: 2500}
	owner := map[int]int{}
	for sender := range senders {
		for _, uid := range s.uids(sender) {
			if was, twice := owner[uid]; twice {
				t.Errorf("message %d is from %d and %d", uid, was, sender)
			}
			owner[uid] = sender
			if got := s.senderOf(uid); got != sender {
				t.Errorf("message %d: senderOf is %d, uids says %d", uid, got, sender)
			}
		}
	}
	if len(owner) != s.messages {
		t.Errorf("%d of %d messages have a sender", len(owner), s.messages)
	}
	if got := s.uidSet(3); got != "4,1004,2004" {
		t.Errorf("uidSet: %s", got)
	}
}

func TestRulesTouchTheirShare(t *testing.T) {
	s := shape{messages: 20_000}
	for rules, want := range map[int]int{50: 1000, 200: 4000, 500: 10_000} {
		if got := s.touched(rules); got != want {
			t.Errorf("%d rules touch %d messages, want %d", rules, got, want)
		}
	}
	if got := (shape{messages: 2500}).touchedSet(600); got != "1:600,1001:1600,2001:2500" {
		t.Errorf("they are %s", got)
	}
	if got := s.touchedSet(0); got != "" {
		t.Errorf("no rules touch %s", got)
	}
}

// A search finds parts of words: no address may be a part of another.
func TestAddressesAreApart(t *testing.T) {
	var all []string
	for i := range senders {
		all = append(all, address(i), nobody(i))
	}
	for _, a := range all {
		if n := len(slices.DeleteFunc(slices.Clone(all), func(b string) bool { return !strings.Contains(b, a) })); n != 1 {
			t.Errorf("%s is in %d addresses", a, n)
		}
	}
}

func TestMessage(t *testing.T) {
	s := shape{messages: 20_000, size: 1200}
	text := s.message(1001)
	if text != s.message(1001) {
		t.Error("a message is another one each time")
	}
	if len(text) < 1100 || len(text) > 1300 {
		t.Errorf("it has %d octets", len(text))
	}
	for _, want := range []string{"From: \"Sender 0\" <" + address(0) + ">\r\n", "Message-ID: <1001@d000.example.org>\r\n", "Received: from mail.d000.example.org by"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestYAMLConfigLoads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "imapilot.yaml")
	at := login{host: "127.0.0.1", port: 1143, user: "user", password: "secret"}
	if err := os.WriteFile(path, []byte(smallShape().yamlConfig(at, "bench.db", 500, address)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, diags := config.Load(path)
	if cfg == nil {
		t.Fatal(config.Summary(diags))
	}
	if got := len(cfg.Rules.Rules()); got != 500 {
		t.Errorf("%d rules", got)
	}
}

func TestLua(t *testing.T) {
	at := login{host: "127.0.0.1", port: 1143, user: "user", password: "secret"}
	s := smallShape()
	pattern := func(i int) string { return strings.ReplaceAll(address(i), ".", `\\.`) }
	for _, c := range []struct {
		name, got, find string
		about           func(int) string
	}{
		{"search", s.luaSearch(at, 2), "inbox:contain_from('%s')", address},
		{"match", s.luaMatch(at, 2), "all:match_from('%s')", pattern},
		{"table", s.luaTable(at, 2), "Set(by_sender['%s'])", address},
	} {
		want := ""
		for i, action := range []string{"add_flags({ '$Bench0' })", "move_messages(account['Bench/1'])"} {
			want += fmt.Sprintf("results = "+c.find+"\nresults:%s\n", c.about(i), action)
		}
		if want += "inbox:check_status()\n"; !strings.HasSuffix(c.got, want) {
			t.Errorf("%s ends with\n%s\nwant\n%s", c.name, c.got, want)
		}
	}
}
