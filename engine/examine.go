package engine

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
	"imapilot/engine/provider"
)

// Examination is what [Examine] found out about the server of an account. It holds no
// secret, no user name, and of mailboxes the names of those alone that have a role.
type Examination struct {
	Account config.Account
	// Addresses are those that the name of the host stands for, in the order in which
	// they are used. Unresolved is why there are none.
	Addresses  []Address
	Unresolved error
	// Trace is what was met on the way to the login, Failure what ended it, nil if it
	// came to its end.
	Trace   imapsession.Trace
	Failure error

	Server imapsession.Server
	// Profile is what is known of such servers beside what they announce.
	Profile      provider.Profile
	Capabilities imapsession.Capabilities
	Delimiter    rune
	Namespaces   []imapsession.Namespace
	Quotas       []imapsession.Quota
	Mailboxes    MailboxCount
	Roles        []Role
	RoundTrip    time.Duration
	// Clock is how far the server's clock is ahead of this one. ClockUnknown is why
	// that is not known.
	Clock        time.Duration
	ClockUnknown error
	// Watched are how many mailboxes watch: names there, Lost the entries of it that
	// name none.
	Watched int
	Lost    []string
	// Refused are questions that the server did not answer, and lost nothing by it.
	Refused []error
}

// Address is one address of a host, and whether somebody listens there.
type Address struct {
	Addr netip.AddrPort
	Took time.Duration
	Err  error
}

// MailboxCount is how much an account holds.
type MailboxCount struct {
	All, Selectable int
	Messages        uint64
	// Largest is how many messages the largest mailbox holds.
	Largest uint64
	// Octets is 0 where the server does not tell (STATUS=SIZE, RFC 8438).
	Octets uint64
}

// Role is a mailbox with a role; Announced tells that the server says so (RFC 6154),
// and it is not known by its name alone.
type Role struct {
	Role, Mailbox string
	Announced     bool
}

const (
	// maxAddresses is how many addresses of a host are tried.
	maxAddresses = 8
	addressTime  = 10 * time.Second
	// maxCounted is how many mailboxes are asked for their counts.
	maxCounted = 2000
)

// Examine connects to an account's server, and finds out what it is and does. Nothing
// is changed there: INBOX is opened with EXAMINE. What could be found out is there in
// any case; Failure says why there is no more.
func Examine(ctx context.Context, acc config.Account) Examination {
	x := Examination{Account: acc}
	x.resolve(ctx)
	a := &account{engine: &Engine{}, cfg: acc, log: slog.New(slog.DiscardHandler), trace: &x.Trace}
	s, _, err := a.login(ctx) // as the daemon does
	if err != nil {
		x.Failure = err
		return x
	}
	defer s.Close()
	x.Server, x.Profile, x.Capabilities, x.Delimiter = s.Server(), s.Profile(), s.Capabilities(), s.Delimiter()
	if x.Failure = x.look(ctx, s); x.Failure == nil {
		x.Failure = s.Logout(ctx)
	}
	return x
}

// resolve finds the addresses of the host, and tries each.
func (x *Examination) resolve(ctx context.Context) {
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", x.Account.Host)
	if err != nil {
		x.Unresolved = err
		return
	}
	for _, ip := range ips[:min(len(ips), maxAddresses)] {
		x.Addresses = append(x.Addresses, Address{Addr: netip.AddrPortFrom(ip.Unmap(), uint16(x.Account.Port))}) //nolint:gosec // the configuration holds a port
	}
	done := make(chan struct{})
	for i := range x.Addresses {
		go func() { x.Addresses[i].try(ctx); done <- struct{}{} }()
	}
	for range x.Addresses {
		<-done
	}
}

// try connects to an address, and says nothing there.
func (a *Address) try(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, addressTime)
	defer cancel()
	began := time.Now()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", a.Addr.String())
	a.Took, a.Err = time.Since(began), err
	if err == nil {
		_ = conn.Close() // nothing was sent
	}
}

