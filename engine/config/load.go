package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
	"imapilot/rules/ruletest"
)

// Load reads a file and everything that it includes. The Config is nil when
// one of the diagnostics is an error. No secret is read.
func Load(path string) (*Config, []Diagnostic) { return newLoader(path).load() }

// LoadAnd is Load, and calls begin once all is read, before the rules are compiled: what
// takes its time and needs the accounts and State alone may begin then. It does not where
// there is an error by then; one may still be found.
func LoadAnd(path string, begin func(early Config)) (*Config, []Diagnostic) {
	l := newLoader(path)
	l.begin = begin
	return l.load()
}

func newLoader(path string) *loader {
	return &loader{
		cfg:  &Config{Path: filepath.Clean(path), Location: time.UTC, BodyLimit: defaultBody},
		read: map[string][]byte{}, schedules: map[int]RuleSchedule{}, names: map[string]bool{}, missing: map[string]bool{}, stale: map[string]ref{}, unsure: map[string]bool{},
	}
}

func (l *loader) load() (*Config, []Diagnostic) {
	l.file(l.cfg.Path, true)
	l.cfg.State = statePath(l.cfg.Path, l.state)
	if l.begin != nil && !HasErrors(l.diags) {
		l.begin(*l.cfg)
	}
	l.compile()
	l.finish()
	l.showLines()
	l.diags = sortDiagnostics(l.diags, l.cfg.Files)
	if HasErrors(l.diags) {
		return nil, l.diags
	}
	return l.cfg, l.diags
}

// ref is where a text that the rules were given stands.
type ref struct {
	file string
	node *strictyaml.Node
}

// loader collects a configuration and every problem of it.
type loader struct {
	observe func(what string, known fields) // told of the keys in each mapping
	begin   func(early Config)
	cfg     *Config
	source  rules.Source
	diags   []Diagnostic
	read    map[string][]byte // the texts of the files
	reading string            // the file that is being read
	open    []string          // the files that include it, itself last
	refs    []ref             // by rules.Text.Pos
	hidden  []ref             // the texts that are secrets, or may be
	watched []watched
	// aims are the rules of which it is certain where they look, unsure the accounts of
	// which it is not certain what they watch, and vague is set where that is all of them.
	aims    []aim
	unsure  map[string]bool
	vague   bool
	noticed *ref           // where the endpoint of the notices is named
	stale   map[string]ref // stale_after by account, "" for the top level
	limited []pendingHost
	tests   []pending
	// schedules are those of the rules on a clock, by their numbers, and unnamed
	// the numbers of those that get a name when all others are known.
	schedules map[int]RuleSchedule
	unnamed   []int
	state     string
	// tokenKey is what the tokens of firstOAuth2 and all later ones are encrypted with.
	tokenKey    Secret
	hasTokenKey bool
	firstOAuth2 *ref
	names       map[string]bool // "webhook ci": what was defined, over all files
	// missing are the keys whose definitions could not all be read: a name
	// that is unknown then is no news.
	missing map[string]bool
}

// pending is a test whose rule is not compiled yet: its number, or wholeWalk.
type pending struct {
	test ruletest.Case
	rule int
}

func (l *loader) add(at strictyaml.Span, severity rules.Severity, message, hint string) {
	l.addIn(l.reading, at, severity, message, hint)
}

func (l *loader) addIn(file string, at strictyaml.Span, severity rules.Severity, message, hint string) {
	l.diags = append(l.diags, Diagnostic{
		File: file, Line: at.Line, Column: at.Column, Length: at.Length, Severity: severity, Message: message, Hint: hint,
	})
}

func (l *loader) problem(n *strictyaml.Node, message, hint string) {
	l.add(n.Span(0, 0), rules.Error, message, hint)
}

func (l *loader) warn(n *strictyaml.Node, message, hint string) {
	l.add(n.Span(0, 0), rules.Warning, message, hint)
}

// refused reports whether there is an error in a text of the file that is being read.
func (l *loader) refused(n *strictyaml.Node) bool { return l.refusedIn(ref{l.reading, n}) }

func (l *loader) refusedIn(r ref) bool {
	at := r.node.Span(0, 0)
	return slices.ContainsFunc(l.diags, func(d Diagnostic) bool {
		return d.Severity == rules.Error && d.File == r.file && d.Line == at.Line && d.Column >= at.Column && d.Column < at.Column+max(1, at.Length)
	})
}

