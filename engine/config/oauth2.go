package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"imapilot/engine/config/strictyaml"
	"imapilot/engine/oauth"
	"imapilot/rules"
)

// OAuth2 is how an account gets its tokens, with the defaults of its provider applied.
type OAuth2 struct {
	// DeviceEndpoint and AuthorizationEndpoint are "" where the provider has none of use.
	DeviceEndpoint, AuthorizationEndpoint, TokenEndpoint string
	ClientID                                             string
	// ClientSecret is zero for a public client.
	ClientSecret Secret
	Scopes       []string
	// Folder is where tokens are stored, and Key what they are encrypted with.
	Folder string
	Key    Secret
}

// oauthProvider is a provider that is known by name. No client_id is: imapilot is
// registered nowhere.
type oauthProvider struct {
	name                         string
	device, authorization, token string // endpoints; {tenant} stands in them
	scopes                       []string
	tenant                       string // the default, "" where there are no tenants
	secret                       bool   // its clients have one, which they must show
	register                     string
}

func oauthProviders() []oauthProvider {
	return []oauthProvider{
		// Google gives no scope for mail to a device code ("Invalid device flow scope").
		{
			name: "google", authorization: "https://accounts.google.com/o/oauth2/v2/auth", token: "https://oauth2.googleapis.com/token",
			scopes: []string{"https://mail.google.com/"}, secret: true,
			register: "make a client of the type desktop app at https://console.cloud.google.com/auth/clients",
		},
		{
			name: "microsoft", device: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode", token: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
			scopes: []string{"https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"}, tenant: "common",
			register: "register an application that allows public client flows at https://entra.microsoft.com",
		},
	}
}

func oauthProviderNames() []string {
	var out []string
	for _, p := range oauthProviders() {
		out = append(out, p.name)
	}
	return out
}

// oauth2 reads where an account gets its tokens from.
func (l *loader) oauth2(key, n *strictyaml.Node) *OAuth2 {
	if n.Kind == strictyaml.Scalar {
		l.oauth2Word(n)
		return nil
	}
	o, p := &OAuth2{}, oauthProvider{}
	if l.firstOAuth2 == nil {
		l.firstOAuth2 = &ref{l.reading, key}
	}
	tenant := ""
	l.mapping(n, "oauth2", fields{
		"provider":               func(_, n *strictyaml.Node) { l.oauthProvider(n, &p) },
		"client_id":              func(_, n *strictyaml.Node) { l.filled(n, &o.ClientID) },
		"client_secret":          func(_, n *strictyaml.Node) { l.secret(n, "client_secret", &o.ClientSecret) },
		"tenant":                 func(_, n *strictyaml.Node) { l.tenant(n, &tenant) },
		"device_endpoint":        func(_, n *strictyaml.Node) { l.endpoint(n, &o.DeviceEndpoint) },
		"authorization_endpoint": func(_, n *strictyaml.Node) { l.endpoint(n, &o.AuthorizationEndpoint) },
		"token_endpoint":         func(_, n *strictyaml.Node) { l.endpoint(n, &o.TokenEndpoint) },
		"scopes":                 func(_, n *strictyaml.Node) { o.Scopes = l.scopes(n) },
	})
	if n.Kind != strictyaml.Mapping {
		return nil
	}
	l.checkOAuth2(key, n, p)
	o.defaults(p, tenant)
	return o
}

// oauth2Word refuses the name of a provider alone, and says what else it takes.
func (l *loader) oauth2Word(n *strictyaml.Node) {
	for _, p := range oauthProviders() {
		if strings.EqualFold(n.Value, p.name) {
			l.problem(n, "oauth2: needs a client_id of your own, for no provider knows imapilot", p.register+", and write oauth2: "+p.example())
			return
		}
	}
	l.problem(n, fmt.Sprintf("there is no provider %q", n.Value), "known here: "+strings.Join(oauthProviderNames(), ", ")+"; of any other give the endpoints, as in "+anyProvider)
}

const anyProvider = "{client_id: ID, device_endpoint: 'https://login.example.org/device', token_endpoint: 'https://login.example.org/token', scopes: [mail]}"

func (p oauthProvider) example() string {
	secret := ""
	if p.secret {
		secret = ", client_secret: {file: PATH}"
	}
	return "{provider: " + p.name + ", client_id: ID" + secret + "}"
}

