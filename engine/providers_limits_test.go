package engine_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/enginetest/model"
	"imapilot/engine/enginetest/providers"
)

const fileAll = "\nrules:\n  - {name: file, in: ['Box*'], if: 'has(subject, \"file\")', then: [move: Archive]}\n"

// boxes are n mailboxes to watch, and the line that says so.
func boxes(n, connections int) (names []string, account string) {
	for i := range n {
		names = append(names, fmt.Sprintf("Box%02d", i))
	}
	return names, fmt.Sprintf("watch: ['Box*']\nconnections: %d\npoll: 1m", connections)
}

// No more connections are opened than a provider allows, and that is said; where its
// administrator may allow more, the user is believed.
func TestConnectionsThatAProviderAllows(t *testing.T) {
	for name, tc := range map[string]struct {
		connections, peak, refused int
		warned                     string
	}{
		"Zoho":    {6, 3, 0, "no more are opened"},
		"Gmail":   {20, 15, 0, "no more are opened"},
		"Dovecot": {12, 10, 2, "unless its administrator changed that"},
		"Courier": {6, 4, 2, ""},
		"iCloud":  {18, 18, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			watched, account := boxes(20, tc.connections)
			scripted(t, providers.Named(name), account, fileAll, func(v *venue) {
				for _, m := range watched {
					v.server.Create(m)
				}
				v.once(v.cfg, v.change...)
				v.live(func() {
					for _, m := range watched {
						v.deliver(m, m+" file")
					}
					v.wait(4 * time.Minute)
					for _, m := range watched {
						v.wantIn(m)
					}
				})
				if n := v.server.Peak(); n != tc.peak {
					t.Errorf("%d connections at once, want %d", n, tc.peak)
				}
				if n := len(v.server.Logins()) - tc.peak - 1; n != tc.refused {
					t.Errorf("%d logins beyond those that are there, want %d", n, tc.refused)
				}
				if n := v.log.count("fewer connections than the configuration"); n > 2 || (n == 2) != (tc.warned != "") || v.log.count(tc.warned) == 0 {
					t.Errorf("%d warnings", n)
				}
			})
		})
	}
}

// A watch connection that is one too many is tried again ever less often, its mailbox is
// swept meanwhile, and it comes back when there is room.
func TestOneConnectionTooMany(t *testing.T) {
	watched, account := boxes(4, 5)
	scripted(t, providers.Named("Gmail"), account, fileAll, func(v *venue) {
		for _, m := range watched {
			v.server.Create(m)
		}
		v.once(v.cfg, v.change...)
		v.server.Occupy(13) // a phone, and some mail programs
		v.daemon(v.cfg, func(e *engine.Engine) {
			v.wait(10 * time.Second)
			before := len(v.server.Logins())
			for i := range 120 {
				v.deliver("Box03", fmt.Sprintf("%d file", i))
				v.wait(time.Minute)
			}
			if n := len(v.server.Logins()) - before; n < 6 || n > 3*7 {
				t.Errorf("%d logins in two hours of three connections that are refused", n)
			}
			v.wait(time.Minute)
			v.wantIn("Box03")
			v.server.Occupy(0)
			v.wait(35 * time.Minute)
			if n := accountOf(v.t, e).Connections; n != 5 {
				t.Errorf("%d connections when there is room again", n)
			}
		}, v.change...)
	})
}

// What Dovecot does by itself: the limit of connections of one user from one address.
func TestOneConnectionTooManyForDovecot(t *testing.T) {
	if underRace {
		t.Skip("on a real server: .ci/unit tries this without the race detector")
	}
	watched, account := boxes(5, 6) // an IDLE on each: for more of them NOTIFY would do
	srv := imaptest.Dovecot(t, imaptest.Options{Config: "mail_max_userip_connections = 4\n"})
	for _, m := range watched {
		srv.Create(t, m)
	}
	real(t, srv, strings.Replace(account, "1m", "5s", 1), fileAll, func(v *venue) {
		v.once(v.cfg)
		v.live(func() {
			v.until("it knows that there is no room", func() bool { return v.log.count("Maximum number of connections") > 0 })
			for _, m := range watched {
				v.deliver(m, m+" file")
			}
			v.until("all are filed", func() bool { return len(v.in("Archive")) == len(watched) })
		})
		for _, m := range watched {
			v.wantIn(m)
		}
	})
}

