package hostile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"imapilot/engine/enginetest/imaptest"
)

// attack is one lie and what is particular about it.
type attack struct {
	lie
	// restart is set where the daemon keeps away from the mailbox for so long
	// that a test does not wait: it is started again.
	restart bool
	// account is what else stands in the account's configuration, and names what
	// the client may look into because of it.
	account string
	names   []string
}

// The places to strike at.
const (
	flags     = "UID FETCH ... HEADER.FIELDS"
	structure = "UID FETCH ... BODYSTRUCTURE"
	part      = "UID FETCH ... BODY.PEEK[1"
)

// TestBinary is everything that the built binary has to stand.
func TestBinary(t *testing.T) {
	binary := build(t)
	t.Run("servers", func(t *testing.T) { servers(t, binary) })
	t.Run("before TLS", func(t *testing.T) { beforeTLS(t, binary) })
	t.Run("mail", func(t *testing.T) { hostileMail(t, binary) })
}

// servers lets the daemon meet one attack after the other.
func servers(t *testing.T, binary string) {
	together(t, attacks(), func(t *testing.T, a attack) { meet(t, binary, a) })
}

// together runs several tests of a table at once, more than there are
// processors: for most of their time they wait.
func together[T any](t *testing.T, table map[string]T, test func(t *testing.T, c T)) {
	t.Helper()
	names := make(chan string)
	var workers sync.WaitGroup
	for range 6 {
		workers.Go(func() {
			for name := range names {
				t.Run(name, func(t *testing.T) { test(t, table[name]) })
			}
		})
	}
	for name := range table {
		names <- name
	}
	close(names)
	workers.Wait()
}

// meet runs the daemon against an attack, demands that it does its work
// afterwards, and looks at what it said and wrote.
func meet(t *testing.T, binary string, a attack) {
	srv := stock(t, imaptest.Options{})
	l := newLiar(srv, a.lie)
	host, port := l.listen(t)
	cfg := configure(t, host, port, ", tls: none"+a.account, rules)
	p := start(t, binary, "run", "-v", "--existing", "-c", cfg)
	p.wait(2*time.Minute, "the attack is over", l.wasTold)
	shows(t, binary, cfg)
	if a.restart {
		p.stop()
		p = start(t, binary, "run", "-v", "-c", cfg)
	}
	p.wait(2*time.Minute, "it works again", func() bool { return done(t, srv) })
	p.stop()
	once := start(t, binary, "run", "--once", "-v", "-c", cfg)
	once.end(20 * time.Second)
	if once.err != nil {
		t.Errorf("run --once: %v", once.err)
	}
	once.judge()
	intact(t, srv)
	a.wire().judge(t, l.sent())
	if n := l.connections(); n > 8 {
		t.Errorf("%d connections", n)
	}
}

// wire is what the client may say.
func (a attack) wire() wire {
	w := expected()
	w.mailboxes = append(w.mailboxes, a.names...)
	return w
}

// escape is what no terminal should be told.
const escape = "\x1b[2J\x1b]0;owned\x07\x9b31m\u009b31m\u202egnp.exe\u2028\x00\x7f"

// attacks are all of them, by name.
func attacks() map[string]attack {
	out := map[string]attack{}
	for _, table := range []map[string]attack{greetings(), logins(), listings(), selections(), fetches(), changes(), idles()} {
		maps.Copy(out, table)
	}
	return out
}

func at(command string, w when, tell func(c *told)) attack {
	return attack{lie: lie{at: command, when: w, tell: tell}}
}

func greetings() map[string]attack {
	return map[string]attack{
		"greeting of another protocol": at("GREETING", instead, func(c *told) { c.say("HTTP/1.1 400 %s", escape) }),
		"greeting that never ends":     at("GREETING", instead, func(c *told) { c.raw("* OK "); c.flood(strings.Repeat("x", 4096), -1) }),
		"greeting that says goodbye":   at("GREETING", instead, func(c *told) { c.say("* BYE [%s] %s", escape, escape) }),
		"greeting with another host":   at("GREETING", instead, func(c *told) { c.say("* BYE [REFERRAL imap://user;AUTH=*@127.0.0.1:9/] go there") }),
		"alert in the greeting": at("GREETING", instead, func(c *told) {
			c.say("* OK [ALERT] %s", escape)
			c.flood("* NO [ALERT] "+escape+"\r\n", 2000)
		}),
	}
}

func logins() map[string]attack {
	return map[string]attack{
		"capabilities without end": at("AUTHENTICATE", before, func(c *told) {
			c.flood("* CAPABILITY IMAP4rev1 "+strings.Repeat("X ", 30_000)+"\r\n", 500)
		}),
		"password echoed": at("AUTHENTICATE", instead, func(c *told) {
			c.say("* NO [ALERT] your password secret is weak: AHVzZXIAc2VjcmV0")
			c.say(`%s BAD cannot parse LOGIN "user" "secret"`, c.tag)
		}),
		"referral at login":    at("AUTHENTICATE", instead, func(c *told) { c.say("%s NO [REFERRAL imap://user@127.0.0.1:9/] elsewhere", c.tag) }),
		"login of another tag": at("AUTHENTICATE", instead, func(c *told) { c.say("T999 OK welcome"); c.silence() }),
		"alerts without end":   at("AUTHENTICATE", before, func(c *told) { c.flood("* OK [ALERT] the disk is full "+escape+"\r\n", 200_000) }),
		"challenges without end": at("AUTHENTICATE", before, func(c *told) {
			c.flood("+ c2VjcmV0\r\n", 1_000_000)
		}),
	}
}

