package config

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"imapilot/engine/config/strictyaml"
	"imapilot/rules"
)

// Admin is the listener that tells whether the daemon is alive.
type Admin struct {
	// Listen is host:port; the host is "" for all addresses of the machine.
	Listen string
	// Hosts are the names under which it may be asked for, beside those of loopback and
	// the host of Listen.
	Hosts []string
	// Token is what a caller has to show, none where it is zero.
	Token Secret
}

// IsLoopback reports whether only this machine can reach an address host:port.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Notices say who is told when something needs a person.
type Notices struct {
	// Webhook is the name of the endpoint that is called.
	Webhook string
}

const (
	minStale = 10 * time.Second
	maxStale = 7 * day
	// maxHosts is how many names the admin listener may have.
	maxHosts = 50
)

// admin reads the listener: a port of loopback alone, or all of it.
func (l *loader) admin(key, n *strictyaml.Node) {
	a := &Admin{}
	l.cfg.Admin = a
	if n.Kind == strictyaml.Scalar {
		l.listen(n, a)
	} else {
		l.mapping(n, "admin", fields{
			"listen": func(_, n *strictyaml.Node) { l.listen(n, a) },
			"token":  func(_, n *strictyaml.Node) { l.secret(n, "token", &a.Token) },
			"hosts":  func(_, n *strictyaml.Node) { l.adminHosts(n, a) },
		})
		if n.Kind == strictyaml.Mapping && n.Get("listen") == nil {
			l.problem(key, "admin has no listen", "as in admin: {listen: 127.0.0.1:9464}")
		}
	}
	if a.Listen != "" && !IsLoopback(a.Listen) && a.Token.IsZero() && (n.Kind != strictyaml.Mapping || n.Get("token") == nil) {
		l.problem(key, fmt.Sprintf("%s can be reached from other machines, and asks nobody for a token", a.Listen),
			"name a secret, as in token: {file: /run/secrets/admin}, or listen on 127.0.0.1")
	}
}

func (l *loader) listen(n *strictyaml.Node, a *Admin) {
	const hint = "as in 9464, 127.0.0.1:9464 or '[::1]:9464'"
	if n.Kind == strictyaml.Scalar && n.Type == strictyaml.Integer {
		var port int
		if l.integer(n, 1, maxPort, &port); port > 0 {
			a.Listen = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		}
		return
	}
	var text string
	if !l.filled(n, &text) {
		return
	}
	host, port, err := net.SplitHostPort(text)
	number, numErr := strconv.Atoi(port)
	if err != nil || numErr != nil || number < 1 || number > maxPort || strings.ContainsAny(host, " /@") {
		l.problem(n, "this is no address to listen on", hint)
		return
	}
	a.Listen = text
}

func (l *loader) adminHosts(n *strictyaml.Node, a *Admin) {
	if n.Kind == strictyaml.Mapping {
		l.wrongType(n, "a list")
		return
	}
	for _, item := range l.items(n) {
		if _, err := netip.ParseAddr(item.Value); err != nil && (item.Value == "" || strings.ContainsAny(item.Value, ":/ @*")) {
			l.problem(item, "this is no name of a host", "the name alone, without a port, as in imapilot.example.org")
		}
	}
	if a.Hosts = l.strings(n); len(a.Hosts) > maxHosts {
		l.problem(n, fmt.Sprintf("there are more than %d hosts", maxHosts), "")
	}
}

func (l *loader) notices(n *strictyaml.Node) {
	if n.Kind == strictyaml.Scalar && n.Value != "" {
		l.problem(n, "notices is told how it is to tell", fmt.Sprintf("as in notices: {webhook: %s}", n.Value))
		return
	}
	l.mapping(n, "notices", fields{
		"webhook": func(_, n *strictyaml.Node) {
			if l.filled(n, &l.cfg.Notices.Webhook) {
				l.noticed = &ref{l.reading, n}
			}
		},
	})
}

// checkNotices looks for the endpoint of the notices, when all files are read.
func (l *loader) checkNotices() {
	if l.noticed == nil {
		return
	}
	tell := func(message, hint string) {
		l.addIn(l.noticed.file, l.noticed.node.Span(0, 0), rules.Error, message, hint)
	}
	name := l.cfg.Notices.Webhook
	i := slices.IndexFunc(l.cfg.Webhooks, func(w Webhook) bool { return w.Name == name })
	switch {
	case i < 0 && l.missing["webhooks"]:
	case i < 0:
		var names []string
		for _, w := range l.cfg.Webhooks {
			names = append(names, w.Name)
		}
		hint := "define it under webhooks:"
		if near := nearest(name, names); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		tell(fmt.Sprintf("there is no webhook %q", name), hint)
	case l.cfg.Webhooks[i].Template() != nil:
		tell(fmt.Sprintf("the url of webhook %q has ${expressions} of a message, and a notice is about none", name), "name one whose url has none")
	}
}

// staleAfter reads how long a server may be silent.
func (l *loader) staleAfter(n *strictyaml.Node, out *time.Duration) {
	l.duration(n, minStale, maxStale, out)
}

// checkStale warns of bounds that are shorter than the rhythm of the proofs: the
// mailboxes would be stale between two of them. A bound of several accounts is one
// slip, and there is one word about it.
func (l *loader) checkStale() {
	short := map[*strictyaml.Node][]Account{}
	for i := range l.cfg.Accounts {
		a := &l.cfg.Accounts[i]
		own, has := l.stale[a.Name]
		if !has {
			a.StaleAfter, own = l.cfg.StaleAfter, l.stale[""]
		}
		if own.node != nil && a.StaleAfter != 0 && a.StaleAfter <= a.slower() {
			short[own.node] = append(short[own.node], *a)
		}
	}
	for _, at := range l.stale {
		if accounts := short[at.node]; len(accounts) > 0 {
			l.tooStale(at, accounts)
		}
	}
}

// slower is how rarely the mailboxes of an account may prove themselves.
func (a Account) slower() time.Duration { return max(a.Idle, a.Poll) }

// tooStale warns of one bound that is too short for some accounts. What suits the
// slowest of them suits all.
func (l *loader) tooStale(at ref, accounts []Account) {
	slowest := slices.MaxFunc(accounts, func(a, b Account) int { return cmp.Compare(a.slower(), b.slower()) })
	whose := fmt.Sprintf("account %q", slowest.Name)
	switch more := len(accounts) - 1; {
	case more == 1:
		whose += " and one more"
	case more > 1:
		whose += fmt.Sprintf(" and %d more", more)
	}
	l.addIn(at.file, at.node.Span(0, 0), rules.Warning, fmt.Sprintf("the mailboxes of %s may prove themselves only every %s, and would count as stale in between", whose, spell(slowest.slower())),
		fmt.Sprintf("more than that, as in %s, or a shorter idle: and poll:", spell(slowest.slower()+time.Minute)))
}
