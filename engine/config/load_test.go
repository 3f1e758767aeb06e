package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imapilot/rules"
	"imapilot/rules/ruletest"
)

const home = "accounts:\n  home: {host: imap.example.org, username: me@example.org, password: {env: X}}\n"

// folder writes files and returns the folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func loaded(t *testing.T, path string) *Config {
	t.Helper()
	cfg, diags := Load(path)
	for _, d := range diags {
		t.Log(d.Format(false))
	}
	if cfg == nil {
		t.Fatal("not loaded")
	}
	return cfg
}

func TestDefaults(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "")
	dir := folder(t, map[string]string{"c.yaml": home})
	cfg := loaded(t, filepath.Join(dir, "c.yaml"))
	a := cfg.Accounts[0]
	if a.Port != 993 || a.TLS != TLSImplicit || a.Connections != 3 || a.Idle != 5*time.Minute || a.Poll != time.Minute {
		t.Errorf("account %+v", a)
	}
	if strings.Join(a.Watch, " ") != "INBOX" || strings.Join(a.Addresses, " ") != "me@example.org" {
		t.Errorf("watch %v, addresses %v", a.Watch, a.Addresses)
	}
	if cfg.State != filepath.Join(dir, "imapilot.db") || cfg.Location != time.UTC || cfg.DryRun {
		t.Errorf("state %s, location %s, dry run %t", cfg.State, cfg.Location, cfg.DryRun)
	}
}

func TestEverythingIsRead(t *testing.T) {
	dir := folder(t, map[string]string{"c.yaml": `state: sub/s.db
timezone: Europe/Berlin
dry_run: true
accounts:
  work:
    host: imap.example.org
    port: 1143
    tls: {mode: starttls, ca: ca.pem}
    username: me
    password: {command: [cat, pw]}
    addresses: [a@example.org]
    watch: [INBOX, "Lists/*", "role:junk"]
    connections: 2
    idle: 29m
    poll: 5s
    dry_run: true
webhooks:
  ci: {url: "http://localhost:8080/x", secret: {env: CI}}
`})
	cfg := loaded(t, filepath.Join(dir, "c.yaml"))
	a := cfg.Accounts[0]
	if a.Port != 1143 || a.TLS != TLSStart || a.CA != filepath.Join(dir, "ca.pem") || !a.DryRun || a.Idle != 29*time.Minute ||
		a.Poll != 5*time.Second || a.Connections != 2 || len(a.Watch) != 3 || a.Addresses[0] != "a@example.org" {
		t.Errorf("account %+v", a)
	}
	if cfg.Location.String() != "Europe/Berlin" || !cfg.DryRun || cfg.Webhooks[0].URL != "http://localhost:8080/x" {
		t.Errorf("%+v", cfg)
	}
	if a.Password.Source() != "command cat" || cfg.Webhooks[0].Secrets[0].Source() != "environment variable CI" {
		t.Errorf("%s, %s", a.Password.Source(), cfg.Webhooks[0].Secrets[0].Source())
	}
}

