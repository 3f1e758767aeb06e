package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"imapilot/engine"
	"imapilot/engine/imapsession"
)

// printExamination prints the page that doctor makes.
func (a *app) printExamination(x engine.Examination, now time.Time) {
	p := page{a.screen(), now}
	p.line("", bold, fmt.Sprintf("imapilot %s examines the account %s", version, x.Account.Name))
	p.connection(x)
	p.login(x)
	if len(x.Trace.After) > 0 {
		p.server(x)
		p.mailboxes(x)
		p.strategies(x)
		p.quirks(x)
	}
	p.suggestions(x)
	fmt.Fprint(a.out, p.b.String())
}

// page is a screen of facts under headings.
type page struct {
	*screen
	now time.Time
}

func (p page) heading(text string) {
	p.gap()
	p.line("", bold, text)
}

// fact is one line, its name to the left; without a name it goes on with the one above.
func (p page) fact(name, text string) { p.say(name, plain, text) }

func (p page) say(name string, code int, text string) {
	p.line(fmt.Sprintf("  %-16s", name), code, text)
}

func (p page) connection(x engine.Examination) {
	p.heading("Connection")
	p.fact("host", fmt.Sprintf("%s, port %d, %s", x.Account.Host, x.Account.Port, tlsMode(string(x.Account.TLS))))
	name := "addresses"
	for _, addr := range x.Addresses {
		p.address(name, addr)
		name = ""
	}
	if x.Unresolved != nil {
		p.say(name, red, x.Unresolved.Error())
	}
	p.tls(x)
	if x.Trace.Greeting != "" {
		p.fact("greeting", x.Trace.Greeting)
	}
	if x.RoundTrip > 0 {
		p.fact("round trip", milliseconds(x.RoundTrip))
	}
	p.clock(x)
}

func tlsMode(mode string) string {
	return map[string]string{"implicit": "implicit TLS", "starttls": "STARTTLS", "none": "no TLS"}[mode]
}

func (p page) address(name string, addr engine.Address) {
	if addr.Err != nil {
		p.say(name, yellow, fmt.Sprintf("%s: %v", addr.Addr, addr.Err))
		return
	}
	p.fact(name, fmt.Sprintf("%s answers after %s", addr.Addr, milliseconds(addr.Took)))
}