// look asks what can be asked of a server. A refusal is noted; only the end of the
// connection ends it.
func (x *Examination) look(ctx context.Context, s *imapsession.Session) error {
	for _, ask := range []func() error{
		func() (err error) { x.RoundTrip, err = s.RoundTrip(ctx); return err },
		func() (err error) { x.Namespaces, err = s.Namespaces(ctx); return err },
		func() (err error) { x.Quotas, err = s.Quotas(ctx, "INBOX"); return err },
		func() error { return x.mailboxes(ctx, s) },
		func() error { return x.clock(ctx, s) },
	} {
		err := ask()
		if err != nil && !mailboxOnly(err) {
			return err
		}
		if err != nil {
			x.Refused = append(x.Refused, err)
		}
	}
	return nil
}

// mailboxes lists what there is, and counts it.
func (x *Examination) mailboxes(ctx context.Context, s *imapsession.Session) error {
	entries, err := s.List(ctx)
	if err != nil {
		return err
	}
	dir := newDirectory(s.Delimiter(), s.Prefix(), entries)
	x.Roles = dir.roles()
	x.Watched = len(dir.watched(x.Account.Watch, x.Account.Except))
	for _, pattern := range x.Account.Watch {
		if len(dir.matching(pattern)) == 0 {
			x.Lost = append(x.Lost, pattern)
		}
	}
	var names []string
	for _, e := range entries {
		if !e.NoSelect && !e.NonExistent {
			names = append(names, e.Name)
		}
	}
	x.Mailboxes.All, x.Mailboxes.Selectable = len(entries), len(names)
	return x.count(s.StatusSizes(ctx, names[:min(len(names), maxCounted)]))
}

func (x *Examination) count(all []imapsession.StatusResult) error {
	for _, r := range all {
		if r.Err != nil && !mailboxOnly(r.Err) {
			return r.Err
		}
		n := uint64(r.Status.Messages)
		x.Mailboxes.Messages += n
		x.Mailboxes.Largest = max(x.Mailboxes.Largest, n)
		x.Mailboxes.Octets += r.Status.Size
	}
	return nil
}

// clock compares the server's clock with this one, by the newest message of INBOX.
func (x *Examination) clock(ctx context.Context, s *imapsession.Session) error {
	sel, err := s.Examine(ctx, "INBOX")
	if err != nil {
		x.ClockUnknown = err
		return err
	}
	newest, err := newestOf(ctx, s, sel)
	if err != nil || newest == nil {
		x.ClockUnknown = cmp.Or(err, errEmptyInbox)
		return err
	}
	x.Clock, x.ClockUnknown = s.ClockSkew(ctx, newest.UID, newest.Received)
	var e *imapsession.Error
	if errors.As(x.ClockUnknown, &e) && !mailboxOnly(e) {
		return e
	}
	return nil
}

// errEmptyInbox is why the server's clock cannot be told by a message.
var errEmptyInbox = errors.New("INBOX is empty, and the clock is told by a message's age")

