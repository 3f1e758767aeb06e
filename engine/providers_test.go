package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/enginetest/providers"
)

const providerAccount = "watch: [INBOX, Filed]\nconnections: 3\nidle: 20m\npoll: 1m"

const providerRules = `
rules:
  - {name: file, if: 'has(subject, "file")', then: [move: Filed]}
  - {name: mark, if: 'has(subject, "mark")', then: [add_flags: ['\Flagged']]}
  - {name: copy, if: 'has(subject, "copy")', then: [copy: Copies]}
  - {name: again, in: [Filed], if: 'true', then: [add_flags: [$Again]]}
`

// TestProviders plays one scenario on every server that there is: mail that arrives is
// moved, flagged and copied; more comes while that is done; the connection breaks in the
// middle; more comes while nobody is there. Nothing is lost, nothing is done twice, and
// what another program flagged \Deleted stays.
func TestProviders(t *testing.T) {
	for _, p := range providers.All() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			scripted(t, p, providerAccount, providerRules, func(v *venue) {
				allOfIt(v)
				ofTheProvider(v)
			})
		})
	}
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{
		"memory server": imaptest.Memory, "Dovecot server": imaptest.Dovecot, "Cyrus server": imaptest.Cyrus,
	} {
		if underRace && name != "memory server" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			real(t, start(t, imaptest.Options{}), strings.Replace(providerAccount, "1m", "5s", 1), providerRules, allOfIt)
		})
	}
}

// allOfIt is the scenario.
func allOfIt(v *venue) {
	v.t.Helper()
	v.deliver("INBOX", "0 file old")
	v.deliver("INBOX", "0 theirs", imap.FlagDeleted)
	v.once(v.cfg, v.change...) // what is there is left alone
	var filed []string
	file := func(prefix string, n int) {
		for i := range n {
			subject := fmt.Sprintf("%s%d file", prefix, i)
			v.deliver("INBOX", subject)
			filed = append(filed, subject)
		}
	}
	v.live(func() {
		file("a", 1)
		v.deliver("INBOX", "1 mark")
		v.deliver("INBOX", "1 copy")
		v.settledBut("0 file old")
		file("b", 20) // while it works
		v.wait(100 * time.Millisecond)
		file("c", 3)
		v.wait(40 * time.Millisecond)
		v.cut()
		file("d", 3)
		v.settledBut("0 file old")
	})
	v.down()
	file("e", v.many)
	v.deliver("INBOX", "2 mark")
	v.deliver("INBOX", "2 copy file")
	filed = append(filed, "2 copy file")
	v.live(func() {
		v.settledBut("0 file old")
		v.wait(90 * time.Minute) // and what comes after that is nothing
	})
	v.wantIn("INBOX", "0 file old", "[0 theirs]", "1 mark", "1 copy", "2 mark")
	v.wantIn("Filed", filed...)
	v.wantIn("Copies", "1 copy", "2 copy file")
	for _, m := range append(v.held("INBOX"), v.held("Filed")...) {
		if m.has(imap.FlagFlagged) != strings.Contains(m.subject, "mark") || m.has("$Again") {
			v.t.Errorf("%q has the flags %q", m.subject, m.flags)
		}
	}
	if bad := v.outcomes(); len(bad) > 0 {
		v.t.Errorf("%d entries did not end well, as %q", len(bad), bad[0])
	}
}

// settledBut waits until everything is filed, marked and copied but this.
func (v *venue) settledBut(subject string) {
	v.t.Helper()
	v.until("everything is filed", func() bool {
		copies := v.in("Copies")
		return !slices.ContainsFunc(v.held("INBOX"), func(m placed) bool {
			return m.subject != subject && (strings.Contains(m.subject, "file") || strings.Contains(m.subject, "mark") && !m.has(imap.FlagFlagged) ||
				strings.Contains(m.subject, "copy") && !slices.Contains(copies, m.subject))
		})
	})
}

// ofTheProvider is what must hold on one server and need not on others.
func ofTheProvider(v *venue) {
	v.t.Helper()
	name := v.server.Provider.Name
	if n := v.log.count("provider=" + quoted(name)); n == 0 {
		v.t.Errorf("the log does not say that this is %s", name)
	}
	sent := v.server.Sent()
	deleted := slices.ContainsFunc(sent, func(c providers.Command) bool {
		return c.Command == "UID EXPUNGE" || c.Command == "UID STORE" && strings.Contains(c.Args, `\Deleted`)
	})
	switch name {
	case "Gmail":
		if deleted || v.commands("UID MOVE") == 0 {
			v.t.Error("a message was moved by other ways than MOVE")
		}
	case "iCloud":
		if slices.ContainsFunc(sent, func(c providers.Command) bool {
			return c.Command == "ENABLE" || strings.Contains(c.Args, "QRESYNC") || c.Command == "UID MOVE"
		}) {
			v.t.Error("QRESYNC or MOVE was used")
		}
	case "Yahoo":
		for _, c := range sent {
			if n := providers.Names(c.Operation); n > providers.MaxYahoo {
				v.t.Errorf("%s names %d messages", c.Command, n)
			}
		}
		if n := v.server.IdlesEnded(); n > 0 {
			v.t.Errorf("the server ended %d IDLEs", n)
		}
	case "Zoho":
		if n := v.server.Peak(); n != 3 {
			v.t.Errorf("%d connections at once", n)
		}
	case "163", "QQ":
		if first := firstOf(sent, "ID", "SELECT", "EXAMINE", "STATUS"); first != "ID" {
			v.t.Errorf("%s before ID", first)
		}
	case "Courier", "Zimbra":
		if !deleted || v.commands("UID MOVE") > 0 {
			v.t.Error("MOVE was used, or nothing was removed")
		}
	case "Proton Bridge":
		if n := v.events("uidvalidity"); n != 1 {
			v.t.Errorf("%d events of one restart", n)
		}
	}
}

func quoted(name string) string {
	if strings.Contains(name, " ") {
		return `"` + name + `"`
	}
	return name
}

// firstOf is the first of these commands.
func firstOf(sent []providers.Command, names ...string) string {
	for _, c := range sent {
		if slices.Contains(names, c.Command) {
			return c.Command
		}
	}
	return ""
}
