package providers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"imapilot/engine/enginetest/model"
)

// All are the providers that there is a server of.
func All() []Provider {
	return []Provider{gmail(), exchange(), icloud(), yahoo(), zoho(), netEase(), qq(), protonBridge(), courier(), zimbra(), dovecot()}
}

// Named returns the provider of a profile; there must be one.
func Named(name string) Provider {
	all := All()
	return all[slices.IndexFunc(all, func(p Provider) bool { return p.Name == name })]
}

// gmail has labels: a message is in "All Mail" and in whatever mailbox has its label, a
// MOVE or COPY to where it is changes nothing there, and \Deleted alone takes a label
// away. The sixteenth connection is refused.
func gmail() Provider {
	return Provider{Name: "Gmail", Host: "imap.gmail.com", options: model.Options{Kind: model.Kind{
		Greeting: "Gimap ready for requests from 192.0.2.1 a1mb1", ID: `("name" "GImap" "vendor" "Google, Inc.")`,
		Extra: []string{"ID", "XLIST", "X-GM-EXT-1", "QUOTA"}, Labels: true,
		Connections: 15, OverLimit: "NO [ALERT] Too many simultaneous connections. (Failure)",
	}}}
}

// lateBy is how long mail is announced that cannot be fetched yet.
const lateBy = 2 * time.Second

// maxExchange is how long a command may be.
const maxExchange = 1000

// exchange names no UIDs in COPYUID, shows new mail two seconds after it has announced it,
// refuses long commands, asks to wait in milliseconds, and may let everybody in of whom it
// then says that he is not connected. It has no roles and no ESEARCH.
func exchange() Provider {
	return Provider{
		Name: "Exchange", Host: "outlook.office365.com",
		options: model.Options{NoESearch: true, NoSpecialUse: true, Kind: model.Kind{
			Greeting: "The Microsoft Exchange IMAP4 service is ready. [QQBNADAAUABSADAAMQA=]", ID: `("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")`,
			Extra: []string{"ID", "CHILDREN"}, Hidden: true,
		}},
		behave: func(s *Server, op model.Operation) string {
			login := op.Command == "AUTHENTICATE" || op.Command == "LOGIN"
			switch wait := time.Until(s.throttle); {
			case wait > 0 && op.Command != "CAPABILITY" && op.Command != "LOGOUT":
				return fmt.Sprintf("BAD Request is throttled. Suggested Backoff Time: %d milliseconds", wait.Milliseconds())
			case s.closed && !login && op.Command != "CAPABILITY" && op.Command != "ID":
				return "BAD User is authenticated but not connected."
			case len(op.Command)+len(op.Args) > maxExchange:
				return "BAD Command line too long. 12"
			}
			return ""
		},
		spoil: func(s *Server, op model.Operation) model.Fault {
			switch op.Command {
			case "UID COPY", "UID MOVE", "APPEND":
				return model.BadCopyUID
			case "UID FETCH":
				return s.late(op)
			}
			return model.None
		},
	}
}

// late leaves the newest message out of what is fetched first in two seconds.
func (s *Server) late(op model.Operation) model.Fault {
	uids, _, _ := strings.Cut(op.Args, " ")
	at, ok := s.shown[op.Mailbox+uids]
	if !ok {
		at = time.Now().Add(lateBy)
		s.shown[op.Mailbox+uids] = at
	}
	if time.Now().Before(at) {
		return model.Late
	}
	return model.None
}

// icloud has no MOVE and no roles, shows its capabilities after login only, and says OK
// to ENABLE without ENABLED.
func icloud() Provider {
	return Provider{
		Name: "iCloud", Host: "imap.mail.me.com",
		options: model.Options{NoMove: true, NoSpecialUse: true, Kind: model.Kind{
			Greeting: "(2436B20-c2e0d9d0) p42-imap.mail.me.com", Hidden: true, Extra: []string{"ENABLE", "QRESYNC", "CONDSTORE", "XAPPLEPUSHSERVICE"},
		}},
		behave: func(_ *Server, op model.Operation) string {
			if op.Command == "ENABLE" {
				return "OK done"
			}
			return ""
		},
	}
}

// MaxYahoo is how many messages a command of yahoo's is done for.
const MaxYahoo = 100

// yahoo does a command for 100 messages, though it announces 1,000, says OK to the rest
// (RFC 9738), refuses to fetch more, and ends an IDLE after 300 seconds.
func yahoo() Provider {
	return Provider{
		Name: "Yahoo", Host: "imap.mail.yahoo.com",
		options: model.Options{NoSpecialUse: true, Kind: model.Kind{
			Greeting: "IMAP4rev1 imapgate-1.8.1_01.20166 imap1012.mail.ir2.yahoo.com", ID: `("name" "Y!IMAP" "vendor" "Yahoo! Inc.")`,
			Extra: []string{"ID", "XYMHIGHESTMODSEQ", "UIDONLY", "PARTIAL", "MESSAGELIMIT=1000"}, MessageLimit: MaxYahoo, IdleEnds: 300 * time.Second,
		}},
		behave: func(_ *Server, op model.Operation) string {
			if op.Command == "UID FETCH" && Names(op) > MaxYahoo {
				return "NO [UNAVAILABLE] UID FETCH Server error - Please try again later"
			}
			return ""
		},
	}
}

