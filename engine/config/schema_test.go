package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"imapilot/actions"
	"imapilot/engine/config/strictyaml"
)

func TestSchemaFile(t *testing.T) {
	if *update {
		if err := os.WriteFile("schema.json", Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if file, err := os.ReadFile("schema.json"); err != nil || !bytes.Equal(file, Schema()) {
		t.Errorf("schema.json is not what Schema gives (run with -update): %v", err)
	}
}

// everyMapping has each mapping of the configuration at least once.
const everyMapping = `body: {}
hosts: {h: {}}
smtp: {}
admin: {}
notices: {}
token_key: {}
accounts: {a: {tls: {}, password: {}, snooze: {}, oauth2: {}}}
webhooks: {w: {secret: {}, client_certificate: {}, rate_limit: {}, digest: {}}}
lists: {l: {}}
rules: [{on: {}, search: {}, then: [{webhook: {}}, {exec: {}}, {copy: {}}, {save_attachments: {}}, {snooze: {}}, {forward: {}}, {reply: {}}, {append: {}}]}]
retention: [{}]
tests: [{given: {gmail: {}}}]
`

// The keys of the loader and those of the schema are the same.
func TestSchemaHasTheLoadersKeys(t *testing.T) {
	got := map[string][]string{}
	l := newLoader(filepath.Join(folder(t, map[string]string{"c.yaml": everyMapping}), "c.yaml"))
	l.observe = func(what string, known fields) {
		if what == "password" || what == "token_key" {
			what = "secret"
		}
		got[what] = slices.Sorted(maps.Keys(known))
	}
	l.load()
	want := map[string][]string{}
	for _, o := range objects() {
		for _, k := range o.keys {
			want[o.what] = append(want[o.what], k.name)
		}
		slices.Sort(want[o.what])
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("the loader knows\n%v\nthe schema\n%v", got, want)
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// value is what an editor makes of a node.
func value(n *strictyaml.Node) any {
	switch n.Kind {
	case strictyaml.Mapping:
		out := map[string]any{}
		for _, e := range n.Entries {
			out[e.Key.Value] = value(e.Value)
		}
		return out
	case strictyaml.Sequence:
		out := []any{}
		for _, item := range n.Items {
			out = append(out, value(item))
		}
		return out
	}
	switch n.Type {
	case strictyaml.Bool:
		return strings.EqualFold(n.Value, "true")
	case strictyaml.Integer:
		return json.Number(n.Value)
	case strictyaml.Float:
		v, _ := strconv.ParseFloat(n.Value, 64)
		return v
	}
	return n.Value
}

func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	root, problems := strictyaml.Parse(text)
	if len(problems) > 0 || root == nil {
		t.Fatalf("%s\n%v", text, problems)
	}
	return s.Validate(value(root))
}

// What the loader takes is valid, and every example says where its schema is.
func TestSchemaTakesWhatTheLoaderTakes(t *testing.T) {
	t.Setenv("HOME_PASSWORD", "set")
	s := compiled(t)
	examples, _ := filepath.Glob("../../examples/*/imapilot.yaml")
	own, _ := filepath.Glob("testdata/*.yaml")
	if len(examples) < 4 || len(own) < 40 {
		t.Fatalf("%d examples, %d files of testdata", len(examples), len(own))
	}
	good := 0
	for _, path := range append(examples, own...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(path, "..") && !bytes.HasPrefix(text, []byte("# yaml-language-server: $schema=../../engine/config/schema.json\n")) {
			t.Errorf("%s does not begin with the line that tells editors its schema", path)
		}
		if cfg, _ := Load(path); cfg == nil {
			continue
		}
		good++
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if good < 10 {
		t.Errorf("only %d files were compared", good)
	}
}

// Of the form of a configuration the schema and the loader say the same.
func TestSchemaAndLoaderAgree(t *testing.T) {
	account := func(more string) string {
		return "accounts:\n  home: {host: imap.example.org, username: me@example.org, password: {env: X}" + more + "}\n"
	}
	tokens := func(oauth2 string) string {
		return "token_key: {env: KEY}\naccounts:\n  home: {host: imap.example.org, username: me@example.org, oauth2: " + oauth2 + "}\n"
	}
	rule := func(keys string) string { return home + "rules:\n  - {" + keys + "}\n" }
	const seen = "name: r, if: seen, then: "
	hooked := func(then string) string {
		return home + "webhooks: {w: {url: 'https://h.example.org'}}\nrules:\n  - {name: r, if: seen, then: " + then + "}\n"
	}
	tests := []struct {
		text string
		good bool
	}{
		{home, true},
		{account(", port: 1143, tls: starttls, connections: 2, idle: 29m, poll: 1m30s, dry_run: true"), true},
		{account(", tls: {mode: none, ca: x.pem}, watch: INBOX, addresses: [a@example.org]"), true},
		{account(", port: 70000"), false},
		{account(`, port: "993"`), false},
		{account(", tls: ssl"), false},
		{account(", tls: {pin: x}"), false},
		{account(", connections: 0"), false},
		{account(", idle: 5"), false},
		{account(", idle: soon"), false},
		{account(", poll: 1d"), true},
		{account(", watch: {a: b}"), false},
		{account(", addresses: [me]"), false},
		{account(", dry_run: yes"), false},
		{account(", usrename: x"), false},
		{account(", trusted_authserv: {a: b}"), false},
		{account(", trusted_authserv: [a.example.org, b.example.org]"), true},
		{"accounts: {home: {host: h.example.org, username: u}}\n", false},
		{"accounts: {home: {host: h.example.org, username: u, password: 123}}\n", false},
		{"accounts: {home: {host: h.example.org, username: 123, password: abc}}\n", true},
		{"accounts: {home: {host: h.example.org, username: u, password: {env: X, file: y}}}\n", false},
		{"accounts: {home: {host: h.example.org, username: u, password: {command: true}}}\n", false},
		{home + "body: {limit: 64KiB}\n", true},
		{home + "body: {limit: 4096}\n", true},
		{home + "body: {limit: 1 MiB}\n", true},
		{home + "body: {limit: 64KB}\n", false},
		{home + "body: {limit: 5}\n", false},
		{home + "body: 64KiB\n", false},
		{home + "timezone: Europe/Berlin\nstate: a.db\ninclude: []\ndefine: {x: seen, y: true}\n", true},
		{home + "define: {x: [a]}\n", false},
		{home + "webhooks: {w: {url: 'https://h.example.org', secret: {env: S}}}\n", true},
		{home + "webhooks: {w: {url: 'ftp://h.example.org'}}\n", false},
		{home + "webhooks: {w: {}}\n", false},
		{home + "egress: public\nwebhooks: {w: {url: 'https://h.example.org', egress: any, method: PUT, content_type: text/plain, headers: {X-A: b, X-B: {env: B}}}}\n", true},
		{home + "webhooks: {w: {url: 'https://h.example.org', secrets: [{env: A}, {env: B}], ca: /dev/null, client_certificate: {certificate: a, key: b}}}\n", true},
		{home + "webhooks: {w: {preset: ntfy, to: mail}}\n", true},
		{home + "webhooks: {w: {preset: gotify, url: 'https://h.example.org', token: {env: T}}}\n", true},
		{home + "webhooks: {w: {preset: ntfy, to: m, quiet_hours: '22:00-07:00', digest: 15m}, x: {preset: ntfy, to: m, rate_limit: {per_rule: 10/h, per_sender: 3/24h}}}\n", true},
		{home + "webhooks: {w: {preset: ntfy, to: m, digest: {cron: '0 8 * * *'}}, x: {preset: ntfy, to: m, debounce: 2m}}\n", true},
		{home + "webhooks: {w: {preset: ntfy, to: m, digest: {}}}\n", false},
		{home + "webhooks: {w: {preset: ntfy, to: m, rate_limit: {per_rule: lots}}}\n", false},
		{home + "webhooks: {w: {preset: pigeon, to: mail}}\n", false},
		{home + "webhooks: {w: {url: 'https://h.example.org', egress: none}}\n", false},
		{home + "webhooks: {w: {url: 'https://h.example.org', method: DELETE}}\n", false},
		{home + "webhooks: {w: {url: 'https://h.example.org', client_certificate: {key: b}}}\n", false},
		{home + "lists: {a: [x, 1], b: y}\n", true},
		{home + "lists: {a: {path: x}}\n", false},
		{home + "lists: {a: {}}\n", false},
		{rule(seen + "[trash]"), true},
		{rule(seen + "trash, stop: true, in: INBOX, accounts: home, max_messages: 5, dry_run: false, on: arrival"), true},
		{rule(seen + `[{move: A}, {add_flags: ['\Seen', x]}, {remove_flags: y}]`), true},
		{rule(seen + "[delete]"), false},
		{rule(seen + "[{move: A, copy: B}]"), false},
		{rule(seen + "[{move: {mailbox: A}}]"), true},
		{rule(seen + "[{move: {folder: A}}]"), false},
		{hooked("[{webhook: w}]"), true},
		{hooked("[{webhook: {to: w, when: done, title: 'x ${subject}', body: y}}]"), true},
		{hooked("[{webhook: {to: w, json: {a: '${size}', b: [1, true, {}], c: x}}}]"), true},
		{hooked("[{webhook: {when: done}}]"), false},
		{hooked("[{webhook: {to: w, when: later}}]"), false},
		{hooked("[{webhook: {to: w, url: x}}]"), false},
		{tokens("{provider: microsoft, client_id: x, tenant: example.org}"), true},
		{tokens("{provider: google, client_id: x, client_secret: {env: X}}"), true},
		{tokens("{client_id: x, token_endpoint: 'https://a.example.org/t', device_endpoint: 'http://127.0.0.1:9/d', scopes: mail}"), true},
		{tokens("microsoft"), false},
		{tokens("{provider: microsoft}"), false},
		{tokens("{provider: yahoo, client_id: x}"), false},
		{tokens("{client_id: x, token_endpoint: 'https://a.example.org/t'}"), false},
		{tokens("{client_id: x, token_endpoint: 'a.example.org', scopes: mail}"), false},
		{tokens("{provider: microsoft, client_id: x, realm: y}"), false},
		{account(", snooze: {mailbox: Later}"), true},
		{account(", snooze: Later"), false},
		{account(", snooze: {mailbox: ''}"), false},
		{rule(seen + "[{snooze: 3d}]"), true},
		{rule(seen + "[{snooze: {for: 90m}}]"), true},
		{rule(seen + "[{snooze: {until: monday 08:00}}]"), true},
		{rule(seen + "[{" + actions.Snooze.Spec().Example + "}]"), true},
		{rule(seen + "[{snooze: {until: 2026-05-08 08:00}}]"), true},
		{rule(seen + "[snooze]"), false},
		{rule(seen + "[{snooze: 3}]"), false},
		{rule(seen + "[{snooze: [3d]}]"), false},
		{rule(seen + "[{snooze: {}}]"), false},
		{rule(seen + "[{snooze: {for: 3d, until: '08:00'}}]"), false},
		{rule(seen + "[{snooze: {till: '08:00'}}]"), false},
		{rule(seen + "[move]"), false},
		{rule(seen + "{move: A}"), false},
		{rule(seen + "[trash], max_messages: 0"), false},
		{rule(seen + "[trash], repeat: 24h"), false},
		{rule(seen + "[trash], on: {cron: '0 3 * * *'}"), true},
		{rule(seen + "[trash], on: {cron: '@daily', timezone: Europe/Berlin, jitter: 10m, catch_up: false}, repeat: 2w"), true},
		{rule(seen + `[trash], on: {flags: ['\Flagged', $Todo]}`), true},
		{rule(seen + "[trash], on: {flags: $Todo}"), true},
		{rule(seen + "[trash], on: {flags: []}"), false},
		{rule(seen + "[trash], on: {flags: [" + strings.Repeat("$A, ", 20) + "$A]}"), false},
		{rule(seen + "[trash], on: {flags: $Todo, cron: '@daily'}"), false},
		{rule(seen + "[trash], on: {flags: $Todo, jitter: 10m}"), false},
		{rule(seen + "[trash], on: {jitter: 10m}"), false},
		{rule(seen + "[trash], on: {}"), false},
		{rule(seen + "[trash], on: weekly"), false},
		{rule(seen + "[trash], on: {cron: '@daily', every: 5m}"), false},
		{rule(seen + "[trash], on: {cron: '@daily', jitter: 10}"), false},
		{rule(seen + "[trash], on: {cron: '@daily'}, repeat: daily"), false},
		{rule("name: r, if: true, then: [trash]"), true},
		{rule("name: r, then: [trash]"), false},
		{rule("if: seen, then: [trash]"), false},
		{home + "tests: [{message: x.eml, want: keep}]\n", true},
		{home + "tests: [{message: x.eml, want: [], name: n, given: {duplicate: true, has_reply: false, moved_from: A, by_user: true}}]\n", true},
		{home + "tests: [{message: x.eml, want: [{move: A}, trash], given: {account: home, mailbox: A, role: junk, flags: [a], received: 2026-01-01, now: 2026-02-01T09:00:00+02:00}}]\n", true},
		{home + "tests: [{message: x.eml}]\n", false},
		{home + "tests: [{want: keep}]\n", false},
		{home + "tests: {message: x.eml, want: keep}\n", false},
		{home + "tests: [{message: x.eml, want: [snooze]}]\n", false},
		{home + "tests: [{message: x.eml, want: keep, given: {duplicate: 1}}]\n", false},
		{home + "tests: [{message: x.eml, want: keep, given: {role: spam}}]\n", false},
		{home + "tests: [{message: x.eml, want: keep, given: {now: tomorrow}}]\n", false},
		{home + "retention: 30d\n", false},
		{home + "retention: []\n", true},
		{home + "retention: [{in: Promotions, after: 30d}]\n", true},
		{home + "retention: [{name: n, accounts: [home], in: [A, B], after: 2w, unless: flagged, then: [{move: C}], on: {cron: '@weekly', jitter: 1h}, max_messages: 5, dry_run: true, tests: []}]\n", true},
		{home + "retention: [{in: Trash, after: 12h, then: expunge}]\n", true},
		{home + "retention: [{in: [], after: 30d}]\n", false},
		{home + "retention: [{in: Promotions}]\n", false},
		{home + "retention: [{after: 30d}]\n", false},
		{home + "retention: [{in: Promotions, after: 90m}]\n", false},
		{home + "retention: [{in: Promotions, after: 30}]\n", false},
		{home + "retention: [{in: Promotions, after: 30d, repeat: 7d}]\n", false},
		{home + "retention: [{in: Promotions, after: 30d, if: seen}]\n", false},
		{home + "retention: [{in: Promotions, after: 30d, on: arrival}]\n", false},
		{home + "retention: [{in: Promotions, after: 30d, on: {flags: $Todo}}]\n", false},
		{home + "rules: {}\n", false},
	}
	s := compiled(t)
	for _, test := range tests {
		cfg, diags := Load(filepath.Join(folder(t, map[string]string{"c.yaml": test.text}), "c.yaml"))
		if (cfg != nil) != test.good {
			t.Errorf("the loader:\n%s%v", test.text, diags)
		}
		if err := validate(t, s, []byte(test.text)); (err == nil) != test.good {
			t.Errorf("the schema:\n%s%v", test.text, err)
		}
	}
}
