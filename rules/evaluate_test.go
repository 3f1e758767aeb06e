package rules

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"imapilot/actions"
)

func TestWalk(t *testing.T) {
	for _, tt := range []struct {
		name      string
		rules     []RuleSource
		plan, dry string
		verdicts  string
		stopped   string
	}{
		{"no match keeps", []RuleSource{rule("a", "flagged", "trash")}, "keep", "keep", "a=false", ""},
		{"all that match add", []RuleSource{rule("a", "seen", `add_flags: $a, \Flagged`), rule("b", "flagged", "trash"), rule("c", "seen", "copy: X", "webhook: ci")},
			`add_flags: [$a, \Flagged], copy: X, webhook: ci`, "keep", "a=true b=false c=true", ""},
		{"the first destination wins", []RuleSource{rule("a", "seen", "move: X"), rule("b", `list.id != ""`, "copy: Z", "trash"), rule("c", `size > 1`, "move: Y")},
			"move: X, copy: Z, trash (superseded by a), move: Y (superseded by a)", "keep", "a=true b=true c=true", ""},
		{"the last flag wins", []RuleSource{rule("a", "seen", "add_flags: $x, $y"), rule("b", "true", "remove_flags: $X")},
			"add_flags: [$y], remove_flags: [$X]", "keep", "a=true b=true", ""},
		{"stop", []RuleSource{rule("a", "seen", "move: X").stopping(), rule("b", "true", "add_flags: $b")}, "move: X", "keep", "a=true", "a"},
		{"stop without a match", []RuleSource{rule("a", "flagged", "move: X").stopping(), rule("b", "true", "add_flags: $b")}, "add_flags: [$b]", "keep", "a=false b=true", ""},
		{"other mailboxes and accounts", []RuleSource{rule("a", "true", "add_flags: $a").inside("Junk"), rule("b", "true", "add_flags: $b").by("work"), rule("c", "true", "add_flags: $c").by("work", "home").inside("X", "inbox")},
			"add_flags: [$c]", "keep", "c=true", ""},
		{"dry", []RuleSource{rule("a", "seen", "move: X").dry(), rule("b", "true", "trash")}, "trash", "move: X", "a=true b=true", ""},
		{"dry stop stops the dry ones only", []RuleSource{rule("a", "seen", "move: X").dry().stopping(), rule("b", "seen", "move: Y").dry(), rule("c", "true", "trash")},
			"trash", "move: X", "a=true c=true", ""},
		{"a role is there already", []RuleSource{rule("a", "true", "junk", "copy: role:archive", "add_flags: $a").inside("role:junk", "INBOX")}, "junk, copy: role:archive, add_flags: [$a]", "keep", "a=true", ""},
		{"it is there already", []RuleSource{rule("a", "true", "move: ${account}", "add_flags: $a").inside("*")}, "move: home, add_flags: [$a]", "keep", "a=true", ""},
	} {
		src := baseSource(tt.rules...)
		rs, problems := Compile(src)
		if rs == nil {
			// "dry stop" has a rule that is never reached on purpose.
			if !strings.HasPrefix(tt.name, "dry stop") {
				t.Fatalf("%s: %+v", tt.name, problems)
			}
			src.Rules[1].If.Value = `has(subject, "invoice")`
			rs = mustCompile(t, src)
		}
		d := rs.Evaluate(sampleInput())
		var verdicts []string
		for _, v := range d.Verdicts {
			verdicts = append(verdicts, v.Rule+"="+v.Truth.String())
		}
		if d.Plan.String() != tt.plan || d.Dry.String() != tt.dry || strings.Join(verdicts, " ") != tt.verdicts || d.StoppedBy != tt.stopped {
			t.Errorf("%s:\n got %s | %s | %s | %q\nwant %s | %s | %s | %q", tt.name, d.Plan, d.Dry, verdicts, d.StoppedBy, tt.plan, tt.dry, tt.verdicts, tt.stopped)
		}
	}
}

func TestMailThatIsThereAlreadyStays(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("a", "true", "move: Lists/${list.name}", "add_flags: $a").inside("INBOX", "Lists/*")))
	in := sampleInput()
	in.Mailbox = Mailbox{Name: "Lists/golang-nuts"}
	if got := rs.Evaluate(in).Plan.String(); got != "add_flags: [$a]" {
		t.Errorf("plan %q", got)
	}
	in.Mailbox = Mailbox{Name: "Lists/other"}
	if got := rs.Evaluate(in).Plan.String(); got != "move: Lists/golang-nuts, add_flags: [$a]" {
		t.Errorf("plan %q", got)
	}
}

func TestMailThatHasItsRoleStays(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("a", "true", "junk", "copy: role:junk", "add_flags: $a").inside("*")))
	in := sampleInput()
	in.Mailbox = Mailbox{Name: "Spam", Role: "junk"}
	if got := rs.Evaluate(in).Plan.String(); got != "add_flags: [$a]" {
		t.Errorf("plan %q", got)
	}
}