func (l *loader) oauthProvider(n *strictyaml.Node, out *oauthProvider) {
	i := slices.IndexFunc(oauthProviders(), func(p oauthProvider) bool { return strings.EqualFold(p.name, n.Value) })
	if i < 0 {
		l.oauth2Word(n)
		return
	}
	*out = oauthProviders()[i]
}

func (l *loader) tenant(n *strictyaml.Node, out *string) {
	if l.filled(n, out) && !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$`).MatchString(*out) {
		l.problem(n, "this is no tenant", "the directory's id or domain, or common, organizations or consumers")
	}
}

func (l *loader) endpoint(n *strictyaml.Node, out *string) {
	if !l.filled(n, out) {
		return
	}
	if err := oauth.CheckEndpoint(*out); err != nil {
		l.problem(n, err.Error(), "http is for this machine alone, as in http://127.0.0.1:8080/token")
	}
}

func (l *loader) scopes(n *strictyaml.Node) []string {
	for _, item := range l.items(n) {
		if item.Kind == strictyaml.Scalar && (item.Value == "" || strings.ContainsAny(item.Value, " \t\"\\")) {
			l.problem(item, "this is no scope", "write them as a list, as in [https://mail.google.com/]")
		}
	}
	return l.strings(n)
}

// checkOAuth2 reports what a mapping lacks, or has in vain.
func (l *loader) checkOAuth2(key, n *strictyaml.Node, p oauthProvider) {
	if n.Get("client_id") == nil {
		hint := p.register
		if hint == "" {
			hint = "the provider gives it to whoever registers an application; as in " + anyProvider
		}
		l.problem(key, "oauth2: needs a client_id of your own, for no provider knows imapilot", hint)
	}
	if p.secret && n.Get("client_secret") == nil {
		l.problem(key, p.name+" gives each client a secret, and wants to see it", "as in client_secret: {file: PATH}")
	}
	if tenant := n.Get("tenant"); tenant != nil && p.tenant == "" {
		l.problem(tenant, "only microsoft has tenants", "write provider: microsoft, or leave it out")
	}
	if n.Get("provider") != nil {
		return
	}
	if n.Get("token_endpoint") == nil {
		l.problem(key, "oauth2: names neither a provider nor a token_endpoint", "known here: "+strings.Join(oauthProviderNames(), ", ")+"; of any other as in "+anyProvider)
	}
	if n.Get("scopes") == nil {
		l.problem(key, "oauth2: does not say which scopes to ask for", "the provider's documentation names those for IMAP; as in "+anyProvider)
	}
}

// defaults takes what the provider has where nothing else is said.
func (o *OAuth2) defaults(p oauthProvider, tenant string) {
	if tenant == "" {
		tenant = p.tenant
	}
	for _, e := range []struct {
		to   *string
		from string
	}{{&o.DeviceEndpoint, p.device}, {&o.AuthorizationEndpoint, p.authorization}, {&o.TokenEndpoint, p.token}} {
		if *e.to == "" {
			*e.to = strings.ReplaceAll(e.from, "{tenant}", tenant)
		}
	}
	if len(o.Scopes) == 0 {
		o.Scopes = p.scopes
	}
}

// tokens tells the accounts where their tokens are stored, and wants a key for them.
func (l *loader) tokens() {
	for i := range l.cfg.Accounts {
		if o := l.cfg.Accounts[i].OAuth2; o != nil {
			o.Folder, o.Key = l.cfg.State+".tokens", l.tokenKey
		}
	}
	if at := l.firstOAuth2; at != nil && !l.hasTokenKey {
		l.addIn(at.file, at.node.Span(0, 0), rules.Error, "tokens are stored encrypted, and there is no key for that",
			"add token_key: {file: imapilot.key} at the top level; this makes one: "+oauth.MakeKey("imapilot.key"))
	}
}

// readTokenKey reads where the key is, and refuses one that stands in the file: whoever may read the file and the
// tokens could use them.
func (l *loader) readTokenKey(n *strictyaml.Node) {
	l.hasTokenKey = true
	if n.Kind == strictyaml.Scalar {
		l.hide(n)
		l.problem(n, "the key does not stand in the configuration", "as in token_key: {file: imapilot.key}; this makes one: "+oauth.MakeKey("imapilot.key"))
		return
	}
	l.secret(n, "token_key", &l.tokenKey)
}