// text gives the rules a text and remembers where it stands.
func (l *loader) text(n *strictyaml.Node) rules.Text {
	l.refs = append(l.refs, ref{l.reading, n})
	return rules.Text{Value: n.Value, Pos: len(l.refs) - 1}
}

// nowhere is a text that stands for one of which a problem was reported. What
// the rules say of it is not passed on.
func nowhere(value string) rules.Text { return rules.Text{Value: value, Pos: -1} }

// topLevel are the keys of a file, and those of later versions. Included files
// hold no accounts and no settings.
func (l *loader) topLevel(first bool) (all fields, later []string) {
	all = fields{
		"define":    func(_, n *strictyaml.Node) { l.defines(n) },
		"lists":     func(_, n *strictyaml.Node) { l.lists(n) },
		"webhooks":  func(_, n *strictyaml.Node) { l.webhooks(n) },
		"rules":     func(_, n *strictyaml.Node) { l.rules(n) },
		"include":   func(_, n *strictyaml.Node) { l.include(n) },
		"tests":     func(_, n *strictyaml.Node) { l.userTests(n, wholeWalk) },
		"retention": func(_, _ *strictyaml.Node) {}, // read after the rules of the file
	}
	if first {
		all["state"] = func(_, n *strictyaml.Node) { l.statePath(n) }
		all["timezone"] = func(_, n *strictyaml.Node) {} // read before the others
		all["dry_run"] = func(_, n *strictyaml.Node) { l.boolean(n, &l.cfg.DryRun) }
		all["accounts"] = func(_, n *strictyaml.Node) { l.accounts(n) }
		all["hosts"] = func(_, n *strictyaml.Node) { l.hosts(n) }
		all["body"] = func(_, n *strictyaml.Node) { l.body(n) }
		all["egress"] = func(_, _ *strictyaml.Node) {} // read before the others
		all["allow"] = func(_, n *strictyaml.Node) { l.allow(n) }
		all["smtp"] = func(key, n *strictyaml.Node) { l.cfg.SMTP = l.smtp(key, n) }
		all["admin"] = func(key, n *strictyaml.Node) { l.admin(key, n) }
		all["notices"] = func(_, n *strictyaml.Node) { l.notices(n) }
		all["stale_after"] = func(_, n *strictyaml.Node) {
			l.staleAfter(n, &l.cfg.StaleAfter)
			l.stale[""] = ref{l.reading, n}
		}
		all["token_key"] = func(_, n *strictyaml.Node) { l.readTokenKey(n) }
		return all, later
	}
	for _, key := range []string{"state", "timezone", "dry_run", "accounts", "hosts", "body", "egress", "allow", "smtp", "admin", "notices", "stale_after", "token_key"} {
		all[key] = func(key, _ *strictyaml.Node) {
			l.problem(key, fmt.Sprintf("%q cannot stand in an included file", key.Value), "move it to "+l.cfg.Path)
		}
	}
	return all, later
}

func (l *loader) statePath(n *strictyaml.Node) {
	if l.str(n, &l.state) && strings.TrimSpace(l.state) == "" {
		l.problem(n, "the path is empty", "as in imapilot.db")
	}
}

func (l *loader) timezone(n *strictyaml.Node) {
	if zone := l.zone(n); zone != nil {
		l.cfg.Location = zone
	}
}

// zone reads the name of a time zone. It gives nil when a problem was reported.
func (l *loader) zone(n *strictyaml.Node) *time.Location {
	var name string
	if !l.str(n, &name) {
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		l.problem(n, fmt.Sprintf("there is no time zone %q", name), "use a name of the tz database, as in Europe/Berlin or UTC")
		return nil
	}
	return loc
}

func (l *loader) defines(n *strictyaml.Node) {
	for _, e := range l.named(n, "define") {
		switch e.Value.Kind {
		case strictyaml.Scalar:
			expr := nowhere("")
			if l.whole(e.Value) {
				expr = l.text(e.Value)
			}
			l.source.Define = append(l.source.Define, rules.DefineSource{Name: l.text(e.Key), Expr: expr})
			continue
		case strictyaml.Mapping, strictyaml.Sequence:
			l.wrongType(e.Value, "an expression")
		}
		l.source.Define = append(l.source.Define, rules.DefineSource{Name: l.text(e.Key), Expr: nowhere("")})
	}
}