func listings() map[string]attack {
	const all = `LIST "" "*"`
	return map[string]attack{
		"remarks without end": at(all, before, func(c *told) { c.flood("* NO what is this? "+escape+"\r\n", 200_000) }),
		"list without end":    at(all, before, func(c *told) { c.flood("* LIST () \"/\" \"x\"\r\n", 1_000_000) }),
		"list of a huge name": at(all, before, func(c *told) {
			c.say(`* LIST () "/" {60000000}`)
			c.flood(strings.Repeat("x", 6000), 10_000)
			c.say("")
		}),
		"list of a huge literal": at(all, instead, func(c *told) {
			c.say(`* LIST () "/" {2000000000}`)
			c.flood(strings.Repeat("x", 4096), -1)
		}),
		"list of hostile names": {account: `, watch: ["*"]`, names: append(roles(), "../../../../etc/passwd", "*", "%", "a*b", "..",
			`\"`, `x\" (\\Noselect)`, "x] OK", "&IC4-gnp.exe", "&AJs-31m"),
			lie: lie{at: all, when: before, tell: func(c *told) {
				for _, name := range []string{`"../../../../etc/passwd"`, `"*"`, `"%"`, "a*b", `".."`, `"\""`, `"x\" (\\Noselect)"`, `"x] OK"`, `"&IC4-gnp.exe"`, `"&AJs-31m"`,
					`"&AA0ACg-T1 DELETE INBOX"`, `"&AAA-"`, "\"x\x1b[2J\"", "\"x\x9b31m\"", `"A&B"`, "{25}\r\nINBOX\r\nT9 DELETE \"INBOX\""} {
					c.say(`* LIST () "/" %s`, name)
				}
			}}},
		"list of many names": {account: `, watch: [INBOX, "*"]`, names: slices.Concat(roles(), numbered(5000)), lie: lie{at: all, when: before, tell: func(c *told) {
			for _, name := range numbered(45_000) {
				c.say(`* LIST () "/" "%s"`, name)
			}
		}}},
		"junk": at("NAMESPACE", instead, func(c *told) { c.flood("\x00\x1b[31m(((\r\n", -1) }),
		"delimiter of a line break": at("NAMESPACE", alone, func(c *told) {
			c.say("* NAMESPACE ((\"\" {2}\r\n\r\n)) NIL NIL")
			c.say("%s OK", c.tag)
		}),
	}
}

// roles are the mailboxes that the server has beside INBOX.
func roles() []string { return []string{"Archive", "Drafts", "Junk", "Sent", "Trash"} }

// numbered are n long names.
func numbered(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%0300d", i))
	}
	return out
}

// swept lets an account ask for the STATUS of a mailbox.
const swept = ", watch: [INBOX, Archive], connections: 1"

func selections() map[string]attack {
	return map[string]attack{
		"messages without end": at("SELECT", before, func(c *told) {
			c.flood("* 4294967295 EXISTS\r\n* 1 EXPUNGE\r\n* OK [UIDVALIDITY 1] no\r\n", 200_000)
		}),
		"responses without end":  at("SELECT", instead, func(c *told) { c.flood("* 1 EXISTS\r\n", -1) }),
		"flags without end":      at("SELECT", before, func(c *told) { c.flood("* FLAGS ("+strings.Repeat("x ", 30_000)+")\r\n", 300) }),
		"mailbox of another tag": at("SELECT", instead, func(c *told) { c.say("T9999 OK [READ-WRITE] selected"); c.silence() }),
		"status without end": {account: swept, names: roles(), lie: lie{at: "STATUS", when: before, tell: func(c *told) {
			c.flood("* STATUS Archive (MESSAGES 9 UIDNEXT 4294967295 UIDVALIDITY 7)\r\n* STATUS \"INBOX\" (UIDVALIDITY 4294967296)\r\n", 200_000)
		}}},
		"status of another tag": {account: swept, names: roles(), lie: lie{at: "STATUS", when: instead, tell: func(c *told) { c.say("T9999 OK"); c.silence() }}},
		"search of a million": at("UID SEARCH", instead, func(c *told) {
			c.raw("* SEARCH")
			for i := 0; i < 1_000_000 && c.err == nil; i++ {
				c.raw(" " + strconv.Itoa(1_000_000+2*i))
			}
			c.say("\r\n%s OK", c.tag)
		}),
		"search of everything": at("UID SEARCH", before, func(c *told) { c.say("* ESEARCH (TAG %q) UID ALL 6:4294967295", c.tag) }),
		"search without end":   at("UID SEARCH", instead, func(c *told) { c.raw("* SEARCH"); c.flood(" 4000000000", -1) }),
	}
}

