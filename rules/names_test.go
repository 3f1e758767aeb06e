package rules

import (
	"strings"
	"testing"

	"imapilot/rules/facts"
)

func TestMailboxNamesFromMail(t *testing.T) {
	long := strings.Repeat("ä", 100)
	for _, tt := range []struct{ target, listID, want string }{
		{"Lists/${list.id}", "go.example", "Lists/go_example"},
		{"Lists/${list.title}", "", ""},
		{"Lists/${list.title}", "/etc/passwd", "Lists/_etc_passwd"},
		{"Lists/${list.title}", "../../INBOX", "Lists/______INBOX"},
		{"Lists/${list.title}", "..", "Lists/__"},
		{"Lists/${list.title}", ".", "Lists/_"},
		{"Lists/${list.title}", `a\b.c/d%e*f`, "Lists/a_b_c_d_e_f"},
		{"Lists/${list.title}", "a\x01b\u202Ec\u200Dd", "Lists/a_b_c_d"},
		{"Lists/${list.title}", "  spaces  ", "Lists/spaces"},
		{"Lists/${list.title}", long, "Lists/" + strings.Repeat("ä", 64)},
		{"Lists/${list.title}", strings.Repeat("x", 63) + " y", "Lists/" + strings.Repeat("x", 63)},
		{"${list.title}", "role:trash", "role_trash"},
		{"${list.title}", "Role:Junk", "Role_Junk"},
		{"${list.title}", "inbox", "inbox_"},
		{"${list.title}/x", "INBOX", "INBOX_/x"},
		{"X/${list.title}", "INBOX", "X/INBOX"},
		{"${list.title}", "#shared", "_shared"},
		{"${list.title}", "~root", "_root"},
		{"a${list.title}", "#b", "a#b"},
		{"${list.title}${list.title}", "ab", "abab"},
		{"$${list.title}", "x", "${list.title}"},
		{"Y/${year(received)}-${len(to)}", "", "Y/2026-0"},
	} {
		rs := mustCompile(t, baseSource(rule("r", "true", "move: "+tt.target, "add_flags: $x")))
		in := sampleInput()
		header := "List-Id: \"" + strings.ReplaceAll(tt.listID, `\`, `\\`) + "\" <x>\r\n"
		if strings.Contains(tt.target, "list.id") {
			header = "List-Id: <" + tt.listID + ">\r\n"
		}
		in.Message.Header = facts.ParseHeader([]byte(header))
		d := rs.Evaluate(in)
		if tt.want == "" {
			// One argument fails: the rule does nothing at all, visibly.
			if d.Verdicts[0].Err == nil || d.Verdicts[0].Truth != True || len(d.Plan.Items) != 0 {
				t.Errorf("%s of %q: %+v", tt.target, tt.listID, d)
			}
			continue
		}
		if len(d.Plan.Items) != 2 || d.Plan.Items[0].Action.Mailbox != tt.want {
			t.Errorf("%s of %q: %s (%v), want %s", tt.target, tt.listID, d.Plan, d.Verdicts[0].Err, tt.want)
		}
	}
}

func TestLongNameFailsVisibly(t *testing.T) {
	rs := mustCompile(t, baseSource(rule("r", "true", "move: "+strings.Repeat("${list.title}/", 5)+"x")))
	in := sampleInput()
	in.Message.Header = facts.ParseHeader([]byte("List-Id: " + strings.Repeat("x", 64) + " <a>\r\n"))
	d := rs.Evaluate(in)
	if len(d.Plan.Items) != 0 || d.Verdicts[0].Err == nil || !strings.Contains(d.Verdicts[0].Err.Error(), "longer than 255") {
		t.Errorf("%+v", d)
	}
}

func TestFlagsFromMail(t *testing.T) {
	for _, tt := range []struct{ flag, title, want string }{
		{"$List-${list.title}", "go nuts", "$List-go_nuts"},
		{"${list.title}", `\Deleted`, "_Deleted"},
		{"${list.title}", `a(b){c}%*"]`, `a_b__c}____`},
		{"${list.title}", "grün", "gr_n"},
		{`\flagged`, "", `\Flagged`},
	} {
		rs := mustCompile(t, baseSource(rule("r", "true", "add_flags: "+tt.flag)))
		in := sampleInput()
		title := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(tt.title)
		in.Message.Header = facts.ParseHeader([]byte("List-Id: \"" + title + "\" <x>\r\n"))
		d := rs.Evaluate(in)
		if got := d.Plan.String(); got != "add_flags: ["+tt.want+"]" {
			t.Errorf("%s of %q: %s (%v)", tt.flag, tt.title, got, d.Verdicts[0].Err)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		mailbox Mailbox
		want    bool
	}{
		{"INBOX", Mailbox{Name: "inbox"}, true},
		{"inbox", Mailbox{Name: "INBOX"}, true},
		{"Lists", Mailbox{Name: "lists"}, false},
		{"Lists/*", Mailbox{Name: "Lists/a/b"}, true},
		{"Lists/*", Mailbox{Name: "Lists"}, false},
		{"*", Mailbox{Name: "INBOX"}, true},
		{"A?", Mailbox{Name: "AB"}, true},
		{"role:junk", Mailbox{Name: "Spam", Role: "junk"}, true},
		{"role:junk", Mailbox{Name: "role:junk"}, false},
		{"role:", Mailbox{Name: "x"}, false},
	} {
		if got := tt.mailbox.Match(tt.pattern); got != tt.want {
			t.Errorf("%+v matches %q: %v", tt.mailbox, tt.pattern, got)
		}
	}
}