func TestStatePath(t *testing.T) {
	tests := []struct{ directory, state, want string }{
		{"", "", "/etc/imapilot/imapilot.db"},
		{"", "sub/x.db", "/etc/imapilot/sub/x.db"},
		{"/var/lib/imapilot", "", "/var/lib/imapilot/imapilot.db"},
		{"/var/lib/a:/var/lib/b", "x.db", "/var/lib/a/x.db"},
		{"/var/lib/imapilot", "/data/x.db", "/data/x.db"},
	}
	for _, test := range tests {
		t.Setenv("STATE_DIRECTORY", test.directory)
		if got := statePath("/etc/imapilot/imapilot.yaml", test.state); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

func TestIncludedRulesStandWhereTheIncludeDoes(t *testing.T) {
	rule := func(name string) string {
		return "rules: [{name: " + name + ", if: seen, then: [{add_flags: [x" + name + "]}]}]\n"
	}
	dir := folder(t, map[string]string{
		"before.yaml": home + "include: [inc/*.yaml, inc/a.yaml]\n" + rule("main"),
		"after.yaml":  home + rule("main") + "include: inc/*.yaml\n",
		"inc/a.yaml":  rule("a"), "inc/b.yaml": rule("b") + "include: sub.yml\n", "inc/sub.yml": rule("sub"),
	})
	for file, want := range map[string]string{"before.yaml": "a b sub main", "after.yaml": "main a b sub"} {
		cfg := loaded(t, filepath.Join(dir, file))
		var names []string
		for _, r := range cfg.Rules.Rules() {
			names = append(names, r.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: rules %q, want %q", file, got, want)
		}
		if len(cfg.Files) != 4 {
			t.Errorf("%s: files %v", file, cfg.Files)
		}
	}
}

func TestFileLimits(t *testing.T) {
	many := map[string]string{"many.yaml": home + "include: inc/*.yaml\n", "big.yaml": strings.Repeat("# long\n", 1_300_000)}
	for i := range maxFiles + 5 {
		many[filepath.Join("inc", string(rune('a'+i%26))+string(rune('a'+i/26))+".yaml")] = "# empty\n"
	}
	dir := folder(t, many)
	for file, says := range map[string]string{
		"many.yaml": "more than 64 files", "big.yaml": "larger than 8 MiB", "inc": "not a regular file", "none.yaml": "no such file",
	} {
		cfg, diags := Load(filepath.Join(dir, file))
		if cfg != nil || len(diags) != 1 || !strings.Contains(diags[0].Message, says) {
			t.Errorf("%s: %+v", file, diags)
		}
	}
}

func TestWhoMayReadASecret(t *testing.T) {
	dir := folder(t, map[string]string{
		"open.yaml":  "accounts:\n  home: {host: h.example.org, username: u, password: {file: open}}\n",
		"close.yaml": "accounts:\n  home: {host: h.example.org, username: u, password: {file: close}}\n",
		"open":       "x", "close": "x",
	})
	if err := os.Chmod(filepath.Join(dir, "open"), 0o644); err != nil {
		t.Fatal(err)
	}
	warnings := func(file string) int {
		cfg, diags := Load(filepath.Join(dir, file))
		if cfg == nil {
			t.Fatalf("%s: %v", file, diags)
		}
		return len(diags)
	}
	if warnings("open.yaml") != 1 || warnings("close.yaml") != 0 {
		t.Error("a warning for the file that others may read, and only for it")
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	if warnings("open.yaml") != 0 {
		t.Error("the credentials folder is systemd's business")
	}
}

func TestMaskSecret(t *testing.T) {
	for line, want := range map[string]string{
		"password: hunter2":                  "password: *******",
		"  password:   'it is' # x":          "  password:   ***********",
		`{"password": "x", b: c}`:            `{"password": **********`,
		"password: {file: /run/secrets/x}":   "password: {file: /run/secrets/x}",
		"password: |":                        "password: |",
		"password:":                          "password:",
		"secret: geheim日本":                   "secret: ********",
		"name: no secret here":               "name: no secret here",
		"if: subject == 'password reminder'": "if: subject == 'password reminder'",
		`ci: {url: "https://u:PASS@host/ci?token=T&x=1", secret: s}`: `ci: {url: "https://******@host/ci?***********", secret: **`,
		"url: http://host:80/path":                                   "url: http://host:80/path",
		"{url: https://h/services/T0/B0/abcdefghij-KLM_45, to: x}":   "{url: https://h/services/T0/B0/*****************, to: x}",
		"url: 'https://h/abcdefghijklmnop/?a=b'":                     "url: 'https://h/****************/?***'",
		"url: https://h/abcdefghijklmno":                             "url: https://h/abcdefghijklmno",
		"url: https://h/abcdefghijklmnop/mail":                       "url: https://h/abcdefghijklmnop/mail",
		"url: https://u:HUN/TER2@h/ci":                               "url: https://**********@h/ci",
		"url: https://u:HUN TER2@h/":                                 "url: https://**********@h/",
		"a: http://h/?k=v b: http://i/#x":                            "a: http://h/?*** b: http://i/#*",
	} {
		if got := maskSecret(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5m": 5 * time.Minute, "60s": time.Minute, "30d": 720 * time.Hour, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute,
		"d": -1, "-1d": -1, "1x": -1, "": -1, "99999999999d": -1,
	} {
		if got, ok := parseDuration(text); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v, %t", text, got, ok)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"accounts", "if", "in", "then", "max_messages"}
	for word, want := range map[string]string{"acounts": "accounts", "than": "then", "iff": "if", "MAX_MESSAGE": "max_messages", "zzzzzz": ""} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestBalanced(t *testing.T) {
	for text, want := range map[string]bool{
		`a == "b"`: true, `has(x, "a`: false, `has(x,`: false, `"a\"b"`: true, `it's`: true, `a "(" b`: true, `[1, 2`: false, ``: true, `:)`: true,
	} {
		if balanced(text) != want {
			t.Errorf("%q", text)
		}
	}
}

func TestSummary(t *testing.T) {
	e, w := Diagnostic{}, Diagnostic{Severity: rules.Warning}
	for want, diags := range map[string][]Diagnostic{
		"no problems": nil, "1 error": {e}, "2 errors, 1 warning": {e, w, e}, "2 warnings": {w, w},
	} {
		if got := Summary(diags); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A message cannot write to the terminal of the person who reads about it.
func TestFormatShowsControlCharacters(t *testing.T) {
	d := Diagnostic{File: "f", Line: 1, Column: 1, Length: 1, Message: "m\x1b[2J", Hint: "h\r", Source: "a\x1b[31m\u202E"}
	if out := d.Format(false); strings.ContainsAny(out, "\x1b\r\u202E") {
		t.Errorf("%q", out)
	}
}

func TestUserTests(t *testing.T) {
	dir := folder(t, map[string]string{
		"m/letter.eml": "From: ann@example.org\nSubject: hello\nDate: Mon, 2 Feb 2026 10:00:00 +0000\n\nbody\n",
		"c.yaml": home + `rules:
  - name: first
    if: seen
    then: [{move: X}]
    stop: true
  - name: lists
    in: ["Lists/*", "role:junk"]
    if: subject == "hello" and year(received) == 2026
    then:
      - add_flags: ['\Flagged']
      - move: A/${year(received)}
    tests:
      - message: m/letter.eml
        want: [{add_flags: ['\flagged']}, move: A/2026]
      - name: alone
        message: |
          Subject: other
        given: {flags: ['\Seen']}
        want: []
      - name: role
        message: "Subject: hello\n\n"
        given: {mailbox: Spam, role: junk, received: 2026-01-01}
        want: keep
`})
	cfg := loaded(t, filepath.Join(dir, "c.yaml"))
	report := ruletest.Run(cfg.Rules, cfg.Tests)
	if len(report.Results) != 3 || report.Failed() != 1 {
		t.Errorf("%+v", report.Results)
	}
	if r := report.Results[0]; r.Case.Name != "lists (letter.eml)" || r.Case.Given.Mailbox != "Lists/test" || r.Case.Given.Account != "home" || r.Case.Line == 0 {
		t.Errorf("%+v", r.Case)
	}
	if r := report.Results[2]; r.Pass || !strings.Contains(r.Detail, "want: keep\ngot:  add_flags: [\\Flagged], move: A/2026") {
		t.Errorf("%+v", r)
	}
}

// TestNoSecretIsShown: no line that is shown holds a secret or the value of a
// header, wherever it stands.
func TestNoSecretIsShown(t *testing.T) {
	source, err := os.ReadFile("testdata/webhook-secrets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, diags := Load("testdata/webhook-secrets.yaml")
	for _, d := range diags {
		if text := d.Format(false); strings.Contains(text, "geheim") {
			t.Errorf("it shows a secret:\n%s", text)
		}
	}
	if n := strings.Count(string(source), "geheim-"); n < 9 || len(diags) < 9 {
		t.Errorf("%d secrets and %d diagnostics prove little", n, len(diags))
	}
}

// What begins before the rules are compiled knows the accounts and the state file; it does
// not begin where the file cannot be read anyway.
func TestLoadAnd(t *testing.T) {
	const accounts = "accounts: {home: {host: h.example.org, username: u, password: {env: P}}}\nstate: j.db\n"
	for _, c := range []struct {
		rules  string
		begins int
		ok     bool
	}{
		{"rules: [{name: r, if: seen, then: [trash]}]\n", 1, true},
		{"rules: [{name: r, if: no such thing, then: [trash]}]\n", 1, false},
		{"rules: [{nome: r, if: seen, then: [trash]}]\n", 0, false},
	} {
		dir := folder(t, map[string]string{"c.yaml": accounts + c.rules})
		began := 0
		cfg, _ := LoadAnd(filepath.Join(dir, "c.yaml"), func(early Config) {
			began++
			if len(early.Accounts) != 1 || early.Accounts[0].Host != "h.example.org" || early.State != filepath.Join(dir, "j.db") || early.Rules != nil {
				t.Errorf("%+v", early)
			}
		})
		if began != c.begins || (cfg != nil) != c.ok {
			t.Errorf("%s: it began %d times, loaded: %v", c.rules, began, cfg != nil)
		}
	}
}