// What Exchange asks for holds for everything that the user does: no connection says a
// word before that, whichever was told. Nobody waits longer than an hour without asking.
func TestBackoffOfExchange(t *testing.T) {
	for name, account := range map[string]string{
		"the work connection is told": "connections: 2\npoll: 1m\nidle: 20m",
		"a watch connection is told":  "connections: 2\npoll: 7m\nidle: 2m",
		"the only connection is told": "connections: 1\npoll: 1m\nidle: 2m",
		"two watch connections are":   "watch: [INBOX, Trash]\nconnections: 3\npoll: 7m\nidle: 2m",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scripted(t, providers.Named("Exchange"), account, providerRules, func(v *venue) {
				v.once(v.cfg, v.change...)
				v.live(func() {
					v.wait(time.Minute)
					began, told := time.Now(), time.Time{}
					v.server.Before(func(op model.Operation) model.Fault {
						if told.IsZero() && op.Command != "CAPABILITY" {
							told = time.Now()
						}
						return model.None
					})
					v.server.Throttle(40 * time.Minute)
					v.wait(5 * time.Minute) // somebody is told
					v.deliver("INBOX", "1 file")
					v.wait(34 * time.Minute)
					for _, c := range v.server.Sent() {
						if c.At.After(told.Add(time.Second)) && c.At.Before(began.Add(40*time.Minute)) {
							t.Errorf("%s of connection %d, %s after the server asked to wait", c.Command, c.Session, c.At.Sub(told))
						}
					}
					v.wait(10 * time.Minute)
					v.wantIn("Filed", "1 file")
				})
			})
		})
	}
}

// A server that asks for more than an hour is asked again after one.
func TestBackoffIsBounded(t *testing.T) {
	scripted(t, providers.Named("Exchange"), "connections: 1\npoll: 1m", providerRules, func(v *venue) {
		v.once(v.cfg, v.change...)
		v.live(func() {
			v.server.Throttle(20 * time.Hour)
			v.wait(10 * time.Hour)
			before := len(v.server.Sent())
			v.wait(5 * time.Hour)
			if n := len(v.server.Sent()) - before; n < 4 || n > 30 {
				t.Errorf("%d commands in five hours", n)
			}
			v.deliver("INBOX", "1 file")
			v.wait(6*time.Hour + 10*time.Minute)
			v.wantIn("Filed", "1 file")
		})
	})
}

// A wrong password that is let in counts as refused.
func TestExchangeLetsAWrongPasswordIn(t *testing.T) {
	scripted(t, providers.Named("Exchange"), "connections: 2\npoll: 1m", providerRules, func(v *venue) {
		v.once(v.cfg, v.change...)
		v.server.LetInOnly(true)
		before := len(v.server.Logins())
		v.daemon(v.cfg, func(e *engine.Engine) {
			v.wait(5 * time.Hour)
			if n := len(v.server.Logins()) - before; n != 3 || accountOf(v.t, e).State != engine.Parked {
				t.Errorf("%d logins, the account is %s", n, accountOf(v.t, e).State)
			}
		}, v.change...)
	})
}

// On Gmail nothing but MOVE moves a message: not where it is refused as if it were not
// known, and not where it was cut off half way.
func TestGmailMovesByMoveOnly(t *testing.T) {
	for name, fault := range map[string]func(s *providers.Server) model.Fault{
		"MOVE is refused": func(*providers.Server) model.Fault { return model.AnswerBad },
		"MOVE is cut off half way": func(s *providers.Server) model.Fault {
			for _, m := range s.All() {
				if m.Mailbox == "INBOX" {
					s.Copy(m.Origin, "INBOX", "Filed")
				}
			}
			return model.DropBefore
		},
		"the answer to MOVE is lost": func(*providers.Server) model.Fault { return model.DropAfter },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scripted(t, providers.Named("Gmail"), "watch: [INBOX]\npoll: 1m", providerRules, func(v *venue) {
				v.server.Create("Filed")
				v.once(v.cfg, v.change...)
				times := 0
				v.server.Before(func(op model.Operation) model.Fault {
					if op.Command != "UID MOVE" || times == 3 {
						return model.None
					}
					times++
					return fault(v.server)
				})
				v.live(func() {
					v.deliver("INBOX", "1 file")
					v.settledBut("")
				})
				v.wantIn("Filed", "1 file")
				v.wantIn("INBOX")
				v.wantIn("All Mail", "1 file")
				if times == 0 {
					t.Error("nothing went wrong")
				}
				if slices.ContainsFunc(v.server.Sent(), func(c providers.Command) bool {
					return c.Command == "UID EXPUNGE" || strings.Contains(c.Args, `\Deleted`) || c.Command == "UID MOVE" && !strings.Contains(c.Args, "Filed")
				}) {
					t.Error("a message was moved by other means than a MOVE to where it goes")
				}
			})
		})
	}
}

