package provider

import (
	"slices"
	"time"
)

// table is the whole of what is known. The order counts only where a server answers to
// two lines, as one that is Dovecot behind a provider's name: the provider comes first.
func table() []row {
	return slices.Concat(giants(), asia(), bridges(), software())
}

// giants serve most of the mail there is.
func giants() []row {
	return []row{{
		caps: []string{"x-gm-ext-1"}, ids: []string{"gimap"}, greetings: []string{"gimap ready"},
		hosts: []string{"imap.gmail.com", "imap.googlemail.com"},
		profile: Profile{
			Name: "Gmail", MaxConnections: 15, MoveOnly: true, ExpungeOnlyInTrash: true, Text: TextWords,
			Quirks: []Quirk{
				{"connections", "allows 15 at once for a user, mail programs and phones included; one too many is refused with \"Too many simultaneous connections\"",
					"no more are opened; one that is refused is tried again after five minutes and then ever less often, and its mailbox is polled", Documented},
				{"labels", "a mailbox is a label, and the user's settings decide whether \\Deleted and EXPUNGE archive a message, trash it or delete it for good",
					"messages are moved with MOVE and in no other way; expunge is refused outside of trash and spam", Documented},
				{"search", "finds words, not parts of them", "texts are compared here", Reported},
				{"sessions", "ends a connection after about a day, with OAuth2 when the token expires", "the connection is opened again, as after any other end", Documented},
				{"bandwidth", "lets 2500 MB a day be downloaded and 500 MB uploaded, and refuses the login for a while after that",
					"only header fields are fetched until a rule needs more; a refused login waits", Documented},
				{"folder size", "may show IMAP only the newest messages of a label", "you: set \"Do not limit the number of messages in an IMAP folder\"", Documented},
			},
		},
	}, {
		ids: []string{"microsoft.exchange"}, greetings: []string{"microsoft exchange imap4"},
		hosts:  []string{"outlook.office365.com", "office365.com", "imap-mail.outlook.com", "outlook.com", "partner.outlook.cn"},
		tokens: "microsoft",
		profile: Profile{
			Name: "Exchange", MaxConnections: 20, Adjustable: true, SharedThrottle: true, Text: TextWords,
			Quirks: []Quirk{
				{"backoff", "refuses with \"Suggested Backoff Time: 299961 milliseconds\"", "nobody of the account talks to the server for that time, at most an hour", Reported},
				{"false login", "accepts a wrong password and then says \"User is authenticated but not connected\"", "that counts as a refused login", Reported},
				{"copy proof", "sends COPYUID without UIDs", "the copy is looked for", Reported},
				{"late mail", "announces mail that cannot be fetched yet", "it is asked for again", Reported},
				{"long commands", "refuses commands that are too long", "a batch is halved when that is said", Reported},
				{"connections", "allows 20 at once for a user, unless the administrator changed it", "more are opened only where the configuration says so", Reported},
				{"search", "finds words, not parts of them", "texts are compared here", Reported},
				{"passwords", "Microsoft's own service takes OAuth2 tokens only", "you: give the account a token", Documented},
			},
		},
	}, {
		hosts: []string{"imap.mail.me.com", "mail.me.com", "imap.mail.icloud.com"},
		profile: Profile{
			Name: "iCloud", NoQResync: true,
			Quirks: []Quirk{
				{"QRESYNC", "answers ENABLE QRESYNC without ENABLED; mail vanished from a client that relied on it", "QRESYNC is not used", Reported},
				{"MOVE", "does not announce MOVE", "messages are copied, the copy is proven, and that message alone is expunged", Captured},
				{"capabilities", "a proxy shows other capabilities before login than after it", "they are read again after login", Reported},
				{"trash", "empties the trash after 30 days", "you: move what you want to keep elsewhere", Reported},
			},
		},
	}, {
		caps: []string{"xymhighestmodseq"}, ids: []string{"y!imap"}, greetings: []string{"imapgate-"},
		hosts: []string{"imap.mail.yahoo.com", "mail.yahoo.com", "imap.mail.yahoo.co.jp", "imap.aol.com", "export.imap.aol.com", "imap.verizon.net"},
		profile: Profile{
			Name: "Yahoo", Batch: 100, IdleMax: 4 * time.Minute,
			Quirks: []Quirk{
				{"message limit", "does a part of a command that names more than 1,000 messages, and says OK (MESSAGELIMIT, RFC 9738)",
					"commands name at most 100, and an OK with that code is no success", Documented},
				{"large FETCH", "refuses FETCH of many messages with UNAVAILABLE", "commands name at most 100", Reported},
				{"large mailboxes", "shows only the newest 1,000 messages of a larger mailbox", "older ones are not seen, neither by plan and apply nor by a rule on a clock", Reported},
				{"IDLE", "ends an IDLE after 300 seconds, and the connection with it", "an IDLE lasts 4 minutes at most", Reported},
			},
		},
	}, {
		greetings: []string{"zoho mail imap4rev1"},
		hosts:     []string{"zoho.com", "zoho.eu", "zoho.in", "zoho.jp", "zoho.sa", "zoho.uk", "zoho.com.au", "zoho.com.cn", "zohocloud.ca"},
		profile: Profile{
			Name: "Zoho", MaxConnections: 3,
			Quirks: []Quirk{
				{"connections", "allows about 3 at once for a user, mail programs and phones included", "no more are opened; you: set connections: 1 where other programs read the same mail", Reported},
				{"activity", "blocks an account for a time that logs in too often", "logins wait ever longer, and a refused one is tried three times", Documented},
			},
		},
	}}
}