func TestItemsSayWhereTheyComeFrom(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("a", "true", "add_flags: $a", "trash")))
	items := rs.Evaluate(sampleInput()).Plan.Items
	want := rs.Rules()[0]
	if len(items) != 2 || items[1].Rule != "a" || items[1].Hash != want.Hash || items[1].Index != 1 || items[1].Action.Kind != actions.Trash {
		t.Errorf("%+v", items)
	}
}

func TestSkip(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("a", "seen", "move: X").stopping(), rule("b", "true", "add_flags: $b")))
	in := sampleInput()
	in.Skip = map[string]string{"a": "you moved it back"}
	d := rs.Evaluate(in)
	if len(d.Plan.Items) != 0 || d.StoppedBy != "a" || d.Verdicts[0].Skipped != "you moved it back" || d.Verdicts[0].Truth != True {
		t.Errorf("%+v", d)
	}
	in.Message.Flags = nil
	if d = rs.Evaluate(in); d.Plan.String() != "add_flags: [$b]" {
		t.Errorf("a rule that does not match stopped the walk: %+v", d)
	}
}

func TestDeletedMessages(t *testing.T) {
	src := baseSource(
		rule("ordinary", "true", "add_flags: $a"),
		rule("names it", "deleted", "add_flags: $b"),
		rule("names it inside", `seen or not deleted`, "add_flags: $c"),
		rule("names the flag", "`\\DELETED` in flags", "add_flags: $d"),
		rule("by a define", `gone`, "add_flags: $e"),
		rule("only in an argument", `true`, `move: ${"\\Deleted" in flags ? "X" : "Y"}`),
	)
	src.Define = []DefineSource{{Text{Value: "gone"}, Text{Value: "any(flags, # == `\\deleted`)"}}}
	rs := mustCompile(t, src)
	in := sampleInput()
	in.Message.Flags = append(in.Message.Flags, `\deleted`)
	d := rs.Evaluate(in)
	if got := d.Plan.String(); got != "add_flags: [$b], add_flags: [$c], add_flags: [$d], add_flags: [$e]" {
		t.Errorf("plan %q", got)
	}
	if v := d.Verdicts[0]; v.Truth != False || v.Skipped == "" {
		t.Errorf("verdict %+v does not say why", v)
	}
}

// A rule that fails takes no action and does not stop the others, unless it
// would stop them if it matched: it might have protected the message.
func TestErrorsAreVisible(t *testing.T) {
	rs := mustCompile(t, baseSource(
		rule("condition", errorLeaf, "add_flags: $a"),
		rule("argument", "true", "add_flags: $b", "move: X/${list.name}"),
		rule("fine", "true", "add_flags: $c"),
		rule("stops", errorLeaf, "add_flags: $d").stopping(),
		rule("below", "true", "trash"),
	))
	d := rs.Evaluate(errorInput())
	if got := d.Plan.String(); got != "add_flags: [$c]" {
		t.Errorf("plan %q", got)
	}
	if d.StoppedBy != "stops" {
		t.Errorf("stopped by %q", d.StoppedBy)
	}
	if d.Verdicts[0].Truth != ErrorTruth || d.Verdicts[0].Err == nil {
		t.Errorf("%+v", d.Verdicts[0])
	}
	if err := d.Verdicts[1].Err; err == nil || err.Error() != "move: X/${list.name}: ${list.name}: the value is empty, so there is no name to make of it" {
		t.Errorf("%v", err)
	}
}

func TestRules(t *testing.T) {
	limited := rule("b", "flagged", "trash")
	limited.MaxMessages = 5
	rs := mustCompile(t, baseSource(rule("a", `seen and has(subject, "x")`, `add_flags: \seen, $A`, "copy: Y", "move: Lists/${list.name}", "webhook: ci").inside("Junk", "Lists/b"), limited))
	a, b := rs.Rules()[0], rs.Rules()[1]
	if !slices.Equal(a.Then, []string{`add_flags: [\seen, $A]`, "copy: Y", "move: Lists/${list.name}", "webhook: ci"}) || !slices.Equal(a.Targets, []string{"Y"}) ||
		!slices.Equal(a.Kinds, []actions.Kind{actions.AddFlags, actions.Copy, actions.Move, actions.Webhook}) || a.MaxMoves != 1000 || a.MaxExpunges != 100 || len(a.Hash) != 16 {
		t.Errorf("%+v", a)
	}
	if b.MaxMoves != 5 || b.MaxExpunges != 5 || !slices.Equal(b.In, []string{"INBOX"}) || !slices.Equal(b.Then, []string{"trash"}) {
		t.Errorf("%+v", b)
	}
	if !rs.Applies("home", Mailbox{Name: "Junk"}) || rs.Applies("home", Mailbox{Name: "Sent"}) {
		t.Error("Applies is wrong")
	}
}