// compile hands everything to the rules and takes their problems.
func (l *loader) compile() {
	l.nameRetentions()
	l.source.Location, l.source.Allowed = l.cfg.Location, l.cfg.Allow
	for _, a := range l.cfg.Accounts {
		l.source.Accounts = append(l.source.Accounts, rules.AccountSource{
			Name: a.Name, Addresses: a.Addresses, TrustedAuthserv: a.TrustedAuthserv, Snooze: a.Snooze,
		})
	}
	set, problems := rules.Compile(l.source)
	for _, p := range problems {
		if p.Pos < 0 || p.Pos >= len(l.refs) || l.mayExist(p.Message) {
			continue
		}
		r := l.refs[p.Pos]
		l.addIn(r.file, r.node.Span(p.Offset, p.Length), p.Severity, p.Message, p.Hint)
	}
	l.cfg.Rules, l.cfg.Source = set, l.source
	if set == nil && !HasErrors(l.diags) {
		l.diags = append(l.diags, Diagnostic{File: l.cfg.Path, Message: "the rules cannot be used"})
	}
}

// mayExist reports whether a problem may only come from a definition that
// could not be read.
func (l *loader) mayExist(message string) bool {
	for key, prefix := range map[string]string{
		"accounts": "there is no account", "webhooks": "there is no webhook", "lists": "there is no list", "define": "unknown field",
	} {
		if l.missing[key] && strings.HasPrefix(message, prefix) {
			return true
		}
	}
	return false
}

// finish applies the defaults that need all of the files.
func (l *loader) finish() {
	if len(l.cfg.Accounts) == 0 && !HasErrors(l.diags) {
		l.diags = append(l.diags, Diagnostic{
			File: l.cfg.Path, Message: "there is no account", Hint: "add one under accounts:, or start with 'imapilot init'",
		})
	}
	l.mailServers()
	l.checkNotices()
	l.checkStale()
	l.tokens()
	l.unruled()
	l.unwatched()
	l.hostsOfAccounts()
	l.pastDates()
	for i, r := range l.source.Rules {
		if s, ok := l.schedules[i]; ok {
			s.Rule = r.Name.Value
			l.cfg.Schedules = append(l.cfg.Schedules, s)
		}
	}
	for _, p := range l.tests {
		l.cfg.Tests = append(l.cfg.Tests, l.withDefaults(p))
	}
}

// hide keeps a text out of the lines that are shown.
func (l *loader) hide(n *strictyaml.Node) {
	l.hidden = append(l.hidden, ref{l.reading, n})
}

// cover hides on a line what was read there as a secret, whatever its key is. Of a
// block the line shows no more than the begin.
func (l *loader) cover(file string, at int, line string) string {
	row := []rune(line)
	for _, r := range l.hidden {
		if r.node.Kind != strictyaml.Scalar || r.node.Style == strictyaml.Block || r.file != file || r.node.Line != at {
			continue
		}
		s := r.node.Span(0, 0)
		for i := max(0, s.Column-1); i < min(len(row), s.Column-1+s.Length); i++ {
			row[i] = '*'
		}
	}
	return string(row)
}

// linesOf splits the text of a file, which only a problem asks for. A file that
// could not be read has no lines.
func linesOf(texts map[string][]byte, file string) []string {
	text, ok := texts[file]
	if !ok {
		return nil
	}
	return strictyaml.Lines(text)
}

// showLines gives every diagnostic its line, without the secrets in it.
func (l *loader) showLines() {
	all := map[string][]string{}
	for i := range l.diags {
		d := &l.diags[i]
		d.Message, d.Hint = maskURLs(d.Message), maskURLs(d.Hint)
		lines, split := all[d.File]
		if !split {
			lines = linesOf(l.read, d.File)
			all[d.File] = lines
		}
		if d.Line < 1 || d.Line > len(lines) {
			continue
		}
		line := lines[d.Line-1]
		d.Source = l.cover(d.File, d.Line, maskSecret(line))
		if d.Source != line && slices.ContainsFunc(secretWords(line), func(w string) bool { return strings.Contains(d.Hint, w) }) {
			d.Hint = "write it in single quotes, or better in a file: {file: /run/secrets/name}"
		}
	}
}