func fetches() map[string]attack {
	deep := func(n int) string { return strings.Repeat("(", n) + strings.Repeat(")", n) }
	return map[string]attack{
		"unsolicited messages": at(flags, before, func(c *told) {
			for i := 6; i < 300_000 && c.err == nil; i++ {
				c.say(`* %d FETCH (UID %d FLAGS (\Deleted) RFC822.SIZE 5 INTERNALDATE NIL BODY[HEADER.FIELDS ("Subject")] "Subject: gone")`, i, i)
			}
		}),
		"unsolicited flags": at(flags, before, func(c *told) { c.flood("* 4 FETCH (UID 4 FLAGS (\\Deleted \\Seen))\r\n", 300_000) }),
		"header without end": at(flags, instead, func(c *told) {
			c.raw(`* 1 FETCH (UID 1 BODY[HEADER.FIELDS ("Subject")] "`)
			c.flood(strings.Repeat("x", 4096), -1)
		}),
		"literals without end": at(flags, instead, func(c *told) {
			c.raw("* 1 FETCH (UID 1")
			c.flood(" X {1000000}\r\n"+strings.Repeat("x", 1_000_000), -1)
		}),
		"many huge headers": at(flags, before, func(c *told) {
			for uid := 1; uid <= 5; uid++ {
				c.flood(fmt.Sprintf("* 1 FETCH (UID %d BODY[HEADER.FIELDS (\"Subject\")] {1000000}\r\n%s)\r\n", uid, strings.Repeat("Subject: gone\r\n", 1_000_000/15+1)[:1_000_000]), 30)
			}
		}),
		"a million flags": at(flags, before, func(c *told) { c.flood("* 1 FETCH (UID 1 FLAGS ("+strings.Repeat("x ", 900_000)+"))\r\n", 20) }),
		"deep nesting":    at(flags, before, func(c *told) { c.flood("* 1 FETCH (UID 1 X "+deep(900_000)+")\r\n", 20) }),
		"deep structure":  at(structure, before, func(c *told) { c.flood("* 4 FETCH (UID 4 BODYSTRUCTURE "+deep(900_000)+")\r\n", 10) }),
		"deep structure, never closed": at(structure, before, func(c *told) {
			c.flood("* 4 FETCH (UID 4 BODYSTRUCTURE "+strings.Repeat("(", 1_900_000)+"\r\n", 10)
		}),
		"part of another size": at(part, instead, func(c *told) {
			c.say("* 3 FETCH (UID 3 BODY[1]<0> {60000000}")
			c.flood(strings.Repeat("x", 6000), 10_000)
			c.say(")")
		}),
		"parts of other messages": at(part, before, func(c *told) {
			for i := 6; i < 2000; i++ {
				c.say("* %d FETCH (UID %d BODY[1]<0> {20000}\r\n%s)", i, i, strings.Repeat("needle ", 3000)[:20000])
			}
		}),
	}
}

func changes() map[string]attack {
	return map[string]attack{
		"copies everywhere": at("UID COPY", before, func(c *told) {
			c.say("* OK [COPYUID 7 1:4294967295 1:4294967295] copied")
			c.say("* OK [COPYUID * * *] copied")
		}),
		"copy unheard of": at("UID COPY", after, func(c *told) { c.say("* BYE [%s] %s", escape, escape) }),
		"move, and everything else gone": at("UID MOVE", before, func(c *told) {
			c.flood("* 1 EXPUNGE\r\n", 300_000)
			c.say("* VANISHED 1:4294967295")
		}),
		"move unheard of":         at("UID MOVE", after, func(c *told) { c.say("T9999 OK [COPYUID 7 1 1] moved") }),
		"move refused with words": at("UID MOVE", after, func(c *told) { c.say("* NO [ALERT] %s", escape); c.say("%s%s", c.tag, escape) }),
		"flags of another tag":    at("UID STORE", after, func(c *told) { c.say("%s OK", strings.ToLower(c.tag)) }),
		"creation of another":     at("CREATE", before, func(c *told) { c.say(`* LIST (\Noselect) "/" "../../x"`); c.say("* OK [MAILBOXID (x)] x") }),
	}
}

func idles() map[string]attack {
	return map[string]attack{
		"news without end":         at("IDLE", instead, func(c *told) { c.say("+ idling"); c.flood("* 5 EXISTS\r\n", -1) }),
		"news of flags":            at("IDLE", instead, func(c *told) { c.say("+ idling"); c.flood("* 4 FETCH (UID 4 FLAGS (\\Deleted))\r\n", 500_000) }),
		"idle with junk":           at("IDLE", instead, func(c *told) { c.say("+ idling"); c.flood("++ "+escape+"\r\n", -1) }),
		"idle that ends at once":   at("IDLE", instead, func(c *told) { c.say("%s OK", c.tag) }),
		"idle that says goodbye":   at("IDLE", instead, func(c *told) { c.say("+ idling"); c.say("* BYE %s", escape) }),
		"idle with a huge literal": at("IDLE", instead, func(c *told) { c.say("+ idling"); c.say("* 5 FETCH (X {99999999999}"); c.silence() }),
	}
}
