package provider

import (
	"slices"
	"strings"
)

// row is a line of the table: a profile and how its servers are known. All is in lower
// case.
type row struct {
	profile Profile
	// caps are capabilities that nobody else announces.
	caps []string
	// ids are the beginnings of names, or of vendors, in an answer to ID.
	ids []string
	// greetings are words of greetings.
	greetings []string
	// hosts are domains: they and whatever is below them.
	hosts []string
	// tokens is the name in oauth2: of the service that runs these hosts, where it takes
	// no password. The same software elsewhere may take one.
	tokens string
}

// Of returns the profile of a server, the zero Profile where nothing special is known.
func Of(f Facts) Profile {
	rows := table()
	for _, known := range []func(row) bool{
		func(r row) bool { return slices.ContainsFunc(f.Capabilities, r.announces) },
		func(r row) bool { return r.introduces(f.Name) || r.introduces(f.Vendor) },
		func(r row) bool { return r.greets(f.Greeting) },
		func(r row) bool { return r.serves(f.Host) },
	} {
		if i := slices.IndexFunc(rows, known); i >= 0 {
			return rows[i].profile
		}
	}
	return Profile{}
}

// TokensOnly is the name in oauth2: of the service that runs a host, where it takes OAuth2
// tokens and no password; "" for any other.
func TokensOnly(host string) string {
	rows := table()
	if i := slices.IndexFunc(rows, func(r row) bool { return r.serves(host) }); i >= 0 {
		return rows[i].tokens
	}
	return ""
}

// All returns every profile, in the order of the table.
func All() []Profile {
	var out []Profile
	for _, r := range table() {
		out = append(out, r.profile)
	}
	return out
}

func (r row) announces(capability string) bool {
	return slices.Contains(r.caps, strings.ToLower(capability))
}

func (r row) introduces(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(r.ids, func(id string) bool { return strings.HasPrefix(name, id) })
}

func (r row) greets(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(r.greetings, func(words string) bool { return strings.Contains(text, words) })
}

// serves reports whether a host is one of the domains, or below one: evil-gmail.com is
// not.
func (r row) serves(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return slices.ContainsFunc(r.hosts, func(domain string) bool {
		return host == domain || strings.HasSuffix(host, "."+domain)
	})
}