// milliseconds is a duration as people read it: "0.3 ms", "21 ms".
func milliseconds(d time.Duration) string {
	if ms := float64(d) / float64(time.Millisecond); ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

func (p page) tls(x engine.Examination) {
	if state := x.Trace.TLS; state != nil {
		p.fact("TLS", tls.VersionName(state.Version)+", "+tls.CipherSuiteName(state.CipherSuite))
	}
	if len(x.Trace.Certificates) == 0 {
		return
	}
	p.certificate(x.Trace.Certificates[0])
	switch {
	case x.OtherName():
		p.say("", red, "it is for another name than "+x.Account.Host+"; nothing was shown to this server")
	case x.Trace.TLS == nil:
		p.say("", red, "it is not trusted; nothing was shown to this server")
	}
}

func (p page) certificate(c *x509.Certificate) {
	p.fact("certificate", c.Subject.String())
	if names := certificateNames(c); names != "" {
		p.fact("", "for "+names)
	}
	p.fact("", "signed by "+c.Issuer.String())
	code, left := plain, c.NotAfter.Sub(p.now)
	if left < 14*24*time.Hour {
		code = yellow
	}
	p.say("", code, fmt.Sprintf("valid until %s (%s)", c.NotAfter.UTC().Format(time.DateOnly), days(left)))
	p.fact("", "SHA-256 "+imapsession.PinOf(c).String())
}

func certificateNames(c *x509.Certificate) string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if more := len(names) - 5; more > 0 {
		names = append(names[:5], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func days(left time.Duration) string {
	n := int(left.Hours() / 24)
	if left < 0 {
		return "over since " + count(-n, "day")
	}
	return count(n, "day") + " left"
}

func (p page) clock(x engine.Examination) {
	switch {
	case x.Failure != nil && x.ClockUnknown == nil:
	case x.ClockUnknown != nil:
		p.fact("clock", "not known: "+x.ClockUnknown.Error())
	case x.Clock.Abs() <= 2*time.Second:
		p.fact("clock", "the server's is the same as this one, to two seconds")
	case x.Clock > 0:
		p.say("clock", yellow, fmt.Sprintf("the server's is %s ahead of this one", x.Clock))
	default:
		p.say("clock", yellow, fmt.Sprintf("the server's is %s behind this one", -x.Clock))
	}
}

func (p page) login(x engine.Examination) {
	if len(x.Trace.Before) == 0 && !x.Trace.PreAuth {
		return
	}
	p.heading("Login")
	if x.Trace.PreAuth {
		p.fact("used", "none: the server logs in by itself (PREAUTH)")
		return
	}
	p.fact("offered", loginWays(x.Trace.Before))
	if x.Trace.Mechanism != "" {
		p.fact("used", x.Trace.Mechanism)
	}
	p.fact("capabilities", strings.Join(x.Trace.Before, " "))
}

// loginWays are the ways to log in that a server offers.
func loginWays(capabilities []string) string {
	var out []string
	for _, name := range capabilities {
		if m, ok := strings.CutPrefix(name, "AUTH="); ok {
			out = append(out, m)
		}
	}
	if !slices.Contains(capabilities, "LOGINDISABLED") {
		out = append(out, "LOGIN command")
	}
	if len(out) == 0 {
		return "nothing, before TLS"
	}
	return strings.Join(out, ", ")
}

func (p page) server(x engine.Examination) {
	p.heading("Server")
	p.fact("ID", serverID(x.Server))
	p.fact("capabilities", "after login: "+strings.Join(x.Trace.After, " "))
	if len(x.Namespaces) == 0 {
		p.fact("levels", "between the levels of a name the server has "+delimiter(x.Delimiter))
	}
	for i, n := range x.Namespaces {
		name := ""
		if i == 0 {
			name = "namespaces"
		}
		p.fact(name, fmt.Sprintf("%s: %q, between levels %s", n.Kind, n.Prefix, delimiter(n.Delimiter)))
	}
	for i, q := range x.Quotas {
		name := ""
		if i == 0 {
			name = "quota"
		}
		p.fact(name, quotaText(q))
	}
	for _, err := range x.Refused {
		p.say("refused", yellow, err.Error())
	}
}

func serverID(s imapsession.Server) string {
	words := []string{}
	for _, w := range []string{s.Name, s.Version} {
		if w != "" {
			words = append(words, w)
		}
	}
	if s.Vendor != "" && s.Vendor != s.Name {
		words = append(words, "by "+s.Vendor)
	}
	if len(words) == 0 {
		return "the server does not say what it is"
	}
	return strings.Join(words, " ")
}

func delimiter(r rune) string {
	if r == 0 {
		return "nothing: names are flat"
	}
	return fmt.Sprintf("%q", string(r))
}

func quotaText(q imapsession.Quota) string {
	used, limit := fmt.Sprint(q.Used), fmt.Sprint(q.Limit)
	if q.Resource == "STORAGE" {
		used, limit = storage(q.Used*1024), storage(q.Limit*1024)
	}
	text := fmt.Sprintf("%s: %s of %s", strings.ToLower(q.Resource), used, limit)
	if q.Limit > 0 {
		text += fmt.Sprintf(" (%d %%)", q.Used*100/q.Limit)
	}
	return text
}

// storage is a number of octets as people read it.
func storage(n uint64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	size, names := float64(n), "KMGTPE"
	i := -1
	for size >= unit && i < len(names)-1 {
		size /= unit
		i++
	}
	return fmt.Sprintf("%.1f %ciB", size, names[i])
}

func (p page) mailboxes(x engine.Examination) {
	p.heading("Mailboxes")
	m := x.Mailboxes
	text := fmt.Sprintf("%d names, %d of them mailboxes that can be opened; messages: %d, and %d in the largest", m.All, m.Selectable, m.Messages, m.Largest)
	if m.Octets > 0 {
		text += ", " + storage(m.Octets) + " in all"
	}
	p.fact("there are", text)
	p.fact("watched", fmt.Sprint(x.Watched))
	for i, r := range x.Roles {
		name, how := "", "known by its name"
		if i == 0 {
			name = "roles"
		}
		if r.Announced {
			how = "announced"
		}
		p.fact(name, fmt.Sprintf("%s: %s (%s)", r.Role, r.Mailbox, how))
	}
}

func (p page) strategies(x engine.Examination) {
	p.heading("What imapilot does here")
	for _, s := range x.Strategies() {
		p.fact(s.What, s.How)
		p.line(strings.Repeat(" ", 18), plain, "because "+s.Why)
	}
}

// quirks are what is known of such a server, whether or not it shows here.
func (p page) quirks(x engine.Examination) {
	if len(x.Profile.Quirks) == 0 {
		return
	}
	p.heading("Known of " + x.Profile.Name)
	for _, q := range x.Profile.Quirks {
		p.fact(q.Name, fmt.Sprintf("%s (%s)", q.Does, q.Source))
		p.line(strings.Repeat(" ", 18), plain, "so "+q.Duty)
	}
}

func (p page) suggestions(x engine.Examination) {
	list := x.Suggestions()
	if len(list) == 0 {
		return
	}
	p.heading("Suggestions for the account " + x.Account.Name)
	for _, s := range list {
		p.line("  ", yellow, s.Why)
		for _, line := range s.Lines {
			p.b.WriteString("      " + visible(line) + "\n")
		}
	}
}

// printFixes prints lines that can be put into the configuration as they are.
func (a *app) printFixes(x engine.Examination) {
	list := x.Suggestions()
	if len(list) == 0 && x.Failure == nil {
		fmt.Fprintln(a.err, "There is nothing to suggest.")
	}
	for i, s := range list {
		if i == 0 {
			fmt.Fprintf(a.out, "accounts:\n  %s:\n", x.Account.Name)
		}
		fmt.Fprintf(a.out, "    # %s\n", visible(s.Why))
		for _, line := range s.Lines {
			fmt.Fprintf(a.out, "    %s\n", visible(line))
		}
	}
}