func TestNeeds(t *testing.T) {
	src := baseSource(
		rule("a", `any(to, .domain == "x") and header("x-SPAM-flag") == "YES" and sent < received`, "move: Lists/${list.name}"),
		rule("b", `header("x-spam-flag") == "no" and mine`, "trash").inside("Junk"),
		rule("c", `seen`, "trash").by("work").inside("Sent"),
		rule("d", `seen`, "webhook: ci").inside("Archive"),
	)
	src.Define = []DefineSource{{Text{Value: "mine"}, Text{Value: `len(cc) > 1`}}}
	rs := mustCompile(t, src)
	for mailbox, want := range map[string]string{
		"INBOX": "Date From List-Id Message-Id Subject To X-Spam-Flag",
		"Junk":  "Cc From Message-Id Subject X-Spam-Flag",
		"Sent":  "From Message-Id Subject",
		// What the document of a webhook tells is fetched for it.
		"Archive": "Date From Message-Id Subject To",
	} {
		if got := strings.Join(rs.Needs("home", Mailbox{Name: mailbox}).HeaderFields, " "); got != want {
			t.Errorf("%s needs %s, want %s", mailbox, got, want)
		}
	}
}

func TestHash(t *testing.T) {
	hashes := func(change func(*Source)) (string, string) {
		src := baseSource(rule("r", `seen and vip and year(received) == 2026`, "move: X/${list.name}").inside("INBOX", "Junk"))
		src.Define = []DefineSource{{Text{Value: "vip"}, Text{Value: `in_list(from.address, "vips")`}}, {Text{Value: "unused"}, Text{Value: "seen"}}}
		if change != nil {
			change(&src)
		}
		rs := mustCompile(t, src)
		return rs.Rules()[0].Hash, rs.Hash()
	}
	rule0, set0 := hashes(nil)
	for name, change := range map[string]func(*Source){
		"white space and comments": func(s *Source) { s.Rules[0].If.Value = "seen   and (vip) /* my friends */ and year(received)==2026" },
		"an unused define":         func(s *Source) { s.Define[1].Expr.Value = "flagged" },
		"inlining the define": func(s *Source) {
			s.Rules[0].If.Value = `seen and in_list(from.address, "vips") and year(received) == 2026`
		},
		"the order of a list":    func(s *Source) { slices.Reverse(s.Lists[0].Values) },
		"the order of mailboxes": func(s *Source) { slices.Reverse(s.Rules[0].In) },
		"positions":              func(s *Source) { s.Rules[0].If.Pos = 9999 },
		"an unused list":         func(s *Source) { s.Lists = append(s.Lists, ListSource{Name: Text{Value: "x"}}) },
	} {
		if r, set := hashes(change); r != rule0 || set != set0 {
			t.Errorf("%s changes the hash", name)
		}
	}
	for name, change := range map[string]func(*Source){
		"the condition":    func(s *Source) { s.Rules[0].If.Value = "seen and vip" },
		"the define":       func(s *Source) { s.Define[0].Expr.Value = "flagged" },
		"a list":           func(s *Source) { s.Lists[0].Values = append(s.Lists[0].Values, "x@y") },
		"the action":       func(s *Source) { s.Rules[0].Then[0].Kind.Value = "copy" },
		"the argument":     func(s *Source) { s.Rules[0].Then[0].Args[0].Value = "Y/${list.name}" },
		"the expression":   func(s *Source) { s.Rules[0].Then[0].Args[0].Value = "X/${list.id}" },
		"a literal ${":     func(s *Source) { s.Rules[0].Then[0].Args[0].Value = "X/$${list.name}" },
		"the mailboxes":    func(s *Source) { s.Rules[0].In = s.Rules[0].In[:1] },
		"the accounts":     func(s *Source) { s.Rules[0].Accounts = []Text{{Value: "home"}} },
		"stop":             func(s *Source) { s.Rules[0].Stop = true },
		"the time zone":    func(s *Source) { s.Location = time.UTC },
		"one action moved": func(s *Source) { s.Rules[0].Then = append(s.Rules[0].Then, ActionSource{Kind: Text{Value: "trash"}}) },
	} {
		if r, set := hashes(change); r == rule0 || set == set0 {
			t.Errorf("%s does not change the hash", name)
		}
	}
	for name, change := range map[string]func(*Source){
		"the limit": func(s *Source) { s.Rules[0].MaxMessages = 7 },
		"dry run":   func(s *Source) { s.Rules[0].DryRun = true },
	} {
		if r, set := hashes(change); r != rule0 || set == set0 {
			t.Errorf("%s must change the hash of the set and not of the rule", name)
		}
	}
}

func TestConcurrentEvaluation(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("a", `any(to, .domain == "example.net") and has(subject, "invoice")`, "move: X/${list.name}/${year(received)}")))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got := rs.Evaluate(sampleInput()).Plan.String(); got != "move: X/golang-nuts/2026" {
					t.Errorf("plan %q", got)
					return
				}
			}
		})
	}
	wg.Wait()
}
