package imapsession

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// maxRemarks is how many remarks of a server are logged in an hour of one
// connection: whoever fills a disk or hides something among them is a server,
// too.
const maxRemarks = 20

// remarks counts those of the hour that began at since.
type remarks struct {
	since time.Time
	n     int
}

// another counts one. It reports whether it is to be logged, and whether it is
// the first one that is not.
func (m *remarks) another(now time.Time) (shown, first bool) {
	if now.Sub(m.since) >= time.Hour {
		*m = remarks{since: now}
	}
	m.n++
	return m.n <= maxRemarks, m.n == maxRemarks+1
}

// remark logs what a server says beside its answers. The caller holds the
// mutex, or is the only one who knows the guard.
func (g *guard) remark(r response) {
	alert := r.code == "ALERT"
	if !alert && r.kind == "OK" {
		return
	}
	shown, first := g.remarks.another(time.Now())
	if first {
		g.o.Logger.Warn("the server has more to say than is logged", "account", g.o.Account, "most_per_hour", maxRemarks)
	}
	if !shown {
		return
	}
	said := g.o.completion(r)
	if alert {
		g.o.Logger.Warn("the server's alert", "account", g.o.Account, "text", said.text)
		return
	}
	g.o.Logger.Debug("the server's remark", "account", g.o.Account, "status", said.status, "code", said.code, "text", said.text)
}

// completion is what a status response says, fit to be shown.
func (o *Options) completion(r response) *completion {
	return &completion{status: printable(r.kind), code: printable(r.code), text: o.quote(r.text), args: o.quote(r.args)}
}

// quote makes a text of the server's fit to be shown, and takes the password
// out of it: some servers repeat the command that they did not understand.
func (o *Options) quote(text []byte) string {
	if len(text) > maxQuoted {
		text = text[:maxQuoted]
	}
	return printable(o.withoutSecret(string(text)))
}

// maxQuoted is far more than is shown, so that no password is cut in two where
// it would be.
const maxQuoted = 16 << 10

func (o *Options) withoutSecret(text string) string {
	for _, spelling := range o.secrets {
		text = strings.ReplaceAll(text, spelling, "***")
	}
	return text
}

// secretsOf are the ways in which a password is sent; nil where there is none to take
// out.
func secretsOf(username, password string) []string {
	const shortest = 4 // a shorter one would be missed in ordinary words
	if len(password) < shortest {
		return nil
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + username + "\x00" + password))
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(password)
	return slices.Compact([]string{plain, base64.StdEncoding.EncodeToString([]byte(password)), quoted, password})
}