// asia are the providers that want to know who asks.
func asia() []row {
	id := Quirk{"ID", "refuses to open a mailbox (\"Unsafe Login\") for a client that did not send ID", "ID is sent right after login", Documented}
	return []row{{
		caps: []string{"x-cm-ext-1"}, ids: []string{"coremail"}, greetings: []string{"coremail system imap"},
		hosts: []string{"imap.163.com", "imap.126.com", "imap.yeah.net", "imap.188.com", "qiye.163.com", "qiye.aliyun.com"},
		profile: Profile{
			Name: "163", NeedsID: true,
			Quirks: []Quirk{
				id,
				{"IDLE and MOVE", "has neither", "mailboxes are polled; messages are copied, the copy is proven, and that message alone is expunged", Captured},
				{"password", "takes the authorization code of its web page only", "you: use that as the password", Documented},
			},
		},
	}, {
		greetings: []string{"qqmail"}, ids: []string{"qqmail"},
		hosts: []string{"imap.qq.com", "exmail.qq.com", "imap.foxmail.com"},
		profile: Profile{
			Name: "QQ", NeedsID: true,
			Quirks: []Quirk{
				id,
				{"password", "takes the authorization code of its web page only", "you: use that as the password", Documented},
			},
		},
	}}
}

// bridges run on the user's machine.
func bridges() []row {
	return []row{{
		caps: []string{"xstop"}, ids: []string{"proton"}, greetings: []string{"proton mail bridge", "protonmail bridge", "gluon session"},
		profile: Profile{
			Name: "Proton Bridge", UnstableUIDValidity: true,
			Quirks: []Quirk{
				{"UIDVALIDITY", "may give all mailboxes another UIDVALIDITY when it is restarted", "messages are known by what they are; nothing is done again, and there is one event for all mailboxes", Reported},
				{"certificate", "signs its own certificate", "you: name it by tls: {mode: starttls, pin: ...}", Reported},
			},
		},
	}}
}

// software is what servers of many providers run.
func software() []row {
	byCopy := Quirk{"MOVE", "does not offer MOVE", "messages are copied, the copy is proven, and that message alone is expunged", Captured}
	return []row{{
		caps: []string{"acl2=union", "xmagictrash"}, greetings: []string{"courier-imap ready"}, ids: []string{"courier"},
		profile: Profile{Name: "Courier", MaxConnections: 20, Adjustable: true, Quirks: []Quirk{
			byCopy,
			{"connections", "allows 20 from one address, in older versions 4 (MAXPERIP)", "more are opened only where the configuration says so", Default},
		}},
	}, {
		ids: []string{"zimbra"}, greetings: []string{"zimbra imap"},
		profile: Profile{Name: "Zimbra", Quirks: []Quirk{byCopy}},
	}, {
		ids: []string{"dovecot"}, greetings: []string{"dovecot ready", "dovecot (debian) ready", "dovecot (ubuntu) ready"},
		profile: Profile{
			Name: "Dovecot", MaxConnections: 10, Adjustable: true,
			Text: TextSubstring, Marks: []string{"MISSING_DOMAIN", "SYNTAX_ERROR"},
			Quirks: []Quirk{
				{"connections", "allows 10 for a user from one address (mail_max_userip_connections)", "more are opened only where the configuration says so; one that is refused is tried again after five minutes and then ever less often", Default},
				{"old view", "answers a SEARCH from before the news that it has just announced", "the mailbox is selected again first", Captured},
				{"search", "finds any part of a text", "it is asked for texts, once a sample showed that it does", Captured},
			},
		},
	}}
}
