package main

import (
	"crypto/tls"
	"time"

	"imapilot/engine"
	"imapilot/engine/imapsession"
)

// examined is an examination as JSON.
type examined struct {
	Account   string            `json:"account"`
	Host      string            `json:"host"`
	Port      int               `json:"port"`
	TLSMode   string            `json:"tls_mode"`
	Addresses []examinedAddress `json:"addresses"`
	TLS       *examinedTLS      `json:"tls,omitempty"`
	Greeting  string            `json:"greeting,omitempty"`
	Before    []string          `json:"capabilities_before_login,omitempty"`
	After     []string          `json:"capabilities,omitempty"`
	Mechanism string            `json:"mechanism,omitempty"`
	Server    map[string]string `json:"server,omitempty"`
	// Namespaces are in the order of RFC 2342.
	Namespaces []examinedNamespace `json:"namespaces,omitempty"`
	Quotas     []examinedQuota     `json:"quotas,omitempty"`
	Mailboxes  int                 `json:"mailboxes"`
	Watched    int                 `json:"watched"`
	Messages   uint64              `json:"messages"`
	Octets     uint64              `json:"octets,omitempty"`
	Roles      map[string]string   `json:"roles,omitempty"`
	RoundTrip  float64             `json:"round_trip_ms,omitempty"`
	ClockAhead *float64            `json:"clock_ahead_seconds,omitempty"`
	Strategies []examinedStrategy  `json:"strategies,omitempty"`
	// Provider is what the server is known as, Quirks what is known of it.
	Provider    string          `json:"provider,omitempty"`
	Quirks      []examinedQuirk `json:"quirks,omitempty"`
	Suggestions []examinedFix   `json:"suggestions,omitempty"`
	Error       string          `json:"error,omitempty"`
}

type examinedAddress struct {
	Address string  `json:"address"`
	Took    float64 `json:"took_ms"`
	Error   string  `json:"error,omitempty"`
}

type examinedTLS struct {
	Version  string    `json:"version,omitempty"`
	Cipher   string    `json:"cipher,omitempty"`
	Trusted  bool      `json:"trusted"`
	Subject  string    `json:"subject,omitempty"`
	Issuer   string    `json:"issuer,omitempty"`
	NotAfter time.Time `json:"not_after,omitzero"`
	SHA256   string    `json:"sha256,omitempty"`
}

type examinedNamespace struct {
	Kind      string `json:"kind"`
	Prefix    string `json:"prefix"`
	Delimiter string `json:"delimiter"`
}

type examinedQuota struct {
	Root     string `json:"root"`
	Resource string `json:"resource"`
	Used     uint64 `json:"used"`
	Limit    uint64 `json:"limit"`
}

type examinedStrategy struct {
	What string `json:"what"`
	How  string `json:"how"`
	Why  string `json:"why"`
}

type examinedQuirk struct {
	Name   string `json:"name"`
	Does   string `json:"does"`
	Duty   string `json:"duty"`
	Source string `json:"source"`
}

type examinedFix struct {
	Lines []string `json:"lines"`
	Why   string   `json:"why"`
}

func newExamined(x engine.Examination) examined {
	out := examined{
		Account: x.Account.Name, Host: x.Account.Host, Port: x.Account.Port, TLSMode: string(x.Account.TLS),
		Addresses: []examinedAddress{}, TLS: newExaminedTLS(x.Trace), Greeting: x.Trace.Greeting,
		Before: x.Trace.Before, After: x.Trace.After, Mechanism: x.Trace.Mechanism,
		Mailboxes: x.Mailboxes.All, Watched: x.Watched, Messages: x.Mailboxes.Messages, Octets: x.Mailboxes.Octets,
		RoundTrip: inMilliseconds(x.RoundTrip), Roles: map[string]string{},
	}
	for _, addr := range x.Addresses {
		out.Addresses = append(out.Addresses, examinedAddress{addr.Addr.String(), inMilliseconds(addr.Took), errorText(addr.Err)})
	}
	for _, r := range x.Roles {
		out.Roles[r.Role] = r.Mailbox
	}
	for _, n := range x.Namespaces {
		between := ""
		if n.Delimiter != 0 {
			between = string(n.Delimiter)
		}
		out.Namespaces = append(out.Namespaces, examinedNamespace{n.Kind, n.Prefix, between})
	}
	for _, q := range x.Quotas {
		out.Quotas = append(out.Quotas, examinedQuota(q))
	}
	for _, s := range x.Suggestions() {
		out.Suggestions = append(out.Suggestions, examinedFix{s.Lines, s.Why})
	}
	out.learned(x)
	return out
}

// learned adds what is known only where the login succeeded.
func (e *examined) learned(x engine.Examination) {
	e.Error = errorText(x.Failure)
	if len(x.Trace.After) == 0 {
		return
	}
	e.Server = map[string]string{"name": x.Server.Name, "version": x.Server.Version, "vendor": x.Server.Vendor}
	for _, s := range x.Strategies() {
		e.Strategies = append(e.Strategies, examinedStrategy(s))
	}
	e.Provider = x.Profile.Name
	for _, q := range x.Profile.Quirks {
		e.Quirks = append(e.Quirks, examinedQuirk(q))
	}
	if x.Failure == nil && x.ClockUnknown == nil {
		ahead := x.Clock.Seconds()
		e.ClockAhead = &ahead
	}
}

func newExaminedTLS(t imapsession.Trace) *examinedTLS {
	if t.TLS == nil && len(t.Certificates) == 0 {
		return nil
	}
	out := &examinedTLS{Trusted: t.TLS != nil}
	if t.TLS != nil {
		out.Version, out.Cipher = tls.VersionName(t.TLS.Version), tls.CipherSuiteName(t.TLS.CipherSuite)
	}
	if len(t.Certificates) > 0 {
		c := t.Certificates[0]
		out.Subject, out.Issuer, out.NotAfter, out.SHA256 = c.Subject.String(), c.Issuer.String(), c.NotAfter, imapsession.PinOf(c).String()
	}
	return out
}

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