// A restart of a server that renumbers its mailboxes each time replays nothing, holds
// nothing, and makes one event.
func TestRestartsThatRenumber(t *testing.T) {
	scripted(t, providers.Named("Proton Bridge"), "watch: ['*']\npoll: 1m\nconnections: 2", providerRules, func(v *venue) {
		for i := range 40 {
			v.deliver("INBOX", fmt.Sprintf("%d", i))
			v.deliver("Filed", fmt.Sprintf("%d there", i))
		}
		v.once(v.cfg, v.change...)
		var filed []string
		v.live(func() {
			for i := range 5 {
				subject := fmt.Sprintf("%d file", i)
				v.deliver("INBOX", subject)
				filed = append(filed, subject)
				if i%2 == 0 {
					v.settledBut("")
				}
				v.server.Restart(true)
				v.wait(10 * time.Minute)
			}
		})
		for i := range 40 {
			filed = append(filed, fmt.Sprintf("%d there", i))
		}
		v.wantIn("Filed", filed...)
		if n := v.events("uidvalidity"); n != 5 {
			t.Errorf("%d events of 5 restarts", n)
		}
		if bad := v.outcomes(); len(bad) > 0 {
			t.Errorf("%q", bad)
		}
	})
}

func accountOf(t testing.TB, e *engine.Engine) engine.AccountStatus {
	t.Helper()
	s, err := e.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Accounts[0]
}

// What goes from Gmail to another account stays in the mailbox of all mail, and nothing
// depends on the user's settings.
func TestGmailToAnotherAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		google, other := providers.Named("Gmail").Start(), providers.Named("Zimbra").Start()
		r := newRig(t, &imaptest.Server{})
		path := filepath.Join(r.dir, "imapilot.yaml")
		account := "host: %s, port: 143, tls: none, username: %s, password: x, poll: 1m"
		text := "accounts:\n  home: {" + fmt.Sprintf(account, google.Provider.Host, "me") + "}\n  work: {" + fmt.Sprintf(account, other.Provider.Host, "you") + "}\n" +
			"rules:\n  - {name: r, accounts: [home], if: 'has(subject, \"file\")', then: [{move: {account: work, mailbox: Bills}}]}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, problems := config.Load(path)
		if cfg == nil {
			t.Fatalf("%+v", problems)
		}
		dial := func(o *engine.Options) {
			o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.HasPrefix(address, google.Provider.Host) {
					return google.DialContext(ctx, network, address)
				}
				return other.DialContext(ctx, network, address)
			}
		}
		r.once(cfg, dial)
		google.Deliver("INBOX", model.Letter{Subject: "1 file", From: "ann@example.org", MessageID: "1@test"})
		r.daemon(cfg, func(*engine.Engine) { time.Sleep(time.Hour) }, dial)
		if at := places(google, "1 file"); !slices.Equal(at, []string{"All Mail"}) {
			t.Errorf("in %q", at)
		}
		if at := places(other, "1 file"); !slices.Equal(at, []string{"Bills"}) {
			t.Errorf("there in %q", at)
		}
		if slices.ContainsFunc(google.Sent(), func(c providers.Command) bool { return c.Command == "UID STORE" || c.Command == "UID EXPUNGE" }) {
			t.Error("the original was removed by \\Deleted")
		}
		google.Cut()
		other.Cut()
		time.Sleep(time.Minute)
	})
}

// places are the mailboxes that hold a message.
func places(s *providers.Server, subject string) (out []string) {
	for _, m := range s.All() {
		if m.Subject == subject {
			out = append(out, m.Mailbox)
		}
	}
	return out
}