// newestOf fetches the newest message of what is selected, nil if there is none.
func newestOf(ctx context.Context, s *imapsession.Session, sel imapsession.Selected) (*imapsession.Fetched, error) {
	uids, err := s.SearchAbove(ctx, max(sel.UIDNext, 101)-100)
	if err != nil || len(uids) == 0 {
		return nil, err
	}
	last := uids[len(uids)-1].Stop
	found, err := s.FetchHeaders(ctx, imap.UIDSet{{Start: last, Stop: last}}, []string{"Message-ID"})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// roles are the mailboxes with a role, as the rules see them.
func (d directory) roles() []Role {
	var out []Role
	for _, role := range []string{"all", "archive", "drafts", "flagged", "junk", "sent", "trash"} {
		name, ok := d.byRole(role)
		if !ok {
			continue
		}
		announced := slices.ContainsFunc(d.entries, func(e imapsession.MailboxInfo) bool { return e.Name == name && e.Role == role })
		out = append(out, Role{Role: role, Mailbox: d.config(name), Announced: announced})
	}
	return out
}

// Strategy is how the daemon does one thing on a server, and why so.
type Strategy struct{ What, How, Why string }

// Strategies tells how the daemon would work with a server.
func (x Examination) Strategies() []Strategy {
	return []Strategy{x.watching(), x.flagWatching(), x.moving(), x.expunging(), x.searching(), x.recognising()}
}

// watching is what [connection.ladder] would decide.
func (x Examination) watching() Strategy {
	n, _ := x.Profile.Connections(x.Account.Connections)
	idlers := min(x.Watched, max(n-1, 1))
	switch {
	case !x.Capabilities.Idle && (!x.Capabilities.Notify || n == 1):
		return Strategy{"new mail", x.polling(x.Watched), "the server offers no IDLE (RFC 2177)" + map[bool]string{true: "", false: " and no NOTIFY (RFC 5465)"}[x.Capabilities.Notify]}
	case x.Capabilities.Notify && n > 1 && (x.Watched > n-1 || !x.Capabilities.Idle):
		return Strategy{"new mail", fmt.Sprintf("NOTIFY tells of all %d watched mailboxes on one connection", x.Watched),
			fmt.Sprintf("the server offers it (RFC 5465), and connections: %d would not do for an IDLE on each", n)}
	case idlers == x.Watched:
		return Strategy{"new mail", x.idling(), fmt.Sprintf("connections: %d is enough for that", n)}
	}
	return Strategy{"new mail", fmt.Sprintf("IDLE on the %d busiest of %d watched mailboxes; of the others %s", idlers, x.Watched, x.polling(x.Watched-idlers)),
		x.whyIdling(n)}
}

// whyIdling is why not all mailboxes are announced.
func (x Examination) whyIdling(connections int) string {
	if x.Capabilities.Notify {
		return fmt.Sprintf("connections: %d; with one more, NOTIFY (RFC 5465) would tell of all", connections)
	}
	return fmt.Sprintf("connections: %d, and the server offers no NOTIFY (RFC 5465)", connections)
}

func (x Examination) idling() string {
	if x.Watched == 1 {
		return "IDLE on the mailbox that is watched"
	}
	return fmt.Sprintf("IDLE on all %d watched mailboxes", x.Watched)
}

func (x Examination) polling(mailboxes int) string {
	how := fmt.Sprintf("%d STATUS in one round trip", mailboxes)
	if x.Capabilities.ListStatus {
		how = "one LIST with STATUS"
	}
	return how + " each " + x.Account.Poll.String()
}

func (x Examination) flagWatching() Strategy {
	if x.Capabilities.CondStore {
		return Strategy{"changed flags", "HIGHESTMODSEQ tells which mailboxes to look into", "the server offers CONDSTORE (RFC 7162)"}
	}
	return Strategy{"changed flags", "all flags are compared at each look", "the server does not offer CONDSTORE (RFC 7162)"}
}

func (x Examination) moving() Strategy {
	switch {
	case x.Profile.MoveOnly && !x.Capabilities.Move:
		return Strategy{"move", "none: moves fail, visibly", x.Profile.Name + " moves messages by MOVE only, which it does not offer here"}
	case x.Capabilities.Move:
		return Strategy{"move", "MOVE", "the server offers it (RFC 6851)"}
	case x.Capabilities.UIDPlus:
		return Strategy{"move", `COPY, proof of the copy, \Deleted, UID EXPUNGE of that message`, "the server offers UIDPLUS and no MOVE"}
	}
	return Strategy{"move", `COPY, proof of the copy; the original stays, flagged \Deleted`,
		"without MOVE and UIDPLUS an EXPUNGE would remove what others flagged, too"}
}

func (x Examination) expunging() Strategy {
	if x.Capabilities.UIDPlus {
		return Strategy{"copies", "proven by the UIDs that the server names", "the server offers UIDPLUS (RFC 4315)"}
	}
	return Strategy{"copies", "looked for in the target by Message-ID, size and date", "the server does not offer UIDPLUS (RFC 4315)"}
}

func (x Examination) searching() Strategy {
	if SearchProfileOf(x.Profile).Text {
		return Strategy{"large backlogs", "SEARCH by flags, sizes, dates, addresses and subjects skips what no rule wants",
			"this server finds parts of words, as RFC 9051 has it; a sample is checked"}
	}
	return Strategy{"large backlogs", "SEARCH by flags, sizes and dates skips what no rule wants", "it is not known whether this server finds parts of words; a sample is checked"}
}

func (x Examination) recognising() Strategy {
	if x.Capabilities.ObjectID {
		return Strategy{"recognition", "a message is known elsewhere by its EMAILID", "the server offers OBJECTID (RFC 8474)"}
	}
	return Strategy{"recognition", "a message is known elsewhere by Message-ID, date and size", "the server does not offer OBJECTID (RFC 8474)"}
}

// Suggestion is lines of an account's configuration that would help.
type Suggestion struct {
	Lines []string
	Why   string
}

// Suggestions are what could be better in the configuration of the account.
func (x Examination) Suggestions() []Suggestion {
	var out []Suggestion
	add := func(why string, lines ...string) { out = append(out, Suggestion{lines, why}) }
	loopback := len(x.Addresses) > 0 && !slices.ContainsFunc(x.Addresses, func(a Address) bool { return !a.Addr.Addr().IsLoopback() })
	if x.Account.TLS == config.TLSNone && !loopback && x.Unresolved == nil {
		line := "tls: implicit"
		if slices.Contains(x.Trace.Before, "STARTTLS") {
			line = "tls: starttls"
		}
		add("the password and all mail pass the network in clear text", line)
	}
	switch pin := x.pin(); {
	case pin != "" && x.OtherName():
		if i := slices.IndexFunc(x.Trace.Certificates[0].DNSNames, func(name string) bool { return !strings.HasPrefix(name, "*") }); i >= 0 {
			add("the certificate is for another name; use it, if this is the server that is meant", "host: "+x.Trace.Certificates[0].DNSNames[i])
		}
	case pin != "":
		add("the certificate that the server shows is not trusted; pin it if this is the one that it should show", "tls: {mode: "+string(x.Account.TLS)+", pin: '"+pin+"'}")
	}
	if x.Account.Token.IsZero() && x.Account.OAuth2 == nil && x.wantsToken() {
		add("the server takes no password, only a token", "token: {command: [/path/to/a/program, that, prints, one]}")
	}
	if n, above := x.Profile.Connections(x.Account.Connections); above {
		add(fmt.Sprintf("%s allows %d connections", x.Profile.Name, x.Profile.MaxConnections), fmt.Sprintf("connections: %d", min(n, x.Profile.MaxConnections)))
	}
	if most := x.Profile.IdleMax; most > 0 && x.Account.Idle > most {
		add(fmt.Sprintf("%s ends an IDLE that lasts longer", x.Profile.Name), "idle: "+most.String())
	}
	for _, pattern := range x.Lost {
		add(fmt.Sprintf("watch: %s names no mailbox of this account; 'imapilot mailboxes %s' lists them", pattern, x.Account.Name))
	}
	if !x.Capabilities.Idle && x.Failure == nil && x.Account.Poll > time.Minute {
		add("without IDLE mail is noticed by polling alone", "poll: 1m")
	}
	return out
}

// OtherName reports whether the certificate was refused because it is for another name than
// that of the host.
func (x Examination) OtherName() bool {
	var other x509.HostnameError
	return x.Trace.TLS == nil && len(x.Trace.Certificates) > 0 && errors.As(x.Failure, &other)
}

// pin is the fingerprint of a certificate that was refused, "" if none was.
func (x Examination) pin() string {
	if x.Trace.TLS != nil || len(x.Trace.Certificates) == 0 {
		return ""
	}
	return imapsession.PinOf(x.Trace.Certificates[0]).String()
}

// wantsToken reports whether a server offers ways to log in by a token alone.
func (x Examination) wantsToken() bool {
	token, other := false, !slices.Contains(x.Trace.Before, "LOGINDISABLED")
	for _, name := range x.Trace.Before {
		mechanism, ok := strings.CutPrefix(name, "AUTH=")
		bearer := mechanism == imapsession.OAuthBearer || mechanism == imapsession.XOAuth2
		token = token || ok && bearer
		other = other || ok && !bearer
	}
	return token && !other
}