// zoho lets three connections in.
func zoho() Provider {
	return Provider{Name: "Zoho", Host: "imap.zoho.eu", options: model.Options{NoSpecialUse: true, Kind: model.Kind{
		Greeting: "imap.zoho.eu IMAP4 Server (Zoho Mail IMAP4rev1 Server version 1.0)", ID: `("name" "ZohoMail")`,
		Extra: []string{"CHILDREN", "XLIST", "ID", "WITHIN", "ACL"}, Connections: 3, OverLimit: "NO [ALERT] Too many simultaneous connections",
	}}}
}

// unsafeLogin refuses to open a mailbox for a session that did not say who it is.
func unsafeLogin(s *Server, op model.Operation) string {
	switch op.Command {
	case "ID":
		if strings.Contains(strings.ToLower(op.Args), `"name"`) {
			s.known[op.Session] = true
		}
	case "SELECT", "EXAMINE", "STATUS":
		if !s.known[op.Session] {
			return "NO " + op.Command + " Unsafe Login. Please contact kefu@188.com for help"
		}
	}
	return ""
}

// netEase wants ID, and has neither IDLE nor MOVE.
func netEase() Provider {
	return Provider{
		Name: "163", Host: "imap.163.com", behave: unsafeLogin,
		options: model.Options{NoIdle: true, NoMove: true, NoESearch: true, Kind: model.Kind{
			Greeting: "Coremail System IMap Server Ready(163com[726cd87d72d896a1ac393507346040fa])", ID: `("name" "Coremail Imap" "vendor" "Mailtech")`,
			Extra: []string{"XLIST", "ID", "X-CM-EXT-1"},
		}},
	}
}

// qq wants ID, and does not announce it once somebody is logged in.
func qq() Provider {
	return Provider{
		Name: "QQ", Host: "imap.qq.com", behave: unsafeLogin,
		options: model.Options{NoESearch: true, NoSpecialUse: true, Kind: model.Kind{
			Greeting: "QQMail XMIMAP4Server ready", ID: "NIL", Extra: []string{"XLIST"},
		}},
	}
}

// protonBridge renumbers all mailboxes when it is restarted.
func protonBridge() Provider {
	return Provider{Name: "Proton Bridge", Host: "127.0.0.1", options: model.Options{NoESearch: true, Kind: model.Kind{
		Greeting: "Proton Mail Bridge 03.25.00 - gluon session ID 1", ID: `("name" "Proton Mail Bridge" "version" "03.25.00" "vendor" "Proton AG")`,
		Extra: []string{"ID"},
	}}}
}

// courier has no MOVE, no ID and no roles, and lets four connections in.
func courier() Provider {
	return Provider{Name: "Courier", Host: "mail.example.org", options: model.Options{NoMove: true, NoESearch: true, NoSpecialUse: true, Kind: model.Kind{
		Greeting: "Courier-IMAP ready. Copyright 1998-2018 Double Precision, Inc.  See COPYING for distribution information.",
		Extra:    []string{"CHILDREN", "THREAD=ORDEREDSUBJECT", "SORT", "QUOTA", "ACL", "ACL2=UNION"}, Connections: 4,
		OverLimit: "NO Error: too many connections from this address",
	}}}
}

// zimbra has no MOVE.
func zimbra() Provider {
	return Provider{Name: "Zimbra", Host: "mail.example.org", options: model.Options{NoMove: true, NoSpecialUse: true, Kind: model.Kind{
		Greeting: "mail.example.org Zimbra IMAP4rev1 server ready", ID: `("NAME" "Zimbra" "VERSION" "8.8.15_GA_4581" "RELEASE" "20240806")`,
		Extra: []string{"ID", "CHILDREN", "SORT"},
	}}}
}

// dovecot lets ten connections in, as it is installed.
func dovecot() Provider {
	return Provider{Name: "Dovecot", Host: "mail.example.org", options: model.Options{Kind: model.Kind{
		Greeting: "Dovecot ready.", ID: `("name" "Dovecot")`, Extra: []string{"ID"}, Connections: 10,
		OverLimit: "NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)",
	}}}
}

// Names is how many messages a command names, at most: the sizes of its ranges of UIDs. An
// open one counts for none, since a search may ask for what is above a UID.
func Names(op model.Operation) int {
	if !strings.HasPrefix(op.Command, "UID ") || op.Command == "UID SEARCH" {
		return 0
	}
	set, _, _ := strings.Cut(op.Args, " ")
	n := 0
	for part := range strings.SplitSeq(set, ",") {
		var from, to int
		switch parsed, _ := fmt.Sscanf(part, "%d:%d", &from, &to); parsed {
		case 1:
			n++
		case 2:
			n += max(to-from, from-to) + 1
		}
	}
	return n
}
