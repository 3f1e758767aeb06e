package config

import (
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

// checkStale warns of a bound that is shorter than the rhythm of the proofs: the mailbox
// would be stale between two of them.
func (l *loader) checkStale() {
	for i := range l.cfg.Accounts {
		a := &l.cfg.Accounts[i]
		own := l.stale[a.Name]
		if a.StaleAfter == 0 {
			a.StaleAfter, own = l.cfg.StaleAfter, l.stale[""]
		}
		slower := max(a.Idle, a.Poll)
		if a.StaleAfter == 0 || a.StaleAfter > slower || own.node == nil {
			continue
		}
		l.addIn(own.file, own.node.Span(0, 0), rules.Warning, fmt.Sprintf("the mailboxes of account %q may prove themselves only every %s, and would count as stale in between", a.Name, spell(slower)),
			fmt.Sprintf("more than that, as in %s, or a shorter idle: and poll:", spell(slower+time.Minute)))
	}
}
