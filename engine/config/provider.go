package config

import (
	"fmt"
	"slices"

	"imapilot/engine/config/strictyaml"
	"imapilot/engine/provider"
)

// tooManyConnections warns of more connections than a provider that is known by its host
// allows: what the server itself tells is known only when it is connected to.
func (l *loader) tooManyConnections(e strictyaml.Entry, a Account) {
	if e.Value.Kind != strictyaml.Mapping || e.Value.Get("connections") == nil {
		return
	}
	p := provider.Of(provider.Facts{Host: a.Host})
	if n, above := p.Connections(a.Connections); above {
		what := "no more are opened"
		if n == a.Connections {
			what = "unless its administrator allowed more, the others are refused"
		}
		l.warn(e.Value.Get("connections"), fmt.Sprintf("%s allows %d connections: %s", p.Name, p.MaxConnections, what),
			"mail programs that read the same mail count, too, so leave some to them")
	}
}

// noPassword warns of a password for a host that takes OAuth2 tokens only.
func (l *loader) noPassword(e strictyaml.Entry, a Account) {
	key := keyOf(e.Value, "password")
	i := slices.IndexFunc(oauthProviders(), func(p oauthProvider) bool { return p.name == provider.TokensOnly(a.Host) })
	if key == nil || i < 0 || e.Value.Get("oauth2") != nil || e.Value.Get("token") != nil {
		return
	}
	p := oauthProviders()[i]
	l.warn(key, fmt.Sprintf("%s accepts only OAuth2, and no password", a.Host),
		fmt.Sprintf("%s, and write oauth2: %s in its place; 'imapilot init' writes such an account", p.register, p.example()))
}
